"""A small residual network for grey faces (after He et al. 2016, arXiv:1512.03385), with four answers.

layer                stride   channels        map at 48 px
stem 5x5                  2   widths[0]       24
stage 1: blocks           1   widths[1]       24      a block: twice convolution 3x3 and normalisation, ReLU
stage 2: blocks       2, 1..  widths[2]       12      between, added to its input (by a 1x1 convolution where
stage 3: blocks       2, 1..  widths[3]        6      the shape changes), ReLU

Plain 3x3 convolutions, since a processor runs them at several times the multiply-adds a second of depthwise
ones, in training most of all. The answers stand on the last map, see `spec.add_heads`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.networks.spec import HeadsSpec, JointSpec, add_heads, begin, channel_axis


class Residual(JointSpec):
    """What a recipe may choose.

    Attributes:
        architecture: its name.
        widths: channels of the stem and of each stage.
        blocks: residual blocks of each stage.
        heads: the answers.
    """

    architecture: Literal["residual"] = "residual"
    widths: tuple[int, ...] = (48, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 2, 2)
    heads: HeadsSpec = HeadsSpec()

    @model_validator(mode="after")
    def _stages_fit(self) -> Residual:
        if len(self.widths) != len(self.blocks) + 1:
            raise ValueError("expected one width for the stem and one for each stage")
        return self

    def build(
        self, *, size_px: int, landmarks: bool = True, precision: str = "float32", layout: str | None = None
    ) -> Any:
        """See `JointSpec.build`."""
        keras = load_keras()
        layers = keras.layers
        layout = layout or data_format()
        axis = channel_axis(layout)

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

        image, x = begin(size_px, layout)
        x = relu(convolved(x, "stem", self.widths[0], 5, 2), "stem")
        for stage, (channels, blocks) in enumerate(zip(self.widths[1:], self.blocks, strict=True), start=1):
            for number in range(1, blocks + 1):
                stride = 2 if number == 1 and stage > 1 else 1
                x = block(x, f"stage{stage}_{number}", channels, stride)
        return keras.Model(
            image, add_heads(x, self.heads, layout=layout, landmarks=landmarks), name="residual"
        )
