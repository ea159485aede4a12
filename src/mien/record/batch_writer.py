"""A recording's rows go to the store in batches, in a thread of their own: a slow disk holds nobody up.

What a body says beside the face, and marks, go with them, in the same transaction. For a server they are on
this computer's own disk before they are sent, and wait there while the server is away (`spool`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Condition, Thread
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConsentError, StoreError
from mien.record.delivery import ROWS_AT_ONCE, Delivery, GoneError
from mien.record.finalize import FindEpisodes, finalize
from mien.record.spool import Batch, Mark, Spool, joined, spool_of
from mien.signals.types import Figure
from mien.store.codec import COLUMNS
from mien.store.signals import signal_of
from mien.store.store import Store
from mien.store.types import RecordingState, StoredRecording, Subject

MOST_ROWS: Final = 8192
"""So many rows wait for the disk: four minutes of a quick camera, some 3 MB."""

PATIENCE_S: Final = 30.0
"""After so long without being able to write, it is given up where nothing can wait on the disk."""

_PACK_ROWS: Final = 16_384

Row = NDArray[np.float64]
"""(columns,) one frame, in the order of `codec.COLUMNS`; NaN where there is nothing."""


class BatchWriter:
    """Writes a recording's rows, at least once a second, each time after a look at the subject's consent.

    Args:
        store: where to.
        subject: who has agreed.
        recording: an open one.
        commit_s: seconds between two commits.
        waits: a full queue makes `put` wait, and loses nothing; else what doesn't fit is lost, and counted.
        find: finds the episodes at the end.
        waiting: the folder on this computer where what isn't stored yet waits; None keeps it in memory.
        clock: gives seconds that never run backwards.

    Attributes:
        stored: rows that are safe.
        lost: rows that could not be written, or came after the stop.
        trouble: why nothing can be written now; it is tried again.
        stopped: why nothing is written any more.
        signals: of `store.types.BODY`, what is being recorded.
        left_out: of them, what came and is not recorded, as no consent names it.
    """

    def __init__(
        self,
        store: Store,
        subject: Subject,
        recording: StoredRecording,
        *,
        commit_s: float,
        waits: bool,
        find: FindEpisodes,
        waiting: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stored = self.lost = 0
        self.trouble: str | None = None
        self.stopped: str | None = None
        self.signals: frozenset[str] = frozenset()
        self.left_out: frozenset[str] = frozenset()
        self._store, self._subject, self._recording = store, subject, recording
        self._commit_s, self._waits = commit_s, waits
        self._find, self._clock = find, clock
        self._news = Condition()
        self._rows: deque[Row] = deque()
        self._figures: deque[Figure] = deque()
        self._marks: deque[Mark] = deque()
        self._unpacked = 0
        self._delivery = Delivery(store, subject, recording, film=waits)
        self._again = self._is_last = False
        self._saved_s = clock()
        self._unsaved: str | None = None
        self._spool = None if waiting is None else self._open_spool(waiting)
        self._troubled_s: float | None = None
        self._end: RecordingState | None = None
        self._thread = Thread(target=self._work, name="mien record", daemon=True)
        self._thread.start()

    def put(self, row: Row) -> None:
        """Take a row; waits for nothing, unless it was made to."""
        with self._news:
            if self._waits:
                self._news.notify_all()
                self._news.wait_for(lambda: len(self._rows) < MOST_ROWS or self.stopped is not None)
            if self.stopped is not None or len(self._rows) >= MOST_ROWS:
                self.lost += 1
            else:
                self._rows.append(row)

    def put_figures(self, figures: Sequence[Figure]) -> None:
        """Take what a body says, as `store.signals.checked` lets through; waits for nothing."""
        with self._news:
            if self.stopped is None:
                self._figures.extend(figures)

    def put_mark(self, at: datetime, text: str, source: str) -> bool:
        """Take a mark, its text as `store.validation.checked_text` lets through; waits for nothing.

        Returns:
            Whether it is taken: nothing is after the stop.
        """
        with self._news:
            if self.stopped is None:
                # A sensor's clock may run ahead.
                self._marks.append((min(self._store.now(), at), text, source))
            return self.stopped is None

    def end(self, state: RecordingState) -> None:
        """Write what is left and finish the recording; doesn't wait, and only the first call counts."""
        with self._news:
            self._end = self._end or state
            self._news.notify_all()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the end, no longer than this; return whether it has come."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            while self._end is None and self.stopped is None:
                with self._news:
                    self._news.wait_for(self._is_due, self._commit_s)
                self._commit()
            self._is_last = True
            if self.stopped is None:
                self._commit()
            if self.stopped is None:
                self._conclude()
        except StoreError as error:
            self._give_up(str(error))
        except Exception as error:  # the thread's border: it becomes the recording's status
            self._give_up(f"{type(error).__name__}: {error}")

    def _open_spool(self, folder: Path) -> Spool | None:
        key = self._store.subjects.waiting_key(self._subject, self._recording.uuid)
        try:
            return Spool(spool_of(folder, self._recording.uuid), key)
        except (OSError, StoreError) as error:
            reason = str(error) if isinstance(error, StoreError) else error.strerror or str(error)
            self.trouble = self._unsaved = f"readings can't wait on this computer's disk: {reason}"
            return None

    def _is_due(self) -> bool:
        return self._end is not None or (self._waits and len(self._rows) >= MOST_ROWS // 8)

    def _save(self) -> None:
        """Put what has come in on the disk, before it is sent; where that fails it waits in memory."""
        if self._spool is None:
            return
        came = self._came()
        if came.is_empty:
            return
        try:
            self._spool.append(came)
        except OSError as error:
            self._unsaved = f"readings can't wait on this computer's disk: {error.strerror or error}"
        else:
            self._unsaved = None
            self._forget(came)
        self._saved_s = self._clock()

    def _came(self) -> Batch:
        with self._news:
            rows = np.array(self._rows).reshape(len(self._rows), len(COLUMNS))
            return Batch(rows, list(self._figures), list(self._marks))

    def _forget(self, came: Batch) -> None:
        """Let go of what was taken from the queues, as it is safe."""
        with self._news:
            for queue, gone in (
                (self._rows, came.rows),
                (self._figures, came.figures),
                (self._marks, came.marks),
            ):
                for _ in gone:
                    queue.popleft()
            self._news.notify_all()

    def _commit(self) -> None:
        """Write what has come in, if the subject still agrees; what can't be written is kept for later."""
        self._save()
        while True:
            saved = self._spool.first(ROWS_AT_ONCE) if self._spool else []
            batch = joined(saved) if saved else self._came()
            try:
                agreed = self._delivery.write(batch, again=self._again)
            except GoneError as error:
                return self._withdraw(str(error))
            except ConsentError:
                why = f"{self._subject.code} has no valid consent any more; nothing more is stored"
                return self._withdraw(why)
            except StoreError as error:
                self._again = True
                return self._bear(error)
            self.trouble, self._troubled_s = self._unsaved, None
            if saved and self._spool is not None:
                self._spool.drop(len(saved))
            else:
                self._forget(batch)
            self._again = self._again and bool(self._spool)
            self._note(batch, agreed)
            if not self._spool and (not saved or self._unsaved is None):
                return None
            if self._clock() - self._saved_s >= self._commit_s:
                self._save()

    def _note(self, batch: Batch, agreed: Sequence[Figure]) -> None:
        came, kept = ({signal_of(each.measure) for each in some} for some in (batch.figures, agreed))
        self.signals, self.left_out = (self.signals - came) | kept, (self.left_out | came) - kept
        self.stored += len(batch.rows)
        self._unpacked += len(batch.rows)
        if self._unpacked >= _PACK_ROWS:
            self._pack()

    def _pack(self) -> None:
        try:
            self._store.readings.pack(self._recording.id)
            self._store.signals.pack(self._recording.id)
        except StoreError as error:
            self._bear(error)
        else:
            self._unpacked = 0

    def _bear(self, error: StoreError) -> None:
        """Go on without the store: as long as the disk takes what comes in, else not for long."""
        now_s = self._clock()
        self._troubled_s = now_s if self._troubled_s is None else self._troubled_s
        self.trouble = str(error)
        if self._spool is not None and self._unsaved is None:
            self.trouble += f"; {self._spool.rows} readings wait on this computer"
            patient = not self._is_last
        else:
            patient = not self._is_last and now_s - self._troubled_s < PATIENCE_S
        if not patient:
            raise error

    def _withdraw(self, why: str) -> None:
        """Close what was stored before, where it is still there; what waits may not be kept."""
        self._stop(why)
        self._close_spool(remove=True)
        if not self._delivery.is_gone():
            self._store.readings.pack(self._recording.id)
            self._store.signals.pack(self._recording.id)
            self._store.recordings.finish(self._recording.id, state="interrupted")

    def _conclude(self) -> None:
        # First what must not be missing, as who ends the program may not wait for the rest.
        self._store.recordings.finish(self._recording.id, state=self._end or "finished", finalized=False)
        self._close_spool(remove=True)
        finalize(self._store, self._recording.id, self._find)

    def _give_up(self, why: str) -> None:
        """Stop without the store; what is on the disk goes there when Mien starts next."""
        spool, left = self._spool, self._came()
        if spool is not None:
            with suppress(OSError):
                spool.append(replace(left, end=self._end))
                self._forget(left)
            if spool.rows:
                why += (
                    f"; {spool.rows} readings wait on this computer, until Mien starts with this record again"
                )
            self._close_spool(remove=False)
        self._stop(why)

    def _close_spool(self, *, remove: bool) -> None:
        spool, self._spool = self._spool, None
        if spool is not None:
            self.lost += spool.rows if remove else 0
            with suppress(OSError):  # it is read, and removed, when Mien starts next
                spool.close(remove=remove)

    def _stop(self, why: str) -> None:
        with self._news:
            self.stopped = self.stopped or why
            self.lost += len(self._rows)
            self._rows.clear()
            self._figures.clear()
            self._marks.clear()
            self._news.notify_all()
