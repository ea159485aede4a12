"""SCEP, attention for classes and for valence and arousal: a reconstruction after Li et al. (2021).

    Li, B., Ren, H., Jiang, X., Miao, F., Feng, F., & Jin, L. (2021). SCEP: A new image dimensional emotion
    recognition model based on spatial and channel-wise attention mechanisms. IEEE Access, 9.
    https://doi.org/10.1109/ACCESS.2021.3057373

VGG-like backbone   channels   map at 48 px     (`width` 32)
stage 1: 1 conv           32             48     convolutions of 3x3, each normalised, ReLU; behind the stage
stage 2: 1 conv           64             24     attention, then the maximum of 2x2 (not behind the last)
stage 3: 2 convs         128             12
stage 4: 2 convs         256              6
class maps 1x1       classes              6     logits: mean over each map
affect: mean over the feature maps, dense, tanh: valence and arousal

MobileNet's backbone is that of `mobilenet.py`, with attention behind the last block of each size of map.

Known, from the paper's abstract: spatial attention, to set what stands out apart from what does not matter,
and channel-wise weights, to emphasise informative features, inside the layers of a classical network (VGG and
ResNet were compared); the answer is valence and arousal; it is judged by the concordance correlation
coefficient (CCC). The paper judges whole scenes, not faces.

Chosen by us, as the paper's tables are not at hand: channel weights as in squeeze and excitation (Hu et al.
2018, arXiv:1709.01507), then one spatial map of weights by a 3x3 convolution and a sigmoid, in the order of
Woo et al. (2018, arXiv:1807.06521); where they stand; the small VGG; answers for classes beside those for
valence and arousal; the loss, 1 - CCC over a batch, on average of the two. The class maps have the same
identity as those of `zhou.py`.

What it learns of valence and arousal comes from no measurement of a face: no free set of faces with these
ratings was at hand. The targets are the shares of ten people's FER+ votes, put at the published places of the
words in `mien.expression.circumplex`. A figure in CCC says how well a network foretells that, nothing more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from pydantic import Field

from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.networks import mobilenet
from mien.train.networks.spec import LabelSpec, answer_by_maps, begin, channel_axis

STAGES: Final = ((1, 1), (2, 1), (4, 2), (8, 2))
"""Channels, in widths, and convolutions of each stage of the VGG-like backbone."""

AFFECT: Final = "affect"
"""Name of the answer (n, 2): valence and arousal, -1 to 1."""


class Scep(LabelSpec):
    """What a recipe may choose.

    Attributes:
        architecture: its name.
        backbone: what the attention stands on.
        width: channels of the VGG-like backbone's first stage; each later stage has twice as many.
        attention: which kinds there are.
        squeeze: channels for each hidden number of the channel attention.
        last_block: MobileNet ends after this block.
        weights: start MobileNet from ImageNet, or from chance; the VGG-like backbone starts from chance.
        dropout: share of channels dropped before the answers.
        affect_weight: weight of the loss of valence and arousal, against 1 for that of the classes.
    """

    architecture: Literal["scep"] = "scep"
    backbone: Literal["vgg", "mobilenet"] = "vgg"
    width: int = Field(32, ge=4)
    attention: Literal["none", "channel", "spatial", "both"] = "both"
    squeeze: int = Field(8, ge=1)
    last_block: int = Field(11, ge=1, le=13)
    weights: Literal["imagenet", "random"] = "imagenet"
    dropout: float = Field(0.3, ge=0, lt=1)
    affect_weight: float = Field(1.0, ge=0)

    @property
    def from_imagenet(self) -> bool:
        """Whether the backbone starts from ImageNet's weights."""
        return self.backbone == "mobilenet" and self.weights == "imagenet"

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weight of valence and arousal."""
        return {AFFECT: self.affect_weight}

    def build(self, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
        """See `LabelSpec.build`; with votes there is `affect`, too, which is learned from them."""
        keras = load_keras()
        layers = keras.layers
        layout = layout or data_format()

        def attended(x: Any, name: str) -> Any:
            return attend(x, self, layout=layout, name=name)

        if self.backbone == "mobilenet":
            image = keras.Input((size_px, size_px, 1), name="image")
            x = mobilenet.backbone(
                image, last_block=self.last_block, stem_stride=1, layout=layout, at_stage_end=attended
            )
        else:
            image, x = begin(size_px, layout)
            x = vgg(x, self.width, layout=layout, at_stage_end=attended)
        # Whole channels, as a dropout of their means would do.
        x = layers.SpatialDropout2D(self.dropout, data_format=layout, name="dropout")(x)
        answers = answer_by_maps(x, classes=classes, votes=votes, layout=layout, side=1)
        if votes:
            mean = layers.GlobalAveragePooling2D(data_format=layout, name="features")(x)
            answers[AFFECT] = layers.Dense(2, activation="tanh", name=AFFECT)(mean)
        return keras.Model(image, answers, name="scep")


def vgg(x: Any, width: int, *, layout: str, at_stage_end: Callable[[Any, str], Any]) -> Any:
    """Add the VGG-like backbone.

    Args:
        x: the picture in -1 to 1, in this layout.
        width: channels of the first stage.
        layout: of the feature maps.
        at_stage_end: called with a stage's last map and its name, before the maximum; returns what goes on.
    """
    layers = load_keras().layers
    for stage, (widths, convolutions) in enumerate(STAGES, start=1):
        for number in range(1, convolutions + 1):
            name = f"stage{stage}_{number}"
            x = layers.Conv2D(
                widths * width, 3, padding="same", use_bias=False, data_format=layout, name=name,
                kernel_initializer="he_normal",
            )(x)  # fmt: skip
            x = batch_normalization(f"{name}_bn", axis=channel_axis(layout))(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = at_stage_end(x, f"stage{stage}")
        if stage < len(STAGES):
            x = layers.MaxPooling2D(2, data_format=layout, name=f"stage{stage}_pool")(x)
    return x


def attend(x: Any, spec: Scep, *, layout: str, name: str) -> Any:
    """Weigh a feature map: its channels, then its places; each by weights from 0 to 1.

    Args:
        x: the feature map.
        spec: which kinds of attention there are.
        layout: of the map.
        name: the layers' names begin with it.
    """
    layers = load_keras().layers
    channels = x.shape[channel_axis(layout)]
    if spec.attention in ("channel", "both"):
        mean = layers.GlobalAveragePooling2D(keepdims=True, data_format=layout, name=f"{name}_squeeze")(x)
        hidden = layers.Conv2D(
            max(1, channels // spec.squeeze), 1, activation="relu", data_format=layout, name=f"{name}_excite1"
        )(mean)
        weights = layers.Conv2D(
            channels, 1, activation="sigmoid", data_format=layout, name=f"{name}_excite2"
        )(hidden)
        x = layers.Multiply(name=f"{name}_channels")([x, weights])
    if spec.attention in ("spatial", "both"):
        places = layers.Conv2D(
            1, 3, padding="same", activation="sigmoid", data_format=layout, name=f"{name}_where"
        )(x)
        x = layers.Multiply(name=f"{name}_places")([x, places])
    return x
