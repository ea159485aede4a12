from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.expression.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    risk_coverage,
    softmax,
    threshold_for,
)

LOGITS = arrays(np.float64, (6, 5), elements=st.floats(-500, 500))
READINGS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40)


def drawn(count: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn with the probabilities that they mean at a temperature: a known truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, (count, 7))
    p = scipy.special.softmax(logits / temperature, axis=1)
    targets = (p.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1)
    return logits, targets


@given(LOGITS, st.floats(0.1, 10))
def test_softmax_agrees_with_scipy(logits: np.ndarray, temperature: float) -> None:
    p = softmax(logits, temperature)
    np.testing.assert_allclose(p, scipy.special.softmax(logits / temperature, axis=1), atol=1e-12)
    np.testing.assert_allclose(p.sum(axis=1), 1)


@given(LOGITS, st.floats(-100, 100))
def test_softmax_knows_only_differences(logits: np.ndarray, shift: float) -> None:
    np.testing.assert_allclose(softmax(logits + shift), softmax(logits), atol=1e-9)


def test_softmax_of_nothing_is_nothing() -> None:
    assert softmax(np.empty((0, 7), np.float32)).shape == (0, 7)


def test_likelihood_agrees_with_scikit_learn() -> None:
    log_loss = pytest.importorskip("sklearn.metrics").log_loss
    logits, targets = drawn(200, 1.0)
    expected = log_loss(targets, scipy.special.softmax(logits / 1.7, axis=1), labels=range(7))
    assert negative_log_likelihood(logits, targets, 1.7) == pytest.approx(expected)


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(truth: float) -> None:
    assert fit_temperature(*drawn(20_000, truth)) == pytest.approx(truth, rel=0.03)


def test_no_other_temperature_is_likelier() -> None:
    logits, targets = drawn(300, 1.8)
    best = negative_log_likelihood(logits, targets, fit_temperature(logits, targets))
    brute = min(negative_log_likelihood(logits, targets, t) for t in np.geomspace(0.05, 20, 2000))
    assert best <= brute + 1e-6


def test_a_network_that_is_always_right_gets_the_lowest_temperature() -> None:
    logits, _ = drawn(50, 1.0)
    assert fit_temperature(logits, logits.argmax(axis=1)) == pytest.approx(0.05, rel=0.01)


@settings(max_examples=50)
@given(st.integers(0, 1000), st.integers(2, 20))
def test_calibration_error_agrees_with_its_definition(seed: int, bins: int) -> None:
    logits, targets = drawn(60, 2.0, seed)
    p = scipy.special.softmax(logits, axis=1)
    error = 0.0
    for i in range(bins):
        inside = [k for k in range(60) if i / bins < p[k].max() <= (i + 1) / bins]
        if inside:
            accuracy = sum(p[k].argmax() == targets[k] for k in inside) / len(inside)
            confidence = sum(p[k].max() for k in inside) / len(inside)
            error += len(inside) / 60 * abs(accuracy - confidence)
    assert expected_calibration_error(p, targets, bins) == pytest.approx(error)


def test_calibration_error_of_known_cases() -> None:
    sure = np.eye(4)[[0, 1, 2, 3]]
    assert expected_calibration_error(sure, [0, 1, 2, 3]) == 0
    assert expected_calibration_error(sure, [1, 2, 3, 0]) == 1
    assert expected_calibration_error(sure, [0, 1, 3, 2]) == 0.5


def test_scaling_makes_the_error_small() -> None:
    logits, targets = drawn(5000, 2.5)
    before = expected_calibration_error(softmax(logits), targets)
    after = expected_calibration_error(softmax(logits, fit_temperature(logits, targets)), targets)
    assert before > 0.1
    assert after < 0.03


@given(READINGS)
def test_the_curve_agrees_with_counting(readings: list[tuple[int, bool]]) -> None:
    confidence = np.array([place / 8 for place, _ in readings])
    correct = np.array([right for _, right in readings])
    coverage, risk, threshold = risk_coverage(confidence, correct)
    assert threshold.tolist() == sorted(set(confidence.tolist()), reverse=True)
    for c, r, t in zip(coverage, risk, threshold, strict=True):
        kept = confidence >= t
        assert c == pytest.approx(kept.mean())
        assert r == pytest.approx((~correct[kept]).mean())
    assert coverage[-1] == 1


@given(READINGS, st.floats(0, 1))
def test_no_other_threshold_costs_less(readings: list[tuple[int, bool]], cost: float) -> None:
    confidence = np.array([place / 8 for place, _ in readings])
    correct = np.array([right for _, right in readings])

    def total(threshold: float) -> float:
        kept = confidence >= threshold
        return float((kept & ~correct).sum() + cost * (~kept).sum())

    chosen = threshold_for(confidence, correct, cost_of_silence=cost)
    assert total(chosen) <= min(total(t) for t in confidence) + 1e-9
    assert (confidence >= chosen).any()


@pytest.mark.parametrize("cost", [0.3, 0.5, 0.7])
def test_calibrated_probabilities_give_the_threshold_that_theory_says(cost: float) -> None:
    logits, targets = drawn(50_000, 1.0)
    p = softmax(logits)
    threshold = threshold_for(p.max(axis=1), p.argmax(axis=1) == targets, cost_of_silence=cost)
    assert threshold == pytest.approx(1 - cost, abs=0.04)


def test_a_network_that_is_always_right_is_never_uncertain() -> None:
    assert threshold_for([0.3, 0.9, 0.5], [True, True, True]) == 0
