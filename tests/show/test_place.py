from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.show.place import Rect, Size, above_or_below, area_px, beside, freest, hidden_share

sizes = st.tuples(st.integers(1, 80), st.integers(1, 60))


@st.composite
def rects_in(draw: st.DrawFn, picture_wh: Size) -> Rect:
    left, top = (draw(st.integers(0, side - 1)) for side in picture_wh)
    return left, top, draw(st.integers(left + 1, picture_wh[0])), draw(st.integers(top + 1, picture_wh[1]))


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Size, Size, Rect, list[Rect]]:
    picture_wh = draw(sizes)
    size_wh = draw(st.tuples(*(st.integers(1, side) for side in picture_wh)))
    return picture_wh, size_wh, draw(rects_in(picture_wh)), draw(st.lists(rects_in(picture_wh), max_size=4))


def mask(rect: Rect) -> np.ndarray:
    drawn = np.zeros((60, 80), bool)
    drawn[rect[1] : rect[3], rect[0] : rect[2]] = True
    return drawn


@given(scenes())
def test_every_place_lies_inside_the_picture(scene: tuple[Size, Size, Rect, list[Rect]]) -> None:
    picture_wh, size_wh, box, rects = scene
    tag = rects[0] if rects else box
    for left, top, right, bottom in [
        *beside(box, tag, size_wh, picture_wh, gap_px=3),
        *above_or_below(box, size_wh, picture_wh),
    ]:
        assert (right - left, bottom - top) == size_wh
        assert left >= 0
        assert top >= 0
        assert right <= picture_wh[0]
        assert bottom <= picture_wh[1]


@given(scenes())
def test_hidden_share_counts_pixels(scene: tuple[Size, Size, Rect, list[Rect]]) -> None:
    *_, box, rects = scene
    counted = [(mask(box) & mask(rect)).sum() / mask(rect).sum() for rect in rects]
    assert hidden_share(box, rects) == max(counted, default=0.0)
    assert area_px(box) == mask(box).sum()


@given(scenes())
def test_the_freest_place_hides_nothing_if_one_does(scene: tuple[Size, Size, Rect, list[Rect]]) -> None:
    picture_wh, size_wh, box, others = scene
    places = beside(box, box, size_wh, picture_wh, gap_px=3)
    free = [index for index, place in enumerate(places) if hidden_share(place, [box, *others]) == 0]
    if free:
        assert freest(places, box, others) == free[0]


def test_a_face_with_room_on_its_right_has_its_panel_there() -> None:
    place = beside((10, 10, 20, 20), (10, 8, 20, 10), (15, 12), (80, 60), gap_px=3)[0]
    assert place == (23, 10, 38, 22)


def test_a_tag_leaves_the_neighbours_face_alone_where_it_can() -> None:
    """Another face at the right, and no room above: flush with its face's right, the tag covers neither."""
    box, neighbour, size_wh = (60, 0, 100, 50), (110, 30, 160, 90), (70, 12)
    places = above_or_below(box, size_wh, (200, 120))
    chosen = places[freest(places, box, [neighbour])]
    assert hidden_share(chosen, [box, neighbour]) == 0
    assert hidden_share(places[1], [neighbour]) > 0  # flush with the left, as it was
