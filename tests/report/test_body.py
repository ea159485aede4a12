"""What body sensors said, in the report."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from mien.report.body import body_picture, lanes_of
from mien.report.content import Picture
from mien.report.drawing import DOT, GREY, INK, PALE, PALE_TEAL, TEAL
from mien.report.html import render_html
from mien.report.material import Material, RecordedBody
from mien.report.save import written
from mien.signals.types import Figure
from report.people import body, person_with_body, usual_person

SVG = "{http://www.w3.org/2000/svg}"


def drawn(picture: Picture | None, colour: str, *, filled: bool = False) -> list[list[float]]:
    """The numbers of each run of the paths of a colour, x and y in turn."""
    assert picture is not None
    found = []
    for path in ET.fromstring(picture.svg).iter(f"{SVG}path"):
        if path.attrib.get("fill" if filled else "stroke") == colour:
            runs = path.attrib["d"].replace(DOT, "").replace("Z", "").split("M")[1:]
            found += [[float(each) for each in re.findall(r"-?\d+\.?\d*", run)] for run in runs]
    return found


def words(picture: Picture | None) -> list[str]:
    assert picture is not None
    return [each.text or "" for each in ET.fromstring(picture.svg).iter(f"{SVG}text")]


def section(person: Material, title: str) -> list[object]:
    found = [each for each in written(person, long=True).appendix if each.title == title]
    return [block for each in found for block in each.blocks]


def test_where_nothing_was_measured_nothing_is_said_of_it() -> None:
    content = written(usual_person(), long=True)
    assert content.body is None
    assert not any("body" in each.title.lower() for each in content.appendix)
    assert not any("arousal" in each.lower() for each in content.limits)
    assert content.picture is not None
    assert "Resting" not in content.picture.svg
    assert "Body signals" not in render_html(content)


def test_days_have_a_strip_for_each_measure() -> None:
    content = written(person_with_body())
    picture = content.picture
    assert {"Resting rate", "Body arousal", "of the heart,", "1 like a task"} <= set(words(picture))
    assert picture is not None
    assert "resting rate from 59" in picture.alt
    assert any(each.startswith("Body arousal says how far") for each in content.limits)


def test_a_day_with_other_light_is_no_other_day_for_the_heart() -> None:
    """Grey dots are days on which the face can't be compared."""
    person = person_with_body()
    apart = replace(person, apart=frozenset(person.days.index[:20]))
    before, after = (
        {(run[1] > 250) for run in drawn(written(each).picture, GREY) if len(run) == 2}
        for each in (person, apart)
    )
    assert before == set()
    assert after == {False}


def test_one_recording_has_its_course_on_the_first_page() -> None:
    content = written(person_with_body(1))
    assert content.body is not None
    assert {"Heart rate", "Skin conductance", "Body arousal", "0 min", "30"} <= set(words(content.body))
    assert "Body signals" in render_html(content)
    assert "The body in each recording" not in render_html(written(person_with_body(1), long=True))


def test_several_recordings_have_theirs_in_the_long_report() -> None:
    person = person_with_body()
    assert written(person).body is None
    lead, first, second = section(person, "The body in each recording")
    assert lead == "Sensors on the body were read in 5 recordings. The newest 2 are shown."
    assert isinstance(first, Picture)
    assert isinstance(second, Picture)
    assert "22 July 2026, 10:00" in first.caption
    assert "Skin conductance" in words(first)
    assert "Skin conductance" not in words(second)
    assert "Body arousal" not in words(second)


def test_a_gap_is_a_gap_and_the_share_read_is_said() -> None:
    picture = body_picture(body(0))
    assert "read 90 % of the time" in words(picture)
    rate = drawn(picture, TEAL)[:2]
    assert rate[0][-2] < rate[1][0] - 40  # three minutes of thirty, at 400 points
    assert len(drawn(picture, TEAL)) == 6  # three courses in two parts each
    assert len(drawn(picture, PALE_TEAL, filled=True)) == 2  # the interval of arousal
    assert picture is not None
    assert "heart rate 62.0 to 78.0, read 90 % of the time" in picture.alt


def test_the_bar_shows_quality_in_shades_that_a_printer_without_colours_has() -> None:
    figures = [
        Figure(60.0 * place, 60.0 * place + 60, "BVP", "heart_rate", "1/min", value, quality)
        for place, (value, quality) in enumerate([(70, 0.9), (71, 0.9), (72, 0.7), (None, 0.1), (73, 0.3)])
    ]
    picture = body_picture(RecordedBody(body(0).started_at, 300, figures))
    for colour, left, right in ((INK, 104, 264), (GREY, 264, 344), (PALE, 424, 504)):
        ((*corners,),) = drawn(picture, colour, filled=True)
        assert (min(corners[::2]), max(corners[::2])) == (left, right)


def test_of_several_signals_the_best_of_each_window_is_drawn() -> None:
    def figure(signal: str, start: float, value: float | None, quality: float) -> Figure:
        return Figure(start, start + 60, signal, "heart_rate", "1/min", value, quality)

    figures = [
        figure("BVP", 0, 70, 0.7), figure("ECG", 0, 61, 0.9),
        figure("BVP", 60, 71, 0.7), figure("ECG", 60, None, 0.8),
        figure("BVP", 120, None, 0.1), figure("ECG", 120, None, 0.2),
    ]  # fmt: skip
    (lane,) = lanes_of(RecordedBody(body(0).started_at, 180, figures))
    assert [each.value for each in lane.points] == [61, 71, None]
    assert lane.read == pytest.approx(2 / 3)


@pytest.mark.parametrize("figures", [[], [Figure(0, 60, "BVP", "heart_rate", "1/min", None, 0.1)]])
def test_without_a_reading_there_is_no_picture(figures: list[Figure]) -> None:
    assert body_picture(RecordedBody(body(0).started_at, 60, figures)) is None


@pytest.mark.exhaustive
@pytest.mark.parametrize("minutes", [2, 5, 45, 60 * 26])
def test_nothing_is_drawn_outside_and_times_have_room(minutes: int) -> None:
    picture = body_picture(body(0, minutes))
    assert picture is not None
    root = ET.fromstring(picture.svg)
    for path in root.iter(f"{SVG}path"):
        values = [float(each) for each in re.findall(r"-?\d+\.?\d*", path.attrib["d"].replace(DOT, ""))]
        assert min(values[::2]) >= 0
        assert max(values[::2]) <= picture.width
        assert min(values[1::2]) >= 0
        assert max(values[1::2]) <= picture.height
    low = [each for each in root.iter(f"{SVG}text") if float(each.attrib["y"]) > picture.height - 8]
    assert 2 <= len(low) <= 14
