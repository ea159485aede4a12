"""What body sensors said beside a face, as open files: its figures in CSV and Parquet, their courses in EDF+.

Importing takes the CSV back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import IO, TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

from mien.exchange.readings import csv_batches, csv_bytes
from mien.signals.figures_edf import LONGEST_S, Course, EdfHeader, courses, edf_bytes
from mien.signals.types import Figure, Mark

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS: Final = ("start_s", "end_s", "signal", "measure", "unit", "value", "quality")
"""In the files' order; a window without a reading has no value."""

_TEXTS: Final = ("signal", "measure", "unit")
_HARMLESS: Final = frozenset(" ._-/()")


def figures_table(figures: Sequence[Figure]) -> pa.Table:
    """Make the table of a recording's figures, in an order that depends on them alone.

    Args:
        figures: as `Store.signals.of` gives them.
    """
    import pyarrow as pa

    ordered = in_order(figures)
    columns = [[getattr(each, name) for each in ordered] for name in COLUMNS]
    return pa.table(
        [pa.array(column, type) for column, type in zip(columns, _types().values(), strict=True)],
        names=list(COLUMNS),
    )


def in_order(figures: Iterable[Figure]) -> list[Figure]:
    """Return figures by time, and those of one window by their names, however they got into a store."""
    return sorted(figures, key=attrgetter("start_s", "end_s", "measure", "signal", "unit"))


def figures_csv(table: pa.Table) -> bytes:
    """Return the table as CSV; signs in names that a spreadsheet could take for a formula are encoded."""
    import pyarrow as pa

    for name in _TEXTS:
        plain = pa.array([encoded(each) for each in table.column(name).to_pylist()], pa.string())
        table = table.set_column(COLUMNS.index(name), name, plain)
    return csv_bytes(table)


def read_figures(file: IO[bytes]) -> list[Figure]:
    """Read a CSV file back.

    Args:
        file: as `figures_csv` wrote it.

    Raises:
        ValueError: it is not such a file.
    """
    return [figure for batch in csv_batches(file, _types()) for figure in _figures(batch)]


def _figures(batch: pa.RecordBatch) -> Iterator[Figure]:
    if any(batch.column(name).null_count for name in ("start_s", "end_s", "measure", "quality")):
        raise ValueError("expected a window, a measure and a quality in every row")
    for start, end, signal, measure, unit, value, quality in zip(
        *(batch.column(name).to_pylist() for name in COLUMNS), strict=True
    ):
        yield Figure(start, end, unquote(signal or ""), unquote(measure), unquote(unit or ""), value, quality)


def _types() -> dict[str, pa.DataType]:
    import pyarrow as pa

    return {name: pa.string() if name in _TEXTS else pa.float64() for name in COLUMNS}


def encoded(text: str) -> str:
    """Return a name in which all but letters, digits, spaces and ._-/() is %XX, as in a web address."""
    harmless = "".join(
        each if each.isalnum() or each in _HARMLESS else "".join(f"%{byte:02X}" for byte in each.encode())
        for each in text
    )
    # What begins with a minus is a formula, and a space at the ends is easily lost.
    return "".join(
        f"%{ord(each):02X}" if place in (0, len(harmless) - 1) and each in " -" else each
        for place, each in enumerate(harmless)
    )


def signals_edf(
    figures: Sequence[Figure],
    readings: Mapping[str, NDArray[Any]],
    *,
    code: str,
    start: datetime,
    marks: Sequence[Mark],
) -> bytes:
    """Return a recording's figures and the face's valence and arousal as EDF+, on one clock.

    Args:
        figures: of the body.
        readings: as `Store.readings.load` gives them.
        code: the subject's.
        start: of the recording.
        marks: in seconds from it.

    Raises:
        ModuleNotFoundError: without edfio, which `mien[signals]` brings.
    """
    times = readings["time_s"]
    last_s = max([each.end_s for each in figures] + ([float(times[-1])] if len(times) else []), default=0.0)
    seconds = math.floor(min(last_s, LONGEST_S)) + 1
    given = [*face_courses(readings, seconds), *courses(in_order(figures), seconds)]
    return edf_bytes(given, EdfHeader(code, start, marks))


def face_courses(readings: Mapping[str, NDArray[Any]], seconds: int) -> list[Course]:
    """Return the face's valence and arousal by the second; quality is the share of frames with the face."""
    inside = (readings["time_s"] >= 0) & (readings["time_s"] < seconds)
    second = readings["time_s"][inside].astype(np.int64)
    frames = np.bincount(second, minlength=seconds)
    found = []
    for name in ("valence", "arousal"):
        values = readings[name][inside]
        known = np.isfinite(values)
        many = np.bincount(second[known], minlength=seconds)
        sums = np.bincount(second[known], weights=values[known], minlength=seconds)
        means = np.where(many > 0, sums / np.maximum(many, 1), np.nan)
        found.append(Course(f"face_{name}", "face", "", means, many / np.maximum(frames, 1)))
    return found
