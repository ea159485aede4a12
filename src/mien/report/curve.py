"""The picture on the first page: coverage, how the face looked, self-reports and marks over one time axis."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd

from mien.record.scales import CUTS, OUTCOMES, QUESTIONNAIRES, ninth_answer, prorated
from mien.report.axes import Days
from mien.report.daily import measured
from mien.report.drawing import PALE, Drawing
from mien.report.panels import (
    GUTTER,
    MARK_ROW,
    Mark,
    draw_answers,
    draw_dates,
    draw_marks,
    draw_minutes,
    draw_title,
    draw_values,
    rows_of_marks,
)
from mien.store.types import SelfReport
from mien.wording import count

WIDTH: Final = 510.0
"""Points: 180 mm, what A4 leaves between margins of 15 mm."""

_RIGHT: Final = 504.0
_TOP, _BELOW, _SPACE = 5.0, 14.0, 11.0
_RECORDED, _ANSWERS, _NINTH = 20.0, 30.0, 13.0


@dataclass(frozen=True, slots=True)
class Strip:
    """How a measure is shown.

    Attributes:
        measure: its name.
        title, lines: what stands at its left.
        least_span: of its axis.
        height: in points.
    """

    measure: str
    title: str
    lines: tuple[str, ...]
    least_span: float
    height: float


STRIPS: Final = (
    Strip("valence_mean", "Valence", ("how pleasant the", "face looked,", "\N{MINUS SIGN}1 to 1"), 0.4, 76.0),
    Strip("expressivity", "Expressivity", ("how far the face was", "from its own neutral"), 0.1, 62.0),
)
"""The measures on the first page: the two that a reader needs to see the rest from."""


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
    axis = Days(curve.start, curve.end, GUTTER, _RIGHT)
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
    drawing: Drawing, axis: Days, curve: Curve, strips: Sequence[Strip], stretch: float
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
            least_span=strip.least_span, usual=usual, apart=curve.apart,
        )  # fmt: skip
        top += stretch * strip.height + _SPACE
    return top


def _draw_answers(drawing: Drawing, axis: Days, top: float, curve: Curve, scales: Sequence[str]) -> float:
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
    """Give the days and totals of a scale, and whether each is prorated."""
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
    """Say in words what the picture shows, for those who can't see it."""
    parts = [f"{count(len(curve.days), 'day')} with a recording"]
    for strip in STRIPS:
        values = measured(curve.days, strip.measure)["value"]
        if len(values):
            parts.append(f"{strip.title.lower()} from {values.min():.2f} to {values.max():.2f}")
    if ninth := [answer for _, answer in _ninth(curve)]:
        parts.append(f"the PHQ-9's ninth question from {min(ninth):g} to {max(ninth):g}")
    parts += [count(len(curve.reports), "self-report"), count(len(curve.marks), "mark")]
    return f"Picture over time: {', '.join(parts)}."
