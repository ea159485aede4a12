from __future__ import annotations

import datetime as dt
import sys
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.stats import t as student

from mien.mood.change.points import change_points, follow, penalty, run_lengths
from mien.mood.change.segments import segment
from mood.change.people import FIRST, baseline, changed, days


def exhaustive(values: np.ndarray, weights: np.ndarray, least: int, cost: float) -> float:
    """The best that any cutting into stretches can do."""

    def error(start: int, end: int) -> float:
        v, w = values[start:end], weights[start:end]
        level = v @ w / (w @ w)
        return float(((v - level * w) ** 2).sum())

    count, best = len(values), np.inf
    for cuts in range(3):
        for inner in combinations(range(least, count - least + 1), cuts):
            edges = [0, *inner, count]
            if all(b - a >= least for a, b in pairwise(edges)):
                best = min(best, sum(error(a, b) for a, b in pairwise(edges)) + cost * (cuts + 1))
    return best


@pytest.mark.parametrize("seed", range(4))
def test_stretches_are_the_best_there_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.4, 1.0, 24)
    values = weights * np.repeat([0.0, 2.0], 12) + rng.standard_normal(24)
    ends = segment(values, weights, 5, 8.0)
    edges = [0, *ends]
    cost = 8.0 * len(ends)
    for a, b in pairwise(edges):
        level = values[a:b] @ weights[a:b] / (weights[a:b] @ weights[a:b])
        cost += ((values[a:b] - level * weights[a:b]) ** 2).sum()
    assert ends[-1] == 24
    assert cost == pytest.approx(exhaustive(values, weights, 5, 8.0))


@pytest.mark.exhaustive
def test_noise_alone_is_hardly_ever_cut() -> None:
    rng = np.random.default_rng(0)
    ones, cost = np.ones(60), penalty(60)
    cut = [len(segment(rng.standard_normal(60), ones, 5, cost)) > 1 for _ in range(200)]
    assert 0.01 <= np.mean(cut) <= 0.12


def test_a_change_point_is_found_where_it_is() -> None:
    table = changed(days(150, seed=1), "expressivity", 90, -0.1)
    found = change_points(table["expressivity"], baseline(table))
    assert found is not None
    assert len(found) == 1
    assert abs((found[0].date - FIRST).days - 90) <= 6
    assert found[0].after - found[0].before == pytest.approx(-2, abs=0.8)


def test_too_little_for_change_points() -> None:
    table = days(56, missing=0)
    assert change_points(table["expressivity"], baseline(table)) == []
    assert change_points(table["expressivity"], baseline(table, 20)) is None
    assert run_lengths(table["expressivity"], baseline(table, 20), false_alarm_days=365) is None


def test_without_ruptures_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mien.mood.change.segments", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "ruptures"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ruptures", None)
    table = days()
    with pytest.raises(ModuleNotFoundError, match="ruptures"):
        change_points(table["expressivity"], baseline(table))


def marginal(values: np.ndarray, weight: float, shape: float, spread: float) -> float:
    """The density of values of one run, day by day, by scipy's t."""
    mean, total = 0.0, 1.0
    for value in values:
        scale = np.sqrt(spread * (weight + 1) / (shape * weight))
        total *= student.pdf(value, 2 * shape, mean, scale)
        spread += weight * (value - mean) ** 2 / (2 * (weight + 1))
        mean, weight, shape = (weight * mean + value) / (weight + 1), weight + 1, shape + 0.5
    return float(total)


def test_the_posterior_is_that_of_all_ways_to_cut_the_days() -> None:
    values, hazards, own = np.array([0.3, -0.5, 2.1, 1.8, 2.6]), np.array([0.1, 0.2, 0.1, 0.3, 0.1]), 28
    count = len(values)
    weights = np.zeros(count + 1)
    for cuts in range(count + 1):
        for starts in combinations(range(count), cuts):
            chance = np.prod([hazards[k] if k in starts else 1 - hazards[k] for k in range(count)])
            edges = [0, *starts, count]
            first = marginal(values[: edges[1]], own, own / 2, own / 2)
            rest = [marginal(values[a:b], 1.0, own / 2, own / 2) for a, b in pairwise(edges[1:])]
            weights[starts[-1] + 1 if starts else 0] += chance * first * np.prod(rest)
    chances, _ = follow(values, hazards, own)
    np.testing.assert_allclose(chances[-1], weights / weights.sum(), rtol=1e-10)


def test_streaming_equals_batch_on_every_prefix_and_for_many_at_once() -> None:
    rng = np.random.default_rng(0)
    values, hazards = rng.standard_normal((30, 3)), np.full(30, 0.01)
    whole, means = follow(values, hazards, 28)
    for count in (1, 2, 17):
        part, _ = follow(values[:count], hazards[:count], 28)
        np.testing.assert_allclose(part, whole[:count, : count + 1])
    one, level = follow(values[:, 1], hazards, 28)
    np.testing.assert_allclose(one, whole[:, :, 1])
    np.testing.assert_allclose(level, means[:, :, 1])


def test_run_lengths_tell_when_the_level_changed() -> None:
    table = changed(days(150, seed=2), "expressivity", 90, -0.12)
    found = run_lengths(table["expressivity"], baseline(table), false_alarm_days=365)
    assert found is not None
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)
    before = found.changed[: sum(each < FIRST + dt.timedelta(90) for each in found.dates)]
    assert before.max() < 0.5
    assert found.changed[-1] > 0.95
    assert found.since is not None
    assert abs((found.since - FIRST).days - 90) <= 10
    assert found.level[-1].min() < -0.5


def test_no_days_have_no_since() -> None:
    table = days(49, missing=0)
    found = run_lengths(table["expressivity"], baseline(table), false_alarm_days=365)
    assert found is not None
    assert found.since is None
    assert found.dates == ()
