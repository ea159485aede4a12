"""Face crops: upright, grey, and framed as FER-2013 frames its faces.

An expression network has learnt where the eyes are. FER-2013's crops are the field's training data, so a
face is cut out so that its eyes and mouth come to lie where FER-2013 has them. `docs/quality.md` has the
measurements; `benchmarks/framing.py` repeats them and shows what a crop framed otherwise costs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types import Faces, Frame, Image

Vectors = NDArray[np.float64]
"""(n, 2) x and y in pixels of the picture."""

_COARSER = 0.25
"""A warp may take steps that are longer than a pixel by this; always taking more would blur small faces."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Where a face lies in its square crop; every number is a share of the crop's side.

    The side is the larger of what the eyes ask for and what eyes and mouth ask for: a face that turns away
    brings its eyes together, a smile brings eyes and mouth together, and neither should be blown up for it.
    Of the rules tried, this one's side varies least against FER-2013's own.

    Attributes:
        eye_centre_xy: the middle between the eyes, from the left top corner.
        interocular: distance between the eyes, where that decides.
        eye_mouth: distance from the middle between the eyes to the middle between the corners of the mouth,
            where that decides.
    """

    eye_centre_xy: tuple[float, float]
    interocular: float
    eye_mouth: float


FER2013_FRAMING = Framing(eye_centre_xy=(0.50, 0.39), interocular=0.38, eye_mouth=0.42)
"""FER-2013's own: applied to its faces, it gives their crops back (in the median, within 2 %)."""


def crop_faces(
    image: Image, faces: Faces, size_px: int, framing: Framing = FER2013_FRAMING
) -> NDArray[np.uint8]:
    """Cut out each face, upright, as a grey square.

    What lies outside the picture repeats its edge. Shrinking averages over all pixels, so that fine detail
    does not turn into noise.

    Args:
        image: the picture, uint8 RGB.
        faces: the faces in it. Without landmarks, the crop is the box, made square around its centre:
            FER-2013 was cut with a Haar cascade, so Haar's boxes have its framing already.
        size_px: side of each crop in pixels.
        framing: where the face lies in its crop.

    Returns:
        uint8 of shape (n, size_px, size_px), grey by ITU-R BT.601.
    """
    return crop_squares(image, *face_squares(faces, framing), size_px)


def crop_squares(image: Image, corner: Vectors, edge: Vectors, size_px: int) -> NDArray[np.uint8]:
    """Cut squares out, as `crop_faces` does.

    Args:
        image: the picture, uint8 RGB.
        corner: (n, 2) as `face_squares` gives it.
        edge: (n, 2) the same.
        size_px: side of each crop in pixels.

    Returns:
        uint8 of shape (n, size_px, size_px).
    """
    crops = np.empty((len(corner), size_px, size_px), np.uint8)
    for index in range(len(corner)):
        crops[index] = _cut(image, corner[index], edge[index], size_px)
    return crops


def crop_whole(image: Image, size_px: int) -> NDArray[np.uint8]:
    """Take a picture that is a face crop already: grey, resized as a whole, framed as it is.

    Args:
        image: the picture, uint8 RGB, of any size.
        size_px: side of the crop in pixels; a picture that is not square is squeezed.

    Returns:
        uint8 of shape (1, size_px, size_px).
    """
    how = cv2.INTER_AREA if min(image.shape[:2]) >= size_px else cv2.INTER_LINEAR
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (size_px, size_px), interpolation=how)[None], np.uint8)


def whole_image_as_face(frame: Frame) -> Faces:
    """Call the whole picture one face, for pictures that are face crops already.

    Args:
        frame: a picture of nothing but a face.

    Returns:
        One face: its box is the picture, its detection is 1, and it has no landmarks.
    """
    return Faces(xyxy=np.array([[0, 0, *frame.size_wh]], np.float32), detection=np.ones(1, np.float32))


def face_squares(faces: Faces, framing: Framing = FER2013_FRAMING) -> tuple[Vectors, Vectors]:
    """Return which squares of the picture the crops show.

    Args:
        faces: the faces.
        framing: where a face lies in its crop.

    Returns:
        The corner (n, 2) that becomes the crop's left top, and the way (n, 2) from there along the top edge
        to the right. The way down is the same, turned by a quarter: (-y, x).
    """
    points = faces.points.astype(np.float64)
    seen = ~np.isnan(points).any(axis=(1, 2))
    if seen.all():
        return _squares_of_points(points, framing)
    corner, edge = _squares_of_boxes(faces.xyxy.astype(np.float64))
    corner[seen], edge[seen] = _squares_of_points(points[seen], framing)
    return corner, edge


