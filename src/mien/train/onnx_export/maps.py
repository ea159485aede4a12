"""Layers that work on feature maps: convolutions, pooling, padding, resizing."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.train.onnx_export.graph import Graph, Value
from mien.train.onnx_export.registry import CONVERTERS, Written, converts, pair, unsupported, weight
from mien.train.onnx_export.values import activate


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
