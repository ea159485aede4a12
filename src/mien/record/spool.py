"""What a station has recorded and the server has not got yet waits here, on the station's own disk.

A file for each recording (`disk_queue`): batches in the order in which they came in, each on the disk before
it is sent. The server keeps the key with the subject's seals: an erased subject's can't be read any more.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.folders import data_folder
from mien.record.disk_queue import DiskQueue
from mien.signals.types import Figure
from mien.store.codec import COLUMNS
from mien.store.store import Store
from mien.store.types import RecordingState

SUFFIX: Final = ".waiting"

Mark = tuple[datetime, str, str]
"""When, what and where it came from."""


@dataclass(frozen=True)
class Batch:
    """What is written to the store as one.

    Attributes:
        rows: (n, columns) in the order of `codec.COLUMNS`.
        figures: of the body.
        marks: that were set.
        end: how the recording ended; None while it goes on.
    """

    rows: NDArray[np.float64]
    figures: Sequence[Figure] = ()
    marks: Sequence[Mark] = ()
    end: RecordingState | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (len(self.rows) or self.figures or self.marks or self.end)


def joined(batches: Sequence[Batch]) -> Batch:
    """Return batches that follow each other as one."""
    return Batch(
        np.concatenate([np.empty((0, len(COLUMNS))), *(each.rows for each in batches)]),
        [figure for each in batches for figure in each.figures],
        [mark for each in batches for mark in each.marks],
        next((each.end for each in reversed(batches) if each.end), None),
    )


def spool_folder(store: Store) -> Path | None:
    """Return where readings for a server wait on this computer; None for a file, which is on it already.

    Each server's record has a folder of its own: what waits there and is not in the record was erased.
    """
    if store.database.address.path:
        return None
    return data_folder() / "waiting" / hashlib.sha256(store.where.encode()).hexdigest()[:16]


def spool_of(folder: Path, uuid: str) -> Path:
    """Return the file of a recording."""
    return folder / f"{uuid}{SUFFIX}"


class Spool:
    """A recording's batches that wait, the oldest first; not for several threads at once.

    Args:
        path: of the file; see `DiskQueue`, whose errors are this one's.
        key: 32 bytes.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self._queue = DiskQueue(path, key)

    @property
    def path(self) -> Path:
        """Of the file."""
        return self._queue.path

    @property
    def rows(self) -> int:
        """How many wait."""
        return self._queue.weight

    def __len__(self) -> int:
        """Return how many batches wait."""
        return len(self._queue)

    def append(self, batch: Batch) -> None:
        """Put a batch at the end; it is on the disk when this returns.

        Raises:
            OSError: the disk is full or broken; what is there stays as it was.
        """
        self._queue.append(_packed(batch), len(batch.rows))

    def first(self, most_rows: int) -> list[Batch]:
        """Return the oldest batches, of so many rows together; at least one where there is one.

        Raises:
            StoreError: the file was altered or is damaged.
        """
        try:
            return [_unpacked(each) for each in self._queue.first(most_rows)]
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise self._queue.damaged() from error

    def drop(self, count: int) -> None:
        """Let the oldest batches go, as they are safe elsewhere; an empty file takes no room."""
        self._queue.drop(count)

    def close(self, *, remove: bool) -> None:
        """Let go of the file; it is removed where nothing in it is wanted any more."""
        self._queue.close(remove=remove)


def _packed(batch: Batch) -> bytes:
    told = {
        "rows": len(batch.rows), "end": batch.end, "figures": [asdict(each) for each in batch.figures],
        "marks": [[at.isoformat(), text, source] for at, text, source in batch.marks],
    }  # fmt: skip
    rows = np.ascontiguousarray(batch.rows, "<f8").tobytes()
    return zlib.compress(json.dumps(told).encode() + b"\n" + rows, 1)


def _unpacked(plain: bytes) -> Batch:
    told, _, rows = zlib.decompress(plain).partition(b"\n")
    found = json.loads(told)
    return Batch(
        np.frombuffer(rows, "<f8").reshape(found["rows"], len(COLUMNS)).astype(np.float64),
        [Figure(**each) for each in found["figures"]],
        [(datetime.fromisoformat(at), text, source) for at, text, source in found["marks"]],
        found["end"],
    )
