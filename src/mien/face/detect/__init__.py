"""Finding faces: one file a detector, all behind the same `Detector`."""

from __future__ import annotations

from typing import Any, Final

from mien.config import Settings
from mien.face.detect.base import Detector, Refiner

__all__ = ["DEFAULT", "DETECTORS", "Detector", "Refiner", "make_detector"]

DETECTORS: Final = ("haar", "mtcnn", "yunet")
"""The names that `Settings.detector` takes, beside "auto"."""

DEFAULT: Final = "mtcnn"
"""What "auto" is."""


def make_detector(settings: Settings) -> Detector:
    """Make the detector that the settings ask for; the others are not even imported.

    Args:
        settings: `detector`, `detector_model`, `min_face_px` and `min_detection` count.

    Returns:
        A detector; "mtcnn" is a `Refiner` too.

    Raises:
        ModelError: what it needs is missing or damaged.
    """
    options: dict[str, Any] = {"min_face_px": settings.min_face_px}
    if settings.min_detection is not None:
        options["min_detection"] = settings.min_detection
    name = DEFAULT if settings.detector == "auto" else settings.detector
    if name == "haar":
        from mien.face.detect.haar import Haar

        return Haar(**options)
    if name == "yunet":
        from mien.face.detect.yunet import Yunet

        return Yunet(settings.detector_model, **options)
    from mien.face.detect.mtcnn import Mtcnn

    return Mtcnn(**options)
