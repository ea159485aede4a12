"""`Estimate`: a figure with its interval and what it stands on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: the figure, in its measure's unit.
        low, high: the interval's ends; None where there is too little for one.
        n: independent pieces that it stands on: thinned seconds, episodes, answers; all seconds, where there
            is too little for an interval.
    """

    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Measure:
    """What a figure is.

    Attributes:
        name: its key: "expressivity".
        title: for people: "Expressivity".
        unit: "1", "per minute", "s", "degrees".
        definition: in a sentence.
        source: the paper it comes from, or "ours".
        least: the least data it is given for, in words; below that it is None.
        independent: whether a report shows it by itself; False where it follows from others.
        interval: whether it has an interval; False for what is counted over the whole recording (it is no
            sample) and for extremes (which grow with its length): low and high equal the value.
    """

    name: str
    title: str
    unit: str
    definition: str
    source: str
    least: str
    independent: bool = True
    interval: bool = True
