"""Video files: true times, the right way up, the frames that were asked for, and the rest of a broken one."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter
from PIL import Image as Pillow

import mien.source.picture
from mien.errors import ConfigError, SourceError
from mien.source.video import VideoSource
from mien.types import Frame
from patience import LIMIT_S
from source.clips import SIZE_WH, cut, index_of, join, picture, write_clip, write_sound


def read(path: Path, **choices: Any) -> tuple[list[Frame], VideoSource]:
    with closing(VideoSource(path, **choices)) as source:
        return list(source.frames()), source


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.mov", "mpeg4"), ("a.avi", "mpeg4"), ("a.webm", "libvpx"),
     ("a.m2ts", "mpeg2video"), ("a.h264", "libx264"), ("odd name: 50%02d.mp4", "libx264")],
)  # fmt: skip
def test_every_container_gives_every_frame_with_its_time(tmp_path: Path, name: str, codec: str) -> None:
    frames, source = read(write_clip(tmp_path / name, 20, codec=codec))
    assert [frame.index for frame in frames] == list(range(20))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(20) / 25, atol=1e-3)
    np.testing.assert_allclose([index_of(frame.image) for frame in frames], range(20), atol=1)
    assert {frame.source for frame in frames} == {name}
    assert (source.report.frames_read, source.report.frames_given, source.report.frames_dropped) == (
        20,
        20,
        0,
    )
    assert source.report.size_wh == SIZE_WH
    assert source.report.duration_s == pytest.approx(0.8, abs=0.01)
    assert source.report.frame_rate_hz == pytest.approx(25, rel=0.01)
    assert source.report.note is None


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path, name: str) -> None:
    times_ms = [700, 733, 800, 1100, 1110, 2500, 2540]
    frames, source = read(write_clip(tmp_path / name, times_ms=times_ms))
    np.testing.assert_allclose([f.time_s for f in frames], [(t - 700) / 1000 for t in times_ms], atol=1e-3)
    assert source.report.frame_rate_hz == pytest.approx(6 / 1.84, rel=1e-3)


HOURS = 40_000.0


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".ts", "mpeg2video"), (".ts", "libx264"), (".mpg", "mpeg2video"), (".m2ts", "libx264")],
)
@pytest.mark.parametrize("starts_s", [(0, 0), (0, HOURS), (HOURS, 0), (0, 30), (30, 0)])
def test_in_joined_recordings_time_goes_on(
    tmp_path: Path, suffix: str, codec: str, starts_s: tuple[float, float]
) -> None:
    parts = [
        write_clip(tmp_path / f"{place}{suffix}", 20, codec=codec, start_s=start_s)
        for place, start_s in enumerate(starts_s)
    ]
    frames, source = read(join(tmp_path / f"all{suffix}", *parts))
    assert len(frames) == 40
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(40) / 25, atol=1e-6)
    np.testing.assert_allclose([index_of(frame.image) for frame in frames], [*range(20)] * 2, atol=1)
    assert source.report.duration_s == pytest.approx(1.6)
    assert source.report.frame_rate_hz == pytest.approx(25)
    assert source.report.note == "its clock jumps at 0.8 s: time goes on there by a frame's length"


def test_chosen_frames_of_joined_recordings_are_spread_evenly(tmp_path: Path) -> None:
    part = write_clip(tmp_path / "a.ts", 25, codec="mpeg2video")
    frames, _ = read(join(tmp_path / "all.ts", part, part, part), fps=5)
    assert [frame.index for frame in frames] == list(range(0, 75, 5))


@pytest.mark.parametrize("name", ["v.mp4", "v.mkv"])
def test_a_late_or_long_picture_is_no_jump(tmp_path: Path, name: str) -> None:
    times_ms = [5000, 5040, 65_040, 65_080]
    frames, source = read(write_clip(tmp_path / name, times_ms=times_ms))
    np.testing.assert_allclose([f.time_s for f in frames], [0, 0.04, 60.04, 60.08], atol=1e-3)
    assert source.report.note is None


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_the_picture_is_turned_as_the_container_says(tmp_path: Path, degrees: int, mirrored: bool) -> None:
    stored = read(write_clip(tmp_path / "stored.mp4", 2))[0][1].image
    frames, source = read(write_clip(tmp_path / "turned.mp4", 2, turned=(degrees, mirrored)))
    expected = np.rot90(stored, degrees // 90)
    expected = expected[:, ::-1] if mirrored else expected
    np.testing.assert_array_equal(frames[1].image, expected)
    assert source.report.size_wh == frames[1].size_wh
    assert frames[1].image.flags.c_contiguous


SQUEEZED = [
    (Fraction(2, 1), (192, 64)),
    (Fraction(64, 45), (137, 64)),
    (Fraction(1, 2), (96, 128)),
    (Fraction(8, 9), (96, 72)),
]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.avi", "mpeg4"),
        ("a.ts", "mpeg2video"),
        ("a.h264", "libx264"),
    ],
)
@pytest.mark.parametrize(("pixel_shape", "size_wh"), SQUEEZED)
def test_squeezed_pictures_get_square_pixels(
    tmp_path: Path, name: str, codec: str, pixel_shape: Fraction, size_wh: tuple[int, int]
) -> None:
    if codec == "mpeg2video":  # MPEG-2 knows the shape of the picture only: 4:3 or 16:9
        pixel_shape, size_wh = Fraction(16, 9) * Fraction(64, 96), (114, 64)
    frames, source = read(write_clip(tmp_path / name, 20, codec=codec, pixel_shape=pixel_shape))
    assert [frame.size_wh for frame in frames] == [size_wh] * 20
    assert source.report.size_wh == size_wh
    expected = Pillow.fromarray(picture(1)).resize(size_wh, Pillow.Resampling.BILINEAR)
    assert np.abs(frames[1].image.astype(int) - np.asarray(expected, int)).mean() < 6
    assert source.report.note is None


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_squeezed_pictures_are_stretched_before_they_are_turned(tmp_path: Path, degrees: int) -> None:
    lying, _ = read(write_clip(tmp_path / "a.mp4", 2, pixel_shape=Fraction(2)))
    frames, source = read(write_clip(tmp_path / "b.mp4", 2, pixel_shape=Fraction(2), turned=(degrees, False)))
    assert source.report.size_wh == ((192, 64) if degrees == 180 else (64, 192))
    np.testing.assert_array_equal(frames[1].image, np.rot90(lying[1].image, degrees // 90))


def test_a_nonsensical_shape_of_pixels_is_not_believed(tmp_path: Path) -> None:
    _, source = read(write_clip(tmp_path / "a.mp4", 2, pixel_shape=Fraction(200, 1)))
    assert source.report.size_wh == SIZE_WH


def test_all_pictures_have_one_size_where_the_resolution_changes(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / "1.ts", 5),
        write_clip(tmp_path / "2.ts", 5, size_wh=(192, 128)),
        write_clip(tmp_path / "3.ts", 5, size_wh=(48, 64)),
        write_clip(tmp_path / "4.ts", 5, size_wh=(48, 64), pixel_shape=Fraction(2)),
    ]
    frames, source = read(join(tmp_path / "all.ts", *parts))
    assert [frame.size_wh for frame in frames] == [SIZE_WH] * 20
    for place in (1, 6, 16):  # the same picture in another size, and squeezed
        assert np.abs(frames[place].image.astype(int) - picture(1)).mean() < 8
    narrow = frames[11].image
    assert narrow[:, :22].max() < 20
    assert narrow[:, -22:].max() < 20
    squeezed = np.asarray(Pillow.fromarray(picture(1)).resize((48, 64)), int)
    assert np.abs(narrow[:, 24:72].astype(int) - squeezed).mean() < 8
    assert "its resolution changes: all is read at 96x64" in (source.report.note or "")


def test_a_film_that_begins_small_is_read_at_its_full_size(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "1.ts", 5)
    large = write_clip(tmp_path / "2.ts", 45, size_wh=(192, 128), start_s=0.4)
    frames, source = read(join(tmp_path / "all.ts", small, large))
    assert {frame.size_wh for frame in frames} == {(192, 128)}
    assert source.report.size_wh == (192, 128)
    assert source.report.note == "its resolution changes: all is read at 192x128"
    assert len(frames) == 50


@pytest.mark.parametrize("ends", ["start", "both"])
def test_of_a_film_that_was_cut_it_says_which_end(tmp_path: Path, ends: str) -> None:
    path = write_clip(tmp_path / "a.ts", 50, codec="mpeg2video", key_every=25)
    data, packet = path.read_bytes(), 188
    first = len(data) // 10 // packet * packet
    path.write_bytes(data[first : None if ends == "start" else len(data) * 9 // 10])
    frames, source = read(path)
    assert index_of(frames[0].image) == pytest.approx(25, abs=1)
    assert frames[0].time_s == 0
    lost = re.fullmatch(r"cut off at its start: the first (\S+) s can't be read", source.report.note or "")
    assert lost is not None
    assert 0.3 < float(lost[1]) <= 1.0
    assert len(frames) == 25 or ends == "both"


def test_a_film_that_begins_late_or_before_zero_is_whole(tmp_path: Path) -> None:
    for times_ms in ([5000 + 40 * index for index in range(20)], [40 * index - 400 for index in range(20)]):
        frames, source = read(write_clip(tmp_path / "a.mkv", times_ms=times_ms))
        np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(20) / 25, atol=1e-3)
        assert source.report.note is None


def test_colours_come_through(tmp_path: Path) -> None:
    frames, _ = read(write_clip(tmp_path / "a.mp4", 3))
    corners = [(slice(2, 12), slice(2, 20)), (slice(2, 12), slice(-20, -2)), (slice(-12, -2), slice(2, 20))]
    for corner in corners:
        np.testing.assert_allclose(
            frames[2].image[corner].mean((0, 1)), picture(2)[corner].mean((0, 1)), atol=12
        )


@pytest.mark.parametrize(
    ("choices", "indices"),
    [
        ({"every": 3}, range(0, 25, 3)),
        ({"fps": 5}, range(0, 25, 5)),
        ({"fps": 25}, range(25)),
        ({"fps": 1000}, range(25)),
        ({"fps": 0.5}, [0]),
        ({"fps": 5, "every": 10}, [0, 10, 20]),
    ],
)
def test_frames_are_chosen_by_number_and_by_time(
    tmp_path: Path, choices: dict[str, Any], indices: range
) -> None:
    frames, source = read(write_clip(tmp_path / "a.mp4", 25), **choices)
    assert [frame.index for frame in frames] == list(indices)
    assert [round(frame.time_s * 25) for frame in frames] == list(indices)
    assert (source.report.frames_read, source.report.frames_given) == (25, len(indices))


def test_skipped_frames_are_not_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    converted = []

    class Counting:
        def reformat(self, frame: av.VideoFrame, *size: int, **options: Any) -> av.VideoFrame:
            converted.append(frame.pts)
            return VideoReformatter().reformat(frame, *size, **options)

    path = write_clip(tmp_path / "a.mp4", 25)
    monkeypatch.setattr(mien.source.picture, "VideoReformatter", Counting)
    frames, _ = read(path, every=10)
    assert len(frames) == 3
    assert len(set(converted)) == 3


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx")]
)
def test_of_a_truncated_video_the_readable_part_is_read(tmp_path: Path, name: str, codec: str) -> None:
    path = write_clip(tmp_path / name, 50, codec=codec)
    whole, _ = read(path)
    frames, source = read(cut(path, 0.8))
    assert 5 < len(frames) < 50
    for frame, same in zip(frames, whole, strict=False):
        np.testing.assert_array_equal(frame.image, same.image)
    assert source.report.note is not None
    assert source.report.note.startswith(f"truncated after {len(frames) / 25:.1f} of 2.0 s")
    assert source.report.duration_s == pytest.approx(len(frames) / 25, abs=0.05)


def test_sound_that_goes_on_is_not_taken_for_missing_pictures(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv"):
        frames, source = read(write_clip(tmp_path / name, 25, sound=True))
        assert len(frames) == 25
        assert source.report.note is None


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.mp4", "mpeg4"), ("a.mkv", "ffv1"), ("a.mkv", "libvpx")]
)
def test_damage_in_the_middle_leaves_the_rest(tmp_path: Path, name: str, codec: str) -> None:
    path = write_clip(tmp_path / name, 50, codec=codec)
    whole, _ = read(path)
    data = bytearray(path.read_bytes())
    middle, length = len(data) // 2, len(data) // 10
    data[middle : middle + length] = np.random.default_rng(5).bytes(length)
    path.write_bytes(data)
    frames, source = read(path)
    assert 15 < len(frames) < 50
    assert source.report.note is not None
    assert source.report.note.startswith(("damaged frames left out: ", "truncated after "))
    for frame in frames[:10]:
        np.testing.assert_array_equal(frame.image, whole[frame.index].image)
    assert (np.diff([frame.time_s for frame in frames]) > 0).all()


def test_a_disk_error_ends_the_video_and_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = VideoSource(write_clip(tmp_path / "a.mp4", 50))
    packets = source._container.demux(source._stream)

    def broken() -> Any:
        for _ in range(5):
            yield next(packets)
        raise av.error.OSError(5, "Input/output error")

    class Container:
        def demux(self, stream: object) -> Any:
            return broken()

        def close(self) -> None:
            pass

    monkeypatch.setattr(source, "_container", Container())
    monkeypatch.setattr(source, "_decoded", source._decode())
    frames = list(source.frames())
    assert 5 <= len(frames) < 15
    assert "truncated after" in (source.report.note or "")


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def without_pictures(folder: Path) -> Path:
    path = write_clip(folder / "none.mp4", 10)
    data = path.read_bytes()
    return written(path, data[: data.index(b"mdat") + 4])


def unknown_codec(folder: Path) -> Path:
    path = write_clip(folder / "new.mp4", 10)
    return written(path, path.read_bytes().replace(b"avc1", b"zzzz"))


def song_with_cover(folder: Path) -> Path:
    cover = io.BytesIO()
    Pillow.new("RGB", (48, 48), (200, 20, 20)).save(cover, "JPEG")
    return write_sound(folder / "song.m4a", cover=cover.getvalue())


def playlist(folder: Path) -> Path:
    write_clip(folder / "other.ts", 10, codec="mpeg2video")
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1,", "other.ts", "#EXT-X-ENDLIST", ""]
    return written(folder / "list.mp4", "\n".join(lines).encode())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda f: f / "gone.mp4", "no such file", id="missing"),
        pytest.param(lambda f: f, "received a folder", id="folder"),
        pytest.param(lambda f: written(f / "nil.mp4", b""), "empty file", id="empty"),
        pytest.param(lambda f: written(f / "t.mp4", b"Dear Sir,\n" * 99), "expected a video", id="text"),
        pytest.param(
            lambda f: written(f / "t.txt", b"Dear Sir,\n" * 99), "expected a video", id="text by name"
        ),
        pytest.param(
            lambda f: cut(write_clip(f / "rec.mp4", index_first=False), 0.9), "cut off", id="no index"
        ),
        pytest.param(without_pictures, "none of its frames", id="no frames"),
        pytest.param(lambda f: write_sound(f / "talk.mp4"), "sound only", id="sound only"),
        pytest.param(song_with_cover, "sound only", id="a song's cover"),
        pytest.param(unknown_codec, "export it as H.264", id="unknown codec"),
        pytest.param(playlist, "expected a video", id="playlist"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    tmp_path: Path, make: Callable[[Path], Path], reason: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(SourceError) as caught:
        VideoSource(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert reason in message
    assert "\n" not in message


def test_another_thread_may_close_it(tmp_path: Path) -> None:
    source = VideoSource(write_clip(tmp_path / "a.mp4", 50))
    frames = source.frames()
    next(frames)
    closer = Thread(target=source.close)
    closer.start()
    rest = list(frames)
    closer.join(LIMIT_S)
    assert not closer.is_alive()
    assert len(rest) < 50
    assert list(source.frames()) == []


def test_stopping_early_is_not_noted_as_truncation(tmp_path: Path) -> None:
    source = VideoSource(write_clip(tmp_path / "a.mp4", 50))
    next(source.frames())
    source.close()
    assert list(source.frames()) == []
    assert source.report.note is None
    assert source.report.duration_s == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "count", "last_s"),
    [("single_face.mp4", 72, 71 / 30), ("noface_face.mov", 169, 6.35), ("no_face.mp4", 95, 3.92),
     ("grief.mp4", 472, 471 / 23.976)],
)  # fmt: skip
def test_real_videos(shared: Path, name: str, count: int, last_s: float) -> None:
    frames, source = read(shared / "data" / "video" / name, every=24)
    assert source.report.frames_read == count
    assert source.report.note is None
    assert source.report.duration_s == pytest.approx(last_s, abs=0.11)
    times = [frame.time_s for frame in frames]
    assert times[0] == 0
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "libx264"),
        ("a.mkv", "libx264"),
        ("a.avi", "mpeg4"),
        ("a.webm", "libvpx"),
        ("a.ts", "mpeg2video"),
    ],
)
@pytest.mark.parametrize("fps", [None, 7.0])
def test_parts_are_the_whole_film(tmp_path: Path, name: str, codec: str, fps: float | None) -> None:
    path = write_clip(tmp_path / name, 57, codec=codec, key_every=13, start_s=3.0)
    whole, source = read(path, fps=fps)
    seams_s = [0.0, whole[len(whole) // 3].time_s, whole[2 * len(whole) // 3].time_s, float("inf")]
    numbered, counted = [], 0
    for from_s, until_s in pairwise(seams_s):
        frames, part = read(path, fps=fps, from_s=from_s, until_s=until_s)
        numbered += [(counted + frame.index, frame.time_s, frame.image.tobytes()) for frame in frames]
        counted += part.report.frames_read
        assert part.is_plain
        assert (part.after.time_s if part.after else float("inf")) == until_s
    assert numbered == [(frame.index, frame.time_s, frame.image.tobytes()) for frame in whole]
    assert counted == source.report.frames_read
    assert part.report.duration_s == source.report.duration_s
    assert part.report.note == source.report.note


def test_every_nth_frame_can_not_be_told_in_the_middle(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="n-th"):
        VideoSource(write_clip(tmp_path / "a.mp4", 20), every=2, from_s=0.4)
