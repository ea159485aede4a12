"""What every source must do, whichever it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame

from mien.errors import ConfigError
from mien.source import Source, SourceReport, open_source
from mien.source.camera import CameraSource
from mien.source.paced import PacedSource
from mien.source.portrait import PortraitSource
from mien.source.pushed import PushedSource
from mien.source.stream import StreamSource
from patience import LIMIT_S
from source.clips import write_clip
from source.fake_camera import FakeCamera
from source.fake_network import FakeNetwork

Make = Callable[..., Source]


def camera(**choices: Any) -> CameraSource:
    """A camera that always has a next picture."""

    class Eager(FakeCamera):
        def read(self) -> tuple[bool, Any]:
            self.show(100)
            return super().read()

    return CameraSource(capture=Eager(), **choices)


def stream(**choices: Any) -> StreamSource:
    """A stream that always has a next picture."""

    class Eager(FakeNetwork):
        def frames(self) -> Iterator[VideoFrame]:
            for number in count():
                self.show(number / 25)
                yield next(super().frames())

    return StreamSource("rtsp://camera/live", connect=Eager(), **choices)


def paced(*, name: str | None = None, **choices: Any) -> PacedSource:
    """A file at its own speed, again and again, as the newest frame wins."""

    def portrait() -> PortraitSource:
        return PortraitSource(size_wh=(160, 90), duration_s=0.5, name=name, **choices)

    return PacedSource(portrait(), again=portrait)


def pushed(*, name: str = "browser-1", **choices: Any) -> PushedSource:
    """A source into which a thread of its own pushes all the time."""

    class Eager(PushedSource):
        def __init__(self) -> None:
            super().__init__(name, **choices)
            self._over = threading.Event()
            self._sender = threading.Thread(target=self._send)
            self._sender.start()

        def _send(self) -> None:
            for number in count():
                self.push(np.zeros((48, 64, 3), np.uint8), number / 25)
                if self._over.wait(0.001):
                    return

        def close(self) -> None:
            self._over.set()
            self._sender.join(LIMIT_S)
            super().close()

    return Eager()


@pytest.fixture(params=["photograph", "video", "portrait", "camera", "stream", "paced", "pushed"])
def make(request: pytest.FixtureRequest, tmp_path: Path, portrait_path: Path) -> Make:
    """How to make one of the sources."""
    if request.param == "photograph":
        return lambda **choices: open_source(portrait_path, **choices)
    if request.param == "video":
        clip = write_clip(tmp_path / "clip.mp4", 12)
        return lambda **choices: open_source(clip, **choices)
    if request.param == "portrait":
        return lambda **choices: PortraitSource(size_wh=(160, 90), duration_s=0.5, **choices)
    return {"camera": camera, "stream": stream, "paced": paced, "pushed": pushed}[request.param]


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def finishes(work: Callable[[], Any]) -> Any:
    """Do the work, and fail instead of waiting for ever."""
    result: list[Any] = []
    worker = threading.Thread(target=lambda: result.append(work()), daemon=True)
    worker.start()
    worker.join(LIMIT_S)
    assert not worker.is_alive(), "it hangs"
    assert result, "it raised"
    return result[0]


def test_it_says_what_it_is(make: Make) -> None:
    with closing(make()) as source:
        assert source.name
        assert source.live in (False, True)
        assert isinstance(source.report, SourceReport)


def test_frames_are_in_order_and_read_only(make: Make) -> None:
    with closing(make(name="P-017")) as source:
        frames = list(islice(source.frames(), 5))
    assert frames
    assert frames[0].time_s >= 0
    assert all(earlier.index < later.index for earlier, later in pairwise(frames))
    assert all(earlier.time_s <= later.time_s for earlier, later in pairwise(frames))
    for frame in frames:
        assert frame.source == "P-017"
        assert frame.image.dtype == np.uint8
        assert not frame.image.flags.writeable
        assert frame.image.flags.c_contiguous


def test_a_file_starts_at_zero(make: Make) -> None:
    with closing(make()) as source:
        first = next(iter(source.frames()))
        assert source.live or (first.index, first.time_s) == (0, 0.0)


def test_the_report_agrees_with_the_frames(make: Make) -> None:
    with closing(make()) as source:
        frames = list(islice(source.frames(), 5))
    report = source.report
    assert report.size_wh == frames[0].size_wh
    assert report.frames_given == len(frames)
    assert report.frames_read >= report.frames_given + report.frames_dropped
    assert source.live or report.frames_dropped == 0
    assert report.note is None


def test_each_frame_is_given_once(make: Make) -> None:
    with closing(make()) as source:
        first = list(islice(source.frames(), 2))
        more = list(islice(source.frames(), 2))
    indices = [frame.index for frame in first + more]
    assert indices == sorted(set(indices))


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_closing_ends_the_frames_and_may_be_done_twice(make: Make, taken: int) -> None:
    source = make()
    frames = source.frames()
    list(islice(frames, taken))
    source.close()
    assert finishes(lambda: list(frames)) == []
    source.close()
    assert finishes(lambda: list(source.frames())) == []


def test_closing_before_reading(make: Make) -> None:
    source = make()
    source.close()
    assert finishes(lambda: list(source.frames())) == []


def test_a_reader_that_raises_leaves_nothing_behind(make: Make) -> None:
    def read() -> str:
        try:
            with closing(make()) as source:
                for _ in source.frames():
                    raise ZeroDivisionError
        except ZeroDivisionError:
            return "raised"
        return "no frame"

    assert finishes(read) == "raised"


def test_a_reader_that_stops_early_leaves_nothing_behind(make: Make) -> None:
    def read() -> int:
        with closing(make()) as source:
            return next(iter(source.frames())).index

    assert finishes(read) >= 0


def test_every_nth_frame(make: Make) -> None:
    with closing(make(every=3)) as source:
        assert all(frame.index % 3 == 0 for frame in islice(source.frames(), 3))


@pytest.mark.parametrize("choice", [{"every": 0}, {"fps": -1.0}])
def test_impossible_choices_are_refused_at_the_door(make: Make, choice: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        make(**choice).close()
