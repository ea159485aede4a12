from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.report import formatting


@given(st.text())
def test_clean_text_has_nothing_that_breaks_a_paragraph(text: str) -> None:
    cleaned = formatting.clean(text)
    assert not any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in cleaned)
    assert "\u202e" not in cleaned
    assert cleaned == cleaned.strip()
    assert formatting.clean(cleaned) == cleaned


@pytest.mark.parametrize(
    "text", ["Sertralin 50 mg", "Пациентка", "المريضة", "患者", "क्ष", "👩\u200d⚕️ ok", "می\u200cخواهم"]
)
def test_letters_of_all_scripts_stay(text: str) -> None:
    assert formatting.clean(text) == text


def test_what_would_overflow_or_turn_the_page_goes() -> None:
    assert formatting.clean("a\u202eb\x00c\nd\u2028e") == "ab c d e"
    assert formatting.clean("a" + "\u0301" * 50) == "a" + "\u0301" * 4
    assert formatting.clean("\ud800\ufffe") == "\ufffd\ufffd"


@given(st.text(min_size=1), st.integers(2, 60))
def test_shortened_is_never_longer(text: str, most: int) -> None:
    cut = formatting.shortened(text, most)
    assert len(cut) <= most
    assert cut == text if len(text) <= most else cut.endswith("…")


def test_a_cut_is_at_a_space_where_one_is_near() -> None:
    assert formatting.shortened("one two three four", 10) == "one two…"
    assert formatting.shortened("a" * 30, 10) == "a" * 9 + "…"


@given(st.text().map(formatting.clean))
def test_breaking_changes_no_letter(text: str) -> None:
    assert formatting.breakable(text).replace("\u200b", "") == text.replace("\u200b", "")


def test_long_runs_can_be_broken_and_marks_stay_with_their_letter() -> None:
    assert max(map(len, formatting.breakable("w" * 1000).split("\u200b"))) <= 24
    assert formatting.breakable("a short word") == "a short word"
    broken = formatting.breakable("e\u0301" * 100)
    assert not any(each.startswith("\u0301") for each in broken.split("\u200b"))


def test_dates_and_numbers() -> None:
    assert formatting.period(date(2026, 5, 1), date(2026, 7, 24)) == "1 May to 24 July 2026"
    assert formatting.period(date(2025, 12, 1), date(2026, 1, 2)) == "1 December 2025 to 2 January 2026"
    assert formatting.period(date(2026, 5, 1), date(2026, 5, 1)) == "1 May 2026"
    assert formatting.moment(datetime(2026, 5, 1, 9, 5, tzinfo=UTC)) == "1 May 2026, 09:05"
    assert formatting.number(-0.123) == "−0.12"
    assert (
        formatting.number(None)
        == formatting.number(float("nan"))
        == formatting.significant(float("nan"))
        == "–"
    )
    assert [formatting.significant(each) for each in (0, 123.4, 0.01234, -1.5)] == [
        "0.00",
        "123",
        "0.0123",
        "−1.50",
    ]
    assert [formatting.duration(each) for each in (1, 45, 179, 600)] == [
        "1 minute",
        "45 minutes",
        "179 minutes",
        "10 hours",
    ]
    assert formatting.listed(["a"]) == "a"
    assert formatting.listed(["a", "b", "c"]) == "a, b and c"
    assert formatting.sentence("less expressive") == "Less expressive."
    assert formatting.sentence("Really?") == "Really?"
    assert formatting.sentence("-2.0 SD, from -3 to 8-9") == "−2.0 SD, from −3 to 8-9."
    assert formatting.sentence("") == ""
