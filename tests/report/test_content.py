from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from mien.errors import ConfigError
from mien.mood.change.findings import nothing_told
from mien.mood.definitions import MEASURES
from mien.report.appendix import sections
from mien.report.first_page import LIMITS, first_page, model_names
from mien.report.fit import ROOMS, fit, put_into
from mien.report.formatting import short_day
from mien.report.material import ControlChart, Material, Told, choose_period
from mien.report.save import written
from report.people import (
    ALL_USUAL,
    MODELS,
    START,
    TEXTS,
    days,
    fullest_person,
    mark,
    material,
    phq9,
    recordings,
    report,
    usual_person,
)


def everything(material: Material) -> str:
    return str(first_page(material))


def test_coverage_comes_in_figures() -> None:
    frame = days(10, missing=0)
    frame = frame.iloc[[0, 1, 5, 6, 9]]
    frame["minutes"], frame["usable_minutes"] = 10.0, 8.0
    facts = [(fact.value, fact.words) for fact in first_page(material(10, frame)).facts]
    assert facts == [
        ("5 of 10", "days with a recording"),
        ("50 minutes", "recorded, in 5 recordings"),
        ("80 %", "of that time the face could be read"),
        ("3 days", "longest gap between recordings"),
    ]


def test_low_coverage_is_said_before_the_mood_even_where_no_finding_says_it() -> None:
    frame = days(10, missing=0)
    frame["usable_minutes"] = 0.3 * frame["minutes"]
    assert "less than half" in first_page(material(10, frame)).remarks[0]
    found = [Told("coverage", "low coverage: only 30 % of the time")]
    assert first_page(material(10, frame, found=found)).remarks == ("Low coverage: only 30 % of the time.",)


def test_light_and_camera_come_before_changes() -> None:
    told = [Told(kind, f"about {kind}") for kind in ("not_ready", "camera", "light", "coverage", "change")]
    page = first_page(material(5, days(5), found=told))
    assert page.remarks == ("About camera.", "About light.", "About coverage.")
    assert page.changes == ("About not_ready.", "About change.")


def test_the_chosen_interval_is_said_with_a_change_and_without_one() -> None:
    chance = "By chance alone, a change is reported about once in 365 days."
    found = [Told("change", "the face has moved less. Since 3 May: flatness +2.0 SD of own days.")]
    page = first_page(material(5, days(5), found=found, verdict=chance))
    assert page.changes == (f"The face has moved less. Since 3 May: flatness +2.0 SD of own days. {chance}",)
    none = first_page(material(5, days(5), usual=ALL_USUAL, verdict=nothing_told(365)))
    assert none.changes == (nothing_told(365),)
    assert "once in 365 days" in none.changes[0]


def test_recordings_that_were_read_too_rarely_are_told_and_flagged() -> None:
    frame = days(5, missing=0)
    made = recordings(frame)
    made[2] = replace(made[2], frames=round(1.3 * made[2].length_s), source="browser-4", coverage=0.13)
    found = replace(material(5, frame), recordings=made)
    (told,) = first_page(found).remarks
    assert told.startswith(
        f"1 of 5 recordings was read too rarely (on {short_day(made[2].day)}): fewer than 4"
    )
    (section,) = [each for each in sections(found) if each.title.startswith("Recordings")]
    rows = section.blocks[0].rows
    assert [row[4] for row in rows].count("finished; read too rarely") == 1
    assert rows[2][2] == "a browser's camera"
    assert first_page(replace(found, recordings=recordings(frame))).remarks == ()


def test_without_a_baseline_nothing_is_called_unchanged() -> None:
    assert "too few days" in first_page(material(5, days(5))).changes[0]
    (told,) = first_page(material(5, days(5), usual=ALL_USUAL)).changes
    assert told == "No change could be told apart from chance. This does not mean that nothing has changed."
    assert first_page(material()).changes == ()


def test_advice_stands_only_where_a_finding_brings_it() -> None:
    assert first_page(usual_person()).advice == ""
    found = [
        Told("change", "fewer smiles"),
        Told("change", "less expressive", advice="Call ward 3."),
    ]
    assert first_page(material(5, days(5), found=found)).advice == "Call ward 3."


@pytest.mark.parametrize("ninth", [1, 3])
def test_the_safety_text_stands_whenever_the_ninth_answer_is_above_0(ninth: int) -> None:
    page = first_page(material(reports=[phq9(3, ninth), phq9(9, 0)]))
    assert page.safety == TEXTS["phq9_safety"]
    assert "on 4 May 2026." in page.safety_why


