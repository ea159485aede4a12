from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from live.session_fakes import LIMIT_S, Clock, FakeSource, LightDetector, Opener, live_threads, wait_for_end
from mien.config import Settings
from mien.errors import ConfigError, StoreError
from mien.expression.network import load_network
from mien.live.recorder import Recorder, kind_of
from mien.live.session import LiveSession
from mien.record import batch_writer
from mien.signals.stream.types import SignalReading
from mien.signals.types import Mark
from mien.store.store import Store
from mien.store.types import StoredRecording, Subject


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "record.sqlite") as store:
        yield store


@pytest.fixture
def subject(kept: Store) -> Subject:
    subject = kept.subjects.add("P-017")
    kept.consents.give(subject, given_by="herself", purpose="to see")
    return subject


@pytest.fixture
def recorder(kept: Store, subject: Subject) -> Iterator[Recorder]:
    recorder = Recorder(kept, subject, models={"network": {"name": "tiny"}}, settings={"fps": None})
    yield recorder
    assert recorder.close(LIMIT_S)
    assert live_threads() == []


@pytest.fixture
def session(tiny_network: Path, recorder: Recorder) -> Iterator[LiveSession]:
    with LiveSession(
        Settings(), network=load_network(tiny_network), detector=LightDetector, recorder=recorder,
        clock=Clock(), watch_every_s=None,
    ) as session:  # fmt: skip
        yield session


