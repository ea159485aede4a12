"""Layers that work on each value for itself: activations, scaling, normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mien.train.onnx_export.graph import Graph, Value
from mien.train.onnx_export.registry import Written, converts, unsupported, weight

ACTIVATIONS = {
    "elu": "Elu",
    "hard_silu": "HardSwish",
    "hard_swish": "HardSwish",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "tanh": "Tanh",
}
"""Keras's activations that are one ONNX operator."""


def activate(graph: Graph, layer: Any, name: str, activation: Any, *, moved: bool) -> str:
    """Add an activation.

    Args:
        graph: grows.
        layer: whose activation it is, for the error.
        name: what goes in.
        activation: Keras's function.
        moved: whether the channels, Keras's last axis, are stored in front.

    Returns:
        The name of what comes out.

    Raises:
        ModelError: there is no way yet to write this activation.
    """
    kind = activation.__name__
    if kind == "linear":
        return name
    if kind in ACTIVATIONS:
        return graph.add(ACTIVATIONS[kind], name)
    if kind == "relu6":
        return graph.add("Clip", name, graph.constant(0.0, "low"), graph.constant(6.0, "high"))
    if kind == "hard_sigmoid":
        return graph.add("HardSigmoid", name, alpha=1 / 6, beta=0.5)
    if kind in ("silu", "swish"):
        return graph.add("Mul", name, graph.add("Sigmoid", name))
    if kind == "leaky_relu":
        return graph.add("LeakyRelu", name, alpha=0.2)
    if kind == "softmax":
        return graph.add("Softmax", name, axis=1 if moved else -1)
    raise unsupported(layer, f"activation {kind}")


@converts("Activation")
def _activation(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    return activate(graph, layer, x.name, layer.activation, moved=x.moved), x.moved


@converts("Softmax")
def _softmax(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    return graph.add("Softmax", x.name, axis=x.stored_axis(layer.axis)), x.moved


@converts("LeakyReLU")
def _leaky_relu(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    return graph.add("LeakyRelu", x.name, alpha=float(layer.negative_slope)), x.moved


@converts("ReLU")
def _relu(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    slope, limit = float(layer.negative_slope or 0), layer.max_value
    if layer.threshold:
        raise unsupported(layer, f"threshold {layer.threshold}")
    if limit is None:
        return (graph.add("LeakyRelu", x.name, alpha=slope) if slope else graph.add("Relu", x.name)), x.moved
    if slope:
        raise unsupported(layer, "negative_slope with max_value")
    low, high = graph.constant(0.0, "low"), graph.constant(float(limit), "high")
    return graph.add("Clip", x.name, low, high), x.moved


def _scaled(graph: Graph, x: Value, scale: ArrayLike, offset: ArrayLike) -> Written:
    """Give x * scale + offset, where scale and offset fit Keras's order of axes."""

    def stored(value: ArrayLike, kind: str) -> str:
        array = np.asarray(value, np.float32)
        if x.moved and array.size > 1:
            array = array.reshape((1,) * (4 - array.ndim) + array.shape).transpose(0, 3, 1, 2)
        return graph.constant(array, kind)

    name = graph.add("Mul", x.name, stored(scale, "scale"))
    return (graph.add("Add", name, stored(offset, "offset")) if np.any(offset) else name), x.moved


@converts("Rescaling")
def _rescaling(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    return _scaled(graph, inputs[0], layer.scale, layer.offset)


@converts("Normalization")
def _normalization(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    mean, deviation = weight(layer.mean), np.sqrt(weight(layer.variance)).clip(min=1e-7)  # as Keras's epsilon
    if layer.invert:
        return _scaled(graph, inputs[0], deviation, mean)
    return _scaled(graph, inputs[0], 1 / deviation, -mean / deviation)


@converts("BatchNormalization")
def _batch_normalization(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    axis = layer.axis % (len(x.shape) + 1)
    if len(x.shape) == 3 and axis == 3:
        name, moved = graph.channels_first(x), True
    elif axis == 1:
        name, moved = graph.plain(x), False
    else:
        raise unsupported(layer, f"axis {layer.axis}")
    size = layer.moving_mean.shape[0]
    parts = {
        "gamma": weight(layer.gamma) if layer.scale else np.ones(size),
        "beta": weight(layer.beta) if layer.center else np.zeros(size),
        "mean": weight(layer.moving_mean),
        "variance": weight(layer.moving_variance),
    }
    names = [graph.constant(array, kind) for kind, array in parts.items()]
    return graph.add("BatchNormalization", name, *names, epsilon=float(layer.epsilon)), moved
