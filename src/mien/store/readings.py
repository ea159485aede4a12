"""The readings of the recordings: appended in small chunks, packed into few segments, loaded as columns.

The class is what others use; the functions below it work within a transaction, for `recordings` too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store import codec, seals
from mien.store.figures import forget
from mien.store.ledger import Ledger, Part, find_recording
from mien.store.schema import ChunkRow, EventRow, RecordingRow, SegmentRow, value_of
from mien.store.types import Event

_MICROSECONDS: Final = 6

LARGE_ROWS: Final = 2_000
"""So many rows at once are packed as they come."""

LONGEST_STEP_S: Final = 2.0
"""What lies between two frames further apart than this was not watched; as in `mood.series`."""

Segment = tuple[type[ChunkRow] | type[SegmentRow], dict[str, Any]]
"""A row of readings to be written, and its table: a segment, or a chunk while there are few."""


class Readings(Part):
    """The readings and events of all recordings."""

    def append(self, recording_id: int, readings: codec.Columns | NDArray[np.float64]) -> None:
        """Add readings at a recording's end, or none; either says that its writer lives.

        A recording that was taken for interrupted is open again.

        Args:
            recording_id: of a recording that is not finished.
            readings: (n, columns) in the order of `codec.COLUMNS`, NaN where there is nothing; or fields of n
                rows as in `mood.series.Series`, and "frame", "x", "y", "width", "height", "detection", of
                which only `time_s` is needed. They are rounded as the table is.

        Raises:
            ConsentError: no consent to what is in them held when they were recorded, or it was withdrawn.
            StoreError: there is no such recording, it is finished, times don't go on from the last ones, or
                it can't be written.
        """
        counts = codec.to_counts(readings)
        # Written out before the transaction begins, so that nobody else waits for it.
        new = _written(counts)
        with self._database.transaction() as session:
            row = find_recording(session, recording_id, lock=True)
            if row.state == "finished":
                raise StoreError(f"recording {recording_id} is finished; start another one")
            self._reopen(session, row)
            if not new:
                return
            before_s = _last_s(session, recording_id)
            codec.check_rising(counts, before_s)
            first_s, last_s = codec.span_s(counts)
            measured = bool((counts[:, codec.SLICES["measures"]] != codec.MISSING).any())
            signals = ("expression", "measures") if measured else ("expression",)
            self._ledger.require_consent_between(session, row, first_s, last_s, *signals)
            row.length_s = round(
                row.length_s + last_s - (first_s if before_s is None else before_s), _MICROSECONDS
            )
            row.frames += len(counts)
            if new[0][0] is SegmentRow:  # else a later packing would join what lies before it and behind it
                pack_chunks(session, self._ledger, row)
            _add(session, self._ledger, row, new)
            forget(session, row)

    def _reopen(self, session: Session, row: RecordingRow) -> None:
        """Note that a recording is being written."""
        if row.state == "open":
            row.heartbeat_at = self._database.now()
            return
        with self._ledger.changing(session, row, what="recording", number=row.id, state="open"):
            row.heartbeat_at, row.state, row.coverage = self._database.now(), "open", None

    def last_s(self, recording_id: int) -> float | None:
        """Return the time of a recording's last reading, None without any; within a transaction it stays so.

        Raises:
            StoreError: there is no such recording.
        """
        with self._database.transaction() as session:
            find_recording(session, recording_id, lock=True)
            return _last_s(session, recording_id)

    def pack(self, recording_id: int) -> None:
        """Make compact segments of a recording's chunks; all of it or nothing.

        Raises:
            StoreError: there is no such recording, or it can't be read or written.
        """
        with self._database.transaction() as session:
            pack_chunks(session, self._ledger, find_recording(session, recording_id, lock=True))

    def load(
        self,
        recording_id: int,
        start_s: float | None = None,
        end_s: float | None = None,
        fields: Sequence[str] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Return a recording's readings, also while it is being written.

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
            counts = _load(session, recording_id, columns, start_s, end_s)
        self._audit.read(subject_id, "readings", recording_id)
        loaded = codec.from_counts(counts)
        kept = np.ones(len(counts), bool)
        if start_s is not None:
            kept &= loaded["time_s"] >= start_s
        if end_s is not None:
            kept &= loaded["time_s"] <= end_s
        return {name: loaded[name][kept] for name in (codec.SLICES if fields is None else fields)}

    def size_bytes(self, recording_id: int) -> int:
        """Return how much room a recording's readings take; 0 where there are none."""
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
        """Return what was found in a recording, by onset.

        Raises:
            StoreError: there is no such recording.
        """
        query = select(EventRow).where(EventRow.recording_id == recording_id)
        with self._database.reading() as session:
            subject_id = find_recording(session, recording_id).subject_id
            rows = session.scalars(query.order_by(EventRow.onset_s, EventRow.id)).all()
        self._audit.read(subject_id, "readings", recording_id)
        return [value_of(Event, row) for row in rows]


def _written(counts: codec.Counts) -> list[Segment]:
    """Write readings out, as a chunk where they are few and as segments where they are many."""
    if len(counts) >= LARGE_ROWS:
        return [_segment(segment) for segment in codec.segments(counts)]
    return [(ChunkRow, _span(counts) | {"data": codec.write_chunk(counts)})] if len(counts) else []


