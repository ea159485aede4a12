"""The pieces that readings lie in, within a transaction: chunks as they come in, segments when packed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, delete, insert, select
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store import codec, seals
from mien.store.ledger import Ledger
from mien.store.schema import ChunkRow, RecordingRow, SegmentRow

LARGE_ROWS: Final = 2_000
"""So many rows at once are packed as they come."""

LONGEST_STEP_S: Final = 2.0
"""What lies between two frames further apart than this was not watched; as in `mood.series`."""

Piece = tuple[type[ChunkRow] | type[SegmentRow], dict[str, Any]]
"""A row to be written, and its table."""


def find_recording(session: Session, recording_id: int, *, lock: bool = False) -> RecordingRow:
    """Give a recording's row.

    Args:
        session: of a transaction.
        recording_id: which.
        lock: let nobody else change it until the transaction ends.

    Raises:
        StoreError: there is none.
    """
    row = session.get(RecordingRow, recording_id, with_for_update=lock or None)
    if row is None:
        raise StoreError(f"recording {recording_id} is not in the store; it may have been erased")
    return row


def written(counts: codec.Counts) -> list[Piece]:
    """Write readings out, as a chunk where they are few and as segments where they are many."""
    if len(counts) >= LARGE_ROWS:
        return [_segment(piece) for piece in codec.pieces(counts)]
    return [(ChunkRow, _span(counts) | {"data": codec.write_chunk(counts)})] if len(counts) else []


def add(session: Session, ledger: Ledger, recording: RecordingRow, pieces: Sequence[Piece]) -> None:
    """Put pieces at the end of a recording, bound to the log: segments by its lines, chunks by their hash."""
    sealed: seals.Rows = {}
    for table, cells in pieces:
        last = _newest(session, recording.id, table.number, table)
        cells |= {"recording_id": recording.id, "number": 0 if last is None else last + 1}
        session.execute(insert(table).values(cells))
        if table is ChunkRow:
            recording.chunks_hash = seals.chained(recording.chunks_hash, cells)
        else:
            name = seals.segment_name(recording.id, cells["number"])
            sealed[name] = [None, seals.seal_segment(session, recording.subject_id, cells)]
    if sealed:
        ledger.log(session, "add", recording.subject_id, sealed, what="readings", recording=recording.id)


def last_s(session: Session, recording_id: int) -> float | None:
    """Give the time of a recording's last reading; None where there is none."""
    ends = [_newest(session, recording_id, table.end_s, table) for table in (ChunkRow, SegmentRow)]
    return max((end for end in ends if end is not None), default=None)


def pack(session: Session, ledger: Ledger, recording: RecordingRow) -> None:
    """Make segments of a recording's chunks; that these were altered before stays known."""
    mine = ChunkRow.recording_id == recording.id
    chunks = session.scalars(select(ChunkRow.data).where(mine).order_by(ChunkRow.number)).all()
    counts = [codec.read_chunk(data) for data in chunks]
    found = seals.chunks_hash(session, recording.id)
    if found != recording.chunks_hash:
        altered: seals.Rows = {f"chunks/{recording.id}": [found, None]}
        ledger.log(session, "change", recording.subject_id, altered, what="readings", recording=recording.id)
    recording.chunks_hash = None
    if counts:
        packed = [_segment(piece) for piece in codec.pieces(np.concatenate(counts))]
        add(session, ledger, recording, packed)
        session.execute(delete(ChunkRow).where(mine))


def load(
    session: Session,
    recording_id: int,
    columns: tuple[str, ...] = codec.COLUMNS,
    start_s: float | None = None,
    end_s: float | None = None,
) -> codec.Counts:
    """Give the readings of all pieces that touch a span of time, in order.

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
    found.sort(key=lambda piece: piece[0])
    return np.concatenate([np.empty((0, len(codec.COLUMNS)), np.int64), *(counts for _, counts in found)])


def usable_share(session: Session, recording_id: int) -> float:
    """Say for which share of a recording there is a usable reading; 0 where there is no frame."""
    counts = load(session, recording_id, ("time_s", "expression"))
    if not len(counts):
        return 0.0
    loaded = codec.from_counts(counts)
    return coverage(loaded["time_s"], loaded["expression"] >= 0)


def coverage(time_s: NDArray[np.float64], usable: NDArray[np.bool_]) -> float:
    """Say for which share of the time there is a usable reading.

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


def _segment(counts: codec.Counts) -> Piece:
    return SegmentRow, _span(counts) | {"format": codec.SEGMENT_FORMAT, "data": codec.write_segment(counts)}


def _span(counts: codec.Counts) -> dict[str, Any]:
    start_s, end_s = codec.span_s(counts)
    return {"start_s": start_s, "end_s": end_s, "rows": len(counts)}


def _newest(session: Session, recording_id: int, column: Any, table: Any) -> Any:
    """Give what stands in a column of a recording's last chunk or segment; None where there is none."""
    mine = select(column).where(table.recording_id == recording_id)
    return session.scalar(mine.order_by(table.number.desc()).limit(1))