def test_the_safety_text_stands_only_then() -> None:
    page = first_page(material(reports=[phq9(3, 0, others=3), report(4, "gad7", 21)]))
    assert (page.safety, page.safety_why) == ("", "")


def test_the_ninth_question_is_told_over_time() -> None:
    reports = [phq9(0, 0), phq9(7, 2), report(14, "phq9", 12), report(21, "phq9", 25)]
    told = first_page(material(reports=reports)).outcomes
    assert told[0] == (
        "PHQ-9, ninth question, 0 to 3: 0 on 1 May 26, 2 on 8 May 26, not known on 15 May 26 and above 0 on"
        " 22 May 26."
    )
    assert told[1].startswith("How the ninth question was answered on 15 May 2026 is not known:")
    assert first_page(material(reports=[report(1, "gad7", 3)])).outcomes == ()


def test_response_and_remission_are_told_with_their_start_and_source() -> None:
    reports = [report(0, "phq9", 18), report(14, "phq9", 15), report(28, "phq9", 4)]
    (told,) = [each for each in first_page(material(reports=reports)).outcomes if "Response" in each]
    assert told.startswith(
        "PHQ-9 from its starting point, 18 on 1 May 2026 (the first in this period), to 4 on 29 May 2026: 14"
        " points or 78 % less. Response (a fall by half or more): yes. Remission (below 5): yes."
    )
    assert "10.1176/appi.ps.201900295" in told
    later = replace(material(reports=reports), starting_points={"phq9": reports[1]})
    assert "15 on 15 May 2026 (as chosen)" in str(first_page(later).outcomes)
    # "800 % more" than a good day says nothing that the points don't, and only falls have a definition.
    risen = first_page(material(reports=[report(0, "phq9", 1), report(14, "phq9", 9)])).outcomes
    assert "to 9 on 15 May 2026: 8 points more. Response" in str(risen)


def test_partial_answers_are_named_and_never_a_plain_total() -> None:
    partial = report(7, "phq9", None, [*[1] * 8, None])
    page = first_page(material(reports=[phq9(0, 0), partial]))
    assert page.tables[0].rows[0][1:3] == ("2", "8  (1 May 26)")
    assert any(each.startswith("Prorated totals of PHQ-9: one or two") for each in page.outcomes)
    (alone,) = first_page(material(reports=[partial])).tables
    assert alone.rows[0][2] == "9 prorated, 8 of 9 answers  (8 May 26)"


def test_a_mistyped_name_hides_no_safety_text() -> None:
    page = first_page(material(reports=[report(3, "PHQ-9", 27)]))
    assert page.safety == TEXTS["phq9_safety"]
    assert "mistyped name (PHQ-9)" in page.outcomes[-1]


def test_it_stands_in_the_tightest_room_too() -> None:
    page = first_page(fullest_person())
    narrow, room = fit(page, lambda content, room: False)
    assert (narrow.safety, narrow.safety_why, narrow.outcomes, narrow.limits, narrow.facts) == (
        page.safety, page.safety_why, page.outcomes, LIMITS, page.facts,
    )  # fmt: skip
    assert room.notes == 0
    assert narrow.notes.rest == f"and {len(page.notes.shown)} more"


@pytest.mark.parametrize("room", ROOMS)
def test_whatever_is_left_out_is_counted(room: object) -> None:
    page = first_page(fullest_person())
    narrow = put_into(page, room)  # type: ignore[arg-type]
    for before, after in ((page.notes, narrow.notes), (page.marks, narrow.marks)):
        assert len(after.shown) + after.more == len(before.shown)
    left = len(page.changes) - room.sentences  # type: ignore[attr-defined]
    assert narrow.changes[-1] == (
        f"And {left} more findings: see the long report." if left > 0 else page.changes[-1]
    )
    for before, after in zip(page.tables, narrow.tables, strict=True):
        assert len(after.rows) + after.more == len(before.rows)


def test_simulated_is_said_and_how_much_of_it() -> None:
    assert "Simulated person" in first_page(usual_person("simulated")).simulated
    assert first_page(usual_person()).simulated == ""
    person = usual_person()
    mixed = [replace(each, kind="simulated") for each in person.recordings[:3]]
    some = replace(person, recordings=[*mixed, *person.recordings[3:]])
    assert first_page(some).simulated.startswith(f"3 of {len(person.recordings)} recordings are simulated")


