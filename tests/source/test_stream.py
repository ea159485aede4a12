"""A stream: lost connections are made again after growing pauses, and its time never runs backwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mien.source.stream
from mien.errors import SourceError
from mien.source.stream import StreamSource
from mien.source.times import Times
from patience import LIMIT_S
from source.fake_network import END, FakeNetwork, lost
from source.fake_time import FakeTime

ADDRESS = "rtsp://viewer:secret@camera/live"


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def stream(network: FakeNetwork, fake: FakeTime | None = None, **choices: Any) -> StreamSource:
    fake = fake or FakeTime()
    return StreamSource(ADDRESS, **{"connect": network, "clock": fake.clock, "wait": fake.wait, **choices})


def taking(source: StreamSource, network: FakeNetwork) -> Callable[..., Any]:
    """Show things until there is a frame, and take it."""
    frames = source.frames()

    def take(*script: Any) -> Any:
        network.show(*script)
        return next(frames)

    return take


def test_frames_come_with_the_stream_s_own_time() -> None:
    network = FakeNetwork()
    with closing(stream(network)) as source:
        take = taking(source, network)
        seen = [take(7.0), take(7.04), take(7.5)]
        network.show(END)
    assert [frame.time_s for frame in seen] == pytest.approx([0, 0.04, 0.5])
    assert [frame.index for frame in seen] == [0, 1, 2]
    assert [int(frame.image[0, 0, 0]) for frame in seen] == [1, 2, 3]
    assert source.live
    assert source.name == seen[0].source == "rtsp://***@camera/live"
    assert source.report.size_wh == (64, 48)
    assert (source.report.away_s, source.report.note) == (None, None)


def test_squeezed_pictures_get_square_pixels() -> None:
    network = FakeNetwork(pixel_shape=Fraction(2))
    with closing(stream(network)) as source:
        frame = taking(source, network)(0.0)
        network.show(END)
    assert frame.size_wh == source.report.size_wh == (128, 48)


def test_pauses_grow_and_begin_anew_after_a_frame() -> None:
    fake, network = FakeTime(), FakeNetwork([0, 8, 1])
    with closing(stream(network, fake)) as source:
        take = taking(source, network)
        take(0.0)
        take(lost(), 50.0)
        assert fake.waited_s == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        take(lost(), 60.0)
        assert fake.waited_s[9:] == [0.5, 1]
        network.show(END)
    assert network.made == 3
    assert source.report.note == "connected again: 2"


def test_a_connection_that_gives_no_frame_does_not_shorten_the_pauses() -> None:
    fake, network = FakeTime(), FakeNetwork()
    with closing(stream(network, fake)) as source:
        take = taking(source, network)
        take(0.0)
        take(lost(), lost(), lost(), lost(), 1.0)
        assert fake.waited_s == [0.5, 1, 2, 4]
        assert source.report.note == "connected again: 1"
        network.show(END)


def test_time_goes_on_by_the_clock_while_the_stream_is_away() -> None:
    fake, network = FakeTime(), FakeNetwork([0, 2])
    with closing(stream(network, fake)) as source:
        take = taking(source, network)
        first = take(1000.0)
        fake.now_s += 2
        second = take(1002.0)
        fake.now_s += 1  # silence until it is noticed
        back = take(lost(), 3.0)
        fake.now_s += 0.5
        last = take(3.5)
        network.show(END)
    times_s = [frame.time_s for frame in (first, second, back, last)]
    assert times_s == pytest.approx([0, 2, 2 + 1 + 3.5, 2 + 1 + 3.5 + 0.5])
    assert [frame.index for frame in (first, second, back, last)] == [0, 1, 2, 3]


def test_it_tells_how_long_it_has_been_away_and_why() -> None:
    fake, seen = FakeTime(), []
    sources: list[StreamSource] = []
    tell = lambda: seen.extend((each.report.away_s, each.report.note) for each in sources)  # noqa: E731
    network = FakeNetwork([0, 3], on_attempt=tell)
    with closing(stream(network, fake)) as source:
        sources.append(source)
        take = taking(source, network)
        take(0.0)
        fake.now_s += 5
        take(lost(), 1.0)
        assert source.report.away_s is None
        network.show(END)
    refused = "Connection refused; check the address"
    assert seen == [
        (5.5, "the other side closed the connection"), (6.5, refused), (8.5, refused), (12.5, refused),
    ]  # fmt: skip


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    network = FakeNetwork()
    with closing(stream(network)) as source:
        network.show(0.0, 0.1, 0.2, END)
        source._thread.join(LIMIT_S)
        assert [frame.index for frame in source.frames()] == [2]
        assert source.report.frames_dropped == 2


def test_a_stream_without_times_goes_by_the_clock() -> None:
    fake, network = FakeTime(), FakeNetwork(has_times=False)
    with closing(stream(network, fake)) as source:
        take = taking(source, network)
        take(0.0)
        fake.now_s += 0.3
        assert take(0.04).time_s == pytest.approx(0.3)
        network.show(END)


def test_a_stream_that_hurries_is_held_back_to_its_own_speed() -> None:
    fake, network = FakeTime(), FakeNetwork(hurries=True)
    network.show(5.0, 5.25, 5.5, 6.5, END)
    with closing(stream(network, fake)) as source:
        source._thread.join(LIMIT_S)
        assert fake.waited_s == pytest.approx([0.25, 0.25, 1.0])
        assert next(source.frames()).time_s == pytest.approx(1.5)
        assert source.report.frames_read == 4


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 20), st.one_of(st.none(), st.floats(-1e6, 1e6)), st.booleans()), min_size=1
    )
)
def test_time_never_runs_backwards_and_never_strays_from_the_clock(
    steps: list[tuple[float, float | None, bool]],
) -> None:
    fake = FakeTime()
    times, last_s, start_s = Times(fake.clock), 0.0, None
    for gap_s, stream_s, connects in steps:
        fake.now_s += gap_s
        start_s = fake.now_s if start_s is None else start_s
        if connects:
            times.connect()
        time_s = times.tell(stream_s)
        assert time_s >= last_s
        assert abs(time_s - (fake.now_s - start_s)) <= 5.001
        last_s = time_s


def test_closing_ends_a_pause_at_once() -> None:
    pausing = Event()

    def wait(event: Event, seconds: float) -> bool:
        pausing.set()
        return event.wait(seconds)

    network = FakeNetwork()
    source = stream(network, wait=wait, pauses_s=(600.0,))
    network.show(lost())
    assert pausing.wait(LIMIT_S)
    source.close()
    source.close()
    assert list(source.frames()) == []
    assert network.closed == 1


def test_closing_wakes_a_reader_that_waits() -> None:
    network = FakeNetwork()
    source = stream(network)
    seen: list[object] = []
    reader = threading.Thread(target=lambda: seen.append(list(source.frames())))
    reader.start()
    network.show(END)
    source.close()
    reader.join(LIMIT_S)
    assert seen == [[]]


def test_closing_waits_only_so_long_for_a_stuck_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mien.source.stream, "_JOIN_S", 0.02)
    network = FakeNetwork()
    source = stream(network)
    source.close()
    assert network.closed == 0
    network.show(0.0)
    source._thread.join(LIMIT_S)
    assert network.closed == 1


def test_nobody_there_at_first_is_an_error_at_the_door() -> None:
    with pytest.raises(SourceError, match="Connection refused"):
        stream(FakeNetwork([1]))


def test_what_nobody_foresaw_reaches_the_reader() -> None:
    network = FakeNetwork()
    with closing(stream(network)) as source:
        network.show(ZeroDivisionError())
        with pytest.raises(
            SourceError, match=r"rtsp://\*\*\*@camera/live: reading was interrupted"
        ) as caught:
            next(source.frames())
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert network.closed == 1
