from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import OutputError
from mien.show import video
from mien.show.video import ClipWriter
from mien.types import Image

UNEVEN_S = [0.0, 0.04, 0.1, 0.5, 0.51, 1.2, 1.21, 3.0, 3.033, 4.1]
RATE_HZ = 44_100


def plain(width: int, height: int, colour: tuple[int, int, int] = (200, 40, 60)) -> Image:
    return np.full((height, width, 3), colour, np.uint8)


def write(
    path: Path, times_s: Sequence[float], size_wh: tuple[int, int] = (64, 48), sound_from: Path | None = None
) -> None:
    with ClipWriter(path, size_wh, sound_from=sound_from) as clip:
        for time_s in times_s:
            clip.write(plain(*size_wh), time_s)


def click(at_s: float, duration_s: float) -> np.ndarray:
    """Silence with one short tone."""
    sound = np.zeros(round(duration_s * RATE_HZ), np.float32)
    start, length = round(at_s * RATE_HZ), 400
    sound[start : start + length] = 0.9 * np.sin(np.arange(length) * 0.6)
    return sound


def make_source(
    path: Path,
    codec: str,
    *,
    start_s: float = 0.0,
    layout: str = "stereo",
    pictures: str = "mpeg4",
    rate_hz: int = 10,
) -> Path:
    """A video of 2 s with a click after 1 s; a picture of its own after every five."""
    tick_s = Fraction(1, 1000)
    with av.open(str(path), "w") as container:
        seen = container.add_stream(pictures, rate=rate_hz)
        seen.width, seen.height, seen.pix_fmt = 64, 48, "yuv420p"
        seen.codec_context.gop_size = 5
        if pictures != "mpeg2video":  # which knows its own rates only
            seen.codec_context.time_base = tick_s
        seen.codec_context.max_b_frames = 0
        sound = container.add_stream(codec, rate=48_000 if "opus" in codec else RATE_HZ)
        sound.layout = layout
        for index in range(2 * rate_hz):
            frame = av.VideoFrame.from_ndarray(plain(64, 48), format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = round((start_s + index / rate_hz) / tick_s), tick_s
            container.mux(seen.encode(frame))
        heard = av.AudioFrame.from_ndarray(click(1.0, 2.0)[None], format="fltp", layout="mono")
        heard.sample_rate, heard.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        heard.pts = round(start_s * RATE_HZ)
        container.mux(sound.encode(heard))
        container.mux(sound.encode(None))
        container.mux(seen.encode(None))
    return path


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=0)]


def click_time_s(path: Path) -> float:
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
    sound = np.concatenate([frame.to_ndarray().reshape(-1, frame.samples)[0] for frame in frames])
    return float(frames[0].time + np.argmax(np.abs(sound) > 0.3) / frames[0].sample_rate)


def clicks_s(path: Path) -> list[float]:
    """When each click is heard."""
    with av.open(str(path)) as container:
        frames = [
            (frame.time, frame.to_ndarray().reshape(-1, frame.samples)[0])
            for frame in container.decode(audio=0)
        ]
    loud_s = [
        time_s + place / RATE_HZ for time_s, sound in frames for place in np.flatnonzero(abs(sound) > 0.3)
    ]
    return [now_s for now_s, before_s in zip(loud_s, [-1.0, *loud_s], strict=False) if now_s - before_s > 0.5]


def sound_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_browsers_play_it(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4", UNEVEN_S)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == ("h264", "yuv420p")
        frame = next(container.decode(video=0))
        assert not container.streams.audio
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
    written = (tmp_path / "clip.mp4").read_bytes()
    assert 0 < written.index(b"moov") < written.index(b"mdat")


@pytest.mark.parametrize(
    "times_s",
    [UNEVEN_S, [0.0], [0.0, 0.2], [k * 1001 / 24000 for k in range(90)], [0.5, 1.5, 7200.0, 7200.5]],
)
def test_each_frame_keeps_its_time(tmp_path: Path, times_s: list[float]) -> None:
    path = tmp_path / "clip.mp4"
    write(path, times_s)
    assert times_of(path) == pytest.approx(times_s, abs=1e-3)
    last_s = times_s[-1] - times_s[-2] if len(times_s) > 1 else 1.0
    with av.open(str(path)) as container:
        assert container.duration / av.time_base == pytest.approx(times_s[-1] + last_s - times_s[0], abs=1e-3)


def test_a_time_that_does_not_rise_costs_no_frame(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4", [0.0, 0.1, 0.1, 0.05, 0.2])
    times_s = times_of(tmp_path / "clip.mp4")
    assert times_s == pytest.approx([0.0, 0.1, 0.1, 0.1, 0.2], abs=1e-3)
    assert times_s == sorted(set(times_s))


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 210, 46), (30, 30, 30)])
def test_colours_come_back(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    with ClipWriter(tmp_path / "clip.mp4", (64, 48)) as clip:
        clip.write(plain(64, 48, colour), 0.0)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        seen = next(container.decode(video=0)).to_ndarray(format="rgb24")
    np.testing.assert_allclose(seen, plain(64, 48, colour), atol=6)


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 2), (63, 47), (641, 360), (16, 600)])
def test_odd_sides_get_one_pixel_more(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    write(tmp_path / "clip.mp4", [0.0, 0.1], size_wh)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height) == tuple(side + side % 2 for side in size_wh)
    np.testing.assert_allclose(frame.to_ndarray(format="rgb24")[-1, -1], (200, 40, 60), atol=6)


