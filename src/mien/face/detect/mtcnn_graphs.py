"""The three nets of Zhang et al. 2016 as ONNX graphs, built in memory from their weights.

"Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", IEEE Signal Processing
Letters 23 (10), 1499-1503, figure 2. Each graph takes `image`, uint8 RGB of shape (n, height, width, 3), and
gives for each window:

- `score`: how likely it shows a face, 0 to 1;
- `offsets`: how far the face's left, top, right and bottom lie from the window's own, in sizes of the window;
- `points` (O-Net only): five x, then five y, from the window's left top corner, in sizes of the window.

P-Net looks at all windows of 12x12 pixels, two pixels apart, of a picture of any size, and gives (n, 1, rows,
columns) and (n, 4, rows, columns). R-Net and O-Net look at one window of 24x24 or 48x48 and give (n, 1),
(n, 4) and (n, 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float32]

_OPSET, _IR_VERSION = 17, 8  # old enough for every ONNX Runtime that Mien allows
_MEAN, _SPREAD = 127.5, 128.0  # the nets were trained on (pixel - 127.5) / 128


def pnet(weights: Sequence[Array]) -> bytes:
    """Build P-Net, which proposes.

    Args:
        weights: as `mtcnn_weights.load_weights` gives them.

    Returns:
        A serialised ONNX model.
    """
    net = _Layers(weights)
    x = net.pool(net.prelu(net.first_convolution()), 2)
    for _ in range(2):
        x = net.prelu(net.convolution(x))
    net.convolution(x, output="offsets")
    kernel, bias = net.take(2)
    margin = net.add("Conv", x, _oihw(_face_margin(kernel)), _face_margin(bias))
    net.add("Sigmoid", margin, output="score")
    return net.model("pnet", side=None, offsets=(4, "rows", "columns"), score=(1, "rows", "columns"))


def rnet(weights: Sequence[Array]) -> bytes:
    """Build R-Net, which refines; arguments and result as in `pnet`."""
    net = _Layers(weights)
    x = net.pool(net.prelu(net.first_convolution()), 3)
    x = net.pool(net.prelu(net.convolution(x)), 3)
    x = net.prelu(net.convolution(x))
    x = net.prelu(net.first_dense(x, side=3))
    net.dense(x, output="offsets")
    net.score(x)
    return net.model("rnet", side=24, offsets=(4,), score=(1,))


def onet(weights: Sequence[Array]) -> bytes:
    """Build O-Net, which decides and sets the landmarks; arguments and result as in `pnet`."""
    net = _Layers(weights)
    x = net.pool(net.prelu(net.first_convolution()), 3)
    x = net.pool(net.prelu(net.convolution(x)), 3)
    x = net.pool(net.prelu(net.convolution(x)), 2)
    x = net.prelu(net.convolution(x))
    x = net.prelu(net.first_dense(x, side=3))
    net.dense(x, output="offsets")
    net.dense(x, output="points")
    net.score(x)
    return net.model("onet", side=48, offsets=(4,), points=(10,), score=(1,))


def _oihw(kernel: Array) -> Array:
    """Turn Keras's (height, width, in, out) into ONNX's (out, in, height, width)."""
    return kernel.transpose(3, 2, 0, 1)


def _face_margin(weights: Array) -> Array:
    """Fold the two classes into one: softmax's second share is the sigmoid of the difference."""
    return weights[..., 1:] - weights[..., :1]


class _Layers:
    """Adds layer after layer to a graph; each takes its weights off the front of the list."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self._weights = iter(weights)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def take(self, count: int) -> list[Array]:
        return [next(self._weights) for _ in range(count)]

    def add(self, kind: str, *inputs: str | Array, output: str | None = None, **attributes: Any) -> str:
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        output = output or f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def _constant(self, value: Array) -> str:
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def first_convolution(self) -> str:
        """Fold the scaling of the pixels into the first layer, which has no padding: fewer steps."""
        kernel, bias = self.take(2)
        pixels = self.add("Transpose", self.add("Cast", "image", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
        shift = kernel.sum(axis=(0, 1, 2)) * (_MEAN / _SPREAD)
        return self.add("Conv", pixels, _oihw(kernel) / _SPREAD, bias - shift)

    def convolution(self, x: str, output: str | None = None) -> str:
        kernel, bias = self.take(2)
        return self.add("Conv", x, _oihw(kernel), bias, output=output)

    def prelu(self, x: str) -> str:
        (slope,) = self.take(1)
        return self.add("PRelu", x, slope.transpose(2, 0, 1) if slope.ndim == 3 else slope)

    def pool(self, x: str, side: int) -> str:
        # Rounding up is the rule of Caffe, in which the nets were trained.
        return self.add("MaxPool", x, kernel_shape=[side, side], strides=[2, 2], ceil_mode=1)

    def first_dense(self, x: str, side: int) -> str:
        """Reorder the rows: the weights expect (width, height, channel), as MATLAB lays a picture out."""
        kernel, bias = self.take(2)
        rows = kernel.reshape(side, side, -1, kernel.shape[1]).transpose(2, 1, 0, 3)
        return self.add("Gemm", self.add("Flatten", x), rows.reshape(kernel.shape), bias)

    def dense(self, x: str, output: str) -> str:
        return self.add("Gemm", x, *self.take(2), output=output)

    def score(self, x: str) -> str:
        kernel, bias = self.take(2)
        margin = self.add("Gemm", x, _face_margin(kernel), _face_margin(bias))
        return self.add("Sigmoid", margin, output="score")

    def model(self, name: str, *, side: int | None, **outputs: tuple[int | str, ...]) -> bytes:
        size = (side, side) if side else ("height", "width")
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, ("n", *size, 3))
        results = [
            helper.make_tensor_value_info(output, TensorProto.FLOAT, ("n", *shape))
            for output, shape in outputs.items()
        ]
        graph = helper.make_graph(self._nodes, name, [image], results, self._constants)
        opset = helper.make_opsetid("", _OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
        serialised: bytes = model.SerializeToString()
        return serialised
