"""What a film says of itself: which of its streams is the picture, and how long it is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from av.stream import Disposition

from http_video import serving_files
from mien.film import parse_length_s
from mien.source.stream import StreamSource
from mien.source.video import VideoSource
from source.clips import write_clip, write_pictures

SMALL, LARGE, COVER = (64, 48), (96, 64), (128, 128)
NONE, DEFAULT = Disposition(0), Disposition.default


def red(source: VideoSource | StreamSource) -> int:
    """Which stream it is: red 40 is the first, 80 the second."""
    with closing(source):
        frame = next(iter(source.frames()))
    return round(int(frame.image[..., 0].mean()) / 40)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize(
    ("streams", "chosen"),
    [
        pytest.param([(SMALL, 9, NONE), (LARGE, 9, DEFAULT)], 2, id="the default after a preview"),
        pytest.param([(LARGE, 9, NONE), (SMALL, 9, DEFAULT)], 2, id="the default, though it is small"),
        pytest.param([(SMALL, 9, DEFAULT), (LARGE, 9, DEFAULT)], 2, id="the larger of two defaults"),
        pytest.param([(LARGE, 9, DEFAULT), (LARGE, 9, DEFAULT)], 1, id="the first of equals"),
        pytest.param([(COVER, 1, DEFAULT), (LARGE, 9, NONE)], 2, id="a cover that is marked as the default"),
        pytest.param([(COVER, 1, NONE), (LARGE, 9, NONE)], 2, id="a cover first"),
        pytest.param([(COVER, 1, DEFAULT)], 1, id="a film of one picture"),
    ],
)
def test_the_default_is_read_or_else_the_largest_that_moves(
    tmp_path: Path, suffix: str, streams: list[tuple[tuple[int, int], int, Disposition]], chosen: int
) -> None:
    path = write_pictures(tmp_path / f"a{suffix}", *((*each, "libx264") for each in streams))
    assert red(VideoSource(path)) == chosen


def test_without_a_default_it_is_the_largest(tmp_path: Path) -> None:
    streams = [(size_wh, 25, NONE, "mpeg2video") for size_wh in (SMALL, LARGE, SMALL)]
    assert red(VideoSource(write_pictures(tmp_path / "a.ts", *streams))) == 2


def test_a_cover_in_jpeg_is_none(tmp_path: Path) -> None:
    path = write_pictures(tmp_path / "a.mkv", (COVER, 1, DEFAULT, "mjpeg"), (LARGE, 9, NONE, "libx264"))
    assert red(VideoSource(path)) == 2


def test_an_address_is_read_like_a_file(tmp_path: Path) -> None:
    write_pictures(tmp_path / "a.mp4", (SMALL, 25, NONE, "libx264"), (LARGE, 25, DEFAULT, "libx264"))
    with serving_files(tmp_path) as address:
        assert red(StreamSource(f"{address}/a.mp4")) == 2


@pytest.mark.parametrize(
    ("text", "length_s"),
    [
        ("01:02:03.500000000", 3723.5), ("00:00:02,4", 2.4), ("2.4", 2.4), (" 00:00:02.4 ", 2.4),
        ("1:02", 62.0), ("2.", 2.0), ("", None), ("two", None), ("-1", None), ("1:2:3:4", None),
        ("nan", None), ("٢", None), ("9" * 5000, None), ("9" * 5000 + ":00:00", None),
    ],
)  # fmt: skip
def test_lengths_are_read_in_any_form(text: str, length_s: float | None) -> None:
    assert parse_length_s(text) == length_s


@pytest.mark.parametrize(
    "tag", ["2.4", "00:00:02,4", "", "soon", "00:00:00.400000000", "9" * 18, "999999999:00:00.40"]
)
def test_a_tag_of_the_length_is_never_fatal(tmp_path: Path, tag: str) -> None:
    path = write_clip(tmp_path / "a.mkv", 10)
    data = path.read_bytes()
    written = b"00:00:00.400000000"
    assert written in data
    path.write_bytes(data.replace(written, tag.encode().ljust(len(written), b"\0")))
    with closing(VideoSource(path)) as source:
        declared_s = source.report.duration_s
        assert len(list(source.frames())) == 10
    assert declared_s == pytest.approx(2.4 if "2" in tag else 0.4)


def test_tags_in_an_unknown_encoding_are_never_fatal(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", 5, tags={"title": "Gespraech"})
    path.write_bytes(path.read_bytes().replace(b"Gespraech", "Gespr\xe4ch!".encode("latin-1")))
    with closing(VideoSource(path)) as source:
        assert len(list(source.frames())) == 5
