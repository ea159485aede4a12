"""Shares by quantification: against the likelihood's own maximum, exact mixtures, and repeated people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from mien.errors import ModelError
from mien.expression.network import find_network
from mien.expression.sidecar import Sidecar, read_sidecar, sidecar_path
from mien.labels import EMOTIONS
from mien.places.quantification import (
    Quantifier,
    adjusted,
    interval,
    mean_interval,
    most_likely,
    person_weights,
)

Floats = NDArray[np.float64]


def sidecar(name: str) -> Sidecar:
    return read_sidecar(sidecar_path(find_network(name)))


@pytest.fixture(scope="module")
def quantifier() -> Quantifier:
    return Quantifier(sidecar("mien"))


def evidence_of(count: int, labels: int, seed: int) -> Floats:
    random = np.random.default_rng(seed)
    raw = np.exp(1.5 * random.standard_normal((count, labels)))
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("seed", range(4))
def test_em_finds_the_maximum_of_the_likelihood(seed: int) -> None:
    evidence, labels = evidence_of(60, 4, seed), 4

    def surprise(free: Floats) -> float:
        shares = np.exp(free - free.max())
        return -float(np.log(evidence @ (shares / shares.sum())).mean())

    best = min(
        (
            minimize(surprise, start, method="Nelder-Mead", options={"maxiter": 6000, "xatol": 1e-6})
            for start in (np.zeros(labels), np.arange(labels) / 2.0)
        ),
        key=lambda found: found.fun,
    )
    (shares,) = most_likely(evidence, np.full((1, 60), 1 / 60))
    assert -float(np.log(evidence @ shares).mean()) <= best.fun + 1e-5
    assert shares.sum() == pytest.approx(1)


@given(st.integers(0, 1000), st.integers(2, 6))
@settings(max_examples=25, deadline=None)
def test_each_sample_is_estimated_as_if_alone(seed: int, labels: int) -> None:
    evidence = evidence_of(20, labels, seed)
    weights = np.random.default_rng(seed).dirichlet(np.ones(20), 3)
    together = most_likely(evidence, weights)
    apart = np.concatenate([most_likely(evidence, each[None]) for each in weights])
    np.testing.assert_allclose(together, apart, atol=2e-3)
    assert (together >= 0).all()


def test_adjusted_counts_give_an_exact_mixture_back() -> None:
    confusion = np.array([[0.7, 0.2, 0.1], [0.2, 0.6, 0.2], [0.1, 0.3, 0.6]])
    true = np.array([0.5, 0.2, 0.3])
    read = np.tile(true @ confusion, (5, 1))
    (found,) = adjusted(read, np.tile(confusion.ravel(), (5, 1)), np.full((1, 5), 0.2))
    np.testing.assert_allclose(found, true, atol=1e-4)


def test_a_person_counts_once_however_often_they_are_read(quantifier: Quantifier) -> None:
    evidence, px = evidence_of(15, len(quantifier.labels), 3), np.full(15, 30.0)
    once, _ = quantifier.shares(evidence, px)
    often = np.repeat(np.arange(15), [40, *[1] * 14])
    again, _ = quantifier.shares(evidence[often], px[often], often)
    np.testing.assert_allclose(once, again, atol=1e-3)
    mean = mean_interval(np.arange(15.0)[often], often)
    assert mean.value == pytest.approx(7)
    assert mean.low < 7 < mean.high


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_people_are_drawn_whole(people: list[int]) -> None:
    who = np.array(people)
    weights, drawn = person_weights(who, 0, draws=7)
    assert weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    for person in np.unique(who):
        assert weights[who == person].sum() == pytest.approx(1 / len(np.unique(who)))
        ratios = drawn[:, who == person] / weights[who == person]
        assert (np.ptp(ratios, axis=1) < 1e-9).all()


def test_evidence_at_a_size_is_that_of_its_calibration(quantifier: Quantifier) -> None:
    facts = quantifier.sidecar.quantification
    assert facts is not None
    x = np.random.default_rng(0).normal(0, 2, (6, 15))
    for size in facts.sizes:
        linear = x @ np.array(facts.weights) * size.slope + size.bias
        expected = np.exp(linear) / np.exp(linear).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(quantifier.evidence(x, np.full(6, size.px)), expected, atol=1e-12)
    smallest, largest = facts.sizes[0].px, facts.sizes[-1].px
    np.testing.assert_allclose(
        quantifier.evidence(x, np.full(6, 2 * largest)), quantifier.evidence(x, np.full(6, largest))
    )
    between = quantifier.evidence(x, np.full(6, (smallest * largest) ** 0.5))
    np.testing.assert_allclose(between.sum(axis=1), 1)
    assert quantifier.evidence(np.empty((0, 15)), np.empty(0)).shape == (0, len(quantifier.labels))


@pytest.mark.parametrize("method", ["em", "adjusted"])
def test_shares_and_samples_sum_to_one_and_stay_the_same(quantifier: Quantifier, method: str) -> None:
    evidence, px = evidence_of(40, len(quantifier.labels), 9), np.linspace(12, 90, 40)
    shares, samples = quantifier.shares(evidence, px, method=method)  # type: ignore[arg-type]
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(samples.sum(axis=1), 1)
    again = quantifier.shares(evidence, px, method=method)  # type: ignore[arg-type]
    np.testing.assert_array_equal(samples, again[1])


def test_a_label_that_nobody_shows_may_be_there_all_the_same(quantifier: Quantifier) -> None:
    """One person in ten more or less can't be told: the interval of a share of 0 is not empty."""
    place = quantifier.labels.index("happiness")
    evidence = np.full((12, len(quantifier.labels)), 1e-6)
    evidence[:, place] = 1
    shares, samples = quantifier.shares(evidence, np.full(12, 48.0))
    assert shares[place] == pytest.approx(1, abs=1e-3)
    other = interval(float(shares[0]), samples[:, 0])
    assert other.value < 0.001
    assert 0.02 < other.high < 0.2


