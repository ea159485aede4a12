from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, text

from mien.errors import StoreError
from mien.face.quality import quality_parts
from mien.labels import EMOTIONS, MEASURES
from mien.mood.episodes import episodes
from mien.mood.figures import figures
from mien.record import batch_writer
from mien.record.finalize import load_series, recover
from mien.record.subject_face import GivenTracks, SubjectFace
from mien.record.writer import RecordWriter
from mien.store.store import Store
from mien.store.types import Subject
from mien.table import DECIMALS
from mien.types import LANDMARKS, Faces, Frame
from patience import LIMIT_S
from store_fixtures import FakeClock, RestartedServer, add_agreed

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 255, (120, 160, 3), np.uint8)
HAPPY, NEUTRAL = EMOTIONS.index("happiness"), EMOTIONS.index("neutral")


@pytest.fixture
def subject(store: Store) -> Subject:
    subject = store.subjects.add("P-017")
    store.consents.give(subject, given_by="herself", purpose="to see")
    return subject


def frame(index: int, time_s: float | None = None) -> Frame:
    return Frame(IMAGE, index, index / 10 if time_s is None else time_s, "camera:0")


def seen(*tracks: int, happy: float = 0.1, landmarks: bool = True) -> Faces:
    """Faces side by side, the first one three times as large as the others."""
    boxes, points = [], []
    for place, track in enumerate(tracks):
        size = 60 if place == 0 else 20
        left = 10 if place == 0 else 60 + 25 * place
        boxes.append([left, 20, left + size, 20 + size])
        points.append(RNG.uniform(left, left + size, (LANDMARKS, 2)))
        assert track >= 0
    p = np.full((len(tracks), len(EMOTIONS)), (1 - happy) * 0.02)
    p[:, HAPPY], p[:, NEUTRAL] = happy, (1 - happy) * 0.88
    count = len(tracks)
    return Faces(
        np.array(boxes, np.float32).reshape(-1, 4), track=list(tracks),
        probabilities=np.full_like(p, 0.125), confidence=np.full(len(p), 0.4), shares=p,
        shares_confidence=p.max(axis=1),
        landmarks=np.array(points).reshape(-1, LANDMARKS, 2) if landmarks else None,
        shares_expression=np.where(p.max(axis=1) > 0.5, p.argmax(axis=1), -1),
        detection=np.full(count, 0.9), quality=np.full(count, 0.8), valence=np.full(count, 0.25),
        arousal=np.full(count, -0.125),
    )  # fmt: skip


def writer(store: Store, subject: Subject, **choices: Any) -> RecordWriter:
    choices = {"face": SubjectFace(settle_s=0), "commit_s": 0.01, **choices}
    return RecordWriter(
        store, subject, kind="camera", source="camera:0", started_at=datetime(2026, 5, 4, 9, tzinfo=UTC),
        models={}, settings={}, **choices,
    )  # fmt: skip


def wait_until(what: Callable[[], object]) -> None:
    end_s = monotonic() + LIMIT_S
    while not what():
        assert monotonic() < end_s
        Event().wait(0.005)


def test_the_figures_so_far_are_those_of_what_is_stored(store: Store, subject: Subject) -> None:
    with writer(store, subject, waits=True) as record:
        assert record.status.figures == {}
        for index in range(901):
            record.take(frame(index), Faces.empty() if index % 7 == 3 else seen(0))
        status = record.status
    found = figures([load_series(store, record.recording.id)])
    for name in ("coverage", "valence_mean", "arousal_mean", "smiles_per_min", "share_neutral"):
        estimate = found[name]
        assert estimate is not None
        assert status.figures[name] == pytest.approx(estimate.value, abs=0.02)


def test_frames_that_come_rarely_are_told_while_it_runs_and_what_is_told_is_kept(
    store: Store, subject: Subject
) -> None:
    # A burst of readings, then one every three seconds: in view in every frame, and hardly any time read.
    times = [0.1 * place for place in range(30)] + [3.0 + 3 * place for place in range(18)]
    with writer(store, subject, face=GivenTracks([1])) as writing:
        for place, time_s in enumerate(times):
            writing.take(frame(place, time_s), seen(1))
        status = writing.status
    assert status.with_subject == status.frames == 48
    assert "read too rarely: 0.9 times per second" in status.too_rarely
    assert "pauses of more than 2 seconds" in status.too_rarely
    kept = store.recordings.get(writing.recording.id)
    assert kept.coverage == pytest.approx(3.1 / 54.1, abs=1e-3)
    assert status.figures["coverage"] == pytest.approx(kept.coverage, abs=1e-3)


