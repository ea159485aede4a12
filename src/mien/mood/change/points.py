"""Where a measure changed: looking back over all days, and day by day with how sure it is.

Both work on forecasts' errors, or on what they are made of, because methods for independent values find
changes that are none in values that hang together (Shi et al. 2022).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from mien.mood.baseline import Baseline
from mien.mood.change.ar1 import Ar1, ordinals
from mien.mood.change.charts import after, new_residuals, watchable

Floats = NDArray[np.float64]

LEAST_STRETCH_DAYS: Final = 5
"""The shortest stretch between two change points, in days that have a figure."""

_FALSELY: Final = 0.05
_SERIES: Final = 1000


@dataclass(frozen=True, slots=True)
class Point:
    """A change point, found looking back.

    Attributes:
        date: the first day of the new level.
        before, after: the levels, in standard deviations of own days from usual.
    """

    date: dt.date
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class RunLengths:
    """How long the present level has held, day by day (Adams & MacKay 2007).

    Attributes:
        dates: (n,) the days after the baseline that have a figure.
        posterior: (n, n + 1) on each day, the probability that the present level began at each of the days,
            and in the first column that it is still the baseline's.
        level: (n, n + 1) what the level then is, in standard deviations of a forecast's error.
    """

    dates: tuple[dt.date, ...]
    posterior: Floats
    level: Floats

    @property
    def changed(self) -> Floats:
        """(n,) the probability that the level is no longer the baseline's."""
        return np.asarray(1 - self.posterior[:, 0])

    @property
    def since(self) -> dt.date | None:
        """When the present level most likely began; None while it most likely is the baseline's."""
        place = int(self.posterior[-1].argmax()) if len(self.dates) else 0
        return self.dates[place - 1] if place else None


def change_points(values: pd.Series[Any], baseline: Baseline) -> list[Point] | None:
    """Find change points in the days behind the baseline, looking back (PELT, Killick et al. 2012).

    The days are made independent by the baseline's autoregression. A change point has to make the fit better
    by more than it does in 95 % of series of the same length without any.

    Args:
        values: the measure's figures by date, with its name.
        baseline: the person's own.

    Returns:
        By date; None where the baseline can't carry it.

    Raises:
        ModuleNotFoundError: without ruptures, which comes with `mien[record]`.
    """
    from mien.mood.change.segments import segment

    measure = str(values.name)
    fitted = watchable(measure, baseline)
    if fitted is None:
        return None
    dates, figures = after(values, baseline)
    if len(dates) < 2 * LEAST_STRETCH_DAYS:
        return []
    white, weights = _independent(fitted, dates, figures)
    ends = segment(white, weights, LEAST_STRETCH_DAYS, penalty(len(dates)))
    edges = [0, *ends]
    levels = [float(weights[a:b] @ white[a:b] / (weights[a:b] @ weights[a:b])) for a, b in pairwise(edges)]
    return [Point(dates[end], levels[k], levels[k + 1]) for k, end in enumerate(ends[:-1])]


@lru_cache(maxsize=1024)
def penalty(count: int) -> float:
    """Return by how much the sum of squares has to fall for a change point, for so many independent days.

    The 95 % quantile of the largest fall over all places, in series without a change.
    """
    noise = np.random.default_rng(count).standard_normal((_SERIES, count))
    before = np.arange(1, count)
    sums = noise.cumsum(axis=1)
    total, left = sums[:, -1:], sums[:, :-1]
    fall = left**2 / before + (total - left) ** 2 / (count - before) - total**2 / count
    inner = fall[:, LEAST_STRETCH_DAYS - 1 : count - LEAST_STRETCH_DAYS]
    return float(np.quantile(inner.max(axis=1), 1 - _FALSELY))


