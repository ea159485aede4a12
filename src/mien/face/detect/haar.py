"""OpenCV's Haar cascade for frontal faces (Viola and Jones 2001; trained by Lienhart): the weakest here."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mien.errors import ModelError
from mien.face.detect.fit import LONGEST_PX, faces_within, shrunk
from mien.install import install_command
from mien.types import Faces, Image

CASCADE = "haarcascade_frontalface_default.xml"
WINDOW_PX = 24  # the smallest face that it can see
LAST_STAGE = -2.9928278923  # what a window must reach in the cascade's last stage to pass


class Haar:
    """Finds upright frontal faces, without landmarks. It misses some and sees some where there are none.

    The score is m / (1 + m), where m is how far the votes of the cascade's last stage exceed what that stage
    asks for: at 0 a window only just passed; higher is surer, but it is no probability. The picture is shrunk
    until the smallest face fills the cascade's window, and to at most 2000 pixels on its longer side.

    Args:
        min_face_px: smallest face looked for, in pixels of the given picture.
        min_detection: faces with a lower score are left out, 0 to 1; the cascade has decided already.

    Raises:
        ModelError: this OpenCV comes without the cascade.
    """

    name = "haar"

    def __init__(self, *, min_face_px: int = 40, min_detection: float = 0.0) -> None:
        path = Path(getattr(getattr(cv2, "data", None), "haarcascades", "")) / CASCADE
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise ModelError(
                f"this OpenCV has no {CASCADE}: " + install_command('"opencv-python-headless<5"')
            )
        self._min_face_px = min_face_px
        self._min_detection = min_detection

    def detect(self, image: Image) -> Faces:
        """Find all faces; see `Detector`."""
        enough_px = max(image.shape[:2]) * WINDOW_PX / self._min_face_px
        small, back = shrunk(image, min(LONGEST_PX, enough_px))
        grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        least = max(1, round(self._min_face_px / float(back.max())))
        boxes, _, votes = self._cascade.detectMultiScale3(
            grey, scaleFactor=1.1, minNeighbors=5, minSize=(least, least), outputRejectLevels=True
        )
        xywh = np.array(boxes, np.float32).reshape(-1, 4)
        margin = np.maximum(np.array(votes, np.float32).reshape(-1) - LAST_STAGE, 0)
        score = margin / (1 + margin)
        xywh, score = xywh[score >= self._min_detection], score[score >= self._min_detection]
        xyxy = np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]) * np.tile(back, 2)
        return faces_within(image, xyxy, score, min_face_px=self._min_face_px)

    def close(self) -> None:
        """Do nothing: the cascade goes with the object."""
