"""From a trained Keras network to the ONNX file that is shipped.

Keras's own export goes through TensorFlow or torch. This one reads the layers' settings and weights alone, so
that it gives the same file on every backend, with the preprocessing, and nothing of training, inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien.errors import ModelError
from mien.processors import usable_cores
from mien.train.export.graph import Graph, Value
from mien.train.export.layers import write_layer

KERAS_LIMIT = 1e-4
"""How far an answer may be from Keras's."""

_SMALL = 1024  # numbers; smaller constants (biases, shapes) stay as they are


def to_onnx(
    model: Any, *, name: str = "network", labels: Sequence[str] = (), outputs: Sequence[str] = ("logits",)
) -> onnx.ModelProto:
    """Write a Keras network as an ONNX graph.

    Args:
        model: a functional `keras.Model` with one input, float (n, height, width, 1) or (n, 1, height,
            width), values 0 to 255; feature maps in any layout.
        name: stored in the graph.
        labels: what the logits mean, in their order; stored in the graph.
        outputs: which outputs to export, by the name of the layer that gives them; what only others need is
            left out. A single output is exported whatever it is called.

    Returns:
        A graph from `image`, uint8 (n, height, width), to float32 outputs of these names, in Keras's
        shapes: (n, k), or (n, ...) for a map.

    Raises:
        ModelError: a layer can't be written, the input is of another kind, an output is missing, or there are
            more or fewer logits than labels.
    """
    graph = Graph()
    height, width, image = _image(graph, model)
    shapes = dict(written(graph, model, [image], outputs))
    if labels and shapes.get("logits", (len(labels),)) != (len(labels),):
        raise ModelError(
            f"{name}: expected {len(labels)} logits ({', '.join(labels)}), received {shapes['logits'][-1]}"
        )
    graph.fold_normalisations()
    exported = graph.build(name, {"image": (TensorProto.UINT8, (height, width))}, list(shapes.items()))
    helper.set_model_props(exported, {"name": name, "labels": ",".join(labels)})
    return exported


def written(
    graph: Graph, model: Any, inputs: Sequence[Value], outputs: Sequence[str]
) -> list[tuple[str, tuple[int, ...]]]:
    """Write what a Keras network's outputs need of it.

    Args:
        graph: grows.
        model: a functional `keras.Model`.
        inputs: what stands in the graph for its inputs.
        outputs: as in `to_onnx`.

    Returns:
        Each output's name and its shape without the batch.

    Raises:
        ModelError: a layer can't be written, or an output is missing.
    """
    walk = _Walk(graph, dict(zip(map(_key, model.inputs), inputs, strict=True)))
    shapes = []
    for output, tensor in _chosen(model, outputs).items():
        value = walk.value(tensor)
        graph.nodes.append(helper.make_node("Identity", [graph.plain(value)], [output], name=output))
        shapes.append((output, value.shape))
    return shapes


def halve_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Store the large weights with 16 bits: half the file, computed with 32 bits all the same.

    ONNX Runtime turns them back once, when it loads the file. Weights are rounded to 11 binary digits, so the
    logits move a little: measure the network again.

    Args:
        model: a graph of `to_onnx`; stays as it is.

    Returns:
        The graph with smaller constants.
    """
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    casts = []
    for constant in halved.graph.initializer:
        array = numpy_helper.to_array(constant)
        if (
            array.dtype == np.float32
            and array.size >= _SMALL
            and np.abs(array).max() < np.finfo(np.float16).max
        ):
            original = constant.name
            constant.CopyFrom(numpy_helper.from_array(array.astype(np.float16), f"{original}_half"))
            casts.append(helper.make_node("Cast", [constant.name], [original], to=TensorProto.FLOAT))
    nodes = [*casts, *halved.graph.node]
    del halved.graph.node[:]
    halved.graph.node.extend(nodes)
    onnx.checker.check_model(halved)
    return halved


def difference_from_keras(
    model: Any, graph: bytes, images: NDArray[np.uint8], *, output: str = "logits"
) -> float:
    """Return the largest difference between the exported network's output and Keras's.

    Args:
        model: the Keras network.
        graph: the exported file's bytes.
        images: uint8 (n, height, width), n at least 1.
        output: which of the outputs.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    received = session.run([output], {"image": images})[0]
    axis = 1 if model.inputs[0].shape[1] == 1 else 3
    answer = model.predict(np.expand_dims(images, axis).astype(np.float32), verbose=0)
    if isinstance(answer, dict):
        answer = answer[output]
    elif isinstance(answer, list):
        answer = answer[model.output_names.index(output)]
    return float(np.abs(received - answer).max())