def test_a_network_that_was_not_calibrated_for_it_is_refused() -> None:
    with pytest.raises(ModelError, match="network paper was not calibrated for counting many faces"):
        Quantifier(sidecar("paper"))


def test_the_figures_of_the_built_in_network_make_sense(quantifier: Quantifier) -> None:
    facts = quantifier.sidecar.quantification
    assert facts is not None
    assert set(facts.labels) == set(EMOTIONS) - {"contempt"}
    assert 0 < facts.doubt < 0.3
    right = [np.diag(np.array(size.confusion)).mean() for size in facts.sizes]
    assert right == sorted(right)  # larger faces say more
    for size in facts.sizes:
        np.testing.assert_allclose(np.array(size.confusion).sum(axis=1), 1, atol=1e-6)


def test_sums_give_the_same_shares_as_the_readings(quantifier: Quantifier) -> None:
    evidence, px = evidence_of(400, 7, 1), np.linspace(16, 60, 400)
    sums = 400, evidence.sum(axis=0), evidence.T @ evidence, quantifier.size_weights(px).sum(axis=0)
    shares, samples = quantifier.shares_of_sums(*sums)
    own, drawn = quantifier.shares(evidence, px, method="adjusted")
    assert shares == pytest.approx(own, abs=1e-9)
    for label in range(7):
        told, resampled = (interval(shares[label], each[:, label]) for each in (samples, drawn))
        assert told[1:] == pytest.approx(resampled[1:], abs=0.03)
    assert samples.sum(axis=1) == pytest.approx(1)


def test_a_network_is_told_from_others_and_from_itself_calibrated_anew(quantifier: Quantifier) -> None:
    facts = quantifier.sidecar.quantification
    assert facts is not None
    anew = quantifier.sidecar.model_copy(update={"quantification": facts.model_copy(update={"doubt": 0.5})})
    assert quantifier.network.startswith("mien ")
    assert Quantifier(quantifier.sidecar).network == quantifier.network
    assert Quantifier(anew).network != quantifier.network
