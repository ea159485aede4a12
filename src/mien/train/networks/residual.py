"""A small residual network for grey faces (after He et al. 2016, arXiv:1512.03385), with four answers.

layer                stride   channels        map at 48 px
stem 5x5                  2   widths[0]       24
stage 1: blocks           1   widths[1]       24      a block: twice convolution 3x3 and normalisation, ReLU
stage 2: blocks       2, 1..  widths[2]       12      between, added to its input (by a 1x1 convolution where
stage 3: blocks       2, 1..  widths[3]        6      the shape changes), ReLU

Plain 3x3 convolutions, since a processor runs them at several times the multiply-adds a second of depthwise
ones, in training most of all. The answers stand on the last map, see `heads.py`.
"""

from __future__ import annotations

from typing import Any

from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.joint.recipe import ResidualPart
from mien.train.networks.heads import add_heads


def build(
    part: ResidualPart,
    *,
    size_px: int,
    landmarks: bool = True,
    precision: str = "float32",
    layout: str | None = None,
) -> Any:
    """Build the network, with weights from chance.

    Args:
        part: the recipe's choices.
        size_px: side of the grey input.
        landmarks: whether there is an answer `landmarks`.
        precision: Keras's name of the type of the feature maps; weights and answers are float32.
        layout: "channels_first" or "channels_last" for the feature maps; by default the backend's fast one.

    Returns:
        A functional `keras.Model` from `image`, float32 (n, size, size, 1) in 0..255, to the answers by name.
    """
    keras = load_keras()
    layers = keras.layers
    layout = layout or data_format()
    axis = 1 if layout == "channels_first" else -1

    def normalised(x: Any, name: str) -> Any:
        return batch_normalization(f"{name}_bn", axis=axis, dtype=precision)(x)

    def relu(x: Any, name: str) -> Any:
        return layers.ReLU(name=f"{name}_relu", dtype=precision)(x)

    def convolved(x: Any, name: str, channels: int, side: int, stride: int) -> Any:
        convolution = layers.Conv2D(
            channels, side, strides=stride, padding="same", use_bias=False, data_format=layout, name=name,
            kernel_initializer="he_normal", dtype=precision,
        )  # fmt: skip
        return normalised(convolution(x), name)

    def block(x: Any, name: str, channels: int, stride: int) -> Any:
        y = relu(convolved(x, f"{name}_conv1", channels, 3, stride), f"{name}_conv1")
        y = convolved(y, f"{name}_conv2", channels, 3, 1)
        if stride != 1 or x.shape[axis] != channels:
            x = convolved(x, f"{name}_skip", channels, 1, stride)
        return relu(layers.Add(name=f"{name}_add", dtype=precision)([x, y]), name)

    image = keras.Input((size_px, size_px, 1), name="image")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    if layout == "channels_first":
        x = layers.Permute((3, 1, 2), name="channels_first")(x)
    x = relu(convolved(x, "stem", part.widths[0], 5, 2), "stem")
    for stage, (channels, blocks) in enumerate(zip(part.widths[1:], part.blocks, strict=True), start=1):
        for number in range(1, blocks + 1):
            stride = 2 if number == 1 and stage > 1 else 1
            x = block(x, f"stage{stage}_{number}", channels, stride)
    return keras.Model(image, add_heads(x, part.heads, layout=layout, landmarks=landmarks), name="residual")
