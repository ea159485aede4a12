from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.face.crop import FER2013_FRAMING
from mien.face.quality import QualityParts, face_quality, quality_parts
from mien.types import Faces, Image

PORTRAIT = Faces(
    xyxy=np.array([[173.4, 109.8, 348.6, 334.2]]),
    points=np.array([[[219.9, 191.7], [306.7, 186.7], [268.4, 239.4], [232.3, 278.2], [306.8, 274.6]]]),
)
"""Where the face is in matplotlib's portrait, by MTCNN."""

PARTS = ("size", "sharpness", "light", "pose")


def one(parts: QualityParts) -> dict[str, float]:
    return {name: float(getattr(parts, name)[0]) for name in PARTS}


def falls(values: Sequence[float]) -> bool:
    return all(later < earlier for earlier, later in pairwise(values))


def scaled(image: Image, factor: float) -> tuple[Image, Faces]:
    size_wh = round(image.shape[1] * factor), round(image.shape[0] * factor)
    small = np.asarray(cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    return small, Faces(PORTRAIT.xyxy * factor, points=PORTRAIT.points * factor)


def darkened(image: Image, factor: float) -> Image:
    return (image * factor).astype(np.uint8)


def head(yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Faces:
    """A head of five points in space, turned and seen from far away; z goes out of the face."""
    framing = FER2013_FRAMING
    eye, mouth = framing.interocular / 2, framing.eye_mouth
    points = np.array(
        [(-eye, 0, 0), (eye, 0, 0), (0, 0.54 * mouth, 0.21), (-0.14, mouth, 0), (0.14, mouth, 0)]
    )
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    turns = [
        [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]],
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]],
        [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]],
    ]
    for turn in turns:
        points = points @ np.array(turn).T
    return Faces(np.array([[50.0, 50, 250, 250]]), points=150 + 100 * points[None, :, :2])


def test_the_portrait_is_good_in_every_part(portrait: Image) -> None:
    assert min(one(quality_parts(portrait, PORTRAIT)).values()) > 0.9
    assert face_quality(portrait, PORTRAIT)[0] > 0.95


def test_quality_is_the_product_of_its_parts(portrait: Image) -> None:
    blurred = np.asarray(cv2.GaussianBlur(darkened(portrait, 0.3), (0, 0), 6), np.uint8)
    parts = one(quality_parts(blurred, PORTRAIT))
    assert max(parts["sharpness"], parts["light"]) < 0.95
    assert face_quality(blurred, PORTRAIT)[0] == pytest.approx(np.prod(list(parts.values())), rel=1e-5)


def test_without_landmarks_pose_is_unknown_and_left_out(portrait: Image) -> None:
    faces = Faces(PORTRAIT.xyxy)
    parts = one(quality_parts(portrait, faces))
    assert np.isnan(parts["pose"])
    known = [parts[name] for name in PARTS[:3]]
    assert face_quality(portrait, faces)[0] == pytest.approx(np.prod(known), rel=1e-5)


def test_more_blur_is_less_sharp_and_changes_little_else(portrait: Image) -> None:
    all_parts = [one(quality_parts(portrait, PORTRAIT))]
    for sigma_px in (4, 8, 16, 32):
        blurred = np.asarray(cv2.GaussianBlur(portrait, (0, 0), sigma_px), np.uint8)
        all_parts.append(one(quality_parts(blurred, PORTRAIT)))
    assert falls([parts["sharpness"] for parts in all_parts])
    assert all_parts[-1]["sharpness"] < 0.5
    assert {parts["size"] for parts in all_parts} == {1.0}
    assert min(parts["light"] for parts in all_parts[:-1]) > 0.95


def test_sharpness_does_not_depend_on_light_and_contrast(portrait: Image) -> None:
    pale = (100 + portrait * 0.3).astype(np.uint8)
    reference = one(quality_parts(portrait, PORTRAIT))["sharpness"]
    assert one(quality_parts(pale, PORTRAIT))["sharpness"] == pytest.approx(reference, abs=0.03)


def test_darker_is_worse_light(portrait: Image) -> None:
    light = [
        one(quality_parts(darkened(portrait, f), PORTRAIT))["light"] for f in (0.24, 0.2, 0.15, 0.1, 0.03)
    ]
    assert falls(light)
    assert light[-1] < 0.05


