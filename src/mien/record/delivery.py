"""Writing what came in to the store: as its subject agrees, in order, and exactly once.

Of what was sent when a connection broke off, nobody knows whether it is stored. So before anything is sent
again, the store is asked what it has, while nobody else can write to the recording.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConsentError, StoreError
from mien.record.spool import SUFFIX, Batch, Mark, Spool, joined
from mien.signals.types import Figure
from mien.store.codec import SLICES
from mien.store.signals import signal_of
from mien.store.store import Store
from mien.store.types import RecordingState, StoredRecording, Subject
from mien.wording import reason

ROWS_AT_ONCE: Final = 1500
"""So many rows that have waited go in one transaction; more would be packed at once, each with a line in the
audit log, for which all stations would wait for each other."""

LATE_S: Final = 60.0
"""For what is older, the consent of then counts and not that of now."""

_HALF_STEP_S: Final = 0.5e-6

_log = logging.getLogger(__name__)


class Delivery:
    """Writes batches of one recording.

    Args:
        store: where to.
        subject: who has agreed.
        recording: an open one.
        film: its own time counts for the consent, and never now.
    """

    def __init__(self, store: Store, subject: Subject, recording: StoredRecording, *, film: bool) -> None:
        self._store, self._subject, self._recording, self._film = store, subject, recording, film

    def write(self, batch: Batch, *, again: bool) -> list[Figure]:
        """Write a batch, all of it or nothing; an empty one says that its writer lives.

        Args:
            batch: the next one.
            again: it, or a part of it, may be stored already.

        Returns:
            Its figures that are stored: a consent names them.

        Raises:
            GoneError: the recording was erased.
            ConsentError: the subject does not agree any more.
            StoreError: it can't be written.
        """
        with self._store.transaction():
            self._require(batch)
            if again:
                batch = self._new(batch)
            self._store.readings.append(self._recording.id, self._matrix(batch.rows))
            agreed = self._agreed(batch.figures)
            self._store.signals.add(self._recording.id, agreed)
            self._set(batch.marks)
        return agreed

    def _require(self, batch: Batch) -> None:
        """Raise unless what is recorded just now may be stored.

        Raises:
            GoneError: the recording was erased.
            ConsentError: there is no consent any more.
        """
        gone = GoneError(f"the recording of {self._subject.code} was erased; nothing more is stored")
        if self.is_gone():
            raise gone
        if self._film or self._is_late(batch.rows):
            return
        try:
            self._store.consents.require(self._subject, "expression")
        except ConsentError:
            if self.is_gone():  # erased since we looked, and the consents with it
                raise gone from None
            raise

    def is_gone(self) -> bool:
        """Return whether the recording was erased."""
        return self._store.recordings.find(self._recording.uuid) is None

    def _is_late(self, rows: NDArray[np.float64]) -> bool:
        return len(rows) > 0 and self._store.now() - self._moments(rows)[-1] > timedelta(seconds=LATE_S)

    def _new(self, batch: Batch) -> Batch:
        """Return what of a batch the store hasn't got."""
        last_s = self._store.readings.last_s(self._recording.id)
        if last_s is not None:
            after = batch.rows[:, SLICES["time_s"]].ravel() > last_s + _HALF_STEP_S
            batch = replace(batch, rows=batch.rows[after])
        if batch.figures:
            have = {_name(each) for each in self._store.signals.of(self._recording.id)}
            batch = replace(batch, figures=[each for each in batch.figures if _name(each) not in have])
        if batch.marks:
            marks = {
                (each.at, each.text)
                for each in self._store.annotations.of(self._subject)
                if each.recording_id == self._recording.id
            }
            batch = replace(batch, marks=[each for each in batch.marks if each[:2] not in marks])
        return batch

    def _matrix(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        refused = len(rows) and self._store.consents.refusal(self._subject, "measures", *self._moments(rows))
        if refused:
            rows = rows.copy()
            rows[:, SLICES["measures"]] = np.nan
        return rows

    def _set(self, marks: Sequence[Mark]) -> None:
        for at, text, source in marks:
            self._store.annotations.add(
                self._subject, "event", text,
                at=at, recording_id=self._recording.id, data={"source": source},
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

    def _moments(self, rows: NDArray[np.float64]) -> list[datetime]:
        """Return when the first and the last of some rows were recorded; a source's clock may run ahead."""
        now, started_at = self._store.now(), self._recording.started_at
        times_s = rows[[0, -1], SLICES["time_s"]].ravel().tolist()
        return [min(now, started_at + timedelta(seconds=time_s)) for time_s in times_s]


class GoneError(StoreError):
    """A recording was erased while it was being written."""


def _name(figure: Figure) -> tuple[object, ...]:
    """Return what tells a figure from the others, as the store keeps it."""
    return figure.signal, figure.measure, round(1000 * figure.start_s), round(1000 * figure.end_s)


def deliver_waiting(store: Store, folder: Path) -> list[StoredRecording]:
    """Deliver what programs that ended have left of recordings of this store, and end those recordings.

    What belongs to a program that runs is left alone. What can't be read, or is refused, waits on, and a line
    in the log says so: one file holds up neither the others nor the start.

    Args:
        store: where to.
        folder: where it waits; what is there and not in the store was erased, and is removed.

    Returns:
        The recordings, which have ended and are not finalized.

    Raises:
        StoreError: the store can't be read.
    """
    delivered = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        recording = store.recordings.find(path.stem)
        try:
            if recording is None:
                path.unlink(missing_ok=True)
                _log.warning("%s is removed: its recording was erased", path)
            else:
                delivered += _deliver(store, recording, path)
        except BlockingIOError:
            continue
        except (OSError, StoreError) as error:
            _log.warning("%s waits on: %s", path, reason(error))
    return delivered


def _deliver(store: Store, recording: StoredRecording, path: Path) -> list[StoredRecording]:
    """Deliver what waits in a file, and return its recording where it ended with that."""
    subject = store.subjects.by_id(recording.subject_id)
    spool, done = Spool(path, store.subjects.waiting_key(subject, recording.uuid)), False
    try:
        # Looked at again: until the file was ours, a program that ran may have ended it.
        now = store.recordings.find(recording.uuid)
        end = None if now is None or now.state == "finished" else _emptied(store, subject, now, spool)
        ended = [store.recordings.finish(recording.id, state=end, finalized=False)] if end else []
        done = True
    finally:
        spool.close(remove=done)
    return ended


def _emptied(
    store: Store, subject: Subject, recording: StoredRecording, spool: Spool
) -> RecordingState | None:
    """Write all that waits, and return how the recording ended; None where it was erased meanwhile."""
    delivery, end = Delivery(store, subject, recording, film=True), None
    while len(spool):
        batches = spool.first(ROWS_AT_ONCE)
        batch = joined(batches)
        end = batch.end or end
        try:
            delivery.write(batch, again=True)
        except (ConsentError, GoneError) as error:
            _log.warning("%d readings that waited are not stored: %s", spool.rows, error)
            break
        spool.drop(len(batches))
    return None if delivery.is_gone() else end or "interrupted"
