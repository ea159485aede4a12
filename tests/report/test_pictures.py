from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.report.drawing import DOT, INK, PALE_TEAL, DateAxis, Drawing, ValueAxis, nice_range, runs
from mien.report.first_page import first_page
from mien.report.material import ControlChart
from mien.report.pictures import draw_chart, draw_measure
from mien.report.strips import Mark, draw_values, mark_rows, rows_of_marks, smoothed
from report.people import (
    START,
    days,
    fullest_person,
    mark,
    material,
    person_with_body,
    phq9,
    report,
    usual_person,
)

SVG = "{http://www.w3.org/2000/svg}"
PEOPLE = {
    "usual": usual_person(),
    "fullest": fullest_person(),
    "one recording": material(1, days(1, missing=0)),
    "one answer": material(reports=[phq9(3, 1)]),
    "one mark": material(annotations=[mark(2, "x")]),
    "two days": material(2, days(2, missing=0)),
    "body": person_with_body(),
    "body on one day": person_with_body(1),
}


def texts(root: ET.Element) -> list[tuple[str, float, float, float, float]]:
    """Each text with its box, by a generous guess of its width: left, top, right, bottom."""
    found = []
    for each in root.iter(f"{SVG}text"):
        size, x, y = (float(each.attrib[name]) for name in ("font-size", "x", "y"))
        width = 0.42 * size * len(each.text or "")
        left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[each.attrib["text-anchor"]] * width
        found.append((each.text or "", left, y - 0.7 * size, left + width, y))
    return found