@pytest.mark.parametrize("factor", [0.3, 0.5, 1.0])
def test_skin_that_is_darker_in_ordinary_light_is_not_worse(portrait: Image, factor: float) -> None:
    assert one(quality_parts(darkened(portrait, factor), PORTRAIT))["light"] > 0.95


def test_glare_is_worse_light(portrait: Image) -> None:
    glaring = [np.clip(portrait.astype(int) + k, 0, 255).astype(np.uint8) for k in (0, 80, 120, 200)]
    assert falls([one(quality_parts(image, PORTRAIT))["light"] for image in glaring])


def test_fog_is_worse_light(portrait: Image) -> None:
    foggy = [(128 + (portrait - 128.0) * k).astype(np.uint8) for k in (0.4, 0.2, 0.1, 0)]
    light = [one(quality_parts(image, PORTRAIT))["light"] for image in foggy]
    assert falls(light)
    assert light[-1] == 0


def test_smaller_faces_have_less_size(portrait: Image) -> None:
    sizes = [one(quality_parts(*scaled(portrait, factor)))["size"] for factor in (1, 0.5, 0.13, 0.1, 0.05)]
    assert sizes[:2] == [1, 1]
    assert falls(sizes[1:])
    side_px = np.hypot(*(PORTRAIT.points[0, 1] - PORTRAIT.points[0, 0])) / FER2013_FRAMING.interocular
    assert sizes[-1] == pytest.approx(0.05 * side_px / 32, rel=0.03)


@given(st.floats(-80, 80))
def test_pose_is_the_squared_cosine_of_turning_aside(yaw_deg: float) -> None:
    blank = np.zeros((300, 300, 3), np.uint8)
    pose = one(quality_parts(blank, head(yaw_deg=yaw_deg)))["pose"]
    assert pose == pytest.approx(np.cos(np.radians(yaw_deg)) ** 2, abs=0.02)


def test_nodding_is_worse_pose_but_tilting_is_not(portrait: Image) -> None:
    for sign in (-1, 1):
        assert falls(
            [one(quality_parts(portrait, head(pitch_deg=sign * a)))["pose"] for a in (0, 10, 20, 30)]
        )
    for roll_deg in (-60, 20, 90):
        assert one(quality_parts(portrait, head(roll_deg=roll_deg)))["pose"] == pytest.approx(1, abs=1e-3)


pixels = st.integers(0, 255)


@given(st.lists(st.tuples(pixels, pixels, pixels), min_size=1, max_size=20), st.data())
def test_quality_is_from_0_to_1_for_any_face_anywhere(
    colours: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    image = np.array(colours, np.uint8).reshape(1, -1, 3)
    where = st.floats(-100, 100, width=32)
    points = np.array(data.draw(st.lists(where, min_size=10, max_size=10))).reshape(1, 5, 2)
    quality = face_quality(image, Faces(np.array([[0.0, 0, 10, 12]]), points=points))
    assert 0 <= quality[0] <= 1


def test_a_flat_picture_has_no_quality_and_no_warning() -> None:
    blank = np.full((50, 50, 3), 90, np.uint8)
    assert face_quality(blank, Faces(np.array([[5.0, 5, 45, 45]]))).tolist() == [0]


def test_no_faces_have_no_quality(portrait: Image) -> None:
    quality: NDArray[np.float32] = face_quality(portrait, Faces.empty())
    assert quality.shape == (0,)
    assert quality.dtype == np.float32


def test_each_face_is_judged_alone(portrait: Image) -> None:
    blurred = np.asarray(cv2.GaussianBlur(portrait, (0, 0), 8), np.uint8)
    image = np.hstack([portrait, blurred])
    shift = np.array([portrait.shape[1], 0], np.float32)
    both = Faces(
        np.concatenate([PORTRAIT.xyxy, PORTRAIT.xyxy + np.tile(shift, 2)]),
        points=np.concatenate([PORTRAIT.points, PORTRAIT.points + shift]),
    )
    expected = [face_quality(picture, PORTRAIT)[0] for picture in (portrait, blurred)]
    assert face_quality(image, both).tolist() == pytest.approx(expected, abs=1e-3)
