from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measures.synthetic import Floats, moved, seen
from mien.labels import MEASURES, POSE, SHAPE
from mien.measures.face3d import MIRROR, STANDARD_FACE
from mien.measures.shape import MOST_TURNED_DEG, measure

RELIEF = np.random.default_rng(5).normal(scale=0.03, size=68)
"""How much nearer or farther a person's own points lie; 0.03 is about 3 mm."""

UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [40, 41, 46, 47]


def named(landmarks: Floats) -> dict[str, float]:
    return dict(zip(MEASURES, measure(landmarks[None])[0].tolist(), strict=False))


def inner_brows(amount: float) -> Floats:
    return moved([22], (amount / 2, 0, 0), moved([21], (-amount / 2, 0, 0)))


def corners_apart(amount: float) -> Floats:
    return moved([54], (amount / 2, 0, 0), moved([48], (-amount / 2, 0, 0)))


ACTIONS: dict[str, tuple[Callable[[float], Floats], float]] = {
    "eye_openness": (lambda a: moved(LOWER_LIDS, (0, a, 0)), np.nan),
    "brow_distance": (inner_brows, 1),
    "mouth_opening": (lambda a: moved([65, 66, 67], (0, a, 0)), 1),
    "smile_width": (corners_apart, 1),
    "lip_corner_lift": (lambda a: moved([48, 54], (0, -a, 0)), 1),
}
"""For each measure a movement of the face, and how much of it the measure shows."""


def test_there_is_an_action_for_each_measure() -> None:
    assert list(ACTIONS) == list(SHAPE)
    assert (*POSE, *SHAPE, *(f"{name}_change" for name in SHAPE)) == MEASURES


@pytest.mark.parametrize("name", [name for name in SHAPE if name != "eye_openness"])
@given(
    amount=st.floats(0.001, 0.06), yaw=st.floats(-25, 25), pitch=st.floats(-20, 20), roll=st.floats(-90, 90)
)
def test_a_known_movement_is_measured(
    name: str, amount: float, yaw: float, pitch: float, roll: float
) -> None:
    action, share = ACTIONS[name]
    still = named(seen(yaw=yaw, pitch=pitch, roll=roll))
    acting = named(seen(action(amount), yaw=yaw, pitch=pitch, roll=roll))
    # The standard face is rounded to 0.001, and so is its unit.
    assert acting[name] - still[name] == pytest.approx(share * amount, rel=5e-3, abs=1e-6)


@given(shut=st.floats(0, 1))
def test_openness_goes_from_that_of_the_face_to_nothing(shut: float) -> None:
    face = STANDARD_FACE.copy()
    for upper, lower in zip(UPPER_LIDS, [41, 40, 47, 46], strict=True):
        face[upper] += shut * (face[lower] - face[upper])
    expected = (1 - shut) * named(seen())["eye_openness"]
    assert named(seen(face))["eye_openness"] == pytest.approx(expected, abs=1e-6)


def test_openness_is_the_published_ratio() -> None:
    """Soukupova & Cech 2016, equation 1, by hand, on a face that is the standard one but for its eyes."""
    rng = np.random.default_rng(2)
    face = STANDARD_FACE.copy()
    face[[*UPPER_LIDS, *LOWER_LIDS], :2] += rng.normal(scale=0.01, size=(8, 2))
    p = face[:, :2]

    def length(one: int, other: int) -> float:
        return float(np.hypot(*(p[one] - p[other])))

    left = (length(37, 41) + length(38, 40)) / (2 * length(36, 39))
    right = (length(43, 47) + length(44, 46)) / (2 * length(42, 45))
    assert named(seen(face))["eye_openness"] == pytest.approx((left + right) / 2, abs=1e-6)


@given(
    roll=st.floats(-180, 180),
    scale=st.floats(3, 1000),
    shift=st.tuples(st.floats(-900, 900), st.floats(-900, 900)),
)
def test_size_place_and_leaning_change_nothing(roll: float, scale: float, shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(3)
    face = STANDARD_FACE + rng.normal(scale=0.02, size=(68, 3))
    plain = measure(seen(face)[None])[0]
    other = measure(seen(face, roll=roll, scale=scale, shift=shift)[None])[0]
    np.testing.assert_allclose(np.delete(other, 2), np.delete(plain, 2), atol=1e-5)
    assert (other[2] - plain[2] - roll + 180) % 360 - 180 == pytest.approx(0, abs=1e-3)


def test_mirroring_changes_only_the_sign_of_yaw_and_roll() -> None:
    rng = np.random.default_rng(4)
    landmarks = seen(STANDARD_FACE + rng.normal(scale=0.02, size=(68, 3)), yaw=12, pitch=5, roll=8)
    mirrored = landmarks[MIRROR] * (-1, 1)
    signs = np.array([-1, 1, -1, *[1] * len(SHAPE)])
    np.testing.assert_allclose(measure(mirrored[None])[0], measure(landmarks[None])[0] * signs, atol=1e-5)


@pytest.mark.parametrize("name", SHAPE)
@pytest.mark.parametrize("action", SHAPE)
def test_one_movement_is_not_taken_for_another(name: str, action: str) -> None:
    if name == action:
        return
    change = named(seen(ACTIONS[action][0](0.05)))[name] - named(seen())[name]
    assert abs(change) < 1e-3


@pytest.mark.parametrize(
    ("yaw", "pitch", "most"), [(15, 0, 0.02), (30, 0, 0.06), (0, 15, 0.03), (0, -15, 0.03)]
)
def test_turning_a_head_is_little_taken_for_a_movement(yaw: float, pitch: float, most: float) -> None:
    """A person has another relief than the standard face, and the camera is 1.8 m away."""
    face = STANDARD_FACE + np.column_stack([np.zeros((68, 2)), (RELIEF + RELIEF[::-1]) / 2])
    front = named(seen(face, distance=20))
    turned = named(seen(face, yaw=yaw, pitch=pitch, distance=20))
    for name in SHAPE:
        assert abs(turned[name] - front[name]) < most, name


def test_a_face_that_looks_away_has_a_pose_and_no_shape() -> None:
    near, far = named(seen(yaw=MOST_TURNED_DEG - 1)), named(seen(yaw=MOST_TURNED_DEG + 1))
    assert not np.isnan(list(near.values())).any()
    assert [name for name, value in far.items() if not np.isnan(value)] == list(POSE)


def test_without_landmarks_there_is_no_measure() -> None:
    landmarks = np.stack([np.full((68, 2), np.nan), seen(), np.full((68, 2), 7.0)]).astype(np.float32)
    values = measure(landmarks)
    assert np.isnan(values[[0, 2]]).all()
    assert np.isfinite(values[1]).all()
    assert measure(landmarks[:0]).shape == (0, len(POSE) + len(SHAPE))


def test_faces_are_measured_each_for_itself() -> None:
    landmarks = np.stack([seen(yaw=yaw) for yaw in (-30, 60, 0, 10)])
    one_by_one = np.concatenate([measure(each[None]) for each in landmarks])
    np.testing.assert_allclose(measure(landmarks), one_by_one, atol=1e-9)
