"""Pictures without a usable face, for teaching presence: parts of faces, photographs of things, textures.

Photographs come inside the wheel of scikit-image. Sources are cut apart: what training sees, validation does
not, so that presence is judged on pictures of another kind than those that taught it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.errors import ConfigError
from mien.install import extras_command

Grey = NDArray[np.uint8]
Part = Literal["train", "validation"]

PHOTOGRAPHS: Final[dict[Part, tuple[str, ...]]] = {
    "train": (
        "brick.png", "chelsea.png", "clock_motion.png", "coins.png", "grass.png", "hubble_deep_field.jpg",
        "ihc.png", "motorcycle_left.png", "page.png", "retina.jpg",
    ),
    "validation": ("coffee.png", "gravel.png", "moon.png", "rocket.jpg", "text.png"),
}  # fmt: skip
"""Scikit-image's pictures in which there is no human face."""


class Negatives:
    """Makes pictures without a usable face.

    Args:
        part: which sources.
        size_px: side of the pictures.

    Raises:
        ConfigError: scikit-image is not installed.
    """

    def __init__(self, part: Part, size_px: int) -> None:
        self._photographs = [_photograph(name) for name in PHOTOGRAPHS[part]]
        self._textures = _TEXTURES[part]
        self._size_px = size_px

    def make(self, count: int, faces: Grey, random: np.random.Generator) -> Grey:
        """Make some: half from parts of faces, the others from photographs and textures.

        Args:
            count: how many.
            faces: uint8 (n, size, size), faces of this part, at least one.
            random: where chance comes from; the same state gives the same pictures.

        Returns:
            uint8 (count, size, size).
        """
        made = np.empty((count, self._size_px, self._size_px), np.uint8)
        for picture in made:
            kind = random.random()
            if kind < 0.5:
                picture[:] = part_of_a_face(faces[random.integers(len(faces))], random)
            elif kind < 0.8:
                picture[:] = self._cut(random)
            else:
                texture = self._textures[random.integers(len(self._textures))]
                picture[:] = _spread(texture(self._size_px, random), random)
        return made

    def _cut(self, random: np.random.Generator) -> Grey:
        photograph = self._photographs[random.integers(len(self._photographs))]
        shorter = min(photograph.shape)
        side = int(np.exp(random.uniform(np.log(self._size_px * 0.75), np.log(shorter))))
        top, left = (int(random.integers(length - side + 1)) for length in photograph.shape)
        square = photograph[top : top + side, left : left + side]
        if random.random() < 0.5:
            square = square[:, ::-1]
        shrunk = cv2.resize(square, (self._size_px, self._size_px), interpolation=cv2.INTER_AREA)
        return _spread(shrunk.astype(np.float32), random)


def part_of_a_face(face: Grey, random: np.random.Generator) -> Grey:
    """Show what a lost track shows of a face: its rim, or a piece of it much enlarged.

    Args:
        face: uint8 (size, size), a crop that a face fills.
        random: where chance comes from.

    Returns:
        uint8 (size, size): moved by 0.6 to 0.9 of the side, or one third or less of the face.
    """
    size = face.shape[0]
    angle = random.uniform(0, 2 * np.pi)
    if random.random() < 0.5:
        scale = random.uniform(0.8, 1.25)
        # to the rim along the nearer side: a way of 0.6 sides in any direction would leave half a face
        direction = np.array([np.cos(angle), np.sin(angle)])
        shift = direction / np.abs(direction).max() * random.uniform(0.6, 0.9) * size
    else:
        scale = random.uniform(3.0, 6.0)
        shift = random.uniform(-0.5, 0.5, 2) * (scale - 1) * size
    centre = (size - 1) / 2
    move = cv2.getRotationMatrix2D((centre, centre), random.uniform(-45, 45), scale)
    move[:, 2] += shift
    border = cv2.BORDER_REPLICATE if random.random() < 0.5 else cv2.BORDER_REFLECT_101
    if scale < 2:
        border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(face, move, (size, size), borderMode=border), np.uint8)


def _photograph(name: str) -> Grey:
    try:
        import skimage
    except ImportError as error:
        raise ConfigError(
            f"joint training takes pictures without faces from scikit-image ({error}): "
            + extras_command("train")
        ) from error
    path = Path(skimage.__file__).parent / "data" / name
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("L"))
    except OSError as error:
        raise ConfigError(
            f"scikit-image's picture {path} is missing or damaged ({error}); install scikit-image again"
        ) from error


def _spread(values: NDArray[np.float32], random: np.random.Generator) -> Grey:
    """Stretch values to a random part of the grey range; sometimes to nearly nothing, as a wall looks."""
    low, high = np.sort(random.uniform(0, 255, 2))
    values = (values - values.min()) / max(float(np.ptp(values)), 1e-6)
    return np.asarray(low + values * (high - low), np.uint8)


def _cloud(size: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Noise of which each octave is weaker by a random power: from fog to sand."""
    values = np.zeros((size, size), np.float32)
    power = random.uniform(0.2, 1.5)
    for cells in (2, 4, 8, 16, 32):
        coarse = random.normal(0, cells**-power, (cells, cells)).astype(np.float32)
        values += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return values


def _stripes(size: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Waves along one or two directions: blinds, fences, cloth."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    values = np.zeros((size, size), np.float32)
    for _ in range(random.integers(1, 3)):
        angle, length = random.uniform(0, np.pi), random.uniform(3, size)
        wave = np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / length + random.uniform(0, 6))
        values += np.sign(wave) if random.random() < 0.5 else wave
    return values


def _shapes(size: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Ellipses and boxes on a plain ground: lamps, windows, furniture."""
    values = np.full((size, size), random.uniform(0, 255), np.float32)
    for _ in range(random.integers(1, 9)):
        centre = tuple(int(v) for v in random.integers(0, size, 2))
        axes = tuple(int(v) for v in random.integers(1, size // 2, 2))
        grey, angle = float(random.uniform(0, 255)), float(random.uniform(0, 180))
        if random.random() < 0.5:
            cv2.ellipse(values, centre, axes, angle, 0, 360, grey, -1 if random.random() < 0.7 else 1)
        else:
            box = cv2.boxPoints((centre, axes, angle)).astype(np.int32)
            cv2.fillPoly(values, [box], grey)
    return values


def _strokes(size: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Lines and letters: writing, branches, cables."""
    values = np.full((size, size), random.uniform(0, 255), np.float32)
    for _ in range(random.integers(2, 15)):
        start, end = random.integers(0, size, (2, 2)).tolist()
        grey = float(random.uniform(0, 255))
        if random.random() < 0.5:
            cv2.line(values, start, end, grey, int(random.integers(1, 4)))
        else:
            letter = chr(random.integers(48, 123))
            cv2.putText(values, letter, start, cv2.FONT_HERSHEY_SIMPLEX, random.uniform(0.3, 1.5), grey)
    return values


_TEXTURES: Final[dict[Part, tuple[Callable[[int, np.random.Generator], NDArray[np.float32]], ...]]] = {
    "train": (_cloud, _shapes, _strokes),
    "validation": (_cloud, _stripes),
}
