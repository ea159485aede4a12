from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from live.session_fakes import (
    LIMIT_S,
    Clock,
    FakeSource,
    LightDetector,
    Opener,
    grey,
    live_threads,
    make_session,
    wait_for_end,
)
from mien.config import Settings
from mien.errors import ConfigError, ModelError, SourceError
from mien.live.broadcaster import Mailbox
from mien.live.reading import Reading
from mien.live.session import LiveSession
from mien.live.status import SourceStatus
from mien.mood.smoothing import HalfLife
from mien.pipeline import Pipeline
from mien.source.pushed import PushedSource


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(tiny_network: Path, clock: Clock) -> Iterator[LiveSession]:
    with make_session(tiny_network, clock=clock) as session:
        yield session
    for thread in live_threads():
        thread.join(LIMIT_S)
    assert live_threads() == []


def only(session: LiveSession) -> SourceStatus:
    (status,) = session.statuses()
    return status


def take(box: Mailbox) -> Reading:
    reading = box.take(LIMIT_S)
    assert reading is not None
    return reading


def test_readings_come_with_all_that_belongs_to_them(session: LiveSession, clock: Clock) -> None:
    source = FakeSource()
    with session.broadcaster.subscribe() as box:
        session.add("cam", Opener(source), where="camera:0")
        source.give(0.0)
        reading = take(box)
    assert (reading.source, reading.frame.index, reading.frame.time_s) == ("cam", 0, 0.0)
    assert (reading.frame.image == grey(200)).all()
    assert len(reading.faces) == len(reading.shown) == 1
    assert reading.faces.track.tolist() == [0]
    assert reading.took_ms == 0.0
    assert reading.at_s == pytest.approx(time.time(), abs=LIMIT_S)
    assert session.broadcaster.latest() == {"cam": reading}
    assert session.history.csv("cam").count("\n") == 2


def test_what_is_read_is_what_the_pipeline_reads_and_what_is_shown_is_smoothed(
    session: LiveSession, tiny_network: Path
) -> None:
    lights = [10, 250, 130, 0, 40]
    source, plain = FakeSource(), FakeSource()
    got = []
    with session.broadcaster.subscribe() as box:
        session.add("cam", Opener(source))
        for index, light in enumerate(lights):
            source.give(index / 10, light=light)
            plain.give(index / 10, light=light)
            got.append(take(box))
    settings = Settings(network=str(tiny_network))
    smoothing = HalfLife(settings.smooth_half_life_s)
    with Pipeline(settings, detector=LightDetector()) as pipeline:
        for reading, (frame, faces) in zip(got, pipeline.stream(plain.end()), strict=True):
            assert reading.frame.time_s == frame.time_s
            np.testing.assert_array_equal(reading.faces.probabilities, faces.probabilities)
            smooth = smoothing.smooth(faces, frame.time_s)
            np.testing.assert_array_equal(reading.shown.probabilities, smooth.probabilities)


def test_the_status_from_opening_to_the_end(session: LiveSession, clock: Clock) -> None:
    source = FakeSource()
    with session.broadcaster.subscribe() as box:
        session.add("film", Opener(source), where="film.mp4", restart=False)
        assert only(session).state == "opening"
        source.give(0.0)
        take(box)
        clock.now_s += 2
        source.give(0.1, light=0)
        take(box)
        status = only(session)
        assert (status.name, status.where, status.state, status.note) == ("film", "film.mp4", "running", None)
        assert (status.frames_read, status.running_s, status.restarts) == (2, 2.0, 0)
        source.end()
        wait_for_end("film")
        clock.now_s += 100
        status = only(session)
        assert (status.state, status.frames_analysed, status.running_s) == ("ended", 2, 2.0)
        assert status.coverage == pytest.approx(0.5)
        assert status.latency_ms is None
    assert source.closed.is_set()


def test_a_stall_is_noticed_and_mended(session: LiveSession, clock: Clock) -> None:
    stalls, works = FakeSource(stuck=True), FakeSource()
    opener = Opener(stalls, works)
    with session.broadcaster.subscribe() as box:
        session.add("cam", opener)
        stalls.give(0.0, 0.1)
        while take(box).frame.index < 1:
            pass
        clock.now_s += 4.9
        session.watch()
        assert only(session).state == "running"
        clock.now_s += 0.2
        session.watch()
        assert (only(session).state, only(session).note) == ("stalled", "no frame for 5 s")
        assert stalls.closed.wait(LIMIT_S)
        clock.now_s += 0.4
        session.watch()
        assert opener.opened == 1
        clock.now_s += 0.2
        session.watch()
        works.give(0.0)
        reading = take(box)
        assert (only(session).state, only(session).restarts) == ("running", 1)
        # Numbers, tracks and times go on where they were; 5.7 s have gone since the first frame.
        assert reading.frame.index == 2
        assert reading.faces.track.tolist() == [1]
        assert reading.frame.time_s == pytest.approx(5.7)
        assert only(session).frames_read == 3
        stalls.give(0.2)
        stalls.let_go()
        for thread in live_threads()[:-1]:
            thread.join(LIMIT_S)
        assert box.take(0) is None


