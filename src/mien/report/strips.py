"""The strips that pictures of days are put together from: minutes, values, answers, marks, dates."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import pandas as pd

from mien.report.drawing import (
    FAINT,
    FAINT_TEAL,
    GREY,
    INK,
    PALE,
    PALE_TEAL,
    RUST,
    TEAL,
    WHITE,
    DateAxis,
    Drawing,
    Point,
    ValueAxis,
    nice_range,
    runs,
)
from mien.report.formatting import whole

GUTTER: Final = 104.0
"""Points at the left for titles and figures."""

MOST_NUMBERED: Final = 12
"""Up to so many marks get a number; more are a row of ticks."""

MARK_ROW: Final = 11.0
"""The height of a row of numbered marks."""

LEAST_DAYS_SMOOTHED: Final = 14
"""From so many days on, a line shows the middle of seven days."""

_SMALL: Final = 7.0
_LONGEST_STEP_DAYS: Final = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark on the time axis.

    Attributes:
        at: the day.
        until: the last day, for something that goes on; None for a moment.
        medication: it is a medicine; otherwise an event.
    """

    at: date
    until: date | None
    medication: bool


def draw_title(drawing: Drawing, top: float, title: str, lines: Sequence[str] = ()) -> None:
    """Write a strip's title and a few words below it, in the gutter."""
    drawing.words((0, top + 7), title, size=8.5, bold=True)
    for index, line in enumerate(lines):
        drawing.words((0, top + 16 + 8 * index), line, size=_SMALL, colour=GREY)


def draw_dates(drawing: Drawing, axis: DateAxis, top: float, bottom: float) -> None:
    """Draw the dates' faint lines through all strips, and their names below."""
    edge = axis.left
    for when, name in axis.ticks():
        x = axis.border(when)
        drawing.line((x, top), (x, bottom), FAINT)
        wide = 3.5 * len(name)
        if x >= edge and x + wide <= axis.right + 2:
            drawing.words((x, bottom + 9), name, size=_SMALL, colour=GREY)
            edge = x + wide + 4


def draw_minutes(drawing: Drawing, axis: DateAxis, top: float, height: float, days: pd.DataFrame) -> None:
    """Draw how many minutes were recorded each day, the usable part dark."""
    most = float(days["minutes"].max()) if len(days) else 0.0
    scale = ValueAxis(0.0, most or 1.0, top + height, top)
    for column, colour in (("minutes", PALE), ("usable_minutes", TEAL)):
        drawing.areas([_bar(axis, scale, when, value) for when, value in dated(days[column])], colour)
    drawing.line((axis.left, scale.bottom), (axis.right, scale.bottom), PALE)
    if most:
        _figure(drawing, axis, scale.top, f"{most:.0f} min")


def _bar(axis: DateAxis, scale: ValueAxis, when: date, value: float) -> list[Point]:
    spare = 0.12 * axis.step if axis.step > 2 else 0.0
    widest = min(axis.step - 2 * spare, 10.0)
    left, right = axis.middle(when) - widest / 2, axis.middle(when) + widest / 2
    y = scale.y(value)
    return [(left, y), (right, y), (right, scale.bottom), (left, scale.bottom)]


def draw_values(
    drawing: Drawing,
    axis: DateAxis,
    top: float,
    height: float,
    values: pd.DataFrame,
    *,
    least_span: float,
    usual: tuple[float, float] | None = None,
    apart: Collection[date] = (),
) -> None:
    """Draw one figure a day with its interval; days without one stay empty.

    Args:
        drawing: the picture.
        axis: the time axis.
        top: of the strip, in points.
        height: of the strip, in points.
        values: columns "value", "low" and "high", indexed by rising dates; no NaN in "value".
        least_span: of the value axis.
        usual: the ends of the person's own usual range, drawn as a band; None draws none.
        apart: days that can't be compared, drawn in grey and left out of the line.
    """
    shown = pd.concat([values["value"], values["low"], values["high"]]).dropna().tolist()
    low, high, step = nice_range([*shown, *(usual or ())], least_span)
    scale = ValueAxis(low, high, top + height, top)
    if usual:
        drawing.box(axis.left, scale.y(usual[1]), axis.right, scale.y(usual[0]), FAINT_TEAL)
    for index in range(round((high - low) / step) + 1):
        tick = low + index * step
        drawing.line((axis.left, scale.y(tick)), (axis.right, scale.y(tick)), PALE, 0.3)
        _figure(drawing, axis, scale.y(tick), whole(round(tick, 6)))
    if low < 0 < high:
        drawing.line((axis.left, scale.y(0)), (axis.right, scale.y(0)), GREY, 0.5)
    alike = ~values.index.isin(list(apart))
    _draw_days(drawing, axis, scale, values[~alike], (PALE, GREY))
    _draw_days(drawing, axis, scale, values[alike], (PALE_TEAL, TEAL))
    _draw_course(drawing, axis, scale, values.loc[alike, "value"])


