"""SCEP, attention for classes and for valence and arousal: a reconstruction after Li et al. (2021).

    Li, B., Ren, H., Jiang, X., Miao, F., Feng, F., & Jin, L. (2021). SCEP: A new image dimensional emotion
    recognition model based on spatial and channel-wise attention mechanisms. IEEE Access, 9.
    https://doi.org/10.1109/ACCESS.2021.3057373

VGG-like backbone   channels   map at 48 px
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

from typing import Any, Final

from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.network_parts import ScepPart
from mien.train.networks import mobilenet
from mien.train.networks.parts import answer_by_maps, begin, channel_axis

STAGES: Final = ((32, 1), (64, 1), (128, 2), (256, 2))
"""Channels and convolutions of each stage of the VGG-like backbone."""

AFFECT: Final = "affect"
"""Name of the answer (n, 2): valence and arousal, -1 to 1."""


def build(part: ScepPart, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
    """Build the network, with weights from chance.

    Args:
        part: the recipe's choices.
        size_px: side of the grey input.
        classes: outputs of the layer `logits`.
        votes: add the outputs `votes`, for the second target, and `affect`, which is learned from votes.
        layout: "channels_first" or "channels_last" for the feature maps; by default the backend's fast one.

    Returns:
        A functional `keras.Model` from `image`, float32 (n, size, size, 1) in 0..255, to a dictionary of
        outputs; the layer `class_maps` holds the map of each class.
    """
    keras = load_keras()
    layers = keras.layers
    layout = layout or data_format()

    def attended(x: Any, name: str) -> Any:
        return attend(x, part, layout=layout, name=name)

    if part.backbone == "mobilenet":
        image = keras.Input((size_px, size_px, 1), name="image")
        x = mobilenet.backbone(
            image, last_block=part.last_block, stem_stride=1, layout=layout, at_stage_end=attended
        )
    else:
        image, x = begin(size_px, layout)
        x = _vgg(x, layout, attended)
    # Whole channels, as a dropout of their means would do.
    x = layers.SpatialDropout2D(part.dropout, data_format=layout, name="dropout")(x)
    answers = answer_by_maps(x, classes=classes, votes=votes, layout=layout, side=1)
    if votes:
        mean = layers.GlobalAveragePooling2D(data_format=layout, name="features")(x)
        answers[AFFECT] = layers.Dense(2, activation="tanh", name=AFFECT)(mean)
    return keras.Model(image, answers, name="scep")


def _vgg(x: Any, layout: str, attended: Any) -> Any:
    layers = load_keras().layers
    for stage, (channels, convolutions) in enumerate(STAGES, start=1):
        for number in range(1, convolutions + 1):
            name = f"stage{stage}_{number}"
            x = layers.Conv2D(
                channels, 3, padding="same", use_bias=False, data_format=layout, name=name,
                kernel_initializer="he_normal",
            )(x)  # fmt: skip
            x = batch_normalization(f"{name}_bn", axis=channel_axis(layout))(x)
            x = layers.ReLU(name=f"{name}_relu")(x)
        x = attended(x, f"stage{stage}")
        if stage < len(STAGES):
            x = layers.MaxPooling2D(2, data_format=layout, name=f"stage{stage}_pool")(x)
    return x


def attend(x: Any, part: ScepPart, *, layout: str, name: str) -> Any:
    """Weigh a feature map: its channels, then its places; each by weights from 0 to 1.

    Args:
        x: the feature map.
        part: which kinds of attention there are.
        layout: of the map.
        name: the layers' names begin with it.
    """
    layers = load_keras().layers
    channels = x.shape[channel_axis(layout)]
    if part.attention in ("channel", "both"):
        mean = layers.GlobalAveragePooling2D(keepdims=True, data_format=layout, name=f"{name}_squeeze")(x)
        hidden = layers.Conv2D(
            max(1, channels // part.squeeze), 1, activation="relu", data_format=layout, name=f"{name}_excite1"
        )(mean)
        weights = layers.Conv2D(
            channels, 1, activation="sigmoid", data_format=layout, name=f"{name}_excite2"
        )(hidden)
        x = layers.Multiply(name=f"{name}_channels")([x, weights])
    if part.attention in ("spatial", "both"):
        places = layers.Conv2D(
            1, 3, padding="same", activation="sigmoid", data_format=layout, name=f"{name}_where"
        )(x)
        x = layers.Multiply(name=f"{name}_places")([x, places])
    return x
