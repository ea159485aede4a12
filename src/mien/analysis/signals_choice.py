"""Which signals of a body go with a film, and how they come to its clock: nothing is assumed in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np

from mien.analysis.task import Task
from mien.errors import ConfigError
from mien.signals.drift import MOST_PPM, MarkedClock, clock_by_marks
from mien.signals.figures import LEAST_WINDOW_S, LONGEST_WINDOW_S
from mien.signals.files import read_signals
from mien.signals.processing import neurokit
from mien.signals.table import TimeUnit
from mien.signals.types import Kind, Signals
from mien.source.recorded_at import zoned_start

Way = Literal["seconds given", "time given", "marks", "start times", "pulse"]
"""How the signals came to the film's clock."""

_MARKS_APART_S: Final = 1.0
"""Marks that fit a straight course of the clocks worse than this are of other moments."""
_LISTED: Final = 12

HEART: Final[tuple[Kind, ...]] = ("ecg", "ppg", "intervals")
"""Kinds whose beats can be found in the face; the rate that a device gives lags behind."""

WAYS: Final[dict[Way, str]] = {
    "seconds given": "the seconds given",
    "time given": "the time given",
    "marks": "marks that both show",
    "start times": "the start times of both files",
    "pulse": "the pulse of face and body",
}


@dataclass(frozen=True, slots=True)
class ReadAs:
    """What the user says of a file of signals that it doesn't say itself.

    Attributes:
        kinds: names of signals, and what they are.
        time_unit: of a table's times.
        board: which of BrainFlow's boards wrote it.
    """

    kinds: tuple[tuple[str, Kind], ...] = ()
    time_unit: TimeUnit | None = None
    board: str | None = None

    def read(self, path: str | Path) -> Signals:
        """Read the file; errors are those of `read_signals`."""
        return read_signals(path, self.time_unit, kinds=dict(self.kinds), board=self.board)


def read_as(kinds: Mapping[str, str], time_unit: str | None = None, board: str | None = None) -> ReadAs:
    """Return what a user says of a file; whether it can be is found out when it is read."""
    return ReadAs(
        cast("tuple[tuple[str, Kind], ...]", tuple(kinds.items())), cast("TimeUnit | None", time_unit), board
    )


@dataclass(frozen=True, slots=True)
class SignalsChoice:
    """Which signals go with a film, and how.

    Attributes:
        path: the file or folder.
        way: how they come to the film's clock.
        shift_s: the film's time at their 0 s; None where the pulse has to tell.
        why_not: why nothing else tells, for the pulse.
        rest_s: when the person rested, by the film's clock; None takes the first windows.
        window_s: length of a window.
        tracks: whose face it is; empty takes the one that is seen longest.
        stamp: sizes and times of their files, so that changed ones are read again.
        marked: how the clocks lie by marks, if the user gave any.
        read_as: what the user says of the file that it doesn't say itself.
    """

    path: str
    way: Way
    shift_s: float | None
    why_not: str
    rest_s: tuple[float, float] | None
    window_s: float
    tracks: tuple[int, ...]
    stamp: tuple[tuple[str, int, int], ...]
    marked: MarkedClock | None = None
    read_as: ReadAs = ReadAs()

    def read(self) -> Signals:
        """Read the signals, as the user says.

        Raises:
            ConfigError, SourceError: see `read_signals`.
        """
        return self.read_as.read(self.path)


