from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.labels import EMOTIONS, UNCERTAIN
from mien.show import palette

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
VISION = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
LEAST_APART = 19.0
"""CIELAB distance (1976); a just noticeable difference is 2.3."""


def cielab_as_seen(colour: palette.RGB, vision: list[list[float]]) -> NDArray[np.float64]:
    srgb = np.array(colour) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(vision) @ linear, 0, 1) / TO_XYZ.sum(axis=1)
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
def test_every_pair_stays_apart(vision: str) -> None:
    seen = {label: cielab_as_seen(palette.rgb(label), VISION[vision]) for label in palette.HEX}
    distances = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in combinations(seen, 2)}
    closest = min(distances, key=lambda pair: distances[pair])
    assert distances[closest] >= LEAST_APART, (closest, distances[closest])


def test_there_is_a_colour_for_each_label_and_no_other() -> None:
    assert list(palette.HEX) == [*EMOTIONS, UNCERTAIN]


@pytest.mark.parametrize("label", palette.HEX)
def test_words_on_it_can_be_read(label: str) -> None:
    ground = palette.rgb(label)
    assert palette.contrast(palette.ink_on(ground), ground) >= 4.5


def test_contrast_is_wcags() -> None:
    assert palette.contrast(palette.BLACK, palette.WHITE) == pytest.approx(21)
    # The examples of webaim.org/resources/contrastchecker.
    assert palette.contrast((0x77, 0x77, 0x77), palette.WHITE) == pytest.approx(4.48, abs=0.005)
    assert palette.contrast((0, 0, 255), palette.WHITE) == pytest.approx(8.59, abs=0.005)
