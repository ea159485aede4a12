"""Dense layers, layers that change the shape, and layers that join branches."""

from __future__ import annotations

from functools import partial, reduce
from typing import Any

import numpy as np

from mien.train.onnx_export.graph import Graph, Value
from mien.train.onnx_export.registry import CONVERTERS, Written, converts, unsupported, weight
from mien.train.onnx_export.values import activate


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
