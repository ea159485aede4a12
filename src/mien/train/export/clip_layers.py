"""How the layers of clips' networks are written in ONNX: three axes, channels first, and recurrence."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

from mien.train.export.graph import CONVERTERS, Graph, Value, Written, converts, unsupported, weight
from mien.train.export.layers import activate


def _pads_3d(layer: Any, shape: tuple[int, ...], size: Any, strides: Any) -> list[int]:
    if layer.data_format != "channels_first" or layer.padding not in ("same", "valid"):
        raise unsupported(layer, f"padding {layer.padding} with {layer.data_format}")
    if layer.padding == "valid":
        return [0] * 6
    totals = [
        max((-(-side // stride) - 1) * stride + k - side, 0)
        for side, k, stride in zip(shape[1:], size, strides, strict=True)
    ]
    return [total // 2 for total in totals] + [total - total // 2 for total in totals]


@converts("Conv3D")
def _conv3d(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    kernel = weight(layer.kernel).transpose(4, 3, 0, 1, 2)
    weights = [graph.constant(kernel, "kernel")]
    if layer.use_bias:
        weights.append(graph.constant(weight(layer.bias), "bias"))
    pads = _pads_3d(layer, inputs[0].shape, layer.kernel_size, layer.strides)
    name = graph.add("Conv", inputs[0].name, *weights, strides=layer.strides, pads=pads)
    return activate(graph, layer, name, layer.activation, moved=False), False


def _pooling_3d(operator: str, graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    pads = _pads_3d(layer, inputs[0].shape, layer.pool_size, layer.strides)
    if operator == "AveragePool" and any(pads):
        raise unsupported(layer, 'padding "same", which is another mean on each Keras backend,')
    name = graph.add(operator, inputs[0].name, kernel_shape=layer.pool_size, strides=layer.strides, pads=pads)
    return name, False


CONVERTERS["MaxPooling3D"] = partial(_pooling_3d, "MaxPool")
CONVERTERS["AveragePooling3D"] = partial(_pooling_3d, "AveragePool")


@converts("LSTM")
def _lstm(graph: Graph, layer: Any, inputs: list[Value]) -> Written:
    """The last state of a plain LSTM. Keras's gates are input, forget, cell, output; ONNX's i, o, f, c."""
    cell = layer.cell
    plain = (cell.activation.__name__, cell.recurrent_activation.__name__) == ("tanh", "sigmoid")
    if not plain or layer.return_sequences or layer.go_backwards or layer.stateful or not cell.use_bias:
        raise unsupported(layer, "anything but a plain LSTM's last state")

    def gates(variable: Any) -> NDArray[np.float32]:
        i, f, c, o = np.split(weight(variable), 4, axis=-1)
        return np.concatenate([i, o, f, c], axis=-1).T[None]

    bias = gates(cell.bias)
    constants = [
        graph.constant(gates(cell.kernel), "kernel"),
        graph.constant(gates(cell.recurrent_kernel), "recurrent"),
        graph.constant(np.concatenate([bias, np.zeros_like(bias)], axis=1), "bias"),
    ]
    steps = graph.add("Transpose", graph.plain(inputs[0]), perm=(1, 0, 2))
    state = graph.fresh("state")
    graph.nodes.append(
        helper.make_node("LSTM", [steps, *constants], ["", state], name=state, hidden_size=layer.units)
    )
    return graph.add("Squeeze", state, graph.constant(np.array([0]), "axis")), False