def _draw_days(
    drawing: Drawing, axis: DateAxis, scale: ValueAxis, values: pd.DataFrame, colours: tuple[str, str]
) -> None:
    known = values.dropna(subset=["low", "high"])
    intervals = [
        [(axis.middle(when), scale.y(low)), (axis.middle(when), scale.y(high))]
        for (when, low), high in zip(dated(known["low"]), known["high"].tolist(), strict=True)
    ]
    drawing.path(intervals, colours[0], min(2.4, max(0.7, 0.45 * axis.step)))
    points = [(axis.middle(when), scale.y(value)) for when, value in dated(values["value"])]
    drawing.dots(points, colours[1], min(3.6, max(1.6, 0.7 * axis.step)))


def _draw_course(drawing: Drawing, axis: DateAxis, scale: ValueAxis, values: pd.Series[float]) -> None:
    smooth = len(values) >= LEAST_DAYS_SMOOTHED
    course = dated(smoothed(values) if smooth else values)
    joined = runs([when for when, _ in course], _LONGEST_STEP_DAYS if smooth else 1)
    lines = [[(axis.middle(when), scale.y(value)) for when, value in course[part]] for part in joined]
    longer = [line for line in lines if len(line) > 1]
    if smooth:
        drawing.path(longer, WHITE, 2.6)
    drawing.path(longer, INK if smooth else TEAL, 1.2)


def draw_answers(
    drawing: Drawing,
    axis: DateAxis,
    top: float,
    height: float,
    answers: Sequence[tuple[date, float]],
    ends: tuple[float, float],
    *,
    ticks: Sequence[float] = (),
    dashed: float | None = None,
    pale: Collection[int] = (),
) -> None:
    """Draw the totals of one questionnaire, with their numbers where there is room.

    Args:
        drawing: the picture.
        axis: the time axis.
        top: of the strip, in points.
        height: of the strip, in points.
        answers: days and totals, in order.
        ends: the lowest and the highest total that the questionnaire can give.
        ticks: totals between them that get a line and a figure.
        dashed: a total that gets a dashed line, with its figure at the right; None draws none.
        pale: the places of those answers that are drawn in grey, and out of the line.
    """
    scale = ValueAxis(*ends, top + height, top)
    for tick in (*ends, *ticks):
        drawing.line((axis.left, scale.y(tick)), (axis.right, scale.y(tick)), PALE, 0.3)
        _figure(drawing, axis, scale.y(tick), whole(tick))
    if dashed is not None:
        y = scale.y(dashed)
        drawing.line((axis.left, y), (axis.right, y), GREY, 0.5, dash="3 2")
        drawing.words((axis.right + 1, y + 2.4), whole(dashed), size=_SMALL, colour=GREY)
    points = [(axis.middle(when), scale.y(total)) for when, total in answers]
    steps = [after[0] - before[0] for before, after in pairwise(points)]
    size = 3.4 if min(steps, default=99.0) > 3 else 2.0
    whole_ones = [point for place, point in enumerate(points) if place not in pale]
    drawing.path([whole_ones], RUST, 0.5)
    drawing.dots(whole_ones, RUST, size)
    drawing.dots([points[place] for place in sorted(pale)], GREY, size)
    if min(steps, default=99.0) > 13:
        for point, (_, total) in zip(points, answers, strict=True):
            above = point[1] - top > 9
            drawing.words(
                (point[0], point[1] + (-4 if above else 9)),
                whole(total),
                size=_SMALL,
                anchor="middle",
                colour=RUST,
            )


