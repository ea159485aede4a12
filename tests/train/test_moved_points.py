from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mien.train.augment import MIRROR, STANDARD_PLACE, Augmentation, look, moved_points, presence_of

SIZE_PX = 48
PLACES = (3, 17, 33, 36, 45, 48, 57)
"""Landmarks that are drawn; the others lie outside."""


def one_dot(x: float, y: float) -> NDArray[np.uint8]:
    """A soft white dot at a place in pixels from the picture's left top corner."""
    rows, columns = np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5
    return (255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8)).astype(np.uint8)


def centre_of(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The brightest spot's centre of mass, in pixels from the left top corner."""
    weights = np.where(image > 100, image.astype(float), 0)
    rows, columns = np.mgrid[:SIZE_PX, :SIZE_PX] + 0.5
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.mark.parametrize("seed", range(8))
def test_a_dot_and_its_landmark_move_together(seed: int) -> None:
    random = np.random.default_rng(seed)
    moves = Augmentation(
        flip=0.5,
        rotation_deg=40,
        zoom=0.2,
        shift=0.1,
        light=0,
        blur=0,
        noise=0,
        erase=0,
        interpolation="cubic",
    )
    xy = random.uniform(16, 32, 2)
    landmarks = np.full((1, 68, 2), xy / SIZE_PX, np.float32)
    image, moved = look(one_dot(*xy)[None], landmarks, moves, random)
    np.testing.assert_allclose(moved[0, 0] * SIZE_PX, centre_of(image[0]), atol=0.35)


def test_a_mirror_numbers_the_points_anew() -> None:
    random = np.random.default_rng(0)
    landmarks = random.uniform(0.1, 0.9, (1, 68, 2)).astype(np.float32)
    only_flip = Augmentation(flip=1, rotation_deg=0, zoom=0, shift=0, light=0, blur=0, noise=0, erase=0)
    image, moved = look(one_dot(10, 20)[None], landmarks, only_flip, random)
    np.testing.assert_array_equal(image[0], one_dot(10, 20)[:, ::-1])
    left_eye, right_eye = landmarks[0, 36:42], moved[0, 42:48]
    assert np.sort(1 - left_eye[:, 0]) == pytest.approx(np.sort(right_eye[:, 0]))
    # iBUG: 36 and 45 are the outer corners of the eyes, 48 and 54 the mouth's, 8 the chin, 27 the nose's root
    for one, other in ((36, 45), (48, 54), (8, 8), (27, 27), (0, 16), (17, 26), (31, 35), (60, 64)):
        assert moved[0, other] == pytest.approx([1 - landmarks[0, one, 0], landmarks[0, one, 1]], abs=1e-6)


def test_mirrored_twice_is_the_same() -> None:
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(68))


def test_rotation_by_a_known_angle() -> None:
    centre = (SIZE_PX - 1) / 2
    quarter = cv2.getRotationMatrix2D((centre, centre), 90, 1.0)[None]  # against the clock
    moved = moved_points(np.full((1, 68, 2), [0.75, 0.5], np.float32), quarter, SIZE_PX)
    np.testing.assert_allclose(moved[0, 0], [0.5, 0.25], atol=1e-6)


def test_presence_follows_what_is_left_of_a_face() -> None:
    def shown(scale: float, shift: float) -> NDArray[np.float32]:
        return ((STANDARD_PLACE - 0.5) * scale + 0.5 + [shift, 0]).astype(np.float32)

    views = np.stack([shown(1, 0), shown(1, 0.9), shown(0.1, 0), shown(4, 0), shown(1, 0.4)])
    present, weight = presence_of(views)
    assert present.tolist() == [1, 0, 0, 0, 0]
    assert weight.tolist() == [1, 1, 1, 1, 0], "half a face teaches nothing"
