"""Faces made by program: bright discs, a network that sees exactly where they are, and a detector of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.expression.network import Answers
from mien.expression.sidecar import Sidecar
from mien.face.landmarks import face_boxes
from mien.labels import EMOTIONS
from mien.types import Faces, Image
from tiny_network import tiny_sidecar

SIDE = 2.0
"""Side of a disc's crop, in its radii."""
BRIGHT = 120


def _template() -> NDArray[np.float64]:
    """68 landmarks on a disc of radius 1 around (0, 0); FER-2013's framing cuts it out with side 2."""
    eye_y, mouth_y = (0.39 - 0.5) * SIDE, (0.81 - 0.5) * SIDE

    def ring(x: float, y: float, count: int, width: float) -> NDArray[np.float64]:
        turn = np.pi + np.arange(count) / count * 2 * np.pi
        return np.stack([x + width * np.cos(turn), y + width / 2 * np.sin(turn)], axis=1)

    down = np.linspace(np.pi, 0, 17)
    jaw = np.stack([np.cos(down), np.sin(down)], axis=1)
    brows = np.stack([np.linspace(-0.7, 0.7, 10), np.full(10, -0.6)], axis=1)
    nose = np.stack([np.zeros(9), np.linspace(eye_y, 0.3, 9)], axis=1)
    eyes = [ring(side * 0.19 * SIDE, eye_y, 6, 0.15) for side in (-1, 1)]
    return np.concatenate([jaw, brows, nose, *eyes, ring(0, mouth_y, 12, 0.3), ring(0, mouth_y, 8, 0.2)])


TEMPLATE = _template()


def landmarks_of(centre_xy: tuple[float, float], radius: float) -> NDArray[np.float64]:
    return np.asarray(centre_xy) + radius * TEMPLATE


def draw(*discs: tuple[float, float, float], size_wh: tuple[int, int] = (320, 180)) -> Image:
    """Draw discs (x, y, radius) on a dark ground that has some pattern; later ones hide earlier ones."""
    width, height = size_wh
    y, x = np.mgrid[:height, :width]
    picture = (30 + 20 * np.sin(x / 9) * np.cos(y / 7)).astype(np.uint8)
    for place, (cx, cy, radius) in enumerate(discs):
        inside = (x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2 <= radius**2
        rim = (x + 0.5 - cx) ** 2 + (y + 0.5 - cy) ** 2 <= (radius + 3) ** 2
        picture[rim & ~inside] = 10
        picture[inside] = 200 + 10 * place
    return np.repeat(picture[..., None], 3, axis=2)


def blobs(grey: NDArray[np.uint8]) -> list[tuple[float, float, float, float]]:
    """Return x, y, radius and how much of a disc it is (0 to 1), of each bright patch."""
    count, _, stats, centroids = cv2.connectedComponentsWithStats((grey > BRIGHT).astype(np.uint8))
    found = []
    for (_, _, width, height, area), (x, y) in zip(stats[1:count], centroids[1:count], strict=True):
        radius = max(width, height) / 2
        found.append((x + 0.5, y + 0.5, radius, min(1.0, area / (np.pi * radius**2))))
    return found


class DiscNetwork:
    """Finds the disc nearest to the crop's middle; presence is how much of a disc is there."""

    def __init__(self) -> None:
        self.crops = 0

    @property
    def sidecar(self) -> Sidecar:
        return tiny_sidecar(
            labels=EMOTIONS, outputs=("logits", "presence", "landmarks"), presence={}, input={"size_px": 48}
        )

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        self.crops += len(crops)
        seen = [self._see(crop) for crop in crops]
        shares = [landmarks_of((x, y), radius) / 48 for x, y, radius, _ in seen]
        return Answers(
            logits=np.zeros((len(crops), len(EMOTIONS)), np.float32),
            presence=np.array([whole for *_, whole in seen], np.float32),
            landmarks=np.array(shares, np.float32).reshape(-1, 68, 2),
        )

    def close(self) -> None:
        pass

    def _see(self, crop: NDArray[np.uint8]) -> tuple[float, float, float, float]:
        patches = [patch for patch in blobs(crop) if patch[2] > 5]
        nearest = min(
            patches, key=lambda patch: np.hypot(patch[0] - 24, patch[1] - 24), default=(24, 24, 24, 0)
        )
        return nearest if np.hypot(nearest[0] - 24, nearest[1] - 24) < 20 else (24, 24, 24, 0)


class DiscDetector:
    """Finds whole discs anywhere, and counts how often it is asked."""

    name = "discs"

    def __init__(self) -> None:
        self.calls = 0
        self.blind = False

    def detect(self, image: Image) -> Faces:
        self.calls += 1
        whole = [patch for patch in blobs(image[..., 0]) if patch[3] > 0.8 and patch[2] > 8]
        if self.blind or not whole:
            return Faces.empty()
        landmarks = np.array([landmarks_of((x, y), radius) for x, y, radius, _ in whole])
        boxes = face_boxes(landmarks, (image.shape[1], image.shape[0]))
        return Faces(boxes, detection=np.ones(len(whole)))

    def close(self) -> None:
        pass
