"""Faces that lie on their side or stand on their head, in pictures that nobody has turned.

A detector finds one in four of the faces that stand on their heads, sets the eyes where the mouth is, and the
network then reads an expression that nobody shows. But it doubts that there is a face: see `SURE`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.face.detect.base import Detector
from mien.face.detect.fit import Floats, shrunk
from mien.types import Faces, Image

SURE: Final = 0.93
"""A new face whose presence is below is looked at upside down as well; there it has to be at least this.

Of 1,500 faces of FER-2013 0.8 % are below, and 96 % of the same on their heads (docs/following.md).
"""

QUARTERS: Final = (2, 1, 3)
"""In what order a picture without a face is turned: on its head, and on its sides."""

_LONGEST_PX: Final = 640
"""A turned picture is made no longer than this: it costs a third look, and most often there is nothing."""


def detect_turned(detector: Detector, image: Image, quarters: int) -> Faces:
    """Find the faces of a picture turned by quarters, counter-clockwise.

    Args:
        detector: finds faces.
        image: uint8 RGB, (height, width, 3).
        quarters: 1 to 3.

    Returns:
        What it found, in the pixels of the picture as it is; smaller faces are not found in a large picture.
    """
    small, factors = shrunk(image, _LONGEST_PX)
    found = detector.detect(np.ascontiguousarray(np.rot90(small, quarters)))
    if not len(found):
        return found
    size_wh = small.shape[1], small.shape[0]
    vertices = _turned_back(found.xyxy.reshape(-1, 2, 2), quarters, size_wh) * factors
    return found.fill(
        xyxy=np.concatenate([vertices.min(axis=1), vertices.max(axis=1)], axis=1),
        points=_turned_back(found.points, quarters, size_wh) * factors,
    )


def _turned_back(xy: Floats, quarters: int, size_wh: tuple[int, int]) -> Floats:
    width, height = size_wh
    x, y = xy[..., 0], xy[..., 1]
    back = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}
    return np.stack(back[quarters], axis=-1)
