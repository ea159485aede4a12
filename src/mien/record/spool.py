"""What a station has recorded and the server has not got yet waits here, on the station's own disk.

A file for each recording: blocks in the order in which they came in, each on the disk before it is sent. Each
is encrypted and signed (ChaCha20-Poly1305) by a key that the server alone keeps, with the subject's seals: an
erased subject's file can't be read any more, and a stolen station tells nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import struct
import sys
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import StoreError
from mien.files import lock_file
from mien.folders import data_folder
from mien.install import extras_command
from mien.signals.types import Figure
from mien.store.codec import COLUMNS
from mien.store.store import Store
from mien.store.types import RecordingState

SUFFIX: Final = ".waiting"

_LENGTH: Final = struct.Struct("<I")
_NONCE_BYTES: Final = 12
_LONGEST_BYTES: Final = 1 << 28

_log = logging.getLogger(__name__)

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
    """A recording's blocks that wait, the oldest first; not for several threads at once.

    Args:
        path: of the file; made where there is none, with its folder. Nobody else may read it.
        key: 32 bytes.

    Attributes:
        rows: how many wait.

    Raises:
        BlockingIOError: another program that runs has it.
        OSError: it can't be made or read.
        StoreError: the package that encrypts is missing.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self.rows = 0
        self._cipher = _cipher(key)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        self._file: BinaryIO = os.fdopen(handle, "r+b", buffering=0)
        try:
            lock_file(self._file)
            self._blocks: deque[tuple[int, int, int]] = deque()
            self._end = self._number = 0
            self._find_blocks()
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """Return how many blocks wait."""
        return len(self._blocks)

    def append(self, batch: Batch) -> None:
        """Put a batch at the end; it is on the disk when this returns.

        Raises:
            OSError: the disk is full or broken; what is there stays as it was.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, _packed(batch), self._name(self._number))
        try:
            self._write(_LENGTH.pack(len(sealed)) + _LENGTH.pack(len(batch.rows)) + sealed)
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self._end)
            raise
        self._took(len(sealed), len(batch.rows))

    def first(self, most_rows: int) -> list[Batch]:
        """Return the oldest batches, of so many rows together; at least one where there is one.

        Raises:
            StoreError: the file was altered or is damaged.
        """
        found: list[Batch] = []
        count, number = 0, self._number - len(self._blocks)
        for start, length, rows in self._blocks:
            if found and count + rows > most_rows:
                break
            self._file.seek(start)
            found.append(self._opened(self._file.read(length), number + len(found)))
            count += rows
        return found

    def drop(self, count: int) -> None:
        """Let the oldest blocks go, as they are safe elsewhere; an empty file takes no room."""
        for _ in range(count):
            self.rows -= self._blocks.popleft()[2]
        if not self._blocks:
            self._file.truncate(0)
            self._end = self._number = 0

    def close(self, *, remove: bool) -> None:
        """Let go of the file; it is removed where nothing in it is wanted any more."""
        if remove:
            self._blocks.clear()
            self._file.truncate(0)
            if sys.platform != "win32":  # before the lock is gone; Windows doesn't remove what is open
                self.path.unlink(missing_ok=True)
        self._file.close()
        if remove:
            self.path.unlink(missing_ok=True)

    def _find_blocks(self) -> None:
        """Find what an earlier run has left; a block that was cut off while it was written ends it."""
        size = os.fstat(self._file.fileno()).st_size
        head = 2 * _LENGTH.size
        while self._end + head <= size:
            self._file.seek(self._end)
            length, rows = (_LENGTH.unpack(self._file.read(_LENGTH.size))[0] for _ in range(2))
            if not _NONCE_BYTES < length <= _LONGEST_BYTES or self._end + head + length > size:
                break
            self._took(length, rows)
        if self._end < size:
            _log.warning("%s: its last %d bytes are no whole block, and lost", self.path, size - self._end)
            self._file.truncate(self._end)

    def _took(self, length: int, rows: int) -> None:
        start = self._end + 2 * _LENGTH.size
        self._blocks.append((start, length, rows))
        self._end = start + length
        self._number += 1
        self.rows += rows

    def _write(self, data: bytes) -> None:
        self._file.seek(self._end)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def _opened(self, sealed: bytes, number: int) -> Batch:
        from cryptography.exceptions import InvalidTag

        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._name(number))
            return _unpacked(plain)
        except (InvalidTag, ValueError, KeyError, TypeError, zlib.error) as error:
            raise StoreError(f"{self.path} can't be read: it was altered, or the disk is damaged") from error

    def _name(self, number: int) -> bytes:
        """What a block is bound to: a file of another name, or another order, doesn't open."""
        return f"{self.path.stem}/{number}".encode()


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


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ImportError as error:
        raise StoreError(
            f"readings can't wait on this computer without cryptography: {extras_command('postgres')}"
        ) from error
    return ChaCha20Poly1305(key)
