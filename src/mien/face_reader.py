"""One look at the faces of a picture: crop, network, quality. Where the network finds landmarks, it follows.

The crop is cut where the face is expected; one pass of the network then tells what the face shows, whether
there is a face at all, and where it is now, from which the next frame's crop follows.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.expression.network import Network
from mien.expression.reader import ExpressionReader
from mien.face.crop import (
    Vectors,
    crop_errors,
    crop_squares,
    crop_whole,
    face_squares,
    points_of_crops,
    upside_down,
)
from mien.face.landmarks import face_boxes, five_points
from mien.face.quality import face_quality
from mien.face.track import joined
from mien.face.turned import SURE
from mien.types import Faces, Image

STAYS, COMES = 0.5, 0.7
"""A face that was present in the last frame stays while its presence is at least the first; any other needs
the second."""

_OFF: Final = 0.12
"""A crop that was off by more than this share of its side is cut again; see `crop_errors`."""
_WORTH_A_LOOK: Final = 0.1
"""Below this presence, landmarks lead nowhere."""

Placed = Callable[[NDArray[np.float32]], NDArray[np.float64]]
Timed = Callable[[str], AbstractContextManager[None]]


class FaceReader:
    """Looks at faces; where the network finds landmarks, it is a `Refiner`.

    Args:
        network: reads crops.
        reader: makes sense of its answers.
        timed: keeps the time of a stage by its name.
    """

    def __init__(self, network: Network, reader: ExpressionReader, timed: Timed) -> None:
        self._network = network
        self._reader = reader
        self._timed = timed
        self._size_px = network.sidecar.size_px

    def refine(self, image: Image, faces: Faces) -> Faces:
        """Look where faces are expected; of those that are there, give all that the network says.

        A new face of which the network is not sure may stand on its head, and is looked at that way as well.
        """
        if not len(faces):
            return faces
        squares = face_squares(faces)
        seen = self._read_twice(image, faces, squares)
        doubted = np.isnan(faces.presence) & (seen.presence < SURE)
        if doubted.any():
            corner, edge = (each[doubted] for each in squares)
            turned = self._read_twice(image, faces[doubted], upside_down(corner, edge))
            better = turned.presence >= SURE
            doubted[doubted] = better
            seen = _with_others(seen, doubted, turned[better])
        needed = np.where(faces.presence >= STAYS, STAYS, COMES)
        present = (seen.presence >= needed) & _are_inside(seen, image)
        return seen if present.all() else seen[present]

    def _read_twice(self, image: Image, faces: Faces, squares: tuple[Vectors, Vectors]) -> Faces:
        """Read the squares, and once more those faces that turn out to lie elsewhere."""
        seen = self._cut_and_read(image, faces, squares)
        off = (crop_errors(*squares, seen) > _OFF) & (seen.presence >= _WORTH_A_LOOK)
        return _with_others(seen, off, self.read(image, seen[off])) if off.any() else seen

    def read(self, image: Image, faces: Faces) -> Faces:
        """Read the faces of a picture, at least one; where the network finds landmarks, move them there."""
        return self._cut_and_read(image, faces, face_squares(faces))

    def read_whole(self, image: Image, faces: Faces) -> Faces:
        """Read a picture that is one face's crop; its box stays the whole picture."""
        with self._timed("crop"):
            crops = crop_whole(image, self._size_px)
        seen = self._read(image, faces, crops, lambda shares: shares * np.array(image.shape[1::-1], float))
        return seen.fill(xyxy=faces.xyxy, detection=faces.detection)

    def _cut_and_read(self, image: Image, faces: Faces, squares: tuple[Vectors, Vectors]) -> Faces:
        with self._timed("crop"):
            crops = crop_squares(image, *squares, self._size_px)
        return self._read(image, faces, crops, lambda shares: points_of_crops(shares, *squares))

    def _read(self, image: Image, faces: Faces, crops: NDArray[np.uint8], placed: Placed) -> Faces:
        with self._timed("expression"):
            answers = self._network.answer(crops)
        if answers.landmarks is not None and answers.presence is not None:
            landmarks = placed(answers.landmarks)
            faces = faces.fill(
                xyxy=face_boxes(landmarks, image.shape[1::-1]),
                detection=answers.presence,
                points=five_points(landmarks),
                landmarks=landmarks,
            )
        with self._timed("quality"):
            faces = faces.fill(quality=face_quality(image, faces, crops))
        with self._timed("expression"):
            return self._reader.fill(faces, answers)


def _with_others(faces: Faces, replaced: NDArray[np.bool_], others: Faces) -> Faces:
    """Return the faces with some of them replaced, each by its other."""
    indices = np.concatenate([np.flatnonzero(~replaced), np.flatnonzero(replaced)])
    return joined(faces[~replaced], others)[np.argsort(indices)]


def _are_inside(faces: Faces, image: Image) -> NDArray[np.bool_]:
    """Return whether the middle between a face's eyes and mouth, where its nose is, is in the picture."""
    middles = faces.points.mean(axis=1)
    return np.asarray(((middles >= 0) & (middles <= image.shape[1::-1])).all(axis=1))
