"""Tables of signals: muse-lsl's CSV, an app's export, any CSV with a column of times, in any locale."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, SourceError
from mien.signals.bursts import spread_bursts
from mien.signals.kinds import kind_of
from mien.signals.textual import text_of
from mien.signals.types import Kind, Mark, Signal, Signals, check_size, usable

if TYPE_CHECKING:
    import pandas as pd

TimeUnit = Literal["s", "ms", "us", "ns"]
_SECONDS: Final[dict[TimeUnit, float]] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_TIME: Final = re.compile(
    r"(?:.*\b)?(?:time ?stamps?|times?|date ?time|t|zeit|temps|tiempo|seconds?|sec|[mun]s|millis(?:econds)?)"
    r"\b.*"
)
_UNIT_IN_NAME: Final = re.compile(r"^(.*?)\s*[\[(]([^\])]*)[\])]\s*$")
_CAMERA: Final = {"r", "g", "b"}
"""The colours of a finger on a phone's lens: a pulse, where a table has all three."""
_UNIX: Final = (9e8, 9e9)
"""Between these seconds count from 1970: from 1998 to 2255."""
_FEW: Final = 0.2
"""Up to this share of a column's cells may be no numbers: they are gaps then, and no marks."""
_SLOWEST_IN_S: Final = 2.0
"""Steps of whole numbers from here on are milliseconds, where the column doesn't say what they are."""


def read_table_of_signals(path: Path, time_unit: TimeUnit | None = None) -> Signals:
    """Read a table with a column of times and one column a signal.

    Args:
        path: CSV, with commas, semicolons or tabs, points or commas as decimals; UTF-8, UTF-16 or Latin-1.
        time_unit: of the column of times, where neither its name nor its values say it.

    Raises:
        ConfigError: `time_unit` is none.
        SourceError: it has no column of times, or nothing beside it.
    """
    if time_unit is not None and time_unit not in get_args(TimeUnit):
        raise ConfigError(f"expected a unit of time (s, ms, us, ns), received {time_unit!r}")
    table = _parsed(path)
    names = [str(each).strip() for each in table.columns]
    column = next((i for i, name in enumerate(names) if _TIME.fullmatch(_words(name))), None)
    if column is None:
        raise SourceError(
            f"{path}: no column of times, such as time_s, timestamp or ms; its columns: {', '.join(names)}"
        )
    times, start, notes = _times(path, names[column], table.iloc[:, column], time_unit)
    data = table.drop(columns=table.columns[column]).select_dtypes("number")
    filled = data.notna().any(axis=1).to_numpy()
    spread, said = spread_bursts(times[filled])
    if said:
        times = times.copy()
        times[filled] = spread
        notes.append(said)
    camera = {name.lower() for name in names} >= _CAMERA
    signals: list[Signal] = []
    marks: list[Mark] = []
    lost = 0
    for number, name in enumerate(names):
        cells = table.iloc[:, number]
        if number == column or cells.isna().all():
            continue
        if not _is_numeric(cells):
            cells = _mostly_numbers(cells, name, notes)
        if not _is_numeric(cells):
            if not _TIME.fullmatch(_words(name)):  # the same moments once more
                marks += _marks(cells, times)
            continue
        matched = _UNIT_IN_NAME.match(name)
        plain, unit = matched.groups() if matched else (name, "")
        kind: Kind = "ppg" if camera and name.lower() in _CAMERA else kind_of(plain, unit)
        values = cells.to_numpy(np.float64)
        known = np.isfinite(values)
        values, at, back = usable(values[known], times[known])
        lost = max(lost, back)
        signals.append(Signal(plain or name, kind, unit or _unit(plain), values, at, str(path)))
    if not signals:
        raise SourceError(f"{path}: no column of numbers beside the times in {names[column]!r}")
    if lost:
        notes.append(
            f"{lost} rows whose time didn't go on were left out: the clock was put back, or repeats itself"
        )
    return Signals(tuple(signals), tuple(sorted(marks)), start, tuple(notes), str(path))


def _words(name: str) -> str:
    return re.sub(r"[_\s]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", name)).strip().lower()


