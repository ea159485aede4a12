"""A recording's rows go to the store in batches, in a thread of their own: a slow disk holds nobody up.

What a body says beside the face, and marks, go with them, in the same transaction.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from threading import Condition, Thread
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConsentError, StoreError
from mien.record.finalize import FindEpisodes, finalize
from mien.signals.types import Figure
from mien.store.codec import COLUMNS, SLICES
from mien.store.signals import signal_of
from mien.store.store import Store
from mien.store.types import RecordingState, StoredRecording, Subject

MOST_ROWS: Final = 2048
"""So many rows wait for the disk: a minute of a quick camera."""

PATIENCE_S: Final = 30.0
"""After so long without being able to write, it is given up."""

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
        self._marks: deque[tuple[datetime, str, str]] = deque()
        self._unpacked = 0
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

    def put_mark(self, at: datetime, text: str, source: str) -> None:
        """Take a mark, its text as `store.validation.checked_text` lets through; waits for nothing."""
        with self._news:
            if self.stopped is None:
                self._marks.append((at, text, source))

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
            if self.stopped is None:
                self._commit()
                self._conclude()
        except StoreError as error:
            self._stop(str(error))
        except Exception as error:  # the thread's border: it becomes the recording's status
            self._stop(f"{type(error).__name__}: {error}")

    def _is_due(self) -> bool:
        return self._end is not None or (self._waits and len(self._rows) >= MOST_ROWS // 2)

    def _commit(self) -> None:
        """Write what has come in, if the subject still agrees; what can't be written is kept for later."""
        with self._news:
            rows, figures, marks = list(self._rows), list(self._figures), list(self._marks)
        agreed: list[Figure] = []
        try:
            with self._store.transaction():
                refusal = self._refusal()
                if refusal is None:
                    self._store.readings.append(self._recording.id, self._matrix(rows))
                    agreed = self._agreed(figures)
                    self._store.signals.add(self._recording.id, agreed)
                    self._set(marks)
        except ConsentError:
            refusal = f"{self._subject.code} has no valid consent any more; nothing more is stored"
        except StoreError as error:
            self._bear(error)
            return
        self.trouble = self._troubled_s = None
        if refusal is not None:
            self._withdraw(refusal)
            return
        with self._news:
            for _ in rows:
                self._rows.popleft()
            for _ in figures:
                self._figures.popleft()
            for _ in marks:
                self._marks.popleft()
            self._news.notify_all()
        came, kept = ({signal_of(each.measure) for each in some} for some in (figures, agreed))
        self.signals, self.left_out = (self.signals - came) | kept, (self.left_out | came) - kept
        self.stored += len(rows)
        self._unpacked += len(rows)
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

    def _refusal(self) -> str | None:
        """Return why nothing can be stored any more; None where it can.

        Raises:
            ConsentError: what is recorded just now has no consent any more. For a film, its own time counts.
        """
        erased = f"the recording of {self._subject.code} was erased; nothing more is stored"
        if self._is_gone():
            return erased
        if not self._waits:
            try:
                self._store.consents.require(self._subject, "expression")
            except ConsentError:
                if self._is_gone():  # erased since we looked, and the consents with it
                    return erased
                raise
        return None

    def _is_gone(self) -> bool:
        return self._store.recordings.find(self._recording.uuid) is None

    def _matrix(self, rows: list[Row]) -> NDArray[np.float64]:
        matrix = np.array(rows).reshape(len(rows), len(COLUMNS))
        if len(rows) and self._store.consents.refusal(self._subject, "measures", *self._moments(matrix)):
            matrix[:, SLICES["measures"]] = np.nan
        return matrix

    def _set(self, marks: Sequence[tuple[datetime, str, str]]) -> None:
        now = self._store.now()
        for at, text, source in marks:  # a sensor's clock may run ahead
            self._store.annotations.add(
                self._subject, "event", text,
                at=min(now, at), recording_id=self._recording.id, data={"source": source},
            )  # fmt: skip

    def _agreed(self, figures: Sequence[Figure]) -> list[Figure]:
        """Return the figures that a consent names; the others go no further than this."""
        now, start = self._store.now(), self._recording.started_at
        refused: dict[tuple[str, float, float], bool] = {}
        agreed = []
        for each in figures:
            key = signal_of(each.measure), each.start_s, each.end_s
            if key not in refused:
                moments = [min(now, start + timedelta(seconds=at_s)) for at_s in key[1:]]
                refused[key] = self._store.consents.refusal(self._subject, key[0], *moments) is not None
            if not refused[key]:
                agreed.append(each)
        return agreed

    def _moments(self, matrix: NDArray[np.float64]) -> list[datetime]:
        """Return when the first and the last of some rows were recorded; a source's clock may run ahead."""
        now, started_at = self._store.now(), self._recording.started_at
        times_s = matrix[[0, -1], SLICES["time_s"]].ravel().tolist()
        return [min(now, started_at + timedelta(seconds=time_s)) for time_s in times_s]

    def _bear(self, error: StoreError) -> None:
        now_s = self._clock()
        self._troubled_s = now_s if self._troubled_s is None else self._troubled_s
        self.trouble = str(error)
        if now_s - self._troubled_s >= PATIENCE_S or self._end is not None:
            raise error

    def _withdraw(self, why: str) -> None:
        """Close what was stored before, where it is still there."""
        self._stop(why)
        if self._store.recordings.find(self._recording.uuid) is not None:
            self._store.readings.pack(self._recording.id)
            self._store.signals.pack(self._recording.id)
            self._store.recordings.finish(self._recording.id, state="interrupted")

    def _conclude(self) -> None:
        # First what must not be missing, as who ends the program may not wait for the rest.
        self._store.recordings.finish(self._recording.id, state=self._end or "finished", finalized=False)
        finalize(self._store, self._recording.id, self._find)

    def _stop(self, why: str) -> None:
        with self._news:
            self.stopped = self.stopped or why
            self.lost += len(self._rows)
            self._rows.clear()
            self._figures.clear()
            self._marks.clear()
            self._news.notify_all()
