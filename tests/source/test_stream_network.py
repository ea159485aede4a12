"""Streams over a real (loopback) network: RTSP, MJPEG, HLS and files over HTTP, and what is none of them."""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from itertools import islice, pairwise, takewhile
from pathlib import Path
from typing import Any

import av
import pytest

from http_video import MjpegCamera, serving_files
from mien.errors import SourceError
from mien.source import open_source
from mien.source.stream import StreamSource
from mien.types import Frame
from needs import lacking
from patience import LIMIT_S
from rtsp_server import RtspServer, missing
from source.clips import index_of, join, picture, write_clip

TIME_LIMIT_S = LIMIT_S


@pytest.fixture(scope="module")
def gstreamer() -> None:
    if reason := missing():
        lacking(reason)


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def within_time(work: Callable[[], Any]) -> Any:
    """Do the work, and fail instead of waiting for ever."""
    result: list[Any] = []
    worker = threading.Thread(target=lambda: result.append(work()), daemon=True)
    worker.start()
    worker.join(TIME_LIMIT_S)
    assert result, "it hangs, or it raised"
    return result[0]


def first(source: StreamSource, count: int) -> list[Frame]:
    return within_time(lambda: list(islice(source.frames(), count)))


def refusal(address: str, **choices: Any) -> str:
    with pytest.raises(SourceError) as caught:
        StreamSource(address, **choices)
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


@pytest.mark.usefixtures("gstreamer")
@pytest.mark.parametrize("codec", ["h264", "jpeg"])
def test_rtsp(codec: str) -> None:
    with RtspServer(codec) as server, closing(StreamSource(server.address)) as source:
        frames = first(source, 12)
    assert {frame.size_wh for frame in frames} == {(160, 120)}
    for earlier, later in pairwise(frames):
        steps = later.index - earlier.index
        assert later.time_s - earlier.time_s == pytest.approx(steps * 0.04, abs=0.005)
    assert any((earlier.image != later.image).any() for earlier, later in pairwise(frames))
    assert frames[-1].image.max() > 200  # the white ball


@pytest.mark.usefixtures("gstreamer")
def test_an_rtsp_server_that_is_killed_and_started_again() -> None:
    away = threading.Event()

    def wait(event: threading.Event, seconds: float) -> bool:
        away.set()
        return event.wait(seconds)

    with RtspServer() as server, closing(StreamSource(server.address, pauses_s=(0.2,), wait=wait)) as source:
        before = first(source, 3)[-1]
        server.close()
        assert away.wait(TIME_LIMIT_S)
        assert source.report.away_s is not None
        assert source.report.note is not None
        server.restart()
        after = first(source, 3)[-1]
        assert source.report.away_s is None
        assert source.report.note == "connected again: 1"
    assert after.time_s > before.time_s
    assert after.index > before.index


@pytest.mark.usefixtures("gstreamer")
def test_an_rtsp_server_that_asks_for_a_password() -> None:
    with RtspServer(password="secret") as server:
        bare = server.address.removeprefix("rtsp://")
        with closing(StreamSource(f"rtsp://viewer:secret@{bare}")) as source:
            assert first(source, 1)[0].source == f"rtsp://***@{bare}"
        for wrong in ("", "viewer:secret2@", "secret:secret@"):
            assert "name or password missing or wrong" in refusal(f"rtsp://{wrong}{bare}")
        assert "404 Not Found" in refusal(f"rtsp://viewer:secret@{bare.replace('live', 'gone')}")


def test_mjpeg_as_network_cameras_give_it() -> None:
    with MjpegCamera(user="viewer:secret").on() as address:
        host = address.removeprefix("http://")
        with closing(open_source(f"http://viewer:secret@{host}")) as source:
            frames = within_time(lambda: list(islice(source.frames(), 8)))
        assert "name or password missing or wrong" in refusal(f"http://viewer:secret2@{host}")
    assert source.live
    assert source.name == f"http://***@{host}"
    for frame in frames:
        # Its number is its brightness; what JPEG and its YUV make of that is near.
        assert frame.size_wh == (64, 48)
        assert abs(int(frame.image[0, 0, 0]) - (20 + frame.index)) <= 2
    # It has no times of its own: they are the clock's, of 20 ms and more.
    assert all(later.time_s - earlier.time_s >= 0.01 for earlier, later in pairwise(frames[2:]))


def test_a_camera_that_hangs_up_is_called_again() -> None:
    camera = MjpegCamera(per_connection=12)
    with camera.on() as address, closing(StreamSource(address, pauses_s=(0.05,))) as source:
        frames = within_time(lambda: list(takewhile(lambda frame: frame.index < 30, source.frames())))
        assert camera.connections >= 3
    assert all(earlier.time_s <= later.time_s for earlier, later in pairwise(frames))


