"""Networks side by side: what they get right, how large they are, how long one face takes.

    python benchmarks/networks.py mien runs/mien-mobilenet/mien-mobilenet.onnx --flips
    python benchmarks/networks.py mien paper --split PublicTest

It needs `faces/fer2013.parquet` and `faces/landmarks68.npz` in the shared data. Multiply-adds are those of
convolutions and products of matrices, counted in the ONNX graph. Times are the fastest of a hundred runs
on one core, the networks by turns.
"""

from __future__ import annotations

import argparse
import os
from importlib.resources import files
from math import prod
from pathlib import Path

import numpy as np
import onnx
from rich.console import Console
from rich.table import Table

from mien.expression.network import load_network
from mien.train.evaluation.evaluate import Evaluation, evaluate
from mien.train.quantise import fastest_ms

SIDE_BY_SIDE = {
    "right, 7 classes": "7 classes",
    "right, the paper's 5 classes": "5 classes",
    "FER+, its rule": "FER+ rule",
    "FER+, all": "FER+ all",
    "KL from the votes": "KL",
    "right among the surest 80 %, FER+, all": "surest 80 %",
    "landmarks, median error": "landmarks",
}
CONVOLUTIONS = ("Conv", "QLinearConv", "ConvInteger")
PRODUCTS = ("Gemm", "MatMul", "QLinearMatMul", "MatMulInteger")

console = Console(width=150)


def main() -> None:
    parser = argparse.ArgumentParser(description="Networks side by side.")
    parser.add_argument("networks", nargs="+", help="built-in names or .onnx files")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--split", default="PublicTest")
    parser.add_argument("--flips", action="store_true", help="average each face and its mirror image")
    chosen = parser.parse_args()
    paths = [path_of(name) for name in chosen.networks]
    faces = chosen.shared / "data" / "faces"
    found = [measured(path, faces, split=chosen.split, flips=chosen.flips) for path in paths]
    side_px = load_network(paths[0]).sidecar.size_px
    times_ms = fastest_ms(
        [path.read_bytes() for path in paths], np.zeros((1, side_px, side_px), np.uint8), threads=1
    )
    columns = dict.fromkeys(SIDE_BY_SIDE.values())
    table = Table("network", *columns, "weights", "multiply-adds", "MB", "ms")
    for path, figures, time_ms in zip(paths, found, times_ms, strict=True):
        table.add_row(
            path.stem, *(figures.get(column, "-") for column in columns),
            f"{load_network(path).sidecar.parameters / 1e6:.2f} M", f"{multiply_adds(path) / 1e6:.0f} M",
            f"{path.stat().st_size / 1e6:.1f}", f"{time_ms:.2f}",
        )  # fmt: skip
    console.print(table)


def path_of(name: str) -> Path:
    """Find a built-in network's file, or take the path as it is."""
    built_in = Path(str(files("mien.models") / f"{name}.onnx"))
    return built_in if built_in.is_file() else Path(name)


def measured(path: Path, faces: Path, *, split: str, flips: bool) -> dict[str, str]:
    """Give a network's figures as text, by column."""
    network = load_network(path, threads=os.cpu_count() or 1)
    landmarks = faces / "landmarks68.npz" if network.sidecar.finds_landmarks else None
    data = faces / "fer2013.parquet"
    found: Evaluation = evaluate(network, data, split=split, landmarks=landmarks, flips=flips)
    # A figure's name ends with the answer that it judges: "right, 7 classes (fer2013)".
    shown = {figure.name.partition(" (")[0]: figure.shown(figure.value) for figure in found.figures}
    return {SIDE_BY_SIDE[name]: text for name, text in shown.items() if name in SIDE_BY_SIDE}


def multiply_adds(path: Path) -> int:
    """Count the multiply-adds that one face takes in convolutions and matrix products."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    shapes = {value.name: shape_of(value) for value in (*graph.value_info, *graph.output, *graph.input)}
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    known = {out: node for node in graph.node for out in node.output}
    total = 0
    for node in graph.node:
        if node.op_type in CONVOLUTIONS + PRODUCTS:
            weights = weights_of(node, shapes, known)
            out = shapes[node.output[0]]
            if node.op_type in CONVOLUTIONS:
                total += prod(out[2:]) * prod(weights)
            else:
                total += prod(weights)
    return total


def shape_of(value: onnx.ValueInfoProto) -> list[int]:
    """Give a tensor's shape, with 1 for the number of faces."""
    return [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]


def weights_of(
    node: onnx.NodeProto, shapes: dict[str, list[int]], known: dict[str, onnx.NodeProto]
) -> list[int]:
    """Give the shape of a node's weights; behind a DequantizeLinear or Cast stand those of 8 or 16 bits."""
    name = node.input[3] if node.op_type.startswith("QLinear") else node.input[1]
    while name not in shapes and name in known:
        name = known[name].input[0]
    return shapes[name]


if __name__ == "__main__":
    main()
