"""`mien micro`: short movements of a face, from onset to offset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import DetectorOption, JsonOption
from mien.config import DetectorName
from mien.files import check_folder
from mien.wording import count

if TYPE_CHECKING:  # pandas, which the help should not wait for
    from mien.videos.micro import Micro, Movement


def micro(
    video: Annotated[
        Path, typer.Argument(metavar="VIDEO", help="A film of a face, best at 200 frames a second.")
    ],
    threshold: Annotated[
        float,
        typer.Option(
            "--threshold",
            help="By how many times the film's own noise a movement stands out; lower finds more, and more"
            " that are none.",
            metavar="TIMES",
        ),
    ] = 5.0,
    network: Annotated[
        Path | None,
        typer.Option(
            "--network",
            help="Your own network, trained on labelled micro-expressions (mien train CLIPS.csv --recipe"
            " micro): labels each movement.",
            metavar="FILE.onnx",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the results. Earlier results in it are replaced.")
    ] = Path("mien-micro"),
    detector: DetectorOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find micro-expressions: movements of brows or mouth that are over within half a second.

    Each comes with onset, apex and offset, and with a label where you give a network. Blinks are left out.
    What a movement means isn't said: see docs/micro-expressions.md.

    Example: mien micro interview.mp4
    """
    from mien.videos.micro import micro as find

    check_folder(out)
    with progress_bar("reading", 1, wanted=not as_json) as progress:
        found = find(
            video,
            threshold=threshold,
            network=network,
            progress=progress,
            detector=cast("DetectorName | None", detector),
        )
    files = found.save(out)
    if as_json:
        print_json(found.as_dict() | {"files": [str(each) for each in files]})
    else:
        _print(found, files)


def _print(found: Micro, files: list[Path]) -> None:
    typer.echo(
        f"{found.source}: {found.length_s:.1f} s at {found.frames_per_second:.4g} frames a second, a face in"
        f" view for {found.seen_s:.1f} s"
    )
    if found.seen_s:
        blinks = f", and {count(len(found.blinks_s), 'blink')} left out" if found.blinks_s else ""
        labels = f"; labels by {found.network.name}" if found.network and found.movements else ""
        typer.echo(f"{count(len(found.movements), 'short movement')}{blinks}{labels}")
    for each in found.movements:
        typer.echo(
            f"  {each.region:6} onset {each.onset_s:8.3f} s   apex {each.apex_s:8.3f} s   offset"
            f" {each.offset_s:8.3f} s   {1000 * (each.offset_s - each.onset_s):4.0f} ms, {each.score:.0f}"
            f" times its noise{_label(each)}"
        )
    for note in found.notes:
        typer.echo(f"note: {note}")
    for file in files:
        typer.echo(f"{file.suffix[1:]:8} {file}")


def _label(movement: Movement) -> str:
    said = movement.probabilities
    return f"   {movement.label}, probability {max(said.values()):.2f}" if said else ""
