from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from mien.errors import MissingError, StoreError
from mien.store.schema import ChunkRow
from mien.store.store import Store
from mien.store.types import Event, StoredRecording, Subject
from store_fixtures import FakeClock, add_agreed
from store_series import readings

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


@pytest.fixture
def subject(store: Store) -> Subject:
    return add_agreed(store)


def start(store: Store, subject: Subject, at: datetime = START, uuid: str | None = None) -> StoredRecording:
    return store.recordings.start(
        subject, kind="video", source="session.mp4", started_at=at, models={"network": {"sha256": "ab"}},
        settings={"fps": 10}, version="1.2", uuid=uuid,
    )  # fmt: skip


def test_started_finished_and_found_again(store: Store, subject: Subject) -> None:
    recording = start(store, subject)
    assert (recording.state, recording.frames, recording.coverage) == ("open", 0, None)
    assert (recording.kind, recording.source, recording.version) == ("video", "session.mp4", "1.2")
    assert recording.models == {"network": {"sha256": "ab"}}
    assert len(recording.uuid) == 32
    store.readings.append(recording.id, readings(100))
    finished = store.recordings.finish(recording.id)
    assert (finished.state, finished.frames) == ("finished", 100)
    assert finished.length_s == pytest.approx(9.9, abs=0.06)
    assert 0 < (finished.coverage or 0) < 1
    assert store.recordings.get(recording.id) == store.recordings.get(recording.uuid) == finished
    assert store.recordings.find(recording.uuid) == finished
    assert store.recordings.find("0" * 32) is None
    for missing in (recording.id + 1, "0" * 32):
        with pytest.raises(StoreError, match="is not in the store"):
            store.recordings.get(missing)


def test_what_is_given_at_the_end_counts(store: Store, subject: Subject) -> None:
    recording = start(store, subject)
    ended = store.recordings.finish(recording.id, length_s=5.0, frames=7, coverage=0.25, state="interrupted")
    assert (ended.length_s, ended.frames, ended.coverage, ended.state) == (5.0, 7, 0.25, "interrupted")


