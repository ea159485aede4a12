"""A venue's level over weeks: whether it has been above or below its usual by more than chance explains.

A mark's effect is asked for when something was changed on purpose. What changes by itself is watched by the
charts that a person's days have (`mood.change`). Each day enters as how far it lay from the same weekday and
hours of the baseline, because Saturdays are unlike Mondays whatever happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import Any, Final

import numpy as np

from mien.mood.baseline import LEAST_DAY_MINUTES, LEAST_DAYS_FOR_ALARM, Baseline, NotReady
from mien.places.effects import LEAST_SAME, by_day_and_hour
from mien.places.quantification import Interval
from mien.places.venue_figures import SMILES, SmileDetector, rounded
from mien.store.venue_types import VisitCell

WATCHED: Final = ("smiling", "valence", "length_s")
"""What is watched; few, because the promise about false alarms is shared among them."""

BASELINE_DAYS: Final = 42
WATCHED_DAYS: Final = 98
"""Of so many days up to the last, the first `BASELINE_DAYS` are what is usual; the others are watched."""

FALSE_ALARM_DAYS: Final = 365.0
"""Days from one false alarm to the next, of all watched measures together."""

_LEAST_MINUTES: Final = 60.0


@dataclass(frozen=True, slots=True)
class LevelChange:
    """A measure that left its usual level.

    Attributes:
        measure: one of `WATCHED`.
        since: its first day, most likely, with the ends of that day's 90 % interval.
        until: its last day; None while it lasts.
        usual: the mean of the baseline's days.
        difference: how far the days of the change lie from usual, with its 90 % interval.
    """

    measure: str
    since: tuple[date, date, date]
    until: date | None
    usual: float
    difference: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        since, low, high = (each.isoformat() for each in self.since)
        return {
            "measure": self.measure,
            "since": since,
            "since_low": low,
            "since_high": high,
            "until": self.until and self.until.isoformat(),
            "usual": round(self.usual, 3),
            "difference": rounded(self.difference),
        }


@dataclass(frozen=True, slots=True)
class Levels:
    """What the charts say of a venue.

    Attributes:
        changes: by date.
        missing: why nothing can be told yet, in words; else "".
        doubts: why a false alarm may come more often than once in `FALSE_ALARM_DAYS`, in words.
    """

    changes: tuple[LevelChange, ...] = ()
    missing: str = ""
    doubts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "changes": [each.as_dict() for each in self.changes],
            "missing": self.missing,
            "doubts": list(self.doubts),
        }


def level_changes(
    last: date, cells: Sequence[VisitCell], smiles: SmileDetector = SMILES, zone: tzinfo | None = None
) -> Levels:
    """Watch a venue's days up to one of them.

    Args:
        last: the day; `WATCHED_DAYS` up to it count, from the first of them with visits.
        cells: of these days.
        smiles: how well smiles are found.
        zone: the venue's; None is the machine's own.
    """
    import pandas as pd

    from mien.mood.change.findings import size
    from mien.mood.change.monitoring import charts

    days = [last - timedelta(n) for n in range(WATCHED_DAYS - 1, -1, -1)]
    visits, values = by_day_and_hour(days, cells, smiles, zone)
    began = int(visits.any(axis=1).argmax())
    days, visits = days[began:], visits[began:]
    weekday = np.array([each.weekday() for each in days])
    own = np.arange(len(days)) < BASELINE_DAYS
    columns, usual = {}, {}
    for name in WATCHED:
        shown = values[name][began:]
        expected = _expected(shown, weekday, own)
        weights = np.where(np.isnan(expected), 0, visits)
        total = weights.sum(axis=1)
        known = np.where(total > 0, total, np.nan)
        columns[name] = np.nansum(weights * (shown - expected), axis=1) / known
        usual[name] = float(np.nansum((weights * shown)[own]) / max(weights[own].sum(), 1.0))
    table = pd.DataFrame(columns, index=pd.Index(days, name="date")).dropna()
    ready = int((table.index <= days[own.sum() - 1]).sum())
    if ready < LEAST_DAYS_FOR_ALARM:
        return Levels(
            missing=f"changes of the level can't be told yet: {ready} of {LEAST_DAYS_FOR_ALARM} days that can"
            " be compared with the same weekday"
        )
    table = table.assign(usable_minutes=max(_LEAST_MINUTES, LEAST_DAY_MINUTES))
    baseline = Baseline.of(table, end=days[own.sum() - 1])
    if isinstance(baseline, NotReady):
        return Levels(missing=f"changes of the level can't be told yet: {baseline.reason}")
    found, doubts = [], []
    for chart in charts(table, baseline, false_alarm_days=FALSE_ALARM_DAYS, watched=WATCHED):
        sd = baseline.measures[chart.measure].sd
        doubts += [chart.doubt] if chart.doubt else []
        for alarm in chart.alarms:
            told = size(alarm, chart, table[chart.measure], baseline)
            found.append(
                LevelChange(
                    chart.measure,
                    (alarm.since, alarm.since_low, alarm.since_high),
                    alarm.until,
                    usual[chart.measure],
                    Interval(*(each * sd for each in told)),
                )
            )
    return Levels(tuple(sorted(found, key=lambda each: each.since)), doubts=tuple(dict.fromkeys(doubts)))


def _expected(
    values: np.ndarray[Any, np.dtype[np.float64]], weekday: np.ndarray[Any, Any], own: np.ndarray[Any, Any]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(days, hours) the mean of the baseline's other days of the same weekday; NaN with too few of them.

    A day of the baseline is not part of what it is compared with: it would lie too near to usual, and the
    limits would be too narrow for the days that follow.
    """
    expected = np.full(values.shape, np.nan)
    for place in range(len(values)):
        same = own & (weekday == weekday[place])
        same[place] = False
        others = values[same]
        many = (~np.isnan(others)).sum(axis=0)
        means = np.nansum(others, axis=0) / np.maximum(many, 1)
        expected[place] = np.where((many >= LEAST_SAME) & ~np.isnan(values[place]), means, np.nan)
    return expected