def test_frames_that_come_often_are_not_blamed(store: Store, subject: Subject) -> None:
    with writer(store, subject) as writing:
        for place in range(80):
            writing.take(frame(place), seen(1))
        assert writing.status.too_rarely == ""


def test_each_frame_is_a_row_and_only_the_subject_is_in_it(store: Store, subject: Subject) -> None:
    with writer(store, subject) as record:
        tracks = [
            record.take(frame(0), seen(0)),
            record.take(frame(1), seen(0, 1, 2)),
            record.take(frame(2), Faces.empty()),
            record.take(frame(3), seen(0)),
        ]
        status = record.status
    assert tracks == [0, 0, None, 0]
    assert (status.frames, status.with_subject, status.others) == (4, 3, 2)
    loaded = store.readings.load(record.recording.id)
    assert loaded["frame"].tolist() == [0, 1, 2, 3]
    assert loaded["time_s"].tolist() == [0.0, 0.1, 0.2, 0.3]
    assert loaded["x"][[0, 1, 3]].tolist() == [10.0] * 3
    assert loaded["face_px"][[0, 1, 3]].tolist() == [60.0] * 3
    assert np.isnan(loaded["probabilities"][2]).all()
    face = seen(0).by_shares()  # what the label is under a mix is not recorded
    for name in ("quality", "valence", "arousal", "detection", "confidence"):
        assert loaded[name][0] == round(float(getattr(face, name)[0]), DECIMALS[name])
    assert loaded["expression"].tolist() == [NEUTRAL, NEUTRAL, -1, NEUTRAL]
    stored = store.recordings.get(record.recording.id)
    assert (stored.state, stored.frames, stored.length_s, stored.coverage) == (
        "finished", 4, 0.3, pytest.approx(0.75),
    )  # fmt: skip
    assert record.status.stored == 4
    assert record.status.stopped is None
    record.check()


def test_light_and_sharpness_once_a_second(store: Store, subject: Subject) -> None:
    with writer(store, subject) as record:
        for index in range(25):
            record.take(frame(index), seen(0))
    loaded = store.readings.load(record.recording.id)
    assert np.flatnonzero(np.isfinite(loaded["light"])).tolist() == [0, 10, 20]
    parts = quality_parts(IMAGE, seen(0))
    assert loaded["light"][0] == pytest.approx(parts.light[0], abs=5e-5)
    assert loaded["sharpness"][0] == pytest.approx(parts.sharpness[0], abs=5e-5)


def test_times_start_at_the_first_frame_and_never_go_back(store: Store, subject: Subject) -> None:
    with writer(store, subject) as record:
        for index, time_s in enumerate([5.0, 5.1, 5.1, 4.0, 5.1000001, 5.2, 3600.0]):
            record.take(frame(index, time_s), seen(0))
    series = load_series(store, record.recording.id)
    assert series.time_s.tolist() == [0.0, 0.1, 0.2, 3595.0]
    assert record.status.frames == 4


def test_without_consent_nothing_is_begun(store: Store, clock: FakeClock) -> None:
    subject = store.subjects.add("P-018")
    with pytest.raises(StoreError, match=r"P-018 has no consent for expression.*: mien consent give P-018"):
        writer(store, subject)
    store.consents.give(subject, given_by="he", purpose="x", valid_until=clock().replace(hour=10))
    writer(store, subject).finish()
    with pytest.raises(StoreError, match="it ended on"):
        RecordWriter(
            store, subject, kind="camera", source="camera:0", started_at=clock.advance(hours=2),
            models={}, settings={},
        )  # fmt: skip
    assert len(store.recordings.of(subject)) == 1


