"""How far a chart may go before it alarms, so that false alarms are as rare as somebody chose.

What is usual is only known from the baseline's days, and limits that ignore this alarm far too often. So the
baseline itself is drawn anew, hundreds of times, over the same days with the same gaps; each is fitted as the
real one was, and a chart with that fit watches further days. This is done for each way in which days may
hang together (`slow.QUICK`), and the limits of all are chosen so that these charts alarm once in the chosen
number of days. A person's limit is the mean of them, weighed by what their baseline allows.

The parametric bootstrap is that of Gandy & Kvaloy (2013). They hold the promise for 90 % of all baselines;
we hold the expected number, because theirs doubles the delay or worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.mood.change.ar1 import REACH_SD, Fits, Ints, design, fit_many
from mien.mood.change.slow import QUICK, Course, weights

Kind = Literal["cusum", "ewma"]
Floats = NDArray[np.float64]
Small = NDArray[np.float32]
AnyFloats = TypeVar("AnyFloats", Small, Floats)

CUSUM_SLACK: Final = 0.5
"""What the CUSUM lets pass each day, in standard deviations of own days (Page 1954)."""

EWMA_WEIGHT: Final = 0.1
"""The newest day's weight in the EWMA (Lucas & Saccucci 1990: 0.1 for shifts of about half a deviation)."""

_BASELINES: Final = 200
_FUTURES: Final = 25
_HORIZON_DAYS: Final = 360
_STEP_DAYS: Final = 15
_ROUNDS: Final = 10
_PACE: Final = 0.1

_TOLD_DAYS: Final = 45.0
"""How long a false alarm is told before it is called over, about."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the limits depend on, beside the chosen interval.

    Attributes:
        kind: of chart.
        days: the baseline's days as whole numbers, counted from a Monday.
        weekly: whether each weekday has its own level.
    """

    kind: Kind
    days: tuple[int, ...]
    weekly: bool

    @classmethod
    def of(cls, kind: Kind, days: Ints, weekly: bool) -> Plan:
        """Make the plan for a baseline of these days (`ar1.ordinals`)."""
        first = (int(days[0]) - 1) // 7 * 7 if weekly else int(days[0]) - 1
        return cls(kind, tuple((days - first).tolist()), weekly)


def advance(kind: Kind, above: AnyFloats, below: AnyFloats, far: AnyFloats) -> tuple[AnyFloats, AnyFloats]:
    """Take a chart one day on.

    Args:
        kind: of chart.
        above: of any shape, the statistic that rises when the values do.
        below: of the same shape, the one that rises when the values fall.
        far: of the same shape, the day's deviation from usual.

    Returns:
        Both statistics after the day.
    """
    if kind == "cusum":
        return np.maximum(above + far - CUSUM_SLACK, 0), np.maximum(below - far - CUSUM_SLACK, 0)
    mean = above + EWMA_WEIGHT * (far - above)
    return mean, -mean


def limit(plan: Plan, shares: Floats, false_alarm_days: float) -> float:
    """Return the limit of a chart's statistic; the same for the same plan.

    Args:
        plan: the chart, and the baseline's days.
        shares: (courses,) from `slow.weights`.
        false_alarm_days: days from one false alarm to the next, as chosen.

    It takes about a second, once for a plan.
    """
    return float(shares @ limits(plan, false_alarm_days))


@lru_cache(maxsize=1024)
def limits(plan: Plan, false_alarm_days: float) -> Floats:
    """(courses,) the limit that each of `slow.QUICK` pulls to.

    They are chosen together, so that people whose days truly hang together so, which only their baseline
    shows, have the chosen number of false alarms.
    """
    shares, highest = _watched(plan)
    place = int(np.clip(round(false_alarm_days / _STEP_DAYS), 4, highest.shape[1])) - 1
    watched_days = float(_STEP_DAYS * (place + 1))
    wanted = watched_days / false_alarm_days
    top = highest[:, place]
    heights = np.array([np.quantile(each, np.exp(-wanted)) for each in top])
    for _ in range(_ROUNDS):
        alarms = _alarms(top, shares @ heights, watched_days)
        heights = heights * (np.maximum(alarms, 1e-3) / wanted) ** _PACE
    heights.flags.writeable = False
    return heights


