"""Edges laid over feature maps: a reconstruction after Zhang, Jolfaei, Alazab (2019).

    Zhang, H., Jolfaei, A., & Alazab, M. (2019). A face emotion recognition method using convolutional neural
    network and image edge computing. IEEE Access, 7, 159081-159089.
    https://doi.org/10.1109/ACCESS.2019.2949741

layer            channels   map at 48 px
conv1 5x5              32             48     each normalised, edges of the image added, ReLU, then the
conv2 3x3              64             24     maximum of 2x2
conv3 3x3             128             12
dense, normalised, ReLU, dropout      64
logits                           classes

Known, from the paper's abstract: the face is normalised; "the edge of each layer of the image is extracted
in the convolution process", and "superimposed on each feature image to preserve the edge structure
information of the texture image"; then the maximum is pooled, and a softmax classifies.

Chosen by us, as the paper's tables are not at hand: kernels, widths, normalisation, dropout and the dense
layer; that the edges are those of the image, shrunk to the map's size by averages of 2x2; that a pixel's
edge is the strongest answer of a bank of fixed kernels, and 0 on the outermost pixels, whose neighbours are
not all there; that it is added to each map before the ReLU with a strength that is learned for each map and
begins at 1.

The switch `edges` is for the ablation: "none", over the "input" only, or over the maps of "every layer".
"""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.networks.spec import LabelSpec, answer_by_dense, begin, channel_axis

KERNELS: Final = (5, 3, 3)
"""Sides of the three convolutions."""

_RING: Final = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
"""The places of a 3x3 kernel around its middle, clockwise."""

_FIRST: Final = {"kirsch": (5, 5, 5, -3, -3, -3, -3, -3), "sobel": (1, 2, 1, 0, -1, -2, -1, 0)}
"""The kernel of each bank that answers to a bright upper side, along the ring."""


def kernels_of(bank: str) -> NDArray[np.float32]:
    """Return a bank of edge kernels: one kernel, turned by 45 degrees seven times.

    Sources: Kirsch (1971), Computer determination of the constituent structure of biological images,
    Computers and Biomedical Research 4(3), 315-328; Sobel and Feldman (1968), a 3x3 isotropic gradient
    operator for image processing.

    Args:
        bank: "kirsch" or "sobel".

    Returns:
        (3, 3, 1, 8), scaled so that the strongest edge between -1 and 1 answers 2.
    """
    first = np.array(_FIRST[bank], np.float32)
    kernels = np.zeros((3, 3, 1, len(_RING)), np.float32)
    for turn in range(len(_RING)):
        for place, (row, column) in enumerate(_RING):
            kernels[row, column, 0, turn] = first[place - turn]
    return np.asarray(kernels / first[first > 0].sum(), np.float32)


class _Bank:
    """Fixed kernels, and the strongest answer of them at each pixel."""

    def __init__(self, bank: str, layout: str) -> None:
        self._layout = layout
        self._kernels = kernels_of(bank)
        self._convolution: Any = None

    def __call__(self, picture: Any, name: str) -> Any:
        """Return the edge map of a picture; both have one channel."""
        layers = load_keras().layers
        first = self._layout == "channels_first"
        height, width = picture.shape[2:] if first else picture.shape[1:3]
        # The strongest of eight maps, in layers that every backend and the exporter know: the maps become the
        # rows (or columns) of one, which is pooled along them.
        height, width = height - 2, width - 2
        flat = (1, 8, height * width) if first else (height * width, 8, 1)
        x = self._convolved(picture)
        x = layers.Reshape(flat, name=f"{name}_bank_flat")(x)
        pool = (8, 1) if first else (1, 8)
        x = layers.MaxPooling2D(pool, data_format=self._layout, name=f"{name}_bank_pool")(x)
        shape = (1, height, width) if first else (height, width, 1)
        x = layers.Reshape(shape, name=f"{name}_bank_inside")(x)
        # Beyond the picture there is nothing that its border could be an edge to.
        return layers.ZeroPadding2D(1, data_format=self._layout, name=f"{name}_bank_map")(x)

    def _convolved(self, picture: Any) -> Any:
        if self._convolution is None:
            self._convolution = load_keras().layers.Conv2D(
                8, 3, use_bias=False, trainable=False, data_format=self._layout, name="bank"
            )
            self._convolution.build(picture.shape)
            self._convolution.set_weights([self._kernels])
        return self._convolution(picture)


class Edges(LabelSpec):
    """What a recipe may choose.

    Attributes:
        architecture: its name.
        edges: where the edges of the image are laid over: nowhere, over the image, or over the feature maps
            of every layer.
        bank: which kernels find them.
        widths: channels of the three convolutions.
        dense: width of the dense layer behind them.
        dropout: share of its features that is dropped before the answers.
    """

    architecture: Literal["edges"] = "edges"
    edges: Literal["none", "input", "every layer"] = "every layer"
    bank: Literal["kirsch", "sobel"] = "kirsch"
    widths: tuple[int, int, int] = (32, 64, 128)
    dense: int = Field(64, ge=8)
    dropout: float = Field(0.3, ge=0, lt=1)

    def build(self, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
        """See `LabelSpec.build`."""
        keras = load_keras()
        layers = keras.layers
        layout = layout or data_format()
        image, picture = begin(size_px, layout)
        bank = _Bank(self.bank, layout)

        def laid_over(x: Any, picture: Any, name: str) -> Any:
            """Add a picture's edges to each of the maps, with its own strength."""
            strength = layers.Conv2D(
                x.shape[channel_axis(layout)], 1, use_bias=False, kernel_initializer="ones",
                data_format=layout, name=f"{name}_strength",
            )  # fmt: skip
            return layers.Add(name=f"{name}_edges")([x, strength(bank(picture, name))])

        x = laid_over(picture, picture, "input") if self.edges == "input" else picture
        for number, (channels, side) in enumerate(zip(self.widths, KERNELS, strict=True), start=1):
            name = f"conv{number}"
            x = layers.Conv2D(channels, side, padding="same", use_bias=False, data_format=layout, name=name)(
                x
            )
            x = batch_normalization(f"{name}_bn", axis=channel_axis(layout))(x)
            if self.edges == "every layer":
                x = laid_over(x, picture, name)
                picture = layers.AveragePooling2D(2, data_format=layout, name=f"{name}_picture")(picture)
            x = layers.ReLU(name=f"{name}_relu")(x)
            x = layers.MaxPooling2D(2, data_format=layout, name=f"{name}_pool")(x)
        answers = answer_by_dense(
            x, dense=self.dense, dropout=self.dropout, classes=classes, votes=votes, layout=layout
        )
        return keras.Model(image, answers, name="edges")
