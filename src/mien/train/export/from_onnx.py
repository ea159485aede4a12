"""From an exported MobileNet back to Keras, to train on from a network of which only the ONNX file is there.

In the file normalisations are folded into convolutions, and weights may be 8-bit integers. Here they come
apart again, each as training needs it, and together they answer as the file does.
"""

from __future__ import annotations

from math import isqrt
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from mien.errors import ModelError
from mien.expression.network import INPUT, read_graph
from mien.train.backend import load_keras

MEASURED_FACES: Final = 1024
"""So many faces give the normalisations their statistics."""

_BATCH: Final = 64

_Array = NDArray[np.float32]


def restore(model: Any, path: Path, faces: NDArray[np.uint8], *, heads: bool = True) -> None:
    """Put an exported network's weights into a Keras network, which may see the face larger than that one.

    Args:
        model: a MobileNet.
        path: the .onnx file of another, with its sidecar beside it; a deeper one is cut off.
        faces: uint8 (n, size, size) that the network will learn from; 1,024 of them are looked at.
        heads: also the answers' layers; without, the backbone's alone, and the answers begin anew.

    Raises:
        ModelError: the file can't be read, either isn't a MobileNet, or a layer of the file is missing or has
            another shape.
    """
    stored = _stored_weights(path)
    names = {layer.name for layer in model.layers}
    if not {"conv1", "conv_dw_1"} <= stored.keys() & names:
        raise ModelError(
            f"{path}: only a MobileNet can go on from an .onnx file, and only from a MobileNet; received"
            f" another architecture in the {'file' if 'conv1' in names else 'recipe'}"
        )
    normalisations = []
    for layer in model.layers:
        backbone = layer.name.startswith("conv")
        if not layer.weights or layer.name.endswith("_bn") or not (heads or backbone):
            continue
        if layer.name not in stored:
            raise ModelError(f"{path}: {_missing(layer.name, stored)}")
        kernel, bias = stored[layer.name]
        kernel = _as_keras(layer, kernel)
        if layer.name == "landmarks":
            kernel = _on_another_map(kernel, len(stored["places"][1]), layer.kernel.shape[0])
        if kernel.shape != tuple(layer.kernel.shape):
            shapes = f"expected shape {tuple(layer.kernel.shape)}, received {kernel.shape}"
            raise ModelError(f"{path}: {layer.name}: {shapes}; keep to the network that it was trained as")
        if layer.use_bias:
            layer.set_weights([kernel, bias])
        else:
            layer.set_weights([kernel])
            normalisations.append((model.get_layer(f"{layer.name}_bn"), bias))
    looked_at = np.linspace(0, len(faces) - 1, min(len(faces), MEASURED_FACES)).astype(int)
    _unfold(model, normalisations, faces[looked_at])


def _stored_weights(path: Path) -> dict[str, tuple[_Array, _Array]]:
    """Return kernel and bias of each convolution and dense layer, by the layer's name.

    ONNX Runtime brings 8 and 16 bits back to 32 itself: the weights are asked for as outputs.
    """
    graph, sidecar = read_graph(path)
    model = onnx.load_from_string(graph)
    inputs = {
        node.name.split("/")[0]: list(node.input[1:])
        for node in model.graph.node
        if node.op_type in ("Conv", "Gemm") and len(node.input) == 3
    }
    wanted = [name for pair in inputs.values() for name in pair]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    nothing = np.zeros((1, sidecar.size_px, sidecar.size_px), np.uint8)
    arrays = session.run(wanted, {INPUT: nothing}) if wanted else []
    return dict(zip(inputs, zip(arrays[::2], arrays[1::2], strict=True), strict=True))


def _missing(name: str, stored: dict[str, Any]) -> str:
    if not name.startswith("conv"):
        return f"has no layer {name}, which the recipe's network has"
    last = sum(each.startswith("conv_pw_") for each in stored)
    return f"ends after block {last}; last_block in the recipe can't be higher"


def _as_keras(layer: Any, kernel: _Array) -> _Array:
    """Bring a kernel into Keras's order: a convolution's is stored as (out, in / groups, height, width)."""
    if kernel.ndim == 2:
        return kernel
    order = (2, 3, 0, 1) if layer.name.startswith("conv_dw") else (2, 3, 1, 0)
    return np.ascontiguousarray(kernel.transpose(order))


def _on_another_map(kernel: _Array, channels: int, rows: int) -> _Array:
    """Fit the landmarks' kernel, (side * side * channels, numbers), to a map of another side.

    For a map that is an enlarged copy of the former one, it answers as before.
    """
    before, after = isqrt(len(kernel) // channels), isqrt(rows // channels)
    centres = (np.arange(after) + 0.5) * before / after - 0.5
    enlarged = np.stack([np.interp(centres, np.arange(before), one) for one in np.eye(before)], axis=1)
    back = np.linalg.pinv(enlarged)
    whole = kernel.reshape(before, before, channels, -1)
    fitted: _Array = np.einsum("iy,jx,ijcp->yxcp", back, back, whole).astype(np.float32)
    return fitted.reshape(rows, -1)


def _unfold(model: Any, normalisations: list[tuple[Any, _Array]], faces: NDArray[np.uint8]) -> None:
    """Set normalisations that add a bias, and have the statistics of what they normalise.

    With gamma = sqrt(variance + epsilon) and beta = mean + bias the statistics cancel out.
    """

    def put(layer: Any, bias: _Array, mean: NDArray[Any], variance: NDArray[Any]) -> None:
        layer.set_weights([np.sqrt(variance + layer.epsilon), mean + bias, mean, variance])

    for layer, bias in normalisations:
        put(layer, bias, np.zeros_like(bias), np.full_like(bias, 1 - layer.epsilon))
    keras = load_keras()
    before = keras.Model(model.input, {layer.name: layer.input for layer, _ in normalisations})
    sums = {layer.name: np.zeros((2, len(bias))) for layer, bias in normalisations}
    counts = dict.fromkeys(sums, 0)
    for start in range(0, len(faces), _BATCH):
        pictures = faces[start : start + _BATCH, ..., None].astype(np.float32)
        for name, maps in before.predict_on_batch(pictures).items():
            values = np.moveaxis(maps, model.get_layer(name).axis, -1).reshape(-1, sums[name].shape[1])
            values = values.astype(np.float64)
            sums[name] += values.sum(axis=0), (values**2).sum(axis=0)
            counts[name] += len(values)
    for layer, bias in normalisations:
        mean, square = sums[layer.name] / counts[layer.name]
        put(layer, bias, mean, np.maximum(square - mean**2, 0))
