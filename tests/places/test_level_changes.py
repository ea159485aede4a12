"""Levels of a venue over weeks: what moved is told with its first day, what didn't is not."""

from __future__ import annotations

from datetime import UTC, date, timedelta

import numpy as np
import pytest

from mien.mood.baseline import LEAST_DAYS_FOR_ALARM
from mien.places.level_changes import BASELINE_DAYS, WATCHED_DAYS, Levels, level_changes
from mien.places.venue_words import level_words
from mien.store.venue_types import VisitCell
from places.made_cells import MONDAY, day_cell

MOVED = 70
"""The day on which the made level moves."""


def made(
    *,
    valence: float = 0.0,
    longer_s: float = 0.0,
    days: int = WATCHED_DAYS,
    weekend: float = 0.0,
    seed: int = 3,
) -> list[VisitCell]:
    random = np.random.default_rng(seed)
    cells = []
    for day in range(days):
        bright = weekend if day % 7 >= 5 else 0.0
        late = day >= MOVED
        shown = 0.1 + bright + 0.03 * random.standard_normal() + valence * late
        length = 46 + 4 * random.standard_normal() + longer_s * late
        smiles = round(100 * (0.4 + 0.04 * random.standard_normal()))
        cells.append(day_cell(day, valence=shown, length_s=100 * length, smiles=smiles))
    return cells


def last_of(cells: list[VisitCell]) -> date:
    return cells[-1].start.date()


def watched(cells: list[VisitCell]) -> Levels:
    return level_changes(last_of(cells), cells, zone=UTC)


def test_a_level_that_moved_is_told_with_its_first_day_and_size() -> None:
    (found,) = watched(made(valence=-0.1, weekend=0.3)).changes
    assert found.measure == "valence"
    assert found.since[1] <= (MONDAY + timedelta(MOVED)).date() <= found.since[2]
    assert found.until is None
    assert found.difference.low <= -0.1 <= found.difference.high
    assert found.difference.high < 0
    assert found.usual == pytest.approx(0.1 + 0.3 * 2 / 7, abs=0.03)


def test_lengths_are_watched_too_and_by_themselves() -> None:
    (found,) = watched(made(longer_s=15)).changes
    assert found.measure == "length_s"
    assert found.difference.value == pytest.approx(15, abs=3)


def test_nothing_is_told_of_days_that_only_scatter_whatever_their_weekday() -> None:
    told = [bool(watched(made(weekend=0.3, seed=seed)).changes) for seed in range(6)]
    assert sum(told) <= 3  # 56 days are watched, at one false alarm in 365


def test_a_change_that_is_over_ends() -> None:
    cells = made(days=WATCHED_DAYS)
    for place in range(60, 75):
        cells[place] = day_cell(place, valence=0.4, length_s=4600, smiles=40)
    found = [each for each in watched(cells).changes if each.measure == "valence"]
    assert found[0].until is not None
    assert abs((found[0].until - (MONDAY + timedelta(74)).date()).days) <= 3


@pytest.mark.parametrize("days", [1, 20, LEAST_DAYS_FOR_ALARM - 1])
def test_too_few_days_tell_nothing_and_say_how_many_are_missing(days: int) -> None:
    found = watched(made(days=days))
    assert found.changes == ()
    assert f"of {LEAST_DAYS_FOR_ALARM} days" in found.missing
    assert level_words(found) == (found.missing,)


def test_no_cells_tell_nothing() -> None:
    assert level_changes(MONDAY.date(), [], zone=UTC).missing.endswith(
        f"0 of {LEAST_DAYS_FOR_ALARM} days that can be compared with the same weekday"
    )


def test_only_the_weeks_up_to_the_last_day_count() -> None:
    cells = made(valence=-0.1)
    before = [each for each in cells if each.start.date() <= (MONDAY + timedelta(MOVED - 1)).date()]
    day = last_of(before)
    assert level_changes(day, cells, zone=UTC) == level_changes(day, before, zone=UTC)


def test_the_words_say_since_when_how_much_and_that_nothing_is_not_everything() -> None:
    (told,) = level_words(watched(made(valence=-0.1)))
    assert told.startswith("valence: \N{MINUS SIGN}0.1")
    assert "against the usual +0.1" in told
    assert "since " in told
    quiet = next(each for seed in range(9) if not (each := watched(made(seed=seed))).changes)
    assert level_words(quiet)[0] == "no change of the level over the weeks could be told from chance"


def test_a_baseline_in_which_the_level_moved_itself_is_doubted() -> None:
    random, cells = np.random.default_rng(1), []
    for day in range(WATCHED_DAYS):
        shown = 0.15 * (day >= 21) + 0.03 * random.standard_normal()
        cells.append(day_cell(day, valence=shown, length_s=4600 + day % 5, smiles=40 + day % 3))
    found = watched(cells)
    assert found.doubts
    assert "more frequent than one a year" in level_words(found)[-1]


def test_the_baseline_is_six_weeks() -> None:
    assert BASELINE_DAYS % 7 == 0  # each weekday as often
