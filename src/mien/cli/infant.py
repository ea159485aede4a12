"""`mien infant`: an infant's film, what can be said of it, and states by a network of one's own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import DetectorOption, FpsOption, JsonOption
from mien.config import Choices, DetectorName
from mien.errors import ConfigError
from mien.files import check_folder
from mien.wording import count

if TYPE_CHECKING:  # pandas, which the help should not wait for
    from mien.videos.infant import Infant


def infant(
    video: Annotated[Path, typer.Argument(metavar="VIDEO", help="A film of one infant's face.")],
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            help="Your own network, trained on labelled faces of infants (mien train --recipe infant).",
            metavar="FILE.onnx",
        ),
    ] = None,
    courses: Annotated[
        Path | None,
        typer.Option(
            "--courses",
            help="Labelled courses (CSV: video,time_s,label), to learn how states follow one another.",
            metavar="FILE",
        ),
    ] = None,
    mean_state: Annotated[
        float | None,
        typer.Option(
            "--mean-state",
            help="How long a state lasts on average, without --courses [5].",
            metavar="SECONDS",
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            "--truth",
            help="What somebody who watched this film wrote down (CSV: video,time_s,label): shows how well it"
            " agrees.",
            metavar="FILE",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the results. Earlier results in it are replaced.")
    ] = Path("mien-infant"),
    detector: DetectorOption = None,
    fps: FpsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a film of an infant: face in view, eyes, mouth, smile, movement; states with your own network.

    No network for infants comes with Mien, and nothing here tells pain. See docs/infants.md.

    Example: mien infant cot.mp4 --model runs/infant/infant.onnx
    """
    from mien.videos.infant import MEAN_STATE_S
    from mien.videos.infant import infant as read_infant

    if mean_state is not None and (model is None or courses is not None):
        raise ConfigError("--mean-state is about the states of a --model, where there are no --courses")
    if truth is not None:
        _check_truth(truth, video, model)
    check_folder(out)
    chosen: Choices = {}
    if fps is not None:
        chosen["fps"] = fps
    with progress_bar("reading", 1, wanted=not as_json) as progress:
        read = read_infant(
            video,
            model=model,
            courses=courses,
            mean_state_s=MEAN_STATE_S if mean_state is None else mean_state,
            progress=progress,
            detector=cast("DetectorName | None", detector),
            **chosen,
        )
    compared = None if truth is None else _compared(read, truth)
    files = read.save(out)
    if as_json:
        print_json(read.as_dict() | {"agreement": compared, "files": [str(each) for each in files]})
    else:
        _print(read, compared, files)


def _compared(read: Infant, truth: Path) -> dict[str, Any]:
    """Compare the states with the film's rows of a table."""
    from mien.videos.courses import agreement, course_of

    labels = list(read.summary["states"])
    step_s = 1 / read.summary["fps"]
    return asdict(agreement(read.frame, course_of(truth, read.source, labels, step_s), labels, step_s))


def _check_truth(truth: Path, video: Path, model: Path | None) -> None:
    """Refuse a table that can't be compared before the film is read, which may take hours."""
    from mien.expression.network import load_network
    from mien.videos.courses import course_of

    if model is None:
        raise ConfigError("--truth compares states, and needs --model")
    course_of(truth, video.name, load_network(model).sidecar.labels, 1.0)


def _print(read: Infant, compared: dict[str, Any] | None, files: list[Path]) -> None:
    summary, shares = read.summary, read.summary["shares"]
    typer.echo(
        f"{read.source}: {summary['length_s']:.0f} s, a face in view for {_percent(shares['in_view'])}"
    )
    if not shares["in_view"]:
        typer.echo("no face was found: nothing can be said of it")
    else:
        typer.echo(
            f"of that, as far as it could be told: eyes open {_percent(shares['eyes_open'])}, mouth open"
            f" {_percent(shares['mouth_open'])}, smiling {_percent(shares['smile'])}"
        )
        if "states" in summary:
            _print_states(summary)
    for note in summary["notes"]:
        typer.echo(f"note: {note}")
    if compared is not None:
        _print_agreement(compared)
    for file in files:
        typer.echo(f"{file.suffix[1:]:8} {file}")


def _print_states(summary: dict[str, Any]) -> None:
    for label, state in summary["states"].items():
        if state["spells"]:
            typer.echo(
                f"  {label:14} {_percent(state['share']):>6} of the time, {count(state['spells'], 'spell')},"
                f" {state['mean_s']:.1f} s on average, {state['longest_s']:.1f} s at most"
            )
    changes = summary["changes"]
    typer.echo(f"changes: {changes['states']} by state, {changes['frame_by_frame']} frame by frame")


def _print_agreement(compared: dict[str, Any]) -> None:
    typer.echo(
        f"agreement with the labelled frames ({compared['frames']}): mean average precision"
        f" {compared['mean_average_precision']:.3f}; right {_percent(compared['accuracy'])} by state,"
        f" {_percent(compared['accuracy_of_frames'])} frame by frame; false changes:"
        f" {compared['false_changes_of_states']} and {compared['false_changes_of_frames']}"
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f} %"
