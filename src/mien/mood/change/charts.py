"""Charts that watch a measure from the baseline on: EWMA and CUSUM of how far its days lie from usual.

Days hang together, so that limits for independent days alarm far too often; `limits` draws them for days
that correlate as the baseline allows. A chart tells *that* something changed. When it began, and whether it
is over, is asked of the likelihood of each day (`steps`): a chart's own memory reaches back and on too far.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import fdtri

from mien.errors import ConfigError
from mien.mood.baseline import LEAST_DAYS_FOR_ALARM, Baseline
from mien.mood.change import slow
from mien.mood.change.ar1 import Ar1, design, fit, ordinals
from mien.mood.change.limits import Kind, Plan, advance, limit
from mien.mood.change.steps import OVER_GAIN, Onset, Whitened, ending, onset

Floats = NDArray[np.float64]

SHORTEST_FALSE_ALARM_DAYS: Final = 30.0

SLOW: Final = 0.7
"""From this probability of a slow mood on, the promise is said not to hold."""

SAME_CHANGE_DAYS: Final = 14
"""A change that comes back within so many days after it was over is the same change."""

_SCATTER: Final = 0.001
"""How seldom later days that scatter as the baseline's did are taken to scatter more."""

_LEAST_DAYS_SCATTER: Final = 20
_NOISE_RANGE: Final = (0.5, 10.0)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A change that a chart told.

    Attributes:
        date: the day on which it was told.
        since: the day on which it most likely began (`steps.onset`).
        since_low, since_high: the 90 % interval of that day.
        until: the last day of it; None while it isn't known to be over.
        over: the first day back at usual, most likely; None while it isn't known to be over.
        over_told: the day on which it was told to be over; None before.
        direction: 1 for higher values than usual, -1 for lower.
    """

    date: dt.date
    since: dt.date
    since_low: dt.date
    since_high: dt.date
    until: dt.date | None
    over: dt.date | None
    over_told: dt.date | None
    direction: int


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart of one measure.

    Attributes:
        kind: "cusum" or "ewma".
        measure: its name.
        dates: (n,) the days after the baseline that have a figure.
        statistic: (n,) above 0 for higher values than usual, below for lower; of the CUSUM's two sides the
            one that is further out. It begins anew with the first day behind a change.
        upper: the limit; no unit.
        lower: the limit below, -upper.
        alarms: by date.
        false_alarm_days: the chosen days from one false alarm to the next, of this chart alone.
        fit: what is usual.
        doubt: why the promise about false alarms can't be made for this person; "" where it can.
    """

    kind: Kind
    measure: str
    dates: tuple[dt.date, ...]
    statistic: Floats
    upper: float
    lower: float
    alarms: tuple[Alarm, ...]
    false_alarm_days: float
    fit: Ar1
    doubt: str = ""


def cusum(
    values: pd.Series[Any],
    baseline: Baseline,
    *,
    false_alarm_days: float,
    errors: pd.Series[Any] | None = None,
) -> Chart | None:
    """Watch a measure by its cumulative sums (Page 1954), quick for changes that last.

    Args:
        values: the measure's figures by date, with its name; NaN is left out, and what is before the
            baseline's end is only what later errors are compared with.
        baseline: the person's own.
        false_alarm_days: days from one false alarm to the next that are to be expected of this chart.
        errors: the standard error of each day's figure by date, the baseline's too, where it is known: days
            that are less sure than the baseline's then count for less.

    Returns:
        None where the baseline can't carry it: fewer than 28 days of the measure, or all days alike.

    Raises:
        ConfigError: when the interval is shorter than `SHORTEST_FALSE_ALARM_DAYS`.
    """
    return _chart("cusum", values, baseline, false_alarm_days, errors)


def ewma(
    values: pd.Series[Any],
    baseline: Baseline,
    *,
    false_alarm_days: float,
    errors: pd.Series[Any] | None = None,
) -> Chart | None:
    """Watch a measure by a mean whose weights fade (Roberts 1959); otherwise as `cusum`."""
    return _chart("ewma", values, baseline, false_alarm_days, errors)


