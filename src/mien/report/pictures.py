"""The report's pictures: the first page's, over one time axis; in the long report each measure and chart."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd

from mien.record.scales import CUTS, OUTCOMES, QUESTIONNAIRES, ninth_answer, prorated
from mien.report.drawing import GREY, INK, PALE, RUST, TEAL, DateAxis, Drawing, ValueAxis, nice_range, runs
from mien.report.formatting import significant
from mien.report.material import ControlChart
from mien.report.strips import (
    GUTTER,
    MARK_ROW,
    Mark,
    draw_answers,
    draw_dates,
    draw_marks,
    draw_minutes,
    draw_title,
    draw_values,
    measured,
    rows_of_marks,
)
from mien.store.types import SelfReport
from mien.wording import count

WIDTH: Final = 510.0
"""Points: 180 mm, what A4 leaves between margins of 15 mm."""

_RIGHT: Final = 504.0
_TOP, _BELOW, _SPACE = 5.0, 14.0, 11.0
_RECORDED, _ANSWERS, _NINTH = 20.0, 30.0, 13.0
_STRIP, _CHART = 46.0, 90.0
_TITLE_LETTERS: Final = 17


@dataclass(frozen=True, slots=True)
class Strip:
    """How a measure is shown.

    Attributes:
        measure: its name.
        title, lines: what stands at its left.
        least_span: of its axis.
        height: in points.
        of_face: days with other light or another camera can't be compared by it.
    """

    measure: str
    title: str
    lines: tuple[str, ...]
    least_span: float
    height: float
    of_face: bool = True


STRIPS: Final = (
    Strip("valence_mean", "Valence", ("how pleasant the", "face looked,", "\N{MINUS SIGN}1 to 1"), 0.4, 76.0),
    Strip("expressivity", "Expressivity", ("how far the face was", "from its own neutral"), 0.1, 62.0),
    Strip(
        "resting_heart_rate", "Resting rate", ("of the heart,", "beats a minute"), 8.0, 40.0, of_face=False
    ),
    Strip("body_arousal", "Body arousal", ("0 like rest,", "1 like a task"), 0.3, 40.0, of_face=False),
)
"""The measures on the first page: the two that a reader needs to see the rest from, and those of the body."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """What the picture shows.

    Attributes:
        start, end: the period, both belonging to it.
        days: of the period, with the columns of `record.days`.
        usual: the ends of the person's own usual range, by measure.
        reports: of the period, in order.
        marks: medicines and events of the period, in order.
        apart: days that can't be compared with the usual.
    """

    start: date
    end: date
    days: pd.DataFrame
    usual: Mapping[str, tuple[float, float]]
    reports: Sequence[SelfReport]
    marks: Sequence[Mark]
    apart: Collection[date] = ()


def draw_curve(curve: Curve, stretch: float = 1.0) -> Drawing:
    """Draw the picture; strips without anything in them are left out.

    Args:
        curve: what it shows.
        stretch: of the strips' heights; below 1 for a full page.
    """
    axis = DateAxis(curve.start, curve.end, GUTTER, _RIGHT)
    strips = [each for each in STRIPS if len(measured(curve.days, each.measure))]
    scales = [name for name in QUESTIONNAIRES if _totals(curve, name)]
    ninth = _ninth(curve)
    rows = rows_of_marks(axis, curve.marks)
    height = _TOP + sum(stretch * each.height + _SPACE for each in strips) + _BELOW
    height += (
        _RECORDED + _SPACE + (_ANSWERS + _SPACE) * len(scales) + (_NINTH + _SPACE if ninth else 0)
        + (MARK_ROW * rows + _SPACE if rows else 0)
    )  # fmt: skip
    drawing = Drawing(WIDTH, height, describe(curve))
    draw_dates(drawing, axis, _TOP, height - _BELOW)
    top = _draw_recorded(drawing, axis, curve, strips, stretch)
    top = _draw_answers(drawing, axis, top, curve, scales)
    if ninth:
        draw_title(drawing, top, "PHQ-9, question 9", ["above 0: see the box"])
        draw_answers(drawing, axis, top, _NINTH, ninth, (0, 3))
        top += _NINTH + _SPACE
    if rows:
        draw_title(drawing, top, "Marks", ["\N{BLACK SQUARE} medicine  \N{BLACK CIRCLE} event"])
        draw_marks(drawing, axis, top, curve.marks)
    drawing.line((axis.left, height - _BELOW), (axis.right, height - _BELOW), PALE)
    return drawing


def _draw_recorded(
    drawing: Drawing, axis: DateAxis, curve: Curve, strips: Sequence[Strip], stretch: float
) -> float:
    top = _TOP
    draw_title(drawing, top, "Recorded", ["dark: could be read"])
    draw_minutes(drawing, axis, top, _RECORDED, curve.days)
    top += _RECORDED + _SPACE
    for strip in strips:
        values, usual = measured(curve.days, strip.measure), curve.usual.get(strip.measure)
        draw_title(drawing, top, strip.title, strip.lines)
        draw_values(
            drawing, axis, top, stretch * strip.height, values,
            least_span=strip.least_span, usual=usual, apart=curve.apart if strip.of_face else (),
        )  # fmt: skip
        top += stretch * strip.height + _SPACE
    return top


def _draw_answers(drawing: Drawing, axis: DateAxis, top: float, curve: Curve, scales: Sequence[str]) -> float:
    for name in scales:
        scale, totals = QUESTIONNAIRES[name], _totals(curve, name)
        outcome = OUTCOMES.get(name)
        lines = [scale.meaning, *([f"below {outcome.remission_below}: remission"] if outcome else [])]
        if any(pale for _, _, pale in totals):
            lines.append("grey: prorated")
        draw_title(drawing, top, scale.title, lines)
        draw_answers(
            drawing, axis, top, _ANSWERS, [(when, total) for when, total, _ in totals],
            (scale.lowest, scale.highest),
            ticks=CUTS.get(name, ()), dashed=outcome.remission_below if outcome else None,
            pale={place for place, (_, _, pale) in enumerate(totals) if pale},
        )  # fmt: skip
        top += _ANSWERS + _SPACE
    return top


def _totals(curve: Curve, name: str) -> list[tuple[date, float, bool]]:
    """Return the days and totals of a scale, and whether each is prorated."""
    told = [(each, each.total if each.total is not None else prorated(each)) for each in curve.reports]
    return [
        (each.at.date(), round(total, 1), each.total is None)
        for each, total in told
        if each.scale == name and total is not None
    ]


def _ninth(curve: Curve) -> list[tuple[date, float]]:
    known = [(each.at.date(), ninth_answer(each)) for each in curve.reports]
    return [(when, float(answer)) for when, answer in known if answer is not None]


def describe(curve: Curve) -> str:
    """Return in words what the picture shows, for those who can't see it."""
    parts = [f"{count(len(curve.days), 'day')} with a recording"]
    for strip in STRIPS:
        values = measured(curve.days, strip.measure)["value"]
        if len(values):
            parts.append(f"{strip.title.lower()} from {values.min():.2f} to {values.max():.2f}")
    if ninth := [answer for _, answer in _ninth(curve)]:
        parts.append(f"the PHQ-9's ninth question from {min(ninth):g} to {max(ninth):g}")
    parts += [count(len(curve.reports), "self-report"), count(len(curve.marks), "mark")]
    return f"Picture over time: {', '.join(parts)}."


