"""A study on one page, with its pictures; and its figures as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np

import mien
from mien.errors import OutputError
from mien.files import check_folder, write_json, write_text, written_whole
from mien.report.content import Entries, Fact, Headings, Picture, ReportContent, TextTable
from mien.report.drawing import FAINT_TEAL, GREY, INK, PALE, PALE_TEAL, RUST, TEAL, Drawing
from mien.report.formatting import clean, moment, shortened
from mien.report.html import render_html
from mien.report.pdf import render_pdf
from mien.videos.cohort.circumstances import GroupOfPeople
from mien.videos.cohort.figures import Interval, withholding
from mien.videos.cohort.models import LOGISTIC
from mien.videos.cohort.study import CohortResult
from mien.videos.cohort.words import findings
from mien.wording import count

FILES: Final = ("cohort.json", "cohort.html", "cohort.pdf")
"""What is written; the PDF where typst is installed."""

LIMITS: Final = (
    "It says how well recordings tell two groups of people apart. It says nothing of one person, and names no"
    " illness in anybody.",
    "The people were held out, but they come from the same places as the others. Elsewhere it may be worse;"
    " only a cohort from elsewhere can tell.",
    "A measure that goes with the label need not come from it: whatever else differs between the groups, and"
    " is not in the table, can't be looked for.",
)

_WIDTH, _HEIGHT, _LOW_HEIGHT = 510.0, 172.0, 140.0
_PANEL, _GAP, _LEFT = 142.0, 32.0, 20.0
_SHOWN: Final = 6
_MOST_NAME: Final = 34


def save(result: CohortResult, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write a study's figures and its page; see `CohortResult.save`."""
    check_free(folder, overwrite=overwrite)
    paths = [folder / name for name in FILES]
    content = report_content(result, datetime.now(UTC).astimezone())
    pdf = render_pdf(content) if find_spec("typst") else None
    write_json(paths[0], result.as_dict() | {"findings": findings(result)})
    write_text(paths[1], render_html(content))
    if pdf is None:  # of another extra; the same page is there as HTML
        return paths[:2]
    with written_whole(paths[2]) as temporary:
        temporary.write_bytes(pdf)
    return paths


