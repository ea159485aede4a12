"""What all networks have in common: what a recipe may choose, how they begin, and how they answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final, Literal

from pydantic import Field

from mien.labels import EMOTIONS, FER2013, FERPLUS_VOTES
from mien.train.backend import batch_normalization, load_keras
from mien.train.section import Section

Kind = Literal["labels", "joint", "clips", "sentiment", "micro"]
"""What a recipe trains: one label set, all that Mien asks of a face at once, or labels of whole clips."""

LANDMARKS: Final = 68

CLASS_MAPS: Final = "class_maps"
"""Name of the layer with one map for each class, where a network has one: the logits are the maps' means."""


class NetworkSpec(Section, ABC):
    """What a recipe's `[network]` may choose, and how the network is built from it.

    Attributes:
        architecture: its name in a recipe.
        kind: which kind of recipe it is for.
        head_layers: of a network whose last layers are trained first, on frozen features: these layers, in
            their order from the layer `features` to the answers.
    """

    architecture: str
    kind: ClassVar[Kind]
    head_layers: ClassVar[tuple[str, ...]] = ()

    @property
    def from_imagenet(self) -> bool:
        """Whether a part of the network starts from ImageNet's weights."""
        return False

    @property
    def from_network(self) -> str | None:
        """The .onnx file of a network that a part of this one starts from."""
        return None

    @property
    def loss_weights(self) -> dict[str, float]:
        """The weights of losses that this network alone has, by the names of its answers."""
        return {}


