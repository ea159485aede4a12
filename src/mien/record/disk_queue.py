"""What a server has not got yet waits on this computer's own disk: blocks in order, encrypted and signed.

A block is on the disk before it is sent. The key (ChaCha20-Poly1305) is one that the server alone keeps: a
stolen computer tells nothing.
"""

from __future__ import annotations

import logging
import os
import struct
import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

from mien.errors import StoreError
from mien.files import lock_file
from mien.install import extras_command

_LENGTH: Final = struct.Struct("<I")
_NONCE_BYTES: Final = 12
_LONGEST_BYTES: Final = 1 << 28

_log = logging.getLogger(__name__)


class DiskQueue:
    """Blocks that wait in a file, the oldest first; not for several threads at once.

    Args:
        path: of the file; made where there is none, with its folder. Nobody else may read it.
        key: 32 bytes.

    Attributes:
        weight: of what waits, together.

    Raises:
        BlockingIOError: another program that runs has it.
        OSError: it can't be made or read.
        StoreError: the package that encrypts is missing.
    """

    def __init__(self, path: Path, key: bytes) -> None:
        self.path = path
        self.weight = 0
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

    def __iter__(self) -> Iterator[bytes]:
        """Return the blocks, the oldest first; they stay.

        Raises:
            StoreError: the file was altered or is damaged.
        """
        for number, (start, length, _) in enumerate(self._blocks, self._number - len(self._blocks)):
            self._file.seek(start)
            yield self._opened(self._file.read(length), number)

    def append(self, content: bytes, weight: int = 1) -> None:
        """Put a block at the end; it is on the disk when this returns.

        Args:
            content: of the block.
            weight: how much it is, such as the number of its rows; it isn't encrypted.

        Raises:
            OSError: the disk is full or broken; what is there stays as it was.
        """
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, content, self._name(self._number))
        try:
            self._write(_LENGTH.pack(len(sealed)) + _LENGTH.pack(weight) + sealed)
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self._end)
            raise
        self._took(len(sealed), weight)

    def first(self, most: int) -> list[bytes]:
        """Return the oldest blocks, of so much weight together; at least one where there is one.

        Raises:
            StoreError: the file was altered or is damaged.
        """
        many = total = 0
        for _, _, weight in self._blocks:
            total += weight
            if many and total > most:
                break
            many += 1
        return list(islice(self, many))

    def drop(self, count: int) -> None:
        """Let the oldest blocks go, as they are safe elsewhere; an empty file takes no room."""
        for _ in range(count):
            self.weight -= self._blocks.popleft()[2]
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

    def damaged(self) -> StoreError:
        """Return the error that says that what is in the file can't be used."""
        return StoreError(f"{self.path} can't be read: it was altered, or the disk is damaged")

    def _find_blocks(self) -> None:
        """Find what an earlier run has left; a block that was cut off while it was written ends it."""
        size = os.fstat(self._file.fileno()).st_size
        head = 2 * _LENGTH.size
        while self._end + head <= size:
            self._file.seek(self._end)
            length, weight = (_LENGTH.unpack(self._file.read(_LENGTH.size))[0] for _ in range(2))
            if not _NONCE_BYTES < length <= _LONGEST_BYTES or self._end + head + length > size:
                break
            self._took(length, weight)
        if self._end < size:
            _log.warning("%s: its last %d bytes are no whole block, and lost", self.path, size - self._end)
            self._file.truncate(self._end)

    def _took(self, length: int, weight: int) -> None:
        start = self._end + 2 * _LENGTH.size
        self._blocks.append((start, length, weight))
        self._end = start + length
        self._number += 1
        self.weight += weight

    def _write(self, data: bytes) -> None:
        self._file.seek(self._end)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def _opened(self, sealed: bytes, number: int) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            plain: bytes = self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._name(number)
            )
        except InvalidTag as error:
            raise self.damaged() from error
        return plain

    def _name(self, number: int) -> bytes:
        """What a block is bound to: a file of another name, or another order, doesn't open."""
        return f"{self.path.stem}/{number}".encode()


def _cipher(key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ImportError as error:
        raise StoreError(
            f"nothing can wait on this computer without cryptography: {extras_command('postgres')}"
        ) from error
    return ChaCha20Poly1305(key)
