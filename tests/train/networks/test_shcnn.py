from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("keras")

from mien.videos.micro_picture import onset_apex_difference
from untrained import trained


def test_three_convolutions_and_no_more() -> None:
    names = [layer.name for layer in trained("shcnn").layers if "Conv" in type(layer).__name__]
    assert names == ["conv1", "conv2", "conv3"]


class TestMicroExpressions:
    @given(st.integers(0, 255), st.integers(0, 255))
    def test_the_difference_is_half_of_what_changed_around_the_middle(self, onset: int, apex: int) -> None:
        frames = (np.full((2, 3), value, np.uint8) for value in (onset, apex))
        found = onset_apex_difference(*frames)
        assert found.shape == (2, 3)
        assert abs(float(found[0, 0]) - (128 + (apex - onset) / 2)) <= 0.5