def numbers(path: str) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", path.replace(DOT, ""))]


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("which", ["picture", "low_picture"])
def test_nothing_is_outside_the_picture_and_no_text_touches_another(name: str, which: str) -> None:
    picture = getattr(first_page(PEOPLE[name]), which)
    root = ET.fromstring(picture.svg)
    for path in root.iter(f"{SVG}path"):
        values = numbers(path.attrib["d"])
        assert min(values[::2]) >= -0.01
        assert max(values[::2]) <= picture.width + 0.01
        assert min(values[1::2]) >= -0.01
        assert max(values[1::2]) <= picture.height + 0.01
    boxes = texts(root)
    for index, (text, left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert right <= picture.width + 4
        assert top >= 0
        assert bottom <= picture.height
        for other, *box in boxes[:index]:
            apart = right <= box[0] or box[2] <= left or bottom <= box[1] or box[3] <= top
            assert apart, f"{text!r} touches {other!r}"


def test_words_in_the_picture_are_text() -> None:
    picture = first_page(usual_person()).picture
    assert picture is not None
    words = {text for text, *_ in texts(ET.fromstring(picture.svg))}
    assert {"Recorded", "Valence", "Expressivity", "Mood", "PHQ-9", "GAD-7", "Marks", "May 2026"} <= words
    assert picture.alt.startswith("Picture over time: 74 days with a recording")


def test_gaps_are_left_as_gaps() -> None:
    drawing = Drawing(510, 90, "")
    axis = DateAxis(START, START + timedelta(29), 104, 504)
    here = [index for index in range(30) if not 8 <= index < 18]
    values = pd.DataFrame({"value": 0.1, "low": 0.0, "high": 0.2}, index=[START + timedelta(i) for i in here])
    draw_values(drawing, axis, 5, 60, values, least_span=0.1)
    empty = (axis.border(START + timedelta(8)), axis.border(START + timedelta(18)))
    for path in ET.fromstring(drawing.svg()).iter(f"{SVG}path"):
        if path.attrib.get("stroke") in {None, "#c9c9c9", "#666666"}:
            continue
        for run in path.attrib["d"].split("M")[1:]:
            x = numbers(run)[::2]
            assert max(x) <= empty[0] or min(x) >= empty[1]


def test_days_that_cannot_be_compared_are_grey_and_not_in_the_line() -> None:
    person = usual_person()
    dark = list(person.days.index[30:34])
    frame = person.days.copy()
    frame.loc[dark, ["valence_mean", "valence_mean_low", "valence_mean_high"]] = [-0.9, -0.95, -0.85]
    plain, told = (
        first_page(replace(person, days=frame, apart=frozenset(days))) for days in (list[date](), dark)
    )
    assert plain.picture is not None
    assert told.picture is not None
    assert "Grey dots" not in plain.picture.caption
    assert "Grey dots" in told.picture.caption
    valence = []
    for page in (plain, told):
        paths = ET.fromstring(page.picture.svg).iter(f"{SVG}path")
        line = next(each for each in paths if (each.get("stroke"), each.get("stroke-width")) == (INK, "1.2"))
        valence.append(max(numbers(line.attrib["d"])[1::2]))
    assert valence[1] < valence[0] - 20


def test_every_day_has_its_interval() -> None:
    drawing = Drawing(510, 90, "")
    axis = DateAxis(START, START + timedelta(4), 104, 504)
    values = pd.DataFrame(
        {"value": [0.1, 0.2, 0.3], "low": [0.0, 0.1, np.nan], "high": [0.2, 0.3, np.nan]},
        index=[START + timedelta(index) for index in (0, 2, 4)],
    )
    draw_values(drawing, axis, 5, 60, values, least_span=0.1)
    root = ET.fromstring(drawing.svg())
    bars = next(each for each in root.iter(f"{SVG}path") if each.attrib.get("stroke") == PALE_TEAL)
    assert bars.attrib["d"].count("M") == 2


@given(st.lists(st.floats(-1e3, 1e3), max_size=20), st.floats(1e-3, 10))
def test_a_nice_range_holds_all_values(values: list[float], least_span: float) -> None:
    low, high, step = nice_range(values, least_span)
    assert all(low - 1e-6 <= value <= high + 1e-6 for value in values)
    assert high - low >= least_span * 0.999
    assert 1 <= round((high - low) / step) <= 6
    assert (high - low) / step == pytest.approx(round((high - low) / step), abs=1e-3)


@given(st.sets(st.integers(0, 60)), st.integers(1, 9))
def test_runs_are_split_at_long_steps_only(numbers: set[int], longest: int) -> None:
    dates = [START + timedelta(index) for index in sorted(numbers)]
    parts = [dates[part] for part in runs(dates, longest)]
    assert [each for part in parts for each in part] == dates
    assert all((after - before).days <= longest for part in parts for before, after in pairwise(part))
    assert all((after[0] - before[-1]).days > longest for before, after in pairwise(parts))


def test_smoothed_against_brute_force() -> None:
    frame = days(60, missing=0.4)
    values = frame["valence_mean"]
    expected = []
    for when, value in values.items():
        near = [other for day, other in values.items() if abs((day - when).days) <= 3]
        expected.append(float(np.median(near)) if len(near) >= 3 else value)
    assert smoothed(values).to_numpy() == pytest.approx(np.array(expected))


@pytest.mark.parametrize("many", [1, 3, 7, 8, 30, 70, 71, 84, 365, 366, 1500, 4000])
def test_dates_below_the_axis_lie_inside_it(many: int) -> None:
    axis = DateAxis(START, START + timedelta(many - 1), 104, 504)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 14
    assert all(axis.has(when) for when, _ in ticks)
    assert axis.middle(START) > 104
    assert axis.middle(axis.end) < 504


@given(st.lists(st.tuples(st.integers(0, 83), st.integers(0, 40) | st.none(), st.booleans()), max_size=12))
def test_numbered_marks_never_touch(given_marks: list[tuple[int, int | None, bool]]) -> None:
    axis = DateAxis(START, START + timedelta(83), 104, 504)
    marks = [
        Mark(START + timedelta(at), None if long is None else START + timedelta(at + long), medicine)
        for at, long, medicine in sorted(given_marks, key=lambda each: each[0])
    ]
    rows = mark_rows(axis, marks)
    for index, (one, row) in enumerate(zip(marks, rows, strict=True)):
        for other, other_row in zip(marks[:index], rows[:index], strict=True):
            if row == other_row:
                assert one.medication is other.medication
                assert abs(axis.middle(one.at) - axis.middle(other.at)) >= 10.9
    assert rows_of_marks(axis, marks) == len(set(rows))


def test_a_scale_puts_its_ends_at_its_ends() -> None:
    scale = ValueAxis(-1.0, 3.0, 90.0, 10.0)
    assert [scale.y(value) for value in (-1, 1, 3)] == [90, 50, 10]


def test_charts_show_their_limits_and_alarms() -> None:
    dates = [START + timedelta(index) for index in range(10)]
    chart = ControlChart("CUSUM of expressivity", dates, [0.1 * i for i in range(10)], 0.5, [dates[6]], "")
    root = ET.fromstring(draw_chart(START, dates[-1], chart).svg())
    dashed = [each for each in root.iter(f"{SVG}path") if "stroke-dasharray" in each.attrib]
    assert len(dashed) == 2
    empty = replace(chart, dates=[], statistic=[], alarms=[])
    assert (
        ET.fromstring(draw_chart(START, dates[-1], empty).svg())
        .attrib["aria-label"]
        .endswith("0 days, 0 alarms.")
    )


def test_a_measure_of_one_day_that_is_0() -> None:
    values = pd.DataFrame({"value": [0.0], "low": [0.0], "high": [0.0]}, index=[date(2026, 5, 1)])
    drawing = draw_measure(START, START, values, title="Onset speed of smiles", unit="per second", usual=None)
    assert "from 0.00 to 0.00" in drawing.alt


def test_hundreds_of_answers_have_no_numbers_and_few_have() -> None:
    few = first_page(material(reports=[report(index, "mood", 4) for index in range(0, 80, 20)]))
    many = first_page(material(reports=[report(index, "mood", 4) for index in range(84)]))
    assert few.picture is not None
    assert many.picture is not None
    assert few.picture.svg.count(">4</text>") == 4
    assert ">4</text>" not in many.picture.svg
