"""`mien crowd`: what a crowd shows, as a group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, cast

import typer

from mien.cli.console import print_json
from mien.cli.options import DetectorOption, FpsOption, JsonOption, NetworkOption
from mien.config import Choices, DetectorName

if TYPE_CHECKING:  # what counts and draws brings pandas and Matplotlib, which the help should not wait for
    from mien.places.alarm import Turn
    from mien.places.crowd import Crowd, Moment

_SHOWN: Final = 0.03
"""Expressions that are surely rarer are left out of the printed line; the files have them all."""


def crowd(
    source: Annotated[
        str,
        typer.Argument(
            metavar="PHOTO|VIDEO|STREAM",
            help="A photograph, a video, camera:0, or a stream's address (rtsp://, http://).",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the results. Earlier results in it are replaced.")
    ] = Path("mien-crowd"),
    grid: Annotated[
        str, typer.Option(help="Columns and rows along which the picture may be cut.", metavar="4x3")
    ] = "4x3",
    least: Annotated[
        int, typer.Option("--least", help="Fewest faces of a cell; at least 10.", metavar="N")
    ] = 10,
    read_from: Annotated[
        float,
        typer.Option("--read-from", help="Size from which faces are read; at least 16.", metavar="PIXELS"),
    ] = 16,
    interval: Annotated[
        float, typer.Option(help="Seconds of a video that are counted together.", metavar="SECONDS")
    ] = 10,
    false_alarm_hours: Annotated[
        float,
        typer.Option(help="Hours from one false alarm of a change to the next, on average.", metavar="N"),
    ] = 1,
    minutes: Annotated[
        float | None, typer.Option(help="Stop after so many minutes of the source.", metavar="N")
    ] = None,
    picture: Annotated[
        bool,
        typer.Option("--picture/--no-picture", help="Draw the cells on a picture or clip, faces covered."),
    ] = True,
    detector: DetectorOption = None,
    detector_model: Annotated[
        Path | None, typer.Option(help="File of YuNet's network, if it was not fetched.", metavar="FILE")
    ] = None,
    network: NetworkOption = None,
    fps: FpsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count a crowd's mood: its mix of expressions, valence and tension, in groups of at least ten faces.

    Nothing is said, drawn or stored of a single face: there is no option to select, follow, export or search
    for anybody. Ctrl-C ends a camera or stream, and writes what there is. See docs/crowds.md.

    Example: mien crowd square.jpg --grid 6x4
    """
    from mien.places.cells import Grid
    from mien.places.crowd import read_crowd
    from mien.places.picture import CrowdPictures, plot

    lines = Grid.parse(grid)
    chosen: Choices = {}
    if detector_model is not None:
        chosen["detector_model"] = detector_model
    if fps is not None:
        chosen["fps"] = fps
    with CrowdPictures(out, lines) as pictures:
        read = read_crowd(
            source,
            grid=lines,
            least=least,
            read_from_px=read_from,
            interval_s=interval,
            false_alarm_hours=false_alarm_hours,
            seconds=None if minutes is None else 60 * minutes,
            told=_silent if as_json else _print_moment,
            shown=pictures.show if picture else _silent,
            detector=cast("DetectorName | None", detector),
            network=network,
            **chosen,
        )
        if picture:
            pictures.finish(read)
    files = read.save(out)
    plot(read, out / "crowd.png")
    files += [out / "crowd.png", *([] if pictures.path is None else [pictures.path])]
    if as_json:
        print_json(read.as_dict() | {"files": [str(each) for each in files]})
    else:
        _print_end(read, files)


def _silent(*_: object) -> None:
    """Print nothing."""


def _print_moment(moment: Moment, turns: list[Turn]) -> None:
    """Print what an interval has shown, as it ends."""
    from mien.places.picture import percent, signed

    when = f"{_clock(moment.start_s)}-{_clock(moment.end_s)}  " if moment.end_s else ""
    whole = moment.whole
    typer.echo(f"{when}{moment.seen} faces seen, {moment.read} read")
    if whole is None:
        typer.echo("  too few faces were read at the same time for any figures")
    else:
        leading = sorted(whole.shares.items(), key=lambda item: -item[1].value)
        mix = ", ".join(f"{label} {percent(share)}" for label, share in leading if share.high >= _SHOWN)
        typer.echo(f"  {mix}")
        typer.echo(
            f"  valence {signed(whole.valence)}, arousal {signed(whole.arousal)}, tension"
            f" {percent(whole.tension)}"
        )
    for turn in turns:
        way = "rises" if turn.rises else "falls"
        typer.echo(f"  change: {turn.measure} {way}")


def _print_end(read: Crowd, files: list[Path]) -> None:
    """Print the cells of the last interval, the sizes of the faces, and what was written."""
    from mien.places.picture import percent, signed

    last = read.moments[-1]
    for cell, group in last.cells if len(last.cells) > 1 else ():
        label, share = max(group.shares.items(), key=lambda item: item[1].value)
        typer.echo(
            f"  {cell.name:8} {group.faces:4} faces  {label} {percent(share)}"
            f"  valence {signed(group.valence)}  tension {percent(group.tension)}"
        )
    sizes = ", ".join(f"{count} of {size}" for size, count in last.sizes.items() if count)
    typer.echo(f"faces by size in pixels: {sizes or 'none'}")
    for turn in read.turns:
        told, since = read.moments[turn.told], read.moments[turn.since]
        way = "rose" if turn.rises else "fell"
        typer.echo(
            f"change: {turn.measure} {way} about {_clock(since.start_s)}, reported at {_clock(told.end_s)}"
        )
    for file in files:
        typer.echo(f"{file.suffix[1:]:8} {file}")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