def _add(session: Session, ledger: Ledger, recording: RecordingRow, segments: Sequence[Segment]) -> None:
    """Put segments at the end of a recording, bound to the log by its lines; chunks by their hash."""
    sealed: seals.Rows = {}
    for table, cells in segments:
        last = _newest(session, recording.id, table.number, table)
        cells |= {"recording_id": recording.id, "number": 0 if last is None else last + 1}
        session.execute(insert(table).values(cells))
        if table is ChunkRow:
            recording.chunks_hash = seals.chained(recording.chunks_hash, cells)
        else:
            name = seals.packed_name(SegmentRow, recording.id, cells["number"])
            sealed[name] = [None, seals.seal_cells(session, recording.subject_id, SegmentRow, cells)]
    if sealed:
        ledger.log(session, "add", recording.subject_id, sealed, what="readings", recording=recording.id)


def _last_s(session: Session, recording_id: int) -> float | None:
    """Return the time of a recording's last reading; None where there is none."""
    ends = [_newest(session, recording_id, table.end_s, table) for table in (ChunkRow, SegmentRow)]
    return max((end for end in ends if end is not None), default=None)


def pack_chunks(session: Session, ledger: Ledger, recording: RecordingRow) -> None:
    """Make segments of a recording's chunks; that these were altered before stays known."""
    mine = ChunkRow.recording_id == recording.id
    chunks = session.scalars(select(ChunkRow.data).where(mine).order_by(ChunkRow.number)).all()
    counts = [codec.read_chunk(data) for data in chunks]
    found = seals.unpacked_hash(session, recording.id, ChunkRow)
    if found != recording.chunks_hash:
        altered: seals.Rows = {f"chunks/{recording.id}": [found or seals.NOTHING, None]}
        ledger.log(session, "change", recording.subject_id, altered, what="readings", recording=recording.id)
    recording.chunks_hash = None
    if counts:
        packed = [_segment(segment) for segment in codec.segments(np.concatenate(counts))]
        _add(session, ledger, recording, packed)
        session.execute(delete(ChunkRow).where(mine))


def _load(
    session: Session,
    recording_id: int,
    columns: tuple[str, ...] = codec.COLUMNS,
    start_s: float | None = None,
    end_s: float | None = None,
) -> codec.Counts:
    """Return the readings of all segments and chunks that touch a span of time, in order.

    Args:
        session: of a transaction.
        recording_id: of which recording.
        columns: only these are sure to be filled.
        start_s: of the span; None is open.
        end_s: of the span; None is open.
    """
    segments = session.scalars(_touching(SegmentRow, recording_id, start_s, end_s)).all()
    chunks = session.scalars(_touching(ChunkRow, recording_id, start_s, end_s)).all()
    found = [(row.start_s, codec.read_segment(row.data, row.format, columns)) for row in segments]
    found += [(row.start_s, codec.read_chunk(row.data)) for row in chunks]
    found.sort(key=lambda each: each[0])
    return np.concatenate([np.empty((0, len(codec.COLUMNS)), np.int64), *(counts for _, counts in found)])


def usable_share(session: Session, recording_id: int) -> float:
    """Return for which share of a recording there is a usable reading; 0 where there is no frame."""
    counts = _load(session, recording_id, ("time_s", "expression"))
    if not len(counts):
        return 0.0
    loaded = codec.from_counts(counts)
    return coverage(loaded["time_s"], loaded["expression"] >= 0)


def coverage(time_s: NDArray[np.float64], usable: NDArray[np.bool_]) -> float:
    """Return for which share of the time there is a usable reading.

    Each frame stands for the time to the next one, but for nothing where that is more than two seconds, and
    the last frame for the median of the others.

    Args:
        time_s: (n,) rising, n > 0.
        usable: (n,).
    """
    steps = np.diff(time_s)
    watched = steps <= LONGEST_STEP_S
    last_s = float(np.median(steps[watched])) if watched.any() else 1.0
    stands_s = np.append(np.where(watched, steps, 0.0), last_s)
    return float(stands_s[usable].sum() / (time_s[-1] - time_s[0] + last_s))


def _touching(table: Any, recording_id: int, start_s: float | None, end_s: float | None) -> Select[Any]:
    query = select(table).where(table.recording_id == recording_id)
    if start_s is not None:
        query = query.where(table.end_s >= start_s)
    return query if end_s is None else query.where(table.start_s <= end_s)


def _segment(counts: codec.Counts) -> Segment:
    return SegmentRow, _span(counts) | {"format": codec.SEGMENT_FORMAT, "data": codec.write_segment(counts)}


def _span(counts: codec.Counts) -> dict[str, Any]:
    start_s, end_s = codec.span_s(counts)
    return {"start_s": start_s, "end_s": end_s, "rows": len(counts)}


def _newest(session: Session, recording_id: int, column: Any, table: Any) -> Any:
    """Return what stands in a column of a recording's last chunk or segment; None where there is none."""
    mine = select(column).where(table.recording_id == recording_id)
    return session.scalar(mine.order_by(table.number.desc()).limit(1))
