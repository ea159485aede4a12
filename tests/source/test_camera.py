"""A camera: the newest frame wins, the others are counted, and every way of ending ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import pytest

import mien.source.camera
from mien.errors import ConfigError, SourceError
from mien.source.camera import CameraSource
from patience import LIMIT_S
from source.clips import write_clip
from source.fake_camera import FakeCamera


def ticking(step_s: float = 0.1) -> Callable[[], float]:
    ticks = count()
    return lambda: 100 + step_s * next(ticks)


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_frames_come_in_rgb_with_their_time_from_the_first() -> None:
    camera = FakeCamera([10])
    with closing(CameraSource(3, capture=camera, clock=ticking())) as source:
        frames = source.frames()
        first = next(frames)
        camera.show(20)
        second = next(frames)
        camera.show(None)
    assert (first.image == (255, 0, 10)).all()
    assert (second.image == (255, 0, 20)).all()
    assert (first.index, first.time_s, first.source) == (0, 0.0, "camera:3")
    assert (second.index, second.time_s) == (1, pytest.approx(0.1))
    assert source.live
    assert source.report.size_wh == (64, 48)


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    camera = FakeCamera([1, 2, 3, 4, 5])
    with closing(CameraSource(capture=camera, clock=ticking())) as source:
        camera.wait_until_asked(6)
        frame = next(source.frames())
        report = source.report
        assert frame.index == 4
        assert frame.image[0, 0, 2] == 5
        assert (report.frames_read, report.frames_given, report.frames_dropped) == (5, 1, 4)
        assert report.duration_s == pytest.approx(0.4)
        assert report.frame_rate_hz == pytest.approx(10)
        camera.show(None)


def test_frames_that_nobody_wanted_are_not_dropped_ones() -> None:
    camera = FakeCamera([1, 2, 3, 4, 5, 6])
    with closing(CameraSource(capture=camera, clock=ticking(0.1), fps=2)) as source:
        camera.wait_until_asked(7)
        assert next(source.frames()).index == 5
        assert source.report.frames_dropped == 1
        camera.show(None)


def test_a_missing_camera_is_a_source_error() -> None:
    camera = FakeCamera(present=False)
    with pytest.raises(SourceError, match="camera:7: no such camera"):
        CameraSource(7, capture=camera)
    assert camera.released == 1


def test_opencv_is_quiet_about_a_missing_camera(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError, match="camera:4321"):
        CameraSource(4321)
    assert capfd.readouterr() == ("", "")


def test_a_few_misses_are_forgiven() -> None:
    camera = FakeCamera([None, None, 7])
    with closing(CameraSource(capture=camera)) as source:
        assert next(source.frames()).index == 0
        camera.show(None)


def test_an_unplugged_camera_gives_its_last_frame_and_then_an_error() -> None:
    source = CameraSource(capture=FakeCamera([9], endless=False))
    frames = source.frames()
    assert next(frames).image[0, 0, 2] == 9
    with pytest.raises(SourceError, match="camera:0: the camera stopped giving pictures"):
        next(frames)
    source.close()


def test_an_exception_in_the_thread_reaches_the_reader() -> None:
    camera = FakeCamera([RuntimeError("driver")])
    source = CameraSource(capture=camera)
    with pytest.raises(SourceError, match="stopped giving pictures") as caught:
        next(source.frames())
    assert isinstance(caught.value.__cause__, RuntimeError)
    source.close()
    assert camera.released == 1


def test_a_silent_camera_is_given_up() -> None:
    camera = FakeCamera()
    source = CameraSource(capture=camera, patience_s=0.02)
    with pytest.raises(SourceError, match="stopped giving pictures"):
        next(source.frames())
    camera.show(None)
    source.close()


def test_closing_waits_only_so_long_for_a_stuck_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mien.source.camera, "_JOIN_S", 0.02)
    camera = FakeCamera()
    source = CameraSource(capture=camera)
    source.close()
    assert camera.released == 0
    camera.show(None)
    source._thread.join(LIMIT_S)
    assert camera.released == 1


def test_closing_wakes_a_reader_that_waits() -> None:
    camera = FakeCamera()
    source = CameraSource(capture=camera)
    seen: list[object] = []
    reader = threading.Thread(target=lambda: seen.append(list(source.frames())))
    reader.start()
    camera.show(None)
    source.close()
    reader.join(LIMIT_S)
    assert seen == [[]]


def test_a_consumer_that_raises_leaves_no_thread() -> None:
    camera = FakeCamera([1, 2, 3])
    source = CameraSource(capture=camera)

    def read() -> None:
        with closing(source):
            for _ in source.frames():
                camera.show(4, None)
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read()
    assert camera.released == 1


def test_a_camera_has_a_path_too() -> None:
    camera = FakeCamera([1])
    with closing(CameraSource("/dev/video2", capture=camera)) as source:
        assert camera.device == "/dev/video2"
        assert next(source.frames()).source == "/dev/video2"
        camera.show(None)


@pytest.mark.parametrize("path", ["/dev/video4321", "/dev/v4l/by-id/gone", "/dev/null"])
def test_a_missing_path_is_a_source_error_and_opencv_quiet(
    path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SourceError, match=f"{path}: no such camera"):
        CameraSource(path)
    assert capfd.readouterr() == ("", "")


def test_a_video_file_or_an_address_is_no_camera(tmp_path: Path) -> None:
    for path in (str(write_clip(tmp_path / "clip.mp4", 3)), "rtsp://127.0.0.1:9/live"):
        with pytest.raises(SourceError, match="no such camera"):
            CameraSource(path)


def test_size_and_rate_are_asked_for() -> None:
    camera = FakeCamera()
    with closing(CameraSource(capture=camera, size_wh=(1280, 720), rate_hz=30)) as source:
        camera.show(None)
    assert source.report.note is None
    assert camera.properties == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 1280,
        cv2.CAP_PROP_FRAME_HEIGHT: 720,
        cv2.CAP_PROP_FPS: 30,
    }


def test_nothing_is_asked_for_unless_wished() -> None:
    camera = FakeCamera()
    with closing(CameraSource(capture=camera, size_wh=(320, 240))):
        camera.show(None)
    assert set(camera.properties) == {cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT}


def test_what_the_camera_gives_instead_is_said() -> None:
    camera = FakeCamera(limits={cv2.CAP_PROP_FRAME_WIDTH: 800, cv2.CAP_PROP_FPS: 15})
    with closing(CameraSource(capture=camera, size_wh=(1280, 720), rate_hz=30)) as source:
        camera.show(None)
    assert (
        source.report.note
        == "gives 800x720 instead of 1280x720 pixels; gives 15 instead of 30 frames a second"
    )


@pytest.mark.parametrize("limit_hz", [0, 29.97])
def test_a_rate_that_is_not_known_or_nearly_right_is_no_note(limit_hz: float) -> None:
    camera = FakeCamera(limits={cv2.CAP_PROP_FPS: limit_hz})
    with closing(CameraSource(capture=camera, rate_hz=30)) as source:
        camera.show(None)
    assert source.report.note is None


@pytest.mark.parametrize(
    "wish", [{"size_wh": (0, 480)}, {"size_wh": (640, -1)}, {"rate_hz": 0.0}, {"rate_hz": float("nan")}]
)
def test_impossible_wishes_are_refused_before_the_camera_is_touched(wish: dict[str, Any]) -> None:
    camera = FakeCamera()
    with pytest.raises(ConfigError, match=r"(size_wh|rate_hz): expected .*, received"):
        CameraSource(capture=camera, **wish)
    assert camera.device is None
