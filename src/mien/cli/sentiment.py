"""`mien sentiment`: polarity, category and course of whole videos, and which moments counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.options import DetectorOption, JsonOption, MinFaceOption
from mien.cli.videos import answer_each, check_results

if TYPE_CHECKING:  # it loads ONNX Runtime, which the help should not wait for
    from mien.videos.sentiment import Moment, Sentiment


def sentiment(
    context: typer.Context,
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO...", help="One video, or several.")],
    network: Annotated[
        str,
        typer.Option(
            "--network",
            help="The .onnx file that `mien train` wrote for clips [the one shipped].",
            metavar="PATH",
        ),
    ] = "video-sentiment",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write course (CSV), plot and answer here.", metavar="FOLDER"),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(
            "--fps", help="Look at most at N frames per second [as the network was trained].", metavar="N"
        ),
    ] = None,
    detector: DetectorOption = None,
    min_face: MinFaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the sentiment of whole videos: negative, neutral or positive, and which moments counted.

    Each second is weighed by attention, so that a short event in a long calm counts. It reads what the
    largest face shows, not what anybody feels. If a video can't be read, it is named and the others are still
    read. See docs/sentiment.md.

    Example: mien sentiment interview.mp4 --out results
    """
    from mien.config import load_settings
    from mien.videos.sentiment import ENDINGS
    from mien.videos.sentiment import sentiment as read
    from mien.videos.sentiment_network import load_sentiment_network

    load_settings(
        fps=fps, detector=detector, min_face_px=min_face
    )  # what is wrong is said before anything is read
    loaded = load_sentiment_network(network)
    choices: dict[str, Any] = {"fps": fps, "detector": detector, "min_face_px": min_face}
    choices = {name: value for name, value in choices.items() if value is not None}
    if out is not None:
        check_results(out, ENDINGS, videos)

    def one(video: str | Path, progress: Callable[[float], None]) -> Sentiment:
        return read(video, network=loaded, progress=progress, **choices)

    answer_each(videos, one, _print, out=out, as_json=as_json, debug=context.obj["debug"])


def _print(found: Sentiment) -> None:
    from mien.videos.clip import ONE_PICTURE

    picture = ONE_PICTURE in found.notes
    if found.category is None or found.polarity is None:
        length = "the one picture" if picture else f"{found.seconds:.0f} s"
        typer.echo(f"{found.source}: no face in {length}; no answer")
    else:
        _print_answer(found, picture=picture)
    for note in found.notes:
        typer.echo(f"  note: {note}")


def _print_answer(found: Sentiment, *, picture: bool) -> None:
    assert found.polarity is not None
    assert found.category is not None
    sure = f"{found.polarity_probabilities[found.polarity]:.0%}"
    category = f"{found.category} ({found.probabilities[found.category]:.0%})"
    typer.echo(f"{found.source}: {found.polarity} ({sure}), {category}")
    typer.echo(f"  valence  {found.valence:+.2f}, arousal {found.arousal:+.2f}")
    if picture:
        typer.echo(f"  read     one picture with a {found.seen}")
        return
    typer.echo(f"  read     {found.seconds_read:.0f} of {found.seconds:.0f} s with a {found.seen}")
    for each in found.moments:
        typer.echo(f"  counted  {_moment(each)}")
    if not found.moments:
        typer.echo("  counted  no moment more than the others")


def _moment(each: Moment) -> str:
    from mien.show.timeline import clock

    span = f"{clock(each.start_s)} to {clock(each.end_s)}"
    return f"{span}: {each.attention:.0%} of the attention, {each.category}, valence {each.valence:+.2f}"
