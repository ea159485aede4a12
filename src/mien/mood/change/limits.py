"""How far a chart may go before it alarms, so that false alarms are as rare as somebody chose.

What is usual is only known from the baseline's days, and limits that ignore this alarm far too often. So the
baseline itself is drawn anew, hundreds of times, from the person's fitted autoregression, over the same
days with the same gaps; each is fitted as the real one was, and a chart with that fit watches days of the
same process. The limit is the one at which these charts together alarm once in the chosen number of days:
the promise is about what is to be expected from all that the baseline tells, and not about a person whose
usual were known exactly.

The days that are drawn have the fitted correlation from one day to the next, but a mood below it that
carries on for longer, and noise on top, as a day's figure is only a sample of it. Days like these are
harder than a plain autoregression, which fades sooner; the promise is to hold for both.

The parametric bootstrap is that of Gandy & Kvaloy (2013). They hold the promise for 90 % of all baselines,
which is `sure=0.9` here; docs/change.md shows what that costs in delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from mien.mood.change.ar1 import REACH_SD, Ar1, Fits, Ints, design, fit_many

Kind = Literal["cusum", "ewma"]
Small = NDArray[np.float32]
AnyFloats = TypeVar("AnyFloats", Small, NDArray[np.float64])

CUSUM_SLACK: Final = 0.5
"""What the CUSUM lets pass each day, in standard deviations of a forecast's error (Page 1954)."""

EWMA_WEIGHT: Final = 0.1
"""The newest day's weight in the EWMA (Lucas & Saccucci 1990: 0.1 for shifts of about half a deviation)."""

_BASELINES: Final = 400
_FUTURES: Final = 50
_LONGEST_DAYS: Final = 365
_SHORTEST_DAYS: Final = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What a limit depends on.

    Attributes:
        kind: of chart.
        days: the baseline's days as whole numbers, counted from a Monday.
        weekly: whether each weekday has its own level.
        phi: correlation from day to day, to one decimal.
        false_alarm_days: days from one false alarm to the next, as chosen.
        sure: the share of baselines for which that holds at least; None where it is what is to be expected.
    """

    kind: Kind
    days: tuple[int, ...]
    weekly: bool
    phi: float
    false_alarm_days: float
    sure: float | None = None

    @classmethod
    def of(cls, kind: Kind, fit: Ar1, days: Ints, false_alarm_days: float, sure: float | None = None) -> Plan:
        """Make the plan for a fit over these days (`ar1.ordinals`)."""
        first = (int(days[0]) - 1) // 7 * 7 if fit.weekly else int(days[0]) - 1
        return cls(
            kind=kind,
            days=tuple((days - first).tolist()),
            weekly=fit.weekly,
            phi=round(min(max(fit.phi, 0.0), 0.8), 1),
            false_alarm_days=false_alarm_days,
            sure=sure,
        )


def advance(
    kind: Kind, above: AnyFloats, below: AnyFloats, residual: AnyFloats
) -> tuple[AnyFloats, AnyFloats]:
    """Take a chart one day on.

    Args:
        kind: of chart.
        above: of any shape, the statistic that rises when the values do.
        below: of the same shape, the one that rises when the values fall.
        residual: of the same shape, the day's error of the forecast.

    Returns:
        Both statistics after the day.
    """
    if kind == "cusum":
        return (
            np.maximum(above + residual - CUSUM_SLACK, 0),
            np.maximum(below - residual - CUSUM_SLACK, 0),
        )
    mean = above + EWMA_WEIGHT * (residual - above)
    return mean, -mean


@lru_cache(maxsize=1024)
def limit(plan: Plan) -> float:
    """Give the limit of a chart's statistic; the same for the same plan. It takes some 0.2 s, once."""
    horizon = round(min(max(plan.false_alarm_days, _SHORTEST_DAYS), _LONGEST_DAYS))
    highest = _highest(plan, horizon)
    alarms = horizon / plan.false_alarm_days
    if plan.sure is not None:
        return float(np.quantile(np.quantile(highest, np.exp(-alarms), axis=1), plan.sure))
    return float(
        brentq(lambda height: _alarms(highest, height) - alarms, 0.0, float(highest.max()), xtol=1e-3)
    )


