from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("keras")

from mien.labels import FER2013
from mien.train.export.to_onnx import multiply_adds, to_onnx
from mien.train.export.write import deploy
from mien.train.recipe import read_recipe
from untrained import shaken


def test_it_has_the_weights_of_mini_xception() -> None:
    model = read_recipe("zhou").network.build(size_px=48, classes=7, votes=False)
    assert model.count_params() == 58_423
    learned = sum(int(np.prod(variable.shape)) for variable in model.trainable_weights)
    assert learned == 56_951  # as Arriaga's network, without the statistics


def test_there_is_no_dense_layer_and_the_maps_are_as_the_table_says() -> None:
    model = read_recipe("zhou").network.build(size_px=48, classes=7, votes=True, layout="channels_last")
    assert not any(type(layer).__name__ == "Dense" for layer in model.layers)
    shapes = {"stem1": (46, 46, 8), "stem2": (44, 44, 8), "module1_add": (22, 22, 16)}
    shapes |= {"module2_add": (11, 11, 32), "module3_add": (6, 6, 64), "module4_add": (3, 3, 128)}
    for name, shape in (shapes | {"class_maps": (3, 3, 7)}).items():
        assert model.get_layer(name).output.shape[1:] == shape, name


@pytest.mark.parametrize("size_px", [48, 64])
def test_the_class_maps_in_the_file_are_class_activation_maps(size_px: int) -> None:
    """The identity: the mean of a class's map is its logit."""
    recipe = read_recipe("zhou").model_copy(
        update={"data": read_recipe("zhou").data.model_copy(update={"size_px": size_px})}
    )
    model = shaken(recipe.network.build(size_px=size_px, classes=7, votes=True))
    graph = to_onnx(deploy(model, recipe), labels=FER2013, outputs=("logits", "maps"))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    faces = np.random.default_rng(0).integers(0, 256, (5, size_px, size_px), np.uint8)
    logits, maps = session.run(["logits", "maps"], {"image": faces})
    assert maps.shape == (5, 7, *{48: (3, 3), 64: (4, 4)}[size_px])
    assert maps.std(axis=(2, 3)).min() > 0
    np.testing.assert_allclose(maps.mean(axis=(2, 3)), logits, rtol=1e-4, atol=1e-5)


def test_multiply_adds_are_those_of_the_table() -> None:
    recipe = read_recipe("zhou")
    model = recipe.network.build(size_px=48, classes=7, votes=False)
    expected = 46**2 * 9 * 8 + 44**2 * 9 * 8 * 8
    side, before = 44, 8
    for channels in (16, 32, 64, 128):
        separable = 9 * before + before * channels + 9 * channels + channels**2
        expected += side**2 * separable
        side = -(-side // 2)
        expected += side**2 * before * channels
        before = channels
    expected += side**2 * 9 * 128 * 7
    assert multiply_adds(to_onnx(deploy(model, recipe))) == expected