def choose_signals(
    path: Path,
    tasks: Sequence[Task],
    *,
    start: str | float | None,
    rest: tuple[float, float] | None,
    window_s: float,
    tracks: tuple[int, ...],
    recorded_at: str | None,
    marks: Sequence[tuple[str, float]] = (),
    read_as: ReadAs = ReadAs(),
) -> SignalsChoice:
    """Check that signals can go with a film, before that is read.

    Args:
        path: their file or folder.
        tasks: one film.
        start: when they begin, as the user says: seconds of the film, or a moment with a time zone.
        rest: when the person rested, in seconds of the film.
        window_s: length of a window.
        tracks: whose face it is; empty takes the one that is seen longest.
        recorded_at: when the film was recorded, as the user says; ISO 8601 with a zone.
        marks: marks of the signals, and when they are seen in the film, in its seconds.
        read_as: what the user says of the file.

    Raises:
        ConfigError: it is no single film, a number can't be, or nothing could tell how the clocks lie.
        SourceError: the signals can't be read.
        ModuleNotFoundError: without what `mien[signals]` brings.
    """
    if len(tasks) != 1 or tasks[0].kind != "video":
        raise ConfigError(f"signals: expected one video, received {_inputs(tasks)}; read them one by one")
    if not LEAST_WINDOW_S <= window_s <= LONGEST_WINDOW_S:
        raise ConfigError(
            f"expected a window of {LEAST_WINDOW_S:g} to {LONGEST_WINDOW_S:g} s, received {window_s:g}"
        )
    if marks and start is not None:
        raise ConfigError("signals: expected a start or marks, received both")
    read = read_as.read(path)
    if read.of("ecg", "ppg"):
        neurokit()
    marked = clock_of(read, marks) if marks else None
    way, shift_s, why_not = (
        _clock(read, Path(tasks[0].where), start, recorded_at)
        if marked is None
        else ("marks", marked.shift_s, "")
    )
    if way == "pulse" and not read.of(*HEART):
        raise ConfigError(
            f"{path}: nothing tells how its clock lies to the video's: {why_not}, and it has no signal of"
            " the heart to find in the face; say when it begins with --signals-start"
        )
    return SignalsChoice(
        str(path), way, shift_s, why_not, rest, window_s, tracks, _stamp(path), marked, read_as
    )


def parse_start(text: str) -> str | float:
    """Read when signals begin: seconds of the film, or a moment with its time zone.

    Raises:
        ConfigError: it is neither.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = np.nan
    if np.isfinite(seconds):
        return seconds
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ConfigError(
            "signals start: expected seconds of the video such as -12.5, or a time with its zone such as"
            f" 2026-05-01T09:30:00+02:00, received {text!r}"
        )
    return moment.isoformat()


def parse_mark(text: str) -> tuple[str, float]:
    """Read a mark of the signals and when it is seen in the film: MARK=SECONDS.

    Raises:
        ConfigError: it is none.
    """
    name, equals, at = text.rpartition("=")
    try:
        seconds = float(at)
    except ValueError:
        seconds = np.nan
    if not equals or not name.strip() or not np.isfinite(seconds):
        raise ConfigError(
            "signals mark: expected a mark and its second in the video, such as clap=12.5 or #2=12.5,"
            f" received {text!r}"
        )
    return name.strip(), seconds


def clock_of(read: Signals, marks: Sequence[tuple[str, float]]) -> MarkedClock:
    """Return how the clocks lie by marks that both show.

    Args:
        read: the signals.
        marks: each by its text, or as #2 by its number in the file, and its second in the film.

    Raises:
        ConfigError: there is no such mark, several are called that, or they contradict each other.
    """
    found = clock_by_marks([(_mark(read, name), seconds) for name, seconds in marks])
    if found.worst_s > _MARKS_APART_S or (found.drift and abs(found.drift.ppm) > MOST_PPM):
        raise ConfigError(
            f"{read.origin}: the marks contradict each other: the clocks would run"
            f" {0.0 if found.drift is None else found.drift.ppm / 1e4:+.2f} % apart, and one mark lies"
            f" {found.worst_s:.1f} s from where the others put it"
        )
    return found


def _mark(read: Signals, name: str) -> float:
    """Return when a mark was set, by the signals' clock."""
    number = int(name[1:]) if name.startswith("#") and name[1:].isdecimal() else 0
    if 1 <= number <= len(read.marks):
        return read.marks[number - 1].time_s
    called = [each.time_s for each in read.marks if each.text == name]
    if len(called) == 1:
        return called[0]
    some = ", ".join(
        f"#{number} {each.text} at {each.time_s:.1f} s"
        for number, each in enumerate(read.marks[:_LISTED], 1)
        if not called or each.text == name
    )
    what = f"{len(called)} marks are called {name!r}" if called else f"there is no mark {name!r}"
    raise ConfigError(f"{read.origin}: {what}; it has {some or 'no marks'}")


