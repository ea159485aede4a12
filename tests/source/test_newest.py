"""The one place for the newest picture."""

from __future__ import annotations

from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.source.base import Chooser, SourceReport
from mien.source.newest import Newest
from patience import LIMIT_S

SIZE_WH = (64, 48)


def newest(**choices: float) -> tuple[Newest[str], SourceReport]:
    report = SourceReport()
    return Newest(report, Chooser(**choices)), report  # type: ignore[arg-type]


def test_the_newest_wins_and_what_made_room_is_told() -> None:
    box, report = newest()
    assert box.offer("a", 0.0, SIZE_WH) == (0, None)
    assert box.offer("b", 0.1, SIZE_WH) == (1, 0)
    taken = box.take()
    assert taken is not None
    assert (taken.picture, taken.index, taken.time_s) == ("b", 1, 0.1)
    assert box.offer("c", 0.2, SIZE_WH) == (2, None)
    assert (report.frames_read, report.frames_given, report.frames_dropped) == (3, 1, 1)
    assert (report.size_wh, report.duration_s) == (SIZE_WH, 0.2)
    assert report.frame_rate_hz == pytest.approx(10)


def test_what_is_not_wanted_makes_no_room() -> None:
    box, report = newest(every=2)
    box.offer("a", 0.0, SIZE_WH)
    assert box.offer("b", 0.1, SIZE_WH) == (1, 1)
    taken = box.take()
    assert taken is not None
    assert taken.picture == "a"
    assert report.frames_dropped == 0


@given(st.lists(st.booleans(), max_size=60))
def test_each_picture_is_given_or_dropped_or_still_there(takes: list[bool]) -> None:
    box, report = newest()
    given_, lost = [], []
    for number, take in enumerate(takes):
        lost.append(box.offer(str(number), number / 10, SIZE_WH)[1])
        if take and (taken := box.take()) is not None:
            given_.append(taken.index)
    lost.append(box.close())
    told = [index for index in lost if index is not None]
    assert sorted(given_ + told) == list(range(len(takes)))
    assert (report.frames_given, report.frames_dropped) == (len(given_), len(told))


def test_after_closing_nothing_goes_in_or_out() -> None:
    box, report = newest()
    box.offer("a", 0.0, SIZE_WH)
    assert box.close() == 0
    assert box.close() is None
    assert box.offer("b", 0.1, SIZE_WH) == (1, 1)
    assert box.take() is None
    assert report.frames_given == 0


def test_patience_ends() -> None:
    box, _ = newest()
    assert box.take(0.01) is None
    assert not box.closed.is_set()


def test_the_last_picture_is_still_given_when_feeding_has_ended() -> None:
    box, _ = newest()
    box.feed(lambda: box.offer("last", 0.0, SIZE_WH), "feeder").join(LIMIT_S)
    taken = box.take()
    assert taken is not None
    assert taken.picture == "last"
    assert box.take() is None


def test_what_feeding_raises_is_kept_and_wakes_the_reader() -> None:
    box, _ = newest()
    box.feed(lambda: 1 // 0, "feeder")  # type: ignore[arg-type,return-value]
    assert box.take(LIMIT_S) is None
    assert isinstance(box.failure, ZeroDivisionError)


def test_closing_stops_the_thread_that_waits_for_it() -> None:
    box, _ = newest()
    thread = box.feed(lambda: box.closed.wait(LIMIT_S), "feeder")  # type: ignore[arg-type,return-value]
    box.close(join_s=LIMIT_S)
    assert not thread.is_alive()


def test_a_stuck_thread_is_left_behind_after_a_while() -> None:
    box, _ = newest()
    over = Event()
    thread = box.feed(lambda: over.wait(LIMIT_S), "feeder")  # type: ignore[arg-type,return-value]
    box.close(join_s=0.01)
    assert thread.is_alive()
    over.set()
    thread.join(LIMIT_S)


def test_the_feeding_thread_itself_may_close() -> None:
    box, _ = newest()
    box.feed(lambda: box.close(), "feeder").join(LIMIT_S)  # type: ignore[arg-type,return-value]
    assert box.failure is None