def check_free(folder: Path, *, overwrite: bool = False) -> None:
    """Raise where a study can't be written into a folder, before it is made.

    Raises:
        OutputError: files of an earlier one are there and may not be replaced, or it is no folder.
    """
    check_folder(folder)
    there = [folder / name for name in FILES if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(f"{there[0]} is there already: choose another folder, or --overwrite")


def report_content(result: CohortResult, made_at: datetime) -> ReportContent:
    """Write the page of a study.

    Args:
        result: what it found.
        made_at: when, aware.
    """
    first, told = result.models[0], findings(result)
    with_label, without = result.people
    return ReportContent(
        kind="short",
        code=clean(result.label, 60),
        period=f"{clean(result.name, 60)}: {clean(result.label, 40)} {clean(result.classes[0], 30)} against"
        f" {clean(result.classes[1], 30)}",
        days=0,
        made_at=made_at.isoformat(),
        made=moment(made_at),
        simulated="Simulated cohort: a program made these recordings up. Nobody was there."
        if result.simulated
        else "",
        safety="",
        safety_why="",
        facts=(
            Fact(f"{with_label:,} and {without:,}", f"people, {count(result.recordings, 'recording')}"),
            Fact(f"{first.area.value:.2f}", f"AUC, {first.area.low:.2f} to {first.area.high:.2f}"),
            Fact(f"{result.shuffled.mean.value:.2f}", "AUC with shuffled labels"),
            Fact(f"{100 * first.calibration.mean_error:.1f} %", "mean calibration error"),
        ),
        remarks=tuple(map(clean, told[:8])),
        picture=draw(result, _HEIGHT),
        low_picture=draw(result, _LOW_HEIGHT),
        changes=(),
        advice="",
        tables=(_measures(result), *_groups(result)),
        outcomes=tuple(clean(each) for each in (*told[8:], *result.remarks)),
        marks=Entries(),
        notes=Entries(),
        limits=LIMITS,
        footer=(
            f"Made by Mien {mien.__version__} on {moment(made_at)}: penalised logistic regression,"
            f" {result.folds} folds of whole people, {count(result.repeats, 'dealing')},"
            f" seed {result.seed}. Square brackets hold 95 % intervals. AUC: area under the ROC curve.",
        ),
        headings=Headings("What recordings say of", "", ""),
        elsewhere=FILES[0],
    )


def _measures(result: CohortResult) -> TextTable:
    rows = [
        (
            shortened(clean(each.name), _MOST_NAME),
            _signed(each.difference),
            str(each.alone),
            f"{100 * each.selected:.0f} %",
            f"{each.importance:+.3f}".replace("-", "\N{MINUS SIGN}"),
        )
        for each in result.measures[:_SHOWN]
    ]
    return TextTable(
        "Which measures carry it",
        ("measure", "difference, SD", "AUC alone", "chosen in", "AUC lost without"),
        tuple(rows),
        widths=(0.32, 0.22, 0.2, 0.11, 0.15),
        figures=True,
        row_is="measure",
        more=len(result.measures) - len(rows),
    )


def _signed(value: Interval) -> str:
    said = f"{value.value:+.2f} [{value.low:+.2f}, {value.high:+.2f}]"
    return said.replace("-", "\N{MINUS SIGN}")


def _groups(result: CohortResult) -> tuple[TextTable, ...]:
    """Return a table for each column of `--by`: how the model does in its parts of the people."""
    heads = (
        "",
        "people",
        f"{clean(result.label, 40)} {clean(result.classes[0], 30)}",
        "AUC",
        "predicted",
        "observed",
    )
    return tuple(
        TextTable(
            f"By {clean(column, 40)}",
            tuple(shortened(each, _MOST_NAME) for each in heads),
            tuple(_group(each) for each in parts),
            widths=(0.26, 0.12, 0.2, 0.2, 0.11, 0.11),
            figures=True,
            row_is="group",
        )
        for column, parts in groupby(result.groups, key=lambda each: each.column)
    )


def _group(part: GroupOfPeople) -> tuple[str, ...]:
    return (
        shortened(clean(part.value), _MOST_NAME),
        f"{part.people:,}",
        f"{part.with_label:,}",
        str(part.area) if part.area else "too few",
        f"{100 * part.predicted:.0f} %",
        f"{100 * part.observed:.0f} %",
    )


# --- the pictures


def draw(result: CohortResult, height: float) -> Picture:
    """Draw calibration, withholding and the learning curve, side by side."""
    first = result.models[0]
    alt = (
        f"Three plots. Calibration: probabilities off by {100 * first.calibration.mean_error:.1f} % on"
        f" average. Withholding: {100 * first.withheld[0].right.value:.0f} % right when all are answered,"
        f" {100 * first.withheld[-1].right.value:.0f} % for the surest fifth. Learning curve: AUC"
        f" {result.learning[0].area.value:.2f} with {result.learning[0].people} people,"
        f" {result.learning[-1].area.value:.2f} with {result.learning[-1].people}."
    )
    drawing = Drawing(_WIDTH, height, alt)
    _calibration(_Panel(drawing, 0, height, "Predicted and observed"), result)
    _withheld(_Panel(drawing, 1, height, "Right, by share answered"), result)
    _learning(_Panel(drawing, 2, height, "AUC, by people learnt from"), result)
    caption = (
        "Left: dots are tenths of the people, the line a smooth curve; on the diagonal, probabilities mean"
        " what they say. Middle: only the surest answered; rust, always the larger class. Right: bars are"
        " 95 % intervals; rust, labels exchanged between people."
    )
    return Picture.of(drawing, caption)


class _Panel:
    """One plot; x and y run from low to high values."""

    def __init__(self, drawing: Drawing, place: int, height: float, title: str) -> None:
        self.drawing = drawing
        self.left = _LEFT + place * (_PANEL + _GAP)
        self.right, self.top, self.bottom = self.left + _PANEL, 18.0, height - 16
        self.x_range = self.y_range = (0.0, 1.0)
        drawing.words((self.left - 18, 9), title, size=8.5, bold=True)

    def axes(self, xs: Sequence[tuple[float, str]], ys: Sequence[float]) -> None:
        """Draw lines for the values of y, and write the values below x."""
        for value in ys:
            self.drawing.line(self.at(self.x_range[0], value), self.at(self.x_range[1], value), PALE, 0.4)
            place = (self.left - 3, self.at(0, value)[1] + 2.5)
            self.drawing.words(place, f"{value:g}", size=7, colour=GREY, anchor="end")
        for value, name in xs:
            place = (self.at(value, 0)[0], self.bottom + 10)
            self.drawing.words(place, name, size=7, colour=GREY, anchor="middle")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point."""
        (x0, x1), (y0, y1) = self.x_range, self.y_range
        across = self.left + (x - x0) / (x1 - x0) * (self.right - self.left)
        return across, self.bottom - (y - y0) / (y1 - y0) * (self.bottom - self.top)


def _calibration(panel: _Panel, result: CohortResult) -> None:
    own = result.models[0].calibration
    quarters = [0, 0.25, 0.5, 0.75, 1]
    panel.axes([(each, f"{each:g}") for each in quarters[::2]], quarters)
    panel.drawing.line(panel.at(0, 0), panel.at(1, 1), GREY, 0.6, "2 2")
    panel.drawing.path([[panel.at(x, y) for x, y in own.curve]], TEAL, 1.3)
    panel.drawing.dots((panel.at(x, y) for x, y, _ in own.bins), INK, 3.4)


def _withheld(panel: _Panel, result: CohortResult) -> None:
    probability = result.odds[LOGISTIC].mean(axis=0)
    _, course = withholding(result.cohort.y, 1 / (1 + np.exp(-probability)))
    usual = result.models[0].withheld[0].larger_class
    lowest = min(0.5, float(course[len(course) // 10 :].min()))
    panel.y_range = (max(0.0, lowest - 0.02) // 0.1 * 0.1, 1.0)
    panel.axes([(each, f"{100 * each:.0f} %") for each in (0, 0.5, 1)], [0.5, 0.6, 0.7, 0.8, 0.9, 1])
    panel.drawing.line(panel.at(0, usual), panel.at(1, usual), RUST, 0.9, "3 2")
    rows = [each for each in range(len(course)) if each >= len(course) // 10]
    step = max(1, len(rows) // 150)
    line = [panel.at((each + 1) / len(course), float(course[each])) for each in rows[::step]]
    panel.drawing.path([line], TEAL, 1.3)
    for each in result.models[0].withheld:
        low = max(each.right.low, panel.y_range[0])
        bar = (panel.at(each.coverage, low), panel.at(each.coverage, each.right.high))
        panel.drawing.line(*bar, PALE_TEAL, 2)
        panel.drawing.dots([panel.at(each.coverage, each.right.value)], INK, 3.4)


def _learning(panel: _Panel, result: CohortResult) -> None:
    course, chance = result.learning, result.shuffled.mean
    most = course[-1].people
    panel.x_range = (0.0, 1.05 * most)
    lowest = min(chance.low, *(each.area.low for each in course))
    panel.y_range = (max(0.0, lowest // 0.1 * 0.1), 1.0)
    panel.drawing.areas(
        [[panel.at(x, y) for x, y in ((0, chance.low), (1.05 * most, chance.low),
          (1.05 * most, chance.high), (0, chance.high))]],
        FAINT_TEAL,
    )  # fmt: skip
    ticks = [round(panel.y_range[0] + 0.1 * each, 1) for each in range(11)]
    panel.axes(
        [(each, f"{each:,.0f}") for each in (0, most / 2, most)],
        [each for each in ticks if each <= 1][:: 1 if panel.y_range[0] >= 0.4 else 2],
    )
    panel.drawing.line(panel.at(0, chance.value), panel.at(1.05 * most, chance.value), RUST, 0.9, "3 2")
    for each in course:
        ends = (panel.at(each.people, each.area.low), panel.at(each.people, each.area.high))
        panel.drawing.line(*ends, PALE_TEAL, 2)
    panel.drawing.path([[panel.at(each.people, each.area.value) for each in course]], TEAL, 1.3)
    panel.drawing.dots((panel.at(each.people, each.area.value) for each in course), INK, 3.4)
