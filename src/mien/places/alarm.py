"""Telling a turn of a crowd's mood from chance, by the charts of `mood.change`.

What is a day there is an interval here. The crowd's own first intervals say what is usual and how they hang
together; an EWMA then watches, with a limit drawn so that false alarms are as rare as was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import numpy as np

from mien.errors import ConfigError
from mien.mood.change import slow
from mien.mood.change.ar1 import REACH_SD, design, fit_many
from mien.mood.change.charts import SHORTEST_FALSE_ALARM_DAYS, scan
from mien.mood.change.limits import Plan, limit

Measure = Literal["tension", "valence"]
WATCHED: Final[tuple[Measure, ...]] = ("tension", "valence")
"""What is watched. The promise about false alarms is shared among them."""

BASELINE: Final = 60
"""So many intervals with enough faces say what is usual. Half as many leave its level so unsure that a limit
for one false alarm in hours is not reached by a fall of three standard deviations for minutes."""

CAREFUL: Final = 2.0
"""Limits are drawn for alarms that are rarer by this. Without it, where intervals do not hang together at
all, there were 1.4 times as many as asked for; with it there were fewer (`benchmarks/crowds.py alarms`)."""

LEAST_SD: Final = 0.02
"""A crowd that is more even than this is taken to vary by it: no smaller change is one of mood."""


class Turn(NamedTuple):
    """A change of the crowd's mood.

    Attributes:
        measure: of what.
        told: the interval after which it was told, from 0.
        since: the interval in which it most likely began.
        rises: whether the measure went up.
    """

    measure: Measure
    told: int
    since: int
    rises: bool


def find_turns(
    measure: Measure, places: Sequence[int], values: Sequence[float], false_alarm_intervals: float
) -> list[Turn]:
    """Find the turns of one measure.

    Args:
        measure: its name.
        places: (n,) the intervals that have a figure, from 0, rising.
        values: (n,) the figures.
        false_alarm_intervals: intervals from one false alarm to the next, of this measure alone.

    Returns:
        The turns by `told`; none where there are no more than `BASELINE` figures.
    """
    if len(values) <= BASELINE:
        return []
    days, figures = np.array(places, np.int64) + 1, np.array(values, np.float64)
    before, own = days[:BASELINE], figures[np.newaxis, :BASELINE]
    columns = design(before, False)
    fitted = fit_many(before, own, columns)
    if np.ptp(own) > 0:
        shares = slow.weights(before, own, columns)[0]
    else:  # figures that are all the same say nothing of how they hang together
        shares = np.array([each.weight for each in slow.QUICK]) / sum(each.weight for each in slow.QUICK)
    spread = max(float(fitted.sd[0]), LEAST_SD)
    far = np.clip((figures - float(fitted.levels[0, 0])) / spread, -REACH_SD, REACH_SD)
    upper = limit(Plan.of("ewma", before, False), shares, CAREFUL * false_alarm_intervals)
    _, found = scan("ewma", far[BASELINE - 1 :], days[BASELINE - 1 :], slow.next_day(shares), upper)
    return [
        Turn(measure, places[BASELINE + each.at], places[BASELINE + each.since], each.direction > 0)
        for each in found
    ]


@dataclass(eq=False)
class Watch:
    """Watches one measure of a crowd while it goes on.

    Args:
        measure: its name.
        false_alarm_intervals: as in `find_turns`.

    Raises:
        ConfigError: that is too often.
    """

    measure: Measure
    false_alarm_intervals: float
    _places: list[int] = field(default_factory=list)
    _values: list[float] = field(default_factory=list)
    _told: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if not self.false_alarm_intervals >= SHORTEST_FALSE_ALARM_DAYS:
            raise ConfigError(
                f"false alarms: expected at most one in {SHORTEST_FALSE_ALARM_DAYS:.0f} intervals for each of"
                f" {', '.join(WATCHED)}, received one in {self.false_alarm_intervals:.3g}"
            )

    def add(self, place: int, value: float) -> Turn | None:
        """Take the next interval's figure, and return the turn that it shows, if it was not told yet.

        Args:
            place: the interval, from 0, rising; those without a figure are left out.
            value: the figure.
        """
        self._places.append(place)
        self._values.append(value)
        for turn in find_turns(self.measure, self._places, self._values, self.false_alarm_intervals):
            if turn.told not in self._told:
                self._told.add(turn.told)
                return turn
        return None
