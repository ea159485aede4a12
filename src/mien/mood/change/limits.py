"""How far a chart may go before it alarms, so that false alarms are as rare as somebody chose.

What is usual is only known from the baseline's days, and limits that ignore this alarm far too often. So the
baseline itself is drawn anew, hundreds of times, from the person's fitted autoregression, over the same
days with the same gaps; each is fitted as the real one was, and a chart with that fit watches days of the
same process. The limit is the one at which these charts together alarm once in the chosen number of days:
the promise is about what is to be expected from all that the baseline tells, and not about a person whose
usual were known exactly.

The parametric bootstrap is that of Gandy & Kvaloy (2013). They hold the promise for 90 % of all baselines,
which is `sure=0.9` here; docs/change.md shows what that costs in delay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from mien.mood.change.ar1 import REACH_SD, Ar1, Ints, design, fit_many

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
    """Give the limit of a chart's statistic; the same for the same plan. It takes about 0.1 s, once."""
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
    past = _process(random, _BASELINES, span, plan.phi)
    found = fit_many(days, past[:, days - days[0]], design(days, plan.weekly))
    share = len(days) / span
    seen = random.random(horizon) < share
    return _watch(plan, random, past[:, -1], found, seen, int(days[-1]))


def _process(random: np.random.Generator, people: int, days: int, phi: float) -> NDArray[np.float64]:
    """(people, days) of an autoregression with a standard deviation of 1."""
    values = random.standard_normal((people, days))
    fresh = np.sqrt(1 - phi**2)
    for day in range(1, days):
        values[:, day] = phi * values[:, day - 1] + fresh * values[:, day]
    return values


def _watch(
    plan: Plan,
    random: np.random.Generator,
    last: NDArray[np.float64],
    found: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    seen: NDArray[np.bool_],
    last_day: int,
) -> Small:
    levels, sd, phi = ((each[:, np.newaxis] if each.ndim == 1 else each).astype(np.float32) for each in found)
    by_weekday = levels if plan.weekly else np.repeat(levels, 7, axis=1)
    state = np.repeat(last[:, np.newaxis], _FUTURES, axis=1).astype(np.float32)
    far = np.clip((state - by_weekday[:, [(last_day - 1) % 7]]) / sd, -REACH_SD, REACH_SD)
    above, below, highest = np.zeros_like(state), np.zeros_like(state), np.zeros_like(state)
    fresh, kept = np.float32(np.sqrt(1 - plan.phi**2)), np.ones_like(phi)
    for day, is_seen in enumerate(seen, last_day + 1):
        state = np.float32(plan.phi) * state + fresh * random.standard_normal(state.shape, np.float32)
        kept = kept * phi
        if is_seen:
            usual = by_weekday[:, [(day - 1) % 7]]
            before, far = far, np.clip((state - usual) / sd, -REACH_SD, REACH_SD)
            residual = (far - kept * before) / np.sqrt(1 - kept**2)
            above, below = advance(plan.kind, above, below, residual)
            np.maximum(highest, np.maximum(above, below), out=highest)
            kept = np.ones_like(phi)
    return highest
