"""`mien demo`: the whole way on the built-in portrait, without a camera and without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.analyze import print_reading
from mien.cli.console import progress_bar


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("mien-demo"),
    detector: Annotated[str | None, typer.Option(help="auto, haar, mtcnn or yunet.", metavar="NAME")] = None,
    network: Annotated[
        str | None, typer.Option(help="A built-in network or an .onnx file.", metavar="NAME|PATH")
    ] = None,
) -> None:
    """Show the whole way on the built-in moving portrait.

    Writes a table, a clip with the face marked, and a plot. The portrait is matplotlib's photograph of Grace
    Hopper, which is in the public domain, slowly panned, zoomed and turned.

    Example: mien demo
    """
    from mien.analysis.batch import analyse_all
    from mien.analysis.partial import Wanted
    from mien.analysis.task import PORTRAIT
    from mien.config import load_settings

    settings = load_settings(detector=detector, network=network)
    with progress_bar("reading", 1) as progress:
        result = analyse_all([PORTRAIT], settings, out, wanted=Wanted(annotate=True), progress=progress)
    print_reading(result)
