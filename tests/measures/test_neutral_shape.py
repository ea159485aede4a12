from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.measures.neutral_shape import LEAST_FRAMES, LEAST_S, NeutralShape


def learnt(values: np.ndarray, rate_hz: float) -> NeutralShape:
    shape = NeutralShape()
    for index, value in enumerate(values):
        shape.learn(value, index / rate_hz)
    return shape


def test_it_is_not_known_too_early() -> None:
    shape = NeutralShape()
    assert shape.median is None
    for index in range(200):
        known = index + 1 >= LEAST_FRAMES and index / 25 >= LEAST_S
        shape.learn(np.ones(2), index / 25)
        assert (shape.median is not None) == known
    assert learnt(np.ones((LEAST_FRAMES - 1, 2)), 1).median is None


@given(st.integers(30, 200), st.integers(1, 3))
def test_it_is_the_median_of_all(count: int, width: int) -> None:
    values = np.random.default_rng(count).normal(size=(count, width))
    np.testing.assert_array_equal(learnt(values, 25).median, np.median(values, axis=0))


@pytest.mark.parametrize("count", [201, 500, 5000])
def test_a_long_run_keeps_a_sample_of_the_whole(count: int) -> None:
    values = np.arange(count, dtype=float)[:, None]
    shape = learnt(values, 25)
    assert len(shape._kept) <= 200
    assert shape.median == pytest.approx((count - 1) / 2, abs=0.02 * count)


def test_blinks_and_slips_do_not_move_it() -> None:
    values = np.full((100, 1), 0.3)
    values[::4] = 9
    assert learnt(values, 25).median == 0.3