def after(values: pd.Series[Any], baseline: Baseline) -> tuple[tuple[dt.date, ...], Floats]:
    """Return a measure's days behind the baseline: their dates, rising, and figures."""
    known = values.dropna().sort_index()
    dates = _dates(known)
    kept = [place for place, each in enumerate(dates) if each > baseline.end]
    return tuple(dates[place] for place in kept), known.to_numpy(np.float64)[kept]


def _dates(values: pd.Series[Any]) -> list[dt.date]:
    return [pd.Timestamp(each).date() for each in values.index]


def watchable(measure: str, baseline: Baseline) -> Ar1 | None:
    """Fit a measure's baseline; None where it can't carry an alarm."""
    own = baseline.measures.get(measure)
    return fit(own) if own is not None and own.days >= LEAST_DAYS_FOR_ALARM else None


def new_residuals(
    fitted: Ar1, baseline: Baseline, measure: str, dates: Sequence[dt.date], values: Floats
) -> Floats:
    """Return the forecasts' errors of the days behind the baseline, the first from its last day."""
    own = baseline.measures[measure]
    return fitted.residuals([own.dates[-1], *dates], np.append(own.values[-1], values))


def _chart(
    kind: Kind,
    values: pd.Series[Any],
    baseline: Baseline,
    false_alarm_days: float,
    errors: pd.Series[Any] | None,
) -> Chart | None:
    if not false_alarm_days >= SHORTEST_FALSE_ALARM_DAYS:
        raise ConfigError(
            f"expected at least {SHORTEST_FALSE_ALARM_DAYS:.0f} days between false alarms, "
            f"received {false_alarm_days:g}"
        )
    measure = str(values.name)
    fitted = watchable(measure, baseline)
    if fitted is None:
        return None
    own = baseline.measures[measure]
    before = ordinals(own.dates)
    shares = slow.weights(before, own.values[np.newaxis], design(before, fitted.weekly))[0]
    phi = slow.next_day(shares)
    upper = limit(Plan.of(kind, before, fitted.weekly), shares, false_alarm_days)
    dates, figures = after(values, baseline)
    noise = _noise(dates, errors, own.dates, fitted.sd)
    far = np.append(fitted.deviations(own.dates, own.values), deviations(fitted, dates, figures, noise, phi))
    days = np.append(before, ordinals(dates))
    statistic, found = scan(kind, far[len(before) - 1 :], days[len(before) - 1 :], phi, upper)
    return Chart(
        kind=kind,
        measure=measure,
        dates=dates,
        statistic=statistic,
        upper=upper,
        lower=-upper,
        alarms=tuple(_alarm(each, dates, baseline.end) for each in found),
        false_alarm_days=false_alarm_days,
        fit=fitted,
        doubt=_doubt(phi, days, far, len(before), found),
    )


def deviations(fitted: Ar1, dates: Sequence[dt.date], values: Floats, noise: Floats, phi: float) -> Floats:
    """Return how far days lie from usual, drawn in so far that noisier days alarm no more often.

    A day whose figure is less sure than the baseline's adds variance that is new each day. A slow mean of
    such days wanders by the sum of the correlations over all lags (its long-run variance), which is
    (1 + phi) / (1 - phi) for an autoregression. Days are drawn in until that is what it was.

    Args:
        fitted: what is usual.
        dates: (n,) rising.
        values: (n,) the measure's figures.
        noise: (n,) the variance of a day, as a multiple of the baseline's.
        phi: correlation from one day to the next.

    Returns:
        (n,) in standard deviations of own days.
    """
    long_run = (1 + phi) / (1 - phi)
    width = np.sqrt(noise)
    return fitted.deviations(dates, values, width) * np.sqrt(long_run / (long_run + noise - 1))


def _noise(
    dates: Sequence[dt.date], errors: pd.Series[Any] | None, own: Sequence[dt.date], sd: float
) -> Floats:
    """(n,) the variance of later days by their errors, as a multiple of what the baseline's days have."""
    if errors is None:
        return np.ones(len(dates))
    known = dict(zip(_dates(errors.dropna()), errors.dropna().to_numpy(np.float64) ** 2, strict=True))
    before = [known[day] for day in own if day in known]
    if not before:
        return np.ones(len(dates))
    typical = float(np.median(before))
    variances = np.array([known.get(day, typical) for day in dates])
    return np.asarray(np.clip(1 + (variances - typical) / sd**2, *_NOISE_RANGE))


