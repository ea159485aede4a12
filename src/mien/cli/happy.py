"""`mien happy`: happy or not, of whole videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import JsonOption
from mien.cli.videos import answer_each, check_results
from mien.config import load_settings
from mien.pipeline import Pipeline

if TYPE_CHECKING:
    from mien.videos.happy import HappyReading


def happy(
    context: typer.Context,
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO...", help="One or more videos.")],
    network: Annotated[
        str | None,
        typer.Option(
            help="What answers: the mean or maximum of the frame network, or a network that you trained"
            " (.onnx) [maximum].",
            metavar="maximum|mean|NAME.onnx",
        ),
    ] = None,
    track: Annotated[
        int | None,
        typer.Option(help="Which face, by its number in the table of `mien analyze` [the largest]."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write answer (JSON) and plot here.", metavar="FOLDER"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether the main face of a video shows happiness, and when.

    A long video is read in windows of some seconds; the answer is that of the happiest. It is about what a
    face shows, not about what somebody feels. A video without a face gets no answer. If a video can't be
    read, it is named and the others are still read. docs/happy-video.md says how it was shown, and on what.

    Example: mien happy session.mp4 --out results
    """
    from mien.videos.happy import ENDINGS
    from mien.videos.happy import happy as read_happy

    if out is not None:
        check_results(out, ENDINGS, videos)
    with Pipeline(load_settings()) as pipeline:

        def read(video: str | Path, progress: Callable[[float], None]) -> HappyReading:
            return read_happy(video, network=network, track=track, pipeline=pipeline, progress=progress)

        answer_each(videos, read, _print, out=out, as_json=as_json, debug=context.obj["debug"])


def _print(reading: HappyReading) -> None:
    typer.echo(f"{reading.source}: {reading.answer}")
    if len(reading.windows) > 1:
        for start_s, end_s in _happy_spans(reading):
            typer.echo(f"  {start_s:8.1f} to {end_s:.1f} s")
    for note in reading.notes:
        typer.echo(f"  note: {note}")


def _happy_spans(reading: HappyReading) -> list[tuple[float, float]]:
    """Return the happy windows, those that touch as one."""
    spans: list[tuple[float, float]] = []
    for window in reading.windows:
        if window.probability is None or window.probability < reading.threshold:
            continue
        if spans and window.start_s <= spans[-1][1]:
            spans[-1] = spans[-1][0], window.end_s
        else:
            spans.append((window.start_s, window.end_s))
    return spans
