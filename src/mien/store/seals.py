"""Seals: a keyed hash of each row's content, which the audit log keeps; docs/store.md describes it.

The key belongs to the subject and is erased with them: what stays in the log then tells nobody what was in
the rows, not even whoever guesses it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import JSON, Column, Double, Integer, Table, select
from sqlalchemy.orm import Session

from mien.store.schema import Base, ChunkRow, EventRow, RecordingRow, SegmentRow, SubjectKeyRow

Rows = dict[str, list[str | None]]
"""What a line of the log says of rows: by name the seal before and after; None where there is no row."""

_KEY_BYTES: Final = 32
_AT_ONCE: Final = 16

# Of a recording: what only says that its writer lives, and what is sealed apart.
_NOT_SEALED: Final = {"recordings": frozenset({"heartbeat_at", "chunks_hash"})}
_NOT_WHILE_OPEN: Final = frozenset({"length_s", "frames", "coverage"})


def canonical(table: Table, values: Mapping[Any, Any]) -> bytes:
    """Return what is hashed of a row: JSON in ASCII with sorted keys, without blanks and without empty cells.

    Times are ISO 8601 in UTC; bytes are their SHA-256; 0.0 has no sign. Beside the cells there is "table",
    the table's name.
    """
    left_out = _NOT_SEALED.get(table.name, frozenset[str]())
    if table.name == "recordings" and values["state"] == "open":
        left_out |= _NOT_WHILE_OPEN
    cells: dict[str, Any] = {"table": table.name}
    for column in table.columns:
        value = None if column.name in left_out else _plain(column, values[column.name])
        if value is not None:
            cells[column.name] = value
    return json.dumps(cells, sort_keys=True, separators=(",", ":")).encode()


def seal(key: bytes, *rows: bytes) -> str | None:
    """Return the HMAC-SHA-256 of canonical rows, a line each; None of none."""
    return hmac.new(key, b"\n".join(rows), hashlib.sha256).hexdigest() if rows else None


def chained(previous: str | None, chunk: Mapping[Any, Any]) -> str:
    """Return the hash of chunks up to this one: SHA-256 of the hash up to the one before, and the chunk."""
    content = (previous or "").encode() + b"\n" + canonical(_table(ChunkRow), chunk)
    return hashlib.sha256(content).hexdigest()


def chunks_hash(session: Session, recording_id: int) -> str | None:
    """Return the hash of the chunks that a recording has, in the order of their numbers; None of none."""
    table = _table(ChunkRow)
    chosen = select(table).where(table.c.recording_id == recording_id).order_by(table.c.number)
    found = None
    for each in session.execute(chosen).mappings():
        found = chained(found, each)
    return found


def cells_of(row: Base) -> dict[str, Any]:
    """Return a row's cells."""
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def name_of(row: Base) -> str:
    """Return the name under which the log knows a row: its table, and its number or name there."""
    return f"{row.__tablename__}/{getattr(row, 'name' if row.__tablename__ == 'texts' else 'id')}"


def segment_name(recording_id: int, number: int) -> str:
    """Return the name of a segment."""
    return f"segments/{recording_id}/{number}"


def events_name(recording_id: int) -> str:
    """Return the name of a recording's events, which are sealed together."""
    return f"events/{recording_id}"


def seal_row(session: Session, subject_id: int | None, row: Base) -> str:
    """Return a row's seal."""
    found = seal(key_of(session, subject_id), canonical(_table(type(row)), cells_of(row)))
    assert found is not None
    return found


def seal_segment(session: Session, subject_id: int, cells: Mapping[Any, Any]) -> str | None:
    """Return the seal of a segment that is written by its cells."""
    return seal(key_of(session, subject_id), canonical(_table(SegmentRow), cells))


def seal_events(session: Session, recording: RecordingRow) -> str | None:
    """Return the seal of a recording's events; None where there are none."""
    table = _table(EventRow)
    chosen = select(table).where(table.c.recording_id == recording.id).order_by(table.c.id)
    rows = [canonical(table, each) for each in session.execute(chosen).mappings()]
    return seal(key_of(session, recording.subject_id), *rows)


def seal_segments(session: Session, recording: RecordingRow) -> Iterator[tuple[str, str]]:
    """Return the name and seal of each segment of a recording."""
    table, key = _table(SegmentRow), key_of(session, recording.subject_id)
    chosen = select(table).where(table.c.recording_id == recording.id).order_by(table.c.number)
    with closing(session.execute(chosen.execution_options(yield_per=_AT_ONCE))) as found:
        for each in found.mappings():
            yield segment_name(recording.id, each["number"]), str(seal(key, canonical(table, each)))


def key_of(session: Session, subject_id: int | None) -> bytes:
    """Return the key of a subject's seals, made where there is none; an empty one for what is nobody's."""
    if subject_id is None:
        return b""
    row = session.get(SubjectKeyRow, subject_id)
    if row is None:
        row = SubjectKeyRow(subject_id=subject_id, key=secrets.token_hex(_KEY_BYTES))
        session.add(row)
    return bytes.fromhex(row.key)


def _table(row: type[Base]) -> Table:
    table = row.__table__
    assert isinstance(table, Table)
    return table


def _plain(column: Column[Any], value: Any) -> Any:
    """Return a cell's value as it is after its way through any database."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes | memoryview):
        return hashlib.sha256(value).hexdigest()
    if isinstance(column.type, Double):
        return None if math.isnan(value) else float(value) + 0.0
    if isinstance(column.type, Integer):
        return int(value)
    return json.loads(json.dumps(value)) if isinstance(column.type, JSON) else value
