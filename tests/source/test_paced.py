"""A file at its own speed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from mien.errors import SourceError
from mien.source import Source, open_source
from mien.source.base import SourceReport
from mien.source.paced import PacedSource
from mien.source.portrait import PortraitSource
from mien.types import Frame
from patience import LIMIT_S
from source.clips import write_clip
from source.fake_time import FakeTime


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


class Step:
    """A clock whose every wait ends when a test says so."""

    def __init__(self) -> None:
        self.fake = FakeTime()
        self._may, self._asked = threading.Semaphore(0), threading.Semaphore(0)

    def wait(self, event: Event, seconds: float) -> bool:
        self._asked.release()
        assert self._may.acquire(timeout=LIMIT_S)
        return self.fake.wait(event, seconds)

    def go(self) -> None:
        assert self._asked.acquire(timeout=LIMIT_S)
        self._may.release()


def portrait(**choices: float) -> PortraitSource:
    return PortraitSource(size_wh=(64, 36), frame_rate_hz=10.0, **choices)  # type: ignore[arg-type]


def test_each_frame_waits_for_its_time() -> None:
    fake = FakeTime()
    with closing(PacedSource(portrait(duration_s=0.5), clock=fake.clock, wait=fake.wait)) as source:
        source._newest._thread.join(LIMIT_S)  # type: ignore[union-attr]
        assert fake.waited_s == pytest.approx([0, 0.1, 0.1, 0.1, 0.1])
        last = list(source.frames())
    assert [(frame.index, frame.time_s, frame.source) for frame in last] == [
        (4, pytest.approx(0.4), "portrait")
    ]
    report = source.report
    assert source.live
    assert (report.frames_read, report.frames_given, report.frames_dropped) == (5, 1, 4)
    assert report.size_wh == (64, 36)


def test_a_reader_in_time_sees_all_frames_and_the_end() -> None:
    step = Step()
    with closing(PacedSource(portrait(duration_s=0.3), clock=step.fake.clock, wait=step.wait)) as source:
        frames, indices = source.frames(), []
        for _ in range(3):
            step.go()
            indices.append(next(frames).index)
        assert list(frames) == []
    assert indices == [0, 1, 2]
    assert source.report.frames_dropped == 0


def test_it_begins_again_and_time_goes_on(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 3)
    step = Step()
    source = PacedSource(
        open_source(clip), again=lambda: open_source(clip), clock=step.fake.clock, wait=step.wait
    )
    with closing(source):
        frames, seen = source.frames(), []
        for _ in range(7):
            step.go()
            frame = next(frames)
            seen.append((frame.index, frame.time_s))
        step.go()  # the thread that reads ahead is let go
        source._newest.closed.set()
        step._may.release(2)
    assert seen == [(index, pytest.approx(index * 0.04)) for index in range(7)]


def test_skipped_frames_keep_their_numbers(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 6)
    step = Step()
    with closing(PacedSource(open_source(clip, every=2), clock=step.fake.clock, wait=step.wait)) as source:
        frames, indices = source.frames(), []
        for _ in range(3):
            step.go()
            indices.append(next(frames).index)
        assert list(frames) == []
    assert indices == [0, 2, 4]


def test_a_file_that_breaks_off_tells_the_reader_and_is_closed() -> None:
    class Broken:
        name, live, report = "broken.mp4", False, SourceReport()
        closed = 0

        def frames(self) -> Iterator[Frame]:
            raise SourceError("broken.mp4: nothing left to read; copy it again")

        def close(self) -> None:
            self.closed += 1

    broken: Source = Broken()
    with closing(PacedSource(broken)) as source, pytest.raises(SourceError, match="nothing left to read"):
        next(source.frames())
    assert broken.closed == 1  # type: ignore[attr-defined]


def test_closing_ends_the_wait_for_a_frame_at_once() -> None:
    waiting = Event()

    def wait(event: Event, seconds: float) -> bool:
        if seconds:
            waiting.set()
        return event.wait(seconds)

    source = PacedSource(PortraitSource(size_wh=(64, 36), frame_rate_hz=0.01, duration_s=300), wait=wait)
    assert waiting.wait(LIMIT_S)
    source.close()
    assert list(source.frames()) == []