def upside_down(corner: Vectors, edge: Vectors) -> tuple[Vectors, Vectors]:
    """Return the same squares, stood on their heads; arguments and result as `face_squares` gives them."""
    return corner + edge + _turned(edge), -edge


def points_of_crops(shares: NDArray[np.float32], corner: Vectors, edge: Vectors) -> NDArray[np.float64]:
    """Bring points from crops back into the picture.

    Args:
        shares: (n, k, 2) x and y as shares of the crop's side, from its left top corner.
        corner: (n, 2) as `face_squares` gives it.
        edge: (n, 2) the same.

    Returns:
        (n, k, 2) in pixels of the picture.
    """
    axes = np.stack([edge, _turned(edge)], axis=1)
    return np.asarray(corner[:, None] + shares @ axes)


def crop_errors(corner: Vectors, edge: Vectors, faces: Faces) -> NDArray[np.float64]:
    """Return how far crops are from where they should have been.

    Args:
        corner: (n, 2) of the squares that were cut; see `face_squares`.
        edge: (n, 2) the same.
        faces: the n faces, as it turned out.

    Returns:
        (n,) how far the crop's vertices are off, in sides of the right crop (root mean square). A crop that
        is off by 0.12 of its side, by 10 degrees, or 17 % too large, gives 0.12.
    """
    true_corner, true_edge = face_squares(faces)
    longer = edge - true_edge
    moved = corner - true_corner + (longer + _turned(longer)) / 2
    off = (moved**2).sum(axis=1) + (longer**2).sum(axis=1) / 2
    return np.asarray(np.sqrt(off / (true_edge**2).sum(axis=1).clip(min=1)))


def _squares_of_boxes(xyxy: NDArray[np.float64]) -> tuple[Vectors, Vectors]:
    side = (xyxy[:, 2:] - xyxy[:, :2]).max(axis=1, keepdims=True)
    return (xyxy[:, :2] + xyxy[:, 2:] - side) / 2, side * np.array([1.0, 0.0])


def _squares_of_points(points: NDArray[np.float64], framing: Framing) -> tuple[Vectors, Vectors]:
    left, right = points[:, 0], points[:, 1]
    eyes, mouth, eye_line = (left + right) / 2, (points[:, 3] + points[:, 4]) / 2, right - left
    interocular = np.hypot(eye_line[:, :1], eye_line[:, 1:])
    down = mouth - eyes
    side = np.maximum(
        interocular / framing.interocular, np.hypot(down[:, :1], down[:, 1:]) / framing.eye_mouth
    )
    # The eyes of a face in profile may be one point: then the crop is level.
    level = np.where(interocular > 0, eye_line, (1.0, 0.0))
    edge = side * level / np.where(interocular > 0, interocular, 1.0)
    return eyes - framing.eye_centre_xy[0] * edge - framing.eye_centre_xy[1] * _turned(edge), edge


def _turned(vectors: Vectors) -> Vectors:
    """Turn by a quarter, from right to down."""
    return vectors[..., ::-1] * (-1.0, 1.0)


def _cut(image: Image, corner: Vectors, edge: Vectors, size_px: int) -> NDArray[np.uint8]:
    """Cut one square out: about as fine as the picture first, then averaged down to the size asked for."""
    down = _turned(edge)
    vertices = corner + np.array([np.zeros(2), edge, down, edge + down])
    left, top, right, bottom = _region(vertices, image)
    fine_px = size_px * max(1, math.ceil(np.hypot(*edge) / size_px - _COARSER))
    to_picture = np.column_stack([edge / fine_px, down / fine_px, corner - (left, top)])
    # Positions count from a pixel's corner, OpenCV's from its middle: hence the halves.
    to_picture[:, 2] += to_picture[:, :2].sum(axis=1) / 2 - 0.5
    fine = cv2.warpAffine(
        cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_RGB2GRAY),
        to_picture,
        (fine_px, fine_px),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cv2.resize(fine, (size_px, size_px), interpolation=cv2.INTER_AREA), np.uint8)


def _region(vertices: Vectors, image: Image) -> tuple[int, int, int, int]:
    """Return the part of the picture, at least one pixel, that a square with these vertices needs."""
    edges_wh = image.shape[1], image.shape[0]
    low = np.floor(vertices.min(axis=0)).astype(int) - 1
    high = np.ceil(vertices.max(axis=0)).astype(int) + 1
    left, top = low.clip(0, np.subtract(edges_wh, 1)).tolist()
    right, bottom = high.clip((left + 1, top + 1), edges_wh).tolist()
    return left, top, right, bottom
