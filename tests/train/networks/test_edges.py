from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import correlate

pytest.importorskip("keras")

from layouts import LAYOUTS
from mien.train.backend import load_keras
from mien.train.fit import prepared
from mien.train.networks.edges import kernels_of
from untrained import SIZE_PX, trained

keras = load_keras()


def edges_by_scipy(picture: np.ndarray, bank: str) -> np.ndarray:
    kernels = kernels_of(bank)[:, :, 0]
    answers = [correlate(picture, kernels[:, :, turn], mode="constant") for turn in range(8)]
    return np.pad(np.max(answers, axis=0)[1:-1, 1:-1], 1)


def layer_of(model: Any, name: str, faces: np.ndarray) -> np.ndarray:
    part = keras.Model(model.input, model.get_layer(name).output)
    return np.asarray(part.predict_on_batch(prepared(faces)))


@pytest.mark.parametrize("bank", ["kirsch", "sobel"])
def test_a_bank_is_one_kernel_turned(bank: str) -> None:
    kernels = kernels_of(bank)[:, :, 0]
    np.testing.assert_allclose(kernels.sum(axis=(0, 1)), 0, atol=1e-6)
    for turn in range(8):
        np.testing.assert_array_equal(np.rot90(kernels[:, :, turn], -1), kernels[:, :, (turn + 2) % 8])
    assert len({kernels[:, :, turn].tobytes() for turn in range(8)}) == 8


def test_kernels_as_they_are_published() -> None:
    kirsch, sobel = (kernels_of(bank)[:, :, 0] for bank in ("kirsch", "sobel"))
    np.testing.assert_allclose(kirsch[:, :, 0] * 15, [[5, 5, 5], [-3, 0, -3], [-3, -3, -3]], rtol=1e-6)
    np.testing.assert_allclose(kirsch[:, :, 1] * 15, [[-3, 5, 5], [-3, 0, 5], [-3, -3, -3]], rtol=1e-6)
    np.testing.assert_allclose(sobel[:, :, 0] * 4, [[1, 2, 1], [0, 0, 0], [-1, -2, -1]], rtol=1e-6)
    np.testing.assert_allclose(sobel[:, :, 1] * 4, [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]], rtol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("variant", "bank", "place"), [("edges", "kirsch", "conv1"), ("edges over the input", "sobel", "input")]
)
def test_the_edge_map_is_the_strongest_answer_of_the_bank(
    variant: str, bank: str, place: str, layout: str
) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (2, SIZE_PX, SIZE_PX), np.uint8)
    found = layer_of(trained(variant, layout=layout), f"{place}_bank_map", faces).reshape(faces.shape)
    expected = np.stack([edges_by_scipy(face / 127.5 - 1.0, bank) for face in faces])
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_picture_without_edges_has_none_at_its_border_either(layout: str) -> None:
    model, face = trained("edges", layout=layout), np.full((1, SIZE_PX, SIZE_PX), 200, np.uint8)
    for place in ("conv1", "conv2", "conv3"):
        np.testing.assert_allclose(layer_of(model, f"{place}_bank_map", face), 0, atol=1e-5)


def test_edges_at_half_the_size_are_those_of_the_averaged_image() -> None:
    faces = np.random.default_rng(0).integers(0, 256, (1, SIZE_PX, SIZE_PX), np.uint8)
    model = trained("edges", layout="channels_last")
    half = (faces[0] / 127.5 - 1).reshape(SIZE_PX // 2, 2, SIZE_PX // 2, 2).mean(axis=(1, 3))
    found = layer_of(model, "conv2_bank_map", faces)[0, :, :, 0]
    np.testing.assert_allclose(found, edges_by_scipy(half, "kirsch"), atol=1e-5)
    assert layer_of(model, "conv3_bank_map", faces).shape == (1, SIZE_PX // 4, SIZE_PX // 4, 1)


def test_they_are_added_to_every_map_with_its_strength() -> None:
    model = trained("edges", layout="channels_last")
    faces = np.random.default_rng(0).integers(0, 256, (2, SIZE_PX, SIZE_PX), np.uint8)
    strength = model.get_layer("conv2_strength").get_weights()[0][0, 0, 0]
    plain, edges, sums = (layer_of(model, f"conv2_{name}", faces) for name in ("bn", "bank_map", "edges"))
    np.testing.assert_allclose(sums, plain + edges * strength, atol=1e-5)
    assert strength.std() > 0


@pytest.mark.parametrize(
    ("variant", "places"),
    [("no edges", []), ("edges over the input", ["input"]), ("edges", ["conv1", "conv2", "conv3"])],
)
def test_the_switch(variant: str, places: list[str]) -> None:
    model = trained(variant)
    added = [layer.name for layer in model.layers if type(layer).__name__ == "Add"]
    assert added == [f"{place}_edges" for place in places]
    assert all("bank" not in variable.path for variable in model.trainable_weights)
    assert sum("bank" in variable.path for variable in model.weights) == (1 if places else 0)
