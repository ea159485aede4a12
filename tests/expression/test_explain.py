"""Occlusion and class maps: against networks that are known by heart, and with the real one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import pandas as pd
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from mien.errors import ConfigError
from mien.expression.calibration import softmax
from mien.expression.explain import (
    MARKED,
    MappedNetwork,
    explain_crops,
    marked_region,
    occlusion,
    probabilities,
    without,
)
from mien.expression.network import Answers, OnnxNetwork, find_network, load_network
from mien.expression.sidecar import Sidecar
from mien.face.crop import crop_faces
from mien.pipeline import read
from mien.types import Image
from tiny_network import SIDE_PX, expected_logits, tiny_graph, tiny_sidecar

Crops = NDArray[np.uint8]
HALVES = {"left": np.s_[:, :24], "right": np.s_[:, 24:], "top": np.s_[:24], "bottom": np.s_[24:]}
DEEP = {"left": np.s_[:, :12], "right": np.s_[:, 36:], "top": np.s_[:12], "bottom": np.s_[36:]}
"""A patch's side from the other half, and further."""
OTHER = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}


class Looks:
    """Two labels; the first is the likelier, the brighter one place is."""

    def __init__(self, rows: slice, columns: slice) -> None:
        self.sidecar: Sidecar = tiny_sidecar(labels=("happiness", "neutral"))
        self._place = rows, columns

    def answer(self, crops: Crops) -> Answers:
        light = crops[:, *self._place].mean(axis=(1, 2)) / 255
        return Answers(np.column_stack([8 * light - 2, np.zeros(len(crops))]).astype(np.float32))

    def close(self) -> None: ...


class Mapped(Looks):
    """A network whose logits are the means of its class maps."""

    def __init__(self, maps: NDArray[np.float32]) -> None:
        super().__init__(slice(None), slice(None))
        self._maps = maps

    def answer(self, crops: Crops) -> Answers:
        return Answers(np.tile(self._maps.mean(axis=(1, 2)), (len(crops), 1)))

    def class_maps(self, crops: Crops) -> NDArray[np.float32]:
        return np.tile(self._maps, (len(crops), 1, 1, 1))


def noise(count: int = 2, side: int = SIDE_PX) -> Crops:
    return np.random.default_rng(3).integers(0, 120, (count, side, side), np.uint8)


@pytest.fixture(scope="module")
def network() -> OnnxNetwork:
    return load_network("mien")


@pytest.fixture(scope="module")
def crop(portrait: Image) -> Crops:
    return crop_faces(portrait, read(portrait, threads=1), 48)


@pytest.mark.parametrize(("top", "left"), [(0, 0), (0, 8), (8, 0), (6, 5)])
def test_occlusion_finds_the_place_that_a_network_looks_at(top: int, left: int) -> None:
    place = slice(top, top + 6), slice(left, left + 6)
    crops = noise()
    crops[:, *place] = 240
    maps = occlusion(Looks(*place), crops, [0, 0])
    inside = np.zeros((SIDE_PX, SIDE_PX), bool)
    inside[place] = True
    assert maps[:, inside].mean() > 5 * np.abs(maps[:, ~inside]).mean()
    assert all((marked_region(each, 0.1) & inside).sum() == round(0.1 * SIDE_PX**2) for each in maps)


def test_what_speaks_for_one_of_two_labels_speaks_against_the_other() -> None:
    looks, crops = Looks(slice(0, 6), slice(0, 6)), noise()
    np.testing.assert_allclose(occlusion(looks, crops, [0, 0]), -occlusion(looks, crops, [1, 1]), atol=1e-9)


def test_a_pixels_evidence_is_the_mean_fall_over_the_patches_that_cover_it() -> None:
    """Worked out anew, patch by patch, for one pixel."""
    looks, crops = Looks(slice(2, 9), slice(4, 12)), noise(1)
    before, fill, falls = probabilities(looks, crops)[0, 0], np.uint8(round(crops[0].mean())), []
    for y in np.linspace(0, SIDE_PX, 5):
        for x in np.linspace(0, SIDE_PX, 5):
            rows, columns = (slice(max(0, round(at - 3)), round(at + 3)) for at in (y, x))
            if rows.start <= 7 < rows.stop and columns.start <= 5 < columns.stop:
                covered = crops.copy()
                covered[0, rows, columns] = fill
                falls.append(before - probabilities(looks, covered)[0, 0])
    got = occlusion(looks, crops, [0], patch=6 / SIDE_PX, step=0.25)[0, 7, 5]
    assert len(falls) > 1
    assert got == pytest.approx(np.mean(falls), abs=1e-9)


def half_covered(crop: Crops, side: str) -> Crops:
    """Cover one half with the mean of the other, which the patch then has too."""
    covered = crop.copy()
    covered[HALVES[side]] = round(float(crop[HALVES[OTHER[side]]].mean()))
    return covered