def parse_rest(text: str) -> tuple[float, float]:
    """Read when the person rested: seconds FROM-TO of the film, which may lie before it.

    Raises:
        ConfigError: it is none.
    """
    start, dash, end = text[1:].partition("-")
    try:
        span = float(text[:1] + start), float(end)
    except ValueError:
        span = (0.0, 0.0)
    if not dash or not span[0] < span[1]:
        raise ConfigError(f"rest: expected seconds FROM-TO such as 0-300, received {text!r}")
    return span


def _inputs(tasks: Sequence[Task]) -> str:
    return tasks[0].kind if len(tasks) == 1 else f"{len(tasks)} inputs"


def _clock(
    read: Signals, film: Path, start: str | float | None, recorded_at: str | None
) -> tuple[Way, float | None, str]:
    """Return how the signals come to the film's clock, their shift, and why it is not known before."""
    if isinstance(start, float | int):
        return "seconds given", float(start) - read.span_s[0], ""
    film_at = datetime.fromisoformat(recorded_at) if recorded_at else _film_start(film)
    unknown = "the video does not say when it was recorded with a time zone"
    if start is not None:
        if film_at is None:
            raise ConfigError(
                f"signals start: {unknown}; say it with --recorded-at, or give --signals-start in seconds"
            )
        begin = datetime.fromisoformat(start)
        return "time given", (begin - film_at).total_seconds() - read.span_s[0], ""
    if read.start is None:
        return "pulse", None, "the signals name no start"
    if read.start.tzinfo is None:
        return "pulse", None, f"the signals start at {read.start:%Y-%m-%d %H:%M:%S} in no time zone"
    if film_at is None:
        return "pulse", None, unknown
    return "start times", (read.start - film_at).total_seconds(), ""


def _film_start(film: Path) -> datetime | None:
    return zoned_start(film) if film.is_file() else None


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return tuple((each.name, each.stat().st_size, each.stat().st_mtime_ns) for each in files)


def clock_words(clock: dict[str, Any]) -> str:
    """Return in one sentence how the signals came to the film's clock, and how both run."""
    return f"{_shift_words(clock)}{_drift_words(clock.get('drift'))}"


def _drift_words(drift: dict[str, Any] | None) -> str:
    if drift is None:
        return ""
    reach = f"{drift['ppm']:+z.0f} ppm, 90 %: {drift['low_ppm']:+z.0f} to {drift['high_ppm']:+z.0f}"
    said = f"; against the video's its clock gains {drift['ms_per_min']:+z.1f} ms a minute ({reach})"
    return f"{said}, which is corrected" if drift["corrected"] else f"{said}, which is not corrected"


def _shift_words(clock: dict[str, Any]) -> str:
    said = f"on the video's clock by {WAYS[clock['by']]}: they begin at {clock['begin_s']:.1f} s"
    if clock["pulse_uncertainty_s"] is None:
        return f"{said}; the pulse of the face neither confirms nor corrects that"
    if clock["by"] == "pulse":
        return f"{said}, give or take {clock['pulse_uncertainty_s']:.1f} s"
    reach = f"{clock['pulse_begin_s']:.1f} s, give or take {clock['pulse_uncertainty_s']:.1f} s"
    if clock["corrected_by_pulse_s"] is None:
        return f"{said}; by the pulse of the face it would be {reach}"
    return f"{said}, corrected by {clock['corrected_by_pulse_s']:+z.1f} s by the pulse of the face ({reach})"
