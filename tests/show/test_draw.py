from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.labels import EMOTIONS, UNCERTAIN
from mien.show import palette
from mien.show.draw import MOST_PANELS, Annotator, draw
from mien.types import Faces, Image


def some_faces(
    *xyxy: tuple[float, float, float, float], label: str = "happiness", share: float = 0.9
) -> Faces:
    probabilities = np.full((len(xyxy), 8), (1 - share) / 7)
    index = EMOTIONS.index(label) if label in EMOTIONS else 0
    probabilities[:, index] = share
    return Faces(
        np.array(xyxy),
        track=np.arange(len(xyxy)),
        probabilities=probabilities,
        expression=np.full(len(xyxy), index if label in EMOTIONS else -1),
        confidence=np.full(len(xyxy), share),
    )


def plain(width: int, height: int, grey: int = 128) -> Image:
    return np.full((height, width, 3), grey, np.uint8)


def pixels_of(image: Image, label: str) -> int:
    return int((image == palette.rgb(label)).all(axis=2).sum())


def inner(image: Image, xyxy: tuple[int, int, int, int], edge: int = 5) -> Image:
    left, top, right, bottom = xyxy
    return image[top + edge : bottom - edge, left + edge : right - edge]


def test_the_picture_stays_as_it_is_and_so_does_the_face(portrait: Image) -> None:
    before, box = portrait.copy(), (165, 60, 345, 290)
    marked = draw(portrait, some_faces(box))
    np.testing.assert_array_equal(portrait, before)
    assert marked.shape == portrait.shape
    assert marked.dtype == np.uint8
    assert marked.flags.writeable
    np.testing.assert_array_equal(inner(marked, box), inner(portrait, box))
    np.testing.assert_array_equal(marked[500:], portrait[500:])
    assert pixels_of(marked, "happiness") > 500


def test_without_faces_nothing_is_drawn(portrait: Image) -> None:
    np.testing.assert_array_equal(draw(portrait, Faces.empty()), portrait)


@pytest.mark.parametrize("label", palette.HEX)
@pytest.mark.parametrize("grey", [0, 128, 255])
def test_box_and_tag_show_on_any_background(label: str, grey: int) -> None:
    marked = draw(plain(320, 240, grey), some_faces((60, 60, 160, 180), label=label, share=0.3), panels=False)
    assert pixels_of(marked, label) > 400
    # Across the box's left side, something differs clearly from the ground.
    ground, side = (grey, grey, grey), {tuple(pixel) for pixel in marked[120, 57:65].tolist()}
    assert max(palette.contrast(ground, colour) for colour in side) > 3
    tag = {tuple(pixel) for pixel in marked[44:58, 74:160].reshape(-1, 3).tolist()}
    assert palette.ink_on(palette.rgb(label)) in tag


def test_uncertain_has_no_percentage_but_bars() -> None:
    box = (60.0, 60.0, 160.0, 180.0)
    one, other = (
        draw(plain(640, 360), some_faces(box, label=UNCERTAIN, share=share)) for share in (0.2, 0.4)
    )
    tag = np.s_[40:60, 40:200]
    np.testing.assert_array_equal(one[tag], other[tag])
    assert pixels_of(one, UNCERTAIN) > 400
    assert pixels_of(other, "neutral") > pixels_of(one, "neutral")


@pytest.mark.parametrize("label", EMOTIONS)
def test_a_bar_is_as_long_as_its_probability(label: str) -> None:
    def bar(share: float) -> int:
        probabilities = np.zeros(8)
        probabilities[EMOTIONS.index(label)] = share
        faces = some_faces((60, 60, 160, 180), label=UNCERTAIN).fill(probabilities=[probabilities])
        return pixels_of(draw(plain(640, 360), faces), label)

    assert bar(0.0) < 5
    assert bar(0.5) == pytest.approx(bar(1.0) / 2, rel=0.05)
    assert bar(0.25) == pytest.approx(bar(1.0) / 4, rel=0.1)


def test_a_label_that_the_network_has_not_gets_no_bar() -> None:
    faces = some_faces((60, 60, 160, 180))
    without = faces.probabilities.copy()
    without[:, -1] = np.nan
    drawn = [draw(plain(640, 360), each) for each in (faces, faces.fill(probabilities=without))]
    assert pixels_of(drawn[0], "contempt") > 0
    assert pixels_of(drawn[1], "contempt") == 0


