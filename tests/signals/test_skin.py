"""The colour of forehead and cheeks."""

from __future__ import annotations

import numpy as np
import pytest

from measures.synthetic import seen
from mien.signals.skin import REGIONS, skin_colours, skin_polygons


def test_the_regions_lie_on_the_face_whichever_way_it_is_turned() -> None:
    upright = seen(scale=100, shift=(200, 200))
    forehead, left, right = skin_polygons(upright)
    brows, eyes, mouth = (upright[part] for part in (slice(17, 27), slice(36, 48), slice(48, 60)))
    assert forehead[:, 1].max() < brows[:, 1].max()
    assert forehead[:, 1].min() > brows[:, 1].min() - 100
    for cheek in (left, right):
        assert cheek[:, 1].min() > eyes[:, 1].mean()
        assert cheek[:, 1].max() < mouth[:, 1].max()
    assert left[:, 0].max() < upright[30, 0] < right[:, 0].min()
    turn = np.array([[0, -1], [1, 0]])
    turned = upright @ turn.T + (400, 0)
    np.testing.assert_allclose(skin_polygons(turned), skin_polygons(upright) @ turn.T + (400, 0), atol=1e-6)


def test_each_region_has_its_own_mean_colour() -> None:
    landmarks = seen(scale=100, shift=(200, 200))
    image = np.zeros((400, 400, 3), np.uint8)
    image[:] = (50, 60, 70)
    image[:, :200] = (150, 160, 170)
    colours = skin_colours(image, landmarks)
    np.testing.assert_allclose(colours[1], (150, 160, 170))
    np.testing.assert_allclose(colours[2], (50, 60, 70))
    assert 50 < colours[0, 0] < 150


@pytest.mark.parametrize(
    ("colour", "scale", "shift"),
    [
        ((9, 12, 8), 100, (200, 200)),  # dark
        ((255, 255, 255), 100, (200, 200)),  # clipped
        ((150, 120, 100), 8, (200, 200)),  # tiny
        ((150, 120, 100), 100, (-300, 200)),  # outside
    ],
)
def test_skin_that_can_show_no_pulse_has_no_colour(
    colour: tuple[int, int, int], scale: float, shift: tuple[float, float]
) -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    image[:] = colour
    colours = skin_colours(image, seen(scale=scale, shift=shift))
    assert colours.shape == (len(REGIONS), 3)
    assert np.isnan(colours).all()


def test_pixels_that_glare_do_not_count() -> None:
    landmarks = seen(scale=100, shift=(200, 200))
    image = np.zeros((400, 400, 3), np.uint8)
    image[:] = (150, 120, 100)
    image[::5] = 255
    np.testing.assert_allclose(skin_colours(image, landmarks), [(150, 120, 100)] * 3)


def test_without_landmarks_there_is_no_colour() -> None:
    assert np.isnan(skin_colours(np.full((9, 9, 3), 99, np.uint8), np.full((68, 2), np.nan))).all()
