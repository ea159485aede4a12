from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("keras")

from mien.expression.calibration import softmax
from mien.train.fit import predict_logits
from mien.train.networks.shcnn import onset_apex_difference, saliency
from untrained import SIZE_PX, trained


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(20, 230, (count, SIZE_PX, SIZE_PX), np.uint8)


def test_three_convolutions_and_no_more() -> None:
    names = [layer.name for layer in trained("shcnn").layers if "Conv" in type(layer).__name__]
    assert names == ["conv1", "conv2", "conv3"]


class TestSaliency:
    @pytest.mark.parametrize("shrinkage", [1.0, 4.0])
    def test_it_is_the_change_of_the_probability_for_a_step_of_grey(self, shrinkage: float) -> None:
        """Against differences, which are coarse: pixels are whole numbers."""
        model, face = trained("shcnn"), pictures(1)
        [found] = saliency(model, face, shrinkage=shrinkage)
        label = int(predict_logits(model, face).argmax())
        places = np.argsort(-found, axis=None)[:12]
        for row, column in zip(*np.unravel_index(places, found.shape), strict=True):
            p = []
            for step in (-1, 1):
                moved = face.astype(np.int16)
                moved[0, row, column] += step
                p.append(softmax(predict_logits(model, moved.astype(np.uint8)) / shrinkage)[0, label])
            assert abs(p[1] - p[0]) / 2 == pytest.approx(found[row, column], rel=0.15, abs=1e-6)

    def test_shrinkage_brings_back_what_a_sure_network_loses(self) -> None:
        """The logits times ten thousand, shrunk as much, are the logits: the saliency is the same."""
        model, faces = trained("shcnn"), pictures(2)
        before = saliency(model, faces, shrinkage=1.0)
        last = model.get_layer("logits")
        last.set_weights([weights * 10_000 for weights in last.get_weights()])
        vanished = saliency(model, faces, shrinkage=1.0)
        assert softmax(predict_logits(model, faces)).max(axis=1).min() > 0.999
        np.testing.assert_allclose(saliency(model, faces, shrinkage=10_000.0), before, rtol=1e-2, atol=1e-7)
        assert vanished.max() < before.max()

    def test_it_is_there_for_every_face_and_any_network_of_ours(self) -> None:
        for variant in ("shcnn", "zhou"):
            found = saliency(trained(variant), pictures(3))
            assert found.shape == (3, SIZE_PX, SIZE_PX)
            assert (found >= 0).all()
            assert (found.max(axis=(1, 2)) > 0).all()

    def test_it_is_not_stretched(self) -> None:
        with pytest.raises(ValueError, match=r"at least 1, received 0\.5"):
            saliency(trained("shcnn"), pictures(1), shrinkage=0.5)


class TestMicroExpressions:
    @given(st.integers(0, 255), st.integers(0, 255))
    def test_the_difference_is_half_of_what_changed_around_the_middle(self, onset: int, apex: int) -> None:
        frames = (np.full((2, 3), value, np.uint8) for value in (onset, apex))
        found = onset_apex_difference(*frames)
        assert found.shape == (2, 3)
        assert abs(float(found[0, 0]) - (128 + (apex - onset) / 2)) <= 0.5
