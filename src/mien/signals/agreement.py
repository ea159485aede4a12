"""Whether two courses go together, such as a face's and a body's: lagged correlation against chance.

Slow courses correlate by accident. So the greatest correlation within the allowed lags is compared with the
greatest ones after one course has been turned round by every longer shift: all that makes the courses slow is
kept, and only what ties them together in time is broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_S: Final = 120.0
"""Shorter common times don't tell agreement from chance."""
_LEAST_SHIFTS: Final = 39
"""Fewer shifts can't give a p of 0.025."""
_LEAST_KNOWN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two courses go together.

    Attributes:
        correlation: Pearson's, -1 to 1, at the lag where it is strongest; negative where they go apart.
        lag_s: by how much the second follows the first.
        p: how often chance gives as strong a one within the same lags.
        chance: the strength that chance exceeds in 5 of 100 shifts.
        seconds: of both courses, where both are known.
    """

    correlation: float
    lag_s: float
    p: float
    chance: float
    seconds: float


def agreement(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    *,
    max_lag_s: float = 10.0,
    step_s: float = 1.0,
) -> Agreement | None:
    """Return how two courses go together.

    Args:
        first: times in seconds, and values; NaN where nothing is known.
        second: the same, on the same clock.
        max_lag_s: by how much either may follow the other.
        step_s: both are averaged over such steps.

    Returns:
        None where they have too little time in common, or one of them doesn't change.
    """
    times = [np.asarray(each[0], np.float64) for each in (first, second)]
    if not all(len(each) for each in times):
        return None
    start, end = max(float(each.min()) for each in times), min(float(each.max()) for each in times)
    edges = np.arange(start, end + 1e-9, step_s)
    if end - start < LEAST_S:
        return None
    courses = [
        _stepped(at, np.asarray(each[1], np.float64), edges)
        for at, each in zip(times, (first, second), strict=True)
    ]
    both = np.isfinite(courses[0]) & np.isfinite(courses[1])
    if both.mean() < _LEAST_KNOWN or both.sum() * step_s < LEAST_S:
        return None
    correlations = _at_every_shift(*courses)
    lags = round(max_lag_s / step_s)
    near = np.arange(-lags, lags + 1)
    observed = correlations[near]
    if not np.isfinite(observed).any():
        return None
    best = int(np.nanargmax(np.abs(observed)))
    strength = float(abs(observed[best]))
    # Shifts whose lags come near those that were looked at are no chance.
    centres = np.arange(3 * lags + 1, len(correlations) - 3 * lags)
    if len(centres) < _LEAST_SHIFTS:
        return None
    null = np.nan_to_num(np.abs(correlations[centres[:, None] + near])).max(axis=1)
    p = float((1 + (null >= strength).sum()) / (1 + len(null)))
    return Agreement(
        float(observed[best]),
        float(near[best] * step_s),
        p,
        float(np.quantile(null, 0.95)),
        float(both.sum() * step_s),
    )


def _stepped(
    times_s: NDArray[np.float64], values: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean of a course over each step, without its straight trend; NaN where nothing is known."""
    known = np.isfinite(values) & (times_s >= edges[0]) & (times_s < edges[-1])
    at = np.searchsorted(edges, times_s[known], side="right") - 1
    sums, counts = (np.bincount(at, each, len(edges) - 1) for each in (values[known], None))
    means = np.full(len(edges) - 1, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    sure = np.isfinite(means)
    if sure.sum() > 2:
        steps = np.arange(len(means))
        size = np.abs(means[sure]).max()
        means -= np.polyval(np.polyfit(steps[sure], means[sure], 1), steps)
        # What rounding leaves of a course that doesn't change would go with another such.
        means[np.abs(means) <= 1e-9 * size] = 0
    return means


def _at_every_shift(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pearson's correlation of the first with the second, turned round by each shift, (n,).

    At index k the second follows the first by k steps. Steps that are unknown in either are left out.
    """
    x_known, y_known = np.isfinite(first), np.isfinite(second)
    x, y = np.where(x_known, first, 0.0), np.where(y_known, second, 0.0)
    # Scaled, so that what rounding leaves of a course that doesn't change can be told.
    x, y = (each / (np.abs(each).max() or 1.0) for each in (x, y))

    def sums(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        product = np.conj(np.fft.rfft(a)) * np.fft.rfft(b)
        return np.asarray(np.fft.irfft(product, len(a)), np.float64)

    mx, my = x_known.astype(float), y_known.astype(float)
    n = np.maximum(sums(mx, my), 1.0)
    mean_x, mean_y = sums(x, my) / n, sums(mx, y) / n
    spread_x, spread_y = sums(x**2, my) / n - mean_x**2, sums(mx, y**2) / n - mean_y**2
    moving = (spread_x > 1e-9) & (spread_y > 1e-9)
    scale = np.sqrt(np.where(moving, spread_x * spread_y, 1.0))
    correlations: NDArray[np.float64] = (sums(x, y) / n - mean_x * mean_y) / scale
    correlations[~(moving & (n >= 0.3 * len(x)))] = np.nan
    return correlations
