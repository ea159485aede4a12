from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.train.evaluate.corruptions import (
    CORRUPTIONS,
    Corruption,
    corrupted_at_random,
    covered,
    lit,
    noisy,
    shrunk,
    tilted,
)

by_kind = pytest.mark.parametrize("kind", CORRUPTIONS, ids=lambda kind: kind.name)
NOBODY = np.random.default_rng(0)


@pytest.fixture(scope="module")
def faces(portrait: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The portrait's face three times, at 48 pixels."""
    grey = cv2.cvtColor(portrait[60:260, 150:350], cv2.COLOR_RGB2GRAY)
    return np.stack([cv2.resize(grey, (48, 48), interpolation=cv2.INTER_AREA)] * 3)


@by_kind
def test_the_first_step_changes_nothing(kind: Corruption, faces: NDArray[np.uint8]) -> None:
    same = kind.apply(faces, kind.steps[0])
    np.testing.assert_array_equal(same, faces)
    assert same is not faces


@by_kind
def test_each_step_is_further_from_the_face(kind: Corruption, faces: NDArray[np.uint8]) -> None:
    away = [np.abs(kind.apply(faces, step) - faces.astype(float)).mean() for step in kind.steps]
    assert away[1] > 0
    assert away == sorted(away)


@by_kind
def test_the_same_seed_gives_the_same_faces(kind: Corruption, faces: NDArray[np.uint8]) -> None:
    step = kind.steps[-1]
    np.testing.assert_array_equal(kind.apply(faces, step, 5), kind.apply(faces, step, 5))


def test_what_the_steps_count() -> None:
    plain = np.full((48, 48), 100, np.uint8)
    assert lit(plain, 0.25, NOBODY).max() == 25
    assert lit(plain, 3, NOBODY).min() == 255
    assert noisy(plain, 10, np.random.default_rng(0)).std() == pytest.approx(10, rel=0.05)
    black = np.zeros((48, 48), np.uint8)
    shares = [(covered(black, 0.3, np.random.default_rng(seed)) > 0).mean() for seed in range(5)]
    assert max(shares) == pytest.approx(0.3, abs=0.02)
    checker = (np.indices((48, 48)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.ptp(shrunk(checker, 24, NOBODY)) <= 1


def test_a_tilt_is_of_that_angle() -> None:
    bar = np.zeros((48, 48), np.uint8)
    bar[22:26] = 255
    y, x = np.nonzero(tilted(bar, 30, NOBODY) > 127)
    angle = np.degrees(np.arctan(np.polyfit(x, y, 1)[0]))
    assert abs(angle) == pytest.approx(30, abs=1.5)


def test_each_face_gets_a_fate_of_its_own(faces: NDArray[np.uint8]) -> None:
    many = np.repeat(faces, 10, axis=0)
    worse = corrupted_at_random(many, 1)
    assert len({image.tobytes() for image in worse}) > 20
    np.testing.assert_array_equal(worse, corrupted_at_random(many, 1))
