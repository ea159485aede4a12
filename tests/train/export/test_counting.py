from __future__ import annotations

import pytest

pytest.importorskip("keras")

from mien.train.backend import load_keras
from mien.train.export.to_onnx import halve_weights, multiply_adds, to_onnx

keras = load_keras()
layers = keras.layers


def test_each_layer_by_its_formula() -> None:
    image = keras.Input((10, 12, 1))
    x = layers.Conv2D(6, 3, strides=2, padding="same")(image)  # 5 x 6
    x = layers.SeparableConv2D(8, 3)(x)  # 3 x 4
    x = layers.Conv2D(4, 1, groups=2)(layers.ReLU()(x))
    x = layers.Dense(5)(x)  # on a map
    outputs = layers.Dense(7, name="logits")(layers.Flatten()(x))
    expected = 30 * 9 * 6 + 12 * 9 * 6 + 12 * 6 * 8 + 12 * 4 * 4 + 12 * 4 * 5 + 60 * 7
    graph = to_onnx(keras.Model(image, outputs))
    assert multiply_adds(graph) == expected
    assert multiply_adds(halve_weights(graph)) == expected
