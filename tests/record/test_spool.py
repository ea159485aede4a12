from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import StoreError
from mien.record.spool import Batch, Spool, joined, spool_folder
from mien.signals.types import Figure
from mien.store.codec import COLUMNS
from mien.store.store import Store
from needs import package

package("cryptography")

KEY = bytes(range(32))
PULSE = Figure(0.0, 60.0, "Polar", "heart_rate", "1/min", 61.5, 0.9)
MARK = (datetime(2026, 5, 4, 9, 1, 2, 345678, tzinfo=UTC), "a knock at the döor", "key")


def batch(first: int, count: int = 3, **more: Any) -> Batch:
    rows = np.full((count, len(COLUMNS)), np.nan)
    rows[:, 0] = np.arange(first, first + count)
    return Batch(rows, **more)


def opened(folder: Path, key: bytes = KEY) -> Spool:
    return Spool(folder / "waiting" / "one.waiting", key)


def numbers(batches: list[Batch]) -> list[float]:
    found: list[float] = joined(batches).rows[:, 0].tolist()
    return found


def test_what_waits_comes_back_as_it_was_also_for_the_next_program(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    whole = batch(3, figures=[PULSE], marks=[MARK], end="finished")
    spool.append(batch(0))
    spool.append(whole)
    spool.close(remove=False)
    spool = opened(tmp_path)
    assert (len(spool), spool.rows) == (2, 6)
    found = joined(spool.first(100))
    np.testing.assert_array_equal(found.rows, np.concatenate([batch(0).rows, whole.rows]))
    assert (found.figures, found.marks, found.end) == ([PULSE], [MARK], "finished")
    spool.close(remove=True)
    assert list((tmp_path / "waiting").iterdir()) == []


def test_the_oldest_go_first_and_an_empty_file_takes_no_room(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for first in range(0, 15, 3):
        spool.append(batch(first))
    assert numbers(spool.first(7)) == list(range(6))
    assert numbers(spool.first(1)) == list(range(3))
    spool.drop(2)
    assert numbers(spool.first(100)) == list(range(6, 15))
    spool.drop(3)
    assert (spool.first(100), spool.rows, spool.path.stat().st_size) == ([], 0, 0)
    spool.append(batch(20))
    assert numbers(spool.first(100)) == [20, 21, 22]
    spool.close(remove=True)


@pytest.mark.parametrize("lacks", [1, 30])
def test_a_block_that_was_cut_off_while_it_was_written_is_left_out(
    tmp_path: Path, lacks: int, caplog: pytest.LogCaptureFixture
) -> None:
    spool = opened(tmp_path)
    spool.append(batch(0))
    spool.append(batch(3))
    spool.close(remove=False)
    os.truncate(spool.path, spool.path.stat().st_size - lacks)
    spool = opened(tmp_path)
    assert "bytes are no whole block, and lost" in caplog.text
    spool.append(batch(6))
    assert numbers(spool.first(100)) == [0, 1, 2, 6, 7, 8]
    spool.close(remove=True)


def test_nobody_reads_it_without_the_key_and_nobody_alters_it(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(0, marks=[MARK]))
    spool.close(remove=False)
    data = bytearray(spool.path.read_bytes())
    assert b"knock" not in data
    if sys.platform != "win32":
        assert spool.path.stat().st_mode & 0o077 == spool.path.parent.stat().st_mode & 0o077 == 0
    other = opened(tmp_path, bytes(32))
    with pytest.raises(StoreError, match="can't be read: it was altered"):
        other.first(100)
    other.close(remove=False)
    data[-1] ^= 1
    spool.path.write_bytes(data)
    altered = opened(tmp_path)
    with pytest.raises(StoreError, match="can't be read: it was altered"):
        altered.first(100)
    altered.close(remove=False)


def test_blocks_in_another_order_are_noticed(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append(batch(0))
    half = spool.path.stat().st_size
    spool.append(batch(3))
    spool.close(remove=False)
    data = spool.path.read_bytes()
    spool.path.write_bytes(data[half:] + data[:half])
    swapped = opened(tmp_path)
    with pytest.raises(StoreError, match="it was altered"):
        swapped.first(1)
    swapped.close(remove=False)


def test_two_programs_do_not_have_one_file(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    with pytest.raises(BlockingIOError):
        opened(tmp_path)
    spool.close(remove=False)
    opened(tmp_path).close(remove=True)


def test_a_full_disk_leaves_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = opened(tmp_path)
    spool.append(batch(0))
    with monkeypatch.context() as full:

        def refuse(_: int) -> None:
            raise OSError(28, "No space left on device")

        full.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space left"):
            spool.append(batch(3))
    spool.append(batch(6))
    spool.close(remove=False)
    spool = opened(tmp_path)
    assert numbers(spool.first(100)) == [0, 1, 2, 6, 7, 8]
    spool.close(remove=True)


def test_a_record_in_a_file_has_no_such_folder(tmp_path: Path) -> None:
    with Store(tmp_path / "record.sqlite") as store:
        assert spool_folder(store) is None
