"""How usable a face is for reading its expression: size, sharpness, light and pose, each from 0 to 1.

The parts look at what an expression network looks at: the grey crop of 48x48 pixels, framed as in `crop`.
Each falls about where a network's accuracy does (`benchmarks/quality.py`). They judge the picture, not the
person: light is full over a wide range, so that dark skin doesn't pass for bad light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.face.crop import crop_faces, face_squares
from mien.types import Faces, Image

_CROP_PX: Final = 48
_ENOUGH_PX: Final = 32
"""FER-2013's faces lose nothing worth mentioning when they are shrunk to this."""
_HALF_SHARP: Final = 0.1
"""The Laplacian's spread over the grey's own in FER-2013's faces, blurred by two pixels (median)."""
_DARK, _FLAT, _CLIPPED = 0.1, 0.04, 0.01
"""Least distance of the mean from black and white, least spread, distance from either end; white is 1."""
_NOSE_OUT, _NOSE_PLACE, _NOSE_NOD = 0.21, 0.54, 0.5
"""How far the nose stands out, in sides of the crop; where its tip lies on the way from the eyes to the
mouth; and how far it stands out in lengths of this way."""
_TINY_PX: Final = 1e-3
"""Stands for no length at all, where landmarks fall together."""


@dataclass(frozen=True, slots=True)
class QualityParts:
    """What the quality is made of, each (n,) from 0 to 1.

    Attributes:
        size: full where the crop's side has at least 32 pixels in the picture; less counts in proportion.
        sharpness: 1 - 2^(-r / 0.1) with r the Laplacian's standard deviation over that of the grey, so that
            contrast doesn't count; 0.5 is a FER-2013 face blurred by a Gaussian of two pixels.
        light: exposure x contrast x the share of pixels that are not clipped, in the inner two thirds of the
            crop. Exposure and contrast are full where the mean lies at least 0.1 from black and white and the
            standard deviation is at least 0.04 (white is 1); less counts in proportion.
        pose: squared cosine of the angle by which the face is turned away, guessed from the nose's place
            between eyes and mouth; NaN without landmarks. Tilting the head to a shoulder doesn't count.
    """

    size: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    light: NDArray[np.float32]
    pose: NDArray[np.float32]


def face_quality(image: Image, faces: Faces, crops: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
    """Return how usable each face is.

    Args:
        image: the picture, uint8 RGB.
        faces: the faces in it.
        crops: uint8 (n, size, size), their crops where they have been cut already; crops of another size than
            48 pixels are cut anew.

    Returns:
        (n,) from 0 to 1: the product of the parts that are known.
    """
    parts = quality_parts(image, faces, crops)
    return np.asarray(
        parts.size * parts.sharpness * parts.light * np.nan_to_num(parts.pose, nan=1), np.float32
    )


def quality_parts(image: Image, faces: Faces, crops: NDArray[np.uint8] | None = None) -> QualityParts:
    """Return the parts of the quality; arguments as in `face_quality`."""
    if crops is None or crops.shape[1] != _CROP_PX:
        crops = crop_faces(image, faces, _CROP_PX)
    sides = np.linalg.norm(face_squares(faces)[1], axis=1)
    parts = (sides / _ENOUGH_PX).clip(max=1), _sharpness(crops), _light(crops), _pose(faces.points, sides)
    return QualityParts(*(part.astype(np.float32) for part in parts))


def _sharpness(crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    # OpenCV's standard deviation takes a fifth of NumPy's time on arrays so small.
    detail, contrast = (
        np.array([cv2.meanStdDev(each)[1][0, 0] for each in images], np.float64)
        for images in ([cv2.Laplacian(crop, cv2.CV_32F) for crop in crops], crops)
    )
    ratio = np.divide(detail, contrast, out=np.zeros(len(crops)), where=contrast > 0)
    return np.asarray(1 - 0.5 ** (ratio / _HALF_SHARP))


def _light(crops: NDArray[np.uint8]) -> NDArray[np.float64]:
    margin = _CROP_PX // 6
    inner = crops[:, margin:-margin, margin:-margin] / 255
    mean = inner.mean(axis=(1, 2))
    exposure = (np.minimum(mean, 1 - mean) / _DARK).clip(max=1)
    contrast = (inner.std(axis=(1, 2)) / _FLAT).clip(max=1)
    usable = ((inner > _CLIPPED) & (inner < 1 - _CLIPPED)).mean(axis=(1, 2))
    return np.asarray(exposure * contrast * usable)


def _pose(points: NDArray[np.float32], sides: NDArray[np.float64]) -> NDArray[np.float64]:
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    nose, way = points[:, 2] - eyes, mouth - eyes
    length = np.linalg.norm(way, axis=1).clip(min=_TINY_PX)
    # A nose that stands out by d goes d sin(angle) aside, or up and down, when the face turns.
    aside = (
        (way[:, 0] * nose[:, 1] - way[:, 1] * nose[:, 0]) / length / (_NOSE_OUT * sides.clip(min=_TINY_PX))
    )
    nod = ((way * nose).sum(axis=1) / length**2 - _NOSE_PLACE) / _NOSE_NOD
    return np.asarray((1 - aside**2 - nod**2).clip(min=0))
