from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

pytest.importorskip("keras")

from mien.train.backend import load_keras
from mien.train.evaluate.validation import concordance, concordance_loss

ops = load_keras().ops
columns = hnp.arrays(np.float64, (12, 2), elements=st.floats(-1, 1, width=32))


def by_the_other_formula(x: np.ndarray, y: np.ndarray) -> float:
    """Lin's own: one less the mean squared difference over what it would be without correlation."""
    expected = x.var() + y.var() + (x.mean() - y.mean()) ** 2
    return float(1 - ((x - y) ** 2).mean() / expected)


@given(columns, columns)
def test_it_is_one_less_the_squared_difference_over_what_chance_would_give(
    x: np.ndarray, y: np.ndarray
) -> None:
    found = concordance(x, y)
    assert (np.abs(found) <= 1 + 1e-9).all()
    for column in range(2):
        if x[:, column].var() + y[:, column].var() > 1e-6:
            assert found[column] == pytest.approx(by_the_other_formula(x[:, column], y[:, column]), abs=1e-6)


def test_known_values() -> None:
    x = np.arange(6.0)[:, None]
    assert concordance(x, x) == pytest.approx([1])
    assert concordance(x, -x + 5) == pytest.approx([-1])
    assert concordance(x, x + 1)[0] < 1
    assert concordance(x, 2 * x)[0] < 1
    assert concordance(np.ones((4, 1)), np.ones((4, 1))) == pytest.approx([0])


def test_the_loss_is_one_less_the_mean_and_leaves_out_rows_without_a_target() -> None:
    rng = np.random.default_rng(0)
    answers, targets = rng.normal(0, 0.5, (2, 30, 2)).astype(np.float32)
    weight = (np.arange(30) % 3 > 0).astype(np.float32)
    expected = 1 - concordance(answers[weight > 0], targets[weight > 0]).mean()
    loss = concordance_loss()(
        ops.convert_to_tensor(np.column_stack([targets, weight])), ops.convert_to_tensor(answers)
    )
    np.testing.assert_allclose(ops.convert_to_numpy(loss), np.full(30, expected), rtol=1e-4)


def test_the_loss_of_a_batch_without_targets_teaches_nothing() -> None:
    answers = ops.convert_to_tensor(np.random.default_rng(0).normal(0, 1, (4, 2)).astype(np.float32))
    loss = ops.convert_to_numpy(concordance_loss()(ops.zeros((4, 3)), answers))
    np.testing.assert_allclose(loss, 1, atol=1e-4)
