"""What a camera and a detector do to a face, done to training images and their landmarks at random."""

from __future__ import annotations

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from mien.train.section import Section, Share

Grey = NDArray[np.uint8]
Moves = NDArray[np.float64]
_INTERPOLATIONS: Final = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}

Points = NDArray[np.float32]

MIRROR: Final = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31), *range(35, 30, -1),  # nose
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,  # eyes
        54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55,  # outer lips
        64, 63, 62, 61, 60, 67, 66, 65,  # inner lips
    ]
)  # fmt: skip
"""Which of the 68 points (iBUG's order) each one becomes in a mirror."""

_TURN = np.linspace(0, 2 * np.pi, 68, endpoint=False)
STANDARD_PLACE: Final = np.stack([0.5 + 0.35 * np.cos(_TURN), 0.55 + 0.4 * np.sin(_TURN)], axis=1).astype(
    np.float32
)
"""Where a face without landmarks is taken to be, (68, 2) shares of the side: FER-2013's usual oval."""

_INSIDE_FACE, _INSIDE_NONE = 0.75, 0.4
_SPAN_FACE, _SPAN_NONE = (0.35, 1.35), (0.22, 2.0)


class Augmentation(Section):
    """How far training images are changed; 0 switches a change off.

    Attributes:
        flip: mirror with this probability.
        rotation_deg: rotate by up to this many degrees either way.
        zoom: scale by up to this share either way.
        shift: move by up to this share of the side either way.
        light: change brightness by up to this share of the range, and contrast by up to this share.
        blur: with this probability, shrink and enlarge again, as a face far from the camera looks.
        noise: with this probability, add Gaussian noise of up to 12 grey values.
        erase: with this probability, cover a rectangle of up to a third of the side.
        compress: with this probability, store as JPEG of low quality, as video does.
        shade: with this probability, light from one side.
        interpolation: how a moved image is computed; "linear" blurs faces as small as these a little.
    """

    flip: Share = 0.5
    rotation_deg: float = Field(12.0, ge=0, le=90)
    zoom: Share = 0.12
    shift: Share = 0.08
    light: Share = 0.2
    blur: Share = 0.2
    noise: Share = 0.2
    erase: Share = 0.2
    compress: Share = 0.0
    shade: Share = 0.0
    interpolation: Literal["linear", "cubic"] = "linear"


def augment(images: Grey, chosen: Augmentation, random: np.random.Generator) -> Grey:
    """Change each image of a batch in its own way.

    Args:
        images: (n, size, size) uint8.
        chosen: how far.
        random: where chance comes from; the same state gives the same images.

    Returns:
        (n, size, size) uint8, new.
    """
    return augment_and_tell(images, chosen, random)[0]


def augment_and_tell(images: Grey, chosen: Augmentation, random: np.random.Generator) -> tuple[Grey, Moves]:
    """Change each image as `augment` does, and return how it was moved.

    Returns:
        The images, and (n, 2, 3) affine maps from each old image to the new one, for positions in pixels
        from the middle of the first pixel (OpenCV's convention). A map that mirrors has a negative
        determinant.
    """
    changed, moves = np.empty_like(images), np.empty((len(images), 2, 3))
    for place, image in enumerate(images):
        moves[place] = _movement(image.shape[0], chosen, random)
        changed[place] = _change(image, moves[place], chosen, random)
    return changed, moves


def movements(count: int, size: int, chosen: Augmentation, random: np.random.Generator) -> Moves:
    """Draw how images of this side are moved; (count, 2, 3) maps as `augment_and_tell` gives them."""
    drawn = [_movement(size, chosen, random) for _ in range(count)]
    return np.array(drawn).reshape(-1, 2, 3)


