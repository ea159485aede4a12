"""Which face of one table is which of another: frames by time, faces by place; and a shift in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mien.agreement.ratings import END, Floats, Ratings, labelled
from mien.geometry import iou_matrix
from mien.labels import EMOTIONS
from mien.table import POINTS

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]

LEAST_OVERLAP: Final = 0.2
"""Boxes of one face overlap at least so much (intersection over union): tools cut faces differently."""
LARGEST_SHIFT_S: Final = 2.0
_SAMPLED_S: Final = 0.1
"""Two people's labels with an end are compared at such steps."""
_LEAST_S: Final = 5.0
"""Shorter common times don't tell a shift."""
_AS_GOOD: Final = 0.02
_CLEAR: Final = 0.3
"""The courses have to go together so much for a shift to be told."""


@dataclass(frozen=True, slots=True, eq=False)
class Paired:
    """What two tables say of the same faces at the same times.

    Attributes:
        a, b: rows of the one and of the other, as many, in order of time.
        frames: of each, with a face.
        common_frames: how many of each have a partner in time in the other.
        apart: faces of `a` at a common time that no face of `b` overlaps.
        by_overlap: whether faces were paired by their boxes; else one face each.
        tolerance_s: how far apart in time paired frames may be.
    """

    a: pd.DataFrame
    b: pd.DataFrame
    frames: tuple[int, int]
    common_frames: int
    apart: int
    by_overlap: bool
    tolerance_s: float


def on_one_clock(a: Ratings, b: Ratings) -> tuple[Ratings, Ratings, bool]:
    """Give a table without times those of the other's frames.

    Returns:
        Both, and whether they have seconds: two tables without times are paired by frame, and `time_s` is the
        frame's number.
    """
    if a.timed and b.timed:
        return a, b, True
    if not a.timed and not b.timed:
        a, b = (replace(each, frame=each.frame.assign(time_s=each.frame["frame"] * 1.0)) for each in (a, b))
        return a, b, False
    with_times = (
        (a if a.timed else b).frame[["frame", "time_s"]].drop_duplicates("frame").sort_values("frame")
    )
    number, times_s = with_times["frame"].to_numpy(np.float64), with_times["time_s"].to_numpy(np.float64)
    step = (times_s[-1] - times_s[0]) / (number[-1] - number[0]) if len(number) > 1 else 1.0

    def timed(ratings: Ratings) -> Ratings:
        if ratings.timed:
            return ratings
        at = ratings.frame["frame"].to_numpy(np.float64)
        outside = np.minimum(at - number[0], 0) + np.maximum(at - number[-1], 0)
        return replace(
            ratings, frame=ratings.frame.assign(time_s=np.interp(at, number, times_s) + step * outside)
        )

    return timed(a), timed(b), True


def pair(
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    shift_s: float = 0.0,
    tolerance_s: float | None = None,
    boxes: bool = True,
) -> Paired:
    """Pair the rows of two tables of one recording.

    Args:
        a: the one.
        b: the other.
        shift_s: by how much the times of `b` are late.
        tolerance_s: how far apart in time paired frames may be; None takes half of the longer step.
        boxes: whether faces are paired by their boxes, where both have them; else one face each, the one that
            is there most.

    Returns:
        The pairs; each row is in one at most.
    """
    b = b.assign(time_s=b["time_s"] - shift_s, **({END: b[END] - shift_s} if END in b else {}))
    a, b = _sampled(a, b), _sampled(b, a) if END in b else b
    by_overlap = boxes and _has_boxes(a) and _has_boxes(b)
    if not by_overlap:
        a, b = _main_face(a), _main_face(b)
    a, b = (each.sort_values(["time_s", "track"], ignore_index=True) for each in (a, b))
    frames = [np.unique(each["time_s"], return_index=True, return_counts=True) for each in (a, b)]
    (times, first, many) = zip(*frames, strict=True)
    if tolerance_s is None:
        tolerance_s = max(0.5 * max(usual_step_s(each) for each in times), 1e-3)
    i, j = _nearest(times[0], times[1], tolerance_s)
    rows_a, rows_b, apart = _faces(
        (_boxes(a), _boxes(b)) if by_overlap else None, (first[0][i], first[1][j]), (many[0][i], many[1][j])
    )
    return Paired(
        a.iloc[rows_a].reset_index(drop=True), b.iloc[rows_b].reset_index(drop=True),
        (len(times[0]), len(times[1])), len(i), apart, by_overlap, tolerance_s,
    )  # fmt: skip