def mark_rows(axis: DateAxis, marks: Sequence[Mark]) -> list[int]:
    """Return each numbered mark the first row in which it touches no other; medicines stand above events."""
    rows = dict.fromkeys(range(len(marks)), 0)
    below = 0
    for medication in (True, False):
        ends: list[float] = []
        for index in [index for index, mark in enumerate(marks) if mark.medication is medication]:
            left, right = _extent(axis, marks[index])
            row = next((row for row, end in enumerate(ends) if end <= left), len(ends))
            ends[row : row + 1] = [right]
            rows[index] = below + row
        below += len(ends)
    return list(rows.values())


def _extent(axis: DateAxis, mark: Mark) -> tuple[float, float]:
    x = axis.middle(mark.at)
    # A line may end below the next square: a new dose follows the old one in the same row.
    return x - MARK_ROW / 2, max(x + MARK_ROW / 2, _end(axis, mark) - MARK_ROW / 2)


def _end(axis: DateAxis, mark: Mark) -> float:
    return axis.middle(min(max(mark.until or mark.at, mark.at), axis.end))


def rows_of_marks(axis: DateAxis, marks: Sequence[Mark]) -> int:
    """Return how many rows the marks take; 0 without any."""
    if len(marks) > MOST_NUMBERED:
        return 2
    return 1 + max(mark_rows(axis, marks), default=-1)


def draw_marks(drawing: Drawing, axis: DateAxis, top: float, marks: Sequence[Mark]) -> None:
    """Draw medicines as squares and events as dots, numbered from 1; many of them as two rows of ticks."""
    if len(marks) > MOST_NUMBERED:
        for row, medication in enumerate((True, False)):
            y, width = top + MARK_ROW * row, min(2.0, max(0.5, 0.6 * axis.step))
            places = [axis.middle(mark.at) for mark in marks if mark.medication is medication]
            drawing.path([[(x, y + 1), (x, y + 9)] for x in places], RUST if medication else INK, width)
        return
    placed = list(zip(marks, mark_rows(axis, marks), strict=True))
    for mark, row in placed:
        y = top + MARK_ROW * (row + 0.5)
        drawing.line((axis.middle(mark.at), y), (_end(axis, mark), y), RUST if mark.medication else INK, 1.4)
    for number, (mark, row) in enumerate(placed, start=1):
        _draw_mark(drawing, (axis.middle(mark.at), top + MARK_ROW * (row + 0.5)), number, mark)


def _draw_mark(drawing: Drawing, at: Point, number: int, mark: Mark) -> None:
    x, y = at
    if mark.medication:
        drawing.box(x - 4.6, y - 4.6, x + 4.6, y + 4.6, RUST)
    else:
        drawing.dots([at], INK, 9.8)
    drawing.words((x, y + 2.4), str(number), size=_SMALL, colour=WHITE, anchor="middle", bold=True)


def _figure(drawing: Drawing, axis: DateAxis, y: float, text: str) -> None:
    drawing.words((axis.left - 4, y + 2.4), text, size=_SMALL, colour=GREY, anchor="end")


def dates_of(index: Iterable[Hashable]) -> list[date]:
    """Return an index's dates.

    Args:
        index: of `datetime.date`.
    """
    return [each for each in index if isinstance(each, date)]


def dated(values: pd.Series[float]) -> list[tuple[date, float]]:
    """Return the dates and values of a column."""
    return list(zip(dates_of(values.index), values.tolist(), strict=True))


def measured(days: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return one measure of the days that have it: columns "value", "low" and "high"."""
    columns = {name: "value", f"{name}_low": "low", f"{name}_high": "high"}
    found = days.reindex(columns=list(columns)).rename(columns=columns).astype(float)
    return found.dropna(subset=["value"])


def smoothed(values: pd.Series[float]) -> pd.Series[float]:
    """Return the median of seven days around each day that has a value.

    Args:
        values: indexed by rising dates.

    Returns:
        Of the same days; a day with fewer than three values around it keeps its own.
    """
    index = pd.DatetimeIndex(values.index)
    every_day = pd.Series(values.to_numpy(), index).resample("D").mean()
    medians = every_day.rolling(7, center=True, min_periods=3).median().reindex(index)
    return pd.Series(medians.to_numpy(), values.index).fillna(values)
