"""What a camera and a detector do to a face, done to the training images at random."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Grey = NDArray[np.uint8]
Share = Annotated[float, Field(ge=0, le=1)]


class Augmentation(BaseModel):
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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    flip: Share = 0.5
    rotation_deg: float = Field(12.0, ge=0, le=90)
    zoom: Share = 0.12
    shift: Share = 0.08
    light: Share = 0.2
    blur: Share = 0.2
    noise: Share = 0.2
    erase: Share = 0.2


def augment(images: Grey, chosen: Augmentation, random: np.random.Generator) -> Grey:
    """Change each image of a batch in its own way.

    Args:
        images: (n, size, size) uint8.
        chosen: how far.
        random: where chance comes from; the same state gives the same images.

    Returns:
        (n, size, size) uint8, new.
    """
    return np.stack([_augment_one(image, chosen, random) for image in images])


def _augment_one(image: Grey, chosen: Augmentation, random: np.random.Generator) -> Grey:
    size = image.shape[0]
    changed = _move(image, chosen, random)
    if random.random() < chosen.blur:
        small = int(random.uniform(0.45, 0.9) * size)
        shrunk = cv2.resize(changed, (small, small), interpolation=cv2.INTER_AREA)
        changed = np.asarray(cv2.resize(shrunk, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)
    values = _light(changed.astype(np.float32), chosen.light, random)
    if random.random() < chosen.noise:
        values += random.normal(0, random.uniform(1, 12), values.shape).astype(np.float32)
    if random.random() < chosen.erase:
        _erase(values, random)
    return np.clip(values, 0, 255).astype(np.uint8)


def _move(image: Grey, chosen: Augmentation, random: np.random.Generator) -> Grey:
    size = image.shape[0]
    centre = (size - 1) / 2
    angle = random.uniform(-chosen.rotation_deg, chosen.rotation_deg)
    scale = 1 + random.uniform(-chosen.zoom, chosen.zoom)
    matrix = cv2.getRotationMatrix2D((centre, centre), angle, scale)
    matrix[:, 2] += random.uniform(-chosen.shift, chosen.shift, 2) * size
    if random.random() < chosen.flip:
        mirror = np.array([[-1, 0, size - 1], [0, 1, 0], [0, 0, 1]])
        matrix = matrix @ mirror
    moved = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


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
