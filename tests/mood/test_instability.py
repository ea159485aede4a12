from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.mood.instability import Pairs, pairs
from mood.readings import ar1

values_or_gaps = st.lists(st.one_of(st.floats(-1, 1), st.just(float("nan"))), min_size=2, max_size=60)


@given(values_or_gaps)
def test_mssd_is_twice_the_variance_times_one_less_the_autocorrelation(values: list[float]) -> None:
    sums = pair_sums(np.array(values))
    assume(sums.number > 0 and sums.variance > 1e-6)
    assert sums.mssd == pytest.approx(2 * sums.variance * (1 - sums.autocorrelation), abs=1e-9)


@given(values_or_gaps)
def test_no_pair_reaches_over_a_gap(values: list[float]) -> None:
    known = [(x, y) for x, y in pairwise(values) if x == x and y == y]
    assume(known)
    sums = pair_sums(np.array(values))
    assert sums.number == len(known)
    assert sums.mssd == pytest.approx(np.mean([(x - y) ** 2 for x, y in known]), abs=1e-12)
    assert sums.variance == pytest.approx(np.var(np.ravel(known)), abs=1e-12)


def pair_sums(values: NDArray[np.float64]) -> Pairs:
    """Sums over the pairs of one series at even steps; no pair reaches over what isn't known."""
    columns = pairs(values, np.ones(max(0, len(values) - 1), np.bool_))
    return Pairs(*(np.asarray(column.sum()) for column in columns))


def with_gaps(values: np.ndarray, seed: int) -> np.ndarray:
    """A tenth of it missing, in stretches of up to a dozen steps."""
    rng = np.random.default_rng(seed)
    gone = values.copy()
    while np.isnan(gone).mean() < 0.1:
        start = rng.integers(len(values))
        gone[start : start + rng.integers(1, 13)] = np.nan
    return gone


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.9])
def test_known_values_come_back_from_a_simulation_with_gaps(rho: float) -> None:
    sums = pair_sums(with_gaps(ar1(60_000, rho, seed=7, sd=0.3), seed=7))
    assert sums.mssd == pytest.approx(2 * 0.09 * (1 - rho), rel=0.05)
    assert sums.inertia == pytest.approx(rho, abs=0.02)
    assert sums.variance == pytest.approx(0.09, rel=0.08)


@pytest.mark.parametrize("rho", [0.3, 0.7])
@pytest.mark.parametrize("gaps", [False, True])
def test_the_small_sample_bias_is_taken_out(rho: float, gaps: bool) -> None:
    """Marriott and Pope: the plain one is too low by (1 + 3 rho) / n."""
    count, runs = 70, 1500
    series = [ar1(count, rho, seed) for seed in range(runs)]
    sums = [pair_sums(with_gaps(each, seed) if gaps else each) for seed, each in enumerate(series)]
    plain = np.mean([each.autocorrelation for each in sums])
    pairs = np.mean([each.number for each in sums])
    assert rho - plain == pytest.approx((1 + 3 * rho) / pairs, rel=0.3)
    assert np.mean([each.inertia for each in sums]) == pytest.approx(rho, abs=0.012)


def test_a_face_that_does_not_move_has_no_inertia() -> None:
    sums = pair_sums(np.full(100, 0.2))
    assert sums.mssd == pytest.approx(0, abs=1e-12)
    assert np.isnan(sums.inertia)


def test_each_series_costs_a_mean_of_its_own() -> None:
    """The bias of k series in n pairs is k (1 + rho) / n, and 2 rho / n for the ratio."""
    rho, parts, length, runs = 0.8, 10, 40, 400
    found = []
    for run in range(runs):
        columns = []
        for part in range(parts):
            values = ar1(length, rho, 100 * run + part)
            columns.append(pairs(values - values.mean(), np.ones(length - 1, np.bool_)))
        found.append(Pairs(*(np.concatenate(each).sum() for each in zip(*columns, strict=True))))
    number = parts * (length - 1)
    plain = np.mean([each.autocorrelation for each in found])
    assert rho - plain == pytest.approx((parts * (1 + rho) + 2 * rho) / number, rel=0.2)
    assert np.mean([each.inertia for each in found]) == pytest.approx(rho, abs=0.01)
