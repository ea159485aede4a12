from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import StoreError
from mien.mood.series import LONGEST_STEP_S, Series
from mien.store import codec
from mien.store import readings as stored
from mien.store.schema import ChunkRow, SegmentRow
from mien.store.store import Store
from mien.store.types import Event, StoredRecording, Subject
from store_fixtures import add_agreed
from store_series import readings, same

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


@pytest.fixture
def subject(store: Store) -> Subject:
    return add_agreed(store)


@pytest.fixture
def recording(store: Store, subject: Subject) -> StoredRecording:
    return started(store, subject)


def started(store: Store, subject: Subject, at: datetime = START) -> StoredRecording:
    return store.recordings.start(
        subject, kind="camera", source="camera:0", started_at=at, models={}, settings={}, version="1"
    )


def cut(columns: dict[str, NDArray[Any]], start: int, stop: int) -> dict[str, NDArray[Any]]:
    return {name: values[start:stop] for name, values in columns.items()}


def rows(store: Store, table: type[ChunkRow | SegmentRow]) -> int:
    with store.reading() as session:
        return session.query(table).count()


def rounded(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return codec.from_counts(codec.to_counts(columns))


def test_appended_packed_and_loaded_it_is_the_same(store: Store, recording: StoredRecording) -> None:
    whole = readings(100)
    for start in range(0, 60, 10):
        store.readings.append(recording.id, cut(whole, start, start + 10))
    assert same(store.readings.load(recording.id), rounded(cut(whole, 0, 60)))
    store.readings.pack(recording.id)
    assert (rows(store, ChunkRow), rows(store, SegmentRow)) == (0, 1)
    for start in range(60, 100, 10):
        store.readings.append(recording.id, cut(whole, start, start + 10))
    assert same(store.readings.load(recording.id), rounded(whole))
    store.readings.pack(recording.id)
    store.readings.pack(recording.id)
    assert same(store.readings.load(recording.id), rounded(whole))
    stored = store.recordings.get(recording.id)
    assert (stored.frames, stored.state) == (100, "open")
    assert stored.length_s == pytest.approx(whole["time_s"][-1], abs=1e-6)


def test_many_rows_at_once_are_packed_as_they_come(
    store: Store, recording: StoredRecording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "SEGMENT_ROWS", 1500)
    whole = readings(4000)
    store.readings.append(recording.id, cut(whole, 0, 5))
    store.readings.append(recording.id, cut(whole, 5, 4000))
    assert (rows(store, ChunkRow), rows(store, SegmentRow)) == (0, 4)  # and what lay before them
    assert same(store.readings.load(recording.id), rounded(whole))


def test_many_rows_at_once_between_few_stay_in_their_place(
    store: Store, recording: StoredRecording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lay before and behind many rows at once was packed into one segment, around them."""
    monkeypatch.setattr(stored, "LARGE_ROWS", 50)
    whole = readings(100)
    for start, stop in [(0, 10), (10, 80), (80, 90), (90, 100)]:
        store.readings.append(recording.id, cut(whole, start, stop))
    assert (rows(store, ChunkRow), rows(store, SegmentRow)) == (2, 2)
    store.readings.pack(recording.id)
    assert same(store.readings.load(recording.id), rounded(whole))
    assert not store.check().altered


@pytest.mark.parametrize(
    ("start_s", "end_s"), [(None, 3.0), (2.0, None), (1.0, 8.0), (5.0, 5.0), (90.0, None)]
)
def test_a_part_is_loaded(
    store: Store, recording: StoredRecording, start_s: float | None, end_s: float | None
) -> None:
    whole = readings(100)
    store.readings.append(recording.id, cut(whole, 0, 40))
    store.readings.pack(recording.id)
    store.readings.append(recording.id, cut(whole, 40, 100))
    told = rounded(whole)
    within = (told["time_s"] >= (start_s or 0)) & (told["time_s"] <= (end_s or np.inf))
    loaded = store.readings.load(recording.id, start_s, end_s)
    assert same(loaded, {name: values[within] for name, values in told.items()})
    few = store.readings.load(recording.id, start_s, end_s, fields=["valence"])
    assert same(few, {"valence": told["valence"][within]})


def test_nothing_is_a_series_too(store: Store, recording: StoredRecording) -> None:
    store.readings.append(recording.id, {"time_s": np.empty(0)})
    store.readings.pack(recording.id)
    assert len(store.readings.load(recording.id)["time_s"]) == 0
    assert store.readings.size_bytes(recording.id) == 0
    assert store.recordings.finish(recording.id).coverage == 0.0


def test_times_go_on_and_a_refused_chunk_leaves_nothing(store: Store, recording: StoredRecording) -> None:
    whole = readings(20)
    store.readings.append(recording.id, cut(whole, 0, 10))
    for again in (cut(whole, 9, 20), cut(whole, 0, 10)):
        with pytest.raises(StoreError, match="expected times after"):
            store.readings.append(recording.id, again)
    store.readings.pack(recording.id)
    with pytest.raises(StoreError, match="expected times after"):
        store.readings.append(recording.id, cut(whole, 9, 20))
    assert same(store.readings.load(recording.id), rounded(cut(whole, 0, 10)))
    assert store.recordings.get(recording.id).frames == 10


def test_two_recordings_keep_apart(store: Store, subject: Subject) -> None:
    first, second = started(store, subject), started(store, subject)
    ones, twos = readings(20, seed=1), readings(20, seed=2)
    for start in (0, 10):
        store.readings.append(first.id, cut(ones, start, start + 10))
        store.readings.append(second.id, cut(twos, start, start + 10))
    store.readings.pack(second.id)
    assert same(store.readings.load(first.id), rounded(ones))
    assert same(store.readings.load(second.id), rounded(twos))


def test_what_is_finished_or_gone_takes_nothing(
    store: Store, subject: Subject, recording: StoredRecording
) -> None:
    store.readings.append(recording.id, readings(10))
    store.recordings.finish(recording.id)
    with pytest.raises(StoreError, match="is finished"):
        store.readings.append(recording.id, readings(10, start_s=50))
    store.recordings.remove(subject, recording.id)
    for ask in (store.readings.load, store.readings.pack, store.readings.events):
        with pytest.raises(StoreError, match="is not in the store"):
            ask(recording.id)
    with pytest.raises(StoreError, match="is not in the store"):
        store.readings.append(recording.id, readings(10))
    assert rows(store, ChunkRow) == rows(store, SegmentRow) == 0


def test_damaged_readings_are_said(store: Store, recording: StoredRecording) -> None:
    store.readings.append(recording.id, readings(10))
    with store.transaction() as session:
        session.query(ChunkRow).update({"data": b"\x01nothing"})
    with pytest.raises(StoreError, match="damaged"):
        store.readings.load(recording.id)


def test_events_come_back_in_order(store: Store, recording: StoredRecording) -> None:
    late = Event("episode", "happiness", 5.123456, 6.0, 7.5, 0.91234)
    early = Event("smile", "", 1.0, 1.5, 2.0, 0.5)
    store.readings.add_events(recording.id, [late])
    store.readings.add_events(recording.id, [early])
    store.readings.add_events(recording.id, [])
    assert store.readings.events(recording.id) == [early, late]
    store.readings.set_events(recording.id, [late])
    assert store.readings.events(recording.id) == [late]


def test_coverage_is_the_share_of_the_time() -> None:
    time_s = np.array([0, 1, 2, 3, 10, 11, 12.0])
    usable = np.array([1, 1, 0, 1, 1, 1, 0], bool)
    # 0-1, 1-2, 10-11, 11-12 of 13 s: what lies between 3 and 10 was not watched, the last stands for 1 s.
    assert stored.coverage(time_s, usable) == pytest.approx(4 / 13)
    assert stored.coverage(np.array([4.0]), np.array([True])) == 1.0
    assert stored.LONGEST_STEP_S == LONGEST_STEP_S


def test_coverage_agrees_with_the_series_where_there_is_no_gap(
    store: Store, recording: StoredRecording
) -> None:
    columns = readings(300)
    store.readings.append(recording.id, columns)
    stored = store.recordings.finish(recording.id)
    loaded = store.readings.load(recording.id)
    series = Series(**{name: loaded[name] for name in Series.__dataclass_fields__})
    expected = series.step_s[series.usable].sum() / series.step_s.sum()
    assert stored.coverage == pytest.approx(expected)


def test_half_an_hour_is_small(store: Store, recording: StoredRecording) -> None:
    whole = readings(18_000)
    store.readings.append(recording.id, whole)
    loaded = store.readings.load(recording.id)
    assert len(loaded["time_s"]) == 18_000
    # White noise in every column is the worst that can come; benchmarks/store.py has what is usual.
    assert store.readings.size_bytes(recording.id) < 90 * 18_000