def test_a_face_that_was_not_read_gets_box_and_number() -> None:
    marked = draw(plain(640, 360), Faces(np.array([[60, 60, 160, 180]]), track=[3]))
    changed = np.argwhere((marked != 128).any(axis=2))
    assert pixels_of(marked, UNCERTAIN) > 400
    assert changed.max(axis=0).tolist() == [180, 160]
    assert changed.min(axis=0)[0] < 50


def test_panels_stay_off_other_faces() -> None:
    boxes = [(100, 100, 180, 200), (200, 100, 280, 200), (400, 180, 480, 280)]
    image = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    marked = draw(image, some_faces(*boxes))
    for box in boxes:
        np.testing.assert_array_equal(inner(marked, box), inner(image, box))
    assert pixels_of(marked, "happiness") > pixels_of(
        draw(image, some_faces(*boxes), panels=False), "happiness"
    )


def test_a_crowd_gets_tags_only() -> None:
    crowd = some_faces(*((20 + 120 * k, 150, 60 + 120 * k, 190) for k in range(MOST_PANELS + 1)))
    image = plain(640, 360)
    np.testing.assert_array_equal(draw(image, crowd), draw(image, crowd, panels=False))
    assert (draw(image, crowd[:MOST_PANELS]) != draw(image, crowd[:MOST_PANELS], panels=False)).any()


def test_text_grows_with_the_picture() -> None:
    def tag_height(scale: int) -> int:
        box = tuple(scale * side for side in (60, 60, 160, 180))
        marked = draw(plain(640 * scale, 360 * scale), some_faces(box), panels=False)
        return 60 * scale - int(np.argwhere((marked != 128).any(axis=2))[:, 0].min())

    assert tag_height(3) == pytest.approx(3 * tag_height(1), rel=0.1)


def test_a_panel_does_not_jump_while_its_face_wavers() -> None:
    """Without memory it would change sides at each step over the border."""

    def middle(image: Image) -> float:
        panel = (image < 100).all(axis=2) & (image > 10).all(axis=2)
        return float(np.argwhere(panel)[:, 1].mean())

    def left_or_right(annotator: Annotator, left: int) -> bool:
        box = (left, 100, left + 120, 240)
        return middle(annotator.draw(plain(640, 360, 255), some_faces(box))) > left

    steps = [340 + 10 * (k % 3) for k in range(12)]
    steady = Annotator()
    assert {left_or_right(Annotator(), left) for left in range(300, 420, 10)} == {True, False}
    assert len({left_or_right(steady, left) for left in steps}) == 1


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 3), (48, 48), (160, 120), (3000, 40), (40, 3000)])
def test_pictures_of_any_size(width: int, height: int) -> None:
    faces = some_faces((width * 0.2, height * 0.2, width * 0.8, height * 0.8))
    marked = draw(plain(width, height), faces)
    assert marked.shape == (height, width, 3)
    assert pixels_of(marked, "happiness") > 0


def test_a_very_small_picture_has_a_box_only() -> None:
    marked = draw(plain(48, 48), some_faces((10, 10, 38, 38)))
    np.testing.assert_array_equal(marked[:8], 128)
    np.testing.assert_array_equal(marked[14:34, 14:34], 128)


corners = st.floats(-500, 1500, width=32)
spans = st.floats(0.5, 1500, width=32)


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.lists(st.tuples(corners, corners, spans, spans), max_size=6),
    st.sampled_from([*EMOTIONS, UNCERTAIN]),
)
def test_boxes_anywhere(
    size_wh: tuple[int, int], places: list[tuple[float, float, float, float]], label: str
) -> None:
    boxes = [(left, top, left + width, top + height) for left, top, width, height in places]
    image = plain(*size_wh)
    marked = draw(image, some_faces(*boxes, label=label) if boxes else Faces.empty())
    assert marked.shape == image.shape
    assert bool((marked != image).any()) == bool(boxes)


def test_drawing_loads_no_heavy_package() -> None:
    code = "import sys, mien.show.draw; print({'matplotlib', 'pandas', 'av'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
