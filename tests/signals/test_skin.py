"""The colour of a face's skin, and of what is beside it."""

from __future__ import annotations

import numpy as np
import pytest

from measures.synthetic import seen
from mien.signals.skin import REGIONS, background_colours, skin_colours, skin_polygons


def test_the_regions_lie_on_the_face_whichever_way_it_is_turned() -> None:
    upright = seen(scale=100, shift=(200, 200))
    regions = dict(zip(REGIONS, skin_polygons(upright), strict=True))
    brows, eyes, mouth = (upright[part] for part in (slice(17, 27), slice(36, 48), slice(48, 60)))
    for side in ("left", "right"):
        forehead, cheek, jaw = (regions[f"{side}_{part}"] for part in ("forehead", "cheek", "jaw"))
        assert forehead[:, 1].max() < brows[:, 1].max()
        assert forehead[:, 1].min() > brows[:, 1].min() - 100
        assert cheek[:, 1].min() > eyes[:, 1].mean()
        assert cheek[:, 1].max() < mouth[:, 1].max()
        assert jaw[:, 1].mean() > cheek[:, 1].mean()
    for part in ("cheek", "jaw"):
        assert regions[f"left_{part}"][:, 0].max() < upright[30, 0] < regions[f"right_{part}"][:, 0].min()
    assert regions["nose"][:, 1].max() < mouth[:, 1].max() < regions["chin"][:, 1].max()
    turn = np.array([[0, -1], [1, 0]])
    turned = upright @ turn.T + (400, 0)
    for found, corners in zip(skin_polygons(turned), skin_polygons(upright), strict=True):
        np.testing.assert_allclose(found, corners @ turn.T + (400, 0), atol=1e-6)


def test_each_region_has_its_own_mean_colour() -> None:
    landmarks = seen(scale=100, shift=(200, 200))
    image = np.zeros((400, 400, 3), np.uint8)
    image[:] = (50, 60, 70)
    image[:, :200] = (150, 160, 170)
    colours = dict(zip(REGIONS, skin_colours(image, landmarks), strict=True))
    np.testing.assert_allclose(colours["left_cheek"], (150, 160, 170))
    np.testing.assert_allclose(colours["right_cheek"], (50, 60, 70))
    assert 50 < colours["nose"][0] < 150


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
    np.testing.assert_allclose(skin_colours(image, landmarks), [(150, 120, 100)] * len(REGIONS))


def test_without_landmarks_there_is_no_colour() -> None:
    assert np.isnan(skin_colours(np.full((9, 9, 3), 99, np.uint8), np.full((68, 2), np.nan))).all()


def test_the_background_is_what_is_beside_all_faces() -> None:
    landmarks = np.array([seen(scale=60, shift=(100, 150)), seen(scale=60, shift=(330, 150))])
    image = np.zeros((300, 640, 3), np.uint8)
    image[:] = (90, 100, 110)
    for points in landmarks:
        left, top = points.min(axis=0).astype(int)
        right, bottom = points.max(axis=0).astype(int)
        image[top:bottom, left:right] = (200, 150, 130)
    cells = background_colours(image, landmarks)
    seen_cells = np.isfinite(cells[:, 0])
    assert cells.shape == (256, 3)
    assert 100 < seen_cells.sum() < 230
    np.testing.assert_allclose(
        cells[seen_cells], np.broadcast_to((90, 100, 110), cells[seen_cells].shape), rtol=1e-5
    )
    assert np.nanmax(np.abs(background_colours(image, landmarks[:1]) - (90, 100, 110))) > 10


def test_the_backgrounds_cells_stay_where_they_are_when_a_face_moves() -> None:
    image = np.random.default_rng(2).integers(60, 200, (240, 320, 3), np.uint8)
    here, there = (
        background_colours(image, np.array([seen(scale=60, shift=(x, 120))])) for x in (150.0, 163.0)
    )
    both = np.isfinite(here[:, 0]) & np.isfinite(there[:, 0])
    whole = [index for index in np.flatnonzero(both) if index % 16 in (0, 1, 14, 15)]
    assert len(whole) > 30
    np.testing.assert_array_equal(here[whole], there[whole])


def test_a_cell_without_enough_usable_points_is_not_seen() -> None:
    image = np.full((160, 160, 3), 128, np.uint8)
    image[:40, :40] = 255
    cells = background_colours(image, np.empty((0, 68, 2))).reshape(16, 16, 3)
    assert np.isnan(cells[:4, :4]).all()
    np.testing.assert_allclose(cells[4:, 4:], 128)


def test_a_face_that_fills_the_picture_has_no_background() -> None:
    image = np.full((120, 120, 3), 128, np.uint8)
    assert np.isnan(background_colours(image, np.array([seen(scale=100, shift=(60, 50))]))).all()
