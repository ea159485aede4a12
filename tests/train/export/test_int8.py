from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from mien.train.export.graph import Graph
from mien.train.export.int8 import QuantisationReport, compare, quantise

SIDE_PX = 24
LABELS = 5


def faces(count: int, seed: int) -> NDArray[np.uint8]:
    """Stripes of many angles and widths under noise: pictures on which a network's answers differ."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX]
    angle, width, phase = rng.uniform(0, np.pi, count), rng.uniform(0.3, 2, count), rng.uniform(0, 6, count)
    along = np.cos(angle)[:, None, None] * rows + np.sin(angle)[:, None, None] * columns
    waves = 127 + 90 * np.sin(width[:, None, None] * along + phase[:, None, None])
    return (waves + rng.normal(0, 10, waves.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> bytes:
    """Three convolutions of random weights, as `to_onnx` writes them."""
    rng = np.random.default_rng(0)
    graph = Graph()
    x = graph.add(
        "Unsqueeze", graph.add("Cast", "image", to=TensorProto.FLOAT), graph.constant(np.array([1]))
    )
    x = graph.add("Add", graph.add("Mul", x, graph.constant(1 / 127.5)), graph.constant(-1.0))
    for before, after in ((1, 16), (16, 32), (32, 32)):
        kernel = rng.normal(0, (2 / (9 * before)) ** 0.5, (after, before, 3, 3))
        x = graph.add("Conv", x, graph.constant(kernel), strides=(2, 2), pads=(1, 1, 1, 1))
        x = graph.add("Relu", x)
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    x = graph.add("Gemm", x, graph.constant(rng.normal(0, 1, (32, LABELS))))
    graph.nodes.append(helper.make_node("Identity", [x], ["logits"]))
    model = graph.build("random", {"image": (TensorProto.UINT8, (SIDE_PX, SIDE_PX))}, [("logits", (LABELS,))])
    helper.set_model_props(model, {"name": "random", "labels": "a,b,c,d,e"})
    data: bytes = model.SerializeToString()
    return data


def logits(graph: bytes, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    answer: NDArray[np.float32] = session.run(["logits"], {"image": images})[0]
    return answer


@pytest.fixture(scope="module")
def quantised(network: bytes) -> bytes:
    return quantise(network, faces(100, seed=1))


def test_the_answers_stay_close(network: bytes, quantised: bytes) -> None:
    images = faces(200, seed=2)
    whole, small = logits(network, images), logits(quantised, images)
    assert 0 < np.abs(small - whole).mean() < 0.05 * whole.std()


def test_weights_are_bytes_now(network: bytes, quantised: bytes) -> None:
    assert len(quantised) < 0.6 * len(network)
    kinds = {
        constant.data_type
        for constant in onnx.load_from_string(quantised).graph.initializer
        if len(constant.dims) == 4
    }
    assert kinds == {TensorProto.INT8}


def test_seven_bits_so_that_every_processor_agrees(quantised: bytes) -> None:
    for constant in onnx.load_from_string(quantised).graph.initializer:
        if len(constant.dims) == 4:
            assert np.abs(onnx.numpy_helper.to_array(constant)).max() <= 64


def test_input_output_and_facts_stay(network: bytes, quantised: bytes) -> None:
    before, after = (onnx.load_from_string(data) for data in (network, quantised))
    assert after.graph.input == before.graph.input
    assert [(o.name, o.type.tensor_type.elem_type) for o in after.graph.output] == [
        ("logits", TensorProto.FLOAT)
    ]
    assert {p.key: p.value for p in after.metadata_props} == {"name": "random", "labels": "a,b,c,d,e"}
    assert logits(quantised, faces(3, seed=4)[:0]).shape == (0, LABELS)


def test_the_same_network_gives_the_same_file(network: bytes, quantised: bytes) -> None:
    assert quantise(network, faces(100, seed=1)) == quantised


def test_the_comparison_counts_right_answers(network: bytes, quantised: bytes) -> None:
    images = faces(150, seed=3)
    targets = logits(network, images).argmax(axis=1)
    targets[:30] = (targets[:30] + 1) % LABELS
    report = compare(network, quantised, images, targets, runs=3)
    assert report.accuracy_before == pytest.approx(120 / 150)
    expected = (logits(quantised, images).argmax(axis=1) == targets).mean()
    assert report.accuracy_after == pytest.approx(expected)
    assert (report.bytes_before, report.bytes_after) == (len(network), len(quantised))
    assert report.ms_before > 0
    assert report.ms_after > 0


def test_what_pays() -> None:
    report = QuantisationReport(0.700, 0.696, 2.0, 1.0, 4_000_000, 1_000_000)
    assert report.loss == pytest.approx(0.004)
    assert report.speed_ratio == 2
    assert report.pays
    assert not replace(report, accuracy_after=0.694).pays
    assert not replace(report, ms_after=1.8).pays
    assert replace(report, accuracy_after=0.71).pays