def wait_until(what: Callable[[], object]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < end_s
        Event().wait(0.005)


def fed(session: LiveSession, name: str, *times_s: float, where: str = "camera:0") -> FakeSource:
    source = FakeSource()
    with session.broadcaster.subscribe([name]) as box:
        session.add(name, Opener(source), where=where, restart=False)
        source.give(*times_s)
        while (reading := box.take(LIMIT_S)) is not None and reading.frame.time_s < times_s[-1]:
            pass
    return source


def recordings(store: Store, subject: Subject) -> list[StoredRecording]:
    return store.recordings.of(subject)


def test_what_the_source_gives_is_stored(
    session: LiveSession, recorder: Recorder, kept: Store, subject: Subject
) -> None:
    assert session.recording is None
    fed(session, "cam", *(number / 10 for number in range(20)))
    wait_until(lambda: session.recording and session.recording.frames == 20)
    status = session.recording
    assert status is not None
    assert (status.subject, status.source, status.state, status.track) == ("P-017", "cam", "following", 0)
    assert status.as_dict()["with_subject"] >= 14
    session.close()
    assert recorder.close(LIMIT_S)
    (recording,) = recordings(kept, subject)
    assert (recording.state, recording.frames, recording.kind) == ("finished", 20, "camera")
    assert recording.models == {"network": {"name": "tiny"}}
    assert recording.length_s == 1.9
    assert recording.started_at.utcoffset() is not None
    assert abs(recording.started_at.timestamp() - time.time()) < 10 * LIMIT_S


def test_one_source_at_a_time(
    session: LiveSession, recorder: Recorder, kept: Store, subject: Subject
) -> None:
    fed(session, "cam", 0.0, 0.1)
    fed(session, "other", 0.0, 0.1, where="rtsp://host/live")
    with pytest.raises(ConfigError, match="other is not being recorded, cam is"):
        session.choose("other", 0)
    session.remove("cam")
    fed(session, "third", 0.0, 0.1, 0.2, where="a browser's camera")
    wait_until(lambda: session.recording and session.recording.frames == 3)
    session.close()
    assert recorder.close(LIMIT_S)
    found = recordings(kept, subject)
    assert [(each.source, each.kind, each.frames) for each in found] == [
        ("cam", "camera", 2),
        ("third", "browser", 3),
    ]
    assert {each.state for each in found} == {"finished"}
    assert [each.source for each in recorder.statuses()] == ["cam", "third"]


def test_a_source_that_breaks_off_is_interrupted(
    session: LiveSession, recorder: Recorder, kept: Store, subject: Subject
) -> None:
    fed(session, "cam", 0.0, 0.1).fail(OSError("gone"))
    wait_for_end("cam")
    session.watch()
    assert recorder.close(LIMIT_S)
    assert [each.state for each in recordings(kept, subject)] == ["interrupted"]


def test_a_click_chooses(session: LiveSession, recorder: Recorder) -> None:
    fed(session, "cam", 0.0, 0.1)
    session.choose("cam", 7)
    wait_until(lambda: session.recording)
    assert recorder.status is not None


def test_without_a_recorder_nothing_can_be_chosen(tiny_network: Path) -> None:
    with LiveSession(Settings(), network=load_network(tiny_network), detector=LightDetector) as session:
        assert session.recording is None
        with pytest.raises(ConfigError, match="nobody is being recorded: start with --subject CODE"):
            session.choose("cam", 0)


def test_without_consent_there_is_no_recorder(kept: Store) -> None:
    with pytest.raises(StoreError, match="mien consent give P-018"):
        Recorder(kept, kept.subjects.add("P-018"), models={}, settings={})


def test_a_consent_that_ends_before_the_camera_is_on(
    session: LiveSession, recorder: Recorder, kept: Store, subject: Subject
) -> None:
    kept.consents.withdraw(subject)
    fed(session, "cam", 0.0, 0.1)
    wait_until(lambda: recorder.refused)
    assert "P-017 has no consent" in str(recorder.refused)
    assert session.recording is None
    assert session.statuses()[0].state == "running"
    assert recordings(kept, subject) == []


def test_the_station_is_closed_while_a_disk_hangs(
    session: LiveSession, recorder: Recorder, kept: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, hangs = Event(), Event()
    finalize = batch_writer.finalize

    def slow(*given: object) -> None:
        hangs.set()
        assert goes_on.wait(LIMIT_S)
        finalize(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(batch_writer, "finalize", slow)
    fed(session, "cam", 0.0, 0.1)
    wait_until(lambda: session.recording and session.recording.frames == 2)
    start_s = time.monotonic()
    session.close()
    assert time.monotonic() - start_s < LIMIT_S / 2  # the disk hangs for LIMIT_S
    assert hangs.wait(LIMIT_S)
    # What must not be missing is there already.
    assert [each.state for each in recordings(kept, subject)] == ["finished"]
    assert not recorder.close(0)
    goes_on.set()
    assert recorder.close(LIMIT_S)


def test_the_kind_of_a_place(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.touch()
    places = ["camera:0", "/dev/video2", "rtsp://host/live", str(film), "portrait", "a browser's camera"]
    assert [kind_of(each) for each in places] == ["camera", "camera", "stream", "video", "video", "browser"]


def test_the_one_chosen_source_is_removed_before_it_gave_a_frame(kept: Store, subject: Subject) -> None:
    recorder = Recorder(kept, subject, models={}, settings={}, only="door")
    assert recorder.source == "door"
    recorder.left("hall")
    assert recorder.source == "door"
    recorder.left("door")
    assert recorder.source is None


def test_marks_are_set_in_the_recording_that_runs(
    session: LiveSession, recorder: Recorder, kept: Store, subject: Subject
) -> None:
    assert not recorder.mark("too early", at_s=time.time(), source="key")
    fed(session, "cam", 0.0, 0.1)
    wait_until(lambda: session.recording)
    [recording] = recordings(kept, subject)
    start_s = recording.started_at.timestamp()
    wait_until(lambda: time.time() > start_s + 0.05)  # no mark is later than now
    assert recorder.mark("Mark 1", at_s=start_s + 0.01, source="key")
    marks = (Mark(start_s - 9, "before it began"), Mark(start_s + 0.02, "smile"), Mark(start_s + 0.03, "  "))
    session._take_signals("lsl:Markers", SignalReading("Markers", start_s, marks=marks))
    assert not recorder.mark("half a character: \ud800", at_s=start_s + 0.04, source="key")
    assert "mark: " in str(recorder.refused)
    assert recorder.close(LIMIT_S)
    assert [
        (each.kind, each.text, each.data, each.recording_id, each.at.timestamp() - start_s)
        for each in kept.annotations.of(subject)
    ] == [
        ("event", "Mark 1", {"source": "key"}, recording.id, pytest.approx(0.01, abs=1e-4)),
        ("event", "smile", {"source": "Markers"}, recording.id, pytest.approx(0.02, abs=1e-4)),
    ]
    assert recorder.statuses()[0].stopped is None
