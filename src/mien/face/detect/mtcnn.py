"""MTCNN: three small nets in a row, in ONNX Runtime (Zhang et al. 2016, IEEE Signal Processing Letters 23).

P-Net proposes windows on a pyramid of smaller pictures, R-Net throws most of them out, O-Net decides and sets
five landmarks. Coordinates are half-open pixels: a window of w pixels from x covers [x, x + w).
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import onnxruntime

from mien.face.detect import mtcnn_graphs
from mien.face.detect.fit import LONGEST_PX, Floats, faces_within, resized, shrunk
from mien.face.detect.mtcnn_weights import load_weights
from mien.face.detect.nms import suppress, suppress_nested
from mien.types import Faces, Image

P_THRESHOLD, R_THRESHOLD, O_THRESHOLD = 0.6, 0.7, 0.7  # the authors' own
PYRAMID_STEP = 0.709  # about the square root of 1/2: the area halves from level to level
WINDOW_PX, STRIDE_PX = 12, 2  # what one place of P-Net's result looks at, and how far the next one is
STRIP_PX = 128  # windows of one run of P-Net start in so many rows
BATCH = 64  # bounds the memory that a crowd takes


class Mtcnn:
    """Finds faces and five landmarks; also looks again around known boxes (`Refiner`).

    Pictures whose longer side is over 2000 pixels are shrunk to that first, so that a photograph of 48
    megapixels takes megabytes and not gigabytes; faces that are then under 12 pixels are missed.

    Args:
        min_face_px: smallest face looked for, in pixels of the given picture; half of it takes four times as
            long.
        min_detection: `detect` leaves out faces to which O-Net gives a lower score, 0 to 1. The authors' 0.7
            lets a false face through in some frames of any video; 0.9 is what most users settle on.

    Raises:
        ModelError: the weights are missing or not the known ones.
    """

    name = "mtcnn"

    def __init__(self, *, min_face_px: int = 40, min_detection: float = 0.9) -> None:
        self._min_face_px = min_face_px
        self._min_detection = min_detection
        self._pnet = _session(mtcnn_graphs.pnet(load_weights("pnet")))
        self._rnet = _session(mtcnn_graphs.rnet(load_weights("rnet")))
        self._onet = _session(mtcnn_graphs.onet(load_weights("onet")))

    def detect(self, image: Image) -> Faces:
        """Find all faces; see `Detector`."""
        small, back = shrunk(image, LONGEST_PX)
        windows = self._sift(small, self._propose(small, self._min_face_px / float(back.max())))
        xyxy, score, points = self._decide(small, windows, self._min_detection)
        xyxy, points = xyxy * np.tile(back, 2), points * back
        return faces_within(image, xyxy, score, points, min_face_px=self._min_face_px)

    def refine(self, image: Image, faces: Faces) -> Faces:
        """Look again around the boxes of known faces with R-Net, twice, and O-Net; see `Refiner`.

        The first time R-Net only moves the boxes, however unlikely they look: so it finds a face that went
        three tenths of its width aside, where it would be lost after two. A face that is known already
        needs only the authors' 0.7, so that a hand before the mouth does not end its track.
        """
        windows = self._sift(image, _squares(faces.xyxy), threshold=0.0)
        windows = self._sift(image, windows)
        return faces_within(image, *self._decide(image, windows, min(O_THRESHOLD, self._min_detection)))

    def close(self) -> None:
        """Do nothing: the nets go with the object."""

    def _propose(self, image: Image, min_face_px: float) -> Floats:
        """Return the square windows (n, 4) in which P-Net suspects a face."""
        found = [self._windows(level, image) for level in _pyramid(image, min_face_px)]
        if not found:
            return np.empty((0, 4), np.float32)
        levels = np.repeat(np.arange(len(found)), [len(score) for _, score, _ in found])
        xyxy, score, offsets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        kept = suppress(xyxy, score, 0.5, group=levels)
        kept = kept[suppress(xyxy[kept], score[kept], 0.7)]
        return _squares(_moved(xyxy[kept], offsets[kept]))

    def _windows(self, level: Image, image: Image) -> tuple[Floats, Floats, Floats]:
        """Run P-Net on one level; give windows in pixels of the whole picture, scores and offsets."""
        found = [self._strip(level, top) for top in range(0, level.shape[0] - WINDOW_PX + 1, STRIP_PX)]
        corner, score, offsets = (np.concatenate(parts) for parts in zip(*found, strict=True))
        back = np.array([image.shape[1] / level.shape[1], image.shape[0] / level.shape[0]], np.float32)
        return np.hstack([corner * back, (corner + WINDOW_PX) * back]), score, offsets

    def _strip(self, level: Image, top: int) -> tuple[Floats, Floats, Floats]:
        """Run P-Net on all windows that start in one strip; the whole picture at once takes much memory."""
        strip = level[None, top : top + STRIP_PX + WINDOW_PX - STRIDE_PX]
        offsets, score = self._pnet.run(["offsets", "score"], {"image": strip})
        rows, columns = np.nonzero(score[0, 0] > P_THRESHOLD)
        corner = np.stack([STRIDE_PX * columns, STRIDE_PX * rows + top], axis=1).astype(np.float32)
        return corner, score[0, 0, rows, columns], offsets[0][:, rows, columns].T

    def _sift(self, image: Image, windows: Floats, threshold: float = R_THRESHOLD) -> Floats:
        """Keep the windows that R-Net takes for faces, moved to where it sees them."""
        offsets, score = _in_batches(self._rnet, image, windows, 24, ["offsets", "score"])
        likely = score[:, 0] >= threshold
        windows, offsets, score = windows[likely], offsets[likely], score[likely, 0]
        kept = suppress(windows, score, 0.7)
        return _squares(_moved(windows[kept], offsets[kept]))

    def _decide(self, image: Image, windows: Floats, threshold: float) -> tuple[Floats, Floats, Floats]:
        """Return boxes (n, 4), scores (n,) and landmarks (n, 5, 2) where O-Net sees faces."""
        offsets, points, score = _in_batches(self._onet, image, windows, 48, ["offsets", "points", "score"])
        sure = score[:, 0] >= threshold
        windows, offsets, points, score = windows[sure], offsets[sure], points[sure], score[sure, 0]
        xyxy = _moved(windows, offsets)
        size_wh = windows[:, None, 2:] - windows[:, None, :2]
        points = windows[:, None, :2] + points.reshape(-1, 2, 5).transpose(0, 2, 1) * size_wh
        kept = suppress_nested(xyxy, score, 0.7)
        return xyxy[kept], score[kept], points[kept]


def _session(model: bytes) -> onnxruntime.InferenceSession:
    """Start a net on one thread: they are so small that a second one costs more than it gives."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _pyramid(image: Image, min_face_px: float) -> Iterator[Image]:
    """Shrink the picture step by step until its shorter side is under one window.

    In the first level the smallest face fills a window; the others are made from it, as that is quicker.
    """
    height, width = image.shape[:2]
    scale = min(1.0, WINDOW_PX / min_face_px)
    first = image
    while min(width, height) * scale >= WINDOW_PX:
        level = resized(first, (round(width * scale), round(height * scale)))
        first = level if first is image else first
        yield level
        scale *= PYRAMID_STEP


