from __future__ import annotations

from threading import Event, Thread

import pytest

from live.station_fakes import LIMIT_S
from mien.live.hub import Hub, Mailbox
from mien.live.reading import Reading
from mien.types import Faces


def reading(source: str, frame: int = 0) -> Reading:
    return Reading(source, frame, frame / 10, 1e9, (4, 3), Faces.empty(), Faces.empty(), None, 1.0)


def taken(box: Mailbox) -> list[tuple[str, int]]:
    got = []
    while (each := box.take(0)) is not None:
        got.append((each.source, each.frame))
    return got


def test_the_newest_wins_and_the_rest_is_counted() -> None:
    hub = Hub()
    with hub.subscribe() as box:
        for frame in range(1000):
            hub.publish(reading("a", frame))
        assert box.dropped == 999
        assert taken(box) == [("a", 999)]


def test_the_source_that_waited_longest_comes_first() -> None:
    hub = Hub()
    with hub.subscribe() as box:
        for source, frame in [("a", 0), ("b", 0), ("a", 1), ("c", 0), ("b", 1)]:
            hub.publish(reading(source, frame))
        assert taken(box) == [("a", 1), ("b", 1), ("c", 0)]
        hub.publish(reading("b", 2))
        hub.publish(reading("a", 2))
        assert taken(box) == [("b", 2), ("a", 2)]


def test_a_mailbox_follows_what_it_was_asked_to() -> None:
    hub = Hub()
    with hub.subscribe(["b"]) as some, hub.subscribe() as everything:
        hub.publish(reading("a"))
        hub.publish(reading("b"))
        assert taken(some) == [("b", 0)]
        assert taken(everything) == [("a", 0), ("b", 0)]
        assert some.dropped == everything.dropped == 0


def test_a_slow_reader_does_not_slow_another() -> None:
    hub = Hub()
    with hub.subscribe() as slow, hub.subscribe() as quick:
        seen = []
        for frame in range(5):
            hub.publish(reading("a", frame))
            seen += taken(quick)
        assert [frame for _, frame in seen] == [0, 1, 2, 3, 4]
        assert (quick.dropped, slow.dropped) == (0, 4)


def test_taking_waits_until_something_comes() -> None:
    hub = Hub()
    got: list[Reading | None] = []
    with hub.subscribe() as box:
        thread = Thread(target=lambda: got.append(box.take(LIMIT_S)))
        thread.start()
        hub.publish(reading("a", 7))
        thread.join(LIMIT_S)
    assert got[0] is not None
    assert got[0].frame == 7


@pytest.mark.parametrize("close", ["box", "hub"])
def test_closing_lets_a_waiting_reader_go(close: str) -> None:
    hub = Hub()
    woken = Event()
    box = hub.subscribe(wake=woken.set)
    got: list[object] = []
    thread = Thread(target=lambda: got.append(box.take()))
    thread.start()
    {"box": box, "hub": hub}[close].close()
    thread.join(LIMIT_S)
    assert got == [None]
    assert box.closed
    assert woken.is_set()
    hub.publish(reading("a"))
    assert box.take(0) is None


def test_a_closed_hub_gives_closed_mailboxes() -> None:
    hub = Hub()
    hub.close()
    box = hub.subscribe()
    assert box.closed
    hub.publish(reading("a"))
    assert hub.latest() == {}


def test_who_waits_otherwise_is_woken_for_each_reading() -> None:
    hub = Hub()
    calls: list[int] = []
    with hub.subscribe(["a"], wake=lambda: calls.append(1)):
        hub.publish(reading("a"))
        hub.publish(reading("b"))
        hub.publish(reading("a"))
        assert len(calls) == 2


def test_a_reader_whose_loop_is_gone_is_closed_and_troubles_nobody() -> None:
    def gone() -> None:
        raise RuntimeError("Event loop is closed")

    hub = Hub()
    with hub.subscribe(wake=gone) as bad, hub.subscribe() as good:
        hub.publish(reading("a"))
        assert bad.closed
        assert taken(good) == [("a", 0)]


def test_the_latest_of_each_source_stays_until_it_is_forgotten() -> None:
    hub = Hub()
    for source, frame in [("a", 0), ("a", 1), ("b", 5)]:
        hub.publish(reading(source, frame))
    assert {name: each.frame for name, each in hub.latest().items()} == {"a": 1, "b": 5}
    hub.forget("a")
    hub.forget("a")
    assert set(hub.latest()) == {"b"}


def test_from_many_threads_each_reading_is_taken_or_counted() -> None:
    hub = Hub()
    with hub.subscribe() as box:
        publishers = [
            Thread(target=lambda name=name: [hub.publish(reading(name, frame)) for frame in range(300)])
            for name in "abcd"
        ]
        done = Event()
        got: list[tuple[str, int]] = []

        def read() -> None:
            while not done.is_set():
                if (each := box.take(0.05)) is not None:
                    got.append((each.source, each.frame))
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
