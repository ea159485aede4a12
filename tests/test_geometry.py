from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.geometry import iou_matrix

corner = st.integers(0, 20)
side = st.integers(1, 12)


@st.composite
def boxes(draw: st.DrawFn, max_size: int = 5) -> NDArray[np.int64]:
    """Whole-pixel boxes inside a 32x32 picture."""
    rows = draw(st.lists(st.tuples(corner, corner, side, side), max_size=max_size))
    return np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.int64).reshape(-1, 4)


def painted(xyxy: NDArray[np.int64]) -> NDArray[np.bool_]:
    picture = np.zeros((32, 32), bool)
    picture[xyxy[1] : xyxy[3], xyxy[0] : xyxy[2]] = True
    return picture


def counted_iou(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """Overlap by counting pixels."""
    return float((painted(a) & painted(b)).sum() / (painted(a) | painted(b)).sum())


@given(boxes(), boxes())
def test_iou_matrix_agrees_with_counting_pixels(a: NDArray[np.int64], b: NDArray[np.int64]) -> None:
    expected = np.array([[counted_iou(x, y) for y in b] for x in a]).reshape(len(a), len(b))
    np.testing.assert_allclose(iou_matrix(a, b), expected)


@given(boxes(), st.floats(0.1, 50), st.floats(-100, 100))
def test_iou_is_one_with_itself_and_the_same_at_any_scale(
    a: NDArray[np.int64], scale: float, shift: float
) -> None:
    assert iou_matrix(a, a).diagonal() == pytest.approx(np.ones(len(a)))
    np.testing.assert_allclose(iou_matrix(a * scale + shift, a * scale + shift), iou_matrix(a, a), atol=1e-6)


def test_boxes_that_only_touch_do_not_overlap() -> None:
    assert iou_matrix([[0, 0, 2, 2]], [[2, 0, 4, 2], [0, 2, 2, 4]]).tolist() == [[0, 0]]


def test_no_boxes_are_no_boxes() -> None:
    assert iou_matrix(np.empty((0, 4)), [[0, 0, 1, 1]]).shape == (0, 1)
