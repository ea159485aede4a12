"""Small faces in large pictures: a detector looks at the whole, and at tiles of it that overlap."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.config import Settings
from mien.face.detect import make_detector
from mien.face.detect.fit import LONGEST_PX
from mien.face.detect.nms import suppress_nested
from mien.face.track import joined
from mien.geometry import Window, windows
from mien.types import Faces, Image

OVERLAP_PX: Final = 128
"""A face that is narrower is whole in at least one tile."""

LARGE_PX: Final = 96
"""Larger faces are found in the whole picture."""

SMALLEST_SEEN_PX: Final = 16
"""Detectors are sure of faces from here on: tiles pay where a picture would be shrunk further."""

_SAME_FACE: Final = 0.5
_AT_EDGE_PX: Final = 2


class Tiled:
    """A detector that finds faces in a picture which it would shrink too far; others it leaves alone.

    Args:
        settings: name the detector, and the smallest face to look for.

    Raises:
        ModelError: what the detector needs is missing or damaged.
    """

    def __init__(self, settings: Settings) -> None:
        self._min_face_px = settings.min_face_px
        self._fine = make_detector(settings)
        self._coarse = make_detector(
            settings.model_copy(update={"min_face_px": max(LARGE_PX, settings.min_face_px)})
        )
        self.name = self._fine.name

    def detect(self, image: Image) -> Faces:
        """Find all faces; see `Detector`."""
        height, width = image.shape[:2]
        shrinking = min(1.0, LONGEST_PX / max(height, width))
        if shrinking == 1.0 or self._min_face_px * shrinking >= SMALLEST_SEEN_PX:
            return self._fine.detect(image)
        found = self._coarse.detect(image)
        for tile in windows((width, height), LONGEST_PX, OVERLAP_PX):
            found = joined(found, self._in_tile(image, tile))
        return found[suppress_nested(found.xyxy, found.detection, _SAME_FACE)]

    def close(self) -> None:
        """Let the detectors go."""
        self._fine.close()
        self._coarse.close()

    def _in_tile(self, image: Image, tile: Window) -> Faces:
        """Find the faces of one tile, but for those that its edge may cut: another tile has them whole."""
        left, top, right, bottom = tile
        faces = self._fine.detect(np.ascontiguousarray(image[top:bottom, left:right]))
        inner = np.array([left > 0, top > 0, right < image.shape[1], bottom < image.shape[0]])
        far = np.array([0, 0, right - left, bottom - top])
        cut = (np.abs(faces.xyxy - far) <= _AT_EDGE_PX) & inner
        faces = faces[~cut.any(axis=1)]
        shift = np.array([left, top], np.float32)
        return faces.fill(xyxy=faces.xyxy + np.tile(shift, 2), points=faces.points + shift)