def _alarm(found: Found, dates: tuple[dt.date, ...], end: dt.date) -> Alarm:
    earliest = (dates[found.low - 1] if found.low else end) + dt.timedelta(1)
    return Alarm(
        date=dates[found.at],
        since=dates[found.since],
        # It may have begun on any of the days without a figure before.
        since_low=min(earliest, dates[found.since]),
        since_high=dates[found.high],
        until=None if found.over is None else dates[found.over - 1],
        over=None if found.over is None else dates[found.over],
        over_told=None if found.told is None else dates[found.told],
        direction=found.direction,
    )


def _doubt(phi: float, days: NDArray[np.int64], far: Floats, before: int, found: Sequence[Found]) -> str:
    """Return why the promise can't be made; see docs/change.md for how often it is said, and to whom."""
    steps = [(before + each.since, len(days) if each.over is None else before + each.over) for each in found]
    reasons = []
    if slow.slowness(days, far, steps) > SLOW:
        reasons.append(
            "the days so far look like ups and downs that last for weeks, which are reported as changes, too"
        )
    calm = far.copy()
    for begin, end in steps:
        calm[begin:end] -= calm[begin:end].mean()
    errors = Whitened.of(calm[before - 1 :], days[before - 1 :], phi).errors
    if len(errors) >= _LEAST_DAYS_SCATTER:
        spread = float((errors**2).mean())
        if spread > fdtri(len(errors), before - 1, 1 - _SCATTER):
            reasons.append(
                f"single days scatter {spread**0.5:.1f} times as much as the baseline's, as those of shorter"
                " or noisier recordings do"
            )
    return "; ".join(reasons)


class Found(NamedTuple):
    """An alarm by the places of its days; see `Alarm`. `told` is the place of `Alarm.over_told`."""

    at: int
    since: int
    low: int
    high: int
    over: int | None
    told: int | None
    direction: int


def scan(
    kind: Kind, far: Floats, days: NDArray[np.int64], phi: float, upper: float
) -> tuple[Floats, list[Found]]:
    """Run a chart over days.

    Args:
        kind: of chart.
        far: (n + 1,) deviations from usual; the first is the baseline's last day, which is not watched.
        days: (n + 1,) whole numbers.
        phi: correlation from one day to the next.
        upper: the limit.

    Returns:
        (n,) the statistic with its sign, and the alarms. While a change lasts no other is told.
    """
    white = Whitened.of(far, days, phi)
    count = len(far) - 1
    statistic = np.zeros(count)
    found: list[Found] = []
    firsts: list[int] = []
    above, below = np.zeros(1), np.zeros(1)
    first = 0
    alarm: tuple[int, int] | None = None
    for place in range(count):
        above, below = advance(kind, above, below, far[place + 1 : place + 2])
        statistic[place] = above[0] if above[0] >= below[0] else -below[0]
        if alarm is None:
            if abs(statistic[place]) <= upper:
                continue
            alarm = place, 1 if statistic[place] > 0 else -1
            begun = onset(white, first, place + 1, alarm[1])
            if found and _goes_on(found[-1], begun, alarm[1], days[1:]):
                first, alarm = firsts.pop(), (found.pop().at, alarm[1])
        begun = onset(white, first, place + 1, alarm[1])
        back = ending(white, begun.place, place + 1, alarm[1])
        if back is None or back[1] <= OVER_GAIN or place == alarm[0]:
            continue
        over = back[0]
        found.append(Found(alarm[0], *onset(white, first, over, alarm[1]), over, place, alarm[1]))
        firsts.append(first)
        first, alarm = over, None
        above, below = np.zeros(1), np.zeros(1)
        for again in range(over, place + 1):
            above, below = advance(kind, above, below, far[again + 1 : again + 2])
            statistic[again] = above[0] if above[0] >= below[0] else -below[0]
    if alarm is not None:
        found.append(Found(alarm[0], *onset(white, first, count, alarm[1]), None, None, alarm[1]))
    return statistic, found


def _goes_on(last: Found, begun: Onset, direction: int, days: NDArray[np.int64]) -> bool:
    """Return whether a change is the last one again, which was called over too soon or came back at once."""
    gap = days[begun.place] - days[last.over] if last.over is not None else 0
    return bool(last.direction == direction and gap <= SAME_CHANGE_DAYS)
