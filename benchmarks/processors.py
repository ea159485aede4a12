"""Whether a network answers alike in 8 and in 32 bits, and on another kind of processor.

    python benchmarks/processors.py network fer2013.parquet --save x86.npz
    python benchmarks/processors.py network fer2013.parquet --like x86.npz    # on the other machine
    python benchmarks/processors.py tables x86/table.csv arm/table.csv

`network` reads a part of FER-2013 with the network as it ships and with its twin in 32 bits: the same
weights, the same limits of every layer, but nothing rounded between layers. Processors differ in how they
round there. `tables` compares two tables that `mien analyze` wrote of the same films.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from mien.expression.network import Network, find_network, load_network
from mien.expression.sidecar import sidecar_path
from mien.files import sha256_of
from mien.train.evaluate.answers import answer_all
from mien.train.evaluate.evaluation import part_of
from mien.train.evaluate.outputs import HeadAnswers, head_for, heads_of, match_labels

CODES = {onnx.TensorProto.UINT8: np.iinfo(np.uint8), onnx.TensorProto.INT8: np.iinfo(np.int8)}


def in_32_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a network's twin: what is rounded to 8 bits between layers is only limited to their range."""
    constants = {each.name: each for each in model.graph.initializer}
    read_by = {name: node for node in model.graph.node for name in node.input}
    nodes, gone = [], set()
    for node in model.graph.node:
        if node.op_type != "QuantizeLinear":
            if node.name not in gone:
                nodes.append(node)
            continue
        back = read_by[node.output[0]]
        if back.op_type != "DequantizeLinear":
            raise SystemExit(f"{node.name}: a {back.op_type} reads its 8 bits")
        zero = constants[node.input[2]]
        codes = CODES[zero.data_type]
        scale = float(numpy_helper.to_array(constants[node.input[1]]))
        ends = [scale * (int(end) - int(numpy_helper.to_array(zero))) for end in (codes.min, codes.max)]
        names = [f"{node.name}/{end}" for end in ("least", "most")]
        for name, end in zip(names, ends, strict=True):
            model.graph.initializer.append(numpy_helper.from_array(np.float32(end), name))
        nodes.append(
            helper.make_node("Clip", [node.input[0], *names], [back.output[0]], f"{node.name}/limit")
        )
        gone.add(back.name)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def twin(name: str, folder: Path) -> Network:
    """Write the twin of a network with its sidecar, and load it as any other."""
    path = find_network(name)
    written = folder / path.name
    onnx.save(in_32_bits(onnx.load(path)), written)
    sidecar = json.loads(sidecar_path(path).read_text("utf-8"))
    sidecar["sha256"] = sha256_of(written)
    sidecar_path(written).write_text(json.dumps(sidecar), "utf-8")
    return load_network(written)


def network(arguments: argparse.Namespace) -> None:
    """Print the accuracy of both, how often they agree, and how far they are from another machine's."""
    loaded = load_network(arguments.network)
    faces = part_of(arguments.data, arguments.split, None, size_px=loaded.sidecar.size_px)
    if arguments.faces:  # an emulated processor takes a second for each
        faces = faces.take(np.linspace(0, len(faces) - 1, arguments.faces).astype(np.int64))
    found: dict[str, HeadAnswers] = {}
    with tempfile.TemporaryDirectory() as folder:
        for bits, each in {"8 bits": loaded, "32 bits": twin(arguments.network, Path(folder))}.items():
            found[bits] = head_for(heads_of(each.sidecar, answer_all(each, faces.images)), faces, None)
    print(f"{platform.machine()}: {len(faces)} faces of {arguments.split}")
    for bits, head in found.items():
        kept, targets, columns = match_labels(faces, head.labels)
        right = (head.among(columns)[kept].argmax(axis=1) == targets).mean()
        print(f"{bits}: {right:.2%} as {head.name} labels them")
    logits = {bits: head.logits for bits, head in found.items()}
    print("8 and 32 bits:", differences(*logits.values()))
    if arguments.save:
        np.savez_compressed(arguments.save, **logits)
    if arguments.like:
        there = np.load(arguments.like)
        for bits, here in logits.items():
            print(f"{bits}, here and there:", differences(here, there[bits]))


def differences(first: NDArray[np.float32], second: NDArray[np.float32]) -> str:
    """Say how often the likeliest label is the same, and how far apart the logits are."""
    same = (first.argmax(1) == second.argmax(1)).mean()
    apart = np.abs(first - second)
    return f"{same:.2%} the same label, logits {apart.mean():.5f} apart on average, {apart.max():.5f} at most"


def tables(arguments: argparse.Namespace) -> None:
    """Print the largest difference of each column of two tables, and exit with 1 above the limit."""
    first, second = (pd.read_csv(path) for path in (arguments.first, arguments.second))
    if list(first) != list(second) or len(first) != len(second):
        raise SystemExit(f"not the same table: {first.shape} and {second.shape}")
    worst = 0.0
    for name in first:
        if pd.api.types.is_numeric_dtype(first[name]):
            apart = np.abs(first[name] - second[name]).fillna(0).max()
            scale = max(1.0, float(np.nanmax(np.abs(first[name]), initial=0)))
            worst = max(worst, apart / scale)
            print(f"{name:28s} {apart:.2e}")
        else:
            differ = (first[name].fillna("") != second[name].fillna("")).sum()
            print(f"{name:28s} {differ} of {len(first)} rows differ")
    print(f"largest, by the column's largest value where that is above 1: {worst:.2e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("network")
    one.add_argument("data", type=Path)
    one.add_argument("--network", default="mien")
    one.add_argument("--split", default="PublicTest")
    one.add_argument("--faces", type=int, help="so many of them, evenly spaced; all if left out")
    one.add_argument("--save", type=Path)
    one.add_argument("--like", type=Path)
    one.set_defaults(run=network)
    two = commands.add_parser("tables")
    two.add_argument("first", type=Path)
    two.add_argument("second", type=Path)
    two.set_defaults(run=tables)
    arguments = parser.parse_args()
    arguments.run(arguments)
