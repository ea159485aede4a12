"""Children that write to a store until they are killed, and a look at what they have left behind."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import struct
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.record.finalize import finalize, recover
from mien.record.writer import RecordWriter
from mien.store import codec
from mien.store.store import Store
from mien.store.types import Subject
from mien.types import Faces, Frame
from patience import LIMIT_S
from store_series import readings, same

CHUNK_ROWS = 10
CHUNKS = 12
"""A recording of the hasty child: so many seconds at ten readings a second."""
PACKED_AFTER = (5, 10)

_ACKNOWLEDGED = struct.Struct("<qd")


@cache
def context() -> ForkServerContext:
    """Children start at once, as copies of a process that has imported what takes long."""
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(["mien.record.writer", "pyarrow.parquet", "sqlalchemy.dialects.sqlite"])
    return chosen


def uuid_of(seed: int, number: int) -> str:
    return f"{seed:016x}{number:016x}"


def data_of(seed: int, number: int) -> dict[str, NDArray[Any]]:
    return readings(CHUNK_ROWS * CHUNKS, seed=seed * 10_007 + number)


def write_hastily(path: Path, code: str, seed: int, told: Connection) -> None:
    """Write one recording after the other as fast as it goes; tell what is committed."""
    with Store(path) as store:
        subject = store.subjects.get(code)
        number = 0
        while True:
            _write_one(store, subject, seed, number, told)
            number += 1


def _write_one(store: Store, subject: Subject, seed: int, number: int, told: Connection) -> None:
    data = data_of(seed, number)
    recording = store.recordings.start(
        subject, kind="simulated", source="child", started_at=datetime.now(UTC), models={}, settings={},
        version="1", uuid=uuid_of(seed, number),
    )  # fmt: skip
    for chunk in range(CHUNKS):
        rows = slice(chunk * CHUNK_ROWS, (chunk + 1) * CHUNK_ROWS)
        store.readings.append(recording.id, {name: values[rows] for name, values in data.items()})
        told.send_bytes(_ACKNOWLEDGED.pack(number, rows.stop))
        if chunk in PACKED_AFTER:
            store.readings.pack(recording.id)
    store.recordings.finish(recording.id, finalized=False)
    finalize(store, recording.id)


def write_like_a_camera(path: Path, code: str, seed: int, told: Connection) -> None:
    """Write through a `RecordWriter` at the pace of a camera; tell when each frame was taken."""
    image = np.full((60, 60, 3), 128, np.uint8)
    face = Faces(
        np.array([[10, 10, 50, 50]], np.float32), track=[0], shares=np.full((1, 8), 0.125),
        shares_expression=[0], shares_confidence=[0.125], quality=[0.9], valence=[0.0], arousal=[0.0],
    )  # fmt: skip
    with Store(path) as store:
        record = RecordWriter(
            store, store.subjects.get(code), kind="camera", source="child", started_at=datetime.now(UTC),
            models={}, settings={}, uuid=uuid_of(seed, 0),
        )  # fmt: skip
        start_s = time.monotonic()
        index = 0
        while True:
            due_s = start_s + index / 25
            time.sleep(max(0.0, due_s - time.monotonic()))
            record.take(Frame(image, index, index / 25, "child"), face)
            index += 1
            told.send_bytes(_ACKNOWLEDGED.pack(index, time.monotonic()))


@dataclass(frozen=True)
class Killed:
    """A child that is dead: what it had told before, and when it died by the monotonic clock."""

    seed: int
    told: list[tuple[int, float]]
    at_s: float


class Child:
    """A child that writes, once it has told something for the first time."""

    def __init__(self, target: Any, path: Path, code: str, seed: int) -> None:
        self._seed = seed
        self._told, end = context().Pipe(duplex=False)
        self._process = context().Process(target=target, args=(path, code, seed, end), daemon=True)
        self._process.start()
        end.close()
        assert self._told.poll(LIMIT_S)

    def kill_after(self, wait_s: float) -> Killed:
        self._process.join(wait_s)
        assert self._process.is_alive()
        at_s = time.monotonic()
        self._process.kill()
        self._process.join(LIMIT_S)
        told = []
        with closing(self._told):
            while True:
                try:
                    told.append(_ACKNOWLEDGED.unpack(self._told.recv_bytes()))
                except (EOFError, OSError):
                    return Killed(self._seed, told, at_s)


def prepared(path: Path, code: str = "P-017") -> None:
    with Store(path) as store:
        subject = store.subjects.add(code)
        store.consents.give(subject, given_by="x", purpose="x")


def is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        checks = [
            connection.execute(f"PRAGMA {what}").fetchall() for what in ("quick_check", "foreign_key_check")
        ]
    return checks == [[("ok",)], []]


def later() -> datetime:
    """A clock by which every writer has been silent for long."""
    return datetime.now(UTC) + timedelta(minutes=5)


def check_hasty(path: Path, killed: Killed) -> int:
    """Make sure that all that was told is there, and nothing else than was written; give the recordings."""
    assert is_whole(path)
    with Store(path, now=later) as store:
        recover(store)
        (subject,) = store.subjects.all()
        mine = [each for each in store.recordings.of(subject) if each.uuid.startswith(f"{killed.seed:016x}")]
        last_told = dict(killed.told)
        assert len(mine) >= len(last_told)
        for number, recording in enumerate(mine):
            loaded = store.readings.load(recording.id)
            count = len(loaded["time_s"])
            assert recording.uuid == uuid_of(killed.seed, number)
            assert count >= last_told.get(number, 0)
            assert recording.frames == count
            whole = codec.from_counts(codec.to_counts(data_of(killed.seed, number)))
            assert same(loaded, {name: values[:count] for name, values in whole.items()})
            last = number == len(mine) - 1
            assert recording.state in (("finished", "interrupted") if last else ("finished",))
            assert last or count == CHUNKS * CHUNK_ROWS
        assert store.recordings.recover() == []
        return len(mine)


def check_camera(path: Path, killed: Killed, most_lost_s: float) -> float:
    """Make sure that no more than the last seconds are lost; give how many."""
    assert is_whole(path)
    with Store(path, now=later) as store:
        recover(store)
        recording = store.recordings.get(uuid_of(killed.seed, 0))
        assert recording.state == "interrupted"
        loaded = store.readings.load(recording.id)
    count = len(loaded["time_s"])
    np.testing.assert_allclose(loaded["time_s"], np.arange(count) / 25, atol=1e-6)
    taken_s = [at_s for _, at_s in killed.told]
    lost_s = killed.at_s - taken_s[count] if count < len(taken_s) else 0.0
    assert lost_s <= most_lost_s
    return lost_s


def kill_hasty_ones(path: Path, times: int, seed: int = 0) -> int:
    """Kill so many hasty children at random moments, one after the other; give the recordings they wrote."""
    rng = random.Random(seed)
    prepared(path)
    recordings = 0
    for number in range(times):
        child = Child(write_hastily, path, "P-017", number + 1)
        recordings += check_hasty(path, child.kill_after(rng.uniform(0, 0.25)))
    return recordings


def kill_cameras(path: Path, together: int, seed: int = 0, *, most_lost_s: float = 2.0) -> list[float]:
    """Kill so many writers of one file, which run together, at random moments; give what each lost."""
    rng = random.Random(seed)
    prepared(path)
    children = [Child(write_like_a_camera, path, "P-017", 1000 + number) for number in range(together)]
    killed = [child.kill_after(rng.uniform(0, 2.5 / together + 0.2)) for child in children]
    return [check_camera(path, each, most_lost_s) for each in killed]
