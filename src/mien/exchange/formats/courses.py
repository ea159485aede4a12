"""The faces of one recording as courses: values on an even grid of times, with NaN where nothing is known."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.aggregate import averaged
from mien.table import Columns, Row

Floats = NDArray[np.float64]

FASTEST_HZ: Final = 240


@dataclass(frozen=True, slots=True, eq=False)
class FaceCourses:
    """One face on the grid of its recording.

    Attributes:
        track: its number.
        readings: how many there are of it.
        values: (n, k), of the times 0, 1 / rate_hz, ...; the nearest reading, where one is near enough.
    """

    track: int
    readings: int
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class RecordingCourses:
    """The faces of one recording.

    Attributes:
        rate_hz: steps of the grid in a second.
        names: (k,) the columns.
        faces: by how long they were seen, longest first.
    """

    rate_hz: int
    names: tuple[str, ...]
    faces: tuple[FaceCourses, ...]


def courses_of(rows: Iterable[Row], columns: Columns, most: int) -> RecordingCourses:
    """Lay the faces of one recording on an even grid.

    The grid has the usual rate of the readings, as a whole number; each of its times has the reading that is
    nearest, at most as far as half the usual step, and half a step of the grid.

    Args:
        rows: of one recording.
        columns: of these.
        most: so many faces at most, those that are seen longest.
    """
    names = averaged(measures=columns.measures)
    take = itemgetter(*(columns.names.index(name) for name in ("time_s", *names)))
    place = columns.names.index("track")
    cells: dict[int, array[float]] = {}
    for row in rows:
        held = cells.setdefault(row[place], array("d"))  # type: ignore[arg-type]
        held.extend(np.nan if cell is None else cell for cell in take(row))
    tables = {track: np.frombuffer(held).reshape(-1, 1 + len(names)) for track, held in cells.items()}
    longest = sorted(tables, key=lambda track: (-len(tables[track]), track))[:most]
    steps = np.concatenate([np.diff(tables[track][:, 0]) for track in longest] or [np.zeros(0)])
    step_s = float(np.median(steps)) if len(steps) else 1.0
    rate_hz = min(max(round(1 / step_s), 1), FASTEST_HZ)
    last_s = max((float(tables[track][-1, 0]) for track in longest), default=0.0)
    grid = np.arange(ceil(last_s * rate_hz - 1e-6) + 1) / rate_hz
    near_s = max(step_s, 1 / rate_hz) / 2 + 1e-6
    faces = (
        FaceCourses(track, len(tables[track]), _on_grid(tables[track], grid, near_s)) for track in longest
    )
    return RecordingCourses(rate_hz, names, tuple(faces))


def _on_grid(table: Floats, grid: Floats, near_s: float) -> Floats:
    times_s = table[:, 0]
    after = np.minimum(np.searchsorted(times_s, grid), len(times_s) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(grid - times_s[before] < times_s[after] - grid, before, after)
    values: Floats = table[nearest, 1:]
    values[np.abs(times_s[nearest] - grid) > near_s] = np.nan
    return values
