"""A network of clips to work out by hand: it sees the mean grey of scenes, and weighs bright seconds more."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cli.helpers import save_clip
from mien.videos.sentiment_network import SentimentSidecar

SIDE_PX = 16
LABELS = ("negative", "neutral", "positive")


def tiny_sentiment(folder: Path, **changes: object) -> Path:
    """Write it and its sidecar; the clip's value is the mean grey (-1 to 1), weighed by exp(4 grey)."""
    constants = {
        "axes": np.array([1, 2]), "one": np.array([1]), "zero": np.array([0]), "scale": np.float32(127.5),
        "minus": np.float32(1), "sharp": np.float32(4),
        "row": np.array([[-4, 0, 4]], np.float32), "bias": np.array([0, 1, 0], np.float32),
        "twice": np.array([[1, 0.5]], np.float32),
    }  # fmt: skip
    nodes = [
        ("Cast", ["image"], "float", {"to": TensorProto.FLOAT}),
        ("ReduceMean", ["float", "axes"], "grey", {"keepdims": 0}),
        ("Div", ["grey", "scale"], "scaled", {}),
        ("Sub", ["scaled", "minus"], "centred", {}),
        ("Unsqueeze", ["centred", "one"], "features", {}),
        ("Mul", ["seconds", "sharp"], "sharpened", {}),
        ("Softmax", ["sharpened"], "share", {"axis": 0}),
        ("Squeeze", ["share", "one"], "attention", {}),
        ("Mul", ["share", "seconds"], "weighed", {}),
        ("ReduceSum", ["weighed", "zero"], "clip", {"keepdims": 1}),
    ]
    outputs = {"features": ["n", 1], "attention": ["t"]}
    for source, before, shape in (("clip", "", []), ("seconds", "second_", ["t"])):
        end = "wide_" if not before else ""
        nodes += [
            ("MatMul", [source, "row"], f"{before}rowed", {}),
            ("Add", [f"{before}rowed", "bias"], f"{end}{before}logits", {}),
            ("MatMul", [source, "twice"], f"{end}{before}affect", {}),
        ]
        if end:
            nodes += [("Squeeze", [f"wide_{each}", "zero"], each, {}) for each in ("logits", "affect")]
        outputs |= {f"{before}logits": [*shape, 3], f"{before}affect": [*shape, 2]}
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output], **how) for kind, inputs, output, how in nodes],
        "tiny",
        [
            helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIDE_PX, SIDE_PX]),
            helper.make_tensor_value_info("seconds", TensorProto.FLOAT, ["t", 1]),
        ],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    path = folder / "mine.onnx"
    path.write_bytes(model.SerializeToString())
    facts = {
        "name": "mine", "labels": LABELS, "polarity": LABELS, "input": "scene", "size_px": SIDE_PX,
        "features": 1, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "licence": "none",
        "created": datetime.now(UTC),
    } | changes  # fmt: skip
    path.with_suffix(".json").write_text(SentimentSidecar.model_validate(facts).model_dump_json())
    return path


def film_with_a_bright_second(folder: Path) -> Path:
    """Write a film of six dark seconds, of which the fourth is bright."""

    def grey(value: int) -> NDArray[np.uint8]:
        return np.full((64, 96, 3), value, np.uint8)

    return save_clip(folder / "film.mp4", [grey(230 if 15 <= n < 20 else 40) for n in range(30)], rate_hz=5)
