"""`mien summarize`: a film's moments, chosen by expression."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import DetectorOption, FpsOption, JsonOption, MinFaceOption, NetworkOption, StoreOption
from mien.config import Choices, DetectorName
from mien.errors import ConfigError

if TYPE_CHECKING:
    from mien.videos.summary.types import Summary


def summarize(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A video file.")],
    length: Annotated[
        str,
        typer.Option(
            help="The longest that the summary may be: seconds, or a share of the video.",
            metavar="60s|15%",
        ),
    ] = "15%",
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the results. Earlier results in it are replaced.")
    ] = Path("mien-summary"),
    neutral: Annotated[
        str | None,
        typer.Option(
            help="Read the main face against its own neutral face, as mien analyze does [off].",
            metavar="first:10s|PHOTO|auto|off",
        ),
    ] = None,
    usual: Annotated[
        str | None,
        typer.Option(
            help="Seconds in which the person is as usual, from which distance counts [the whole video].",
            metavar="FROM-TO",
        ),
    ] = None,
    subject: Annotated[
        str | None,
        typer.Option(
            help="Whose baseline in the record says what is usual; the main face is taken for theirs.",
            metavar="CODE",
        ),
    ] = None,
    store: StoreOption = None,
    attention: Annotated[
        str,
        typer.Option(
            help="Whose attention in time counts in the score: that of mien sentiment's network, of your own"
            " one, or nobody's.",
            metavar="auto|PATH|off",
        ),
    ] = "auto",
    blur_others: Annotated[
        bool,
        typer.Option("--blur-others", help="Blur all faces but the main one, in the film and in pictures."),
    ] = False,
    detector: DetectorOption = None,
    network: NetworkOption = None,
    min_face: MinFaceOption = None,
    fps: FpsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose a video's moments by what the main face expresses, and write them as a film of their own.

    Every expression that lasts a second is shown where the length allows it. Writes the film with its sound,
    a storyboard, a page, chapters, and figures with a reason for each piece. It is a way into the recording,
    not its replacement; see docs/summaries.md.

    Example: mien summarize session.mp4 --length 60s --out summary
    """
    from mien.videos.summary.api import summarize as summarized

    chosen: Choices = {}
    if min_face is not None:
        chosen["min_face_px"] = min_face
    if fps is not None:
        chosen["fps"] = fps
    with progress_bar("Summarizing", 1.0, wanted=not as_json) as progress:
        summary = summarized(
            video,
            length,
            out=out,
            neutral=neutral,
            usual=None if usual is None else _span(usual),
            subject=subject,
            store=store,
            attention=attention,
            blur_others=blur_others,
            detector=cast("DetectorName | None", detector),
            network=network,
            progress=progress,
            **chosen,
        )
    if as_json:
        print_json(summary.as_dict() | {"files": [str(each) for each in summary.files]})
    else:
        _print(summary)


def _span(text: str) -> tuple[float, float]:
    start, dash, end = text.partition("-")
    try:
        span = float(start), float(end)
    except ValueError:
        span = (0.0, 0.0)
    if not dash or not 0 <= span[0] < span[1] or not all(map(isfinite, span)):
        raise ConfigError(f"--usual: expected seconds FROM-TO such as 0-30, received {text!r}")
    return span


def _print(summary: Summary) -> None:
    from mien.videos.summary.words import WAY_IN, clock, seconds

    if summary.pieces:
        typer.echo(f"{summary.source}: {seconds(summary.length_s)} of {seconds(summary.duration_s)}")
    for number, each in enumerate(summary.pieces, 1):
        span = f"{clock(each.start_s)} to {clock(each.end_s)}"
        typer.echo(f"{number:3}  {span:18}  {each.reason}")
    for note in summary.notes:
        typer.echo(f"note: {note}")
    for file in summary.files:
        typer.echo(f"{file.suffix[1:]:8} {file}")
    if summary.pieces:
        typer.echo(WAY_IN)
