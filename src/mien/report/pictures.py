"""The pictures of the long report: every measure over the days, and the charts that watch some of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

import pandas as pd

from mien.report.axes import Days, Scale, nice_range, runs
from mien.report.curve import WIDTH
from mien.report.drawing import GREY, INK, PALE, RUST, TEAL, Drawing
from mien.report.material import ControlChart
from mien.report.panels import GUTTER, draw_dates, draw_values
from mien.report.plain import significant
from mien.wording import count

_RIGHT = 504.0
_TOP, _BELOW = 5.0, 14.0
_STRIP, _CHART = 46.0, 90.0
_TITLE_LETTERS = 17


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
    axis = Days(start, end, GUTTER, _RIGHT)
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
    axis = Days(start, end, GUTTER, _RIGHT)
    low, high, step = nice_range([*chart.statistic, 1.1 * chart.limit, -1.1 * chart.limit], 1.0)
    scale = Scale(low, high, _TOP + _CHART - 4, _TOP)
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


def _draw_statistic(drawing: Drawing, axis: Days, scale: Scale, chart: ControlChart) -> None:
    known = [
        (when, value) for when, value in zip(chart.dates, chart.statistic, strict=True) if axis.has(when)
    ]
    points = [(axis.middle(when), scale.y(value)) for when, value in known]
    days: Sequence[date] = [when for when, _ in known]
    drawing.path([points[part] for part in runs(days, 3)], INK, 1.0)
    drawing.dots(points, TEAL, 2.0)
    drawing.dots([point for point, when in zip(points, days, strict=True) if when in chart.alarms], RUST, 5.0)
