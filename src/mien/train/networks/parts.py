"""What the networks for one label set have in common: how they begin, and how they answer."""

from __future__ import annotations

from typing import Any, Final

from mien.labels import EMOTIONS
from mien.train.backend import batch_normalization, load_keras

CLASS_MAPS: Final = "class_maps"
"""Name of the layer with one map for each class, where a network has one: the logits are the maps' means."""


def channel_axis(layout: str) -> int:
    """Give the axis of the channels."""
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