def test_a_fault_waits_longer_each_time_and_a_minute_of_good_running_forgets_them(
    session: LiveSession, clock: Clock
) -> None:
    works = FakeSource()
    opener = Opener(*[SourceError("cam: no such camera")] * 8, works, FakeSource())
    with session.broadcaster.subscribe() as box:
        session.add("cam", opener)
        for pause_s in (0.5, 1, 2, 4, 8, 16, 30, 30):
            wait_for_end("cam")
            assert (only(session).state, only(session).note) == ("waiting", "cam: no such camera")
            session.watch()
            opened = opener.opened
            clock.now_s += pause_s - 0.01
            session.watch()
            assert opener.opened == opened
            clock.now_s += 0.02
            session.watch()
        works.give(0.0)
        take(box)
        clock.now_s += 61
        works.give(61.0)
        take(box)
        works.fail(OSError("gone"))
        wait_for_end("cam")
        assert only(session).note == "OSError: gone"
        session.watch()
        clock.now_s += 0.6
        session.watch()
        assert only(session).restarts == 9


def test_a_connection_that_is_away_is_left_to_its_source(session: LiveSession, clock: Clock) -> None:
    source = FakeSource()
    with session.broadcaster.subscribe() as box:
        session.add("cam", Opener(source))
        source.give(0.0)
        take(box)
        source.report.away_s, source.report.note = 100.0, "connection refused"
        clock.now_s += 100
        session.watch()
        status = only(session)
        assert (status.state, status.away_s, status.note) == ("away", 100.0, "connection refused")
        # Back again, it has time for its first frame.
        source.report.away_s = None
        clock.now_s += 4.9
        session.watch()
        assert (only(session).state, only(session).away_s) == ("running", None)


def test_a_source_that_is_not_started_again(session: LiveSession, clock: Clock) -> None:
    source = FakeSource()
    with session.broadcaster.subscribe() as box:
        session.add("browser", Opener(source), restart=False)
        source.give(0.0)
        take(box)
        clock.now_s += 60
        session.watch()
        assert only(session).state == "stalled"
        source.give(60.0)
        take(box)
        assert only(session).state == "running"
        source.fail(SourceError("browser: broken picture"))
        wait_for_end("browser")
        session.watch()
        assert (only(session).state, only(session).note) == ("failed", "browser: broken picture")


@pytest.mark.parametrize("error", [ConfigError("size: too large"), ModelError("yunet is missing")])
def test_what_no_new_start_can_mend_fails_at_once(session: LiveSession, error: Exception) -> None:
    session.add("cam", Opener(error))
    wait_for_end("cam")
    session.watch()
    assert (only(session).state, only(session).note) == ("failed", str(error))


def test_one_sources_fault_leaves_the_others_alone(session: LiveSession, clock: Clock) -> None:
    good, stuck = FakeSource(), FakeSource(stuck=True)
    with session.broadcaster.subscribe(["good"]) as box:
        session.add("broken", Opener(RuntimeError("driver")))
        session.add("stuck", Opener(stuck))
        session.add("good", Opener(good))
        wait_for_end("broken")
        for frame in range(5):
            good.give(frame / 10)
            assert take(box).frame.index == frame
            clock.now_s += 2
            session.watch()
        states = {status.name: status.state for status in session.statuses()}
        assert states["good"] == "running"
        assert states["broken"] != "running"
    stuck.let_go()


def test_a_driver_that_never_lets_go_gets_only_so_many_threads(session: LiveSession, clock: Clock) -> None:
    sources = [FakeSource(stuck=True) for _ in range(5)]
    opener = Opener(*sources)
    with session.broadcaster.subscribe() as box:
        session.add("cam", opener)
        for round_ in range(10):
            if round_ < 3:
                sources[round_].give(0.0)
                take(box)
            for _ in ("stalls", "starts"):
                clock.now_s += 31
                session.watch()
    assert opener.opened == 3
    assert only(session).state == "stalled"
    for source in sources:
        source.let_go()


