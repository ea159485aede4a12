"""Fitting what counts many faces: it tells the labels that the answers carry, and says how sure it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.expression.network import Answers, find_network
from mien.expression.sidecar import Decision, read_sidecar, sidecar_path
from mien.labels import EMOTIONS, FER2013
from mien.train.calibrate.quantify import SIZES_PX, fit_quantification, shrunk_and_back

DECISION = read_sidecar(sidecar_path(find_network("mien"))).decision


class Reads:
    """A network that sees a label in the crop's left half, less clearly where its lines are lost."""

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        label = crops[:, 0, 0].astype(int) // 30
        fine = np.abs(np.diff(crops[:, :, 24:].astype(float), axis=2)).mean(axis=(1, 2)) / 60
        noise = np.random.default_rng(0).normal(0, 1, (len(crops), len(FER2013)))
        fer2013 = 4 * fine[:, None] * np.eye(len(FER2013))[label] + noise
        votes = np.zeros((len(crops), len(EMOTIONS)))
        votes[:, [EMOTIONS.index(name) for name in FER2013]] = fer2013
        return Answers(votes.astype(np.float32), fer2013=fer2013.astype(np.float32))


def faces(per_label: list[int]) -> Any:
    targets = np.repeat(np.arange(len(FER2013)), per_label)
    images = np.zeros((len(targets), 48, 48), np.uint8)
    images[:, :, :24] = (30 * targets + 15)[:, None, None]
    images[:, :, 24::2] = 120
    return SimpleNamespace(labels=FER2013, targets=targets, images=images)


@pytest.fixture(scope="module")
def decision() -> Decision:
    assert DECISION is not None
    return DECISION


@pytest.mark.exhaustive
def test_it_learns_the_labels_and_how_size_blurs_them(decision: Decision) -> None:
    found = fit_quantification(Reads(), decision, faces([30] * 7), 0)  # type: ignore[arg-type]
    assert found.labels == FER2013
    assert [size.px for size in found.sizes] == list(SIZES_PX)
    right = [np.diag(np.array(size.confusion)).mean() for size in found.sizes]
    assert right[-1] > 0.6
    assert right[0] < right[-1]
    assert 0 < found.doubt < 1
    for size in found.sizes:
        np.testing.assert_allclose(np.array(size.confusion).sum(axis=1), 1, atol=1e-6)
    again = fit_quantification(Reads(), decision, faces([30] * 7), 0)  # type: ignore[arg-type]
    assert again == found


def test_a_label_without_faces_does_no_harm(decision: Decision) -> None:
    found = fit_quantification(Reads(), decision, faces([20, 0, 20, 20, 20, 20, 20]), 0)  # type: ignore[arg-type]
    assert found.sizes[-1].confusion[1][1] == 1
    assert np.isfinite(found.doubt)


def test_shrinking_keeps_the_shape_and_loses_detail() -> None:
    images = faces([1] * 7).images
    assert shrunk_and_back(images, 48) is images
    small = shrunk_and_back(images, 16)
    assert small.shape == images.shape
    assert small.dtype == np.uint8
    lines = np.abs(np.diff(small[:, :, 26:46].astype(int), axis=2)).mean()
    assert lines < np.abs(np.diff(images[:, :, 26:46].astype(int), axis=2)).mean() / 4