@pytest.mark.parametrize("side", HALVES)
def test_a_covered_half_says_nothing(network: OnnxNetwork, crop: Crops, side: str) -> None:
    """Where only patches inside the covered half reach, the map is 0; what is marked lies beyond."""
    covered = half_covered(crop[0], side)[None]
    place = int(probabilities(network, covered)[0].argmax())
    evidence = explain_crops(network, covered, [place]).maps[0]
    deep = np.zeros((48, 48), bool)
    deep[DEEP[side]] = True
    np.testing.assert_allclose(evidence[deep], 0, atol=1e-6)
    assert not marked_region(evidence)[deep].any()


@pytest.mark.exhaustive
def test_over_many_faces_the_map_lies_on_the_half_that_is_not_covered(
    network: OnnxNetwork, shared: Path
) -> None:
    table = pd.read_parquet(shared / "data" / "faces" / "fer2013.parquet", columns=["image", "usage"])
    images = table.image[table.usage == "PublicTest"].iloc[:12]
    faces = [cv2.imdecode(np.frombuffer(image["bytes"], np.uint8), 0) for image in images]
    for side, half in HALVES.items():
        covered = np.stack([half_covered(np.asarray(face, np.uint8), side) for face in faces])
        places = probabilities(network, covered).argmax(axis=1).tolist()
        marked = np.stack([marked_region(each) for each in explain_crops(network, covered, places).maps])
        on_it = np.mean([each[half].sum() / each.sum() for each in marked])
        assert on_it < 0.3, side


def shuffled(seed: int) -> OnnxNetwork:
    """The same network with each tensor's weights in another order."""
    model = onnx.load(find_network("mien"))
    rng = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.size > 1 and (values.dtype.kind == "f" or values.dtype == np.int8):
            tensor.CopyFrom(
                numpy_helper.from_array(rng.permutation(values.ravel()).reshape(values.shape), tensor.name)
            )
    return OnnxNetwork(model.SerializeToString(), load_network("mien").sidecar)


@pytest.mark.exhaustive
def test_shuffled_weights_give_another_map(network: OnnxNetwork, crop: Crops) -> None:
    place = int(probabilities(network, crop)[0].argmax())
    own = explain_crops(network, crop, [place]).maps[0]
    others = [explain_crops(shuffled(seed), crop, [place]).maps[0] for seed in range(4)]
    alike = [abs(np.corrcoef(own.ravel(), other.ravel())[0, 1]) for other in others]
    assert np.mean(alike) < 0.4
    assert all(np.abs(own - other).max() > 0.1 * np.abs(own).max() for other in others)


def test_a_network_that_sees_nothing_gives_a_flat_map_and_marks_nothing() -> None:
    blind = Looks(slice(0, 1), slice(0, 1))
    blind.answer = lambda crops: Answers(np.zeros((len(crops), 2), np.float32))  # type: ignore[method-assign]
    maps = occlusion(blind, noise(), [0, 1])
    np.testing.assert_array_equal(maps, 0)
    assert not marked_region(maps[0]).any()


def test_the_mean_of_the_crop_hides_nothing_from_a_network_that_reads_only_the_mean() -> None:
    network = OnnxNetwork(tiny_graph(), tiny_sidecar())
    grey = np.full((1, SIDE_PX, SIDE_PX), 90, np.uint8)
    np.testing.assert_allclose(occlusion(network, grey, [2]), 0, atol=1e-7)