@pytest.mark.exhaustive
def test_a_flood_takes_no_memory_and_what_is_not_read_is_counted(tiny_network: Path) -> None:
    pushed = 3000
    source = PushedSource("browser")
    picture = np.full((120, 160, 3), 90, np.uint8)
    with make_session(tiny_network) as session, session.broadcaster.subscribe() as box:
        session.add("browser", lambda: source, restart=False)
        source.push(picture, 0.0)
        take(box)
        tracemalloc.start()
        try:
            for number in range(1, pushed):
                source.push(picture.copy(), number / 1000)
            last = take(box)
            while last.frame.time_s < (pushed - 1) / 1000:
                last = take(box)
            gc.collect()
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        source.close()
        wait_for_end("browser")
        status = only(session)
    assert status.frames_read == pushed
    assert status.frames_analysed + status.frames_dropped == pushed
    # 3000 pictures of 58 kB would be 173 MB.
    assert peak < 8e6
    assert kept < 4e6


@pytest.mark.parametrize("what", ["running", "opening", "paused", "stuck"])
def test_within_a_second_every_thread_is_gone(tiny_network: Path, clock: Clock, what: str) -> None:
    source = FakeSource(stuck=what == "stuck")
    session = LiveSession(
        Settings(), network=make_session(tiny_network)._network, detector=LightDetector, patience_s=60,
        watch_every_s=0.01,
    )  # fmt: skip
    box = session.broadcaster.subscribe()
    if what == "paused":
        session.add("cam", Opener(SourceError("no"), *[SourceError("no")] * 100))
        wait_for_end("cam")
    else:
        session.add("cam", Opener(source))
    if what in ("running", "stuck"):
        source.give(0.0)
        take(box)
    start_s = time.monotonic()
    session.close()
    took_s = time.monotonic() - start_s
    session.close()
    assert took_s < 30  # patience is 60 s here, and what is stuck is so until the end
    left = [thread.name for thread in live_threads()]
    assert left == (["mien cam"] if what == "stuck" else [])
    assert box.take(0) is None
    assert box.closed
    assert only(session).state == "stopped"
    with pytest.raises(ConfigError, match="closed"):
        session.add("more", Opener(source))
    source.let_go()
    for thread in live_threads():
        thread.join(LIMIT_S)


def test_a_removed_source_is_gone_but_its_history_can_be_saved(session: LiveSession) -> None:
    source = FakeSource()
    with session.broadcaster.subscribe() as box:
        session.add("cam", Opener(source))
        source.give(0.0)
        take(box)
        session.remove("cam")
        session.remove("cam")
        assert source.closed.wait(LIMIT_S)
        assert session.statuses() == []
        assert session.broadcaster.latest() == {}
        assert session.history.csv("cam").count("\n") == 2
        session.add("cam", Opener(FakeSource()))
        assert session.history.csv("cam").count("\n") == 1


def test_a_name_is_given_once(session: LiveSession) -> None:
    session.add("cam", Opener(FakeSource()))
    with pytest.raises(ConfigError, match="cam: there is already a source of this name"):
        session.add("cam", Opener(FakeSource()))


def test_a_network_that_is_missing_is_said_at_once() -> None:
    with pytest.raises(ModelError, match="no-such"):
        LiveSession(Settings(network="no-such.onnx"))


def test_the_watchdog_looks_by_itself(tiny_network: Path, clock: Clock) -> None:
    works = FakeSource().give(0.0)
    with LiveSession(
        Settings(), network=make_session(tiny_network)._network, detector=LightDetector, pauses_s=(0.01,),
        watch_every_s=0.01,
    ) as session, session.broadcaster.subscribe() as box:  # fmt: skip
        session.add("cam", Opener(SourceError("not yet"), SourceError("not yet"), works))
        take(box)
        assert only(session).restarts == 2


def test_hours_in_seconds_time_does_not_drift(session: LiveSession, clock: Clock) -> None:
    """Four hours, a frame a minute: what the readings say is what the clock says, to a millisecond."""
    source = FakeSource()
    start_s = clock.now_s
    first_at_s = None
    with session.broadcaster.subscribe() as box:
        session.add("cam", Opener(source))
        for minute in range(240):
            clock.now_s = start_s + 60 * minute
            source.give(60.0 * minute)
            reading = take(box)
            first_at_s = first_at_s or reading.at_s
            assert reading.at_s - first_at_s == pytest.approx(60 * minute, abs=1e-3)
            assert reading.frame.time_s == pytest.approx(60 * minute, abs=1e-3)
    # Ten minutes are kept, not four hours.
    assert session.history.csv("cam").count("\n") == 1 + 11
