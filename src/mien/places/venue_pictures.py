"""The pictures of a venue's report: a day by its hours, a week by its days, and the week hour by day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from mien.places.quantification import Interval
from mien.places.venue_figures import Slot, VisitFigures
from mien.places.venue_words import DAYS
from mien.report.drawing import FAINT, GREY, INK, PALE, PALE_TEAL, TEAL, WHITE, Drawing, ValueAxis, nice_range
from mien.report.formatting import number, whole

WIDTH: Final = 510.0
_LEFT, _RIGHT = 104.0, 504.0
_TOP, _SPACE, _NAMES = 6.0, 12.0, 12.0
_BARS, _STRIP, _ROW = 30.0, 58.0, 13.0
_SMALL: Final = 7.0
_SHADES: Final = ("#f3f7f7", "#d6e8e9", "#a9cfd2", "#6fabb1", "#3d8790", "#1f6f78")


class Column(NamedTuple):
    """An hour or a day.

    Attributes:
        name: below it.
        figures: None where there are none.
    """

    name: str
    figures: VisitFigures | None


def draw_course(columns: Sequence[Column], of: str, *, stretch: float = 1.0) -> Drawing:
    """Draw visits, smiles and valence of hours or days, side by side.

    Args:
        columns: at least one.
        of: what it is a course of, for those who can't see it.
        stretch: of the heights; below 1 for a full page.
    """
    bars, strip = stretch * _BARS, stretch * _STRIP
    height = _TOP + bars + 2 * (strip + _SPACE) + _NAMES
    drawing = Drawing(WIDTH, height, f"{of}: {_told(columns)}")
    _draw_visits(drawing, columns, _TOP, bars)
    top = _TOP + bars + _SPACE
    smiles = [None if each.figures is None else each.figures.smiling for each in columns]
    _draw_figures(drawing, top, strip, smiles, ("Smiles", "share of visits", "with a smile, %"), 0.2, 100)
    valence = [None if each.figures is None else each.figures.valence for each in columns]
    top += strip + _SPACE
    lines = ("Valence", "how pleasant faces", "looked, \N{MINUS SIGN}1 to 1")
    _draw_figures(drawing, top, strip, valence, lines, 0.2, 1)
    for place, each in enumerate(columns):
        x = _middle(place, len(columns))
        drawing.words((x, height - 3), each.name, size=_SMALL, colour=GREY, anchor="middle")
    return drawing


def draw_week(slots: Sequence[Slot], *, stretch: float = 1.0) -> Drawing | None:
    """Draw the share of visits with a smile by weekday and hour, in shades and figures; None without any."""
    if not slots:
        return None
    hours = range(min(each.hour for each in slots), max(each.hour for each in slots) + 1)
    days = sorted({each.weekday for each in slots})
    row, wide = stretch * _ROW, (_RIGHT - _LEFT) / len(hours)
    best = max(slots, key=lambda each: each.figures.smiling.value)
    alt = (
        "Share of visits with a smile, by weekday and hour; the highest is"
        f" {100 * best.figures.smiling.value:.0f} % on {DAYS[best.weekday]} from {best.hour}:00"
    )
    drawing = Drawing(WIDTH, _TOP + row * len(days) + _NAMES, alt)
    values = [each.figures.smiling.value for each in slots]
    low, span = min(values), max(max(values) - min(values), 1e-9)
    for slot in slots:
        left, top = _LEFT + wide * (slot.hour - hours[0]), _TOP + row * days.index(slot.weekday)
        share = slot.figures.smiling.value
        shade = min(int((share - low) / span * len(_SHADES)), len(_SHADES) - 1)
        drawing.box(left + 0.5, top + 0.5, left + wide - 0.5, top + row - 0.5, _SHADES[shade])
        at = (left + wide / 2, top + row / 2 + 2.5)
        ink = WHITE if shade > 3 else INK
        drawing.words(at, f"{100 * share:.0f}", size=_SMALL, colour=ink, anchor="middle")
    for place, day in enumerate(days):
        drawing.words((_LEFT - 6, _TOP + row * (place + 0.5) + 2.5), DAYS[day], size=_SMALL, anchor="end")
    for hour in hours:
        at = (_LEFT + wide * (hour - hours[0]), drawing.height - 3)
        drawing.words(at, f"{hour}", size=_SMALL, colour=GREY, anchor="middle")
    return drawing


def _told(columns: Sequence[Column]) -> str:
    return "; ".join(
        f"{each.name}: {each.figures.visits} visits, {100 * each.figures.smiling.value:.0f} % with a smile"
        for each in columns
        if each.figures is not None
    )


def _middle(place: int, many: int) -> float:
    return _LEFT + (place + 0.5) * (_RIGHT - _LEFT) / many


def _title(drawing: Drawing, top: float, lines: Sequence[str]) -> None:
    drawing.words((0, top + 7), lines[0], size=8.5, bold=True)
    for index, line in enumerate(lines[1:]):
        drawing.words((0, top + 16 + 8 * index), line, size=_SMALL, colour=GREY)


def _draw_visits(drawing: Drawing, columns: Sequence[Column], top: float, height: float) -> None:
    """Draw bars with their numbers; the share of the time without a view is left pale."""
    _title(drawing, top, ("Visits", "counted; pale: part", "without a view"))
    most = max((each.figures.visits for each in columns if each.figures), default=1)
    scale, wide = ValueAxis(0, most, top + height, top + 8), 0.6 * (_RIGHT - _LEFT) / len(columns)
    for place, (_, figures) in enumerate(columns):
        if figures is None:
            continue
        middle, y = _middle(place, len(columns)), scale.y(figures.visits)
        left, right = middle - min(wide, 34) / 2, middle + min(wide, 34) / 2
        drawing.box(left, y, right, scale.bottom, TEAL)
        if figures.seen is not None and figures.seen < 1:
            pale = left + (right - left) * figures.seen
            drawing.box(pale, y, right, scale.bottom, PALE)
        drawing.words((middle, y - 2), f"{figures.visits}", size=_SMALL, anchor="middle")
    drawing.line((_LEFT, scale.bottom), (_RIGHT, scale.bottom), PALE)


def _draw_figures(
    drawing: Drawing,
    top: float,
    height: float,
    figures: Sequence[Interval | None],
    lines: Sequence[str],
    least_span: float,
    times: int,
) -> None:
    """Draw a figure with its interval for each column."""
    _title(drawing, top, lines)
    known = [end for each in figures if each is not None for end in each]
    low, high, step = nice_range(known, least_span)
    scale = ValueAxis(low, high, top + height, top)
    for index in range(round((high - low) / step) + 1):
        tick = low + index * step
        drawing.line((_LEFT, scale.y(tick)), (_RIGHT, scale.y(tick)), GREY if abs(tick) < 1e-9 else FAINT)
        at = (_LEFT - 4, scale.y(tick) + 2.4)
        drawing.words(at, whole(round(times * tick, 6)), size=_SMALL, colour=GREY, anchor="end")
    places = [(_middle(place, len(figures)), each) for place, each in enumerate(figures) if each is not None]
    drawing.path(([(x, scale.y(each.low)), (x, scale.y(each.high))] for x, each in places), PALE_TEAL, 2.6)
    drawing.dots(((x, scale.y(each.value)) for x, each in places), TEAL, 3.6)
    for x, each in places:
        text = f"{times * each.value:.0f}" if times > 1 else number(each.value)
        drawing.words((x + 5, scale.y(each.value) + 2.4), text, size=_SMALL)