class LabelSpec(NetworkSpec):
    """A network for one label set."""

    kind: ClassVar[Kind] = "labels"

    @abstractmethod
    def build(self, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
        """Build the network, with weights from chance.

        Args:
            size_px: side of the grey input.
            classes: outputs of the layer `logits`.
            votes: add the outputs that are learned from FER+'s votes.
            layout: "channels_first" or "channels_last" for the feature maps; by default the backend's fast
                one.

        Returns:
            A functional `keras.Model` from `image`, float32 (n, size, size, 1) in 0..255, to a dictionary of
            outputs, `logits` among them; the layer `class_maps`, where there is one, holds the map of each
            class.
        """


class JointSpec(NetworkSpec):
    """A network that gives all answers of joint training in one pass."""

    kind: ClassVar[Kind] = "joint"

    @abstractmethod
    def build(
        self, *, size_px: int, landmarks: bool = True, precision: str = "float32", layout: str | None = None
    ) -> Any:
        """Build the network, with weights from chance.

        Args:
            size_px: side of the grey input.
            landmarks: whether there is an answer `landmarks`.
            precision: Keras's name of the type of the feature maps; weights and answers are float32.
            layout: "channels_first" or "channels_last" for the feature maps; by default the backend's fast
                one.

        Returns:
            A functional `keras.Model` from `image`, float32 (n, size, size, 1) in 0..255, to the answers of
            `add_heads` by name.
        """


class ClipSpec(NetworkSpec):
    """A network for clips of one face.

    Attributes:
        answers: the names of its answers, each (n, classes) of logits; the first is the one to be trusted
            where a recipe doesn't say.
    """

    kind: ClassVar[Kind] = "clips"
    answers: ClassVar[tuple[str, ...]] = ("logits",)

    @abstractmethod
    def build(self, *, frames: int, size_px: int, distances: int, classes: int, layout: str) -> Any:
        """Build the network, with weights from chance.

        Args:
            frames: of a clip.
            size_px: side of the grey crops.
            distances: numbers that are measured on each face.
            classes: outputs of each answer.
            layout: "channels_first" or "channels_last" of the feature maps.

        Returns:
            A functional `keras.Model` from `crops`, float32 (n, frames, size, size) in 0..255, and
            `nose_distances`, float32 (n, frames, distances), to a dictionary of logits.
        """


class HeadsSpec(Section):
    """The answers of a joint network.

    Attributes:
        dropout: share of features dropped before the expressions.
        landmark_channels: width of the map that the landmarks are read from.
    """

    dropout: float = Field(0.3, ge=0, lt=1)
    landmark_channels: int = Field(32, ge=1)


def channel_axis(layout: str) -> int:
    """Return the axis of the channels."""
    return 1 if layout == "channels_first" else -1


def begin(size_px: int, layout: str) -> tuple[Any, Any]:
    """Begin a network.

    Args:
        size_px: side of the grey input.
        layout: "channels_first" or "channels_last": of what follows.

    Returns:
        The input `image`, float32 (n, size, size, 1) in 0 to 255, and the picture in -1 to 1 in this layout.
    """
    keras = load_keras()
    image = keras.Input((size_px, size_px, 1), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="rescale")(image)
    if layout == "channels_first":
        x = keras.layers.Permute((3, 1, 2), name="channels_first")(x)
    return image, x


def answer_by_maps(x: Any, *, classes: int, votes: bool, layout: str, side: int) -> dict[str, Any]:
    """Answer without a dense layer: each channel of a last convolution is one class, its mean the logit.

    Source: Lin, Chen, Yan (2014), Network in network, arXiv:1312.4400.

    Args:
        x: the last feature map.
        classes: how many.
        votes: answer with FER+'s eight emotions, too, by maps of their own.
        layout: of the map.
        side: of the convolution's kernel.

    Returns:
        `logits` (n, classes), and `votes` (n, 8) where asked for.
    """
    layers = load_keras().layers

    def answer(name: str, maps: str, count: int) -> Any:
        shown = layers.Conv2D(count, side, padding="same", data_format=layout, name=maps)(x)
        return layers.GlobalAveragePooling2D(data_format=layout, name=name)(shown)

    answers = {"logits": answer("logits", CLASS_MAPS, classes)}
    return answers | {"votes": answer("votes", "votes_maps", len(EMOTIONS))} if votes else answers


def answer_by_dense(
    x: Any, *, dense: int, dropout: float, classes: int, votes: bool, layout: str
) -> dict[str, Any]:
    """Answer by a normalised dense layer over the whole map, then a dense layer for each answer.

    Without the normalisation, a few large steps early on switch all of its ReLUs off, and they stay off.

    Args:
        x: the last feature map.
        dense: width of the first dense layer.
        dropout: share of its features that is dropped before the answers.
        classes: how many.
        votes: answer with FER+'s eight emotions, too.
        layout: of the map.

    Returns:
        `logits` (n, classes), and `votes` (n, 8) where asked for.
    """
    layers = load_keras().layers
    # Flatten puts "channels_first" maps in the order of "channels_last": the weights fit both layouts.
    x = layers.Flatten(data_format=layout, name="flat")(x)
    x = layers.Dense(dense, use_bias=False, name="dense")(x)
    x = layers.ReLU(name="dense_relu")(batch_normalization("dense_bn", axis=-1)(x))
    x = layers.Dropout(dropout, name="dense_dropout")(x)
    answers = {"logits": layers.Dense(classes, name="logits")(x)}
    return answers | {"votes": layers.Dense(len(EMOTIONS), name="votes")(x)} if votes else answers


def add_heads(x: Any, heads: HeadsSpec, *, layout: str, landmarks: bool) -> dict[str, Any]:
    """Put the answers on top of a feature map.

    Expressions and presence are read from the map's mean, as they don't depend on where the face lies;
    landmarks from the whole map, thinned out to few channels first, as nothing but place matters there.

    Args:
        x: the last feature map.
        heads: the recipe's choices.
        layout: "channels_first" or "channels_last": of the map.
        landmarks: whether to answer with landmarks.

    Returns:
        `votes` (n, 10) logits of the FER+ votes, `fer2013` (n, 7) logits of FER-2013's classes, `presence`
        (n, 1) logit, `landmarks` (n, 136) x and y of 68 points as shares of the side.
    """
    layers = load_keras().layers
    mean = layers.GlobalAveragePooling2D(data_format=layout, name="features", dtype="float32")(x)
    seen = layers.Dropout(heads.dropout, name="dropout")(mean)
    answers = {
        "votes": layers.Dense(len(FERPLUS_VOTES), name="votes")(seen),
        "fer2013": layers.Dense(len(FER2013), name="fer2013")(seen),
        "presence": layers.Dense(1, name="presence")(mean),
    }
    if landmarks:
        axis = channel_axis(layout)
        thin = layers.Conv2D(
            heads.landmark_channels, 1, use_bias=False, data_format=layout, name="places", dtype="float32"
        )(x)
        thin = layers.ReLU(name="places_relu")(batch_normalization("places_bn", axis=axis)(thin))
        # Flatten puts "channels_first" maps in the order of "channels_last": the weights fit both layouts.
        flat = layers.Flatten(data_format=layout, name="places_flat")(thin)
        answers["landmarks"] = layers.Dense(
            2 * LANDMARKS, name="landmarks", kernel_initializer="zeros", bias_initializer=_middle()
        )(flat)
    return answers


def _middle() -> Any:
    return load_keras().initializers.Constant(0.5)
