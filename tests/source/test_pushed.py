"""Frames that somebody else pushes in."""

from __future__ import annotations

import threading
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import SourceError
from mien.source.pushed import PushedSource
from patience import LIMIT_S


def picture(grey: int = 0) -> NDArray[np.uint8]:
    return np.full((48, 64, 3), grey, np.uint8)


def test_the_newest_frame_wins_and_the_sender_learns_which_did_not() -> None:
    dropped: list[int] = []
    with closing(PushedSource("browser-1", dropped=dropped.append)) as source:
        assert [source.push(picture(grey), grey / 10) for grey in range(3)] == [0, 1, 2]
        assert dropped == [0, 1]
        frames = source.frames()
        frame = next(frames)
        assert (frame.index, frame.source, int(frame.image[0, 0, 0])) == (2, "browser-1", 2)
        source.push(picture(), 0.5)
    assert dropped == [0, 1, 3]
    assert source.push(picture(), 0.6) == 4
    assert dropped == [0, 1, 3, 4]
    assert list(frames) == []
    report = source.report
    assert (report.frames_read, report.frames_given, report.frames_dropped) == (5, 1, 3)


def test_frames_that_are_not_wanted_are_told_but_not_counted_as_dropped() -> None:
    dropped: list[int] = []
    with closing(PushedSource("browser-1", fps=10, dropped=dropped.append)) as source:
        for number in range(4):
            source.push(picture(), number * 0.05)
            next(source.frames()) if number % 2 == 0 else None
        assert dropped == [1, 3]
        assert source.report.frames_dropped == 0


def test_time_is_the_sender_s_and_never_runs_backwards() -> None:
    with closing(PushedSource("browser-1")) as source:
        times_s = []
        for captured_s in (1e9, 1e9 + 0.25, 1e9 - 7, 1e9 + 0.5):
            source.push(picture(), captured_s)
            times_s.append(next(source.frames()).time_s)
    assert times_s == [0, 0.25, 0.25, 0.5]


def test_a_reader_waits_for_the_next_frame() -> None:
    source = PushedSource("browser-1")
    seen: list[Any] = []
    came = threading.Event()

    def read() -> None:
        for frame in source.frames():
            seen.append(frame.index)
            came.set()

    reader = threading.Thread(target=read)
    reader.start()
    source.push(picture(), 0.0)
    assert came.wait(LIMIT_S)
    source.close()
    source.close()
    reader.join(LIMIT_S)
    assert seen == [0]


def test_many_may_push_at_once() -> None:
    source = PushedSource("browser-1")
    indices: list[int] = []
    pushers = [
        threading.Thread(target=lambda: indices.extend(source.push(picture(), 0.0) for _ in range(50)))
        for _ in range(4)
    ]
    for pusher in pushers:
        pusher.start()
    for pusher in pushers:
        pusher.join(LIMIT_S)
    source.close()
    assert sorted(indices) == list(range(200))
    assert source.report.frames_dropped == 200


@pytest.mark.parametrize("captured_s", [float("nan"), float("inf"), -1e300])
def test_a_time_that_is_none_is_refused(captured_s: float) -> None:
    with (
        closing(PushedSource("browser-1")) as source,
        pytest.raises(SourceError, match="expected a time in seconds, received"),
    ):
        source.push(picture(), captured_s)


@pytest.mark.parametrize(
    "image", [np.zeros((48, 64), np.uint8), np.zeros((0, 64, 3), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_what_is_no_picture_is_refused(image: NDArray[Any]) -> None:
    with (
        closing(PushedSource("browser-1")) as source,
        pytest.raises(ValueError, match="expected a uint8 image"),
    ):
        source.push(image, 0.0)
    assert source.report.frames_read == 0


def test_a_mirrored_view_is_pushed_as_it_looks_and_the_sender_s_array_stays_writeable() -> None:
    image = picture()
    image[:, :32] = 200
    with closing(PushedSource("browser-1")) as source:
        source.push(image[:, ::-1], 0.0)
        frame = next(source.frames())
        source.push(image, 1.0)
        assert (next(source.frames()).image == image).all()
    assert (frame.image == image[:, ::-1]).all()
    assert image.flags.writeable