def test_the_same_again(network: OnnxNetwork, crop: Crops) -> None:
    first, second = (explain_crops(network, crop, [0]).maps for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_no_crops() -> None:
    assert occlusion(Looks(slice(1), slice(1)), noise(0), []).shape == (0, SIDE_PX, SIDE_PX)


def test_class_maps_are_the_first_order_parts_of_the_log_odds() -> None:
    """Against a finite difference: more of the map at one place moves the log-odds as the evidence says."""
    maps = np.random.default_rng(1).normal(0, 2, (3, SIDE_PX, SIDE_PX)).astype(np.float32)
    network = Mapped(maps)
    network.sidecar = tiny_sidecar(labels=("happiness", "neutral", "anger"), temperature=1.7)
    found = explain_crops(network, noise(1), [1])
    assert isinstance(network, MappedNetwork)
    assert found.method == "class maps"

    def log_odds(scaled: NDArray[np.float64]) -> float:
        p = softmax(scaled.mean(axis=(1, 2))[None], 1.7)[0]
        return float(np.log(p[1] / (1 - p[1])))

    small = 1e-4
    for y, x in ((0, 0), (7, 3), (15, 15)):
        more = maps.astype(np.float64)
        more[:, y, x] *= 1 + small
        slope = (log_odds(more) - log_odds(maps.astype(np.float64))) / small
        assert found.maps[0, y, x] / SIDE_PX**2 == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_class_maps_are_brought_to_the_crops_size_and_placed_right() -> None:
    maps = np.zeros((2, 4, 4), np.float32)
    maps[0, 3, 0] = 5
    found = explain_crops(Mapped(maps), noise(1), [0], method="class maps").maps[0]
    assert found.shape == (SIDE_PX, SIDE_PX)
    assert np.unravel_index(found.argmax(), found.shape) >= (12, 0)
    assert marked_region(found, 0.05)[12:, :4].sum() == round(0.05 * SIDE_PX**2)


@pytest.mark.parametrize(("cells", "method"), [(4, "occlusion"), (5, "class maps")])
def test_class_maps_are_taken_where_they_are_fine_enough(cells: int, method: str) -> None:
    maps = np.random.default_rng(0).normal(0, 1, (2, cells, cells)).astype(np.float32)
    assert explain_crops(Mapped(maps), noise(1), [0]).method == method


def test_occlusion_can_be_asked_for_where_there_are_class_maps() -> None:
    found = explain_crops(Mapped(np.ones((2, 9, 9), np.float32)), noise(1), [0], method="occlusion")
    assert found.method == "occlusion"


def test_class_maps_of_a_network_without_them_are_refused(network: OnnxNetwork, crop: Crops) -> None:
    assert network.class_maps(crop) is None
    with pytest.raises(ConfigError, match="network mien has no class maps"):
        explain_crops(network, crop, [0], method="class maps")


def mapped_graph(*, classes_first: bool = True) -> bytes:
    """The tiny network with an output more: maps of 2x2, of which the logits are the means."""
    model = onnx.load_from_string(tiny_graph())
    helper = onnx.helper
    model.graph.node.extend(
        [
            helper.make_node("Unsqueeze", ["logits", "last_axes"], ["small"]),
            helper.make_node("Mul", ["small", "corners"], ["mapped"]),
            helper.make_node(
                "Transpose", ["mapped"], ["maps"], perm=[0, 1, 2, 3] if classes_first else [0, 2, 3, 1]
            ),
        ]
    )
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([2, 3], np.int64), "last_axes"),
            numpy_helper.from_array(np.array([[[[4, 0], [0, 0]]]], np.float32), "corners"),
        ]
    )
    shape = ["n", 7, 2, 2] if classes_first else ["n", 2, 2, 7]
    model.graph.output.append(helper.make_tensor_value_info("maps", onnx.TensorProto.FLOAT, shape))
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def test_a_graph_with_maps_is_explained_by_them() -> None:
    network = OnnxNetwork(mapped_graph(), tiny_sidecar())
    assert network.mismatch() is None
    crops = noise(3)
    maps = network.class_maps(crops)
    assert maps is not None
    np.testing.assert_allclose(maps.mean(axis=(2, 3)), expected_logits(crops), rtol=1e-5)
    assert network.class_maps(crops[:0]) is not None
    found = explain_crops(network, crops, [0, 0, 0], method="class maps")
    assert found.method == "class maps"
    assert np.unravel_index(found.maps[0].argmax(), (SIDE_PX, SIDE_PX)) <= (8, 8)


def test_without_a_region_is_what_the_network_says_of_the_crop_with_it_filled() -> None:
    looks, crops = Looks(slice(0, 6), slice(0, 6)), noise()
    marked = np.zeros(crops.shape, bool)
    marked[1, :6, :6] = True
    filled = crops.copy()
    filled[1, :6, :6] = round(float(crops[1].mean()))
    expected = probabilities(looks, filled)[:, 0]
    np.testing.assert_allclose(without(looks, crops, [0, 0], marked), expected, atol=1e-12)


def test_the_marked_region_has_the_size_asked_for_and_never_speaks_against() -> None:
    evidence = np.random.default_rng(0).normal(0, 1, (48, 48))
    marked = marked_region(evidence)
    assert marked.sum() == round(MARKED * 48 * 48)
    assert evidence[marked].min() >= np.sort(evidence.ravel())[-marked.sum()]
    little = np.where(evidence > 2.5, evidence, -1)
    assert marked_region(little).sum() == (little > 0).sum()
    assert not marked_region(np.full((8, 8), 0.3)).any()


def test_temperature_counts(network: OnnxNetwork, crop: Crops) -> None:
    hot = network.sidecar.model_copy(update={"temperature": 50.0, "decision": None})
    other = load_network("mien")
    other.sidecar = hot
    place = int(probabilities(network, crop)[0].argmax())
    assert np.abs(occlusion(other, crop, [place])).max() < np.abs(occlusion(network, crop, [place])).max()


def test_maps_with_the_classes_last_are_refused() -> None:
    fault = OnnxNetwork(mapped_graph(classes_first=False), tiny_sidecar()).mismatch()
    assert fault == "expected maps of (n, 7, height, width), received ['n', 2, 2, 7]"
