from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from measures.synthetic import moved, seen, turn
from mien.measures.face3d import RIGID, STANDARD_FACE
from mien.measures.pose import frontal, solve_pose

yaws, pitches, rolls = st.floats(-70, 70), st.floats(-50, 50), st.floats(-179, 179)


@given(yaws, pitches, rolls, st.floats(5, 900), st.tuples(st.floats(-500, 2000), st.floats(-500, 2000)))
def test_a_known_pose_comes_back(
    yaw: float, pitch: float, roll: float, scale: float, shift: tuple[float, float]
) -> None:
    pose = solve_pose(seen(yaw=yaw, pitch=pitch, roll=roll, scale=scale, shift=shift)[None])
    np.testing.assert_allclose(pose.angles_deg[0], (yaw, pitch, roll), atol=1e-3)
    np.testing.assert_allclose(pose.rotation[0], turn(yaw, pitch, roll), atol=1e-4)
    assert pose.scale[0] == pytest.approx(scale, rel=1e-4)
    np.testing.assert_allclose(pose.shift[0], shift, atol=1e-3 * scale)


def test_the_signs_are_those_of_the_docs() -> None:
    """The nose goes to where the face turns, and the forehead to where the head leans."""
    right, up, leaning = seen(yaw=20), seen(pitch=20), seen(roll=20)
    assert right[30, 0] > seen()[30, 0]
    assert up[30, 1] < seen()[30, 1]
    assert leaning[27, 0] > leaning[8, 0]
    angles = solve_pose(np.stack([right, up, leaning])).angles_deg
    np.testing.assert_allclose(angles, 20 * np.eye(3), atol=1e-3)


def test_turned_is_the_angle_between_the_face_and_the_camera() -> None:
    pose = solve_pose(np.stack([seen(roll=70), seen(yaw=30), seen(yaw=30, pitch=30)]))
    expected = [0, 30, np.degrees(np.arccos(np.cos(np.radians(30)) ** 2))]
    np.testing.assert_allclose(pose.turned_deg, expected, atol=1e-3)


def test_no_other_pose_lies_nearer_to_noisy_landmarks() -> None:
    """The same least squares by SciPy, from the true pose, over rotation vector, scale and shift."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        yaw, pitch, roll = rng.uniform(-1, 1, 3) * (60, 40, 90)
        landmarks = seen(yaw=yaw, pitch=pitch, roll=roll) + rng.normal(scale=3, size=(68, 2))

        def missing(p: np.ndarray, landmarks: np.ndarray = landmarks) -> np.ndarray:
            points = Rotation.from_rotvec(p[:3]).apply(STANDARD_FACE[RIGID])[:, :2]
            return np.asarray((p[3] * points + p[4:] - landmarks[RIGID]).ravel())

        start = [*Rotation.from_matrix(turn(yaw, pitch, roll)).as_rotvec(), 100, 320, 180]
        best = least_squares(missing, start, x_scale=[0.1, 0.1, 0.1, 10, 10, 10])
        pose = solve_pose(landmarks[None])
        ours = [*Rotation.from_matrix(pose.rotation[0]).as_rotvec(), pose.scale[0], *pose.shift[0]]
        assert np.square(missing(np.array(ours))).sum() <= 2 * best.cost * (1 + 1e-6)


@pytest.mark.parametrize("distance", [5, 10, 20])
def test_a_near_camera_costs_a_few_degrees(distance: float) -> None:
    """Five outer-eye distances are 45 cm; a face in the middle of the picture."""
    for yaw in (-40, -20, 0, 20, 40):
        for pitch in (-20, 0, 20):
            angles = solve_pose(seen(yaw=yaw, pitch=pitch, distance=distance)[None]).angles_deg[0]
            assert np.abs(angles - (yaw, pitch, 0)).max() < 40 / distance


def test_noise_of_a_hundredth_costs_half_a_degree() -> None:
    rng = np.random.default_rng(1)
    noisy = np.stack(
        [seen(yaw=25, pitch=-10, roll=5) + rng.normal(scale=1, size=(68, 2)) for _ in range(400)]
    )
    spread = (solve_pose(noisy).angles_deg - (25, -10, 5)).std(axis=0)
    assert (spread < 0.5).all()


def test_an_expression_does_not_turn_the_head() -> None:
    smiling = moved([48, 54, *range(55, 60)], (0, 0.1, 0.05))
    np.testing.assert_allclose(solve_pose(seen(smiling, yaw=15)[None]).angles_deg[0], (15, 0, 0), atol=1e-3)


@given(yaws, st.floats(-40, 40), rolls)
def test_the_front_of_a_turned_face_is_the_face(yaw: float, pitch: float, roll: float) -> None:
    landmarks = seen(yaw=yaw, pitch=pitch, roll=roll)[None]
    front = frontal(landmarks, solve_pose(landmarks))
    np.testing.assert_allclose(front[0], STANDARD_FACE[:, :2], atol=1e-3)