def test_a_frame_of_another_size_is_scaled(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "clip.mp4", (64, 48)) as clip:
        clip.write(plain(64, 48), 0.0)
        clip.write(plain(101, 33), 0.1)
        clip.write(np.ascontiguousarray(plain(64, 48))[::-1, ::-1], 0.2)
    assert len(times_of(tmp_path / "clip.mp4")) == 3


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "aac"), ("mp4", "libmp3lame"), ("avi", "libmp3lame")])
def test_sound_that_browsers_play_is_copied(tmp_path: Path, suffix: str, codec: str) -> None:
    source = make_source(tmp_path / f"source.{suffix}", codec)
    write(tmp_path / "clip.mp4", np.arange(20) / 10, sound_from=source)
    assert sound_packets(tmp_path / "clip.mp4") == sound_packets(source)
    assert click_time_s(tmp_path / "clip.mp4") == pytest.approx(click_time_s(source), abs=2e-3)


@pytest.mark.parametrize(
    ("suffix", "codec", "layout"),
    [
        ("mov", "pcm_s16le", "stereo"),
        ("avi", "pcm_s16le", "mono"),
        ("mkv", "libopus", "stereo"),
        ("mkv", "ac3", "5.1"),
        ("ts", "aac", "stereo"),
    ],
)
def test_other_sound_becomes_aac(tmp_path: Path, suffix: str, codec: str, layout: str) -> None:
    source = make_source(tmp_path / f"source.{suffix}", codec, layout=layout)
    write(tmp_path / "clip.mp4", np.arange(20) / 10, sound_from=source)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.codec.canonical_name == "aac"
        assert stream.channels == min(2, 1 if layout == "mono" else 2)
        assert float(stream.duration * stream.time_base) == pytest.approx(2.0, abs=0.06)
    assert click_time_s(tmp_path / "clip.mp4") == pytest.approx(1.0, abs=0.01)


def test_sound_counts_from_the_first_picture(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source.mkv", "aac", start_s=5.0)
    write(tmp_path / "clip.mp4", np.arange(20) / 10, sound_from=source)
    assert click_time_s(tmp_path / "clip.mp4") == pytest.approx(1.0, abs=0.01)


def test_sound_counts_from_the_first_picture_that_can_be_decoded(tmp_path: Path) -> None:
    whole, cut = make_source(tmp_path / "whole.ts", "aac", pictures="libx264"), tmp_path / "cut.ts"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        streams = {stream: target.add_stream_from_template(stream) for stream in source.streams}
        packets = [packet for packet in source.demux() if packet.size]
        dropped = [packet for packet in packets if packet.stream.type == "video"][:3]
        for packet in packets:
            if packet not in dropped:
                packet.stream = streams[packet.stream]
                target.mux(packet)
    lost_s = 0.5
    assert len(times_of(cut)) == len(times_of(whole)) - lost_s * 10
    write(tmp_path / "clip.mp4", np.arange(15) / 10, sound_from=cut)
    assert click_time_s(tmp_path / "clip.mp4") == pytest.approx(1.0 - lost_s, abs=0.01)


@pytest.mark.parametrize(("suffix", "codec"), [("ts", "mp2"), ("ts", "aac"), ("mpg", "mp2")])
def test_sound_of_joined_recordings_goes_on(tmp_path: Path, suffix: str, codec: str) -> None:
    part = make_source(tmp_path / f"part.{suffix}", codec, pictures="mpeg2video", rate_hz=25)
    joined = tmp_path / f"joined.{suffix}"
    joined.write_bytes(part.read_bytes() * 2)
    write(tmp_path / "clip.mp4", np.arange(40) / 10, sound_from=joined)
    assert clicks_s(tmp_path / "clip.mp4") == pytest.approx([1.0, 3.0], abs=0.06)


def test_sound_ends_soon_after_the_picture(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source.mov", "pcm_s16le")
    write(tmp_path / "clip.mp4", [0.0, 0.1], sound_from=source)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.audio[0]
        assert float(stream.duration * stream.time_base) == pytest.approx(1.2, abs=0.06)


def test_damaged_sound_is_kept_as_far_as_it_goes(tmp_path: Path) -> None:
    source = make_source(tmp_path / "source.ts", "aac")
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2] + b"\x00" * 2000)
    write(tmp_path / "clip.mp4", np.arange(20) / 10, sound_from=source)
    assert len(times_of(tmp_path / "clip.mp4")) == 20
    assert sound_packets(tmp_path / "clip.mp4")


