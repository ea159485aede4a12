from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from mien.record.scales import (
    LANGUAGES,
    PHQ9,
    QUESTIONNAIRES,
    course,
    in_language,
    needs_safety_text,
    ninth_answer,
    ninth_is_unknown,
    prorated,
    recall_days,
    safety_reports,
    title_of,
    told_total,
)
from mien.store import scales as stored
from report.people import phq9, report


def test_the_words_fit_what_the_store_checks() -> None:
    assert set(QUESTIONNAIRES) == set(stored.SCALES)
    for name, scale in QUESTIONNAIRES.items():
        assert len(scale.items) == stored.SCALES[name].items
        assert scale.highest == stored.SCALES[name].highest_total
        if scale.items:
            assert len(scale.answers) - 1 == stored.SCALES[name].highest


def test_the_ninth_question_is_the_one_about_death() -> None:
    assert "better off dead" in PHQ9.items[8]
    assert QUESTIONNAIRES["gad7"].answer(3) == "Nearly every day"
    assert "No permission required" in PHQ9.source
    assert title_of("gad7") == "GAD-7"
    assert title_of("WHO-5") == "WHO-5"


@pytest.mark.parametrize("ninth", [1, 2, 3])
def test_any_answer_above_0_needs_the_safety_text(ninth: int) -> None:
    assert needs_safety_text(phq9(0, ninth, others=0))


def test_no_other_answer_does() -> None:
    assert not needs_safety_text(phq9(0, 0, others=3))
    assert not needs_safety_text(report(0, "gad7", 21, [3] * 7))
    assert not needs_safety_text(report(0, "mood", 0))


def test_a_total_alone_tells_it_only_where_the_others_cannot_add_up_to_it() -> None:
    totals = [total for total in range(28) if needs_safety_text(report(0, "phq9", total))]
    possible_without = {
        sum([*others, 0]) for others in ([3] * count + [0] * (8 - count) for count in range(9))
    }
    assert totals == [25, 26, 27]
    assert max(possible_without) == 24


def test_safety_reports_keep_their_order() -> None:
    reports = [phq9(0, 1), phq9(1, 0), phq9(2, 3)]
    assert safety_reports(reports) == [reports[0], reports[2]]


# Languages.


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", QUESTIONNAIRES)
def test_every_scale_is_whole_in_every_language(name: str, language: str) -> None:
    words, english = in_language(name, language), QUESTIONNAIRES[name]
    assert (len(words.items), len(words.answers)) == (len(english.items), len(english.answers))
    assert len(words.difficulty_answers) == len(english.difficulty_answers)
    assert bool(words.difficulty) == (stored.SCALES[name].highest_difficulty is not None)
    assert all([words.title, words.question, words.source, *words.items, *words.answers])
    assert len(set(words.items)) == len(words.items)
    if words.items:
        assert "Pfizer" in words.source
        assert language == "en" or not set(words.items) & set(english.items)


def test_the_ninth_question_is_in_its_place_in_every_language() -> None:
    dead = {"en": "better off dead", "de": "lieber tot", "es": "mejor muerto"}
    assert {each: dead[each] in in_language("PHQ-9", each).items[8] for each in LANGUAGES} == dict.fromkeys(
        dead, True
    )


def test_a_language_that_is_not_there_is_no_english_instead() -> None:
    with pytest.raises(KeyError):
        in_language("phq9", "fr")
    with pytest.raises(KeyError):
        in_language("madrs")


def test_each_scale_says_what_time_it_asks_about() -> None:
    assert {name: scale.recall_days for name, scale in QUESTIONNAIRES.items()} == {
        "mood": 0,
        "phq9": 14,
        "gad7": 14,
    }
    assert (recall_days("PHQ-9"), recall_days("WHO-5")) == (14, None)


# The ninth answer.


@pytest.mark.parametrize("name", ["PHQ-9", "phq_9", "Phq9"])
def test_a_phq9_under_a_mistyped_name_is_one(name: str) -> None:
    assert needs_safety_text(report(0, name, 27))
    assert ninth_is_unknown(report(0, name, 24))
    assert not ninth_is_unknown(report(0, "GAD-7", 21))


