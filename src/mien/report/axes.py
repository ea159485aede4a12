"""Where things stand in a picture of days: dates from left to right, values from the bottom up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from mien.report.plain import MONTHS, short_day

_DAYS_WITH_WEEKS = 70
_STARTS_WIDTH = 40.0


@dataclass(frozen=True, slots=True)
class Days:
    """The time axis: one column for each day, the first and the last belonging to it.

    Attributes:
        start, end: the period.
        left, right: the borders in points.
    """

    start: date
    end: date
    left: float
    right: float

    @property
    def many(self) -> int:
        """How many days it has."""
        return (self.end - self.start).days + 1

    @property
    def step(self) -> float:
        """The width of a day in points."""
        return (self.right - self.left) / self.many

    def has(self, when: date) -> bool:
        """Say whether a day belongs to the period."""
        return self.start <= when <= self.end

    def border(self, when: date) -> float:
        """Give the left border of a day's column, inside the picture."""
        return min(max(self.left + (when - self.start).days * self.step, self.left), self.right)

    def middle(self, when: date) -> float:
        """Give the middle of a day's column."""
        return self.left + ((when - self.start).days + 0.5) * self.step

    def ticks(self) -> list[tuple[date, str]]:
        """Give the days that are named below the axis, and their names."""
        days = [self.start + timedelta(index) for index in range(self.many)]
        if self.many <= 7:
            return [(each, short_day(each)) for each in days]
        if self.many <= _DAYS_WITH_WEEKS:
            every = 1 + self.many // 36
            return [(each, short_day(each)) for each in days if each.weekday() == 0][::every]
        firsts = [each for each in days if each.day == 1]
        every = math.ceil(len(firsts) / 13)
        months = [(each, _month(each, first=index == 0)) for index, each in enumerate(firsts[::every])]
        far = (firsts[0] - self.start).days * self.step > _STARTS_WIDTH
        return [(self.start, short_day(self.start)), *months] if far else months


def _month(when: date, *, first: bool) -> str:
    name = MONTHS[when.month - 1][:3]
    return f"{name} {when.year}" if first or when.month == 1 else name


@dataclass(frozen=True, slots=True)
class Scale:
    """The value axis.

    Attributes:
        low, high: values at the bottom and at the top.
        bottom, top: where they are, in points; top is the smaller.
    """

    low: float
    high: float
    bottom: float
    top: float

    def y(self, value: float) -> float:
        """Give the place of a value."""
        return self.bottom + (value - self.low) / (self.high - self.low) * (self.top - self.bottom)


def nice_range(values: Sequence[float], least_span: float) -> tuple[float, float, float]:
    """Choose round ends and a round step for an axis that holds all values.

    Args:
        values: finite, may be empty.
        least_span: the axis spans at least this.

    Returns:
        The lower end, the upper end, and the step between ticks.
    """
    low, high = (min(values), max(values)) if values else (0.0, least_span)
    missing = max(0.0, least_span - (high - low)) / 2
    low, high = low - missing, high + missing
    rough = (high - low) / 3
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(round_one * power for round_one in (1, 2, 5, 10) if rough <= round_one * power * 1.0001)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step


def runs(days: Sequence[date], longest_step: int) -> list[slice]:
    """Split rising days where more than `longest_step` days lie between neighbours.

    Returns:
        Slices of `days`, in order.
    """
    cuts = [i for i in range(1, len(days)) if (days[i] - days[i - 1]).days > longest_step]
    return [
        slice(start, stop) for start, stop in zip([0, *cuts], [*cuts, len(days)], strict=True) if stop > start
    ]
