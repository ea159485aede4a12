"""Valence and arousal as an index: the probabilities' centre among published places of the emotions.

The places are the mean ratings of pleasure and arousal that people gave to the words, from -1 to 1, in

    Russell, J. A., & Mehrabian, A. (1977). Evidence for a three-factor theory of emotions.
    Journal of Research in Personality, 11(3), 273-294, table 4. https://doi.org/10.1016/0092-6566(77)90037-X

The frame is the circumplex of affect: Russell, J. A. (1980), Journal of Personality and Social Psychology,
39(6), 1161-1178. Valence and arousal are computed from the eight probabilities, so they hold no information
beyond them; they are not a measurement of their own.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.labels import EMOTIONS

COORDINATES: Final = MappingProxyType(
    {
        "neutral": (0.0, 0.0),
        "happiness": (0.81, 0.51),  # "happy", row 31 of the table
        "surprise": (0.40, 0.67),  # "surprised", 52
        "sadness": (-0.63, -0.27),  # "sad", 151
        "anger": (-0.51, 0.59),  # "angry", 82
        "disgust": (-0.60, 0.35),  # "disgusted", 75
        "fear": (-0.64, 0.60),  # "fearful", 101
        "contempt": (-0.23, 0.31),  # "contempt", 85
    }
)
"""Valence and arousal of each label; neutral is the middle by definition, not a rating."""

_PLACES: Final = np.array([COORDINATES[label] for label in EMOTIONS])


def valence_arousal(probabilities: ArrayLike) -> NDArray[np.float32]:
    """Return each face's valence and arousal: the expectation over the labels' places.

    Args:
        probabilities: (n, 8) in the order of `labels.EMOTIONS`; NaN (no such label) counts as 0.

    Returns:
        float32 (n, 2): valence from -0.64 to 0.81 and arousal from -0.27 to 0.67, which is how far the places
        of the labels reach; NaN for a face without any probability.
    """
    p = np.asarray(probabilities, np.float64).reshape(-1, len(EMOTIONS))
    index = (np.nan_to_num(p) @ _PLACES).astype(np.float32)
    index[np.isnan(p).all(axis=1)] = np.nan
    return np.asarray(index)
