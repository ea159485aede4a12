"""Closed cells that wait on this computer while the store is away: what is on the disk, what comes back."""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mien.errors import StoreError
from mien.places.venue_runner import VenueRunner
from mien.places.waiting_cells import Cell, WaitingCells, waiting_key
from mien.record.disk_queue import DiskQueue
from mien.store.store import Store
from mien.store.venue_types import AnswerCell, Station, VisitCell
from needs import package
from places.made_cells import MONDAY, QUARTER, answers, cell
from places.station_children import GUESTS, Child
from places.station_fakes import START, Times, equipment, until
from store_fixtures import RestartedServer

package("cryptography")

KEY = bytes(range(32))


def cells(*numbers: int) -> list[Cell]:
    return [cell(MONDAY + number * QUARTER, seed=number) for number in numbers]


def taken(waiting: WaitingCells) -> list[Cell]:
    """Take all that waits, as if the store had it."""
    found = []
    while len(waiting):
        found.append(waiting.first())
        waiting.drop()
    return found


def taken_by_the_next(folder: Path, key: bytes = KEY) -> list[Cell]:
    """Take all that programs which ended have left."""
    waiting = WaitingCells(folder, key)
    found = taken(waiting)
    waiting.close()
    return found


def killed(waiting: WaitingCells) -> None:
    """End its program at once: the system lets go of the file, and nothing else happens."""
    assert waiting._queue is not None
    waiting._queue._file.close()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


def test_what_waits_comes_back_as_it_was_after_a_kill(tmp_path: Path) -> None:
    waiting = WaitingCells(tmp_path / "waiting", KEY)
    closed = [*cells(0, 1), answers(MONDAY, (1, 2, 3, 4, 5)), *cells(2)]
    waiting.add(closed[:2])
    waiting.add(closed[2:])
    assert waiting.first() == closed[0]
    waiting.drop()
    killed(waiting)
    # The first was in the store already, which the store has to be asked about.
    assert taken_by_the_next(tmp_path / "waiting") == closed
    assert files(tmp_path / "waiting") == []


def test_what_is_on_the_disk_can_be_read_by_nobody_and_is_of_ten_at_least(tmp_path: Path) -> None:
    waiting = WaitingCells(tmp_path, KEY)
    waiting.add(cells(0))
    (file,) = files(tmp_path)
    assert b"corner" not in file.read_bytes()
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o077 == 0
    killed(waiting)
    queue = DiskQueue(file, KEY)
    told = json.loads(next(iter(queue)))
    assert told["visits"] == 10
    assert set(told) == {"kind", *VisitCell.__slots__}
    queue.append(json.dumps(told | {"visits": 9}).encode())
    queue.close(remove=False)
    assert taken_by_the_next(tmp_path) == cells(0)
    assert file in files(tmp_path), "what can't be is damaged"


def test_without_the_key_it_waits_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    waiting = WaitingCells(tmp_path, KEY)
    waiting.add(cells(0))
    waiting.close()
    assert taken_by_the_next(tmp_path, bytes(32)) == []
    assert "it was altered, or the disk is damaged" in caplog.text
    assert taken_by_the_next(tmp_path) == cells(0)


def test_what_a_running_program_has_is_left_alone(tmp_path: Path) -> None:
    one = WaitingCells(tmp_path, KEY)
    one.add(cells(0))
    other = WaitingCells(tmp_path, KEY)
    assert len(other) == 0
    other.add(cells(1))
    assert (taken(one), taken(other)) == (cells(0), cells(1))
    one.close()
    other.close()


def test_a_damaged_file_stays_and_what_is_whole_in_it_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for numbers, folder in (((0, 1), tmp_path / "there"), ((2, 3), tmp_path)):
        waiting = WaitingCells(folder, KEY)
        waiting.add(cells(*numbers))
        killed(waiting)
    (first,) = files(tmp_path / "there")
    data = first.read_bytes()
    first.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    first = first.rename(tmp_path / first.name)
    (tmp_path / "there").rmdir()
    assert sorted(taken_by_the_next(tmp_path), key=lambda each: each.start) == cells(0, 2, 3)
    assert files(tmp_path) == [first]
    assert f"{first} waits on: {first} can't be read: it was altered" in caplog.text


def test_a_cell_that_was_cut_off_while_it_was_written_is_left_out(tmp_path: Path) -> None:
    waiting = WaitingCells(tmp_path, KEY)
    waiting.add(cells(0, 1))
    killed(waiting)
    (file,) = files(tmp_path)
    os.truncate(file, file.stat().st_size - 3)
    assert taken_by_the_next(tmp_path) == cells(0)


def test_a_full_disk_is_told_and_what_it_took_no_more_is_put_there_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    waiting = WaitingCells(tmp_path, KEY)
    waiting.add(cells(0))
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        waiting.add(cells(1))
        waiting.add(cells(2))
        assert (len(waiting), waiting.are_safe) == (3, False)
    assert caplog.messages == ["closed cells can't wait on this computer's disk: No space left on device"]
    waiting.drop()
    waiting.save()
    assert (waiting.are_safe, waiting.trouble) == (True, None)
    waiting.add(cells(3))
    killed(waiting)
    assert taken_by_the_next(tmp_path)[-3:] == cells(1, 2, 3)


def test_where_the_last_one_ends(tmp_path: Path) -> None:
    waiting = WaitingCells()
    assert waiting.until("corner", "till", VisitCell) is None
    waiting.add(cells(0, 1))
    assert waiting.until("corner", "till", VisitCell) == MONDAY + 2 * QUARTER
    assert waiting.until("corner", "till", AnswerCell) is waiting.until("corner", "door", VisitCell) is None


def test_a_record_has_one_key(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    key = waiting_key(store)
    assert len(key) == 32
    assert waiting_key(store) == key

    def away(*_: object) -> None:
        raise StoreError("the server is away")

    monkeypatch.setattr(store.database, "transaction", away)
    assert waiting_key(store) == key
    monkeypatch.setattr(store.texts, "setting", lambda _: None)
    with pytest.raises(StoreError, match="the server is away"):
        waiting_key(store)


@pytest.mark.exhaustive
def test_a_station_killed_while_the_server_is_away_loses_no_closed_cell(
    restarted_postgres: RestartedServer, tmp_path: Path
) -> None:
    url, folder = restarted_postgres.url, tmp_path / "waiting"
    with Store(url) as store:
        store.venues.add(Station("corner", "till-1", "camera:0", notice_at=START - timedelta(days=1)))
        child = Child(url, "till-1", 56, folder)
        until(lambda: len(store.venues.cells("corner")) >= 2)
    restarted_postgres.stop()
    (file,) = files(folder)
    until(lambda: file.stat().st_size > 5000)  # several wait
    counted = child.kill_after(0)
    restarted_postgres.start()
    times = Times(START + timedelta(days=1))
    with Store(url) as store:
        before = len(store.venues.cells("corner"))
        for _ in range(2):  # the second finds nothing
            VenueRunner(
                store, equipment(lambda *_: None, times), watch_every_s=None, waiting=folder,  # type: ignore[arg-type, return-value]
                purpose=lambda: None,
            ).close()  # fmt: skip
        kept = store.venues.cells("corner")
    assert [each.visits for each in kept] == [GUESTS] * len(kept)
    assert [each.start for each in kept] == [START + number * QUARTER for number in range(len(kept))]
    # All but the quarter that was held back and the one that went on.
    assert len(kept) in ((quarter := (counted - 1) // GUESTS) - 1, quarter)
    assert len(kept) > before + 1
    assert files(folder) == []