def _in_batches(
    session: onnxruntime.InferenceSession, image: Image, windows: Floats, side_px: int, outputs: list[str]
) -> list[Floats]:
    """Run a net on windows of the picture; return its outputs for all of them."""
    parts = []
    for start in range(0, max(len(windows), 1), BATCH):
        crops = _cut(image, windows[start : start + BATCH], side_px)
        parts.append(session.run(outputs, {"image": crops}))
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _cut(image: Image, windows: Floats, side_px: int) -> Image:
    """Cut square windows out and resize them, (n, side_px, side_px, 3)."""
    crops = np.empty((len(windows), side_px, side_px, 3), np.uint8)
    for crop, (left, top, right, bottom) in zip(crops, windows.astype(int).tolist(), strict=True):
        inside = image[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if inside.shape[:2] != (bottom - top, right - left):
            inside = _with_border(inside, (bottom - top, right - left, 3), (max(-top, 0), max(-left, 0)))
        cv2.resize(inside, (side_px, side_px), dst=crop, interpolation=cv2.INTER_AREA)
    return crops


def _with_border(inside: Image, shape: tuple[int, int, int], corner_yx: tuple[int, int]) -> Image:
    """Put what is inside the picture into a black window, as the authors did."""
    window = np.zeros(shape, np.uint8)
    top, left = corner_yx
    window[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return window


def _moved(xyxy: Floats, offsets: Floats) -> Floats:
    """Move each box's sides by the offsets (n, 4), which are in sizes of the box."""
    return xyxy + offsets * np.tile(xyxy[:, 2:] - xyxy[:, :2], 2)


def _squares(xyxy: Floats) -> Floats:
    """Return squares around the same centres with the longer side, in whole pixels, at least one."""
    side = np.maximum(np.rint((xyxy[:, 2:] - xyxy[:, :2]).max(axis=1, keepdims=True)), 1)
    corner = np.rint((xyxy[:, :2] + xyxy[:, 2:] - side) / 2)
    return np.hstack([corner, corner + side]).astype(np.float32)