def test_a_camera_that_falls_silent_is_away_and_called_again() -> None:
    camera = MjpegCamera(stops_after=10)
    with camera.on() as address, closing(StreamSource(address, patience_s=0.5, pauses_s=(0.05,))) as source:
        frames = source.frames()
        within_time(lambda: next(frame for frame in frames if frame.index > 9))
        assert camera.connections == 2
        assert source.report.note == "connected again: 1"


def test_a_file_on_a_server_plays_at_its_own_speed_and_ends(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", 12)
    with serving_files(tmp_path) as address, closing(StreamSource(f"{address}/clip.mp4")) as source:
        frames = within_time(lambda: list(source.frames()))
    assert [index_of(frame.image) for frame in frames] == [frame.index for frame in frames]
    assert frames[-1].index == 11
    assert frames[-1].time_s - frames[0].time_s == pytest.approx(0.04 * (11 - frames[0].index), abs=0.01)
    assert source.report.note is None


def test_a_turned_film_is_upright(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", 3, turned=(90, False))
    with serving_files(tmp_path) as address, closing(StreamSource(f"{address}/clip.mp4")) as source:
        assert first(source, 1)[0].size_wh == source.report.size_wh == (64, 96)


def test_a_squeezed_film_gets_square_pixels(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", 3, pixel_shape=Fraction(2))
    with serving_files(tmp_path) as address, closing(StreamSource(f"{address}/clip.mp4")) as source:
        assert first(source, 1)[0].size_wh == source.report.size_wh == (192, 64)


def test_joined_recordings_play_to_their_end(tmp_path: Path) -> None:
    part = write_clip(tmp_path / "part.ts", 10, codec="mpeg2video")
    later = write_clip(tmp_path / "later.ts", 10, codec="mpeg2video", start_s=40_000.0)
    join(tmp_path / "all.ts", part, later, part)
    with serving_files(tmp_path) as address, closing(StreamSource(f"{address}/all.ts")) as source:
        frames = within_time(lambda: list(islice(source.frames(), 1000)))
    assert source.report.frames_read == 30
    times_s = [frame.time_s for frame in frames]
    assert times_s == sorted(times_s)
    assert times_s[-1] < 10


def test_hls(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "live.m3u8"), "w", format="hls", options={"hls_time": "1"}) as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        for index in range(40):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
        container.mux(video.encode())
    with serving_files(tmp_path) as address, closing(StreamSource(f"{address}/live.m3u8")) as source:
        frames = within_time(lambda: list(source.frames()))
    assert frames[-1].index == 39
    assert frames[-1].time_s == pytest.approx(39 * 0.04, abs=0.05)


def test_a_playlist_does_not_lead_to_this_machine_s_files(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 12)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n"
    (tmp_path / "live.m3u8").write_text(playlist)
    with serving_files(tmp_path) as address:
        assert refusal(f"{address}/live.m3u8")


@pytest.mark.parametrize(
    "content", [b"<html>secret</html>" * 100, b"", b"\xff\xd8\xff" + b"rubbish" * 500, b"\x00" * 9000]
)
def test_what_is_no_video_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "page").write_bytes(content)
    with serving_files(tmp_path) as address:
        assert refusal(f"{address}/page").startswith(f"{address}/page: ")


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    from source.clips import write_sound

    write_sound(tmp_path / "song.mp4")
    with serving_files(tmp_path) as address:
        assert "expected a moving picture, received a stream without one" in refusal(f"{address}/song.mp4")


def test_wrong_addresses(tmp_path: Path) -> None:
    with serving_files(tmp_path) as address:
        assert "404 Not Found" in refusal(f"{address}/gone?token=secret")
        port = address.rpartition(":")[2]
        assert "no answer, or none with a video" in refusal(f"rtsp://me:secret@127.0.0.1:{port}/live")
    for scheme in ("rtsp", "http"):
        assert "Connection refused" in refusal(f"{scheme}://me:secret@127.0.0.1:{port}/live")
        assert "no host of that name" in refusal(f"{scheme}://me:secret@camera.invalid/live")


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_who_never_answers_is_not_waited_for_for_ever(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"{scheme}://me:secret@127.0.0.1:{silent.getsockname()[1]}/live"
        assert "no answer" in within_time(lambda: refusal(address, patience_s=0.3))


def test_nothing_is_printed_of_an_address(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    refusal("rtsp://me:secret@127.0.0.1:9/live")
    with (
        MjpegCamera().on() as address,
        closing(StreamSource(address.replace("//", "//me:secret@"))) as source,
    ):
        first(source, 2)
    assert capfd.readouterr() == ("", "")
