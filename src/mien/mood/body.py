"""What a body says on a day, from the figures of its minutes: how the heart beats at rest, how aroused it is.

A minute's figures are known every ten seconds. So each stands for the ten seconds in its middle, and how
uncertain a day's figure is, is told from that course as from the face's; see `intervals`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.mood import intervals
from mien.mood.estimate import Estimate
from mien.signals.arousal import REST_S, TRUSTED, since_opening
from mien.signals.types import Figure

LEAST_AROUSED_S: Final = 180.0
"""After the rest, so much has to be known."""
RESTING_SHARE: Final = 0.1
"""The share of the minutes that are below the rate at rest: a single low one may be a wrong one."""

_STEP_S: Final = 10
_NEAR: Final = 0.1
"""How dense the rates lie there is told from the quantiles so far below and above."""

Floats = NDArray[np.float64]
Window = tuple[float, float]


def of_body(parts: Sequence[Sequence[Figure]]) -> dict[str, Estimate | None]:
    """Return the figures of a day's body, each with its interval, or None below its least data.

    Args:
        parts: what sensors said in each recording of the day, in seconds from its start.
    """
    return {"resting_heart_rate": resting_heart_rate(parts), "body_arousal": body_arousal(parts)}


def resting_heart_rate(parts: Sequence[Sequence[Figure]]) -> Estimate | None:
    """Return the rate below which a tenth of the trusted minutes lie; None with less than five minutes."""
    courses = [_course(_best_rates(part)) for part in parts]
    if sum(_covered_s(_best_rates(part)) for part in parts) < REST_S:
        return None
    course = np.concatenate(courses)
    known = ~np.isnan(course)
    rates = course[known]
    value = float(np.quantile(rates, RESTING_SHARE))
    low, high = np.quantile(rates, (max(0.0, RESTING_SHARE - _NEAR), RESTING_SHARE + _NEAR))
    influence = np.zeros(len(course))
    influence[known] = (RESTING_SHARE - (rates <= value)) * (high - low) / (2 * _NEAR * len(rates))
    return _estimate(value, influence, "positive")


def body_arousal(parts: Sequence[Sequence[Figure]]) -> Estimate | None:
    """Return the mean of the index of arousal after the first five minutes, against these as the rest.

    None without five minutes of rest and three more in which heart and skin are known.
    """
    indices = [{window: each.value for window, each in since_opening(part).items()} for part in parts]
    if sum(_covered_s(each) for each in indices) < LEAST_AROUSED_S:
        return None
    course = np.concatenate([_course(each) for each in indices])
    known = ~np.isnan(course)
    value = float(course[known].mean())
    influence = np.where(known, course - value, 0.0) / known.sum()
    return _estimate(value, influence, "bounded")


def _estimate(value: float, influence: Floats, scale: intervals.Scale) -> Estimate:
    seconds = len(influence)
    if seconds < intervals.LEAST_S:
        return Estimate(value, None, None, seconds)
    spread = intervals.spread_of(influence[:, None])
    # A quantile and a bounded mean move unevenly; see `figures`.
    freedom = max(2, spread.freedom - 1)
    ends = intervals.interval(value, float(spread.variance[0]), freedom, scale, float(seconds))
    return Estimate(value, *ends, max(1, round(float(spread.pieces[0]))))


def _trusted(figure: Figure) -> bool:
    return figure.value is not None and figure.quality >= TRUSTED


def _best_rates(part: Sequence[Figure]) -> dict[Window, float]:
    """Return a recording's rates of the heart by window, of the sensor whose are trusted longest and most."""
    by_sensor: dict[str, list[Figure]] = defaultdict(list)
    for each in part:
        if each.measure == "heart_rate" and _trusted(each):
            by_sensor[each.signal].append(each)
    best = max(by_sensor.values(), key=lambda own: sum(each.quality for each in own), default=[])
    return {(each.start_s, each.end_s): each.value for each in best if each.value is not None}


def _covered_s(windows: Mapping[Window, float] | Sequence[Window]) -> float:
    """Return how many seconds lie in at least one of some windows."""
    rising = sorted(windows)
    if not rising:
        return 0.0
    overlaps = sum(min(after[0], before[1]) - before[0] for before, after in pairwise(rising))
    return overlaps + rising[-1][1] - rising[-1][0]


def _course(values: Mapping[Window, float]) -> Floats:
    """Return values as a course of seconds, each in the middle of its window; NaN where there is none."""
    if not values:
        return np.empty(0)
    middles = {window: int(sum(window) / 2) for window in values}
    first = min(middles.values()) - _STEP_S // 2
    course = np.full(max(middles.values()) + _STEP_S // 2 - first, np.nan)
    for window, value in values.items():
        begin = middles[window] - _STEP_S // 2 - first
        course[begin : begin + _STEP_S] = value
    return course
