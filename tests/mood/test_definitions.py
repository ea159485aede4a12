from __future__ import annotations

from pathlib import Path

from mien.labels import EMOTIONS
from mien.mood.definitions import GROUPS, MEASURES, unit_words
from mien.mood.estimate import Measure
from mien.mood.formulas import FORMULAS, NEEDS

DOCS = Path(__file__).parents[2] / "docs" / "mood.md"


def line(measure: Measure) -> str:
    by_itself, interval = ("yes" if each else "no" for each in (measure.independent, measure.interval))
    cells = [f"`{measure.name}`", measure.unit, measure.definition, measure.least, measure.source]
    return "| " + " | ".join([*cells, by_itself, interval]) + " |"


def test_the_table_in_the_docs_is_this_one() -> None:
    told = [each for each in DOCS.read_text().splitlines() if each.startswith("| `")]
    assert told == [line(measure) for measure in MEASURES.values()]


def test_every_formula_has_a_definition_and_least_data() -> None:
    assert set(FORMULAS) == set(NEEDS)
    assert set(FORMULAS) < set(MEASURES)


def test_what_follows_from_others_is_marked() -> None:
    """Three of spread, inertia and instability would count one thing three times."""
    dependent = {name for name, measure in MEASURES.items() if not measure.independent}
    assert dependent == {"instability", "flatness", "entropy", "share_uncertain", "happiness_mean"}
    assert {f"share_{label}" for label in EMOTIONS} <= set(MEASURES)


def test_every_measure_stands_in_one_group_with_a_line_of_meaning() -> None:
    named = [name for group in GROUPS for name in group.meanings]
    assert sorted(named) == sorted(MEASURES)
    for group in GROUPS:
        assert all(words.endswith(".") and len(words) > 15 for words in group.meanings.values())


def test_every_unit_is_told_in_words() -> None:
    for measure in MEASURES.values():
        words = unit_words(measure)
        assert words.endswith("."), measure.name
        assert " " in words, measure.name
        assert words.rstrip(".") != measure.unit, measure.name
    assert unit_words(MEASURES["coverage"]) == "A share of the time, from 0 to 1."
    assert unit_words(MEASURES["instability"]) == "0 is a steady face."