@pytest.mark.parametrize("signals", [["expression"], ["expression", "measures"]])
def test_measures_only_where_they_are_agreed_to(store: Store, signals: list[str]) -> None:
    subject = store.subjects.add("P-018")
    store.consents.give(subject, given_by="he", purpose="x", signals=signals)
    with writer(store, subject) as record:
        record.take(frame(0), seen(0))
        record.take(frame(1), seen(0).fill(measures=np.ones((1, len(MEASURES)))))
    measures = load_series(store, record.recording.id).measures
    assert np.isfinite(measures[0]).any() == ("measures" in signals)
    assert np.isfinite(measures[1]).all() == ("measures" in signals)


def test_a_consent_for_measures_that_ends_meanwhile(store: Store, subject: Subject) -> None:
    with writer(store, subject) as record:
        record.take(frame(0), seen(0))
        wait_until(lambda: record.status.stored == 1)
        with store.transaction():
            store.consents.withdraw(subject)
            store.consents.give(subject, given_by="herself", purpose="to see", signals=["expression"])
        record.take(frame(1), seen(0))
    series = load_series(store, record.recording.id)
    assert np.isfinite(series.measures).any(axis=1).tolist() == [True, False]
    assert series.usable.all()


def test_a_withdrawn_consent_stops_it(store: Store, subject: Subject) -> None:
    with writer(store, subject) as record:
        record.take(frame(0), seen(0))
        wait_until(lambda: record.status.stored == 1)
        store.consents.withdraw(subject)
        wait_until(lambda: record.status.stopped)
        assert record.take(frame(1), seen(0)) == 0
        assert not record.mark("too late", store.now(), "key")
        assert record.finish(timeout_s=LIMIT_S)
    assert record.status.stopped == "P-017 has no valid consent any more; nothing more is stored"
    stored = store.recordings.get(record.recording.id)
    assert (stored.state, stored.frames) == ("interrupted", 1)
    with pytest.raises(StoreError, match="has no valid consent any more"):
        record.check()


def test_what_comes_between_the_withdrawal_and_the_next_look_is_not_stored(
    store: Store, subject: Subject
) -> None:
    record = writer(store, subject, commit_s=1000)
    record.take(frame(0), seen(0))
    store.consents.withdraw(subject)
    record.finish()
    assert store.recordings.get(record.recording.id).frames == 0


def test_an_erased_subject_stops_it(store: Store, subject: Subject) -> None:
    with writer(store, subject) as record:
        record.take(frame(0), seen(0))
        wait_until(lambda: record.status.stored == 1)
        store.erase(subject)
        again = store.subjects.add("P-017")
        store.consents.give(again, given_by="another", purpose="x")
        wait_until(lambda: record.status.stopped)
        record.take(frame(1), seen(0))
    assert record.status.stopped == "the recording of P-017 was erased; nothing more is stored"
    assert store.recordings.of(again) == []


