"""One colour per emotion, the same in every picture, clip and plot; told apart by colour-blind people too.

The hues are those that people expect (happiness yellow, sadness blue, anger red), taken from or close to
the palettes of Okabe and Ito (2008) and of Tol (2021), and moved in lightness until every pair stays apart in
normal vision and under simulated protanopia, deuteranopia and tritanopia. Colour is never the only sign: a
word or a place stands beside it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, TypeAlias

from mien.labels import UNCERTAIN

RGB: TypeAlias = tuple[int, int, int]
"""Red, green and blue of sRGB, 0 to 255."""

HEX: Final = MappingProxyType(
    {
        "neutral": "#cccccc",
        "happiness": "#ffd22e",
        "surprise": "#5fd3f3",
        "sadness": "#3b6fe0",
        "anger": "#dd3322",
        "disgust": "#2e9e4f",
        "fear": "#7b3fa0",
        "contempt": "#cc79a7",
        UNCERTAIN: "#666666",
    }
)
"""The colour of each emotion and of "uncertain", as `#rrggbb`."""

BLACK: Final[RGB] = (0, 0, 0)
WHITE: Final[RGB] = (255, 255, 255)


def rgb(label: str) -> RGB:
    """Return a label's colour as red, green, blue.

    Args:
        label: one of `labels.EMOTIONS`, or `labels.UNCERTAIN`.
    """
    red, green, blue = bytes.fromhex(HEX[label][1:])
    return red, green, blue


def luminance(colour: RGB) -> float:
    """Return the relative luminance, 0 (black) to 1 (white), as WCAG 2.1 defines it."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: RGB, other: RGB) -> float:
    """Return the contrast ratio of two colours, 1 to 21, as WCAG 2.1 defines it; text needs 4.5."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def ink_on(ground: RGB) -> RGB:
    """Choose black or white, whichever reads better on the ground."""
    return max(BLACK, WHITE, key=lambda ink: contrast(ink, ground))
