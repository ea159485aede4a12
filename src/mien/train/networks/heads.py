"""The answers that a face network gives on top of its last feature map."""

from __future__ import annotations

from typing import Any

from mien.labels import FER2013, FERPLUS_VOTES
from mien.train.backend import batch_normalization, load_keras
from mien.train.joint.recipe import HeadsPart

LANDMARKS = 68


def add_heads(x: Any, part: HeadsPart, *, layout: str, landmarks: bool) -> dict[str, Any]:
    """Put the answers on top of a feature map.

    Expressions and presence are read from the map's mean, as they don't depend on where the face lies;
    landmarks from the whole map, thinned out to few channels first, as nothing but place matters there.

    Args:
        x: the last feature map.
        part: the recipe's choices.
        layout: "channels_first" or "channels_last": of the map.
        landmarks: whether to answer with landmarks.

    Returns:
        `votes` (n, 10) logits of the FER+ votes, `fer2013` (n, 7) logits of FER-2013's classes, `presence`
        (n, 1) logit, `landmarks` (n, 136) x and y of 68 points as shares of the side.
    """
    layers = load_keras().layers
    mean = layers.GlobalAveragePooling2D(data_format=layout, name="features", dtype="float32")(x)
    seen = layers.Dropout(part.dropout, name="dropout")(mean)
    answers = {
        "votes": layers.Dense(len(FERPLUS_VOTES), name="votes")(seen),
        "fer2013": layers.Dense(len(FER2013), name="fer2013")(seen),
        "presence": layers.Dense(1, name="presence")(mean),
    }
    if landmarks:
        axis = 1 if layout == "channels_first" else -1
        thin = layers.Conv2D(
            part.landmark_channels, 1, use_bias=False, data_format=layout, name="places", dtype="float32"
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