def test_a_name_like_a_phq9s_is_taken_for_one_until_it_has_a_range_of_its_own() -> None:
    assert needs_safety_text(report(0, "pqh9", 27))
    assert needs_safety_text(report(0, "PHQ-9-week4", 26))
    assert needs_safety_text(replace(report(0, "phq-9-de", 27), lowest=0.0, highest=27.0))
    assert not needs_safety_text(report(0, "phq8", 24))
    assert not needs_safety_text(replace(report(0, "pqh9", 27), lowest=0.0, highest=60.0))
    assert not needs_safety_text(report(0, "WHO-5", 100))


def test_of_partial_answers_the_ninth_alone_decides() -> None:
    for others in itertools.product((0, 3, None), repeat=2):
        items = [*others, *[0] * 6]
        assert needs_safety_text(report(0, "phq9", None, [*items, 1]))
        assert not needs_safety_text(report(0, "phq9", None, [*items, 0]))
        unknown = report(0, "phq9", None, [*items, None])
        assert ninth_is_unknown(unknown)
        assert not needs_safety_text(unknown)


def test_a_total_tells_the_ninth_answer_at_its_ends_only() -> None:
    # every way to answer nine questions, by its total: which ninth answers there are
    possible: dict[int, set[int]] = {total: set() for total in range(28)}
    for others, ninth in itertools.product(range(25), range(4)):
        possible[others + ninth].add(ninth)
    for total, ninths in possible.items():
        told = report(0, "phq9", total)
        assert ninth_answer(told) == (min(ninths) if len(ninths) == 1 else None)
        assert needs_safety_text(told) is (0 not in ninths)
        assert ninth_is_unknown(told) is (0 in ninths and len(ninths) > 1)


# Totals with answers missing.


def test_one_or_two_missing_answers_of_a_phq9_are_the_mean_of_the_others() -> None:
    # NHS Data Dictionary, PHQ-9: "substituted with the average score of the non-missing items"
    given = [3, 1, 2, 0, 1, 3, 2, 0]
    assert prorated(report(0, "phq9", None, [*given, None])) == pytest.approx(12 + 12 / 8)
    assert prorated(report(0, "phq9", None, [*given[:7], None, None])) == pytest.approx(12 + 2 * 12 / 7)
    assert prorated(report(0, "phq9", None, [*given[:6], None, None, None])) is None
    assert prorated(phq9(0)) is None
    assert prorated(report(0, "phq9", 12)) is None
    assert prorated(report(0, "gad7", None, [1, 1, 1, 1, 1, 1, None])) is None


def test_a_prorated_total_is_called_so() -> None:
    assert told_total(report(0, "phq9", None, [*[1] * 8, None])) == "9 prorated, 8 of 9 answers"
    assert told_total(report(0, "gad7", None, [1, None, 1, 1, 1, 1, 1])) == "no total, 6 of 7 answers"
    assert told_total(report(0, "phq9", 12)) == "12"


# Response and remission.


@pytest.mark.parametrize(
    ("start", "last", "response", "remission"),
    [
        (18, 9, True, False),
        (18, 10, False, False),
        (18, 4, True, True),
        (10, 5, True, False),
        (18, 20, False, False),
    ],
)
def test_response_is_a_fall_by_half_and_remission_a_total_below_5(
    start: int, last: int, response: bool, remission: bool
) -> None:
    found = course([report(0, "phq9", start), report(7, "phq9", 27), report(14, "phq9", last)])
    assert found is not None
    assert (found.response, found.remission, found.as_published) == (response, remission, True)
    assert found.share == pytest.approx((start - last) / start)


def test_it_is_counted_from_whole_totals_and_the_chosen_start() -> None:
    partial = report(0, "phq9", None, [*[3] * 8, None])
    reports = [partial, report(7, "phq9", 8), report(14, "phq9", 16), report(21, "phq9", 8)]
    first = course(reports)
    assert first is not None
    assert (first.start.total, first.response, first.as_published) == (8, False, False)
    chosen = course(reports, reports[2])
    assert chosen is not None
    assert (chosen.start.total, chosen.response) == (16, True)
    zero = course([report(0, "phq9", 0), report(7, "phq9", 3)])
    assert zero is not None
    assert (zero.share, zero.response) == (None, None)
    assert course(reports[:2]) is None
    assert course([report(0, "gad7", 20), report(7, "gad7", 3)]) is None
