"""Charts that watch a measure from the baseline on: CUSUM and EWMA of the forecasts' errors.

Values of one day after another hang together, so that plain charts alarm far too often. The errors of
forecasts from each day to the next do not (Lu & Reynolds 1999), over gaps too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.errors import ConfigError
from mien.mood.change.ar1 import Ar1, fit, ordinals
from mien.mood.change.limits import Kind, Plan, advance, limit
from mien.mood.usual import LEAST_DAYS_FOR_ALARM, Usual

Floats = NDArray[np.float64]

SHORTEST_FALSE_ALARM_DAYS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Alarm:
    """A stretch in which a chart is beyond its limit.

    Attributes:
        date: the day on which it went beyond.
        since: the day from which it went there: the first after it was last at usual (Page 1954).
        until: the last day beyond the limit, once the chart is back at usual; None while it isn't.
        direction: 1 for higher values than usual, -1 for lower.
    """

    date: dt.date
    since: dt.date
    until: dt.date | None
    direction: int


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart of one measure.

    Attributes:
        kind: "cusum" or "ewma".
        measure: its name.
        dates: (n,) the days after the baseline that have a figure.
        statistic: (n,) above 0 for higher values than usual, below for lower; of the CUSUM's two sides the
            one that is further out, held at the limit.
        upper: the limit; no unit.
        lower: the limit below, -upper.
        alarms: by date.
        false_alarm_days: the chosen days from one false alarm to the next, of this chart alone.
        fit: what is usual.
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


def cusum(values: pd.Series[Any], usual: Usual, *, false_alarm_days: float) -> Chart | None:
    """Watch a measure by its cumulative sums (Page 1954), quick for changes that last.

    Args:
        values: the measure's figures by date, with its name; NaN and what is before the baseline's end is
            left out.
        usual: the person's baseline.
        false_alarm_days: days from one false alarm to the next that are to be expected of this chart.

    Returns:
        None where the baseline can't carry it: fewer than 28 days of the measure, or all days alike.

    Raises:
        ConfigError: when the interval is shorter than `SHORTEST_FALSE_ALARM_DAYS`.
    """
    return _chart("cusum", values, usual, false_alarm_days)


def ewma(values: pd.Series[Any], usual: Usual, *, false_alarm_days: float) -> Chart | None:
    """Watch a measure by a mean whose weights fade (Roberts 1959); otherwise as `cusum`."""
    return _chart("ewma", values, usual, false_alarm_days)


def after(values: pd.Series[Any], usual: Usual) -> tuple[tuple[dt.date, ...], Floats]:
    """Give a measure's days behind the baseline: their dates, rising, and figures."""
    known = values.dropna().sort_index()
    dates = [pd.Timestamp(each).date() for each in known.index]
    kept = [place for place, each in enumerate(dates) if each > usual.end]
    return tuple(dates[place] for place in kept), known.to_numpy(np.float64)[kept]


def watchable(measure: str, usual: Usual) -> Ar1 | None:
    """Fit a measure's baseline; None where it can't carry an alarm."""
    own = usual.measures.get(measure)
    return fit(own) if own is not None and own.days >= LEAST_DAYS_FOR_ALARM else None


def new_residuals(
    fitted: Ar1, usual: Usual, measure: str, dates: Sequence[dt.date], values: Floats
) -> Floats:
    """Give the forecasts' errors of the days behind the baseline, the first from the baseline's last day."""
    own = usual.measures[measure]
    return fitted.residuals([own.dates[-1], *dates], np.append(own.values[-1], values))


def _chart(kind: Kind, values: pd.Series[Any], usual: Usual, false_alarm_days: float) -> Chart | None:
    if not false_alarm_days >= SHORTEST_FALSE_ALARM_DAYS:
        raise ConfigError(
            f"expected at least {SHORTEST_FALSE_ALARM_DAYS:.0f} days between false alarms, "
            f"received {false_alarm_days:g}"
        )
    measure = str(values.name)
    fitted = watchable(measure, usual)
    if fitted is None:
        return None
    plan = Plan.of(kind, fitted, ordinals(usual.measures[measure].dates), false_alarm_days)
    upper = limit(plan)
    dates, figures = after(values, usual)
    statistic, found = scan(kind, new_residuals(fitted, usual, measure, dates, figures), upper)
    alarms = tuple(
        Alarm(dates[at], dates[since], None if until is None else dates[until], direction)
        for at, since, until, direction in found
    )
    return Chart(kind, measure, dates, statistic, upper, -upper, alarms, false_alarm_days, fitted)


class Found(NamedTuple):
    """An alarm by the places of its days; see `Alarm`."""

    at: int
    since: int
    until: int | None
    direction: int


def scan(kind: Kind, residuals: Floats, upper: float) -> tuple[Floats, list[Found]]:
    """Run a chart over residuals.

    Args:
        kind: of chart.
        residuals: (n,) in order.
        upper: the limit.

    Returns:
        (n,) the statistic with its sign, and the alarms. A CUSUM is held at its limit, so that the end of a
        change is told about as soon as its beginning.
    """
    sides = np.zeros((len(residuals) + 1, 2))
    beyond = np.zeros((len(residuals), 2), np.bool_)
    for place, residual in enumerate(residuals):
        sides[place + 1] = advance(kind, sides[place, 0], sides[place, 1], residual)
        beyond[place] = sides[place + 1] > upper
        if kind == "cusum":
            sides[place + 1] = np.minimum(sides[place + 1], upper)
    found = [alarm for side in (0, 1) for alarm in _alarms(sides[1:, side], beyond[:, side], 1 - 2 * side)]
    statistic = np.where(sides[1:, 0] >= sides[1:, 1], sides[1:, 0], -sides[1:, 1])
    return statistic, sorted(found)


def _alarms(side: Floats, beyond: NDArray[np.bool_], direction: int) -> list[Found]:
    found: list[Found] = []
    since, at, until = 0, None, None
    for place, (value, is_beyond) in enumerate(zip(side, beyond, strict=True)):
        if is_beyond:
            at, until = place if at is None else at, place
        if value <= 0:
            if at is not None:
                found.append(Found(at, since, until, direction))
            since, at = place + 1, None
    return found if at is None else [*found, Found(at, since, None, direction)]
