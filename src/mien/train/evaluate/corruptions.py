"""Faces made worse step by step, to learn where a network stops being right, and when it should doubt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Change = Callable[[Grey, float, np.random.Generator], Grey]

_EYES, _MOUTH = (0.25, 0.50), (0.65, 0.95)
"""Top and bottom of these bands in FER-2013's framing, as shares of the side."""


@dataclass(frozen=True)
class Corruption:
    """One way in which a face can be worse.

    Attributes:
        name: in a word or two.
        unit: what the steps count.
        steps: from the face as it is to hardly anything left.
        change: makes one image, (size, size) uint8, worse.
    """

    name: str
    unit: str
    steps: tuple[float, ...]
    change: Change

    def apply(self, images: Grey, step: float, seed: int = 0) -> Grey:
        """Make images worse, all by the same step.

        Args:
            images: (n, size, size) uint8.
            step: one of `steps`; the first changes nothing.
            seed: of what is left to chance.

        Returns:
            (n, size, size) uint8, new.
        """
        if step == self.steps[0]:
            return images.copy()
        random = np.random.default_rng(seed)
        return np.stack([self.change(image, step, random) for image in images])


def shrunk(face: Grey, side_px: float, random: np.random.Generator) -> Grey:
    """Show a face that had only so many pixels in its picture, enlarged as a crop is."""
    size, small = face.shape[0], round(side_px)
    little = cv2.resize(face, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(little, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def blurred(face: Grey, sigma_px: float, random: np.random.Generator) -> Grey:
    """Blur by a Gaussian."""
    return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.uint8)


def noisy(face: Grey, spread: float, random: np.random.Generator) -> Grey:
    """Add Gaussian noise of this standard deviation, in grey values."""
    return _bytes(face + random.normal(0, spread, face.shape))


def lit(face: Grey, factor: float, random: np.random.Generator) -> Grey:
    """Multiply the light; what leaves the range is lost, as in a camera."""
    return _bytes(face * float(factor))


def lit_from_the_side(face: Grey, depth: float, random: np.random.Generator) -> Grey:
    """Let the light fall by this share from one side to the other; which one is left to chance."""
    slope = 1 - depth * np.linspace(0, 1, face.shape[1])
    return _bytes(face * (slope if random.random() < 0.5 else slope[::-1]))


def covered(face: Grey, share: float, random: np.random.Generator) -> Grey:
    """Put a square of one grey, of this share of the picture, anywhere."""
    size = face.shape[0]
    side = round(size * share**0.5)
    top, left = random.integers(0, size - side + 1, 2)
    return _with_patch(face, slice(top, top + side), slice(left, left + side), random)


def eyes_covered(face: Grey, share: float, random: np.random.Generator) -> Grey:
    """Put a bar of one grey over this share of the eyes' band, from one side on."""
    return _band_covered(face, _EYES, share, random)


def mouth_covered(face: Grey, share: float, random: np.random.Generator) -> Grey:
    """Put a bar of one grey over this share of the mouth's band, from one side on."""
    return _band_covered(face, _MOUTH, share, random)


def tilted(face: Grey, angle_deg: float, random: np.random.Generator) -> Grey:
    """Rotate in the picture; which way is left to chance."""
    size = face.shape[0]
    angle = angle_deg if random.random() < 0.5 else -angle_deg
    turn = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, 1.0)
    moved = cv2.warpAffine(face, turn, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def compressed(face: Grey, quality: float, random: np.random.Generator) -> Grey:
    """Store as JPEG of this quality."""
    stored = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), np.uint8)


CORRUPTIONS: Final = (
    Corruption("size", "pixels of the side", (48, 36, 28, 20, 14, 10), shrunk),
    Corruption("blur", "pixels of the Gaussian", (0, 0.5, 1, 1.5, 2, 3), blurred),
    Corruption("noise", "grey values", (0, 5, 10, 20, 30, 45), noisy),
    Corruption("dark", "share of the light", (1, 0.5, 0.25, 0.12, 0.06, 0.03), lit),
    Corruption("bright", "times the light", (1, 1.5, 2, 3, 4, 6), lit),
    Corruption("light from the side", "share lost across", (0, 0.25, 0.5, 0.75, 0.9, 1), lit_from_the_side),
    Corruption("covered anywhere", "share of the picture", (0, 0.05, 0.1, 0.2, 0.3, 0.4), covered),
    Corruption("eyes covered", "share of the band", (0, 0.25, 0.5, 0.75, 1), eyes_covered),
    Corruption("mouth covered", "share of the band", (0, 0.25, 0.5, 0.75, 1), mouth_covered),
    Corruption("tilt", "degrees", (0, 10, 20, 30, 45, 60), tilted),
    Corruption("JPEG", "quality", (100, 50, 30, 15, 8, 4), compressed),
)
"""What a network's card shows; see `docs/training.md`."""


def corrupted_at_random(images: Grey, seed: int) -> Grey:
    """Make each image worse in a way, and by a step, of its own.

    Args:
        images: (n, size, size) uint8.
        seed: of the choice.

    Returns:
        (n, size, size) uint8, new.
    """
    random = np.random.default_rng(seed)
    worse = np.empty_like(images)
    for place, image in enumerate(images):
        kind = CORRUPTIONS[random.integers(len(CORRUPTIONS))]
        worse[place] = kind.change(image, kind.steps[random.integers(1, len(kind.steps))], random)
    return worse


def _band_covered(face: Grey, band: tuple[float, float], share: float, random: np.random.Generator) -> Grey:
    size = face.shape[0]
    rows = slice(round(band[0] * size), round(band[1] * size))
    columns = slice(0, round(share * size))
    if random.random() < 0.5:
        columns = slice(size - columns.stop, size)
    return _with_patch(face, rows, columns, random)


def _with_patch(face: Grey, rows: slice, columns: slice, random: np.random.Generator) -> Grey:
    patched = face.copy()
    patched[rows, columns] = random.integers(0, 256)
    return patched


def _bytes(values: NDArray[np.floating[Any]]) -> Grey:
    return np.asarray(np.rint(values).clip(0, 255), np.uint8)
