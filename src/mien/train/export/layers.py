"""How Keras layers are written in ONNX, one function for each kind of layer."""

from __future__ import annotations

from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import ModelError
from mien.train.export.graph import (
    CONVERTERS,
    TRAINING_ONLY,
    Graph,
    Value,
    Written,
    converts,
    pair,
    unsupported,
    weight,
)

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
    """Return x * scale + offset, where scale and offset fit Keras's order of axes."""

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


@converts("Dense")
def _dense(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    kernel = weight(layer.kernel)
    bias = [graph.constant(weight(layer.bias), "bias")] if layer.use_bias else []
    if x.moved:  # on a feature map it is a 1x1 convolution
        name = graph.add("Conv", x.name, graph.constant(kernel.T[..., None, None], "kernel"), *bias)
    elif len(x.shape) == 1:
        name = graph.add("Gemm", x.name, graph.constant(kernel, "kernel"), *bias)
    else:
        name = graph.add("MatMul", x.name, graph.constant(kernel, "kernel"))
        name = graph.add("Add", name, *bias) if bias else name
    return activate(graph, layer, name, layer.activation, moved=x.moved), x.moved


@converts("Flatten")
def _flatten(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    if layer.data_format == "channels_first" and len(x.shape) == 3:  # Keras flattens with the channels last
        return graph.add("Flatten", graph.add("Transpose", graph.plain(x), perm=(0, 2, 3, 1))), False
    return graph.add("Flatten", graph.plain(x)), False


@converts("Reshape")
def _reshape(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    shape = graph.constant(np.array([0, *layer.target_shape]), "shape")  # 0 keeps the batch
    return graph.add("Reshape", graph.plain(inputs[0]), shape), False


@converts("Permute")
def _permute(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    if x.moved and tuple(layer.dims) == (3, 1, 2):
        return x.name, False
    if not x.moved and tuple(layer.dims) == (2, 3, 1):
        return x.name, True
    return graph.add("Transpose", graph.plain(x), perm=(0, *layer.dims)), False


def _merge(operator: str, graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    if len({len(x.shape) for x in inputs}) > 1:
        raise unsupported(layer, "inputs with different numbers of axes")
    names, moved = _alike(graph, inputs)
    return reduce(lambda left, right: graph.add(operator, left, right), names), moved


CONVERTERS["Add"] = partial(_merge, "Add")
CONVERTERS["Multiply"] = partial(_merge, "Mul")
CONVERTERS["Subtract"] = partial(_merge, "Sub")
CONVERTERS["Maximum"] = partial(_merge, "Max")
CONVERTERS["Minimum"] = partial(_merge, "Min")


@converts("Concatenate")
def _concatenate(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    names, moved = _alike(graph, inputs)
    example = Value(names[0], inputs[0].shape, moved)
    return graph.add("Concat", *names, axis=example.stored_axis(layer.axis)), moved


def _alike(graph: Graph, inputs: list[Value]) -> tuple[list[str], bool]:
    """Store all inputs in one order: the channels in front as soon as one has them there."""
    moved = any(x.moved for x in inputs)
    return [graph.channels_first(x) if moved else x.name for x in inputs], moved


def _size_hw(x: Value, layer: Any) -> tuple[int, int]:
    height, width = x.shape[1:] if layer.data_format == "channels_first" else x.shape[:2]
    return height, width


def _pads(layer: Any, x: Value, kernel: Any, strides: Any, dilation: Any = 1) -> list[int]:
    """Top, left, bottom, right. "same" means ceil(size / stride) out, and the odd pixel comes last."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    if layer.padding != "same":
        raise unsupported(layer, f"padding {layer.padding}")
    totals = [
        max((-(-size // stride) - 1) * stride + (k - 1) * d + 1 - size, 0)
        for size, k, stride, d in zip(
            _size_hw(x, layer), pair(kernel), pair(strides), pair(dilation), strict=True
        )
    ]
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


def _convolution(
    graph: Graph, layer: Any, x: Value, kernel: NDArray[np.float32], *, groups: int, bias: Any
) -> str:
    """`kernel` is (out, in / groups, height, width) here."""
    weights = [graph.constant(kernel, "kernel")]
    if bias is not None:
        weights.append(graph.constant(weight(bias), "bias"))
    strides, dilation = pair(layer.strides), pair(layer.dilation_rate)
    return graph.add(
        "Conv",
        graph.channels_first(x, layer.data_format),
        *weights,
        kernel_shape=kernel.shape[2:],
        strides=strides,
        dilations=dilation,
        pads=_pads(layer, x, kernel.shape[2:], strides, dilation),
        group=groups,
    )


@converts("Conv2D")
def _conv2d(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    kernel = weight(layer.kernel).transpose(3, 2, 0, 1)
    bias = layer.bias if layer.use_bias else None
    name = _convolution(graph, layer, inputs[0], kernel, groups=layer.groups, bias=bias)
    moved = layer.data_format == "channels_last"
    return activate(graph, layer, name, layer.activation, moved=moved), moved


def _depthwise_kernel(variable: Any) -> NDArray[np.float32]:
    height, width, channels, multiplier = (kernel := weight(variable)).shape
    return kernel.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)


@converts("DepthwiseConv2D")
def _depthwise_conv2d(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    kernel = _depthwise_kernel(layer.kernel)
    bias = layer.bias if layer.use_bias else None
    name = _convolution(graph, layer, inputs[0], kernel, groups=layer.kernel.shape[2], bias=bias)
    moved = layer.data_format == "channels_last"
    return activate(graph, layer, name, layer.activation, moved=moved), moved


@converts("SeparableConv2D")
def _separable_conv2d(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    depthwise = _depthwise_kernel(layer.depthwise_kernel)
    groups = layer.depthwise_kernel.shape[2]
    name = _convolution(graph, layer, inputs[0], depthwise, groups=groups, bias=None)
    weights = [graph.constant(weight(layer.pointwise_kernel).transpose(3, 2, 0, 1), "pointwise_kernel")]
    if layer.use_bias:
        weights.append(graph.constant(weight(layer.bias), "bias"))
    name = graph.add("Conv", name, *weights, kernel_shape=(1, 1))
    moved = layer.data_format == "channels_last"
    return activate(graph, layer, name, layer.activation, moved=moved), moved


def _pooling(operator: str, graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    [x] = inputs
    size, strides = pair(layer.pool_size), pair(layer.strides)
    pads = _pads(layer, x, size, strides)
    if operator == "AveragePool" and any(pads):
        raise unsupported(layer, 'padding "same", which is another mean on each Keras backend,')
    name = graph.channels_first(x, layer.data_format)
    name = graph.add(operator, name, kernel_shape=size, strides=strides, pads=pads)
    return name, layer.data_format == "channels_last"


def _global_pooling(operator: str, graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    name = graph.add(operator, graph.channels_first(inputs[0], layer.data_format))
    if layer.keepdims:
        return name, layer.data_format == "channels_last"
    return graph.add("Flatten", name), False


CONVERTERS["MaxPooling2D"] = partial(_pooling, "MaxPool")
CONVERTERS["AveragePooling2D"] = partial(_pooling, "AveragePool")
CONVERTERS["GlobalMaxPooling2D"] = partial(_global_pooling, "GlobalMaxPool")
CONVERTERS["GlobalAveragePooling2D"] = partial(_global_pooling, "GlobalAveragePool")


@converts("ZeroPadding2D")
def _zero_padding(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    (top, bottom), (left, right) = layer.padding
    pads = graph.constant(np.array([0, 0, top, left, 0, 0, bottom, right]), "pads")
    name = graph.channels_first(inputs[0], layer.data_format)
    return graph.add("Pad", name, pads), layer.data_format == "channels_last"


@converts("Resizing")
def _resizing(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    if layer.interpolation != "bilinear" or layer.antialias or layer.crop_to_aspect_ratio:
        raise unsupported(layer, "anything but plain bilinear interpolation")
    name = graph.channels_first(inputs[0], layer.data_format)
    size_hw = graph.constant(np.array([layer.height, layer.width]), "size_hw")
    name = graph.add(
        "Resize",
        name,
        "",
        "",
        size_hw,
        axes=[2, 3],
        mode="linear",
        coordinate_transformation_mode="half_pixel",
    )
    return name, layer.data_format == "channels_last"


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
            "use another, or add its form to mien.train.export.layers"
        )
    graph.scope = layer.name
    return converter(graph, layer, inputs)