@pytest.mark.parametrize("content", [None, b"", b"no film at all"])
def test_a_source_without_sound_leaves_the_clip_silent(tmp_path: Path, content: bytes | None) -> None:
    source = tmp_path / "source.mp4"
    if content is not None:
        source.write_bytes(content)
    write(tmp_path / "clip.mp4", [0.0, 0.1], sound_from=source)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert not container.streams.audio


@pytest.mark.parametrize("name", ["single_face.mp4", "noface_face.mov", "no_face.mp4"])
def test_real_videos_keep_their_sound(tmp_path: Path, shared: Path, name: str) -> None:
    source = shared / "data" / "video" / name
    with av.open(str(source)) as container:
        times_s = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.size]
    times_s = sorted(time_s for time_s in times_s if time_s >= 0)
    write(tmp_path / "clip.mp4", times_s, sound_from=source)
    assert sound_packets(tmp_path / "clip.mp4") == sound_packets(source)
    assert times_of(tmp_path / "clip.mp4") == pytest.approx(times_s, abs=1e-3)


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt(), OSError("elsewhere")])
@pytest.mark.parametrize("frames", [0, 3])
def test_an_exception_leaves_nothing(tmp_path: Path, error: BaseException, frames: int) -> None:
    def fail() -> None:
        with ClipWriter(tmp_path / "clip.mp4", (64, 48)) as clip:
            for index in range(frames):
                clip.write(plain(64, 48), index / 10)
            raise error

    with pytest.raises(type(error)) as raised:
        fail()
    assert raised.value is error
    assert list(tmp_path.iterdir()) == []


def test_it_stands_under_its_name_only_when_closed(tmp_path: Path) -> None:
    path = tmp_path / "new" / "clip.mp4"
    clip = ClipWriter(path, (64, 48))
    clip.write(plain(64, 48), 0.0)
    assert not path.exists()
    clip.close()
    clip.close()
    assert [file.name for file in path.parent.iterdir()] == ["clip.mp4"]


def test_no_frame_gives_no_file(tmp_path: Path) -> None:
    write(tmp_path / "clip.mp4", [])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"cannot write .*clip\.mp4: "):
        ClipWriter(tmp_path / "file" / "clip.mp4", (64, 48))


FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from mien.show.video import ClipWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
noise = np.random.default_rng(0)
with ClipWriter(Path(sys.argv[1]), (320, 240)) as clip:
    for index in range(int(sys.argv[2])):
        clip.write(noise.integers(0, 256, (240, 320, 3), np.uint8), index / 10)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no limit to a file's size")
@pytest.mark.parametrize("frames", [4, 90])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, frames: int) -> None:
    # -B: or Python would leave half a compiled module beside its source
    command = [sys.executable, "-B", "-c", FULL, str(tmp_path / "clip.mp4"), str(frames)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "mien.errors.OutputError: cannot write" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_an_encoder_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "ENCODERS", ("no_such_encoder",))
    with pytest.raises(OutputError, match=r"clip\.mp4: expected PyAV with .*no_such_encoder"):
        ClipWriter(tmp_path / "clip.mp4", (64, 48))


def test_the_next_encoder_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "ENCODERS", ("no_such_encoder", "libx264"))
    write(tmp_path / "clip.mp4", [0.0])
    assert times_of(tmp_path / "clip.mp4") == [0.0]
