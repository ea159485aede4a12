"""How each Keras layer is written in ONNX.

A layer's function takes the graph, the layer and its inputs, adds nodes, and gives the name of its output and
whether that is stored `moved` (see `graph.Value`). It is found by the name of the layer's class, or else of a
class above it. To export another layer, write its function in one of the modules beside:

    @converts("Cube")
    def _cube(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
        [x] = inputs
        return graph.add("Pow", x.name, graph.constant(3.0)), x.moved
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.train.backend import load_keras
from mien.train.onnx_export.graph import Graph, Value

Written = tuple[str, bool]
"""The name of a layer's output, and whether it is stored `moved`."""

Converter = Callable[[Graph, Any, list[Value]], Written]

CONVERTERS: dict[str, Converter] = {}
"""How to write a layer, by the name of its class."""

TRAINING_ONLY = frozenset(
    {
        "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity",
        "RandomBrightness", "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip",
        "RandomGaussianBlur", "RandomPerspective", "RandomRotation", "RandomShear", "RandomTranslation",
        "RandomZoom", "SpatialDropout2D",
    }
)  # fmt: skip
"""Layers that do nothing outside of training."""


def converts(*classes: str) -> Callable[[Converter], Converter]:
    """Register a function as the way to write these classes of layers."""

    def register(converter: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(classes, converter))
        return converter

    return register


def write_layer(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    """Add a layer's nodes to the graph.

    Args:
        graph: grows.
        layer: a Keras layer.
        inputs: its inputs.

    Raises:
        ModelError: there is no way yet to write this kind of layer, or these settings of it.
    """
    classes = [kind.__name__ for kind in type(layer).__mro__] if hasattr(layer, "add_weight") else []
    if not TRAINING_ONLY.isdisjoint(classes):
        return inputs[0].name, inputs[0].moved
    converter = next((CONVERTERS[name] for name in classes if name in CONVERTERS), None)
    if converter is None:
        what = "layer" if classes else "operation without a layer"
        raise ModelError(
            f"cannot export {layer.name}: no ONNX form for the {what} {type(layer).__name__}; "
            "use another, or add its form to mien.train.onnx_export"
        )
    graph.scope = layer.name
    return converter(graph, layer, inputs)


def weight(variable: Any) -> NDArray[np.float32]:
    """Give a layer's weight, or a tensor that it keeps, as an array."""
    return np.asarray(load_keras().ops.convert_to_numpy(getattr(variable, "value", variable)), np.float32)


def unsupported(layer: Any, setting: str) -> ModelError:
    """Make the error for a setting that can't be written."""
    return ModelError(f"cannot export {layer.name} ({type(layer).__name__}): {setting} has no ONNX form here")


def pair(value: Any) -> tuple[int, int]:
    """Give a setting that is one number for both axes, or two, as two."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
