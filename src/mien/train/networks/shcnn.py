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
normalisation and dropout, the dense layer; and what the shrinkage factor does. The gradient of a softmax's
probability p has a factor 1 - p, so it vanishes where the network is sure; here the factor shrinks the logits
before the softmax, which keeps p away from 1 and leaves the order of the classes as it is.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.train.backend import batch_normalization, data_format, load_keras
from mien.train.network_parts import ShcnnPart
from mien.train.networks.parts import answer_by_dense, begin, channel_axis

KERNELS: Final = (5, 3, 3)
"""Sides of the three convolutions."""

SHRINKAGE: Final = 10.0
"""By how much the logits are shrunk before the saliency is computed, if nothing else is asked for."""


def build(part: ShcnnPart, *, size_px: int, classes: int, votes: bool, layout: str | None = None) -> Any:
    """Build the network, with weights from chance.

    Args:
        part: the recipe's choices.
        size_px: side of the grey input.
        classes: outputs of the layer `logits`.
        votes: add the output `votes` for the second target.
        layout: "channels_first" or "channels_last" for the feature maps; by default the backend's fast one.

    Returns:
        A functional `keras.Model` from `image`, float32 (n, size, size, 1) in 0..255, to a dictionary of
        outputs.
    """
    keras = load_keras()
    layers = keras.layers
    layout = layout or data_format()
    image, x = begin(size_px, layout)
    for number, (channels, side) in enumerate(zip(part.widths, KERNELS, strict=True), start=1):
        name = f"conv{number}"
        x = layers.Conv2D(channels, side, padding="same", use_bias=False, data_format=layout, name=name)(x)
        x = batch_normalization(f"{name}_bn", axis=channel_axis(layout))(x)
        x = layers.ReLU(name=f"{name}_relu")(x)
        x = layers.MaxPooling2D(2, data_format=layout, name=f"{name}_pool")(x)
    answers = answer_by_dense(
        x, dense=part.dense, dropout=part.dropout, classes=classes, votes=votes, layout=layout
    )
    return keras.Model(image, answers, name="shcnn")


def saliency(model: Any, images: NDArray[np.uint8], *, shrinkage: float = SHRINKAGE) -> NDArray[np.float32]:
    """Give how much each pixel moves the probability of the network's own label.

    The absolute gradient of softmax(logits / shrinkage) at the likeliest class. Saliency maps are those of
    Simonyan, Vedaldi, Zisserman (2014), arXiv:1312.6034, who differentiate the class's score before the
    softmax; here it is the probability, which a shrinkage above 1 keeps from being flat. It needs gradients,
    so it is there where networks are trained; a file that was exported is explained in other ways.

    Args:
        model: a Keras network with the output `logits`; any of this folder.
        images: uint8 (n, size, size) grey, n at least 1.
        shrinkage: at least 1, which leaves the probability as it is.

    Returns:
        (n, size, size), at least 0: change of that probability, shrunk as it is, for one step of grey.
    """
    if not shrinkage >= 1:
        raise ValueError(f"expected a shrinkage of at least 1, received {shrinkage}")
    keras = load_keras()
    pictures = keras.ops.convert_to_tensor(images[..., None].astype(np.float32))

    def probability(pictures: Any) -> Any:
        logits = model(pictures, training=False)["logits"]
        return keras.ops.sum(keras.ops.max(keras.ops.softmax(logits / shrinkage), axis=1))

    gradient = _gradient(probability, pictures)
    return np.abs(np.asarray(gradient, np.float32)[..., 0])


def _gradient(function: Any, x: Any) -> NDArray[np.float32]:
    """Differentiate a function that gives one number, on the backend in use."""
    keras = load_keras()
    if keras.backend.backend() == "torch":
        import torch

        x = x.detach().requires_grad_(True)
        [gradient] = torch.autograd.grad(function(x), x)
    else:
        import tensorflow

        # As a graph: step by step it would also compute the gradients of all weights, and TensorFlow 2.21
        # falls down over those of a 1x1 convolution with stride 2.
        graph = tensorflow.function(lambda x: tensorflow.gradients(function(x), x)[0])
        gradient = graph(x)
    return np.asarray(keras.ops.convert_to_numpy(gradient))


def onset_apex_difference(onset: NDArray[np.uint8], apex: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give what a micro-expression changes, as a picture that the network takes.

    Args:
        onset: uint8 grey, the frame before the expression; any shape.
        apex: uint8 of the same shape, the frame where it is strongest.

    Returns:
        uint8 of that shape: 128 where nothing changes, brighter where the apex is.
    """
    difference = apex.astype(np.int16) - onset.astype(np.int16)
    return np.asarray((128 + difference // 2).clip(0, 255), np.uint8)
