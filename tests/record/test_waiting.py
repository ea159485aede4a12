"""Readings that wait on this computer while the store is away; on a file, as it makes no difference here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import numpy as np
import pytest

from mien.errors import StoreError
from mien.record import finalize
from mien.record.delivery import deliver_waiting
from mien.record.finalize import recover
from mien.record.spool import Batch, Spool, spool_of
from mien.record.subject_face import GivenTracks
from mien.record.writer import RecordWriter
from mien.signals.types import Figure
from mien.store.codec import COLUMNS, SLICES
from mien.store.store import Store
from mien.store.types import StoredRecording
from mien.types import Faces, Frame
from needs import package
from patience import LIMIT_S
from store_fixtures import FakeClock, add_agreed

package("cryptography")

IMAGE = np.zeros((8, 8, 3), np.uint8)
STARTED_AT = datetime(2026, 5, 4, 9, tzinfo=UTC)
UUID = "0" * 31 + "1"
PULSE = Figure(0.0, 60.0, "Polar", "heart_rate", "1/min", 61.5, 0.9)


@pytest.fixture
def kept(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store(tmp_path / "record.sqlite", now=clock) as store:
        add_agreed(store)
        yield store


def writer(store: Store, folder: Path, **choices: Any) -> RecordWriter:
    choices = {"commit_s": 0.01, **choices}
    return RecordWriter(
        store, store.subjects.get("P-017"), kind="camera", source="camera:0", started_at=STARTED_AT,
        models={}, settings={}, uuid=UUID, face=GivenTracks([0]), waiting=folder / "waiting", **choices,
    )  # fmt: skip


def take(record: RecordWriter, *numbers: int) -> None:
    for number in numbers:
        record.take(Frame(IMAGE, number, number / 10, "camera:0"), Faces.empty())


def frames(store: Store) -> list[int]:
    recording = store.recordings.find(UUID)
    assert recording is not None
    with store.audit.unlogged():
        found: list[int] = store.readings.load(recording.id, fields=["frame"])["frame"].tolist()
    return found


def files(folder: Path) -> list[str]:
    return [each.name for each in (folder / "waiting").glob("*")]


def wait_until(what: Callable[[], object]) -> None:
    end_s = monotonic() + LIMIT_S
    while not what():
        assert monotonic() < end_s
        Event().wait(0.005)


def tells(record: RecordWriter, trouble: str) -> bool:
    return record.status.trouble == trouble


@contextmanager
def away(store: Store, monkeypatch: pytest.MonkeyPatch, *, after: bool = False) -> Iterator[None]:
    """Let the store refuse all that is written; with `after`, once it has been written."""
    transaction = store.database.transaction

    @contextmanager
    def broken() -> Iterator[Any]:
        if after:
            with transaction() as session:
                yield session
            if store.database.in_transaction:
                return
        raise StoreError("the server is away")

    with monkeypatch.context() as patch:
        patch.setattr(store.database, "transaction", broken)
        yield


@contextmanager
def left_behind(store: Store, folder: Path, *batches: Batch, uuid: str = UUID) -> Iterator[StoredRecording]:
    """Let a program have ended, by a kill, when this waited."""
    subject = store.subjects.get("P-017")
    recording = store.recordings.start(
        subject, kind="camera", source="camera:0", started_at=STARTED_AT, models={}, settings={}, version="1",
        uuid=uuid,
    )  # fmt: skip
    spool = Spool(spool_of(folder / "waiting", uuid), store.subjects.waiting_key(subject, uuid))
    for each in batches:
        spool.append(each)
    spool.close(remove=False)
    yield recording


def batch(*numbers: int, **more: Any) -> Batch:
    rows = np.full((len(numbers), len(COLUMNS)), np.nan)
    rows[:, SLICES["frame"]] = np.array(numbers)[:, None]
    rows[:, SLICES["time_s"]] = np.array(numbers)[:, None] / 10
    return Batch(rows, **more)


def test_a_store_that_is_away_for_hours_loses_nothing(
    kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time_s = [0.0]
    record = writer(kept, tmp_path, clock=lambda: time_s[0])
    take(record, *range(3))
    wait_until(lambda: record.status.stored == 3)
    with away(kept, monkeypatch):
        for hour in range(1, 5):
            take(record, *range(3 * hour, 3 * hour + 3))
            time_s[0] = 3600.0 * hour
            said = f"the server is away; {3 * hour} readings wait on this computer"
            wait_until(partial(tells, record, said))
    wait_until(lambda: record.status.stored == 15)
    assert record.finish(timeout_s=LIMIT_S)
    status = record.status
    assert (status.trouble, status.lost, status.stopped) == (None, 0, None)
    assert frames(kept) == list(range(15))
    assert files(tmp_path) == []
    assert not kept.check().altered


def test_what_was_stored_without_an_answer_is_not_stored_twice(
    kept: Store, tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(minutes=10)
    record = writer(kept, tmp_path)
    with away(kept, monkeypatch, after=True):
        record.mark("a knock", STARTED_AT.replace(minute=1), "key")
        record._batches.put_figures([PULSE])
        take(record, *range(4))
        wait_until(lambda: len(frames(kept)) == 4 and record.status.trouble)
        take(record, *range(4, 6))
    assert record.finish(timeout_s=LIMIT_S)
    assert frames(kept) == list(range(6))
    (mark,) = kept.annotations.of(kept.subjects.get("P-017"))
    assert mark.text == "a knock"
    assert record.status.lost == 0


def test_at_the_end_it_waits_for_the_next_start(
    kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = writer(kept, tmp_path)
    take(record, *range(3))
    wait_until(lambda: record.status.stored == 3)
    with away(kept, monkeypatch):
        take(record, *range(3, 6))
        assert record.finish(timeout_s=LIMIT_S)
    assert record.status.stopped == (
        "the server is away; 3 readings wait on this computer, until Mien starts with this record again"
    )
    assert record.status.lost == 0
    monkeypatch.setattr(finalize, "spool_folder", lambda _: tmp_path / "waiting")
    (ended,) = recover(kept)
    assert (ended.state, frames(kept), files(tmp_path)) == ("finished", list(range(6)), [])
    assert recover(kept) == []
    assert not kept.check().altered


def test_what_a_killed_program_has_left_is_delivered(kept: Store, tmp_path: Path) -> None:
    with left_behind(kept, tmp_path, batch(0, 1, 2), batch(3, 4)) as recording:
        kept.readings.append(recording.id, batch(0, 1, 2).rows)  # the answer never came
        (ended,) = deliver_waiting(kept, tmp_path / "waiting")
    assert (ended.state, ended.frames) == ("interrupted", 5)
    assert (frames(kept), files(tmp_path)) == ([0, 1, 2, 3, 4], [])


def test_it_is_delivered_after_another_station_took_it_for_interrupted(
    kept: Store, tmp_path: Path, clock: FakeClock
) -> None:
    with left_behind(kept, tmp_path, batch(0, 1)):
        clock.advance(minutes=5)
        assert [each.state for each in kept.recordings.recover()] == ["interrupted"]
        deliver_waiting(kept, tmp_path / "waiting")
    assert frames(kept) == [0, 1]


def test_what_a_running_program_has_is_left_alone(kept: Store, tmp_path: Path) -> None:
    record = writer(kept, tmp_path)
    assert deliver_waiting(kept, tmp_path / "waiting") == []
    take(record, 0)
    record.finish()
    assert frames(kept) == [0]


def test_what_nobody_agrees_to_any_more_is_not_delivered(
    kept: Store, tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    with left_behind(kept, tmp_path, batch(0, 1)):
        clock.advance(minutes=5)
        kept.consents.withdraw(kept.subjects.get("P-017"))
        deliver_waiting(kept, tmp_path / "waiting")
    assert (frames(kept), files(tmp_path)) == ([], [])
    assert "2 readings that waited are not stored: P-017 has no consent" in caplog.text


def test_what_was_erased_meanwhile_goes_from_this_computer_too(
    kept: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with left_behind(kept, tmp_path, batch(0, 1)):
        kept.erase(kept.subjects.get("P-017"))
        assert deliver_waiting(kept, tmp_path / "waiting") == []
    assert files(tmp_path) == []
    assert "its recording was erased" in caplog.text


def test_a_file_that_was_altered_stays_and_is_told(
    kept: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with left_behind(kept, tmp_path, batch(0, 1)):
        (path,) = (tmp_path / "waiting").iterdir()
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert deliver_waiting(kept, tmp_path / "waiting") == []
    assert path.exists()
    assert "it was altered, or the disk is damaged" in caplog.text


def test_a_file_that_is_refused_holds_up_neither_the_others_nor_the_start(
    kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with left_behind(kept, tmp_path, batch(0, 1)), left_behind(kept, tmp_path, batch(2, 3), uuid="2" * 32):
        monkeypatch.setattr(Spool, "first", broken_once(Spool.first, OSError(5, "Input/output error")))
        ended = deliver_waiting(kept, tmp_path / "waiting")
        assert [(each.uuid, each.state) for each in ended] == [("2" * 32, "interrupted")]
        assert files(tmp_path) == [f"{UUID}.waiting"]
        assert f"{UUID}.waiting waits on: Input/output error" in caplog.text
        deliver_waiting(kept, tmp_path / "waiting")
    assert (frames(kept), files(tmp_path)) == ([0, 1], [])


def broken_once(real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    errors = [error]

    def broken(*given: Any) -> Any:
        if errors:
            raise errors.pop()
        return real(*given)

    return broken


def test_a_recording_that_its_program_ends_just_then_stays_finished(
    kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with left_behind(kept, tmp_path, batch(0, 1)) as recording:
        find = kept.recordings.find

        def found_before_its_end(uuid: str) -> StoredRecording | None:
            found = find(uuid)
            if found is not None and found.state == "open":
                kept.readings.append(recording.id, batch(0, 1).rows)
                kept.recordings.finish(recording.id)
            return found

        monkeypatch.setattr(kept.recordings, "find", found_before_its_end)
        assert deliver_waiting(kept, tmp_path / "waiting") == []
    assert (kept.recordings.get(UUID).state, files(tmp_path)) == ("finished", [])


def test_a_full_disk_here_is_told_and_the_store_gets_it_all_the_same(
    kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "append", refuse)
    record = writer(kept, tmp_path)
    take(record, *range(3))
    wait_until(lambda: record.status.stored == 3)
    assert record.status.trouble == "readings can't wait on this computer's disk: No space left on device"
    assert record.finish(timeout_s=LIMIT_S)
    assert (frames(kept), record.status.stopped) == ([0, 1, 2], None)
