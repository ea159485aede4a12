"""The readings of the recordings: appended in small chunks, packed into few segments, loaded as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store import codec, pieces, seals
from mien.store.audit import Audit
from mien.store.engine import Database
from mien.store.figures import forget
from mien.store.ledger import SOURCE_CLOCK, Ledger
from mien.store.pieces import find_recording
from mien.store.schema import ChunkRow, EventRow, RecordingRow, SegmentRow
from mien.store.types import Event

_MICROSECONDS = 6


class Readings:
    """The readings and events of all recordings.

    Args:
        database: where they are.
        audit: where it is logged that they are read.
        ledger: where what is written goes.
    """

    def __init__(self, database: Database, audit: Audit, ledger: Ledger) -> None:
        self._database, self._audit, self._ledger = database, audit, ledger

    def append(self, recording_id: int, columns: codec.Columns) -> None:
        """Add readings at a recording's end, or none; either says that its writer lives.

        A recording that was taken for interrupted is open again.

        Args:
            recording_id: of a recording that is not finished.
            columns: fields of n rows as in `mood.series.Series`, and "frame", "x", "y", "width", "height",
                "detection"; `time_s` is needed, any other may be left out. They are rounded as the table is.

        Raises:
            ConsentError: no consent to what is in them held when they were recorded, or it was withdrawn.
            StoreError: there is no such recording, it is finished, times don't go on from the last ones, or
                it can't be written.
        """
        counts = codec.to_counts(columns)
        # Written out before the transaction begins, so that nobody else waits for it.
        new = pieces.written(counts)
        with self._database.transaction() as session:
            row = find_recording(session, recording_id, lock=True)
            if row.state == "finished":
                raise StoreError(f"recording {recording_id} is finished; start another one")
            self._reopen(session, row)
            if not new:
                return
            before_s = pieces.last_s(session, recording_id)
            codec.check_rising(counts, before_s)
            first_s, last_s = codec.span_s(counts)
            self._require_consent(session, row, first_s, last_s, columns)
            row.length_s = round(
                row.length_s + last_s - (first_s if before_s is None else before_s), _MICROSECONDS
            )
            row.frames += len(counts)
            pieces.add(session, self._ledger, row, new)
            forget(session, row)

    def _reopen(self, session: Session, row: RecordingRow) -> None:
        """Say that a recording is being written."""
        if row.state == "open":
            row.heartbeat_at = self._database.now()
            return
        with self._ledger.changing(session, row, what="recording", number=row.id, state="open"):
            row.heartbeat_at, row.state, row.coverage = self._database.now(), "open", None

    def _require_consent(
        self, session: Session, row: RecordingRow, first_s: float, last_s: float, columns: codec.Columns
    ) -> None:
        """Look whether the subject agreed to what readings hold, from their first to their last moment."""
        start, now = row.started_at, self._database.now()
        first = start + timedelta(seconds=first_s)
        last = max(first, start + timedelta(seconds=last_s) - SOURCE_CLOCK)
        measured = "measures" in columns and bool(np.isfinite(columns["measures"]).any())
        signals = ("expression", "measures") if measured else ("expression",)
        # The clock of a source may run ahead of ours.
        self._ledger.require_consent(session, row.subject_id, [min(first, now), min(last, now)], *signals)

    def pack(self, recording_id: int) -> None:
        """Make compact segments of a recording's chunks; all of it or nothing.

        Raises:
            StoreError: there is no such recording, or it can't be read or written.
        """
        with self._database.transaction() as session:
            pieces.pack(session, self._ledger, find_recording(session, recording_id, lock=True))

    def load(
        self,
        recording_id: int,
        start_s: float | None = None,
        end_s: float | None = None,
        fields: Sequence[str] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Give a recording's readings, also while it is being written.

        Args:
            recording_id: of which recording.
            start_s: only from this time, included.
            end_s: only up to this time, included.
            fields: only these, which is quicker; all when left out.

        Returns:
            The fields, as in `append`: exactly what was appended, rounded. NaN, or -1, where there was
            nothing.

        Raises:
            StoreError: there is no such recording, or it is damaged.
        """
        wanted = ("time_s", *(codec.SLICES if fields is None else fields))
        columns = tuple(
            dict.fromkeys(name for field in wanted for name in codec.COLUMNS[codec.SLICES[field]])
        )
        with self._database.reading() as session:
            subject_id = find_recording(session, recording_id).subject_id
            counts = pieces.load(session, recording_id, columns, start_s, end_s)
        self._audit.read(subject_id, "readings", recording_id)
        loaded = codec.from_counts(counts)
        kept = np.ones(len(counts), bool)
        if start_s is not None:
            kept &= loaded["time_s"] >= start_s
        if end_s is not None:
            kept &= loaded["time_s"] <= end_s
        return {name: loaded[name][kept] for name in (codec.SLICES if fields is None else fields)}

    def size_bytes(self, recording_id: int) -> int:
        """Say how much room a recording's readings take; 0 where there are none."""
        with self._database.reading() as session:
            sizes = [
                session.scalar(
                    select(func.sum(func.length(table.data))).where(table.recording_id == recording_id)
                )
                for table in (ChunkRow, SegmentRow)
            ]
        return sum(int(size or 0) for size in sizes)

    def add_events(self, recording_id: int, events: Sequence[Event]) -> None:
        """Add what was found in a recording.

        Raises:
            StoreError: there is no such recording, or it can't be written.
        """
        self._write_events(recording_id, events, anew=False)

    def set_events(self, recording_id: int, events: Sequence[Event]) -> None:
        """Put these in the place of what was found in a recording before.

        Raises:
            StoreError: there is no such recording, or it can't be written.
        """
        self._write_events(recording_id, events, anew=True)

    def _write_events(self, recording_id: int, events: Sequence[Event], *, anew: bool) -> None:
        cells = [asdict(event) | {"recording_id": recording_id} for event in events]
        with self._database.transaction() as session:
            row = find_recording(session, recording_id, lock=True)
            before = seals.seal_events(session, row)
            if anew:
                session.execute(delete(EventRow).where(EventRow.recording_id == recording_id))
            if cells:
                session.execute(insert(EventRow), cells)
            after = seals.seal_events(session, row)
            if before != after:
                sealed: seals.Rows = {seals.events_name(row.id): [before, after]}
                action = "add" if before is None else "change"
                self._ledger.log(session, action, row.subject_id, sealed, what="events", recording=row.id)
            forget(session, row)

    def events(self, recording_id: int) -> list[Event]:
        """Give what was found in a recording, by onset.

        Raises:
            StoreError: there is no such recording.
        """
        query = select(EventRow).where(EventRow.recording_id == recording_id)
        with self._database.reading() as session:
            subject_id = find_recording(session, recording_id).subject_id
            rows = session.scalars(query.order_by(EventRow.onset_s, EventRow.id)).all()
        self._audit.read(subject_id, "readings", recording_id)
        return [
            Event(row.kind, row.label, row.onset_s, row.apex_s, row.offset_s, row.peak)  # type: ignore[arg-type]
            for row in rows
        ]