def draw_measure(
    start: date,
    end: date,
    values: pd.DataFrame,
    *,
    title: str,
    unit: str,
    usual: tuple[float, float] | None,
    apart: Collection[date] = (),
) -> Drawing:
    """Draw one measure over the period.

    Args:
        start: the first day.
        end: the last day.
        values: columns "value", "low", "high", by date.
        title: of the measure.
        unit: of the measure.
        usual: the ends of the person's own usual range; None where it is not known.
        apart: days that can't be compared with it.
    """
    low, high = significant(values["value"].min()), significant(values["value"].max())
    height = _TOP + _STRIP + _BELOW + 4
    drawing = Drawing(WIDTH, height, f"{title} on {count(len(values), 'day')}, from {low} to {high}.")
    axis = DateAxis(start, end, GUTTER, _RIGHT)
    draw_dates(drawing, axis, _TOP, height - _BELOW)
    for index, line in enumerate(_wrapped(title)):
        drawing.words((0, _TOP + 7 + 9 * index), line, size=8.5, bold=True)
    drawing.words((0, _TOP + 7 + 9 * len(_wrapped(title))), "" if unit == "1" else unit, size=7, colour=GREY)
    least_span = max(1e-3, 0.02 * float(values["value"].abs().max()))
    draw_values(drawing, axis, _TOP, _STRIP, values, least_span=least_span, usual=usual, apart=apart)
    return drawing


def _wrapped(title: str) -> list[str]:
    lines = [""]
    for word in title.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _TITLE_LETTERS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def draw_chart(start: date, end: date, chart: ControlChart) -> Drawing:
    """Draw a chart with its limits; the days of its alarms are large dots."""
    height = _TOP + _CHART + _BELOW
    alarms = count(len(chart.alarms), "alarm")
    drawing = Drawing(WIDTH, height, f"{chart.title}: {count(len(chart.dates), 'day')}, {alarms}.")
    axis = DateAxis(start, end, GUTTER, _RIGHT)
    low, high, step = nice_range([*chart.statistic, 1.1 * chart.limit, -1.1 * chart.limit], 1.0)
    scale = ValueAxis(low, high, _TOP + _CHART - 4, _TOP)
    draw_dates(drawing, axis, _TOP, height - _BELOW)
    for index, line in enumerate(_wrapped(chart.title)):
        drawing.words((0, _TOP + 7 + 9 * index), line, size=8.5, bold=True)
    for index in range(round((high - low) / step) + 1):
        y = scale.y(low + index * step)
        drawing.line((axis.left, y), (axis.right, y), PALE, 0.3)
        drawing.words(
            (axis.left - 4, y + 2.4), significant(low + index * step), size=7, colour=GREY, anchor="end"
        )
    for limit in (chart.limit, -chart.limit):
        drawing.line((axis.left, scale.y(limit)), (axis.right, scale.y(limit)), RUST, 0.8, dash="4 2")
    _draw_statistic(drawing, axis, scale, chart)
    return drawing


def _draw_statistic(drawing: Drawing, axis: DateAxis, scale: ValueAxis, chart: ControlChart) -> None:
    known = [
        (when, value) for when, value in zip(chart.dates, chart.statistic, strict=True) if axis.has(when)
    ]
    points = [(axis.middle(when), scale.y(value)) for when, value in known]
    days: Sequence[date] = [when for when, _ in known]
    drawing.path([points[part] for part in runs(days, 3)], INK, 1.0)
    drawing.dots(points, TEAL, 2.0)
    drawing.dots([point for point, when in zip(points, days, strict=True) if when in chart.alarms], RUST, 5.0)