def test_notes_are_the_newest_first_and_those_of_self_reports_are_among_them() -> None:
    notes = [mark(3, "early", "note"), mark(9, "late", "note")]
    page = first_page(material(reports=[report(5, "mood", 4, note="between")], annotations=notes))
    assert [entry.text for entry in page.notes.shown] == ["late", "between", "early"]
    assert page.notes.shown[1].kind == "with Mood"


def test_marks_have_the_numbers_of_the_picture_up_to_twelve() -> None:
    marks = [mark(index, f"event {index}") for index in range(12)]
    assert [each.number for each in first_page(material(annotations=marks)).marks.shown][::-1] == [
        str(number) for number in range(1, 13)
    ]
    many = first_page(material(annotations=[*marks, mark(20, "one more")])).marks.shown
    assert {each.number for each in many} == {""}
    assert many[0].text == "one more"


def test_prompts_and_speaking_are_no_events() -> None:
    marks = [mark(1, "film", "prompt"), mark(2, "", "speaking")]
    page = first_page(material(annotations=marks))
    assert page.marks.shown == page.notes.shown == ()
    assert page.picture is None


def test_only_self_reports_make_a_report() -> None:
    page = first_page(
        material(reports=[report(1, "mood", 3), report(8, "mood", 7), report(8, "WHO-5", 12.5)])
    )
    assert page.picture is not None
    assert page.tables[0].rows[0][1:] == ("2", "3  (2 May 26)", "7  (9 May 26)", "3 to 7")
    assert page.tables[0].rows[1][:3] == ("WHO-5", "1", "12.5  (9 May 26)")
    assert "no recording" in page.remarks[0]


def test_the_footer_names_versions_and_models_by_short_hash() -> None:
    footer = first_page(usual_person()).footer
    assert "by Mien 0.2.0." in footer[0]
    assert "mien 3fa8b12c" in footer[0]
    assert "yunet 1b2c3d4e" in footer[0]
    assert footer[1] == TEXTS["report_footer"]


def test_models_of_every_shape_have_names() -> None:
    assert model_names(MODELS) == ["yunet 1b2c3d4e", "mien 3fa8b12c"]
    assert model_names({"detector": None, "network": {"name": "mien"}}) == ["mien"]
    assert model_names({}) == []


def test_it_calls_nothing_by_the_name_of_an_illness_or_a_feeling() -> None:
    for person in (usual_person(), material(), fullest_person()):
        said = everything(replace(person, found=[])).lower()
        assert "depress" not in said
        assert " feels sad" not in said


def test_the_long_report_has_every_day_every_note_and_where_it_comes_from() -> None:
    person = usual_person("simulated")
    chart = ControlChart(
        "EWMA of expressivity", list(person.days.index), [0.1] * len(person.days), 0.5, [], "words"
    )
    long = written(replace(person, measures=MEASURES, charts=[chart]), long=True)
    said = str(long.appendix)
    assert [section.title for section in long.appendix] == [
        "Findings, self-reports, marks and notes", "Measures over the days", "Charts with their limits",
        "Figures of each day", "Definitions", "Recordings, models and settings", "The questionnaires",
    ]  # fmt: skip
    for note in person.annotations:
        assert note.text in said
    assert "3fa8b12c" * 8 in said
    assert "better off dead" in said
    assert "No permission required" in said
    days_table = next(t for t in long.appendix[3].blocks if not isinstance(t, str))
    assert len(days_table.rows) == len(person.days)  # type: ignore[union-attr]


def test_the_long_report_of_nobody_has_the_definitions() -> None:
    long = written(replace(material(), measures=MEASURES), long=True)
    assert [section.title for section in long.appendix] == ["Definitions"]


def test_the_period_chosen_by_itself_is_the_last_twelve_weeks() -> None:
    today, seen = date(2027, 1, 1), [date(2025, 1, 1), date(2026, 5, 1), date(2026, 6, 3)]
    assert choose_period(None, None, [], today) == (today, today)
    first, last = choose_period(None, None, seen, today)
    assert (last, (last - first).days) == (date(2026, 6, 3), 83)
    assert choose_period(None, None, seen[1:], today) == (date(2026, 5, 1), date(2026, 6, 3))
    assert choose_period(START, date(2026, 5, 9), seen, today) == (START, date(2026, 5, 9))
    assert choose_period(date(2026, 12, 1), None, seen, today) == (date(2026, 12, 1), date(2026, 12, 1))


def test_a_period_that_ends_before_it_starts() -> None:
    with pytest.raises(ConfigError, match="2026-05-02 to 2026-05-01"):
        choose_period(date(2026, 5, 2), date(2026, 5, 1), [], date(2026, 5, 3))
