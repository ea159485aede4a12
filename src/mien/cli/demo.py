"""`mien demo`: the whole way on the built-in portrait, without a camera and without a file."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.analyze import print_reading
from mien.cli.console import progress_bar
from mien.cli.options import DetectorOption, NetworkOption

if TYPE_CHECKING:
    from mien.config import Settings


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path("mien-demo"),
    detector: DetectorOption = None,
    network: NetworkOption = None,
    page: Annotated[
        bool, typer.Option("--page/--no-page", help="Show it live on a page too, where a person is there.")
    ] = True,
) -> None:
    """Show the whole way on the built-in moving portrait.

    Writes a table, a clip with the face marked, and a plot. At a terminal it then shows the portrait live on
    a page, until Ctrl-C; that needs `pip install 'mien[web]'`. The portrait is matplotlib's photograph of
    Grace Hopper, which is in the public domain, slowly panned, zoomed and turned.

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
    if page and sys.stdin.isatty() and sys.stdout.isatty():
        _show_live(settings)


def _show_live(settings: Settings) -> None:
    if find_spec("nicegui") is None:
        typer.echo("To see it live on a page: pip install 'mien[web]'")
        return
    from mien.live.places import PORTRAIT
    from mien.live.station import Station
    from mien.source import open_live
    from mien.web.serve import run_page
    from mien.web.settings import WebSettings

    with Station(settings) as station:
        station.add(PORTRAIT, lambda: open_live(PORTRAIT), where=PORTRAIT)
        # Any free port: a page that runs already must not stop the demo.
        run_page(station, WebSettings(port=0))