def test_one_erased_between_the_two_looks_is_said_to_be_erased(
    store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server shows the second question what was committed since the first."""
    record = writer(store, subject, commit_s=1000)
    found = iter([record.recording, None])
    with monkeypatch.context() as patch:
        patch.setattr(store.recordings, "find", lambda uuid: next(found, None))
        store.consents.withdraw(subject)
        record.take(frame(0), seen(0))
        record.finish(timeout_s=LIMIT_S)
    assert record.status.stopped == "the recording of P-017 was erased; nothing more is stored"


def test_what_was_taken_is_safe_soon(store: Store, subject: Subject) -> None:
    record = writer(store, subject)
    record.take(frame(0), seen(0))
    wait_until(lambda: record.status.stored == 1)
    assert len(load_series(store, record.recording.id)) == 1
    assert store.recordings.get(record.recording.id).state == "open"
    record.finish()


def test_episodes_are_found_at_the_end(store: Store, subject: Subject) -> None:
    with writer(store, subject, commit_s=1000) as record:
        for index in range(60):
            record.take(frame(index), seen(0, happy=0.9 if 20 <= index < 40 else 0.1))
    found = store.readings.events(record.recording.id)
    expected = episodes(load_series(store, record.recording.id))
    assert [(each.kind, each.onset_s, each.peak) for each in found] == [
        (each.kind, each.onset_s, each.peak) for each in expected
    ]
    assert [each.kind for each in found] == ["smile"]
    assert found[0].onset_s == pytest.approx(2, abs=0.11)


def test_an_exception_interrupts_it(store: Store, subject: Subject) -> None:
    record = writer(store, subject)

    def read() -> None:
        with record:
            record.take(frame(0), seen(0))
            raise RuntimeError("the camera fell down")

    with pytest.raises(RuntimeError):
        read()
    stored = store.recordings.get(record.recording.id)
    assert (stored.state, stored.frames, stored.coverage) == ("interrupted", 1, 1.0)


def test_packed_while_it_goes_on(store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_writer, "_PACK_ROWS", 5)
    packed = []
    pack = store.readings.pack
    monkeypatch.setattr(store.readings, "pack", lambda number: (packed.append(number), pack(number)))
    with writer(store, subject) as record:
        for index in range(6):
            record.take(frame(index), seen(0))
            wait_until(lambda done=index + 1: record.status.stored == done)
    assert len(packed) == 2
    assert len(load_series(store, record.recording.id)) == 6


@contextmanager
def broken(store: Store, monkeypatch: pytest.MonkeyPatch, error: str) -> Iterator[None]:
    """While the block runs nothing can be appended."""

    def refuse(*_: object) -> None:
        raise StoreError(error)

    with monkeypatch.context() as patch:
        patch.setattr(store.readings, "append", refuse)
        yield


def test_a_disk_that_is_busy_for_a_while_loses_nothing(
    store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer(store, subject) as record:
        with broken(store, monkeypatch, "the store is busy"):
            record.take(frame(0), seen(0))
            wait_until(lambda: record.status.trouble)
            assert record.status.trouble == "the store is busy"
            record.take(frame(1), seen(0))
        wait_until(lambda: record.status.stored == 2)
        assert record.status.trouble is None
    assert record.status.lost == 0
    assert store.recordings.get(record.recording.id).frames == 2


def test_packing_that_fails_is_tried_again(
    store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "_PACK_ROWS", 1)
    pack, tried = store.readings.pack, []

    def busy_once(number: int) -> None:
        tried.append(number)
        if len(tried) == 1:
            raise StoreError("the store is busy")
        pack(number)

    monkeypatch.setattr(store.readings, "pack", busy_once)
    with writer(store, subject) as record:
        record.take(frame(0), seen(0))
        wait_until(lambda: len(tried) >= 2)
    assert (record.status.stored, record.status.lost, record.status.stopped) == (1, 0, None)
    assert store.recordings.get(record.recording.id).state == "finished"


def test_a_disk_that_stays_full_stops_it_and_the_readings_go_on(
    store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_s = [0.0]
    record = writer(store, subject, clock=lambda: time_s[0])
    record.take(frame(0), seen(0))
    wait_until(lambda: record.status.stored == 1)
    with broken(store, monkeypatch, "cannot be written: the disk is full"):
        record.take(frame(1), seen(0))
        wait_until(lambda: record.status.trouble)
        time_s[0] = 31.0
        wait_until(lambda: record.status.stopped)
        assert record.take(frame(2), seen(0)) == 0
    assert record.status.stopped == "cannot be written: the disk is full"
    assert record.status.lost == 2
    assert record.finish(timeout_s=LIMIT_S)
    assert len(load_series(store, record.recording.id)) == 1


def test_a_server_that_is_restarted_meanwhile_loses_nothing(restarted_postgres: RestartedServer) -> None:
    with Store(restarted_postgres.url) as kept:
        record = writer(kept, add_agreed(kept))
        for index in range(5):
            record.take(frame(index), seen(0))
        wait_until(lambda: record.status.stored == 5)
        restarted_postgres.stop()
        for index in range(5, 9):
            record.take(frame(index), seen(0))
        wait_until(lambda: record.status.trouble)
        assert re.search("cannot be used: .*connection", str(record.status.trouble))
        assert record.status.stopped is None
        restarted_postgres.start()
        record.take(frame(9), seen(0))
        wait_until(lambda: record.status.stored == 10)
        assert record.status.trouble is None
        assert record.finish(timeout_s=LIMIT_S)
        assert (record.status.lost, record.status.stopped) == (0, None)
        series = load_series(kept, record.recording.id)
        assert series.time_s.tolist() == pytest.approx([index / 10 for index in range(10)])
        assert kept.recordings.get(record.recording.id).state == "finished"
        assert kept.audit.verify() > 0


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """SQLite may have a few pages more, and then none: what was there stays, and can be read."""
    time_s = [0.0]
    with Store(tmp_path / "record.sqlite") as full:
        subject = add_agreed(full)
        record = writer(full, subject, clock=lambda: time_s[0])
        record.take(frame(0), seen(0))
        wait_until(lambda: record.status.stored == 1)
        with full.transaction() as session:
            pages = session.execute(text("PRAGMA page_count")).scalar_one()
        event.listen(
            full.engine,
            "begin",
            lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 4}"),
        )
        index = 0

        def is_full() -> bool:
            nonlocal index
            index += 1
            assert record.take(frame(index), seen(0)) == 0
            return record.status.trouble is not None

        wait_until(is_full)
        assert "the disk is full; what was stored before is whole" in str(record.status.trouble)
        time_s[0] = 31.0
        wait_until(lambda: record.status.stopped)
        record.finish()
    with Store(tmp_path / "record.sqlite") as after:
        stored = len(load_series(after, record.recording.id))
        assert stored == record.status.stored
        assert stored + record.status.lost == index + 1
        assert after.recordings.get(record.recording.id).state == "open"


def test_at_the_end_a_full_disk_is_not_waited_for(
    store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = writer(store, subject, commit_s=1000)
    record.take(frame(0), seen(0))
    with broken(store, monkeypatch, "cannot be written: the disk is full"):
        assert record.finish(timeout_s=LIMIT_S)
    assert record.status.stopped == "cannot be written: the disk is full"
    assert record.status.lost == 1


def test_a_slow_disk_holds_nobody_up_and_what_is_lost_is_counted(
    store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "MOST_ROWS", 10)
    goes_on, began = Event(), Event()
    append = store.readings.append

    def slow(*given: Any) -> None:
        began.set()
        assert goes_on.wait(LIMIT_S)
        append(*given)

    monkeypatch.setattr(store.readings, "append", slow)
    record = writer(store, subject)
    assert began.wait(LIMIT_S)
    for index in range(25):
        record.take(frame(index), seen(0))
    assert record.status.lost == 15
    goes_on.set()
    record.finish()
    assert record.status.stored == 10


def test_a_file_waits_for_the_disk_and_loses_nothing(
    store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_writer, "MOST_ROWS", 10)
    with writer(store, subject, waits=True, commit_s=1000) as record:
        reader = Thread(target=lambda: [record.take(frame(index), seen(0)) for index in range(45)])
        reader.start()
        reader.join(LIMIT_S)
        assert not reader.is_alive()
    assert (record.status.stored, record.status.lost) == (45, 0)


def test_a_fault_that_nobody_foresaw_is_told(
    store: Store, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(series: object) -> list[Any]:
        raise ZeroDivisionError("of all things")

    record = writer(store, subject, find=fail)
    record.take(frame(0), seen(0))
    record.finish()
    assert record.status.stopped == "ZeroDivisionError: of all things"
    assert store.recordings.get(record.recording.id).state == "finished"


def test_what_a_writer_has_left_is_done_later(
    store: Store, subject: Subject, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power went while the episodes were looked for, or while it was being recorded."""
    ended, broke_off = [store.recordings.start(
        subject, kind="camera", source="camera:0", started_at=clock(), models={}, settings={}, version="1"
    ) for _ in range(2)]  # fmt: skip
    smile = {"time_s": np.arange(60) / 10, "probabilities": np.full((60, 8), 0.02)}
    smile["probabilities"][20:40, HAPPY] = 0.9
    smile["confidence"] = smile["probabilities"].max(axis=1)
    for each in (ended, broke_off):
        store.readings.append(each.id, smile)
    store.recordings.finish(ended.id, finalized=False)
    clock.advance(minutes=1)
    assert [each.state for each in recover(store)] == ["finished", "interrupted"]
    assert recover(store) == []
    for each in (ended, broke_off):
        assert [event.kind for event in store.readings.events(each.id)] == ["smile"]


def test_who_is_given_is_the_subject(store: Store, subject: Subject) -> None:
    with writer(store, subject, face=GivenTracks([1])) as record:
        assert record.take(frame(0), seen(0, 1)) == 1
        record.choose(0)
        assert record.take(frame(1), seen(0)) == 0
    assert load_series(store, record.recording.id).face_px.tolist() == [20.0, 60.0]


def widths(store: Store, record: RecordWriter) -> list[int]:
    """How wide the stored face of each frame is; 0 where there is none."""
    return [int(each) for each in np.nan_to_num(store.readings.load(record.recording.id)["width"])]


def test_a_films_first_frames_are_the_subjects_too(store: Store, subject: Subject) -> None:
    with writer(store, subject, face=SubjectFace(), waits=True) as record:
        took = [record.take(frame(index), seen(0, 1)) for index in range(8)]
    assert took == [None] * 5 + [0] * 3
    assert widths(store, record) == [60] * 8
    assert (record.status.frames, record.status.with_subject, record.status.others) == (8, 8, 8)
    light = store.readings.load(record.recording.id)["light"]
    assert light[0] == pytest.approx(quality_parts(IMAGE, seen(0)).light[0], abs=0.01)
    assert np.isnan(light[1:]).all()


@pytest.mark.parametrize("between", ["nobody", "another face", "a cut", "a leap"])
def test_what_came_before_somebody_could_be_told_stays_empty(
    store: Store, subject: Subject, between: str
) -> None:
    with writer(store, subject, face=SubjectFace(), waits=True) as record:
        for index in range(3):
            record.take(frame(index), seen(1) if between == "another face" else seen(0))
        if between == "nobody":
            record.take(frame(3), Faces.empty())
        elif between == "a cut":
            record.cut()
        apart = np.array([0, 0, 100, 100] if between == "a leap" else [0, 0, 0, 0], np.float32)
        for index in range(4, 11):
            face = seen(0)
            record.take(frame(index), face.fill(xyxy=face.xyxy + apart))
    missing = 4 if between == "nobody" else 3
    assert [width > 0 for width in widths(store, record)] == [False] * missing + [True] * 7


def test_a_live_sources_first_frames_are_nobodys(store: Store, subject: Subject) -> None:
    with writer(store, subject, face=SubjectFace()) as record:
        for index in range(7):
            record.take(frame(index), seen(0))
    assert widths(store, record) == [0] * 5 + [60] * 2


def test_a_film_that_ends_before_it_is_clear(store: Store, subject: Subject) -> None:
    with writer(store, subject, face=SubjectFace(), waits=True) as record:
        for index in range(3):
            record.take(frame(index), seen(0))
    assert (record.status.with_subject, record.status.others, record.status.stored) == (3, 0, 3)
    assert widths(store, record) == [60] * 3


@pytest.mark.parametrize("between", ["another face", "a cut", "another track"])
def test_a_short_film_with_more_than_one_face_is_nobodys(
    store: Store, subject: Subject, between: str
) -> None:
    with writer(store, subject, face=SubjectFace(), waits=True) as record:
        record.take(frame(0), seen(0, 1) if between == "another face" else seen(0))
        if between == "a cut":
            record.cut()
        for index in range(1, 4):
            record.take(frame(index), seen(0) if between == "another face" else seen(1))
    assert record.status.with_subject == 0


def test_an_interrupted_film_is_not_taken_for_a_short_one(store: Store, subject: Subject) -> None:
    record = writer(store, subject, face=SubjectFace(), waits=True)
    record.take(frame(0), seen(0))
    record.finish("interrupted")
    assert record.status.with_subject == 0


def test_after_a_cut_somebody_has_to_choose(store: Store, subject: Subject) -> None:
    with writer(store, subject) as record:
        record.take(frame(0), seen(0))
        record.cut()
        assert record.take(frame(1), seen(1)) is None
        assert record.status.state == "choose"
        record.choose(1)
        assert record.take(frame(2), seen(1)) == 1


def test_two_writers_in_one_file(tmp_path: Path) -> None:
    with Store(tmp_path / "record.sqlite") as first, Store(tmp_path / "record.sqlite") as second:
        records = []
        for number, store in enumerate((first, second)):
            subject = add_agreed(store, f"P-{number}")
            records.append(writer(store, subject))
        for index in range(100):
            for record in records:
                record.take(frame(index), seen(0))
        for record in records:
            assert record.finish(timeout_s=LIMIT_S)
            assert (record.status.stored, record.status.lost, record.status.stopped) == (100, 0, None)
            assert len(load_series(first, record.recording.id)) == 100
