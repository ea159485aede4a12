"""What every detector must do, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mien.config import Settings
from mien.face.detect import DETECTORS, Detector, make_detector
from mien.types import Faces, Image

EYES = np.array([[223, 190], [304, 187]])
"""The portrait's pupils, left and right in the picture, read off by eye."""


Make = Callable[..., Detector]


@pytest.fixture(scope="module", params=DETECTORS)
def make(request: pytest.FixtureRequest) -> Make:
    """How to make one of the detectors, with settings."""
    settings: dict[str, Any] = {"detector": request.param}
    if request.param == "yunet":
        shared: Path = request.getfixturevalue("shared")
        settings["detector_model"] = shared / "models" / "face_detection_yunet_2026may.onnx"
    return lambda **more: make_detector(Settings(**settings, **more))


@pytest.fixture(scope="module")
def detector(make: Make) -> Iterator[Detector]:
    made = make()
    yield made
    made.close()


def assert_in_order(faces: Faces, image: Image) -> None:
    height, width = image.shape[:2]
    assert (faces.xyxy >= 0).all()
    assert (faces.xyxy <= [width, height, width, height]).all()
    assert ((faces.detection >= 0) & (faces.detection <= 1)).all()
    assert (np.diff(faces.detection) <= 0).all()
    assert (faces.track == -1).all()


def test_it_bears_the_name_by_which_it_is_chosen(detector: Detector) -> None:
    assert isinstance(detector, Detector)
    assert detector.name in DETECTORS


def test_the_portrait_has_one_face(detector: Detector, portrait: Image) -> None:
    faces = detector.detect(portrait)
    assert len(faces) == 1
    assert_in_order(faces, portrait)
    left_top, right_bottom = faces.xyxy[0].reshape(2, 2)
    assert (left_top < EYES).all()
    assert (right_bottom > EYES).all()
    assert 120 < faces.size_wh[0, 0] < 260


def test_landmarks_are_on_the_face_or_missing(detector: Detector, portrait: Image) -> None:
    points = detector.detect(portrait).points[0]
    if np.isnan(points).all():
        return
    assert np.hypot(*(points[:2] - EYES).T).max() < 10
    left_eye, right_eye, nose, mouth_left, mouth_right = points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert mouth_left[0] < nose[0] < mouth_right[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])


@pytest.mark.parametrize("shift_xy", [(40, 0), (0, 40), (-40, -40)])
def test_a_moved_face_moves_the_box(detector: Detector, portrait: Image, shift_xy: tuple[int, int]) -> None:
    moved = np.roll(portrait, (shift_xy[1], shift_xy[0]), axis=(0, 1))
    before, after = detector.detect(portrait), detector.detect(moved)
    assert len(after) == 1
    shift = after.xyxy.reshape(2, 2).mean(axis=0) - before.xyxy.reshape(2, 2).mean(axis=0)
    assert shift == pytest.approx(shift_xy, abs=10)


def test_a_face_cut_by_the_edge_has_its_box_inside(detector: Detector, portrait: Image) -> None:
    for image in (portrait[:, 210:], portrait[150:], portrait[:, :330], portrait[:300]):
        assert_in_order(detector.detect(image), image)


def test_the_same_picture_gives_the_same_faces(detector: Detector, portrait: Image) -> None:
    first, second = detector.detect(portrait), detector.detect(portrait)
    for name in ("xyxy", "detection", "points"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_a_grey_picture_will_do(detector: Detector, portrait: Image) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert len(detector.detect(np.asarray(grey, np.uint8))) == 1


def test_a_view_of_a_larger_picture_will_do(detector: Detector, portrait: Image) -> None:
    larger = np.zeros((700, 700, 3), np.uint8)
    larger[50:650, 100:612] = portrait
    view, copy = detector.detect(larger[50:650, 100:612]), detector.detect(portrait)
    np.testing.assert_array_equal(view.xyxy, copy.xyxy)


def test_the_picture_is_left_as_it_is(detector: Detector, portrait: Image) -> None:
    image = portrait.copy()
    detector.detect(image)
    np.testing.assert_array_equal(image, portrait)


def noise(height: int, width: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "image",
    [
        noise(1, 1),
        noise(1, 4000),
        noise(4000, 1),
        noise(11, 13),
        noise(32, 32),
        noise(20, 3000),
        noise(300, 400),
        np.zeros((200, 300, 3), np.uint8),
        np.full((200, 300, 3), 255, np.uint8),
    ],
    ids=lambda image: f"{image.shape[1]}x{image.shape[0]}, mean {image.mean():.0f}",
)
def test_where_no_face_is_none_is_found(detector: Detector, image: Image) -> None:
    assert len(detector.detect(image)) == 0


def test_a_large_photograph_is_no_trouble(make: Make, portrait: Image) -> None:
    detector = make(min_face_px=80)
    large = np.asarray(cv2.resize(portrait, (2048, 2400), interpolation=cv2.INTER_LINEAR), np.uint8)
    faces, small = detector.detect(large), detector.detect(portrait)
    assert_in_order(faces, large)
    assert faces.xyxy[0] / 4 == pytest.approx(small.xyxy[0], abs=15)


def test_faces_smaller_than_asked_for_are_left_out(make: Make, portrait: Image) -> None:
    assert len(make(min_face_px=130).detect(portrait)) == 1
    assert len(make(min_face_px=350).detect(portrait)) == 0


def test_faces_less_sure_than_asked_for_are_left_out(make: Make, portrait: Image) -> None:
    assert len(make(min_detection=0.5).detect(portrait)) == 1
    assert len(make(min_detection=1.0).detect(portrait)) == 0


def test_closing_twice_is_fine(make: Make) -> None:
    detector = make()
    detector.close()
    detector.close()