def usual_step_s(times_s: Floats) -> float:
    """Return the usual time from one frame to the next; 0 of a single frame."""
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 0.0


def _sampled(ratings: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return labels that hold until a time at the times of the other table."""
    if END not in ratings:
        return ratings
    if END in other:
        last = min(ratings[END].max(), other[END].max())
        times_s = np.arange(max(ratings["time_s"].min(), other["time_s"].min()), last, _SAMPLED_S)
    else:
        times_s = np.unique(other["time_s"].to_numpy(np.float64))
    ordered = ratings.sort_values("time_s", ignore_index=True)
    place = np.searchsorted(ordered["time_s"].to_numpy(), times_s, side="right") - 1
    holds = (place >= 0) & (times_s < ordered[END].to_numpy()[place])
    return ordered.iloc[place[holds]].assign(time_s=times_s[holds]).drop(columns=END).reset_index(drop=True)


def _nearest(a_s: Floats, b_s: Floats, tolerance_s: float) -> tuple[Ints, Ints]:
    """Return the places of times that are each other's nearest, and no further apart than the tolerance."""
    if not (len(a_s) and len(b_s)):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    to_b, to_a = _places(a_s, b_s), _places(b_s, a_s)
    i = np.arange(len(a_s))
    kept = (to_a[to_b] == i) & (np.abs(a_s - b_s[to_b]) <= tolerance_s + 1e-9)
    return i[kept], to_b[kept]


def _places(times_s: Floats, among_s: Floats) -> Ints:
    after = np.clip(np.searchsorted(among_s, times_s), 1, max(len(among_s) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(among_s) - 1)
    return np.where(times_s - among_s[before] <= among_s[after] - times_s, before, after)


def _faces(
    boxes: tuple[Floats, Floats] | None, first: tuple[Ints, Ints], many: tuple[Ints, Ints]
) -> tuple[Ints, Ints, int]:
    """Return the rows of faces that belong together, and how many of the first have no partner.

    Args:
        boxes: (n, 4) of both tables; None where there is one face each.
        first: the first rows of paired frames.
        many: how many faces these have.
    """
    if boxes is None:
        return first[0], first[1], 0
    rows: tuple[list[int], list[int]] = ([], [])
    for i, j, m, n in zip(*first, *many, strict=True):
        overlap = iou_matrix(boxes[0][i : i + m], boxes[1][j : j + n])
        at, to = linear_sum_assignment(-overlap)
        enough = overlap[at, to] >= LEAST_OVERLAP
        rows[0].extend((i + at[enough]).tolist())
        rows[1].extend((j + to[enough]).tolist())
    return np.array(rows[0], np.int64), np.array(rows[1], np.int64), int(many[0].sum()) - len(rows[0])


def _main_face(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the track with the most of them."""
    tracks = frame["track"].value_counts()
    if len(tracks) < 2:
        return frame.drop_duplicates("time_s")
    kept: pd.DataFrame = frame[frame["track"] == tracks.index[0]]
    return kept.drop_duplicates("time_s")


def _has_boxes(frame: pd.DataFrame) -> bool:
    return len(frame) > 0 and bool(np.isfinite(_boxes(frame)).all())


def _boxes(frame: pd.DataFrame) -> Floats:
    """Return (n, 4) corners, x and y, of the box, or of what the landmarks take up; NaN without either."""
    corner, size = frame[["x", "y"]].to_numpy(np.float64), frame[["width", "height"]].to_numpy(np.float64)
    boxes = np.concatenate([corner, corner + size], axis=1)
    if POINTS[0] in frame and len(frame):
        points = frame[list(POINTS)].to_numpy(np.float64).reshape(len(frame), -1, 2)
        of_points = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
        boxes = np.where(np.isfinite(boxes), boxes, of_points)
    return boxes


# --- a shift in time


@dataclass(frozen=True, slots=True)
class Shift:
    """By how much one table is late against the other.

    Attributes:
        seconds: the second comes so much later than the first; below 0 earlier.
        before: how closely the courses go together as they are: Pearson's correlation, mean over columns.
        after: the same once the shift is taken out.
    """

    seconds: float
    before: float
    after: float


def estimate_shift(
    a: pd.DataFrame, b: pd.DataFrame, columns: list[str], largest_s: float = LARGEST_SHIFT_S
) -> Shift | None:
    """Return at which shift two courses go together best, by cross-correlation.

    Args:
        a: the one.
        b: the other; the main face of each counts.
        columns: of numbers, which both have; labels count, too.
        largest_s: how much is tried, either way.

    Returns:
        None where they have less than five seconds in common, don't move, or go together nowhere.
    """
    a, b = (_main_face(each).sort_values("time_s") for each in (_sampled(a, b), _sampled(b, a)))
    if not (len(a) and len(b)):
        return None
    start = max(each["time_s"].iloc[0] for each in (a, b))
    end = min(each["time_s"].iloc[-1] for each in (a, b))
    step = max(usual_step_s(each["time_s"].to_numpy(np.float64)) for each in (a, b))
    if end - start < _LEAST_S or step <= 0:
        return None
    lags = int(min(largest_s, (end - start) / 3) / step)
    grid = np.arange(start - lags * step, end + (lags + 1) * step, step)
    labels = bool(labelled(a).all() and labelled(b).all())
    x, y = (_courses(each, columns, grid, step, labels=labels) for each in (a, b))
    by_lag = np.array([_together(x, y, lag) for lag in range(-lags, lags + 1)])
    if lags < 1 or not np.isfinite(by_lag).any():
        return None
    padded = np.pad(np.nan_to_num(by_lag, nan=-1.0), 1, constant_values=np.inf)  # no peak at an end
    peaks = np.flatnonzero((padded[1:-1] >= padded[:-2]) & (padded[1:-1] >= padded[2:]))
    # What comes again and again fits at many shifts: the least of those that are about as good.
    good = peaks[by_lag[peaks] >= max(_CLEAR, np.nanmax(by_lag) - _AS_GOOD)]
    if not len(good):
        return None
    best = int(good[np.argmin(np.abs(good - lags))])
    left, middle, right = by_lag[best - 1 : best + 2]
    bend = left - 2 * middle + right
    fine = 0.5 * (left - right) / bend if np.isfinite(bend) and bend < 0 else 0.0
    return Shift(float((best - lags + fine) * step), float(by_lag[lags]), float(middle))


def _courses(frame: pd.DataFrame, columns: list[str], grid: Floats, step: float, *, labels: bool) -> Floats:
    """Return (columns, n) courses on a grid; NaN where the nearest frame is more than a step away."""
    times_s = frame["time_s"].to_numpy(np.float64)
    near = np.abs(times_s[_places(grid, times_s)] - grid) <= step
    values = [frame[name].to_numpy(np.float64) for name in columns]
    if labels:
        values += [(frame["expression"] == each).to_numpy(np.float64) for each in EMOTIONS]
    if not values:
        return np.zeros((0, len(grid)))
    return np.array([np.where(near, np.interp(grid, times_s, each), np.nan) for each in values])


def _together(x: Floats, y: Floats, lag: int) -> float:
    """Return the mean correlation over the courses, the second read `lag` steps later."""
    if lag >= 0:
        x, y = x[:, : x.shape[1] - lag], y[:, lag:]
    else:
        x, y = x[:, -lag:], y[:, :lag]
    known = np.isfinite(x) & np.isfinite(y)
    n = np.maximum(known.sum(axis=1), 1)
    x, y = np.where(known, x, 0), np.where(known, y, 0)
    x, y = (np.where(known, each - (each.sum(axis=1) / n)[:, None], 0) for each in (x, y))
    spread = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    moving = (spread > 1e-12) & (known.sum(axis=1) >= 20)
    return float(((x * y).sum(axis=1)[moving] / spread[moving]).mean()) if moving.any() else np.nan