def _change(
    image: Grey, move: NDArray[np.float64], chosen: Augmentation, random: np.random.Generator
) -> Grey:
    size = image.shape[0]
    flags = _INTERPOLATIONS[chosen.interpolation]
    moved = cv2.warpAffine(image, move, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    changed = np.asarray(moved, np.uint8)
    if random.random() < chosen.blur:
        small = int(random.uniform(0.45, 0.9) * size)
        shrunk = cv2.resize(changed, (small, small), interpolation=cv2.INTER_AREA)
        changed = np.asarray(cv2.resize(shrunk, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    values = _light(changed.astype(np.float32), chosen.light, random)
    if random.random() < chosen.noise:
        values += random.normal(0, random.uniform(1, 12), values.shape).astype(np.float32)
    if random.random() < chosen.erase:
        _erase(values, random)
    if chosen.shade and random.random() < chosen.shade:
        values = _shade(values, random)
    changed = np.clip(values, 0, 255).astype(np.uint8)
    if chosen.compress and random.random() < chosen.compress:
        changed = _compressed(changed, random)
    return changed


def _movement(size: int, chosen: Augmentation, random: np.random.Generator) -> NDArray[np.float64]:
    centre = (size - 1) / 2
    angle = random.uniform(-chosen.rotation_deg, chosen.rotation_deg)
    scale = 1 + random.uniform(-chosen.zoom, chosen.zoom)
    matrix = np.asarray(cv2.getRotationMatrix2D((centre, centre), angle, scale), np.float64)
    matrix[:, 2] += random.uniform(-chosen.shift, chosen.shift, 2) * size
    if random.random() < chosen.flip:
        mirror = np.array([[-1, 0, size - 1], [0, 1, 0], [0, 0, 1]])
        matrix = matrix @ mirror
    return matrix


def _light(values: NDArray[np.float32], far: float, random: np.random.Generator) -> NDArray[np.float32]:
    contrast = 1 + random.uniform(-far, far)
    brightness = random.uniform(-far, far) * 128
    mean = values.mean()
    return np.asarray((values - mean) * contrast + mean + brightness, np.float32)


def _erase(values: NDArray[np.float32], random: np.random.Generator) -> None:
    size = values.shape[0]
    height, width = random.integers(size // 8, size // 3, 2)
    top, left = random.integers(0, size - height), random.integers(0, size - width)
    values[top : top + height, left : left + width] = random.uniform(0, 255)


def _shade(values: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Darken along a slope of any direction, down to a third."""
    size = values.shape[0]
    angle, depth = random.uniform(0, 2 * np.pi), random.uniform(0.2, 0.67)
    across = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    slope = np.cos(angle) * across[None, :] + np.sin(angle) * across[:, None] + 0.5
    return np.asarray(values * (1 - depth * slope.clip(0, 1)), np.float32)


def _compressed(image: Grey, random: np.random.Generator) -> Grey:
    quality = int(random.integers(15, 70))
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_GRAYSCALE), np.uint8)


def look(
    images: Grey, landmarks: Points, chosen: Augmentation, random: np.random.Generator
) -> tuple[Grey, Points]:
    """Change each face in its own way, and its landmarks alike.

    Args:
        images: (n, size, size) uint8.
        landmarks: (n, 68, 2) shares of the side.
        chosen: how far.
        random: where chance comes from.

    Returns:
        The new images, and their landmarks; in a mirror image the points are numbered anew.
    """
    changed, moves = augment_and_tell(images, chosen, random)
    return changed, moved_points(landmarks, moves, images.shape[1])


def moved_points(landmarks: Points, moves: NDArray[np.float64], size_px: int) -> Points:
    """Move landmarks (n, 68, 2), shares of the side, by maps (n, 2, 3) as `augment_and_tell` gives them."""
    pixels = landmarks.astype(np.float64) * size_px - 0.5
    moved = pixels @ moves[:, :, :2].transpose(0, 2, 1) + moves[:, None, :, 2]
    mirrored = np.linalg.det(moves[:, :, :2]) < 0
    moved[mirrored] = moved[mirrored][:, MIRROR]
    return np.asarray((moved + 0.5) / size_px, np.float32)


def presence_of(landmarks: Points) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return whether moved faces still count as present, by how much of them is left and how large they are.

    Args:
        landmarks: (n, 68, 2) shares of the side.

    Returns:
        (n,) 1 for a face, 0 for none; and (n,) its weight: 0 where it is neither clearly one nor the other.
    """
    inside = ((landmarks >= 0) & (landmarks <= 1)).all(axis=2).mean(axis=1)
    span = np.ptp(landmarks, axis=1).max(axis=1)
    face = (inside >= _INSIDE_FACE) & (span >= _SPAN_FACE[0]) & (span <= _SPAN_FACE[1])
    none = (inside <= _INSIDE_NONE) | (span <= _SPAN_NONE[0]) | (span >= _SPAN_NONE[1])
    return face.astype(np.float32), (face | none).astype(np.float32)
