from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.face.detect.fit import faces_within, shrunk


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 400))
def test_the_factors_lead_back_to_the_size(width: int, height: int, longest_px: int) -> None:
    image = np.zeros((height, width, 3), np.uint8)
    small, back = shrunk(image, longest_px)
    assert max(small.shape[:2]) == min(longest_px, max(width, height))
    assert min(small.shape[:2]) >= 1
    assert small.shape[1::-1] * back == pytest.approx([width, height], rel=1e-5)


def test_a_small_picture_is_not_even_copied() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    assert shrunk(image, 30)[0] is image


def test_shrinking_takes_the_mean() -> None:
    stripes = np.zeros((40, 40, 3), np.uint8)
    stripes[::2] = 200
    assert (shrunk(stripes, 20)[0] == 100).all()


def test_boxes_are_cut_at_the_edges_sorted_and_dropped_where_nothing_is_left() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    xyxy = np.array(
        [[-10, -10, 50, 50], [150, 60, 260, 130], [210, 0, 250, 50], [10, 99.5, 90, 140]], np.float32
    )
    faces = faces_within(image, xyxy, np.array([0.5, 0.9, 0.8, 0.7], np.float32))
    assert faces.xyxy.tolist() == [[150, 60, 200, 100], [0, 0, 50, 50]]
    assert faces.detection == pytest.approx([0.9, 0.5])
    assert np.isnan(faces.points).all()


def test_the_longer_side_counts_against_the_smallest_face() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    xyxy = np.array([[0, 0, 20, 40], [0, 0, 20, 39]], np.float32)
    points = np.arange(20, dtype=np.float32).reshape(2, 5, 2)
    faces = faces_within(image, xyxy, np.array([0.5, 0.9], np.float32), points, min_face_px=40)
    assert faces.xyxy.tolist() == [[0, 0, 20, 40]]
    assert (faces.points == points[:1]).all()
