"""One suite over every network: those that come with Mien, each that a recipe can ask for, and a tiny one.

The tiny one is there so that the suite always runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.expression.network import OnnxNetwork, built_in_networks, find_network, load_network
from mien.expression.reader import ExpressionReader
from mien.expression.sidecar import sidecar_path
from mien.files import sha256_of
from mien.labels import EMOTIONS, standard_label
from mien.types import Faces
from tiny_network import save_tiny

UNTRAINED = ("untrained zhou", "untrained shcnn", "untrained edges", "untrained scep")
NETWORKS = [
    "tiny",
    *(pytest.param(name, marks=pytest.mark.training) for name in UNTRAINED),
    *built_in_networks(),
]


@pytest.fixture(scope="module", params=NETWORKS)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "tiny":
        return save_tiny(tmp_path_factory.mktemp("network"))
    if request.param in UNTRAINED:
        if find_spec("keras") is None:
            pytest.skip("no Keras to make a network with")
        from untrained import save_untrained

        return save_untrained(tmp_path_factory.mktemp("network"), request.param.removeprefix("untrained "))
    return find_network(request.param)


@pytest.fixture(scope="module")
def network(path: Path) -> Iterator[OnnxNetwork]:
    network = load_network(path)
    yield network
    network.close()


def crops(network: OnnxNetwork, count: int = 6) -> NDArray[np.uint8]:
    """Noise of growing contrast: from a plain grey to white and black."""
    side = network.sidecar.size_px
    noise = np.random.default_rng(0).normal(0, 1, (count, side, side))
    contrast = np.linspace(0, 120, count)[:, None, None]
    return (128 + contrast * noise).clip(0, 255).astype(np.uint8)


def test_mien_ships_a_network() -> None:
    if not built_in_networks():
        pytest.skip("no trained network in src/mien/models yet")
    assert all(name == load_network(name).sidecar.name for name in built_in_networks())


def test_the_hash_in_the_sidecar_is_the_files(path: Path, network: OnnxNetwork) -> None:
    assert network.sidecar.sha256 == sha256_of(path)


def test_the_sidecar_tells_what_people_need(network: OnnxNetwork) -> None:
    sidecar = network.sidecar
    assert sidecar.licence
    assert sidecar.parameters > 0
    assert 0.1 < sidecar.temperature < 10
    assert 0 <= sidecar.uncertain_below < 1
    if sidecar.name in built_in_networks():
        assert sidecar.data
        assert all(data.terms for data in sidecar.data)
        assert sidecar.metrics
        assert sidecar.versions


def test_labels_are_known_and_one_output_each(network: OnnxNetwork) -> None:
    labels = [standard_label(label) for label in network.sidecar.labels]
    assert set(labels) <= set(EMOTIONS)
    assert network.answer(crops(network)).logits.shape == (6, len(labels))


def test_logits_are_finite_float32(network: OnnxNetwork) -> None:
    side = network.sidecar.size_px
    extremes = np.stack([np.zeros((side, side), np.uint8), np.full((side, side), 255, np.uint8)])
    for images in (crops(network), extremes):
        logits = network.answer(images).logits
        assert logits.dtype == np.float32
        assert np.isfinite(logits).all()


def test_a_batch_gives_what_single_crops_give(network: OnnxNetwork) -> None:
    images = crops(network)
    single = np.concatenate([network.answer(images[i : i + 1]).logits for i in range(len(images))])
    np.testing.assert_allclose(network.answer(images).logits, single, atol=1e-5)


def test_an_empty_batch_gives_nothing(network: OnnxNetwork) -> None:
    assert network.answer(crops(network)[:0]).logits.shape == (0, len(network.sidecar.labels))


def test_class_maps_are_there_for_no_one_and_many_faces_and_their_means_are_the_logits(
    network: OnnxNetwork,
) -> None:
    if network.class_maps(crops(network)) is None:
        pytest.skip("it has no class maps")
    for count in (0, 1, 6):
        maps = network.class_maps(crops(network)[:count])
        assert maps is not None
        assert maps.shape[:2] == (count, len(network.sidecar.labels))
        if count:
            logits = network.answer(crops(network)[:count]).logits
            np.testing.assert_allclose(maps.mean(axis=(2, 3)), logits, rtol=1e-3, atol=1e-4)


def test_the_same_crops_give_the_same_answer(path: Path, network: OnnxNetwork) -> None:
    first = network.answer(crops(network)).logits
    np.testing.assert_array_equal(network.answer(crops(network)).logits, first)
    np.testing.assert_array_equal(load_network(path).answer(crops(network)).logits, first)


def test_more_threads_give_the_same_answer(path: Path, network: OnnxNetwork) -> None:
    answer = load_network(path, threads=2).answer(crops(network)).logits
    np.testing.assert_allclose(answer, network.answer(crops(network)).logits, atol=1e-5)


def test_crops_are_left_as_they_were_and_need_not_be_contiguous(network: OnnxNetwork) -> None:
    images = crops(network)
    images.flags.writeable = False
    mirrored = images[:, :, ::-1]
    np.testing.assert_array_equal(network.answer(mirrored).logits, network.answer(mirrored.copy()).logits)


def test_the_answer_depends_on_the_picture(network: OnnxNetwork) -> None:
    logits = network.answer(crops(network)).logits
    assert np.ptp(logits, axis=0).max() > 1e-3


def test_it_reads_expressions(network: OnnxNetwork) -> None:
    images = crops(network)
    boxes = np.tile(np.array([[0, 0, 9, 9]], np.float32), (len(images), 1))
    faces = ExpressionReader(network).read(images, Faces(boxes))
    np.testing.assert_allclose(np.nansum(faces.probabilities, axis=1), 1, atol=1e-6)
    assert np.isfinite(faces.valence).all()
    assert np.isfinite(faces.arousal).all()


def test_a_changed_file_is_refused(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes()[:-1] + b"?")
    sidecar_path(copy).write_bytes(sidecar_path(path).read_bytes())
    with pytest.raises(ModelError, match="damaged"):
        load_network(copy)
