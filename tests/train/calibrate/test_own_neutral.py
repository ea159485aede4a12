"""Fitting what own neutral faces need, on faces that are surely at rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.config import load_settings
from mien.expression.decision import features
from mien.expression.network import OnnxNetwork, load_network
from mien.face.crop import crop_faces
from mien.labels import FER2013
from mien.pipeline import Pipeline
from mien.source.images import read_image
from mien.train.calibrate.own_neutral import (
    LEAVE,
    _leaving,
    disturbed,
    fit_own_neutral,
    is_resting,
    rest_of_crops,
)
from mien.train.data import FaceSet
from mien.train.evaluate.answers import answer_all


@pytest.fixture(scope="module")
def network() -> OnnxNetwork:
    return load_network("mien")


@pytest.fixture(scope="module")
def faces(shared: Path) -> FaceSet:
    """London's people: 51 neutral faces, and the first 20 smiling."""
    folder = shared / "data" / "people" / "london"
    paths = [*sorted((folder / "neutral").iterdir()), *sorted((folder / "smiling").iterdir())[:20]]
    with Pipeline(load_settings(threads=1)) as pipeline:
        crops = [crop_faces(image, pipeline.read(image)[:1], 48)[0] for image in map(read_image, paths)]
    votes = np.zeros((71, 10), np.int64)
    votes[:51, 0], votes[51:, 1] = 10, 10
    targets = np.array([FER2013.index("neutral")] * 51 + [FER2013.index("happiness")] * 20)
    return FaceSet(
        images=np.stack(crops), targets=targets, labels=FER2013, usage=np.full(71, "Training"),
        names=np.arange(71).astype(str), votes=votes,
    )  # fmt: skip


@pytest.mark.exhaustive
def test_only_few_disturbed_neutral_faces_get_another_label(network: OnnxNetwork, faces: FaceSet) -> None:
    decision = network.sidecar.decision
    assert decision is not None
    own = fit_own_neutral(network, decision, faces)
    assert own is not None
    resting = faces.images[is_resting(faces)]
    mean, noise = rest_of_crops(network, resting)
    np.testing.assert_allclose(own.average, mean.mean(axis=0), rtol=1e-6)
    assert own.noise == pytest.approx(float(np.median(noise)))
    copies = np.stack([features(answer_all(network, disturbed(resting, kind, 0))) for kind in range(9)])
    assert 0 < _leaving(own, decision, copies - mean, noise) <= LEAVE
    assert own.bias[0] == 0
    assert own.half_s > 0


def test_too_few_faces_at_rest_fit_nothing(network: OnnxNetwork, faces: FaceSet) -> None:
    decision = network.sidecar.decision
    assert decision is not None
    assert fit_own_neutral(network, decision, faces.take(np.arange(20, 71))) is None


def test_the_first_disturbance_is_none(faces: FaceSet) -> None:
    assert (disturbed(faces.images, 0, 0) == faces.images).all()
    assert all((disturbed(faces.images, kind, 0) != faces.images).any() for kind in range(1, 9))
    assert (disturbed(faces.images, 3, 7) == disturbed(faces.images, 3, 7)).all()
