"""What a person sees in the shared pictures and videos, the detectors see too."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from mien.config import Settings
from mien.face.detect import Detector, make_detector
from mien.types import Image

WITH_FACE = {"single_face.mp4": range(72), "no_face.mp4": range(0), "noface_face.mov": range(96, 168)}
"""Frames with a face: in noface_face.mov the man is there after one cut; the last frame is black."""


@pytest.fixture(scope="module", params=["mtcnn", "yunet"])
def detector(request: pytest.FixtureRequest, shared: Path) -> Detector:
    model = shared / "models" / "face_detection_yunet_2026may.onnx"
    return make_detector(Settings(detector=request.param, detector_model=model))


@cache
def frames(path: Path, places: frozenset[int]) -> dict[int, Image]:
    with av.open(str(path)) as container:
        return {
            place: np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            for place, frame in enumerate(container.decode(video=0))
            if place in places
        }


@pytest.mark.parametrize(
    ("name", "count"), [("single_face.jpg", 1), ("multi_face.jpg", 5), ("no_face.jpg", 0)]
)
def test_photographs(detector: Detector, shared: Path, name: str, count: int) -> None:
    image = np.asarray(Pillow.open(shared / "data" / "images" / name).convert("RGB"))
    assert len(detector.detect(image)) == count


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("single_face.mp4", {*range(0, 72, 6)}),
        ("no_face.mp4", {*range(0, 95, 6), 85, 86, 87}),
        ("noface_face.mov", {*range(0, 169, 8), 95, 96, 167, 168}),
    ],
    ids=["single_face.mp4", "no_face.mp4", "noface_face.mov"],
)
def test_videos(detector: Detector, shared: Path, name: str, places: set[int]) -> None:
    for place, image in frames(shared / "data" / "video" / name, frozenset(places)).items():
        assert len(detector.detect(image)) == (place in WITH_FACE[name]), f"frame {place}"
