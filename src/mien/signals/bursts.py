"""Rows that came in bursts, as radio brings them: their times say when they came, not when they are of."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

_LEAST_ROWS: Final = 50
_LEAST_HZ: Final = 10.0
_SHORT, _SHARE = 0.2, 0.5
"""Bursts are where at least this share of the steps is shorter than so much of the mean one."""
_PAUSE_S: Final = 1.0
_FURTHEST_S: Final = 0.5
"""Rows that lie further than this from an even course are not spread: some may be missing."""


def spread_bursts(times_s: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return times at an even rate where rows came in bursts, and what to say of that.

    Args:
        times_s: in the order of the rows.

    Returns:
        The times as they are, and nothing, where the rows didn't come in bursts.
    """
    steps = np.diff(times_s)
    if len(times_s) < _LEAST_ROWS or not np.isfinite(times_s).all() or np.any(steps < 0):
        return times_s, ""
    within = steps[steps <= _PAUSE_S]
    usual = float(within.mean()) if len(within) else 0.0
    if not 0 < usual <= 1 / _LEAST_HZ or np.mean(within < _SHORT * usual) < _SHARE:
        return times_s, ""
    spread, rate_hz = times_s.copy(), 0.0
    for first, last in pairwise([0, *(np.flatnonzero(steps > _PAUSE_S) + 1), len(times_s)]):
        if last - first < _LEAST_ROWS:
            continue
        rows = np.arange(last - first)
        even = np.polyval(np.polyfit(rows, times_s[first:last], 1), rows)
        if np.abs(even - times_s[first:last]).max() <= _FURTHEST_S:
            spread[first:last] = even
            rate_hz = (last - first - 1) / (even[-1] - even[0])
    if not rate_hz:
        return times_s, ""
    return spread, f"the rows came in bursts; their times were spread evenly, {rate_hz:.0f} a second"
