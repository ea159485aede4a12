"""Zones: what is blank before anything looks, whose faces are dropped, and where visitors count."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.places.zones import BLANK, OVERLAP, Masked, Zones
from mien.source.base import SourceReport
from mien.store.venue_types import Zone
from mien.types import Faces, Frame

RIGHT_HALF = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
LOWER_HALF = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
SIZE_WH = 64, 48
SHARES = st.integers(0, 20).map(lambda part: part / 20)


def boxes(*xyxy: tuple[float, float, float, float]) -> Faces:
    return Faces(np.array(xyxy, np.float32).reshape(-1, 4))


@st.composite
def zones(draw: st.DrawFn, use: str) -> Zone:
    """A rectangle somewhere."""
    left, right = sorted(draw(st.lists(SHARES, min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(draw(st.lists(SHARES, min_size=2, max_size=2, unique=True)))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Zone(use, corners)  # type: ignore[arg-type]


def test_what_is_ignored_is_blank_and_the_rest_untouched() -> None:
    image = np.random.default_rng(0).integers(0, 100, (48, 64, 3), np.uint8)
    before = image.copy()
    masked = Zones([Zone("ignore", RIGHT_HALF)]).masked(image)
    assert (masked[:, 32:] == BLANK).all()
    np.testing.assert_array_equal(masked[:, :31], before[:, :31])
    np.testing.assert_array_equal(image, before)


def test_without_ignored_zones_the_picture_is_the_same_one() -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    assert Zones([Zone("count", RIGHT_HALF)]).masked(image) is image


def test_without_a_zone_to_count_in_all_counts_that_is_not_ignored() -> None:
    faces = boxes((4, 4, 14, 14), (44, 4, 54, 14))
    assert Zones().count(faces, SIZE_WH).tolist() == [True, True]
    assert Zones([Zone("ignore", RIGHT_HALF)]).count(faces, SIZE_WH).tolist() == [True, False]


def test_ignored_wins_where_both_are() -> None:
    both = Zones([Zone("count", RIGHT_HALF), Zone("ignore", LOWER_HALF)])
    faces = boxes((44, 4, 54, 14), (44, 34, 54, 44), (4, 4, 14, 14))
    assert both.count(faces, SIZE_WH).tolist() == [True, False, False]


def test_a_face_that_reaches_into_an_ignored_zone_is_dropped() -> None:
    zones = Zones([Zone("ignore", RIGHT_HALF)])
    kept = zones.without_ignored(boxes((4, 4, 24, 24), (16, 4, 37, 24), (30, 4, 50, 24)), SIZE_WH)
    assert kept.xyxy[:, 0].tolist() == [4]


def test_pictures_of_another_size_have_zones_of_their_own() -> None:
    zones = Zones([Zone("ignore", RIGHT_HALF)])
    for width in (64, 200, 64):
        masked = zones.masked(np.zeros((48, width, 3), np.uint8))
        assert masked[0, width // 4, 0] == 0
        assert masked[0, 3 * width // 4, 0] == BLANK


def test_nobody_at_all_is_nobody() -> None:
    zones = Zones([Zone("ignore", RIGHT_HALF)])
    assert len(zones.without_ignored(Faces.empty(), SIZE_WH)) == 0
    assert zones.count(Faces.empty(), SIZE_WH).tolist() == []


@given(
    st.lists(zones("ignore"), max_size=3),
    st.lists(zones("count"), max_size=3),
    st.lists(st.tuples(*[st.floats(-20, 90)] * 2, *[st.floats(1, 60)] * 2), max_size=6),
)
def test_who_counts_stands_in_no_ignored_zone(
    ignored: list[Zone], counted: list[Zone], placed: list[tuple[float, float, float, float]]
) -> None:
    faces = boxes(*((x, y, x + width, y + height) for x, y, width, height in placed))
    zones = Zones([*ignored, *counted])
    kept = zones.without_ignored(faces, SIZE_WH)
    blank = zones.masked(np.zeros((48, 64, 3), np.uint8))[..., 0] == BLANK
    guests = kept[zones.count(kept, SIZE_WH)]
    for left, top, right, bottom in guests.xyxy.clip(0, (63, 47, 63, 47)).astype(int).tolist():
        assert blank[top : bottom + 1, left : right + 1].mean() < OVERLAP
        assert not blank[(top + bottom) // 2, (left + right) // 2] or not ignored


class Pictures:
    """A source of two grey pictures."""

    name, live = "pictures", False

    def __init__(self) -> None:
        self.closed = False
        self.report = SourceReport(size_wh=SIZE_WH)

    def frames(self) -> Iterator[Frame]:
        for index in range(2):
            yield Frame(np.full((48, 64, 3), 10, np.uint8), index, index / 25, self.name)

    def close(self) -> None:
        self.closed = True


def test_a_masked_source_shows_nothing_of_the_zone_to_anybody() -> None:
    pictures = Pictures()
    source = Masked(pictures, Zones([Zone("ignore", RIGHT_HALF)]))
    frames = list(source.frames())
    assert [(each.index, each.source) for each in frames] == [(0, "pictures"), (1, "pictures")]
    assert all((each.image[:, 32:] == BLANK).all() for each in frames)
    assert source.report.size_wh == SIZE_WH
    source.close()
    assert pictures.closed


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 200)])
def test_odd_pictures(size_wh: tuple[int, int]) -> None:
    zones = Zones([Zone("ignore", LOWER_HALF)])
    assert zones.masked(np.zeros((*size_wh[::-1], 3), np.uint8)).shape == (*size_wh[::-1], 3)
