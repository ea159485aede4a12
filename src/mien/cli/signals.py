"""`mien signals`: what a file of body signals holds, and what they say."""

from __future__ import annotations

from dataclasses import asdict
from math import ceil, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from mien.cli.console import print_json
from mien.cli.options import BoardOption, JsonOption, KindOption, TimeUnitOption, parse_kinds
from mien.errors import ConfigError

if TYPE_CHECKING:  # these load SciPy and pandas, which the help should not wait for
    from mien.signals.arousal import Arousal
    from mien.signals.table import TimeUnit
    from mien.signals.types import Figure, Kind, Signals

_LISTED = 10
"""Marks that are printed."""

Windows = dict[tuple[float, float], "Arousal | None"]


def signals(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            help="EDF, BDF, XDF, WFDB (.hea), BrainVision (.vhdr), FIF, CSV, or an Empatica E4's folder or"
            " zip.",
        ),
    ] = None,
    window: Annotated[float, typer.Option(help="Seconds of a window, 10 to 3600.", metavar="SECONDS")] = 60,
    step: Annotated[
        float | None, typer.Option(help="From one window to the next [the window].", metavar="SECONDS")
    ] = None,
    rest: Annotated[
        str | None,
        typer.Option(
            help="When the person rested; arousal is measured against it [the whole recording].",
            metavar="FROM-TO",
        ),
    ] = None,
    kind: KindOption = None,
    time_unit: TimeUnitOption = None,
    board: BoardOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write all figures to this table (.csv), or as courses for programs that show body signals"
            " (.edf).",
            metavar="FILE",
        ),
    ] = None,
    sensors: Annotated[
        bool,
        typer.Option(
            "--list", help="List the sensors that could be read live: LSL's streams, straps, boards."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a file of body signals holds and says: pulse, skin, breath, muscles, brain waves.

    Each figure has a quality between 0 and 1; below what it needs it is left empty. Nothing is stored.
    See docs/signals.md.

    Example: mien signals session.edf --window 60 --out figures.csv
    """
    from mien.signals.arousal import parts_of
    from mien.signals.figures import figures, to_frame
    from mien.signals.files import read_signals

    if sensors:
        _list_sensors(as_json)
        return
    if not file:  # also "", which as a path would be this folder
        raise ConfigError(
            "which file? `mien signals session.edf` reads one, `mien signals --list` looks for sensors"
        )
    if out is not None and out.suffix.lower() not in (".csv", ".edf"):
        raise ConfigError(f"--out: expected a name that ends in .csv or .edf, received {out}")
    if out is not None and out.exists() and Path(file).exists() and out.samefile(file):
        raise ConfigError(f"--out: {out} is the file that is read")
    kinds = cast("dict[str, Kind]", parse_kinds(kind))
    span = None if rest is None else _span(rest)
    read = read_signals(Path(file), cast("TimeUnit | None", time_unit), kinds=kinds, board=board)
    found = figures(read, window, step)
    parts = parts_of(found)
    aroused = _aroused(read, parts, span, window)
    if out is not None:
        from mien.files import written_whole

        told = found + _as_figures(aroused, file)
        with written_whole(out) as temporary:
            if out.suffix.lower() == ".edf":
                temporary.write_bytes(_as_edf(told, read))
            else:
                to_frame(told).to_csv(temporary, index=False)
    if as_json:
        print_json(_as_json(read, found, aroused) | {"files": [] if out is None else [str(out)]})
        return
    _print_signals(read)
    _print_figures(found, aroused)
    if out is not None:
        typer.echo(f"{out.suffix[1:].lower()}      {out}")


def _aroused(
    read: Signals,
    parts: dict[tuple[float, float], dict[str, float | None]],
    rest: tuple[float, float] | None,
    window_s: float,
) -> Windows:
    """Return the index of each window, against a rest from second to second, or all of the recording."""
    from mien.signals.arousal import arousal, parts_of, rest_windows
    from mien.signals.figures import figures_in

    if rest is None:
        return dict(zip(parts, arousal(list(parts.values())), strict=True))
    first, last = max(rest[0], read.span_s[0]), min(rest[1], read.end_s)
    between = [each for each in rest_windows(first, last, window_s) if each not in parts]
    known = parts | parts_of(figures_in(read, between))
    told = arousal(list(known.values()), [rest[0] <= start and end <= rest[1] for start, end in known])
    return {window: index for window, index in zip(known, told, strict=True) if window in parts}


def _list_sensors(as_json: bool) -> None:
    """Print what could be read live, by the address that opens it."""
    from mien.signals.stream.address import find_streams

    found = find_streams()
    if as_json:
        print_json(asdict(found))
        return
    for title, sensors in (
        ("Streams of Lab Streaming Layer", found.streams),
        ("Heart straps", found.straps),
        ("Boards, whether they are there or not", found.boards),
    ):
        typer.echo(f"{title}:" if sensors else f"{title}: none found")
        for each in sensors:
            typer.echo(f"  {each.address}  {each.detail}".rstrip())
    for note in found.notes:
        typer.echo(f"note: {note}")


def _span(text: str) -> tuple[float, float]:
    start, dash, end = text.partition("-")
    try:
        span = float(start), float(end)
    except ValueError:
        span = (0.0, 0.0)
    if not dash or not span[0] < span[1] or not all(map(isfinite, span)):
        raise ConfigError(f"--rest: expected seconds FROM-TO such as 0-300, received {text!r}")
    return span


def _as_figures(aroused: Windows, name: str) -> tuple[Figure, ...]:
    """Return the index as figures, so that it stands in the same table; its quality is how narrow it is."""
    from mien.signals.types import Figure

    return tuple(
        Figure(
            start,
            end,
            name,
            "arousal",
            "",
            None if each is None else each.value,
            0.0 if each is None else 1 - each.high + each.low,
        )
        for (start, end), each in aroused.items()
    )


def _as_edf(told: tuple[Figure, ...], read: Signals) -> bytes:
    """Return figures as EDF+, on the clock of what was read.

    Raises:
        ConfigError: there is none.
    """
    from mien.signals.figures_edf import LONGEST_S, EdfHeader, courses, edf_bytes

    if not told:
        raise ConfigError(f"--out: {read.origin} gives no figure that could be written")
    seconds = ceil(min(max(each.end_s for each in told), LONGEST_S))
    marks = [each for each in read.marks if each.time_s <= seconds]
    return edf_bytes(courses(told, seconds), EdfHeader(start=read.start, marks=marks))


def _as_json(read: Signals, found: tuple[Figure, ...], aroused: Windows) -> dict[str, Any]:
    return {
        "origin": read.origin,
        "start": read.start,
        "signals": [
            {
                "name": each.name,
                "kind": each.kind,
                "unit": each.unit,
                "rate_hz": each.rate_hz,
                "samples": len(each),
                "start_s": float(each.times_s[0]) if len(each) else None,
                "end_s": float(each.times_s[-1]) if len(each) else None,
                "gaps": [list(gap) for gap in each.gaps],
            }
            for each in read.signals
        ],
        "marks": [{"time_s": each.time_s, "text": each.text} for each in read.marks],
        "notes": list(read.notes),
        "figures": list(found),
        "arousal": [
            {"start_s": start, "end_s": end, "index": each} for (start, end), each in aroused.items()
        ],
    }


def _print_signals(read: Signals) -> None:
    """Print what the file holds."""
    start = "" if read.start is None else f", from {read.start.isoformat(' ', 'seconds')}"
    zone = " (no time zone)" if read.start is not None and read.start.tzinfo is None else ""
    first, last = read.span_s
    typer.echo(f"{read.origin}: {_length(last - first)}{start}{zone}, {len(read.marks)} marks")
    for each in read.signals:
        rate = "" if each.rate_hz is None else f"{each.rate_hz:g} Hz"
        missing = sum(gap.end_s - gap.start_s for gap in each.gaps)
        gaps = f"  {len(each.gaps)} gaps, {missing:.0f} s" if each.gaps else ""
        typer.echo(f"  {each.name:16} {each.kind:12} {each.unit:7} {rate:>12}{gaps}")
    for number, mark in enumerate(read.marks[:_LISTED], 1):
        typer.echo(f"  mark #{number} at {mark.time_s:.1f} s: {mark.text}")
    if len(read.marks) > _LISTED:
        typer.echo(f"  and {len(read.marks) - _LISTED} more marks; --json has all")
    for note in read.notes:
        typer.echo(f"  note: {note}")


def _print_figures(found: tuple[Figure, ...], aroused: Windows) -> None:
    """Print each measure's middle over the windows, and in how many of them there was one."""
    import numpy as np

    rows: dict[tuple[str, str, str], list[float | None]] = {}
    for each in found:
        rows.setdefault((each.signal, each.measure, each.unit), []).append(each.value)
    if rows:
        typer.echo(f"{'figure':38} {'median':>10} {'lowest':>10} {'highest':>10}  windows")
    for (signal, measure, unit), values in rows.items():
        known = [each for each in values if each is not None]
        numbers = (
            [f"{each:10.4g}" for each in (np.median(known), min(known), max(known))]
            if known
            else [f"{'-':>10}"] * 3
        )
        name = f"{signal}: {measure}" + (f" ({unit})" if unit else "")
        typer.echo(f"{name:38} {' '.join(numbers)}  {len(known)} of {len(values)}")
    sure = {window: each for window, each in aroused.items() if each is not None}
    if sure:
        (start, end), most = max(sure.items(), key=lambda item: item[1].value)
        typer.echo(
            f"arousal (0 rest, 1 task): in {len(sure)} of {len(aroused)} windows; highest {most.value:.2f}"
            f" [{most.low:.2f}, {most.high:.2f}] at {start:.0f}-{end:.0f} s"
        )
    else:
        typer.echo("arousal: not known; it needs pulse, skin conductance and five windows of rest")


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
