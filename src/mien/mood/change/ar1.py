"""A day series with gaps as a first-order autoregression around what is usual.

    x(t) = level(weekday of t) + d(t),   d(t) = phi d(t - 1) + e(t)

Over a gap of k days the correlation is phi^k, so the exact likelihood of the days that there are needs no
filling of gaps (Jones 1980). It is the restricted likelihood: around a mean, it brings the small-sample
bias of phi from -(1 + 3 phi) / n (Marriott & Pope 1954, Kendall 1954) to -2 phi / n, and it serves levels
by weekday as well (Cheang & Reinsel 2000). What remains is put back by the factor 1 + 2 / n. docs/change.md
has what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.mood.baseline import MAD_TO_SD, BaselineMeasure

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH_SD: Final = 3.0
"""No day counts for more than this many standard deviations: one odd day is no change."""

LEAST_DAYS_OF_WEEK: Final = 6
"""Levels by weekday are fitted from so many days of each weekday: eight weeks with a few gaps."""

_LEAST_SPREAD: Final = 1e-3
_STEP: Final = 0.05
_GRID: Final = np.arange(-0.4, 0.95, _STEP)
_PHI_RANGE: Final = (-0.4, 0.9)


class Fits(NamedTuple):
    """Fits of b series at once.

    Attributes:
        levels: (b, p) the coefficients of the design's columns.
        sd: (b,) standard deviation of the days around them.
        phi: (b,) correlation from one day to the next.
    """

    levels: Floats
    sd: Floats
    phi: Floats


@dataclass(frozen=True, slots=True)
class Ar1:
    """What one day says of the next, for one measure of one person.

    Attributes:
        levels: (7,) what is usual on each weekday, Monday first; all alike where no weekly rhythm was fitted.
        sd: standard deviation of own days around them.
        phi: correlation from one day to the next.
        days: how many days it was fitted on.
        weekly: whether each weekday has its own level.
    """

    levels: tuple[float, ...]
    sd: float
    phi: float
    days: int
    weekly: bool

    def deviations(self, dates: Sequence[date], values: Floats, width: Floats | float = 1.0) -> Floats:
        """Return how far days lie from usual, in standard deviations of own days, `REACH_SD` at the most.

        Args:
            dates: (n,) the days.
            values: (n,) the measure's figures.
            width: (n,) the standard deviation of each day in those of own days; the reach grows with it.
        """
        usual = np.array(self.levels)[[each.weekday() for each in dates]] if len(dates) else np.empty(0)
        return np.clip((values - usual) / self.sd, -REACH_SD * width, REACH_SD * width)

    def residuals(self, dates: Sequence[date], values: Floats) -> Floats:
        """Return the errors of the forecasts from each day to the next one there is.

        Args:
            dates: (n,) rising; gaps are left out.
            values: (n,) the measure's figures.

        Returns:
            (n - 1,) independent and with a standard deviation of 1 while nothing changes.
        """
        far = self.deviations(dates, values)
        kept = self.phi ** np.diff(ordinals(dates)).astype(np.float64)
        return np.asarray((far[1:] - kept * far[:-1]) / np.sqrt(1 - kept**2))


def ordinals(dates: Sequence[date]) -> Ints:
    """Return days as whole numbers."""
    return np.array([each.toordinal() for each in dates], np.int64)


def fit(measure: BaselineMeasure) -> Ar1 | None:
    """Fit a person's measure over the baseline's days.

    Args:
        measure: its days, at least `usual.LEAST_DAYS`.

    Returns:
        None where too few days differ from each other to have a spread.
    """
    if not measure.mad > 0:
        return None
    days = ordinals(measure.dates)
    weekly = has_weeks(days)
    found = fit_many(days, measure.values[np.newaxis], design(days, weekly))
    if not found.sd[0] > _LEAST_SPREAD * measure.sd:
        return None
    levels = found.levels[0] if weekly else np.repeat(found.levels[0], 7)
    return Ar1(tuple(levels.tolist()), float(found.sd[0]), float(found.phi[0]), len(days), weekly)


def has_weeks(days: Ints) -> bool:
    """Return whether there are enough days of each weekday to know a weekly rhythm."""
    return bool(np.bincount(_weekdays(days), minlength=7).min() >= LEAST_DAYS_OF_WEEK)


def design(days: Ints, weekly: bool) -> Floats:
    """Return the columns whose coefficients are the levels: (n, 7) by weekday, or (n, 1)."""
    return np.eye(7)[_weekdays(days)] if weekly else np.ones((len(days), 1))


def fit_many(days: Ints, values: Floats, columns: Floats) -> Fits:
    """Fit many series over the same days.

    The restricted likelihood, profiled over levels and spread, is taken on a grid of phi, its top from a
    parabola.

    Args:
        days: (n,) rising whole numbers, with gaps.
        values: (b, n); those further than `REACH_SD` from their weekday's median are drawn in to there.
        columns: (n, p) from `design`.

    Returns:
        The fits.
    """
    steps, series = np.diff(days).astype(np.float64), _drawn_in(values, columns)
    count, levels = columns.shape
    spare = count - levels
    likelihood, coefficients, spreads = [], [], []
    for phi in _GRID:
        (white, regressors), log_scale = _whiten([series, columns.T], steps, float(phi))
        information = regressors @ regressors.T
        found = np.linalg.solve(information, regressors @ white.T).T
        variance = ((white - found @ regressors) ** 2).sum(axis=1) / spare
        variance = np.maximum(variance, np.finfo(np.float64).tiny)
        volume = np.linalg.slogdet(information)[1] / 2
        likelihood.append(-spare / 2 * np.log(variance) - log_scale - volume)
        coefficients.append(found)
        spreads.append(np.sqrt(variance))
    top, beyond = _top(np.array(likelihood))
    phi = np.clip((_GRID[top] + _STEP * beyond) * (1 + 2 / count), *_PHI_RANGE)
    return Fits(_between(np.array(coefficients), top, beyond), _between(np.array(spreads), top, beyond), phi)


def information(days: Ints, phi: float) -> float:
    """Return how many independent days these are worth for their mean: 1 / its variance, at an SD of 1."""
    (white,), _ = _whiten([np.ones((1, len(days)))], np.diff(days).astype(np.float64), phi)
    return float((white**2).sum())


def _weekdays(days: Ints) -> Ints:
    return (days - 1) % 7  # ordinal 1 was a Monday


def _drawn_in(values: Floats, columns: Floats) -> Floats:
    medians = np.stack([np.median(values[:, column > 0], axis=1) for column in columns.T])
    middle = (columns @ medians).T
    reach = REACH_SD * MAD_TO_SD * np.median(np.abs(values - middle), axis=1, keepdims=True)
    return np.clip(values, middle - reach, middle + reach)


def _whiten(rows: list[Floats], steps: Floats, phi: float) -> tuple[list[Floats], float]:
    """Make rows of days independent of each other; also the sum of the logarithms of their scales."""
    kept = phi**steps
    scale = np.sqrt(1 - kept**2)
    white = [np.hstack([row[:, :1], (row[:, 1:] - kept * row[:, :-1]) / scale]) for row in rows]
    return white, float(np.log(scale).sum())


def _top(likelihood: Floats) -> tuple[Ints, Floats]:
    """Find the top of each column: the inner grid point next to it, and how many steps beyond."""
    top = np.clip(likelihood.argmax(axis=0), 1, len(_GRID) - 2)
    column = np.arange(likelihood.shape[1])
    before, at, after = (likelihood[top + shift, column] for shift in (-1, 0, 1))
    bend = np.minimum(before - 2 * at + after, -1e-12)
    return top, np.clip(0.5 * (before - after) / bend, -1, 1)


def _between(values: Floats, top: Ints, beyond: Floats) -> Floats:
    """Take values at a place between grid points, linearly."""
    column = np.arange(len(top))
    slope = (values[top + 1, column] - values[top - 1, column]) / 2
    return np.asarray(values[top, column] + slope * beyond.reshape(-1, *[1] * (slope.ndim - 1)))