def run_lengths(values: pd.Series[Any], baseline: Baseline, *, false_alarm_days: float) -> RunLengths | None:
    """Follow a measure behind the baseline by online Bayesian change-point detection.

    Args:
        values: the measure's figures by date, with its name.
        baseline: the person's own.
        false_alarm_days: a change is taken to happen once in so many days. The probability that the level is
            another then passes one half falsely about that seldom: its odds are the Shiryaev-Roberts
            statistic divided by this number.

    Returns:
        None where the baseline can't carry it.
    """
    measure = str(values.name)
    fitted = watchable(measure, baseline)
    if fitted is None:
        return None
    dates, figures = after(values, baseline)
    residuals = new_residuals(fitted, baseline, measure, dates, figures)
    gaps = np.diff(ordinals([baseline.measures[measure].dates[-1], *dates]))
    hazards = 1 - (1 - 1 / false_alarm_days) ** gaps
    return RunLengths(dates, *follow(residuals, hazards, fitted.days))


def follow(residuals: Floats, hazards: Floats, baseline_days: int) -> tuple[Floats, Floats]:
    """Adams & MacKay's recursion for normal values with unknown mean and spread (their sections 2 and 3).

    The first run goes on from the baseline, so its mean and spread are known as well as so many days tell;
    each later run's mean lies about one standard deviation of a forecast's error away.

    Args:
        residuals: (n,) or (n, b) of b series at once.
        hazards: (n,) the probability of a change before each day.
        baseline_days: that the first run stands on.

    Returns:
        (n, n + 1) or (n, n + 1, b): the runs' probabilities after each day, and their means.
    """
    count, rest = len(residuals), residuals.shape[1:]
    chances, means = np.zeros((count, count + 1, *rest)), np.zeros((count, count + 1, *rest))
    chance, mean, spread = np.ones((1, *rest)), np.zeros((1, *rest)), np.full((1, *rest), baseline_days / 2)
    weight, shape = np.array([float(baseline_days)]), np.array([baseline_days / 2])
    for day, (value, hazard) in enumerate(zip(residuals, hazards, strict=True)):
        chance = np.concatenate([chance * (1 - hazard), hazard * chance.sum(axis=0, keepdims=True)])
        mean = np.concatenate([mean, np.zeros((1, *rest))])
        spread = np.concatenate([spread, np.full((1, *rest), baseline_days / 2)])
        weight, shape = np.append(weight, 1.0), np.append(shape, baseline_days / 2)
        kappa, alpha = (each.reshape(-1, *[1] * len(rest)) for each in (weight, shape))
        chance = chance * _predictive(value, mean, kappa, alpha, spread)
        chance /= chance.sum(axis=0)
        spread = spread + kappa * (value - mean) ** 2 / (2 * (kappa + 1))
        mean = (kappa * mean + value) / (kappa + 1)
        weight, shape = weight + 1, shape + 0.5
        chances[day, : day + 2], means[day, : day + 2] = chance, mean
    return chances, means


def _predictive(value: Floats, mean: Floats, kappa: Floats, alpha: Floats, spread: Floats) -> Floats:
    """Student's t: the density of the next value (Murphy 2007, equation 110)."""
    scale = spread * (kappa + 1) / (alpha * kappa)
    power = alpha + 0.5
    log = gammaln(power) - gammaln(alpha) - 0.5 * np.log(2 * np.pi * alpha * scale)
    return np.asarray(np.exp(log - power * np.log1p((value - mean) ** 2 / (2 * alpha * scale))))


def _independent(fitted: Ar1, dates: tuple[dt.date, ...], figures: Floats) -> tuple[Floats, Floats]:
    """Make days independent: their whitened deviations, and what a level of 1 adds to each of them."""
    far = fitted.deviations(dates, figures)
    kept = fitted.phi ** np.diff(ordinals(dates)).astype(np.float64)
    scale = np.sqrt(1 - kept**2)
    return (
        np.append(far[0], (far[1:] - kept * far[:-1]) / scale),
        np.append(1.0, (1 - kept) / scale),
    )
