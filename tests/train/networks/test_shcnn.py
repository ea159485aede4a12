from __future__ import annotations

import pytest

pytest.importorskip("keras")

from untrained import trained


def test_three_convolutions_and_no_more() -> None:
    names = [layer.name for layer in trained("shcnn").layers if "Conv" in type(layer).__name__]
    assert names == ["conv1", "conv2", "conv3"]
