"""Photographs as a source: one picture, pages, and animations with their times."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from mien.source import open_source
from mien.source.photograph import PhotographSource
from mien.types import Frame

SHADES = (250, 150, 50)


def film(path: Path, kind: str, **options: Any) -> Path:
    first, *others = (Pillow.new("RGB", (40, 30), (shade, shade, shade)) for shade in SHADES)
    first.save(path, kind, save_all=True, append_images=others, **options)
    return path


def frames_of(source: PhotographSource) -> list[Frame]:
    with closing(source):
        return list(source.frames())


def shades(frames: list[Frame]) -> list[int]:
    return [int(frame.image[15, 20, 0]) for frame in frames]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_read_at_its_own_times(tmp_path: Path, kind: str) -> None:
    source = PhotographSource(film(tmp_path / "wink", kind, duration=[80, 200, 120]))
    frames = frames_of(source)
    np.testing.assert_allclose(shades(frames), SHADES, atol=6)
    np.testing.assert_allclose([frame.time_s for frame in frames], [0, 0.08, 0.28], atol=1e-9)
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert not any(frame.still for frame in frames)
    assert (source.report.frames_read, source.report.frames_given) == (3, 3)
    assert source.report.duration_s == pytest.approx(0.4)
    assert source.report.note == "3 pictures of an animation; a marked copy shows the first"


def test_an_animation_without_times_is_as_browsers_show_it(tmp_path: Path) -> None:
    frames = frames_of(PhotographSource(film(tmp_path / "wink.gif", "GIF", duration=0)))
    np.testing.assert_allclose([frame.time_s for frame in frames], [0, 0.1, 0.2])


def test_pages_are_all_read_one_a_second(tmp_path: Path) -> None:
    source = PhotographSource(film(tmp_path / "scans.tif", "TIFF"))
    frames = frames_of(source)
    assert shades(frames) == list(SHADES)
    assert [frame.time_s for frame in frames] == [0.0, 1.0, 2.0]
    assert all(frame.still for frame in frames)
    assert source.report.note == "3 pages; a marked copy shows the first"


def test_smaller_copies_of_a_page_are_no_pages(tmp_path: Path) -> None:
    page, copy = Pillow.new("L", (40, 30), 200), Pillow.new("L", (20, 15), 200)
    copy.encoderinfo = {"tiffinfo": {254: 1}}  # type: ignore[attr-defined]
    page.save(tmp_path / "pyramid.tif", save_all=True, append_images=[copy])
    with Pillow.open(tmp_path / "pyramid.tif") as written:
        written.seek(1)
        assert written.tag_v2[254] == 1  # type: ignore[attr-defined]
    source = PhotographSource(tmp_path / "pyramid.tif")
    assert len(frames_of(source)) == 1
    assert source.report.note is None


def test_a_second_view_of_the_same_moment_is_no_frame(tmp_path: Path) -> None:
    assert len(frames_of(PhotographSource(film(tmp_path / "stereo.mpo", "MPO")))) == 1


def test_every_and_fps_choose_among_them(tmp_path: Path) -> None:
    path = film(tmp_path / "wink.gif", "GIF", duration=100)
    for choice, wanted in (({"every": 2}, [0, 2]), ({"fps": 5.0}, [0, 2])):
        with closing(open_source(path, **choice)) as source:  # type: ignore[arg-type]
            assert [frame.index for frame in source.frames()] == wanted
        assert source.report.frames_read == 3


def test_a_damaged_page_ends_them_and_is_said(tmp_path: Path) -> None:
    path = tmp_path / "scans.tif"
    noise = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    first, second = Pillow.new("RGB", (40, 30), (9, 9, 9)), Pillow.fromarray(noise)
    first.save(path, save_all=True, append_images=[second], compression="tiff_lzw")
    whole = path.read_bytes()
    with Pillow.open(path) as opened:
        opened.seek(1)
        (start,), (length,) = opened.tag_v2[273], opened.tag_v2[279]  # type: ignore[attr-defined]
    path.write_bytes(whole[:start] + b"\xff" * length + whole[start + length :])
    source = PhotographSource(path)
    assert len(frames_of(source)) == 1
    note = source.report.note
    assert note is not None
    assert note.startswith("only the first of its pictures could be read (")
    assert "damaged" in note


def test_one_picture_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "one.gif"
    Pillow.new("RGB", (40, 30)).save(path, duration=100)
    source = PhotographSource(path)
    (frame,) = frames_of(source)
    assert frame.still
    assert (source.report.note, source.report.duration_s) == (None, None)