def test_the_start_keeps_the_clock_of_its_place(store: Store, subject: Subject, clock: FakeClock) -> None:
    """When summer time ends there are two half past twos, an hour apart and on the same day."""
    clock.advance(days=365)
    berlin = ZoneInfo("Europe/Berlin")
    twice = [datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=fold) for fold in (0, 1)]
    stored = [start(store, subject, at=moment) for moment in twice]
    assert stored[1].started_at - stored[0].started_at == timedelta(hours=1)
    assert [each.started_at.utcoffset() for each in stored] == [timedelta(hours=2), timedelta(hours=1)]
    assert [each.started_at.hour for each in stored] == [2, 2]
    assert {each.day for each in stored} == {date(2026, 10, 25)}
    odd = start(
        store, subject, at=datetime(2026, 1, 1, 0, 10, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    )
    assert odd.day == date(2026, 1, 1)
    assert odd.started_at.isoformat() == "2026-01-01T00:10:00+05:45"
    assert store.recordings.of(subject) == [odd, *stored]


def test_a_start_without_a_zone_is_refused(store: Store, subject: Subject) -> None:
    with pytest.raises(StoreError, match="expected a time with its zone"):
        start(store, subject, at=datetime(2026, 1, 1))


def test_of_a_span(store: Store, subject: Subject, clock: FakeClock) -> None:
    clock.advance(days=2)
    days = [start(store, subject, at=START + timedelta(days=day)) for day in (2, 0, 1)]
    start(store, add_agreed(store, "P-018"))
    assert [each.id for each in store.recordings.of(subject)] == [days[1].id, days[2].id, days[0].id]
    assert store.recordings.of(subject, START, START + timedelta(days=1)) == [days[1]]
    assert store.recordings.of(subject, start=START + timedelta(days=1)) == [days[2], days[0]]


def test_a_uuid_is_there_once(store: Store, subject: Subject) -> None:
    start(store, subject, uuid="a" * 32)
    with pytest.raises(StoreError, match="is already in the store"):
        start(store, subject, uuid="a" * 32)


def test_removed_with_all_that_belongs_to_it(store: Store, subject: Subject) -> None:
    recording, other = start(store, subject), start(store, subject)
    for each in (recording, other):
        store.readings.append(each.id, readings(10))
        store.readings.add_events(each.id, [Event("smile", "", 0.0, 0.5, 1.0, 0.8)])
    store.recordings.remove(subject, recording.id)
    with pytest.raises(MissingError, match=f"has no recording {recording.id}"):
        store.recordings.remove(subject, recording.id)
    assert [each.id for each in store.recordings.of(subject)] == [other.id]
    assert len(store.readings.load(other.id)["time_s"]) == 10
    assert len(store.readings.events(other.id)) == 1
    assert start(store, subject).id > other.id


def test_one_takes_the_place_of_another(store: Store, subject: Subject) -> None:
    earlier, recording = start(store, subject, uuid="a" * 32), start(store, subject, uuid="b" * 32)
    store.readings.append(earlier.id, readings(10))
    store.readings.append(recording.id, readings(20))
    store.annotations.add(subject, "prompt", "a film", at=START, recording_id=earlier.id)
    store.recordings.replace(earlier.id, recording.id)
    assert [(each.id, each.uuid) for each in store.recordings.of(subject)] == [(recording.id, "a" * 32)]
    assert len(store.readings.load(recording.id)["time_s"]) == 20
    assert [each.recording_id for each in store.annotations.of(subject)] == [recording.id]
    with pytest.raises(StoreError, match="not in the store"):
        store.recordings.replace(earlier.id, recording.id)
    assert store.recordings.get(recording.id).uuid == "a" * 32


def test_who_is_gone_is_noticed_after_half_a_minute(store: Store, subject: Subject, clock: FakeClock) -> None:
    gone, lives, done = (start(store, subject) for _ in range(3))
    for each in (gone, lives, done):
        store.readings.append(each.id, readings(50))
    store.recordings.finish(done.id)
    clock.advance(seconds=29)
    assert store.recordings.recover() == []
    store.readings.append(lives.id, {"time_s": np.empty(0)})
    clock.advance(seconds=2)
    (recovered,) = store.recordings.recover()
    assert (recovered.id, recovered.state, recovered.frames) == (gone.id, "interrupted", 50)
    assert recovered.length_s == pytest.approx(4.9, abs=0.06)
    assert recovered.coverage is not None
    assert store.recordings.get(done.id).state == "finished"
    assert store.recordings.get(lives.id).state == "open"
    assert len(store.readings.load(gone.id)["time_s"]) == 50


def test_what_has_ended_is_given_until_it_is_finalized(
    store: Store, subject: Subject, clock: FakeClock
) -> None:
    ended, gone = start(store, subject), start(store, subject)
    store.recordings.finish(ended.id, finalized=False)
    assert store.recordings.recover() == []
    clock.advance(minutes=1)
    for _ in range(2):
        assert [each.state for each in store.recordings.recover()] == ["finished", "interrupted"]
    store.recordings.mark_finalized(ended.id)
    store.recordings.mark_finalized(gone.id)
    assert store.recordings.recover() == []


def test_one_that_is_damaged_holds_up_no_other(store: Store, subject: Subject, clock: FakeClock) -> None:
    damaged, whole = start(store, subject), start(store, subject)
    for each in (damaged, whole):
        store.readings.append(each.id, readings(10))
    with store.transaction() as session:
        session.query(ChunkRow).filter_by(recording_id=damaged.id).update({"data": b"\x01nothing"})
    clock.advance(minutes=1)
    assert [each.id for each in store.recordings.recover()] == [whole.id]
    left = store.recordings.get(damaged.id)
    assert (left.state, left.frames, left.coverage) == ("interrupted", 10, None)
    with pytest.raises(StoreError, match="damaged"):
        store.readings.load(damaged.id)


def test_who_was_taken_for_gone_goes_on(store: Store, subject: Subject, clock: FakeClock) -> None:
    """A laptop that slept for an hour: somebody else has looked meanwhile."""
    recording = start(store, subject)
    store.readings.append(recording.id, readings(10))
    clock.advance(hours=1)
    store.recordings.recover()
    store.readings.append(recording.id, readings(10, start_s=60))
    assert store.recordings.get(recording.id).state == "open"
    assert store.recordings.finish(recording.id).frames == 20


def test_a_clock_that_is_set_back_hides_nobody(store: Store, subject: Subject, clock: FakeClock) -> None:
    recording = start(store, subject)
    clock.advance(hours=-1)
    assert [each.id for each in store.recordings.recover()] == [recording.id]


def test_figures_go_with_what_they_came_from(store: Store, subject: Subject, clock: FakeClock) -> None:
    clock.advance(days=1)
    recording = start(store, subject)
    other = start(store, subject, at=START + timedelta(days=1))
    own = [f"recording:{recording.id}", "day:2026-05-04", "usual"]
    others = [f"recording:{other.id}", "day:2026-05-05"]

    def put() -> None:
        for key in own + others:
            store.figures.put(subject, key, "1", {"x": 1})

    for change in (
        lambda: store.readings.append(recording.id, readings(10)),
        lambda: store.readings.add_events(recording.id, [Event("smile", "", 0.0, 0.5, 1.0, 0.8)]),
        lambda: store.recordings.finish(recording.id),
        lambda: store.recordings.remove(subject, recording.id),
    ):
        put()
        change()
        assert store.figures.of(subject, "") == {key: {"1": {"x": 1}} for key in others}


def test_a_figure_takes_the_place_of_one_of_another_version(store: Store, subject: Subject) -> None:
    store.figures.put(subject, "usual", "1", {"x": 1})
    store.figures.put(subject, "usual", "2", {"x": 2})
    store.figures.put(subject, "more", "1", {})
    assert store.figures.of(subject, "usual") == {"usual": {"2": {"x": 2}}}
    assert store.figures.of(subject, "") == {"usual": {"2": {"x": 2}}, "more": {"1": {}}}
