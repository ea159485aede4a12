from __future__ import annotations

from pathlib import Path

from mien.labels import EMOTIONS
from mien.mood.definitions import MEASURES
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
