"""A station's zones in the pixels of its picture: where Mien never looks, and where visitors count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.source import Source
from mien.source.base import SourceReport
from mien.store.venue_types import Use, Zone
from mien.types import Faces, Frame, Image

BLANK: Final = 127
"""The grey of pixels that are never looked at."""

OVERLAP: Final = 0.2
"""A face of whose box so much lies in an ignored zone is of that zone."""

Flags = NDArray[np.bool_]


class _Raster(NamedTuple):
    """The zones of a picture of one size: (height, width) which pixels are ignored, and which count."""

    ignored: Flags
    counted: Flags


class Zones:
    """A station's zones; without one to count in, all of the picture counts that is not ignored.

    Args:
        zones: of one station.
    """

    def __init__(self, zones: Iterable[Zone] = ()) -> None:
        self._zones = tuple(zones)
        self._size_wh = 0, 0
        self._raster = self._drawn()

    def masked(self, image: Image) -> Image:
        """Return a copy of a picture without the pixels that are never looked at; itself where all are."""
        ignored = self._of(image.shape[1::-1]).ignored
        if not ignored.any():
            return image
        looked_at = image.copy()
        looked_at[ignored] = BLANK
        return looked_at

    def without_ignored(self, faces: Faces, size_wh: tuple[int, int]) -> Faces:
        """Return the faces of a picture of that size that don't reach into an ignored zone."""
        ignored = self._of(size_wh).ignored
        if not len(faces) or not ignored.any():
            return faces
        corners = _pixels(faces.xyxy, size_wh)
        shares = [
            ignored[top : bottom + 1, left : right + 1].mean()
            for left, top, right, bottom in corners.tolist()
        ]
        return faces[np.array(shares) < OVERLAP]

    def count(self, faces: Faces, size_wh: tuple[int, int]) -> Flags:
        """(n,) whether the middle of each face's box is where visitors count."""
        x, y = _pixels(_middles(faces), size_wh).T
        return np.asarray(self._of(size_wh).counted[y, x])

    def _of(self, size_wh: tuple[int, ...]) -> _Raster:
        if size_wh != self._size_wh:
            self._size_wh = size_wh[0], size_wh[1]
            self._raster = self._drawn()
        return self._raster

    def _drawn(self) -> _Raster:
        ignored = self._filled("ignore")
        counts_somewhere = any(zone.use == "count" for zone in self._zones)
        return _Raster(ignored, (self._filled("count") if counts_somewhere else ~ignored) & ~ignored)

    def _filled(self, use: Use) -> Flags:
        width, height = self._size_wh
        canvas = np.zeros((height, width), np.uint8)
        for zone in self._zones:
            if zone.use == use and canvas.size:
                corners = np.rint(np.array(zone.corners) * (width - 1, height - 1)).astype(np.int32)
                cv2.fillPoly(canvas, [corners], 1)
        return canvas.astype(bool)


class Masked:
    """A source whose pixels in ignored zones are blank before anything looks at them.

    Args:
        source: of a station; closed with this.
        zones: of the same station.
    """

    def __init__(self, source: Source, zones: Zones) -> None:
        self.name, self.live = source.name, source.live
        self._source = source
        self._zones = zones

    @property
    def report(self) -> SourceReport:
        """What the source says of itself."""
        return self._source.report

    def frames(self) -> Iterator[Frame]:
        """Yield the source's frames, masked."""
        for frame in self._source.frames():
            yield replace(frame, image=self._zones.masked(frame.image))

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def _middles(faces: Faces) -> NDArray[np.float32]:
    return np.asarray((faces.xyxy[:, :2] + faces.xyxy[:, 2:]) / 2)


def _pixels(places: NDArray[np.float32], size_wh: tuple[int, int]) -> NDArray[np.int64]:
    """Return the pixels at places (..., 2 or 4), x before y; those outside go to the picture's edge."""
    last = np.tile(np.array(size_wh) - 1, places.shape[-1] // 2)
    return np.floor(places).clip(0, last).astype(np.int64)
