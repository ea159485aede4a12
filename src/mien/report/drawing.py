"""`Drawing`: a small picture of lines, dots and words, as SVG whose text stays text; and its axes.

Matplotlib was tried: the first page's picture took fourteen times as long and three times the bytes. In the
HTML file, which holds dozens of pictures, its style sheet would apply to the whole page, and its ids would
occur in each of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from xml.etree import ElementTree as ET

from mien.report.formatting import MONTHS, short_day

INK: Final = "#222222"
GREY: Final = "#666666"
PALE: Final = "#c9c9c9"
FAINT: Final = "#eeeeee"
TEAL: Final = "#1f6f78"
PALE_TEAL: Final = "#a9cfd2"
FAINT_TEAL: Final = "#e3f0f1"
RUST: Final = "#b3591f"
WHITE: Final = "#ffffff"

FONTS: Final = "Libertinus Serif, DejaVu Sans, sans-serif"
"""Of words in pictures; a page may choose its own by a style sheet."""

DOT: Final = "h0.01"
"""The course of a dot, too short to be seen: a PDF leaves a path out that has no length and nothing else."""

_DAYS_WITH_WEEKS: Final = 70
_STARTS_WIDTH: Final = 40.0

Point = tuple[float, float]


class Drawing:
    """A picture under construction; lengths are points, y goes down.

    Args:
        width, height: of the picture.
        alt: what it shows, in words, for those who can't see it.
    """

    def __init__(self, width: float, height: float, alt: str) -> None:
        self.width, self.height, self.alt = width, height, alt
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width:g} {height:g}",
                "width": f"{width:g}",
                "height": f"{height:g}",
                "role": "img",
                "aria-label": alt,
            },
        )

    def line(self, start: Point, end: Point, colour: str, width: float = 0.6, dash: str = "") -> None:
        """Draw a straight line."""
        self.path([[start, end]], colour, width, dash=dash)

    def path(
        self,
        runs: Iterable[Sequence[Point]],
        colour: str,
        width: float = 0.6,
        *,
        dash: str = "",
        cap: str = "butt",
    ) -> None:
        """Draw lines through points, one for each run; a run of one point is a dot where the cap is round."""
        course = " ".join(_course(run) for run in runs if run)
        if not course:
            return
        look = {"fill": "none", "stroke": colour, "stroke-width": f"{width:g}", "stroke-linecap": cap}
        dashes = {"stroke-dasharray": dash} if dash else {}
        self._add("path", {"d": course, "stroke-linejoin": "round"} | look | dashes)

    def dots(self, points: Iterable[Point], colour: str, size: float) -> None:
        """Draw round dots of a diameter."""
        self.path(([point] for point in points), colour, size, cap="round")

    def areas(self, shapes: Iterable[Sequence[Point]], colour: str) -> None:
        """Fill polygons."""
        course = " ".join(_course(corners) + "Z" for corners in shapes)
        if course:
            self._add("path", {"d": course, "fill": colour})

    def box(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        """Fill a rectangle."""
        self.areas([[(left, top), (right, top), (right, bottom), (left, bottom)]], colour)

    def words(
        self,
        at: Point,
        text: str,
        *,
        size: float = 8,
        colour: str = INK,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Write a line of words, with its base line at a point.

        Args:
            at: the point.
            text: the words.
            size: of the type.
            colour: of the type.
            anchor: which part of the line is at the point: "start", "middle" or "end".
            bold: in heavy type.
        """
        look = {"font-family": FONTS, "font-size": f"{size:g}", "fill": colour, "text-anchor": anchor}
        place = {"x": _short(at[0]), "y": _short(at[1])}
        self._add("text", place | look | ({"font-weight": "bold"} if bold else {})).text = text

    def svg(self) -> str:
        """Return the picture."""
        return ET.tostring(self._root, encoding="unicode")

    def _add(self, tag: str, attributes: dict[str, str]) -> ET.Element:
        return ET.SubElement(self._root, tag, attributes)


def _short(value: float) -> str:
    return f"{round(value, 2):g}"


def _course(points: Sequence[Point]) -> str:
    places = [f"{_short(x)} {_short(y)}" for x, y in points]
    return f"M{places[0]}{DOT}" if len(places) == 1 else f"M{places[0]}L{' '.join(places[1:])}"


@dataclass(frozen=True, slots=True)
class DateAxis:
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
        """Return whether a day belongs to the period."""
        return self.start <= when <= self.end

    def border(self, when: date) -> float:
        """Return the left border of a day's column, inside the picture."""
        return min(max(self.left + (when - self.start).days * self.step, self.left), self.right)

    def middle(self, when: date) -> float:
        """Return the middle of a day's column."""
        return self.left + ((when - self.start).days + 0.5) * self.step

    def ticks(self) -> list[tuple[date, str]]:
        """Return the days that are named below the axis, and their names."""
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
class ValueAxis:
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
        """Return the place of a value."""
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
