"""`mien happy`: happy or not, of whole videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import JsonOption
from mien.config import load_settings
from mien.pipeline import Pipeline

if TYPE_CHECKING:
    from mien.videos.happy import HappyReading


def happy(
    videos: Annotated[list[Path], typer.Argument(metavar="VIDEO...", help="One or more videos.")],
    network: Annotated[
        str | None,
        typer.Option(
            help="What answers: happy-video or a network that you trained (.onnx), or the mean or maximum of"
            " the frame network [happy-video where it comes with Mien, else maximum].",
            metavar="happy-video|NAME.onnx|mean|maximum",
        ),
    ] = None,
    track: Annotated[
        int | None,
        typer.Option(help="Which face, by its number in the table of `mien analyze` [the largest]."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell whether the main face of a video shows happiness, and when.

    A long video is read in windows of some seconds; the answer is that of the happiest. It is about what a
    face shows, not about what somebody feels. A video without a face gets no answer. docs/happy-video.md says
    how it was shown, and on what.

    Example: mien happy session.mp4 --network mean
    """
    from mien.videos.happy import happy as read_happy

    readings = []
    with Pipeline(load_settings()) as pipeline:
        for video in videos:
            with progress_bar(video.name, 1.0, wanted=not as_json) as show:
                reading = read_happy(video, network=network, track=track, pipeline=pipeline, progress=show)
            readings.append(reading)
            if not as_json:
                _print(reading)
    if as_json:
        print_json(readings)


def _print(reading: HappyReading) -> None:
    from mien.videos.clip import ONE_PICTURE

    picture = ONE_PICTURE in reading.notes
    if reading.probability is None:
        length = "the one picture" if picture else f"{reading.seconds:.1f} s of video"
        typer.echo(f"{reading.source}: no face in {length}")
    else:
        seen = "the one picture" if picture else f"{reading.face_share:.0%} of {reading.seconds:.1f} s"
        word = "happiness" if reading.happy else "no happiness"
        typer.echo(
            f"{reading.source}: {word} (probability {reading.probability:.2f}, threshold"
            f" {reading.threshold:.2f}, by {reading.network}); a face in {seen}"
        )
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