def _alarms(highest: Small, heights: Floats, watched_days: float) -> Floats:
    """(courses,) how often charts alarm, at the rate at which those of the same baseline first do.

    While a change is told no other can be: each alarm takes its days from those in which there may be one.
    """
    futures = highest.shape[-1]
    reached = np.minimum((highest > heights[..., np.newaxis]).sum(axis=-1), futures - 0.5)
    rate = -np.log1p(-reached / futures) / watched_days
    return np.asarray((watched_days * rate / (1 + _TOLD_DAYS * rate)).mean(axis=-1))


@lru_cache(maxsize=32)
def _watched(plan: Plan) -> tuple[Floats, Small]:
    """Draw baselines and what follows while nothing changes.

    Returns:
        (courses, baselines, courses) what each baseline allows, and (courses, times, baselines, futures)
        how high its chart has got by then.
    """
    random = np.random.default_rng(20130304)
    drawn = [_of_course(random, plan, course) for course in QUICK]
    return np.stack([shares for shares, _ in drawn]), np.stack([highest for _, highest in drawn])


def _of_course(random: np.random.Generator, plan: Plan, course: Course) -> tuple[Floats, Small]:
    days = np.array(plan.days, np.int64)
    span = int(days[-1] - days[0]) + 1
    mood = _moods(random, course, span)
    figures = np.sqrt(course.share) * mood + np.sqrt(1 - course.share) * random.standard_normal(mood.shape)
    figures, columns = figures[:, days - days[0]], design(days, plan.weekly)
    far = _Far(fit_many(days, figures, columns), plan.weekly)
    seen = random.random(_HORIZON_DAYS) < len(days) / span
    state = np.repeat(mood[:, -1:], _FUTURES, axis=1).astype(np.float32)
    above = below = highest = np.zeros_like(state)
    marks = []
    for day, is_seen in enumerate(seen, start=1):
        state = _next(course, state, random.standard_normal(state.shape, np.float32))
        if is_seen:
            noise = random.standard_normal(state.shape, np.float32)
            figure = np.float32(course.share**0.5) * state + np.float32((1 - course.share) ** 0.5) * noise
            above, below = advance(plan.kind, above, below, far.of(figure, plan.days[-1] + day))
            highest = np.maximum(highest, np.maximum(above, below))
        if day % _STEP_DAYS == 0:
            marks.append(highest)
    return weights(days, figures, columns), np.array(marks)


def _moods(random: np.random.Generator, course: Course, days: int) -> Floats:
    """(baselines, days) of moods with a standard deviation of 1."""
    values = random.standard_normal((_BASELINES, days))
    for day in range(1, days):
        values[:, day] = _next(course, values[:, day - 1], values[:, day])
    return values


def _next(course: Course, mood: AnyFloats, noise: AnyFloats) -> AnyFloats:
    fresh = float(np.sqrt(1 - course.carry**2))
    return np.asarray(course.carry * mood + fresh * noise, mood.dtype)


class _Far:
    """How far figures lie from what was fitted, as `Ar1.deviations` says it of one person."""

    def __init__(self, fits: Fits, weekly: bool) -> None:
        self._levels = (fits.levels if weekly else np.repeat(fits.levels, 7, axis=1)).astype(np.float32)
        self._sd = fits.sd[:, np.newaxis].astype(np.float32)

    def of(self, figures: Small, day: int) -> Small:
        usual = self._levels[:, [(day - 1) % 7]]
        return np.asarray(np.clip((figures - usual) / self._sd, -REACH_SD, REACH_SD), np.float32)
