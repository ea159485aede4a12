"""Noticing a cut: from one frame to the next the film shows another picture.

Two things tell a cut, and both must: most of the picture has changed its light, and what stands out is not to
be found again. A face that is covered changes less than half of it. A pan moves it, so it is looked
for at some distance too. A flash brightens it, which correlation doesn't see, or burns it out: a frame in
which nothing stands out is not judged, and the next is compared with the last one that could be.
`docs/following.md` has the measurements.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Image

Small = NDArray[np.float32]

_SIZE_WH: Final = 64, 36
_MOVED_WH: Final = 12, 7
"""So far may the picture move between two frames."""
_AROUND: Final = 17
"""Side of the surroundings that a pixel must stand out from."""
_CHANGE, _CHANGED = 12.0, 0.6
"""Grey levels by which a pixel has changed, and the share of such pixels that makes a cut possible."""
_ALIKE: Final = 0.5
"""Pictures that correlate by this show the same."""
_FLAT: Final = 4.0
"""Standard deviation, in grey levels, under which nothing stands out."""


class _Seen(NamedTuple):
    grey: Small
    outstanding: Small


class CutFinder:
    """Tells for each frame of one source whether a cut goes before it."""

    def __init__(self) -> None:
        self._last: _Seen | None = None

    def is_cut(self, image: Image) -> bool:
        """Compare the next frame with the one before.

        Args:
            image: the next picture of the source, uint8 RGB; all have one size.
        """
        grey = _small(image)
        outstanding = grey - cv2.blur(grey, (_AROUND, _AROUND))
        if outstanding.std() < _FLAT:
            return False
        last, self._last = self._last, _Seen(grey, outstanding)
        return last is not None and _changed(last.grey, grey) and not _alike(last.outstanding, outstanding)


def _small(image: Image) -> Small:
    """Shrink a picture's green, which is nearly its light."""
    # Of a large picture every n-th pixel will do: averaging over all takes longer than all the rest.
    step = max(1, min(image.shape[0] // (2 * _SIZE_WH[1]), image.shape[1] // (2 * _SIZE_WH[0])))
    green = np.ascontiguousarray(image[::step, ::step, 1])
    return np.asarray(cv2.resize(green, _SIZE_WH, interpolation=cv2.INTER_AREA), np.float32)


def _changed(before: Small, after: Small) -> bool:
    change = after - before
    return bool((np.abs(change - np.median(change)) > _CHANGE).mean() > _CHANGED)


def _alike(before: Small, after: Small) -> bool:
    right, down = _MOVED_WH
    middle = before[down:-down, right:-right]
    return bool(cv2.matchTemplate(after, middle, cv2.TM_CCOEFF_NORMED).max() >= _ALIKE)
