"""YuNet: one small network, in OpenCV (Wu, Peng, Yu 2023, Machine Intelligence Research 20 (5), 656-665)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mien.errors import ModelError
from mien.face.detect.fit import LONGEST_PX, Floats, faces_within, shrunk
from mien.face.detect.nms import suppress
from mien.fetch import cached
from mien.types import Faces, Image
from mien.wording import reason

SMALLEST_PX = 16  # its authors say 10, but it is sure of those only from here on
LARGEST_PX = 300  # its authors' word
COARSE_PX = 640  # the side of the pictures that it was trained on
LEAST_PX = 64  # with 32 and less on a side, OpenCV 4.14 gives faces made of memory that was never written
OVERLAP = 0.3  # OpenCV's own


class Yunet:
    """Finds faces and five landmarks.

    The picture is shrunk to 640 pixels on its longer side, where the largest faces are found. If the smallest
    would then be under 16 pixels, it looks a second time at a larger picture, of at most 2000 pixels.

    Args:
        model: file of the network; without it, the one that `mien models fetch yunet` has fetched.
        min_face_px: smallest face looked for, in pixels of the given picture.
        min_detection: faces with a lower score are left out, 0 to 1. OpenCV's 0.9 would lose small faces.

    Raises:
        ModelError: the network was not fetched, or the file is missing, damaged or of another kind.
    """

    name = "yunet"

    def __init__(
        self, model: Path | None = None, *, min_face_px: int = 40, min_detection: float = 0.7
    ) -> None:
        path = model or cached("yunet")
        if path is None:
            raise ModelError(
                "yunet's network is missing: run `mien models fetch yunet`, or set detector_model"
            )
        self._min_face_px = min_face_px
        self._network = _load(path, min_detection)

    def detect(self, image: Image) -> Faces:
        """Find all faces; see `Detector`."""
        found = self._look(image, COARSE_PX)
        finer_px = min(LONGEST_PX, max(image.shape[:2]) * SMALLEST_PX / self._min_face_px)
        if finer_px > COARSE_PX:
            found = np.concatenate([found, self._look(image, finer_px, largest_px=LARGEST_PX)])
            found = found[suppress(found[:, :4], found[:, 14], OVERLAP)]
        xyxy, points, score = found[:, :4], found[:, 4:14].reshape(-1, 5, 2), found[:, 14].clip(0, 1)
        return faces_within(image, xyxy, score, points, min_face_px=self._min_face_px)

    def close(self) -> None:
        """Do nothing: the network goes with the object."""

    def _look(self, image: Image, longest_px: float, largest_px: float = np.inf) -> Floats:
        """Return (n, 15) in pixels of the picture: left, top, right, bottom, five points, score."""
        small, back = shrunk(image, longest_px)
        below, beside = (max(0, LEAST_PX - side) for side in small.shape[:2])
        bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
        bgr = cv2.copyMakeBorder(bgr, 0, below, 0, beside, cv2.BORDER_CONSTANT)
        self._network.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, result = self._network.detect(bgr)
        found: Floats = np.empty((0, 15), np.float32) if result is None else np.asarray(result, np.float32)
        found = found[found[:, 2:4].max(axis=1) <= largest_px]
        found[:, 2:4] += found[:, :2]
        found[:, :14] *= np.tile(back, 7)
        return found


def _load(path: Path, min_detection: float) -> cv2.FaceDetectorYN:
    """Load the network from memory, as OpenCV can't open every path on Windows, and try it once."""
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
        network = cv2.FaceDetectorYN.create(
            "onnx", content, np.empty(0, np.uint8), (LEAST_PX, LEAST_PX), min_detection, OVERLAP, 5000
        )
        network.detect(np.zeros((LEAST_PX, LEAST_PX, 3), np.uint8))
    except OSError as error:
        raise ModelError(f"cannot read {path}: {reason(error)}") from error
    except cv2.error as error:
        raise ModelError(f"{path} is not a YuNet network; `mien models fetch yunet` fetches one") from error
    return network
