from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.face.cut import CutFinder
from mien.source import open_source
from mien.types import Image


def cuts(pictures: Iterable[Image]) -> list[int]:
    finder = CutFinder()
    return [index for index, image in enumerate(pictures) if finder.is_cut(image)]


def scene(seed: int, size_wh: tuple[int, int] = (320, 180)) -> Image:
    """A picture of blots of all sizes."""
    rng = np.random.default_rng(seed)
    grey = np.zeros(size_wh[::-1], np.float32)
    for cells in (3, 6, 12, 24):
        coarse = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        grey += cv2.resize(coarse, size_wh, interpolation=cv2.INTER_CUBIC)
    grey = 255 * (grey - grey.min()) / max(np.ptp(grey), 1e-6)
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def noisy(image: Image, seed: int) -> Image:
    noise = np.random.default_rng(seed).normal(0, 6, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def test_another_scene_is_a_cut() -> None:
    first, second = scene(1), scene(2)
    assert cuts([first, first, first, second, second, first]) == [3, 5]


def test_almost_every_pair_of_scenes_is_told_apart() -> None:
    found = [len(cuts([scene(2 * pair), scene(2 * pair + 1)])) for pair in range(50)]
    assert sum(found) >= 47


def test_noise_is_no_cut() -> None:
    assert cuts(noisy(scene(1), seed) for seed in range(20)) == []


def test_noise_in_the_dark_is_no_cut() -> None:
    dark = np.full((180, 320, 3), 8, np.uint8)
    assert cuts(noisy(dark, seed) for seed in range(20)) == []


@pytest.mark.parametrize("widths_per_s", [0.5, 2.0, 4.0])
def test_a_pan_is_no_cut(widths_per_s: float) -> None:
    wide = scene(3, (3200, 180))
    steps = (round(320 * widths_per_s * frame / 25) for frame in range(15))
    assert cuts(wide[:, step : step + 320] for step in steps if step + 320 <= 3200) == []


@pytest.mark.parametrize("gain", [1.5, 3.0, 100.0])
def test_a_flash_is_no_cut(gain: float) -> None:
    lit = (scene(4) * gain).clip(0, 255).astype(np.uint8)
    assert cuts([scene(4), scene(4), lit, scene(4), scene(4)]) == []


def test_through_black_it_is_a_cut_where_the_picture_is_another_one() -> None:
    black = np.zeros_like(scene(5))
    assert cuts([scene(5), black, black, scene(6)]) == [3]
    assert cuts([scene(5), black, black, scene(5)]) == []


@pytest.mark.parametrize("contrast", [0.1, 0.5])
def test_something_large_that_comes_and_goes_before_a_wall_is_no_cut(contrast: float) -> None:
    wall = (110 + contrast * (scene(7) - 128.0)).astype(np.uint8)
    covered = wall.copy()
    covered[20:, 90:230] = scene(8)[20:, 90:230]
    assert cuts([wall, covered, covered, wall]) == []


@pytest.mark.parametrize("size_wh", [(1, 1), (8, 6), (64, 36), (65, 1000), (1920, 1080)])
def test_pictures_of_any_size(size_wh: tuple[int, int]) -> None:
    assert cuts([scene(1, size_wh)] * 3) == []


@pytest.mark.parametrize(
    ("name", "places"),
    [("single_face.mp4", []), ("noface_face.mov", [96]), ("no_face.mp4", []), ("grief.mp4", [])],
)
def test_the_shared_videos(shared: Path, name: str, places: list[int]) -> None:
    source = open_source(shared / "data" / "video" / name)
    assert cuts(frame.image for frame in islice(source.frames(), 168)) == places
    source.close()
