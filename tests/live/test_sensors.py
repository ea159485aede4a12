"""Sensors beside the faces of a session: what goes wrong with one leaves all else alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from live.session_fakes import Clock, FakeSource, grey, make_session, wait_for_end
from mien.errors import ConfigError, SourceError
from mien.live.broadcaster import Mailbox
from mien.live.reading import Reading
from mien.live.session import LiveSession
from mien.live.together import CoursesTogether
from mien.signals.stream.types import Batch, Channel, Chunk, SignalReading
from mien.types import Faces, Frame
from patience import LIMIT_S
from signals.streams import FakeStream, opener

START_S = 1_800_000_000.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(tiny_network: Path, clock: Clock) -> Iterator[LiveSession]:
    with make_session(tiny_network, clock=clock) as session:
        yield session


def skin(rate_hz: float = 4) -> Channel:
    return Channel("EDA", "eda", "uS", rate_hz)


def second(number: float, rate_hz: int = 4, level: float = 3.0) -> Batch:
    times = START_S + number + np.arange(rate_hz) / rate_hz
    return Batch((Chunk("EDA", times, np.full(rate_hz, level)),))


def take(box: Mailbox[SignalReading]) -> SignalReading:
    reading = box.take(LIMIT_S)
    assert reading is not None
    return reading


def test_what_a_sensor_says_is_handed_on_and_kept(session: LiveSession) -> None:
    stream = FakeStream(skin())
    with session.signals.subscribe() as box:
        session.add_signals("band", opener(stream), where="lsl:band")
        stream.give(Batch(tuple(c for s in range(71) for c in second(s).chunks)))
        reading = take(box)
        assert reading.source == "band"
        assert reading.fresh
        level = next(each for each in reading.figures if each.measure == "skin_level")
        assert level.value == 3.0
        stream.give(second(71))
        assert not take(box).fresh
    (status,) = session.signal_statuses()
    assert (status.name, status.where, status.state) == ("band", "lsl:band", "running")
    assert status.channels == ({"name": "EDA", "kind": "eda", "unit": "uS", "rate_hz": 4},)
    assert "opening" in status.rest
    assert status.as_dict()["state"] == "running"
    assert len(session.signal_history.recent("band")) == 2
    assert [each.fresh for each in session.signal_history.fresh("band")] == [True]


def test_a_board_that_is_pulled_out_comes_back_at_another_rate_and_the_face_goes_on(
    session: LiveSession, clock: Clock
) -> None:
    first, again = FakeStream(skin()), FakeStream(skin(8))
    source = FakeSource()
    with session.signals.subscribe() as box, session.broadcaster.subscribe() as faces:
        session.add("camera", lambda: source)
        session.add_signals("band", opener(first, SourceError("band: it is gone"), again))
        first.give(second(0))
        take(box)
        first.fail(SourceError("band: the board was pulled out"))
        wait_for_end("band")
        session.watch()
        (status,) = session.signal_statuses()
        assert (status.state, status.note) == ("waiting", "band: the board was pulled out")
        assert first.closed.is_set()
        for _ in range(2):
            source.give(0.1)
            assert faces.take(LIMIT_S) is not None
            clock.now_s += 2
            session.watch()
            if status.restarts == 0:
                wait_for_end("band")
                session.watch()
                (status,) = session.signal_statuses()
                assert status.note == "band: it is gone"
        again.give(second(10, 8))
        reading = take(box)
        assert reading.notes == ("EDA: now 8 samples a second instead of 4; its figures begin anew",)
    (status,) = session.signal_statuses()
    assert (status.state, status.restarts) == ("running", 2)
    assert [each.state for each in session.statuses()] == ["running"]


def test_a_sensor_that_falls_silent_is_shown_and_opened_again(session: LiveSession, clock: Clock) -> None:
    first, again = FakeStream(skin()), FakeStream(skin())
    with session.signals.subscribe() as box:
        session.add_signals("band", opener(first, again))
        first.give(second(0))
        take(box)
        clock.now_s += 6
        session.watch()
        (status,) = session.signal_statuses()
        assert (status.state, status.note) == ("stalled", "no sample for 5 s")
        assert first.closed.wait(LIMIT_S)
        clock.now_s += 1
        session.watch()
        again.give(second(10))
        assert take(box).notes == ()
    assert [each.state for each in session.signal_statuses()] == ["running"]


def test_a_sensor_of_events_may_be_silent_for_long(session: LiveSession, clock: Clock) -> None:
    stream = FakeStream(Channel("RR", "intervals", "s", 0))
    with session.signals.subscribe() as box:
        session.add_signals("strap", opener(stream))
        stream.give(Batch((Chunk("RR", np.array([START_S]), np.array([0.8])),)))
        take(box)
        clock.now_s += 60
        stream.give(Batch((Chunk("RR", np.array([START_S + 60]), np.array([0.8])),)))
        take(box)
        session.watch()
    assert [each.state for each in session.signal_statuses()] == ["running"]


def test_what_is_missing_to_read_a_sensor_is_said_and_not_tried_again(session: LiveSession) -> None:
    session.add_signals("band", opener(ModuleNotFoundError("no", name="pylsl")))
    wait_for_end("band")
    session.watch()
    (status,) = session.signal_statuses()
    assert status.state == "failed"
    assert status.note is not None
    assert status.note.startswith("this needs pylsl: ")


def test_names_are_free_again_after_a_sensor_is_taken_away(session: LiveSession) -> None:
    stream = FakeStream(skin())
    session.add("camera", FakeSource)
    session.add_signals("band", opener(stream))
    for name in ("camera", "band"):
        with pytest.raises(ConfigError, match="already a source"):
            session.add_signals(name, opener(stream))
        with pytest.raises(ConfigError, match="already a source"):
            session.add(name, FakeSource)
    session.remove("band")
    assert stream.closed.wait(LIMIT_S)
    assert session.signal_statuses() == []
    session.add_signals("band", opener(FakeStream(skin())))
    session.close()
    with pytest.raises(ConfigError, match="closed"):
        session.add_signals("other", opener(stream))


def test_a_sensors_clock_is_that_of_the_cameras(session: LiveSession, clock: Clock) -> None:
    source = FakeSource()
    with session.broadcaster.subscribe() as faces:
        session.add("camera", lambda: source)
        source.give(0.0)
        reading = faces.take(LIMIT_S)
    assert reading is not None
    assert session.machine_clock()._epoch_s == reading.at_s - clock.now_s


def test_the_pulse_of_the_face_is_one_more_sensor(session: LiveSession, clock: Clock) -> None:
    source, other = FakeSource(), FakeSource()
    session.add_face_pulse()
    with pytest.raises(ConfigError, match="already"):
        session.add_face_pulse("another")
    assert [each.state for each in session.signal_statuses()] == ["opening"]
    with session.signals.subscribe() as box, session.broadcaster.subscribe() as faces:
        session.add("camera", lambda: source)
        for time_s in (0.1, 1.1):
            source.give(time_s)
            assert faces.take(LIMIT_S) is not None
        reading = take(box)
        assert (reading.source, [each.measure for each in reading.now]) == ("face", ["face_pulse"])
        assert [(each.value, each.quality) for each in reading.figures] == [(None, 0.0)]
        assert [each.state for each in session.signal_statuses()] == ["running"]
        clock.now_s += 6
        (status,) = session.signal_statuses()
        assert (status.state, status.note) == ("stalled", "no frame of camera for 5 s")
        session.remove("camera")
        session.add("camera 2", lambda: other)
        for time_s in (0.1, 1.1):
            other.give(time_s)
            assert faces.take(LIMIT_S) is not None
        assert take(box).source == "face"
    session.remove("face")
    assert session.signal_statuses() == []


def test_face_and_body_together_over_the_session() -> None:
    courses = CoursesTogether()
    random = np.random.default_rng(0)
    slow = np.convolve(random.normal(size=640), np.hanning(20), mode="valid")[:600]
    assert courses.told() == ()
    for number, value in enumerate(np.clip(slow / 10, -1, 1).tolist()):
        faces = Faces(np.array([[0, 0, 10, 10]], np.float32), valence=np.array([value], np.float32))
        frame = Frame(grey(0), number, float(number), "camera")
        courses.take_face(Reading(frame, faces, faces, START_S + number, 1.0))
    courses.take_body("clip", {"skin_level": (np.array([]), np.array([]))})
    assert (courses.body, courses.told()) == (("skin_level",), ())  # it measures, and has no reading
    courses.take_body("band", {"skin_level": (START_S + 3 + np.arange(600.0), slow)})
    courses.take_body("other", {"skin_level": (START_S + np.arange(600.0), random.normal(size=600))})
    (told,) = courses.told()
    assert (told.face, told.body, told.lag_s) == ("valence", "skin_level", 3)
    assert told.correlation > 0.95
    assert told.as_dict()["p"] < 0.05
    assert courses.body == ("skin_level",)
    courses.take_body("band", {"heart_rate": (START_S + np.arange(600.0), slow)})
    assert [each.body for each in courses.told()] == ["heart_rate", "skin_level"]
