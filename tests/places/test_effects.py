"""Effects of marks, and comparisons of days: against all permutations, known truths, and too few days."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from itertools import combinations, product

import numpy as np
import pytest

from mien.places.effects import (
    LEAST_DAYS,
    MEASURES,
    MOST_DAYS,
    Effect,
    MarkEffects,
    compare_day,
    difference_by_permutation,
    mark_effects,
    measures_of,
    widening_of,
)
from mien.places.venue_figures import SMILES
from mien.store.venue_types import VenueMark, VisitCell
from places.made_cells import MONDAY, cell, day_cell

WEEKS = np.tile(np.arange(7), 8)


def mark(day: int, *, until: int | None = None, hour: int = 0, text: str = "new menu") -> VenueMark:
    def moment(each: int) -> object:
        return MONDAY + timedelta(days=each, hours=hour)

    return VenueMark("corner", moment(day), text, until=None if until is None else moment(until))  # type: ignore[arg-type]


def effect(found: MarkEffects, measure: str) -> Effect:
    return next(each for each in found.effects if each.measure == measure)


def days(values: np.ndarray) -> list[VisitCell]:
    return [day_cell(number, valence=float(value)) for number, value in enumerate(values)]


def test_the_interval_is_what_the_permutation_test_does_not_refuse() -> None:
    random = np.random.default_rng(5)
    strata = np.repeat([0, 1], 6)
    after = np.tile([False, False, False, True, True, True], 2)
    values = random.normal(0, 1, 12) + 3.0 * strata + 0.8 * after
    arrangements = [
        np.isin(np.arange(12), [*first, *(6 + each for each in second)])
        for first, second in product(combinations(range(6), 3), repeat=2)
    ]

    def statistic(of: np.ndarray, chosen: np.ndarray) -> float:
        return float(
            np.mean([of[chosen & (strata == s)].mean() - of[~chosen & (strata == s)].mean() for s in (0, 1)])
        )

    own = statistic(values, after)

    def refused(difference: float) -> bool:
        moved = values - difference * after
        there = statistic(moved, after)
        all_of_them = np.array([statistic(moved, each) for each in arrangements])
        above, below = (all_of_them >= there - 1e-12).mean(), (all_of_them <= there + 1e-12).mean()
        return bool(min(above, below) <= 0.05)

    before, found, p = difference_by_permutation(values, after, strata)
    assert found.value == pytest.approx(own)
    assert before == pytest.approx(values[~after].mean())
    exact = np.array([statistic(values, each) for each in arrangements])
    assert p == pytest.approx(2 * min((exact >= own - 1e-12).mean(), (exact <= own + 1e-12).mean()), abs=0.03)
    step = 0.06
    assert refused(found.low - step)
    assert not refused(found.low + step)
    assert not refused(found.high - step)
    assert refused(found.high + step)


@pytest.mark.exhaustive
def test_nine_of_ten_intervals_hold_the_true_difference() -> None:
    random, held, rounds = np.random.default_rng(11), 0, 200
    weekday = WEEKS[:28]
    after = np.arange(28) >= 14
    for number in range(rounds):
        values = random.normal(0, 1, 28) + 2.0 * (weekday >= 5) + 0.7 * after
        _, found, _ = difference_by_permutation(values, after, weekday, seed=number)
        held += found.low <= 0.7 <= found.high
    assert 0.85 <= held / rounds <= 0.95


@pytest.mark.exhaustive
def test_days_that_hang_together_widen_the_interval() -> None:
    random, rounds = np.random.default_rng(2), 100
    weekday, after = np.arange(36) % 6, np.arange(36) >= 18
    held, plain, alone = 0, 0, []
    for number in range(rounds):
        noise = random.standard_normal(36)
        alone.append(widening_of(noise, after, weekday))
        for day in range(1, 36):
            noise[day] = 0.5 * noise[day - 1] + np.sqrt(0.75) * noise[day]
        wide = widening_of(noise, after, weekday)
        assert wide >= 1
        for widening, count in ((1.0, False), (wide, True)):
            _, found, _ = difference_by_permutation(noise, after, weekday, widening=widening, seed=number)
            within = found.low <= 0 <= found.high
            held, plain = held + (within and count), plain + (within and not count)
    assert plain / rounds < 0.8
    assert held / rounds >= 0.82
    assert np.median(alone) < 1.15
    assert widening_of(np.zeros(36), after, weekday) == 1


def test_weekdays_are_compared_with_themselves() -> None:
    # Weekends are far more pleasant, and there are more of them after the mark.
    values = 0.1 + 0.3 * (WEEKS[:42] >= 5) + 0.05 * (np.arange(42) >= 21)
    kept = [
        each
        for each in days(values)
        if not (each.start < MONDAY + timedelta(21) and each.start.weekday() == 6)
    ]
    found = mark_effects(mark(21), [mark(21)], kept, zone=UTC)
    assert found.missing == ""
    shown = effect(found, "valence")
    assert shown.difference.value == pytest.approx(0.05)
    assert shown.after - shown.before == pytest.approx(0.05)
    assert found.days_before == found.days_after == 18  # Sundays have no equal before


def test_too_few_days_are_refused_and_told() -> None:
    found = mark_effects(mark(5), [mark(5)], days(np.zeros(40)), zone=UTC)
    assert found.effects == ()
    assert f"needs {LEAST_DAYS} days before and after it" in found.missing
    assert "5 days before" in found.missing
    assert found.as_dict()["missing"] == found.missing


def test_other_marks_and_the_own_day_are_left_out() -> None:
    marks = [mark(14, text="music off"), mark(28, hour=15, until=42), mark(49, text="holidays")]
    cells = [*days(np.zeros(56)), day_cell(28, hour=18)]
    found = mark_effects(marks[1], marks, cells, zone=UTC)
    # The day of the mark itself is half before and half after it, so it is neither.
    assert (found.days_before, found.days_after) == (14, 14)
    assert mark_effects(marks[0], marks, cells, zone=UTC).days_after == 14
    far = mark_effects(mark(60), [mark(60)], days(np.zeros(120)), zone=UTC)
    assert (far.days_before, far.days_after) == (MOST_DAYS, MOST_DAYS)


def test_measures_are_means_over_visits_and_visits_an_hour_with_a_view() -> None:
    cells = [
        day_cell(0, visits=100, open_s=3600.0, blind_s=1800.0, smiles=50),
        day_cell(0, hour=13, visits=20, smiles=1),
    ]
    found = measures_of(cells, SMILES)
    assert set(found) == set(MEASURES)
    assert found["visits_per_h"] == pytest.approx(120 / 1.5)
    assert found["smiling"] == pytest.approx((51 / 120 - SMILES.false) / (SMILES.found - SMILES.false))
    assert np.isnan(measures_of([cell(open_s=60.0, blind_s=60.0)])["visits_per_h"])


def unlike(last: float, *, seed: int) -> bool:
    random = np.random.default_rng(seed)
    cells = [
        day_cell(day, hour=hour, valence=float(0.2 * (hour == 18) + 0.1 * (day % 7 >= 5) + shift))
        for day, shift in enumerate([*random.normal(0, 0.05, 41), last])
        for hour in (12, 18)
    ]
    found = compare_day(date(2026, 6, 14), cells, zone=UTC)
    (valence,) = (each for each in found if each.measure == "valence")
    assert valence.days == 5
    return valence.unusual


def test_a_day_is_unusual_where_few_usual_days_are_so_far_off() -> None:
    assert unlike(0.3, seed=0)
    assert unlike(-0.3, seed=0)
    random = np.random.default_rng(1)
    false = [unlike(float(random.normal(0, 0.05)), seed=seed) for seed in range(60)]
    assert np.mean(false) <= 0.2


def test_a_day_is_compared_only_where_enough_such_days_are_known() -> None:
    assert compare_day(date(2026, 5, 25), days(np.zeros(21)), zone=UTC) == ()  # nothing on the day
    assert compare_day(date(2026, 5, 17), days(np.zeros(14)), zone=UTC) == ()  # one Sunday before
    assert len(compare_day(date(2026, 5, 31), days(np.zeros(28)), zone=UTC)) == len(MEASURES)
