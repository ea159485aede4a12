"""Cluster permutation tests, against every exchange made by hand with SciPy's t."""

from __future__ import annotations

from itertools import combinations, groupby, product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from mien.study.clusters import groups_exchanged, signs_flipped


def masses(t: NDArray[np.float64], threshold: float) -> list[float]:
    """The masses of clusters, by going from time to time."""
    side = [0 if abs(each) <= threshold else int(np.sign(each)) for each in t]
    places = groupby(range(len(t)), key=lambda at: side[at])
    return [float(sum(t[at] for at in run)) for key, run in places if key]


def by_hand(own: NDArray[np.float64], others: list[NDArray[np.float64]], threshold: float) -> list[float]:
    """The p of each cluster: the share of exchanges with as large a mass."""
    largest = [max((abs(each) for each in masses(t, threshold)), default=0.0) for t in others]
    found = sorted(masses(own, threshold), key=lambda each: -abs(each))
    return [float(np.mean([each >= abs(mass) - 1e-9 for each in largest])) for mass in found]


@pytest.fixture
def courses() -> NDArray[np.float64]:
    """Eight people, 12 times; something happens in the middle."""
    random = np.random.default_rng(5)
    return random.normal(0, 1, (8, 12)).cumsum(axis=1) / 3 + np.where(abs(np.arange(12) - 6) < 3, 0.8, 0)


def test_signs_are_flipped_as_by_hand(courses: NDArray[np.float64]) -> None:
    found = signs_flipped(courses)
    t = [stats.ttest_1samp(np.array(signs)[:, None] * courses, 0).statistic
         for signs in product((1, -1), repeat=8)]  # fmt: skip
    assert found.exact
    assert found.t == pytest.approx(t[0])
    expected = by_hand(t[0], t, stats.t.ppf(0.975, 7))
    assert expected
    assert [each.p for each in found.clusters] == pytest.approx(expected)


def test_groups_are_exchanged_as_by_hand(courses: NDArray[np.float64]) -> None:
    shifted = courses + np.array([1.2, 1.2, 1.2, 1.2, 0, 0, 0, 0])[:, None]
    first = np.arange(8) < 4
    found = groups_exchanged(shifted, first)
    ways = [np.isin(np.arange(8), chosen) for chosen in combinations(range(8), 4)]
    t = [stats.ttest_ind(shifted[way], shifted[~way]).statistic for way in ways]
    assert found.exact
    assert found.rounds == 70
    assert found.t == pytest.approx(t[0])
    expected = by_hand(t[0], t, stats.t.ppf(0.975, 6))
    assert expected
    assert [each.p for each in found.clusters] == pytest.approx(expected)


def test_chance_comes_close_to_all_patterns(courses: NDArray[np.float64]) -> None:
    more = np.vstack([courses, courses[:5] - 0.4])
    exact, drawn = signs_flipped(more), signs_flipped(more, rounds=2000, seed=1)
    assert (exact.exact, drawn.exact) == (True, False)
    assert [each.p for each in drawn.clusters] == pytest.approx([each.p for each in exact.clusters], abs=0.03)
    assert signs_flipped(more, rounds=2000, seed=1).clusters == drawn.clusters


def test_no_more_than_one_pattern_in_twenty_is_found() -> None:
    """The law that makes it a test: of all sign patterns of some data, at most 5 % have p of 0.05 or less."""
    data = np.random.default_rng(2).normal(0, 1, (7, 9)).cumsum(axis=1)
    found = [
        min((each.p for each in signs_flipped(np.array(signs)[:, None] * data).clusters), default=1.0)
        for signs in product((1, -1), repeat=7)
    ]
    assert 0 < np.mean(np.array(found) <= 0.05) <= 0.05


def test_the_opposite_has_the_opposite_clusters(courses: NDArray[np.float64]) -> None:
    one, other = signs_flipped(courses), signs_flipped(-courses)
    assert [(each.start, each.stop, each.mass, each.p) for each in one.clusters] == [
        (each.start, each.stop, -each.mass, each.p) for each in other.clusters
    ]


def test_times_that_some_lack_are_tested_with_the_others(courses: NDArray[np.float64]) -> None:
    holed = courses.copy()
    holed[0, :4] = np.nan
    holed[:6, 11] = np.nan
    expected = stats.ttest_1samp(holed, 0, nan_policy="omit").statistic[:11]
    found = signs_flipped(holed)
    assert found.t[:11] == pytest.approx(np.asarray(expected))
    assert all(each.stop <= 11 for each in found.clusters)  # two people are too few
    assert np.isfinite(groups_exchanged(holed, np.arange(8) < 4).t).all()


@pytest.mark.exhaustive
@pytest.mark.parametrize("groups", [False, True])
def test_where_nothing_is_one_in_twenty_is_found(groups: bool) -> None:
    random = np.random.default_rng(11)
    hits = 0
    for seed in range(1000):
        noise = random.normal(0, 1, (14, 40)).cumsum(axis=1)
        test = (
            groups_exchanged(noise, np.arange(14) < 7, rounds=400, seed=seed)
            if groups
            else signs_flipped(noise, rounds=400, seed=seed)
        )
        hits += any(each.p <= 0.05 for each in test.clusters)
    assert 0.033 < hits / 1000 < 0.067  # 2.5 standard errors
