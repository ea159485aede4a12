from __future__ import annotations

import numpy as np
import pytest

from mien.mood.bootstrap import blocks_for, draws, interval
from mood.readings import ar1


@pytest.mark.parametrize("rho", [0.5, 0.8])
def test_the_length_is_near_the_best_for_an_ar1(rho: float) -> None:
    """Politis and White's b in closed form: with R(k) = rho^|k|, G / S = 2 rho / (1 - rho^2)."""
    count = 1800
    best = (1.5 * (2 * rho / (1 - rho**2)) ** 2 * count) ** (1 / 3)
    found = np.median([blocks_for([ar1(count, rho, seed)]).length for seed in range(40)])
    assert best * 0.7 < found < best * 1.3


def test_without_dependence_values_are_drawn_almost_one_by_one() -> None:
    lengths = [blocks_for([ar1(1000, 0.0, seed)]).length for seed in range(20)]
    assert np.median(lengths) <= 3


def test_nothing_is_computed_from_one_stretch_to_the_next() -> None:
    """Two stretches on levels of their own would look dependent only by their levels; their order is none."""
    first, second = ar1(400, 0.5, 1), ar1(400, 0.5, 2)
    assert blocks_for([first, second]) == blocks_for([second, first])


@pytest.mark.parametrize("values", [np.empty(0), np.ones(5), np.ones(500), np.full(50, np.nan)])
def test_what_does_not_move_or_is_not_there_needs_no_blocks(values: np.ndarray) -> None:
    assert blocks_for([values]).length == 1


def test_dependence_takes_the_tails_further_out() -> None:
    independent, dependent = (blocks_for([ar1(600, rho, 3)]) for rho in (0.0, 0.9))
    assert dependent.length > independent.length
    assert dependent.tail < independent.tail <= 0.05


def test_draws_are_runs_of_neighbours_in_a_circle() -> None:
    drawn = np.concatenate(list(draws(10, 4, np.random.default_rng(0), replicates=200)))
    assert drawn.shape == (200, 10)
    assert (drawn.sum(axis=1) == 12).all()
    starts = drawn - np.roll(drawn, 1, axis=1)
    assert (np.abs(starts).sum(axis=1) <= 6).all(), "at most three blocks begin and end"
    assert drawn.mean(axis=0) == pytest.approx(np.full(10, 1.2), abs=0.25)


def test_large_draws_come_in_chunks() -> None:
    chunks = list(draws(300_000, 100, np.random.default_rng(0), replicates=7))
    assert [len(chunk) for chunk in chunks] == [3, 3, 1]


def test_an_interval_holds_its_value_and_passes_over_what_is_missing() -> None:
    replicates = np.array([1.0, np.nan, 2.0, 3.0, np.inf])
    assert interval(2.0, replicates, 0.0) == (1, 3)
    assert interval(5.0, replicates, 0.0) == (1, 5)
    assert interval(5.0, np.full(3, np.nan), 0.05) == (5, 5)


def test_nine_of_ten_intervals_hold_the_mean() -> None:
    """The whole table: benchmarks/mood_intervals.py."""
    runs, count, rho = 150, 1200, 0.8
    held = 0
    for seed in range(runs):
        values = ar1(count, rho, seed)
        blocks = blocks_for([values])
        rng = np.random.default_rng(seed)
        means = np.concatenate([d @ values / d.sum(axis=1) for d in draws(count, blocks.length, rng, 400)])
        low, high = interval(float(values.mean()), means, blocks.tail)
        held += low <= 0 <= high
    assert 0.82 <= held / runs <= 0.96
