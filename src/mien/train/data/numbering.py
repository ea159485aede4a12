"""Class numbers and their names: every data set has an order of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mien.errors import ConfigError, DatasetError
from mien.labels import FER2013, standard_label

Names = Mapping[str, str]
"""A class's name by its number, both as texts."""


def _numbered(names: tuple[str, ...], first: int = 0) -> Names:
    return MappingProxyType({str(number): name for number, name in enumerate(names, first)})


NUMBERINGS: Final[Mapping[str, Names]] = MappingProxyType(
    {
        "fer2013": _numbered(FER2013),
        # Mollahosseini et al. 2017; 8 to 10 are none, uncertain and no face.
        "affectnet": _numbered(
            ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
        ),
        # Li et al. 2017
        "raf-db": _numbered(("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"), 1),
        # Lucey et al. 2010
        "ck+": _numbered(
            ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
        ),
        # Zhang et al. 2018: FER-2013's
        "expw": _numbered(FER2013),
    }
)
"""What the numbers of known data sets mean."""


def class_names(text: str) -> Names:
    """Read what class numbers mean.

    Args:
        text: one of `NUMBERINGS`, or pairs such as "1=surprise,2=fear".

    Raises:
        ConfigError: it is neither.
    """
    if text.lower() in NUMBERINGS:
        return NUMBERINGS[text.lower()]
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(number.strip().isdecimal() and name.strip() for number, _, name in pairs):
        raise ConfigError(
            f"class names: expected {', '.join(NUMBERINGS)}, or numbers and names as in 1=surprise,2=fear;"
            f" received {text!r}"
        )
    names = {_plain(number.strip()): standard_label(name) for number, _, name in pairs}
    if len(names) != len(pairs):
        raise ConfigError(f"class names: a number stands twice in {text!r}")
    return names


def class_names_or_none(text: str | None) -> Names | None:
    """Read what class numbers mean, where somebody said so; see `class_names`.

    Raises:
        ConfigError: see `class_names`.
    """
    return None if text is None else class_names(text)


def named(words: list[str], names: Names | None, where: object) -> list[str]:
    """Return numbers their names, and one name to what is spelt in several ways.

    Args:
        words: a label for each face, "" where there is none.
        names: what numbers mean; None where nobody said.
        where: the data, for the error.

    Returns:
        A label each; "" for a number that `names` does not name.

    Raises:
        DatasetError: most labels are numbers, and nobody said what they mean.
    """
    numbers = sorted({word for word in words if word.isdecimal()}, key=int)
    if names is None:
        if 2 * sum(word.isdecimal() for word in words) > sum(word != "" for word in words):
            raise DatasetError(
                f"{where}: its classes are numbers ({', '.join(numbers[:12])}), and data sets number them"
                f" differently; say what they mean: --class-names {', '.join(NUMBERINGS)}, or"
                " --class-names 1=surprise,2=fear"
            )
        return _as_one(words)
    return _as_one([names.get(_plain(word), "") if word.isdecimal() else word for word in words])


def _as_one(words: list[str]) -> list[str]:
    """Bring labels that are spelt in several ways ("Happy" beside "happy") to their standard term."""
    spellings: dict[str, set[str]] = {}
    for word in words:
        spellings.setdefault(standard_label(word), set()).add(word)
    return [word if len(spellings[standard_label(word)]) == 1 else standard_label(word) for word in words]


def _plain(number: str) -> str:
    return str(int(number))
