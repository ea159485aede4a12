"""A simulated restaurant: its figures find the truth that it was made with."""

from __future__ import annotations

import json
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mien.expression.network import find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.places.quantification import Quantifier
from mien.places.simulated_venue import (
    COVERED_DAY,
    MENU_SMILES,
    QUIET_LENGTH,
    SimulatedVenue,
    simulate_venue,
)
from mien.places.venue_figures import by_day, visit_figures
from mien.places.venue_summary import VenueSummary, summarize
from mien.store.venue_types import LEAST_VISITS

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def quantifier() -> Quantifier:
    return Quantifier(read_sidecar(sidecar_path(find_network("mien"))))


@pytest.fixture(scope="module")
def made(quantifier: Quantifier) -> SimulatedVenue:
    return simulate_venue("corner", quantifier, start=date(2026, 5, 4), zone=BERLIN)


@pytest.fixture(scope="module")
def summary(made: SimulatedVenue, quantifier: Quantifier) -> VenueSummary:
    return summarize(
        "corner",
        made.cells,
        first=made.first,
        last=made.last,
        quantifiers={quantifier.network: quantifier},
        answers=made.answers,
        marks=made.marks,
        zone=BERLIN,
    )


def test_it_is_made_of_whole_cells_in_its_hours(made: SimulatedVenue) -> None:
    assert made.station.simulated
    assert all(each.visits >= LEAST_VISITS for each in made.cells)
    assert all(sum(each.counts) >= LEAST_VISITS for each in made.answers)
    assert len(by_day(made.cells, BERLIN)) == 48  # closed on Mondays
    assert {each.start.astimezone(BERLIN).weekday() for each in made.cells} == {1, 2, 3, 4, 5, 6}


def test_the_same_seed_makes_the_same_venue(quantifier: Quantifier) -> None:
    one, same, other = (
        simulate_venue("corner", quantifier, start=date(2026, 5, 4), weeks=1, seed=seed, zone=BERLIN)
        for seed in (1, 1, 2)
    )
    assert one.cells == same.cells
    assert one.cells != other.cells
    assert one.marks == ()


def test_most_daily_intervals_hold_the_truth(made: SimulatedVenue, quantifier: Quantifier) -> None:
    held, of = 0, 0
    for day, cells in by_day(made.cells, BERLIN).items():
        figures = visit_figures(cells, quantifiers={quantifier.network: quantifier})
        assert figures is not None
        shares = made.shares[day]
        held += sum(
            figures.shares[label].low <= true <= figures.shares[label].high for label, true in shares.items()
        )
        held += figures.smiling.low <= made.smiling[day] <= figures.smiling.high
        of += len(shares) + 1
    assert held / of > 0.85


def test_the_marks_have_the_effects_that_were_put_in(summary: VenueSummary) -> None:
    menu, quiet = summary.marks
    assert (menu.mark.text, quiet.mark.text) == ("new menu", "music off")
    smiling = next(each for each in menu.effects if each.measure == "smiling")
    assert smiling.sure
    assert smiling.difference.low <= MENU_SMILES <= smiling.difference.high
    length = next(each for each in quiet.effects if each.measure == "length_s")
    assert length.sure
    assert length.after / length.before == pytest.approx(QUIET_LENGTH, abs=0.04)
    calm = next(each for each in quiet.effects if each.measure == "smiling")
    assert not calm.sure


def test_coverage_answers_and_agreement_are_told(summary: VenueSummary) -> None:
    covered = summary.days[COVERED_DAY].figures
    assert covered is not None
    assert covered.seen is not None
    assert covered.seen < 0.7
    assert summary.days_counted == 48
    assert summary.days[0].figures is None
    assert summary.answers is not None
    assert summary.answers.answers > 1500
    assert summary.agreement is not None
    assert summary.agreement.low > 0.2
    assert {each.weekday for each in summary.week} == {1, 2, 3, 4, 5, 6}


def test_a_summary_is_json_of_whole_hours(summary: VenueSummary) -> None:
    told = json.loads(json.dumps(summary.as_dict(), allow_nan=False))
    assert told["first"] == "2026-05-04"
    assert len(told["days"]) == 56
    assert sum(each["figures"]["visits"] for each in told["hours"]) == told["days"][-1]["figures"]["visits"]
    assert np.sum([each["figures"]["visits"] for each in told["week"]]) == told["whole"]["visits"]
    assert told["whole"]["shares"].keys() == {
        "anger",
        "disgust",
        "fear",
        "happiness",
        "sadness",
        "surprise",
        "neutral",
    }


def test_one_station_and_a_part_of_the_days_can_be_asked_for(made: SimulatedVenue) -> None:
    week = summarize(
        "corner", made.cells, first=date(2026, 6, 22), last=date(2026, 6, 28), marks=made.marks, zone=BERLIN
    )
    assert week.days_counted == 6
    assert week.marks == ()
    assert week.usual  # by the weeks before
    none = summarize("corner", made.cells, first=week.first, last=week.last, station="door", zone=BERLIN)
    assert none.whole is None
    assert none.as_dict()["whole"] is None
