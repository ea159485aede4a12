"""Closed cells that the store hasn't got yet: in memory, and for a server on this computer's disk as well.

What is on the disk is what the server gets: closed cells, each of at least k, and nothing of a single visit.
Each program that runs has a file; what one that ended has left is taken over by the next.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from mien.errors import StoreError
from mien.record.disk_queue import DiskQueue
from mien.store.store import Store
from mien.store.venue_types import AnswerCell, VisitCell
from mien.wording import reason

Cell = VisitCell | AnswerCell

SUFFIX: Final = ".cells"

_KINDS: Final[dict[str, type[VisitCell] | type[AnswerCell]]] = {"visits": VisitCell, "answers": AnswerCell}
_NAMES: Final[dict[type[Any], str]] = {kind: name for name, kind in _KINDS.items()}

_KEY: Final = "waiting_cells_key"

_log = logging.getLogger(__name__)


def waiting_key(store: Store) -> bytes:
    """Return the 32 bytes that encrypt cells on the disks of this record's computers; the record keeps them.

    Raises:
        StoreError: the store can't be read or written.
    """
    try:
        with store.transaction():
            if store.texts.setting(_KEY) is None:
                store.texts.set_setting(_KEY, secrets.token_hex(32))
    except StoreError:
        if store.texts.setting(_KEY) is None:  # else another program has chosen it just then
            raise
    return bytes.fromhex(store.texts.setting(_KEY))


class WaitingCells:
    """Cells that wait, in the order in which they were closed; not for several threads at once.

    Args:
        folder: where they wait on this computer; None keeps them in memory alone.
        key: see `waiting_key`; not asked for without a folder.

    Attributes:
        trouble: why they can't wait on the disk; None where they do, or need not.
    """

    def __init__(self, folder: Path | None = None, key: bytes = b"") -> None:
        self.trouble: str | None = None
        self._cells: deque[Cell] = deque()
        self._saved = 0  # of the first of these are on the disk
        self._folder, self._key = folder, key
        self._queue: DiskQueue | None = None
        if folder is not None:
            self._take_over(folder)

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._cells)

    @property
    def are_safe(self) -> bool:
        """Whether all that wait are on the disk."""
        return self._saved == len(self._cells)

    def first(self) -> Cell:
        """Return the oldest; there is one."""
        return self._cells[0]

    def until(self, venue: str, station: str, kind: type[Cell]) -> datetime | None:
        """Return where the last cell of a station that waits ends; None where none does."""
        ends = [
            each.end
            for each in self._cells
            if (each.venue, each.station) == (venue, station) and isinstance(each, kind)
        ]
        return max(ends, default=None)

    def add(self, cells: Iterable[Cell]) -> None:
        """Put cells at the end, on the disk too; where it takes them no more they wait in memory."""
        self._cells.extend(cells)
        self.save()

    def save(self) -> None:
        """Try to put on the disk what isn't there yet, in order."""
        if self._folder is None or self.are_safe:
            return
        try:
            if self._queue is None:
                self._queue = DiskQueue(self._folder / f"{uuid4().hex}{SUFFIX}", self._key)
            while self._saved < len(self._cells):
                self._queue.append(_packed(self._cells[self._saved]))
                self._saved += 1
        except (OSError, StoreError) as error:
            self._complain(f"closed cells can't wait on this computer's disk: {reason(error)}")
        else:
            self.trouble = None

    def drop(self) -> None:
        """Let the oldest go, as it is in the store, or will never be."""
        self._cells.popleft()
        if self._saved and self._queue is not None:
            self._saved -= 1
            with suppress(OSError):  # it is found again at the next start, and is in the store then
                self._queue.drop(1)

    def close(self) -> None:
        """Let go of the file; it stays where something in it waits."""
        if self._queue is not None:
            with suppress(OSError):
                self._queue.close(remove=not self._saved)
            self._queue = None

    def _complain(self, trouble: str) -> None:
        if self.trouble is None:
            _log.warning("%s", trouble)
        self.trouble = trouble

    def _take_over(self, folder: Path) -> None:
        """Take what programs that ended have left; what belongs to one that runs is left alone.

        A file that can't be read to its end stays, and a line in the log says so.
        """
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                left = DiskQueue(path, self._key)
            except BlockingIOError:
                continue
            except (OSError, StoreError) as error:
                _log.warning("%s waits on: %s", path, reason(error))
                continue
            whole = False
            try:
                for content in left:
                    self.add([_unpacked(content, left)])
                whole = self.are_safe  # else it is safe there alone
            except (OSError, StoreError) as error:
                _log.warning("%s waits on: %s", path, reason(error))
            with suppress(OSError):
                left.close(remove=whole)


def _packed(cell: Cell) -> bytes:
    told = asdict(cell) | {"start": cell.start.isoformat(), "end": cell.end.isoformat()}
    return json.dumps({"kind": _NAMES[type(cell)], **told}).encode()


def _unpacked(content: bytes, queue: DiskQueue) -> Cell:
    """Return the cell that is in a block.

    Raises:
        StoreError: there is none of at least k: the file is damaged.
    """
    try:
        told: dict[str, Any] = json.loads(content)
        kind = _KINDS[told.pop("kind")]
        told |= {name: datetime.fromisoformat(told[name]) for name in ("start", "end")}
        return kind(**{name: _frozen(value) for name, value in told.items()})
    except (ValueError, KeyError, TypeError) as error:
        raise queue.damaged() from error


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
