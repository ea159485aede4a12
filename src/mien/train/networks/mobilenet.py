"""MobileNet v1 (Howard et al. 2017, arXiv:1704.04861), cut short, for small grey faces.

layer            stride   channels
conv1            1 or 2         32
block 1               1         64      a block: depthwise 3x3, pointwise 1x1, each normalised, ReLU6
block 2, 3         2, 1        128
block 4, 5         2, 1        256
block 6 - 11    2, 1...        512
block 12, 13       2, 1       1024
mean over the map, dropout, dense, ReLU, dropout
logits                     classes
votes                            8      in training only: FER+ votes as a second target
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mien.errors import ModelError
from mien.labels import EMOTIONS
from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.networks.spec import HeadsSpec, JointSpec, LabelSpec, add_heads, channel_axis

BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
"""Channels and stride of each block."""

FEATURES = "features"
"""Name of the layer where the backbone ends and the new layers begin."""

Weights = dict[str, NDArray[np.float32]]


class MobileNet(LabelSpec):
    """What a recipe for one label set may choose.

    Attributes:
        architecture: its name.
        last_block: the backbone ends after this block; what stands behind is removed.
        stem_stride: stride of the first convolution; 1 keeps the resolution of small faces.
        weights: start the backbone from ImageNet, from chance, or from the MobileNet in an .onnx file (see
            `recipe.names_network`).
        dense: width of the new dense layer.
        dropout: share of features dropped before each new layer.
    """

    architecture: Literal["mobilenet"] = "mobilenet"
    head_layers: ClassVar[tuple[str, ...]] = ("dropout", "dense", "dense_dropout")
    last_block: int = Field(11, ge=1, le=13)
    stem_stride: Literal[1, 2] = 1
    weights: str = Field("imagenet", pattern=r"^(imagenet|random|.+\.onnx)$")
    dense: int = Field(128, ge=8)
    dropout: float = Field(0.3, ge=0, lt=1)

    @property
    def from_imagenet(self) -> bool:
        """Whether the backbone starts from ImageNet's weights."""
        return self.weights == "imagenet"

    @property
    def from_network(self) -> str | None:
        """The .onnx file that the backbone starts from."""
        return self.weights if self.weights.endswith(".onnx") else None

    def build(self, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
        """See `LabelSpec.build`."""
        keras = load_keras()
        layout = layout or data_format()
        image = keras.Input((size_px, size_px, 1), name="image")
        x = backbone(image, last_block=self.last_block, stem_stride=self.stem_stride, layout=layout)
        x = keras.layers.GlobalAveragePooling2D(data_format=layout, name=FEATURES)(x)
        return keras.Model(image, add_head(x, self, classes=classes, votes=votes), name="mobilenet")


class JointMobileNet(JointSpec):
    """What a recipe of joint training may choose.

    Attributes:
        architecture: its name.
        last_block: the backbone ends after this block.
        stem_stride: stride of the first convolution.
        enlarged_px: side to which the network first enlarges the image; None leaves it as it is.
        weights: start the backbone from ImageNet, or from chance.
        heads: the answers.
    """

    architecture: Literal["mobilenet"] = "mobilenet"
    last_block: int = Field(11, ge=1, le=13)
    stem_stride: Literal[1, 2] = 1
    enlarged_px: int | None = Field(None, ge=48, le=224)
    weights: Literal["imagenet", "random"] = "imagenet"
    heads: HeadsSpec = HeadsSpec()

    @property
    def from_imagenet(self) -> bool:
        """Whether the backbone starts from ImageNet's weights."""
        return self.weights == "imagenet"

    def build(
        self, *, size_px: int, landmarks: bool = True, precision: str = "float32", layout: str | None = None
    ) -> Any:
        """See `JointSpec.build`."""
        keras = load_keras()
        layout = layout or data_format()
        image = keras.Input((size_px, size_px, 1), name="image")
        x = image
        if self.enlarged_px is not None:
            side = self.enlarged_px
            x = keras.layers.Resizing(side, side, data_format="channels_last", name="enlarged")(x)
        x = backbone(
            x, last_block=self.last_block, stem_stride=self.stem_stride, layout=layout, precision=precision
        )
        return keras.Model(
            image, add_heads(x, self.heads, layout=layout, landmarks=landmarks), name="mobilenet"
        )


def backbone(
    image: Any,
    *,
    last_block: int,
    stem_stride: int,
    layout: str,
    precision: str = "float32",
    at_stage_end: Callable[[Any, str], Any] | None = None,
) -> Any:
    """Put MobileNet's blocks on top of an image.

    Args:
        image: float32 (n, size, size, 1) in 0..255.
        last_block: where to stop.
        stem_stride: stride of the first convolution.
        layout: "channels_first" or "channels_last": of the feature maps.
        precision: Keras's name of the type of the feature maps.
        at_stage_end: changes the map of the last block of each size; takes it and a name.

    Returns:
        The last feature map.
    """
    layers = load_keras().layers
    axis = channel_axis(layout)

    def normalised(x: Any, name: str) -> Any:
        x = batch_normalization(f"{name}_bn", axis=axis, dtype=precision)(x)
        return layers.ReLU(6.0, name=f"{name}_relu", dtype=precision)(x)

    def options(name: str) -> dict[str, Any]:
        return {"use_bias": False, "data_format": layout, "name": name, "dtype": precision}

    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    if layout == "channels_first":
        x = layers.Permute((3, 1, 2), name="channels_first")(x)
    x = layers.Conv2D(32, 3, strides=stem_stride, padding="same", **options("conv1"))(x)
    x = normalised(x, "conv1")
    for number, (channels, stride) in enumerate(BLOCKS[:last_block], start=1):
        name = f"conv_dw_{number}"
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", **options(name))(x)
        x = normalised(x, name)
        x = layers.Conv2D(channels, 1, **options(f"conv_pw_{number}"))(x)
        x = normalised(x, f"conv_pw_{number}")
        ends = number == last_block or BLOCKS[number][1] == 2
        if at_stage_end is not None and ends:
            x = at_stage_end(x, f"block{number}")
    return x


def add_head(features: Any, spec: MobileNet, *, classes: int, votes: bool) -> dict[str, Any]:
    """Put the new layers on top of the features; returns the outputs by name."""
    layers = load_keras().layers
    x = layers.Dropout(spec.dropout, name="dropout")(features)
    x = layers.Dense(spec.dense, activation="relu", name="dense")(x)
    x = layers.Dropout(spec.dropout, name="dense_dropout")(x)
    outputs = {"logits": layers.Dense(classes, name="logits")(x)}
    if votes:
        outputs["votes"] = layers.Dense(len(EMOTIONS), name="votes")(x)
    return outputs


def load_imagenet(model: Any, weights: Weights, where: str) -> None:
    """Start the backbone from ImageNet's weights.

    A grey image is the same value in all three channels, so the first kernels are summed over their colours:
    the result is exactly the one that the colour network gives for a grey picture.

    Args:
        model: a network that has it.
        weights: arrays keyed `<keras layer>.<weight>`, with Keras's own layer names.
        where: the file's name, for the error.

    Raises:
        ModelError: a weight is missing or has another shape.
    """
    for layer in model.layers:
        if not layer.name.startswith("conv"):
            continue
        for variable in layer.weights:
            key = f"{layer.name}.{variable.name}"
            # Keras 2 called a depthwise layer's kernel so, Keras 3 calls it "kernel"
            value = weights.get(key, weights.get(f"{layer.name}.depthwise_{variable.name}"))
            if value is None:
                raise ModelError(
                    f"{where}: no weight {key}; expected MobileNet v1 (alpha 1.0) with Keras's layer names"
                )
            if key == "conv1.kernel" and value.ndim == 4:
                value = value.sum(axis=2, keepdims=True)
            if tuple(variable.shape) != value.shape:
                raise ModelError(
                    f"{where}: {key}: expected shape {tuple(variable.shape)}, received {value.shape}"
                )
            variable.assign(value)


def read_imagenet(path: Path | None) -> tuple[Weights, str]:
    """Read ImageNet's weights from a file, or by Keras's own download.

    Args:
        path: an .npz keyed `<keras layer>.<weight>`, or a weights file of `keras.applications.MobileNet`;
            None for Keras's download (from its official address, kept in Keras's cache).

    Returns:
        The arrays, and a name for where they came from.

    Raises:
        ModelError: the file is missing or of another kind, or the download failed.
    """
    if path is not None and path.suffix == ".npz":
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                return {key: file[key].astype(np.float32) for key in file.files}, str(path)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(f"{path}: not a readable .npz of weights ({error})") from error
    return _from_keras(path)


def _from_keras(path: Path | None) -> tuple[Weights, str]:
    keras = load_keras()
    source = str(path) if path else "imagenet"
    try:
        model = keras.applications.MobileNet(include_top=False, weights=source, input_shape=(224, 224, 3))
    except Exception as error:  # Keras raises bare Exception where a download fails
        reason = " ".join(str(error).split())
        raise ModelError(
            f"{path}: not a readable weights file of Keras's MobileNet ({reason})"
            if path
            else f"no ImageNet weights ({reason}): connect to the network once, or give a file with --weights"
        ) from error
    arrays = {
        f"{layer.name}.{variable.name}": keras.ops.convert_to_numpy(variable)
        for layer in model.layers
        for variable in layer.weights
    }
    return arrays, source
