from __future__ import annotations

import numpy as np
import pytest

from mien.show.explained import cut_out, overlay, sheet, tile
from mien.types import Image

FACE = np.random.default_rng(0).integers(40, 200, (96, 96, 3), np.uint8)


def top_left() -> np.ndarray:
    evidence = np.full((24, 24), -0.1)
    evidence[2:10, 2:10] = 1
    return evidence


def coloured(image: Image) -> np.ndarray:
    """How far each pixel is from grey."""
    return np.ptp(image.astype(int), axis=2)


def test_the_hue_lies_where_the_evidence_is_and_grey_elsewhere() -> None:
    evidence = top_left()
    drawn = coloured(overlay(FACE, evidence, evidence > 0))
    assert drawn[14:34, 14:34].min() > 60
    assert drawn[60:, 60:].max() == 0


def test_the_line_runs_around_the_region() -> None:
    evidence = top_left()
    with_line = overlay(np.full_like(FACE, 100), evidence, evidence > 0)
    light = with_line.min(axis=2) > 180
    rows, columns = np.nonzero(light)
    assert light.sum() > 80
    np.testing.assert_allclose([rows.min(), rows.max(), columns.min(), columns.max()], [8, 39, 8, 39], atol=2)
    assert (with_line[60:, 60:] == 100).all()


def test_a_flat_map_leaves_the_face_grey() -> None:
    flat = np.zeros((24, 24))
    assert coloured(overlay(FACE, flat, flat > 0)).max() == 0


def test_the_face_itself_is_not_changed() -> None:
    before = FACE.copy()
    overlay(FACE, top_left(), top_left() > 0)
    np.testing.assert_array_equal(FACE, before)


def test_strength_shows_without_colour_vision() -> None:
    """The stronger the evidence, the further the lightness moves from the grey below."""
    ramp = np.tile(np.linspace(0, 1, 24), (24, 1))
    drawn = overlay(np.full_like(FACE, 60), ramp, np.eye(24) > 1).astype(int)
    assert coloured(drawn.astype(np.uint8)).max() == 0  # nothing marked, nothing drawn
    drawn = overlay(np.full_like(FACE, 60), ramp, ramp > 0.99).astype(int)
    light = drawn[48].mean(axis=1)[4:80]
    assert (np.diff(light) >= 0).all()
    assert light[-1] - light[0] > 25


def test_cutting_out_the_whole_gives_the_picture_back() -> None:
    way = np.array([[96.0, 0, 0], [0, 96.0, 0]])
    np.testing.assert_array_equal(cut_out(FACE, way, 96), FACE)
    half = cut_out(FACE, np.array([[48.0, 0, 48], [0, 48.0, 0]]), 48)
    np.testing.assert_array_equal(half, FACE[:48, 48:])


@pytest.mark.parametrize("count", [1, 3, 4, 5, 9])
def test_all_tiles_find_their_place(count: int) -> None:
    one = tile(FACE, FACE, [0.5, 0.5, *[float("nan")] * 6], [("neutral 50 %", "neutral"), ("nose", "")])
    drawn = sheet([one] * count)
    columns = drawn.shape[1] // one.shape[1]
    assert drawn.shape == (-(-count // columns) * one.shape[0], columns * one.shape[1], 3)
    np.testing.assert_array_equal(drawn[: one.shape[0], : one.shape[1]], one)
