"""What body sensors said in one recording, as a picture: heart rate, skin, arousal, and how good each was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

from mien.report.content import Picture
from mien.report.drawing import (
    FAINT,
    GREY,
    INK,
    PALE,
    PALE_TEAL,
    TEAL,
    Drawing,
    Point,
    ValueAxis,
    nice_range,
)
from mien.report.formatting import moment, significant, whole
from mien.report.material import RecordedBody
from mien.report.strips import GUTTER, draw_title

if TYPE_CHECKING:
    from mien.signals.types import Figure

WIDTH: Final = 510.0
_RIGHT: Final = 504.0
_TOP, _BELOW, _SPACE, _LANE, _BAR = 5.0, 14.0, 9.0, 36.0, 2.6
_STEPS_S: Final = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_MOST_TICKS: Final = 12
_SURE, _FAIR = 0.85, 0.6
"""Qualities from which on the bar is dark, and of a middle grey."""

HOW_TO_READ: Final = (
    "Each point stands for the minute around it. The bar below a course shows how good the signal was: the"
    " darker, the better; where there is neither line nor bar, there was no reading."
)


@dataclass(frozen=True, slots=True)
class BodyPoint:
    """One window.

    Attributes:
        middle_s: of the window, in seconds from the recording's start.
        value: None for no reading.
        low, high: the ends of the interval, where there is one.
        quality: 0 to 1.
    """

    middle_s: float
    value: float | None
    quality: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    """One course.

    Attributes:
        title: what it is.
        lines: what stands below the title: the unit, in words.
        points: in the order of time.
        ends: of the axis; None takes those of the values.
    """

    title: str
    lines: tuple[str, ...]
    points: tuple[BodyPoint, ...]
    ends: tuple[float, float] | None = None

    @property
    def read(self) -> float:
        """The share of the windows with a reading."""
        return sum(each.value is not None for each in self.points) / len(self.points)


def lanes_of(body: RecordedBody) -> tuple[Lane, ...]:
    """Return what is drawn of a recording; nothing where there is no reading at all.

    Of several signals the best of each window is taken.
    """
    lanes = (
        Lane("Heart rate", ("beats a minute",), _best(body.figures, "heart_rate")),
        Lane("Skin conductance", ("microsiemens",), _best(body.figures, "skin_level")),
        Lane("Body arousal", ("0 like rest,", "1 like a task"), _aroused(body.figures), (0.0, 1.0)),
    )
    return tuple(each for each in lanes if any(point.value is not None for point in each.points))


def _aroused(figures: Sequence[Figure]) -> tuple[BodyPoint, ...]:
    """Return the index of arousal against the first five minutes, as for a day; nothing without rest."""
    # Imported here: a report without sensors does not wait for SciPy's signal processing.
    from mien.signals.arousal import parts_of, since_opening

    known = since_opening(figures)
    return tuple(
        BodyPoint((start + end) / 2, None, 0.0)
        if (each := known.get((start, end))) is None
        else BodyPoint((start + end) / 2, each.value, 1 - each.high + each.low, each.low, each.high)
        for start, end in sorted(parts_of(figures))
    )


def _best(figures: Sequence[Figure], measure: str) -> tuple[BodyPoint, ...]:
    best: dict[float, BodyPoint] = {}
    for each in figures:
        if each.measure != measure:
            continue
        point = BodyPoint((each.start_s + each.end_s) / 2, each.value, each.quality)
        known = best.setdefault(point.middle_s, point)
        if (point.value is not None, point.quality) > (known.value is not None, known.quality):
            best[point.middle_s] = point
    return tuple(best[at] for at in sorted(best))


def body_picture(body: RecordedBody) -> Picture | None:
    """Draw what sensors said in a recording, with its caption; None where there is nothing to draw."""
    lanes = lanes_of(body)
    if not lanes:
        return None
    height = _TOP + (_LANE + _SPACE) * len(lanes) + _BELOW - 2
    when = moment(body.started_at)
    drawing = Drawing(WIDTH, height, f"Body signals over the recording of {when}: {_said(lanes)}")
    last_s = max([body.length_s, *(point.middle_s for lane in lanes for point in lane.points)])
    _draw_times(drawing, last_s, height - _BELOW)
    for number, lane in enumerate(lanes):
        _draw_lane(drawing, _TOP + number * (_LANE + _SPACE), last_s, lane)
    return Picture.of(drawing, f"Recording of {when}. {HOW_TO_READ}")


def _said(lanes: Sequence[Lane]) -> str:
    parts = []
    for lane in lanes:
        values = [each.value for each in lane.points if each.value is not None]
        reach = f"{significant(min(values))} to {significant(max(values))}"
        parts.append(f"{lane.title.lower()} {reach}, read {100 * lane.read:.0f} % of the time")
    return f"{'; '.join(parts)}."


def _draw_times(drawing: Drawing, last_s: float, bottom: float) -> None:
    step = next((each for each in _STEPS_S if last_s / each <= _MOST_TICKS), 86_400)
    minutes = step >= 60
    for number in range(int(last_s / step) + 1):
        x = _x(number * step, last_s)
        drawing.line((x, _TOP), (x, bottom), FAINT)
        text = whole(number * step / 60) if minutes else whole(number * step)
        name = f"{text} {'min' if minutes else 's'}" if number == 0 else text
        drawing.words((x, bottom + 9), name, size=7, colour=GREY, anchor="start" if number == 0 else "middle")
    drawing.line((GUTTER, bottom), (_RIGHT, bottom), PALE)


def _draw_lane(drawing: Drawing, top: float, last_s: float, lane: Lane) -> None:
    draw_title(drawing, top, lane.title, [*lane.lines, f"read {100 * lane.read:.0f} % of the time"])
    shown = [
        each for point in lane.points for each in (point.value, point.low, point.high) if each is not None
    ]
    low, high, step = nice_range([*shown, *(lane.ends or ())], 0.02 * max(map(abs, shown)) or 1.0)
    scale = ValueAxis(low, high, top + _LANE - _BAR - 3, top)
    for number in range(round((high - low) / step) + 1):
        y = scale.y(low + number * step)
        drawing.line((GUTTER, y), (_RIGHT, y), PALE, 0.3)
        if number in (0, round((high - low) / step)):
            text = whole(round(low + number * step, 6))
            drawing.words((GUTTER - 4, y + 2.4), text, size=7, colour=GREY, anchor="end")
    for run in _runs(lane.points):
        known = [(_x(each.middle_s, last_s), each) for each in run]
        band = [(x, scale.y(each.high)) for x, each in known if each.high is not None]
        band += [(x, scale.y(each.low)) for x, each in reversed(known) if each.low is not None]
        if len(run) > 1:
            drawing.areas([band] if band else [], PALE_TEAL)
        course: list[Point] = [(x, scale.y(each.value or 0.0)) for x, each in known]
        drawing.path([course], TEAL, 1.2 if len(course) > 1 else 2.4, cap="round")
    _draw_quality(drawing, top + _LANE - _BAR, last_s, lane.points)


def _draw_quality(drawing: Drawing, top: float, last_s: float, points: Sequence[BodyPoint]) -> None:
    half = _step_s(points) / 2
    for run in _runs(points):
        # Neighbours of one shade are one box: a printer would leave a gap between two.
        for shade, alike in groupby(run, key=lambda each: _shade(each.quality)):
            own = list(alike)
            ends = own[0].middle_s - half, own[-1].middle_s + half
            left, right = (_x(max(0.0, each), last_s) for each in ends)
            drawing.box(left, top, right, top + _BAR, shade)


def _shade(quality: float) -> str:
    return INK if quality >= _SURE else GREY if quality >= _FAIR else PALE


def _x(at_s: float, last_s: float) -> float:
    return GUTTER + min(at_s / last_s, 1.0) * (_RIGHT - GUTTER)


def _step_s(points: Sequence[BodyPoint]) -> float:
    return min((after.middle_s - before.middle_s for before, after in pairwise(points)), default=60.0)


def _runs(points: Sequence[BodyPoint]) -> list[list[BodyPoint]]:
    """Return the points with a reading, split where one is missing between them."""
    longest = 1.5 * _step_s(points)
    found: list[list[BodyPoint]] = []
    for before, each in zip([None, *points], points, strict=False):
        if each.value is None:
            continue
        joined = (
            before is not None and before.value is not None and each.middle_s - before.middle_s <= longest
        )
        if joined:
            found[-1].append(each)
        else:
            found.append([each])
    return found
