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

from mien.store.schema import Base, ChunkRow, EventRow, RecordingRow, SegmentRow, SignalRow, SubjectKeyRow

Rows = dict[str, list[str | None]]
"""What a line of the log says of rows: by name the seal before and after; None where there is no row."""

NOTHING: Final = "nothing"
"""Stands for what is gone where its seal is expected."""

Unpacked = type[ChunkRow] | type[SignalRow]
"""What comes in row after row of an open recording, bound by one hash of them all until it is packed."""

_KEY_BYTES: Final = 32
_AT_ONCE: Final = 16

# Of a recording: what only says that its writer lives, and what is sealed apart.
_NOT_SEALED: Final = {"recordings": frozenset({"heartbeat_at", "chunks_hash", "signals_hash"})}
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


def chained(previous: str | None, cells: Mapping[Any, Any], kind: Unpacked = ChunkRow) -> str:
    """Return the hash of rows up to this one: SHA-256 of the hash up to the one before, and the row."""
    content = (previous or "").encode() + b"\n" + canonical(_table(kind), cells)
    return hashlib.sha256(content).hexdigest()


def unpacked_hash(session: Session, recording_id: int, kind: Unpacked) -> str | None:
    """Return the hash of what a recording has that isn't packed, by its numbers; None of none."""
    table = _table(kind)
    chosen = select(table).where(table.c.recording_id == recording_id).order_by(table.c.number)
    if kind is SignalRow:
        chosen = chosen.where(table.c.packed.is_(False))
    found = None
    for each in session.execute(chosen).mappings():
        found = chained(found, each, kind)
    return found


def cells_of(row: Base) -> dict[str, Any]:
    """Return a row's cells."""
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def name_of(row: Base) -> str:
    """Return the name under which the log knows a row: its table, and its number or name there."""
    return f"{row.__tablename__}/{getattr(row, 'name' if row.__tablename__ == 'texts' else 'id')}"


def packed_name(kind: type[Base], recording_id: int, number: int) -> str:
    """Return the name of a packed stretch of readings or of signals."""
    return f"{kind.__tablename__}/{recording_id}/{number}"


def events_name(recording_id: int) -> str:
    """Return the name of a recording's events, which are sealed together."""
    return f"events/{recording_id}"


def seal_row(session: Session, subject_id: int | None, row: Base) -> str:
    """Return a row's seal."""
    found = seal(key_of(session, subject_id), canonical(_table(type(row)), cells_of(row)))
    assert found is not None
    return found


def seal_cells(session: Session, subject_id: int, kind: type[Base], cells: Mapping[Any, Any]) -> str | None:
    """Return the seal of a row that is written by its cells."""
    return seal(key_of(session, subject_id), canonical(_table(kind), cells))


def seal_events(session: Session, recording: RecordingRow) -> str | None:
    """Return the seal of a recording's events; None where there are none."""
    table = _table(EventRow)
    chosen = select(table).where(table.c.recording_id == recording.id).order_by(table.c.id)
    rows = [canonical(table, each) for each in session.execute(chosen).mappings()]
    return seal(key_of(session, recording.subject_id), *rows)


def seal_packed(session: Session, recording: RecordingRow) -> Iterator[tuple[str, str]]:
    """Return the name and seal of each packed stretch of a recording's readings and signals."""
    key = key_of(session, recording.subject_id)
    for kind in (SegmentRow, SignalRow):
        table = _table(kind)
        chosen = select(table).where(table.c.recording_id == recording.id).order_by(table.c.number)
        if kind is SignalRow:
            chosen = chosen.where(table.c.packed.is_(True))
        with closing(session.execute(chosen.execution_options(yield_per=_AT_ONCE))) as found:
            for each in found.mappings():
                name = packed_name(kind, recording.id, each["number"])
                yield name, str(seal(key, canonical(table, each)))


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
