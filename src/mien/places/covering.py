"""Pictures of places in which nobody can be known again."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mien.types import Faces, Image

BLOCKS: Final = 4
"""A face becomes so many squares of one colour across: far too few to know anybody by."""

COARSE: Final = 160
"""The whole picture becomes so many squares across, for the faces that nobody has found."""

_LONGEST_PX: Final = 1920
_BEYOND: Final = 0.35


def covered(image: Image, faces: Faces, across: int = COARSE) -> Image:
    """Return a copy in which nobody can be known: all of it in coarse squares, faces in still coarser ones.

    Args:
        image: uint8 RGB; a large one is made smaller.
        faces: those that were found in it.
        across: squares of the whole picture along its longer side.
    """
    height, width = image.shape[:2]
    scale = min(1.0, _LONGEST_PX / max(height, width))
    size_wh = max(1, round(width * scale)), max(1, round(height * scale))
    share = min(1.0, across / max(size_wh))
    coarse_wh = max(1, round(size_wh[0] * share)), max(1, round(size_wh[1] * share))
    picture = _mosaic(np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)), coarse_wh)
    edges = np.tile(size_wh, 2)
    grown = np.tile(_BEYOND * faces.size_wh, 2) * np.array([-1, -1, 1, 1])
    for left, top, right, bottom in np.rint((faces.xyxy + grown) * scale).clip(0, edges).astype(int).tolist():
        if right > left and bottom > top:
            picture[top:bottom, left:right] = _mosaic(picture[top:bottom, left:right], (BLOCKS, BLOCKS))
    return picture


def _mosaic(part: Image, blocks_wh: tuple[int, int]) -> Image:
    small = cv2.resize(part, blocks_wh, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, part.shape[1::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