def _unit(name: str) -> str:
    """Return the unit that a column's name says at its end, such as gsr_uS, or by whose file it is in.

    muse-lsl, Mind Monitor (RAW_TP9) and OpenBCI's GUI (EXG Channel 0) write microvolts.
    """
    end = re.search(r"[_ ](uv|mv|us|s|ms|bpm|c)$", name, re.IGNORECASE)
    if end:
        return {"us": "uS", "c": "degC"}.get(end[1].lower(), end[1])
    return "uV" if _MICROVOLTS.fullmatch(name) else ""


_MICROVOLTS: Final = re.compile(r"(?:RAW_)?(?:TP9|TP10|AF7|AF8)|(?:Right|Left) AUX|EXG Channel \d+")


def _parsed(path: Path) -> pd.DataFrame:
    import pandas as pd

    text = re.sub(r"^\ufeff?sep=.[;,\t]*\n", "", text_of(path))  # for spreadsheets
    lines = [line for line in text.split("\n") if line.strip() and not line.lstrip().startswith(("#", "%"))]
    if len(lines) < 2:
        raise SourceError(f"{path}: expected a header and rows of numbers, found {len(lines)} lines")
    separator = next((each for each in "\t;," if all(each in line for line in lines[:20])), None)
    if separator is None:
        raise SourceError(f"{path}: no comma, semicolon or tab stands in each of its lines")
    check_size(path, len(lines) * (lines[0].count(separator) + 1))
    if all(_NUMBER.fullmatch(cell.strip()) for cell in lines[0].split(separator)):
        raise SourceError(
            f"{path}: has no header that names its columns; if BrainFlow wrote it, say of which board with"
            " --board"
        )
    decimal, thousands = _marks_of_numbers(lines[1:200], separator)
    text = "\n".join(lines)
    if thousands not in (None, ".", ","):
        text = re.sub(rf"(?<=\d){thousands}(?=\d{{3}}(?!\d))", "", text)
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep=separator,
            decimal=decimal,
            thousands=thousands if thousands in (".", ",") else None,
            quoting=csv.QUOTE_MINIMAL,
            skipinitialspace=True,
            low_memory=False,
            index_col=False,
        )
    except ValueError as error:  # pandas' own errors are among these
        raise SourceError(f"{path}: can't be read as a table: {' '.join(str(error).split())}") from error


_NUMBER: Final = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:e[-+]?\d+)?", re.IGNORECASE)


def _marks_of_numbers(lines: list[str], separator: str) -> tuple[str, str | None]:
    """Return what stands before decimals, and between thousands if anything does, by some rows."""
    text = "\n".join(lines)
    if separator == ",":  # then only within quotes
        text = " ".join(re.findall(r'"[^"\n]*"', text))
    for decimal, thousands in ((".", ","), (",", ".")):
        if re.search(rf"\d{re.escape(thousands)}\d{{3}}{re.escape(decimal)}\d", text):
            return decimal, thousands
    between = re.search(r"\d(['\u2019\u00a0\u202f])\d{3}(?!\d)", text)
    return "," if re.search(r"\d,\d", text) else ".", between and between[1]


def _is_numeric(cells: pd.Series[Any]) -> bool:
    return cells.dtype.kind in "iufb"


def _mostly_numbers(cells: pd.Series[Any], name: str, notes: list[str]) -> pd.Series[Any]:
    """Return a column as numbers if only a few of its cells, such as "n/a" or "overflow", are none."""
    import pandas as pd

    numbers: pd.Series[Any] = pd.to_numeric(cells, errors="coerce")
    missed = int((numbers.isna() & cells.notna()).sum())
    if missed > _FEW * int(cells.notna().sum()):
        return cells
    notes.append(f"{missed} cells of {name!r} are no numbers, and were left out")
    return numbers


def _marks(cells: pd.Series[Any], times: NDArray[np.float64]) -> list[Mark]:
    """Return the texts of a column where they begin; a repeated text is one mark."""
    texts = cells.astype("object").where(cells.notna(), None).tolist()
    found, before = [], None
    for text, at in zip(texts, times, strict=True):
        if text is not None and text != before and np.isfinite(at):
            found.append(Mark(float(at), str(text).strip()))
        before = text
    return found


