from __future__ import annotations

import pytest

from mien.record.scales import GAD7, PHQ9, SCALES, needs_safety_text, safety_reports, title_of
from mien.store import scales as stored
from record.report_people import phq9, report


def test_the_words_fit_what_the_store_checks() -> None:
    assert set(SCALES) == set(stored.SCALES)
    for name, scale in SCALES.items():
        assert len(scale.items) == stored.SCALES[name].items
        assert scale.highest == stored.SCALES[name].highest_total
        if scale.items:
            assert len(scale.answers) - 1 == stored.SCALES[name].highest


def test_the_ninth_question_is_the_one_about_death() -> None:
    assert "better off dead" in PHQ9.items[8]
    assert GAD7.answer(3) == "Nearly every day"
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
