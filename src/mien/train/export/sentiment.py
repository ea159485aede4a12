"""A trained network of clips as an ONNX graph: what looks at a picture, and what looks at all seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from mien.errors import ModelError
from mien.train.backend import load_keras
from mien.train.export.graph import IR_VERSION, OPSET, Graph, weight
from mien.train.export.to_onnx import to_onnx
from mien.train.networks.sentiment import ATTENTION, SHARPNESS, Sentiment

_LIMIT = 1e-4


def sentiment_graph(model: Any, spec: Sentiment, *, name: str, size_px: int = 0) -> onnx.ModelProto:
    """Write a network of clips; see `mien.videos.sentiment_network` for its inputs and outputs.

    Args:
        model: what `Sentiment.build` returned, trained.
        spec: that it was built from.
        name: stored in the graph.
        size_px: side of the pictures; 0 where it takes none.
    """
    layer = model.get_layer(ATTENTION)
    nodes, constants, outputs = _of_seconds(layer, spec)
    features, classes = layer.middle.shape[0], layer.logits.shape[1]
    inputs = [helper.make_tensor_value_info("seconds", TensorProto.FLOAT, ["t", features])]
    shapes = {
        "logits": [classes], "affect": [2], "attention": ["t"], "second_logits": ["t", classes],
        "second_affect": ["t", 2],
    }  # fmt: skip
    graph = helper.make_graph(
        nodes, name, inputs,
        [helper.make_tensor_value_info(each, TensorProto.FLOAT, shapes[each]) for each in outputs],
        constants,
    )  # fmt: skip
    opset = [helper.make_opsetid("", OPSET)]
    whole = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="mien")
    if size_px:
        whole = _with_pictures(whole, model, spec, size_px)
    helper.set_model_props(whole, {"name": name})
    onnx.checker.check_model(whole, full_check=True)
    return whole


def _of_seconds(layer: Any, spec: Sentiment) -> tuple[list[Any], list[Any], list[str]]:
    """Write the layer `AttentionInTime` for one clip, all of whose seconds are there."""
    graph = Graph(scope=ATTENTION)
    constant, add = graph.constant, graph.add

    def named(value: str, output: str) -> None:
        graph.nodes.append(helper.make_node("Identity", [value], [output], name=output))

    first, last = constant(np.array([0]), "first"), constant(np.array([1]), "last")
    spread = constant(weight(layer.spread), "spread")
    x = add("Div", add("Sub", "seconds", constant(weight(layer.middle), "middle")), spread)
    off = add("Sub", x, add("ReduceMean", x, first, keepdims=1))
    hidden = add("MatMul", add("Concat", x, off, axis=1), constant(weight(layer.kernel), "kernel"))
    z = add("Tanh", add("Add", hidden, constant(weight(layer.bias), "bias")))
    score = add("MatMul", z, constant(SHARPNESS * weight(layer.score), "score"))
    if spec.pool == "attention":
        score = add("Exp", score)
        count = add(
            "Cast", add("Gather", add("Shape", z), constant(np.array(0), "rows")), to=TensorProto.FLOAT
        )
        even = constant(spec.even, "even")
        total = add("Add", add("ReduceSum", score, first, keepdims=1), even)
        share = add("Div", add("Add", score, add("Div", even, count)), total)
    else:
        raise ModelError(f"cannot export a network that pools by {spec.pool}: it is for comparison only")
    pooled = add("ReduceSum", add("Mul", share, z), first, keepdims=1)
    for source, shape, before in ((pooled, constant(np.array([-1]), "row"), ""), (z, "", "second_")):
        for part in ("logits", "affect"):
            said = add("MatMul", source, constant(weight(getattr(layer, part)), part))
            said = add("Add", said, constant(weight(getattr(layer, f"{part}_bias")), "bias"))
            said = add("Tanh", said) if part == "affect" else said
            named(add("Reshape", said, shape) if shape else said, f"{before}{part}")
    named(add("Squeeze", share, last), "attention")
    constants = [onnx.numpy_helper.from_array(array, key) for key, array in graph.constants.items()]
    return graph.nodes, constants, ["logits", "affect", "attention", "second_logits", "second_affect"]


def _with_pictures(whole: onnx.ModelProto, model: Any, spec: Sentiment, size_px: int) -> onnx.ModelProto:
    """Put what looks at pictures into the same graph: input `image`, output `features`."""
    keras = load_keras()
    plain = spec.encoder(size_px, "channels_last")
    trained = model.get_layer("of_pictures").encoder
    for each in plain.layers:
        if each.weights:
            each.set_weights(trained.get_layer(each.name).get_weights())
    encoder = to_onnx(keras.Model(plain.input, plain.output), name="pictures", outputs=("features",))
    merged = onnx.compose.merge_models(encoder, whole, io_map=[], prefix1="", prefix2="")
    merged.producer_name = "mien"
    return merged
