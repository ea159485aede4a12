"""A network to work out by hand: its logits are the mean grey value times a row, plus a bias."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien.expression.sidecar import Sidecar, sidecar_path, write_sidecar
from mien.labels import FER2013

SIDE_PX = 16


def weights(labels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The row and the bias: a brighter picture pulls towards later labels."""
    return np.linspace(-0.02, 0.02, labels, dtype=np.float32), np.linspace(1, -1, labels, dtype=np.float32)


def expected_logits(crops: NDArray[np.uint8], labels: int = len(FER2013)) -> NDArray[np.float64]:
    row, bias = weights(labels)
    return crops.mean(axis=(1, 2))[:, None] * row + bias


def tiny_graph(labels: int = len(FER2013), *, side_px: int = SIDE_PX, names: tuple[str, ...] = ()) -> bytes:
    row, bias = weights(labels)
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("Mul", ["column", "row"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", side_px, side_px])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", labels])],
        [
            numpy_helper.from_array(np.array([1], np.int64), "one"),
            numpy_helper.from_array(row[None], "row"),
            numpy_helper.from_array(bias[None], "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if names:
        helper.set_model_props(model, {"labels": ",".join(names)})
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def answers_graph(rows: Mapping[str, NDArray[Any]], *, constant: bool = False) -> bytes:
    """Several outputs: each is its row times the mean grey value, or its row whatever is seen."""
    column, operator = ("zero", "Add") if constant else ("column", "Mul")
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("Sub", ["column", "column"], ["zero"]),
        *(helper.make_node(operator, [column, f"{name}_row"], [name]) for name in rows),
    ]
    graph = helper.make_graph(
        nodes,
        "several",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", SIDE_PX, SIDE_PX])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", len(v)]) for n, v in rows.items()],
        [
            numpy_helper.from_array(np.array([1], np.int64), "one"),
            *(numpy_helper.from_array(v[None].astype(np.float32), f"{n}_row") for n, v in rows.items()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def tiny_sidecar(graph: bytes = b"", **changes: Any) -> Sidecar:
    facts: dict[str, Any] = {
        "name": "tiny",
        "labels": FER2013,
        "input": {"size_px": SIDE_PX},
        "sha256": hashlib.sha256(graph).hexdigest(),
        "parameters": 14,
        "licence": "Apache-2.0",
        "created": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }
    return Sidecar.model_validate(facts | changes)


def save_tiny(folder: Path, graph: bytes | None = None, name: str = "tiny", **changes: Any) -> Path:
    """Write the network and its sidecar; gives the .onnx file."""
    graph = tiny_graph() if graph is None else graph
    path = folder / f"{name}.onnx"
    path.write_bytes(graph)
    write_sidecar(sidecar_path(path), tiny_sidecar(graph, **changes))
    return path
