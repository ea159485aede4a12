"""Intervals for figures of a course in time: the circular block bootstrap, with block lengths by a rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVEL: Final = 0.9
"""An interval covers the true value in so many of all cases; docs/mood.md has the share that was measured."""
REPLICATES: Final = 1000

_CHUNK: Final = 1_000_000
"""Replicates are drawn in chunks of so many cells, so that a day of eight hours needs no gigabyte."""
_LEAST_COUNT: Final = 9
"""Of fewer values no dependence can be told."""
_LEAST_KEPT: Final = 0.25
"""The share of the variance that blocks are believed to keep is not taken for smaller than this."""


class Blocks(NamedTuple):
    """How to draw, and how far to trust it.

    Attributes:
        length: neighbours in a block.
        tail: the share of replicates that an interval leaves out at each end.
    """

    length: int
    tail: float


def blocks_for(stretches: Sequence[Floats]) -> Blocks:
    """Choose how many neighbours a block holds, from how far the data depend on their past.

    Politis, D. N. & White, H. (2004). Automatic block-length selection for the dependent bootstrap.
    Econometric Reviews 23, 53-70, as corrected by Patton, Politis & White (2009), Econometric Reviews 28,
    372-375; the length b for the circular block bootstrap, from n values with autocovariances R(k):

        b = (2 G^2 / D)^(1/3) n^(1/3),  G = sum w(k) |k| R(k),  D = 4/3 S^2,  S = sum w(k) R(k)

    Plain percentiles of replicates cover too little where data depend much on their past. So they are taken
    further out, by three factors on the standard error: blocks keep the share 1 - G / (b S) of the variance
    (to first order; Kunsch 1989), the circle takes the share b / n of it, and t with 1.5 n / b degrees of
    freedom stands in for the normal distribution.

    Args:
        stretches: values at even steps; NaN where they are not known. Nothing is computed from one stretch to
            the next.

    Returns:
        A length of at least 1, and at most min(3 sqrt(n), n / 3).
    """
    count = int(sum(np.count_nonzero(~np.isnan(each)) for each in stretches))
    if count < _LEAST_COUNT:
        return Blocks(1, _tail(1.0, 1.0))
    slope, spectrum = _dependence(stretches, count)
    most = math.ceil(min(3 * math.sqrt(count), count / 3))
    best = (1.5 * (slope / spectrum) ** 2 * count) ** (1 / 3) if spectrum > 0 else most
    length = min(most, max(1, math.ceil(best)))
    lost = max(0.0, slope) / (length * spectrum) if spectrum > 0 else 1.0
    return Blocks(length, _tail(max(_LEAST_KEPT, 1 - lost) * (1 - length / count), 1.5 * count / length))


def _tail(kept: float, freedom: float) -> float:
    """Give the tail that makes up for the share of variance that is kept, and for few blocks."""
    t = float(scipy.special.stdtrit(freedom, (1 + LEVEL) / 2))
    return float(scipy.special.ndtr(-t / math.sqrt(kept)))


def _dependence(stretches: Sequence[Floats], count: int) -> tuple[float, float]:
    """Give G and S; 0 and 1 where nothing moves."""
    run = max(5, math.ceil(math.log10(count)))
    longest_lag = math.ceil(math.sqrt(count)) + run
    covariance = _autocovariance(stretches, longest_lag)
    if covariance[0] <= 1e-12:
        return 0.0, 1.0
    lags = min(2 * max(1, _last_dependent(covariance / covariance[0], count, run)), longest_lag)
    lag = np.arange(-lags, lags + 1)
    window = np.clip(2 * (1 - np.abs(lag) / lags), 0, 1) * covariance[np.abs(lag)]
    return float(window @ np.abs(lag)), float(window.sum())


def _autocovariance(stretches: Sequence[Floats], longest_lag: int) -> Floats:
    """(longest_lag + 1,) over the pairs of which both are known, divided by the number of values."""
    known = np.concatenate([each[~np.isnan(each)] for each in stretches])
    sums = np.zeros(longest_lag + 1)
    for each in stretches:
        apart = np.nan_to_num(each - known.mean())
        for lag in range(min(longest_lag + 1, len(apart))):
            sums[lag] += apart[: len(apart) - lag] @ apart[lag:]
    return sums / len(known)


def _last_dependent(correlation: Floats, count: int, run: int) -> int:
    """Give the smallest lag after which `run` autocorrelations in a row can't be told from 0."""
    small = np.abs(correlation[1:]) < 2 * math.sqrt(math.log10(count) / count)
    runs = np.convolve(small, np.ones(run), "valid")
    quiet = np.flatnonzero(runs == run)
    return int(quiet[0]) if len(quiet) else int(np.flatnonzero(~small)[-1]) + 1


def draws(
    count: int, length: int, rng: np.random.Generator, replicates: int = REPLICATES
) -> Iterator[Floats]:
    """Draw replicates by the circular block bootstrap.

    Politis, D. N. & Romano, J. P. (1992). A circular block-resampling procedure for stationary data.

    Args:
        count: cells that there are, at least 1.
        length: cells in a block.
        rng: where chance comes from.
        replicates: how many.

    Yields:
        Chunks (some replicates, count): how often each cell was drawn.
    """
    blocks = math.ceil(count / length)
    at_once = max(1, _CHUNK // count)
    for done in range(0, replicates, at_once):
        chunk = min(at_once, replicates - done)
        starts = rng.integers(0, count, (chunk, blocks, 1))
        cells = (starts + np.arange(length)) % count + count * np.arange(chunk)[:, None, None]
        drawn = np.bincount(cells.ravel(), minlength=chunk * count)
        yield drawn.reshape(chunk, count).astype(np.float64)


def interval(value: float, replicates: Floats, tail: float) -> tuple[float, float]:
    """Give the percentile interval, stretched where needed so that it holds the value itself.

    Args:
        value: the figure.
        replicates: (b,) the same figure of each replicate; NaN where it had no data for it.
        tail: the share of replicates left out at each end.

    Returns:
        The interval's ends; the value itself where no replicate has data.
    """
    known = replicates[np.isfinite(replicates)]
    if not len(known):
        return value, value
    low, high = np.quantile(known, [tail, 1 - tail])
    return min(float(low), value), max(float(high), value)
