"""Annotations."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from mien.errors import StoreError
from mien.store.schema import RecordingRow
from mien.store.store import Store
from mien.store.types import Subject
from store_fixtures import FakeClock, add_agreed

HOUR = timedelta(hours=1)


@pytest.fixture
def subject(store: Store) -> Subject:
    return add_agreed(store)


def add_recording(store: Store, subject: Subject, at: datetime) -> int:
    """Add a recording without readings."""
    row = RecordingRow(
        subject_id=subject.id,
        uuid=f"{at:%Y%m%d%H%M%S}",
        kind="camera",
        source="0",
        started_at=at,
        utc_offset_s=0,
        length_s=60.0,
        frames=600,
        coverage=0.9,
        state="finished",
        heartbeat_at=None,
        models={},
        settings={},
        version="0",
    )
    with store.transaction() as session:
        session.add(row)
        session.flush()
        return row.id


def test_it_comes_back_as_it_was(store: Store, subject: Subject, clock: FakeClock) -> None:
    recording = add_recording(store, subject, clock())
    east = clock().astimezone(timezone(timedelta(hours=2)))
    added = store.annotations.add(
        subject,
        "prompt",
        "amusing film",
        at=east,
        until=east + HOUR,
        recording_id=recording,
        data={"valence": 0.8},
    )
    assert store.annotations.of(subject) == [added]
    assert (added.at, added.until, added.recording_id) == (clock(), clock() + HOUR, recording)
    assert added.data == {"valence": 0.8}


def test_those_that_touch_a_time_are_given(store: Store, subject: Subject, clock: FakeClock) -> None:
    start = clock()
    clock.advance(days=1)
    moment = store.annotations.add(subject, "medication", "sertraline 50 mg", at=start)
    stretch = store.annotations.add(subject, "event", "holiday", at=start - HOUR, until=start + HOUR)
    later = store.annotations.add(subject, "note", "tired", at=start + 2 * HOUR)
    store.annotations.add(add_agreed(store, "P-018"), "note", "not hers", at=start)

    def between(start: datetime | None, end: datetime | None) -> list[int]:
        return [each.id for each in store.annotations.of(subject, start, end)]

    assert between(None, None) == [stretch.id, moment.id, later.id]
    assert between(start, start + HOUR) == [stretch.id, moment.id]
    assert between(start + HOUR, None) == [stretch.id, later.id]
    assert between(None, start) == [stretch.id]
    assert between(start + 3 * HOUR, None) == []


def test_it_can_be_removed(store: Store, subject: Subject, clock: FakeClock) -> None:
    added = store.annotations.add(subject, "speaking", "", at=clock(), until=clock() + HOUR)
    store.annotations.remove(subject, added.id)
    assert store.annotations.of(subject) == []
    with pytest.raises(StoreError, match=f"P-017 has no note {added.id}"):
        store.annotations.remove(subject, added.id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "mood"},
        {"text": " "},
        {"at": FakeClock()().replace(tzinfo=None)},
        {"until": FakeClock()()},
        {"recording_id": 99},
    ],
)
def test_what_cannot_be_is_refused(store: Store, subject: Subject, wrong: dict[str, object]) -> None:
    with pytest.raises(StoreError, match=r"expected|no recording 99"):
        store.annotations.add(subject, **{"kind": "note", "text": "x", "at": FakeClock()(), **wrong})  # type: ignore[arg-type]


def test_anothers_recording_is_refused(store: Store, subject: Subject, clock: FakeClock) -> None:
    recording = add_recording(store, store.subjects.add("P-018"), clock())
    with pytest.raises(StoreError, match=f"P-017 has no recording {recording}"):
        store.annotations.add(subject, "note", "x", at=clock(), recording_id=recording)


def test_no_text_steers_the_terminal_that_shows_it(store: Store, subject: Subject) -> None:
    """Who may write a note on the page is not who reads it in a terminal."""
    text = "\x1b]0;title\x07\x1b[2J one\ttab\nline \x9b31m \x7f"
    mark = store.annotations.add(subject, "note", text, at=store.now())
    assert mark.text == "\ufffd]0;title\ufffd\ufffd[2J one\ttab\nline \ufffd31m \ufffd"
    assert store.annotations.of(subject) == [mark]