def _times(
    path: Path, name: str, cells: pd.Series[Any], unit: TimeUnit | None
) -> tuple[NDArray[np.float64], datetime | None, list[str]]:
    """Return seconds from the first row, the moment of the first row, and what was assumed."""
    if not _is_numeric(cells):
        return _written_times(path, name, cells)
    raw = cells.to_numpy(np.float64)
    known = raw[np.isfinite(raw)]
    if len(known) < 2:
        raise SourceError(f"{path}: the column of times {name!r} has fewer than two times")
    notes = []
    said: TimeUnit | None = unit or _said_unit(name)
    if said is None:
        latest = float(np.abs(known).max())
        unix = [each for each in get_args(TimeUnit) if _UNIX[0] <= latest * _SECONDS[each] < _UNIX[1]]
        step = float(np.median(np.abs(np.diff(known))))
        if latest >= _UNIX[0] and unix:
            said = unix[0]
        elif step >= _SLOWEST_IN_S and np.all(known == np.round(known)):
            said = "ms"
            notes.append(
                f"the times of {name!r} were taken as milliseconds: they are whole and {step:g} apart"
            )
        else:
            said = "s"
    factor = _SECONDS[said]
    seconds, zero = raw * factor, float(known[0]) * factor
    start = datetime.fromtimestamp(zero, UTC) if _UNIX[0] <= zero < _UNIX[1] else None
    return seconds - zero, start, notes


def _said_unit(name: str) -> TimeUnit | None:
    words = re.findall(r"[a-zµ]+", _words(name))
    for unit, spellings in (
        ("ns", {"ns", "nanoseconds"}),
        ("us", {"us", "µs", "microseconds"}),
        ("ms", {"ms", "millis", "milliseconds", "msec"}),
        ("s", {"s", "sec", "second", "seconds"}),
    ):
        if spellings & set(words):
            return unit  # type: ignore[return-value]
    return None


def _written_times(
    path: Path, name: str, cells: pd.Series[Any]
) -> tuple[NDArray[np.float64], datetime | None, list[str]]:
    """Return seconds from the first row for dates, or for times of a day, written out."""
    texts = [None if each is None or each != each else str(each).strip() for each in cells.tolist()]
    first = next((each for each in texts if each), "")
    parse = _parser(first)
    if parse is None:
        raise SourceError(
            f"{path}: the times in {name!r} can't be read: expected numbers or dates such as"
            f" 2026-05-03T14:30:05.120, received {first!r}"
        )
    moments: list[datetime | None] = []
    for row, text in enumerate(texts):
        try:
            moments.append(parse(text) if text else None)
        except ValueError:
            raise SourceError(
                f"{path}: row {row + 2}: the time {text!r} can't be read like {first!r}"
            ) from None
    known = [each for each in moments if each is not None]
    zero = known[0]
    seconds = np.array([np.nan if each is None else (each - zero).total_seconds() for each in moments])
    if zero.year == _NO_DATE:
        seconds += 86400.0 * np.cumsum(np.diff(np.nan_to_num(seconds), prepend=0.0) < -43200)  # past midnight
        return seconds, None, ["the times have no date"]
    return seconds, zero, []


_NO_DATE: Final = 1900


def _parser(text: str) -> Callable[[str], datetime] | None:
    """Return what reads dates that are written like one."""

    def by_day(each: str) -> datetime:
        each = re.sub(r",(?=\d+$)", ".", each)
        return datetime.strptime(each, "%d.%m.%Y %H:%M:%S" + (".%f" if "." in each[10:] else ""))

    def of_day(each: str) -> datetime:
        each = re.sub(r",(?=\d+$)", ".", each)
        return datetime.strptime(each, "%H:%M:%S" + (".%f" if "." in each else ""))

    def iso(each: str) -> datetime:
        return datetime.fromisoformat(each.replace(",", "."))

    for parse in (iso, by_day, of_day):
        try:
            parse(text)
        except ValueError:
            continue
        return parse
    return None
