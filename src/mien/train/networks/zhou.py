"""mini-XCEPTION, the network of Zhou, Liang, Shi (2021), for small grey faces.

    Zhou, N., Liang, R., & Shi, W. (2021). A lightweight convolutional neural network for real-time facial
    expression detection. IEEE Access, 9.
    Arriaga, O., Valdenegro-Toro, M., & Plöger, P. (2017). Real-time convolutional neural networks for emotion
    and gender classification. arXiv:1710.07557 (the table below is their published network's).

layer                        stride   channels   map at 48 px
conv1 3x3, no border              1          8             46
conv2 3x3, no border              1          8             44
module 1                          2         16             22     a module: twice separable 3x3 and
module 2                          2         32             11     normalisation, ReLU between, maximum of
module 3                          2         64              6     3x3; added to a 1x1 convolution of its
module 4                          2        128              3     input, normalised
class maps 3x3                    1    classes              3
logits: mean over each map             classes              1

58,423 weights for seven classes, statistics of the normalisations included. That Zhou's network is this one
is concluded from its size on disk and its description (behind MTCNN; no dense layer, global average pooling,
residual modules of depthwise separable convolutions). Arriaga's published network takes 64x64 pixels.

Since each logit is the mean of its class's map, the maps are the network's class activation maps (Zhou, B.,
et al. 2016, arXiv:1512.04150), with nothing to compute; the exported file gives them as `maps`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.networks.spec import LabelSpec, answer_by_maps, begin, channel_axis

STEM: Final = (8, 8)
"""Channels of the first convolutions."""

MODULES: Final = (16, 32, 64, 128)
"""Channels of the residual modules."""


class Zhou(LabelSpec):
    """The network is always the same: there is nothing to choose."""

    architecture: Literal["zhou"] = "zhou"

    def build(self, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
        """See `LabelSpec.build`."""
        keras = load_keras()
        layers = keras.layers
        layout = layout or data_format()
        axis = channel_axis(layout)

        def normalised(x: Any, name: str) -> Any:
            return batch_normalization(f"{name}_bn", axis=axis)(x)

        def relu(x: Any, name: str) -> Any:
            return layers.ReLU(name=f"{name}_relu")(x)

        def separable(x: Any, name: str, channels: int) -> Any:
            convolution = layers.SeparableConv2D(
                channels, 3, padding="same", use_bias=False, data_format=layout, name=name
            )
            return normalised(convolution(x), name)

        def module(x: Any, name: str, channels: int) -> Any:
            skip = layers.Conv2D(
                channels,
                1,
                strides=2,
                padding="same",
                use_bias=False,
                data_format=layout,
                name=f"{name}_skip",
            )
            y = relu(separable(x, f"{name}_conv1", channels), f"{name}_conv1")
            y = separable(y, f"{name}_conv2", channels)
            y = layers.MaxPooling2D(3, strides=2, padding="same", data_format=layout, name=f"{name}_pool")(y)
            return layers.Add(name=f"{name}_add")([normalised(skip(x), f"{name}_skip"), y])

        image, x = begin(size_px, layout)
        for number, channels in enumerate(STEM, start=1):
            name = f"stem{number}"
            x = layers.Conv2D(channels, 3, use_bias=False, data_format=layout, name=name)(x)
            x = relu(normalised(x, name), name)
        for number, channels in enumerate(MODULES, start=1):
            x = module(x, f"module{number}", channels)
        answers = answer_by_maps(x, classes=classes, votes=votes, layout=layout, side=3)
        return keras.Model(image, answers, name="zhou")
