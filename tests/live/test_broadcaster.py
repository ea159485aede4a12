from __future__ import annotations

from threading import Event, Thread

import numpy as np
import pytest

from live.session_fakes import LIMIT_S
from mien.live.broadcaster import Broadcaster, Mailbox
from mien.live.reading import Reading
from mien.types import Faces, Frame

IMAGE = np.zeros((3, 4, 3), np.uint8)


def reading(source: str, frame: int = 0) -> Reading:
    return Reading(Frame(IMAGE, frame, frame / 10, source), Faces.empty(), Faces.empty(), 1e9, 1.0)


def taken(box: Mailbox) -> list[tuple[str, int]]:
    got = []
    while (each := box.take(0)) is not None:
        got.append((each.source, each.frame.index))
    return got


def test_the_newest_wins_and_the_rest_is_counted() -> None:
    broadcaster = Broadcaster()
    with broadcaster.subscribe() as box:
        for frame in range(1000):
            broadcaster.publish(reading("a", frame))
        assert box.dropped == 999
        assert taken(box) == [("a", 999)]


def test_the_source_that_waited_longest_comes_first() -> None:
    broadcaster = Broadcaster()
    with broadcaster.subscribe() as box:
        for source, frame in [("a", 0), ("b", 0), ("a", 1), ("c", 0), ("b", 1)]:
            broadcaster.publish(reading(source, frame))
        assert taken(box) == [("a", 1), ("b", 1), ("c", 0)]
        broadcaster.publish(reading("b", 2))
        broadcaster.publish(reading("a", 2))
        assert taken(box) == [("b", 2), ("a", 2)]


def test_a_mailbox_follows_what_it_was_asked_to() -> None:
    broadcaster = Broadcaster()
    with broadcaster.subscribe(["b"]) as some, broadcaster.subscribe() as everything:
        broadcaster.publish(reading("a"))
        broadcaster.publish(reading("b"))
        assert taken(some) == [("b", 0)]
        assert taken(everything) == [("a", 0), ("b", 0)]
        assert some.dropped == everything.dropped == 0


def test_a_slow_reader_does_not_slow_another() -> None:
    broadcaster = Broadcaster()
    with broadcaster.subscribe() as slow, broadcaster.subscribe() as quick:
        seen = []
        for frame in range(5):
            broadcaster.publish(reading("a", frame))
            seen += taken(quick)
        assert [frame for _, frame in seen] == [0, 1, 2, 3, 4]
        assert (quick.dropped, slow.dropped) == (0, 4)


def test_taking_waits_until_something_comes() -> None:
    broadcaster = Broadcaster()
    got: list[Reading | None] = []
    with broadcaster.subscribe() as box:
        thread = Thread(target=lambda: got.append(box.take(LIMIT_S)))
        thread.start()
        broadcaster.publish(reading("a", 7))
        thread.join(LIMIT_S)
    assert got[0] is not None
    assert got[0].frame.index == 7


@pytest.mark.parametrize("close", ["box", "broadcaster"])
def test_closing_lets_a_waiting_reader_go(close: str) -> None:
    broadcaster = Broadcaster()
    woken = Event()
    box = broadcaster.subscribe(wake=woken.set)
    got: list[object] = []
    thread = Thread(target=lambda: got.append(box.take()))
    thread.start()
    {"box": box, "broadcaster": broadcaster}[close].close()
    thread.join(LIMIT_S)
    assert got == [None]
    assert box.closed
    assert woken.is_set()
    broadcaster.publish(reading("a"))
    assert box.take(0) is None


def test_a_closed_hub_gives_closed_mailboxes() -> None:
    broadcaster = Broadcaster()
    broadcaster.close()
    box = broadcaster.subscribe()
    assert box.closed
    broadcaster.publish(reading("a"))
    assert broadcaster.latest() == {}


def test_who_waits_otherwise_is_woken_for_each_reading() -> None:
    broadcaster = Broadcaster()
    calls: list[int] = []
    with broadcaster.subscribe(["a"], wake=lambda: calls.append(1)):
        broadcaster.publish(reading("a"))
        broadcaster.publish(reading("b"))
        broadcaster.publish(reading("a"))
        assert len(calls) == 2


def test_a_reader_whose_loop_is_gone_is_closed_and_troubles_nobody() -> None:
    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    broadcaster = Broadcaster()
    with broadcaster.subscribe(wake=gone) as bad, broadcaster.subscribe() as good:
        broadcaster.publish(reading("a"))
        assert bad.closed
        assert taken(good) == [("a", 0)]


def test_the_latest_of_each_source_stays_until_it_is_forgotten() -> None:
    broadcaster = Broadcaster()
    for source, frame in [("a", 0), ("a", 1), ("b", 5)]:
        broadcaster.publish(reading(source, frame))
    assert {name: each.frame.index for name, each in broadcaster.latest().items()} == {"a": 1, "b": 5}
    broadcaster.forget("a")
    broadcaster.forget("a")
    assert set(broadcaster.latest()) == {"b"}


def test_from_many_threads_each_reading_is_taken_or_counted() -> None:
    broadcaster = Broadcaster()
    with broadcaster.subscribe() as box:
        publishers = [
            Thread(
                target=lambda name=name: [broadcaster.publish(reading(name, frame)) for frame in range(300)]
            )
            for name in "abcd"
        ]
        done = Event()
        got: list[tuple[str, int]] = []

        def read() -> None:
            while not done.is_set():
                if (each := box.take(0.05)) is not None:
                    got.append((each.source, each.frame.index))
            got.extend(taken(box))

        reader = Thread(target=read)
        reader.start()
        for thread in publishers:
            thread.start()
        for thread in publishers:
            thread.join(LIMIT_S)
        done.set()
        reader.join(LIMIT_S)
        assert len(got) + box.dropped == 1200
        for name in "abcd":
            frames = [frame for source, frame in got if source == name]
            assert frames == sorted(set(frames))
            assert frames[-1] == 299
