from __future__ import annotations

import numpy as np
import pytest

from discs import landmarks_of
from mien.face.crop import crop_errors, face_squares, points_of_crops
from mien.face.landmarks import face_boxes, five_points, interocular_px
from mien.types import LANDMARKS, Faces


def faces(landmarks: np.ndarray) -> Faces:
    return Faces(face_boxes(landmarks, (900, 900)), points=five_points(landmarks), landmarks=landmarks)


def turned(landmarks: np.ndarray, degrees: float, about: tuple[float, float]) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return (landmarks - about) @ turn + about


def test_five_points_of_a_face_by_hand() -> None:
    landmarks = np.zeros((1, 68, 2))
    landmarks[0, 36:42, 0] = [10, 11, 13, 14, 13, 11]
    landmarks[0, 42:48, 0] = [30, 31, 33, 34, 33, 31]
    landmarks[0, [30, 48, 54]] = [(22, 20), (15, 30), (29, 31)]
    assert five_points(landmarks).tolist() == [[[12, 0], [32, 0], [22, 20], [15, 30], [29, 31]]]
    assert interocular_px(landmarks[0]) == 24


def test_boxes_stay_in_the_picture() -> None:
    landmarks = np.stack([landmarks_of(centre, 40) for centre in ((0, 0), (100, 50), (300, 300), (-200, 50))])
    boxes = face_boxes(landmarks, (160, 90))
    assert (boxes >= 0).all()
    assert (boxes <= [160, 90, 160, 90]).all()
    assert (boxes[:, 2:] >= boxes[:, :2] + 1).all()


def test_points_come_back_from_the_crop() -> None:
    truth = turned(np.stack([landmarks_of((100, 80), 30), landmarks_of((300, 200), 70)]), 20, (100, 80))
    corner, edge = face_squares(faces(truth))
    down = np.stack([-edge[:, 1], edge[:, 0]], axis=1)
    axes = np.stack([edge, down], axis=2)
    shares = np.linalg.solve(axes[:, None], (truth - corner[:, None])[..., None])[..., 0]
    np.testing.assert_allclose(points_of_crops(shares, corner, edge), truth, atol=1e-6)


@pytest.mark.parametrize(
    ("shift_xy", "degrees", "scale", "expected"),
    [
        ((0, 0), 0, 1, 0),
        ((12, 0), 0, 1, 0.12),
        ((0, -12), 0, 1, 0.12),
        ((0, 0), 10, 1, 0.123),
        ((0, 0), -10, 1, 0.123),
        ((0, 0), 0, 1.17, 0.12),
    ],
)
def test_how_far_a_crop_is_off(
    shift_xy: tuple[float, float], degrees: float, scale: float, expected: float
) -> None:
    truth = landmarks_of((100, 100), 50)[None]
    was = turned(landmarks_of((100 + shift_xy[0], 100 + shift_xy[1]), 50 * scale)[None], degrees, (100, 100))
    assert crop_errors(*face_squares(faces(was)), faces(truth))[0] == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_the_box_turns_with_the_face(quarters: int) -> None:
    random = np.random.default_rng(quarters)
    face = random.uniform(30, 60, (1, LANDMARKS, 2))
    face[:, 36:42] = 38, 40
    face[:, 42:48] = 52, 41
    left, top, right, bottom = face_boxes(face, (100, 100))[0]
    turned, vertices = face, np.array([[left, top], [right, bottom]])
    for _ in range(quarters):  # clockwise, in a square picture
        turned = np.stack([100 - turned[..., 1], turned[..., 0]], axis=-1)
        vertices = np.stack([100 - vertices[:, 1], vertices[:, 0]], axis=-1)
    expected = [*vertices.min(axis=0), *vertices.max(axis=0)]
    np.testing.assert_allclose(face_boxes(turned, (100, 100))[0], expected)
