"""An ONNX graph while it grows: nodes, constants, fresh names, and the layout of feature maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import TensorProto, helper, numpy_helper

from mien.errors import ModelError
from mien.train.backend import load_keras

OPSET, IR_VERSION = 18, 8
"""Of 2022, so that older runtimes read the files too."""


@dataclass(frozen=True)
class Value:
    """One Keras tensor inside the graph.

    ONNX knows feature maps as (n, channels, height, width) only. A Keras tensor (n, height, width, channels)
    is stored that way too and called `moved`, so that no copies stand between the layers.

    Attributes:
        name: its name in the graph.
        shape: Keras's shape without the batch.
        moved: whether the channels are stored in front although Keras has them last.
    """

    name: str
    shape: tuple[int, ...]
    moved: bool = False

    def stored_axis(self, axis: int) -> int:
        """Return the place where one of Keras's axes (with the batch, or from the end) is stored."""
        axis %= len(self.shape) + 1
        return (0, 2, 3, 1)[axis] if self.moved else axis


@dataclass
class Graph:
    """Nodes and constants, in the order in which they are added.

    Attributes:
        scope: the layer that is being written; new names begin with it.
    """

    scope: str = "input"
    nodes: list[Any] = field(default_factory=list)
    constants: dict[str, NDArray[Any]] = field(default_factory=dict)
    _taken: Counter[str] = field(default_factory=Counter)

    def fresh(self, kind: str) -> str:
        """Return a name that nothing has yet."""
        name = f"{self.scope}/{kind}"
        self._taken[name] += 1
        return name if self._taken[name] == 1 else f"{name}_{self._taken[name]}"

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; returns the output's name."""
        output = self.fresh(operator)
        self.nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, value: ArrayLike, kind: str = "constant") -> str:
        """Add a constant, float32 unless it is of integers; returns its name."""
        array = np.asarray(value)
        name = self.fresh(kind)
        self.constants[name] = np.ascontiguousarray(
            array.astype(np.int64 if array.dtype.kind in "iu" else np.float32)
        )
        return name

    def plain(self, value: Value) -> str:
        """Return the name under which a value is stored in Keras's own order."""
        return self.add("Transpose", value.name, perm=(0, 2, 3, 1)) if value.moved else value.name

    def channels_first(self, value: Value, data_format: str = "channels_last") -> str:
        """Return the name under which a feature map is stored as (n, channels, height, width)."""
        if data_format == "channels_first":
            return self.plain(value)
        return value.name if value.moved else self.add("Transpose", value.name, perm=(0, 3, 1, 2))

    def fold_normalisations(self) -> None:
        """Put each normalisation that alone follows a convolution into that convolution's weights.

        y = gamma (conv(x) - mean) / sqrt(variance + epsilon) + beta is again a convolution.
        """
        readers = Counter(name for node in self.nodes for name in node.input)
        makers = {node.output[0]: node for node in self.nodes}
        for node in [node for node in self.nodes if node.op_type == "BatchNormalization"]:
            source, *parts = node.input
            if readers[source] == 1 and source in makers and makers[source].op_type == "Conv":
                gamma, beta, mean, variance = (self.constants.pop(name).astype(np.float64) for name in parts)
                scale = gamma / np.sqrt(variance + node.attribute[0].f)
                self._rescale(makers[source], scale, beta - mean * scale)
                makers[source].output[0] = node.output[0]
                makers[node.output[0]] = makers[source]
                self.nodes.remove(node)

    def _rescale(self, convolution: Any, scale: NDArray[Any], offset: NDArray[Any]) -> None:
        kernel = self.constants[convolution.input[1]]
        self.constants[convolution.input[1]] = (kernel * scale.reshape(-1, *[1] * (kernel.ndim - 1))).astype(
            np.float32
        )
        if len(convolution.input) == 2:
            self.scope = convolution.name
            convolution.input.append(self.constant(offset, "bias"))
        else:
            bias = self.constants[convolution.input[2]]
            self.constants[convolution.input[2]] = (bias * scale + offset).astype(np.float32)

    def build(
        self,
        name: str,
        inputs: Mapping[str, tuple[int, Sequence[int]]],
        outputs: Sequence[tuple[str, Sequence[int]]],
    ) -> onnx.ModelProto:
        """Close the graph.

        Args:
            name: the network's name.
            inputs: ONNX's type and the shape, without the batch, of each by its name.
            outputs: name of each float32 output, and its shape without the batch.
        """
        graph = helper.make_graph(
            self.nodes,
            name,
            [
                helper.make_tensor_value_info(key, kind, ["n", *shape])
                for key, (kind, shape) in inputs.items()
            ],
            [
                helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", *shape])
                for output, shape in outputs
            ],
            [numpy_helper.from_array(array, key) for key, array in self.constants.items()],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="mien"
        )
        onnx.checker.check_model(model, full_check=True)
        return model


Written = tuple[str, bool]
"""The name of a layer's output, and whether it is stored `moved`."""

Converter = Callable[[Graph, Any, list[Value]], Written]

CONVERTERS: dict[str, Converter] = {}
"""How to write a layer, by the name of its class."""

TRAINING_ONLY = frozenset(
    {
        "ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "Identity",
        "RandomBrightness", "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip",
        "RandomGaussianBlur", "RandomPerspective", "RandomRotation", "RandomShear", "RandomTranslation",
        "RandomZoom", "SpatialDropout2D",
    }
)  # fmt: skip
"""Layers that do nothing outside of training."""


def converts(*classes: str) -> Callable[[Converter], Converter]:
    """Register a function as the way to write these classes of layers."""

    def register(converter: Converter) -> Converter:
        CONVERTERS.update(dict.fromkeys(classes, converter))
        return converter

    return register


def weight(variable: Any) -> NDArray[np.float32]:
    """Return a layer's weight, or a tensor that it keeps, as an array."""
    return np.asarray(load_keras().ops.convert_to_numpy(getattr(variable, "value", variable)), np.float32)


def unsupported(layer: Any, setting: str) -> ModelError:
    """Make the error for a setting that can't be written."""
    return ModelError(f"cannot export {layer.name} ({type(layer).__name__}): {setting} has no ONNX form here")


def pair(value: Any) -> tuple[int, int]:
    """Return a setting that is one number for both axes, or two, as two."""
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