def check_against_keras(
    model: Any, graph: bytes, images: NDArray[np.uint8], *, outputs: Sequence[str] = ("logits",)
) -> float:
    """Make sure that the exported network answers as Keras does.

    Args:
        model: the Keras network.
        graph: the exported file's bytes.
        images: uint8 (n, height, width), n at least 1.
        outputs: which of the outputs.

    Returns:
        The largest difference of a number of these outputs.

    Raises:
        ModelError: it is above `KERAS_LIMIT`.
    """
    differences = [difference_from_keras(model, graph, images, output=output) for output in outputs]
    difference = float(np.max(differences))  # NaN, too, where one is
    if not difference <= KERAS_LIMIT:
        raise ModelError(
            f"the exported network differs from Keras: expected answers within {KERAS_LIMIT}, "
            f"received a difference of {difference:.3g}; a layer's ONNX form is wrong, please report it"
        )
    return difference


class _Walk:
    """Writes what a tensor needs, from the input on, each layer once."""

    def __init__(self, graph: Graph, known: dict[Any, Value]) -> None:
        self._graph = graph
        self._known = known

    def value(self, tensor: Any) -> Value:
        key = _key(tensor)
        if key not in self._known:
            operation, node_index, tensor_index = tensor._keras_history
            node = operation._inbound_nodes[node_index]
            inputs = [self.value(source) for source in node.input_tensors]
            self._known[key] = self._written(operation, inputs, tensor, tensor_index)
        return self._known[key]

    def _written(self, operation: Any, inputs: list[Value], tensor: Any, tensor_index: int) -> Value:
        if {"Functional", "Sequential"} & {kind.__name__ for kind in type(operation).__mro__}:
            known = dict(zip(map(_key, operation.inputs), inputs, strict=True))
            return _Walk(self._graph, known).value(operation.outputs[tensor_index])
        name, moved = write_layer(self._graph, operation, inputs)
        return Value(name, tuple(tensor.shape[1:]), moved)


def _key(tensor: Any) -> tuple[int, int, int]:
    operation, node_index, tensor_index = tensor._keras_history
    return id(operation), node_index, tensor_index


def _image(graph: Graph, model: Any) -> tuple[int, int, Value]:
    """Begin the graph: the uint8 picture becomes Keras's float input with one channel."""
    shapes = [tuple(tensor.shape)[1:] for tensor in getattr(model, "inputs", None) or []]
    if len(shapes) != 1 or len(shapes[0]) != 3 or None in shapes[0] or 1 not in (shapes[0][0], shapes[0][2]):
        raise ModelError(
            f"cannot export {model.name}: expected a functional model with one input (n, height, width, 1) "
            f"of a fixed size, received {shapes}"
        )
    [shape] = shapes
    last = shape[2] == 1
    name = graph.add("Cast", "image", to=TensorProto.FLOAT)
    name = graph.add("Unsqueeze", name, graph.constant(np.array([1]), "axis"))
    return *(shape[:2] if last else shape[1:]), Value(name, shape, moved=last)


def _chosen(model: Any, outputs: Sequence[str]) -> dict[str, Any]:
    if len(model.outputs) == len(outputs) == 1:
        return {outputs[0]: model.outputs[0]}
    there = dict(zip(model.output_names, model.outputs, strict=True))
    missing = [output for output in outputs if output not in there]
    if missing:
        raise ModelError(
            f"cannot export {model.name}: expected outputs {', '.join(outputs)}, received {', '.join(there)}"
        )
    return {output: there[output] for output in outputs}


_WEIGHED = ("Conv", "Gemm", "MatMul", "QLinearConv", "QLinearMatMul")


def multiply_adds(model: onnx.ModelProto) -> int:
    """Count the multiplications by weights, each with its addition, that one face needs.

    Convolutions and dense layers count, which is nearly all; activations, pooling and sums don't.

    Args:
        model: a graph of `to_onnx`, with 32, 16 or 8 bits.
    """
    shaped = onnx.shape_inference.infer_shapes(model).graph
    shapes = {each.name: _sides(each) for each in (*shaped.value_info, *shaped.output)}
    shapes |= {each.name: list(each.dims) for each in shaped.initializer}
    makers = {name: node for node in shaped.node for name in node.output}
    return sum(_of(node, shapes, makers) for node in shaped.node if node.op_type in _WEIGHED)


def _of(node: onnx.NodeProto, shapes: dict[str, list[int]], makers: dict[str, onnx.NodeProto]) -> int:
    # Between weights and layer may stand what brings 16 or 8 bits back to 32: it leaves the shape alone.
    weights = node.input[3 if node.op_type.startswith("QLinear") else 1]
    while weights not in shapes:
        weights = makers[weights].input[0]
    outputs, kernel = prod(shapes[node.output[0]][1:]), shapes[weights]
    if node.op_type.endswith("Conv"):  # the kernel is (out, in / groups, height, width)
        return outputs * prod(kernel[1:])
    return outputs * kernel[-2]  # (in, out)


def _sides(value: onnx.ValueInfoProto) -> list[int]:
    """Return a value's shape; the batch, which is no number, counts as 1."""
    return [side.dim_value or 1 for side in value.type.tensor_type.shape.dim]
