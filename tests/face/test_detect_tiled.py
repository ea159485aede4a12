"""Tiles: they cover a picture, and each face is found once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.config import Settings
from mien.face.detect import Detector
from mien.face.detect.tiled import OVERLAP_PX, Tiled
from mien.geometry import windows
from mien.types import Faces, Image


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_windows_cover_the_picture_and_overlap(width: int, height: int) -> None:
    found = windows((width, height), 2000, 128)
    for low, high, side in ((0, 2, width), (1, 3, height)):
        spans = sorted({(each[low], each[high]) for each in found})
        assert spans[0][0] == 0
        assert spans[-1][1] == side
        assert all(0 < end - start <= 2000 for start, end in spans)
        assert all(one[1] - other[0] >= min(128, side) - 1 for one, other in itertools.pairwise(spans))
    assert len(found) == len(set(found))


class Squares:
    """Finds white squares, each wholly or cut, where it looks."""

    name = "squares"

    def __init__(self, smallest: float) -> None:
        self.smallest = smallest
        self.looks: list[tuple[int, int]] = []

    def detect(self, image: Image) -> Faces:
        self.looks.append((image.shape[1], image.shape[0]))
        from scipy.ndimage import find_objects, label

        parts = find_objects(label(image[..., 0] > 128)[0])
        boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in parts], np.float32).reshape(-1, 4)
        boxes = boxes[(boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) >= self.smallest]
        return Faces(
            boxes, detection=np.full(len(boxes), 0.9), points=np.repeat(boxes[:, None, :2], 5, axis=1)
        )

    def close(self) -> None:
        self.looks.clear()


@pytest.fixture
def tiled(monkeypatch: pytest.MonkeyPatch) -> Tiled:
    monkeypatch.setattr("mien.face.detect.tiled.make_detector", lambda chosen: Squares(chosen.min_face_px))
    return Tiled(Settings(min_face_px=20))


def test_it_is_a_detector(tiled: Tiled) -> None:
    assert isinstance(tiled, Detector)
    assert tiled.name == "squares"
    tiled.close()


def test_each_face_is_found_once_where_tiles_overlap(tiled: Tiled) -> None:
    image = np.zeros((2160, 3840, 3), np.uint8)
    corners = [(10, 10), (1880, 1050), (1900, 300), (1930, 1100), (3800, 2100), (2500, 1020)]
    for x, y in corners:
        image[y : y + 30, x : x + 30] = 255
    image[1400:1800, 1700:2300] = 255  # larger than what tiles share
    found = tiled.detect(image)
    expected = {(x, y, x + 30.0, y + 30.0) for x, y in corners} | {(1700.0, 1400.0, 2300.0, 1800.0)}
    assert {tuple(map(float, box)) for box in found.xyxy} == expected
    assert len(found) == len(expected)
    np.testing.assert_array_equal(found.points[:, 0], found.xyxy[:, :2])
    assert all(max(size) <= 2000 for size in tiled._fine.looks)  # type: ignore[attr-defined]
    assert OVERLAP_PX > 30


@pytest.mark.parametrize("size_wh", [(1920, 1080), (2000, 1500), (1, 1)])
def test_a_picture_that_is_not_shrunk_is_looked_at_once(tiled: Tiled, size_wh: tuple[int, int]) -> None:
    tiled.detect(np.zeros((*size_wh[::-1], 3), np.uint8))
    assert tiled._fine.looks == [size_wh]  # type: ignore[attr-defined]
    assert tiled._coarse.looks == []  # type: ignore[attr-defined]
