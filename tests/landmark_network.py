"""A network that finds the same face in every crop: the standard one, turned as asked for, and neutral."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from measures.synthetic import seen
from mien.labels import EMOTIONS, FERPLUS_VOTES
from tiny_network import SIDE_PX, save_tiny


def save_landmark_network(folder: Path, *, yaw: float = 0, pitch: float = 0, roll: float = 0) -> Path:
    """Write the network and its sidecar; gives the .onnx file."""
    shares = seen(yaw=yaw, pitch=pitch, roll=roll, scale=0.5, shift=(0.5, 0.4))
    votes = np.where(np.array(FERPLUS_VOTES) == "neutral", 9.0, 0.0)
    answers = {"votes": votes, "presence": np.array([9.0]), "landmarks": shares.ravel()}
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("Sub", ["column", "column"], ["zero"]),
        *(helper.make_node("Add", ["zero", f"{name}_row"], [name]) for name in answers),
    ]
    graph = helper.make_graph(
        nodes,
        "landmarks",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIDE_PX, SIDE_PX])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", len(v)]) for n, v in answers.items()],
        [
            numpy_helper.from_array(np.array([1], np.int64), "one"),
            *(numpy_helper.from_array(v[None].astype(np.float32), f"{n}_row") for n, v in answers.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return save_tiny(
        folder, model.SerializeToString(), "finds", labels=EMOTIONS, outputs=tuple(answers), presence={}
    )
