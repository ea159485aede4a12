"""SHCNN, a shallow network: a reconstruction after Miao, Xu, Han, Zhu (2019).

    Miao, S., Xu, H., Han, Z., & Zhu, Y. (2019). Recognizing facial expressions using a shallow convolutional
    neural network. IEEE Access, 7, 78000-78011. https://doi.org/10.1109/ACCESS.2019.2921220

layer            channels   map at 48 px
conv1 5x5              48             48     each normalised, ReLU, then the maximum of 2x2
conv2 3x3              96             24
conv3 3x3             128             12
dense, normalised, ReLU, dropout      64
logits                           classes

Known, from the paper's abstract: three layers only, so that small sets of faces suffice; one architecture for
photographs (FER2013, FERPlus) and for micro-expressions (CASME, CASME II, SAMM), where the difference between
two frames saves looking at all of them; saliency maps that are improved by a "shrinkage factor", found by
studying how the gradients of earlier saliency maps vanish.

Chosen by us, as the paper's tables are not at hand: kernels, widths (the file stays below 1 MB),
normalisation and dropout, the dense layer. The saliency maps are left out: `mien explain` shows what carried
a label, for any network.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.networks.spec import LabelSpec, answer_by_dense, begin, channel_axis

KERNELS: Final = (5, 3, 3)
"""Sides of the three convolutions."""


class Shcnn(LabelSpec):
    """What a recipe may choose.

    Attributes:
        architecture: its name.
        widths: channels of the three convolutions.
        dense: width of the dense layer behind them.
        dropout: share of its features that is dropped before the answers.
    """

    architecture: Literal["shcnn"] = "shcnn"
    widths: tuple[int, int, int] = (48, 96, 128)
    dense: int = Field(64, ge=8)
    dropout: float = Field(0.3, ge=0, lt=1)

    def build(self, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
        """See `LabelSpec.build`."""
        keras = load_keras()
        layers = keras.layers
        layout = layout or data_format()
        image, x = begin(size_px, layout)
        for number, (channels, side) in enumerate(zip(self.widths, KERNELS, strict=True), start=1):
            name = f"conv{number}"
            x = layers.Conv2D(channels, side, padding="same", use_bias=False, data_format=layout, name=name)(
                x
            )
            x = batch_normalization(f"{name}_bn", axis=channel_axis(layout))(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
            x = layers.MaxPooling2D(2, data_format=layout, name=f"{name}_pool")(x)
        answers = answer_by_dense(
            x, dense=self.dense, dropout=self.dropout, classes=classes, votes=votes, layout=layout
        )
        return keras.Model(image, answers, name="shcnn")
