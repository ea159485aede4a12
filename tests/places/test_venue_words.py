"""A venue's figures in words."""

from __future__ import annotations

from mien.places.effects import MEASURES, Comparison, Effect, MarkEffects
from mien.places.quantification import Interval
from mien.places.venue_words import (
    TITLES,
    agreement_words,
    comparison_words,
    effect_words,
    mark_words,
    shown,
    with_interval,
)
from mien.store.venue_types import VenueMark
from places.made_cells import MONDAY

MENU = VenueMark("corner", MONDAY, "new menu")
MORE = Effect("smiling", 0.33, 0.43, Interval(0.1, 0.08, 0.13), 0.001)
SAME = Effect("length_s", 55.0, 54.0, Interval(-1.0, -3.0, 1.0), 0.4)


def test_each_measure_has_a_title() -> None:
    assert set(TITLES) == set(MEASURES)


def test_figures_have_their_units_and_true_minus_signs() -> None:
    assert shown("smiling", 0.36) == "36 %"
    assert shown("valence", -0.141) == "\N{MINUS SIGN}0.14"
    assert shown("length_s", 46.2) == "46 s"
    assert shown("visits_per_h", 44.4, difference=True) == "+44"
    assert with_interval("smiling", Interval(0.36, 0.28, 0.44)) == "36 % (28 to 44 %)"
    assert with_interval("smiling", MORE.difference, difference=True) == "+10 points (+8 to +13 points)"


def test_an_effect_says_whether_chance_may_explain_it() -> None:
    assert effect_words(MORE) == (
        "visits with a smile 33 % before, 43 % after, +10 points (+8 to +13 points);"
        " more than chance explains"
    )
    assert effect_words(SAME).endswith("; chance alone may explain it")


def test_a_mark_says_what_is_sure_or_missing() -> None:
    both = mark_words(MarkEffects(MENU, 18, 12, (MORE, SAME)))
    assert both == (
        "\u201cnew menu\u201d: more than chance explains (18 days before, 12 after):"
        " visits with a smile 33 % before, 43 % after, +10 points (+8 to +13 points)"
    )
    assert mark_words(MarkEffects(MENU, 18, 12, (SAME,))) == (
        "\u201cnew menu\u201d: nothing beyond chance (18 days before, 12 after)"
    )
    assert mark_words(MarkEffects(MENU, 3, 4, (), "needs 10 days")) == "\u201cnew menu\u201d: needs 10 days"


def test_a_comparison_says_what_is_usual() -> None:
    usual = Interval(0.4, 0.29, 0.53)
    assert comparison_words(Comparison("smiling", 0.43, usual, 7)) == (
        "visits with a smile: 43 %, usually 29 % to 53 % at these hours"
    )
    assert comparison_words(Comparison("smiling", 0.2, usual, 7)).endswith(": unlike usual")


def test_agreement_is_told_with_its_interval_or_what_is_missing() -> None:
    assert agreement_words(None, 6, 10) == "answers and valence can't be compared yet: 6 of 10 days with both"
    assert agreement_words(Interval(0.78, 0.63, 0.87), 48, 10) == (
        "days with better answers had a higher valence: rank correlation +0.78 (+0.63 to +0.87) over 48 days"
    )
    assert "lower valence" in agreement_words(Interval(-0.5, -0.7, -0.2), 20, 10)
    assert "not seen to go together" in agreement_words(Interval(0.1, -0.2, 0.4), 20, 10)


def test_nothing_has_no_minus() -> None:
    assert shown("smiling", -0.001, difference=True) == "+0 points"
    assert shown("valence", -0.001) == "+0.00"
