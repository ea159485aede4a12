from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.expression.calibration import fit_temperature, logistic, negative_log_likelihood, softmax
from mien.train.calibrate.scaling import Scaling, choose_scaling, fit_logistic, fit_plain, fit_with_bias


def drawn(
    count: int, slope: float, bias: tuple[float, ...], seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Logits, and labels drawn from softmax(slope x logits + bias): what a fit should find again."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (count, len(bias)))
    p = softmax(logits * slope + np.array(bias))
    return logits, (p.cumsum(axis=1) < random.random((count, 1))).sum(axis=1)


def test_it_finds_what_the_labels_were_drawn_with() -> None:
    logits, targets = drawn(20000, 0.5, (0.6, 0.0, -0.6))
    found = fit_with_bias(logits, targets)
    assert found.temperature == pytest.approx(2.0, rel=0.05)
    assert found.bias == pytest.approx((0.6, 0, -0.6), abs=0.06)
    assert sum(found.bias) == pytest.approx(0)
    assert choose_scaling(logits, targets).bias == found.bias


def test_biases_that_do_not_help_are_left_out() -> None:
    logits, targets = drawn(400, 1.0, (0.0,) * 8, seed=1)
    chosen = choose_scaling(logits, targets)
    assert chosen == fit_plain(logits, targets)
    assert chosen.temperature == fit_temperature(logits, targets)


def test_a_fit_with_biases_is_never_worse_on_its_own_faces() -> None:
    logits, targets = drawn(500, 0.7, (0.3, -0.2, 0.0, 0.1), seed=2)
    scaling = fit_with_bias(logits, targets)
    p = scaling.probabilities(logits)
    surprise = -np.log(p[np.arange(500), targets]).mean()
    assert surprise < negative_log_likelihood(logits, targets, fit_temperature(logits, targets))


def test_a_class_of_a_few_faces_is_no_obstacle() -> None:
    logits, targets = drawn(60, 1.0, (0.0, 0.0, 0.0))
    targets = np.where(np.arange(60) < 2, 2, targets % 2)
    assert choose_scaling(logits, targets).bias == ()


def test_nothing_is_the_plain_softmax() -> None:
    logits, _ = drawn(5, 1.0, (0.0, 0.0))
    np.testing.assert_array_equal(Scaling().probabilities(logits), softmax(logits))


def test_platts_scaling_finds_slope_and_offset() -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, 3, (20000, 1))
    right = random.random(20000) < logistic(0.8 * x[:, 0] - 0.5)
    offset, (slope,) = fit_logistic(x, right)
    assert (slope, offset) == (pytest.approx(0.8, abs=0.04), pytest.approx(-0.5, abs=0.06))


def test_a_coefficient_keeps_its_sign() -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, 1, (5000, 2))
    right = random.random(5000) < logistic(x[:, 0] - x[:, 1])
    _, free = fit_logistic(x, right)
    _, bound = fit_logistic(x, right, signs=(1, 1))
    assert free == pytest.approx([1, -1], abs=0.1)
    assert bound[0] > 0.5
    assert bound[1] == 0