def _alarms(highest: Small, height: float) -> float:
    """How often the charts alarm within the horizon, at the rate at which they first do: alarms are rare."""
    futures = highest.shape[1]
    reached = np.minimum((highest > height).sum(axis=1), futures - 0.5)
    return float(-np.log1p(-reached / futures).mean())


def _highest(plan: Plan, horizon: int) -> Small:
    """(baselines, futures) how high the statistic gets within the horizon while nothing changes."""
    random = np.random.default_rng(20130304)
    days = np.array(plan.days, np.int64)
    span = int(days[-1] - days[0]) + 1
    mood = _process(random, _BASELINES, span, _carry(plan))
    past = _figures(mood, random.standard_normal(mood.shape), plan)
    fits = fit_many(days, past[:, days - days[0]], design(days, plan.weekly))
    seen = random.random(horizon) < len(days) / span
    return _watch(plan, random, _Past(mood[:, -1:], past[:, -1:], int(days[-1])), fits, seen)


class _Past(NamedTuple):
    """The baselines' last day: (baselines, 1) mood and figure, and its number."""

    mood: NDArray[np.float64]
    figure: NDArray[np.float64]
    day: int


def _carry(plan: Plan) -> float:
    """How much of a day's mood is left on the next; figures then have the correlation `plan.phi`."""
    return float(np.sqrt(plan.phi))


def _figures(mood: AnyFloats, noise: AnyFloats, plan: Plan) -> AnyFloats:
    """Put noise on a mood: both have a standard deviation of 1, and so has the sum."""
    share = _carry(plan)
    return np.asarray(mood * share**0.5 + noise * (1 - share) ** 0.5)


def _process(random: np.random.Generator, people: int, days: int, phi: float) -> NDArray[np.float64]:
    """(people, days) of an autoregression with a standard deviation of 1."""
    values = random.standard_normal((people, days))
    fresh = np.sqrt(1 - phi**2)
    for day in range(1, days):
        values[:, day] = phi * values[:, day - 1] + fresh * values[:, day]
    return values


def _watch(
    plan: Plan, random: np.random.Generator, past: _Past, fits: Fits, seen: NDArray[np.bool_]
) -> Small:
    levels = (fits.levels if plan.weekly else np.repeat(fits.levels, 7, axis=1)).astype(np.float32)
    sd, phi = fits.sd[:, np.newaxis].astype(np.float32), fits.phi[:, np.newaxis].astype(np.float32)
    shape = (_BASELINES, _FUTURES)

    def deviation(figure: Small, day: int) -> Small:
        return np.asarray(np.clip((figure - levels[:, [(day - 1) % 7]]) / sd, -REACH_SD, REACH_SD))

    mood = np.repeat(past.mood, _FUTURES, axis=1).astype(np.float32)
    far = deviation(np.repeat(past.figure, _FUTURES, axis=1).astype(np.float32), past.day)
    above, below, highest = (np.zeros(shape, np.float32) for _ in range(3))
    carry, kept = _carry(plan), np.ones_like(phi)
    for day, is_seen in enumerate(seen, past.day + 1):
        mood = carry * mood + (1 - carry**2) ** 0.5 * random.standard_normal(shape, np.float32)
        kept = kept * phi
        if is_seen:
            figure = _figures(mood, random.standard_normal(shape, np.float32), plan)
            before, far = far, deviation(figure, day)
            error = np.asarray((far - kept * before) / np.sqrt(1 - kept**2), np.float32)
            above, below = advance(plan.kind, above, below, error)
            np.maximum(highest, np.maximum(above, below), out=highest)
            kept = np.ones_like(phi)
    return highest
