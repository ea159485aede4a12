"""The label sets and their order: the only place where it stands."""

from types import MappingProxyType
from typing import Final

EMOTIONS: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)
"""The eight labels of FER+ (Barsoum et al. 2016), in its order; the columns `p_*` of the table."""

FER2013: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The seven labels of FER-2013 (Goodfellow et al. 2013): the number in the data set is the place here."""

REMOVED_BY_THE_PAPER: Final = ("disgust", "fear")
"""What the paper that Mien follows left out of FER-2013."""

FERPLUS_VOTES: Final = (*EMOTIONS, "unknown", "not-a-face")
"""The ten columns of FER+ votes, in the order of its file."""

POSE: Final = ("yaw", "pitch", "roll")
"""How a head is turned, in degrees."""

SHAPE: Final = (
    "eye_openness",
    "brow_distance",
    "mouth_opening",
    "smile_width",
    "lip_corner_lift",
)
"""What a face's shape says, in shares of the distance between the eyes (or of the eye's width)."""

MEASURES: Final = (*POSE, *SHAPE, *(f"{name}_change" for name in SHAPE))
"""What is measured on a face's landmarks, in the order of the table's columns."""

NEUTRALS: Final = ("average", "first", "photo", "auto", "baseline")
"""Against which neutral face an expression is read: everybody's, or the person's own, by its origin."""

UNCERTAIN: Final = "uncertain"
"""What stands for the label when no label is likely enough."""

ALIASES: Final = MappingProxyType(
    {
        "angry": "anger",
        "contemptuous": "contempt",
        "disgusted": "disgust",
        "fearful": "fear",
        "afraid": "fear",
        "scared": "fear",
        "happy": "happiness",
        "joy": "happiness",
        "sad": "sadness",
        "smile": "happiness",
        "smiling": "happiness",
        "surprised": "surprise",
    }
)
"""Other spellings that data sets use, and the standard term for each."""


def standard_label(name: str) -> str:
    """Return the field's standard term for an emotion's name.

    Args:
        name: a label as a data set spells it, in any case ("Angry", "happy", "calm").

    Returns:
        The standard term in lower case ("anger", "happiness"); an unknown name comes back in lower case.
    """
    lower = name.strip().lower()
    return ALIASES.get(lower, lower)
