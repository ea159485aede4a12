"""A film of the portrait, the corners of whose mouth rise for a moment."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import mien
from cli.helpers import save_clip
from mien.videos.made.plan import smooth

ONSET_S, APEX_S, OFFSET_S = 0.5, 0.57, 0.66


def bump(times_s: NDArray[np.float64], onset_s: float, apex_s: float, offset_s: float) -> NDArray[np.float64]:
    """Return how far a movement has got, 0 to 1."""
    rise, fall = (times_s - onset_s) / (apex_s - onset_s), (offset_s - times_s) / (offset_s - apex_s)
    return np.asarray(smooth(np.minimum(rise, fall)))


def lifted_mouth(folder: Path, portrait: NDArray[np.uint8]) -> Path:
    """Write 1.2 s at 100 frames a second; the corners of the mouth rise for 0.16 s."""
    image = cv2.resize(portrait, (240, 280))
    face = mien.read(image)
    corners = face.landmarks[0, [48, 54]].astype(np.float64)
    unit = float(np.hypot(*(face.landmarks[0, 45] - face.landmarks[0, 36])))
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    near = sum(np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (0.18 * unit) ** 2) for at_x, at_y in corners)
    course = bump(np.arange(120) / 100, ONSET_S, APEX_S, OFFSET_S)
    images = [
        cv2.remap(image, x, (y + 0.06 * unit * share * near).astype(np.float32), cv2.INTER_LINEAR)
        for share in course
    ]
    return save_clip(folder / "lift.mp4", images, rate_hz=100)
