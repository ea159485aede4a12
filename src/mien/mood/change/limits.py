"""How far a chart may go before it alarms, so that false alarms are as rare as somebody chose.

What is usual is only known from the baseline's days, and limits that ignore this alarm far too often. So the
baseline itself is drawn anew, hundreds of times, over the same days with the same gaps; each is fitted as the
real one was, and a chart with that fit watches further days. The limit is the one at which these charts
together alarm once in the chosen number of days: the promise is about what is to be expected from all that
the baseline tells, and not about a person whose usual were known exactly.

The days that are drawn correlate from one to the next as the fit says, give or take its error. Below them
lies a mood that carries on for longer, with noise on top, as a day's figure is only a sample of it. Such
days are harder than a plain autoregression, which fades sooner; the promise is to hold for both.

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

_PHI_RANGE: Final = (0.0, 0.8)
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
            phi=round(min(max(fit.phi, _PHI_RANGE[0]), _PHI_RANGE[1]), 1),
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
    truth = _Truth.drawn(random, plan)
    mood = truth.mood(random, span)
    figures = truth.figures(mood, random.standard_normal(mood.shape))
    fits = fit_many(days, figures[:, days - days[0]], design(days, plan.weekly))
    seen = random.random(horizon) < len(days) / span
    chart = _Watched(plan, fits, figures[:, -1:], int(days[-1]))
    state = np.repeat(mood[:, -1:], _FUTURES, axis=1).astype(np.float32)
    for is_seen in seen:
        state = truth.next(state, random.standard_normal(state.shape, np.float32))
        figure = truth.figures(state, random.standard_normal(state.shape, np.float32)) if is_seen else None
        chart.take(figure)
    return chart.highest


class _Truth(NamedTuple):
    """How much of a day's mood is left on the next: (baselines, 1). Figures then correlate by its square."""

    carry: NDArray[np.float64]

    @classmethod
    def drawn(cls, random: np.random.Generator, plan: Plan) -> _Truth:
        """Draw what the correlation may truly be, as the baseline leaves that open too."""
        spread = np.sqrt((1 - plan.phi**2) / len(plan.days))
        phi = np.clip(plan.phi + spread * random.standard_normal((_BASELINES, 1)), *_PHI_RANGE)
        return cls(np.sqrt(phi))

    def mood(self, random: np.random.Generator, days: int) -> NDArray[np.float64]:
        """(baselines, days) of moods with a standard deviation of 1."""
        values = random.standard_normal((_BASELINES, days))
        for day in range(1, days):
            values[:, day, np.newaxis] = self.next(values[:, [day - 1]], values[:, [day]])
        return values

    def next(self, mood: AnyFloats, noise: AnyFloats) -> AnyFloats:
        """Give the moods of the next day."""
        carry = self.carry.astype(mood.dtype)
        return np.asarray(carry * mood + np.sqrt(1 - carry**2) * noise, mood.dtype)

    def figures(self, mood: AnyFloats, noise: AnyFloats) -> AnyFloats:
        """Put noise on moods; figures have a standard deviation of 1, too."""
        share = self.carry.astype(mood.dtype)
        return np.asarray(np.sqrt(share) * mood + np.sqrt(1 - share) * noise, mood.dtype)


class _Watched:
    """Charts of all baselines and futures at once, as `charts` runs one."""

    def __init__(self, plan: Plan, fits: Fits, last: NDArray[np.float64], day: int) -> None:
        self.highest = np.zeros((_BASELINES, _FUTURES), np.float32)
        self._kind, self._day = plan.kind, day
        self._levels = (fits.levels if plan.weekly else np.repeat(fits.levels, 7, axis=1)).astype(np.float32)
        self._sd, self._phi = (each[:, np.newaxis].astype(np.float32) for each in (fits.sd, fits.phi))
        self._above, self._below = np.zeros_like(self.highest), np.zeros_like(self.highest)
        self._kept = np.ones_like(self._phi)
        self._far = self._deviation(last.astype(np.float32))

    def take(self, figures: Small | None) -> None:
        """Take the next day; None where it is missing."""
        self._day += 1
        self._kept = self._kept * self._phi
        if figures is None:
            return
        before, self._far = self._far, self._deviation(figures)
        error = np.asarray((self._far - self._kept * before) / np.sqrt(1 - self._kept**2), np.float32)
        self._above, self._below = advance(self._kind, self._above, self._below, error)
        np.maximum(self.highest, np.maximum(self._above, self._below), out=self.highest)
        self._kept = np.ones_like(self._phi)

    def _deviation(self, figures: Small) -> Small:
        usual = self._levels[:, [(self._day - 1) % 7]]
        return np.asarray(np.clip((figures - usual) / self._sd, -REACH_SD, REACH_SD))
