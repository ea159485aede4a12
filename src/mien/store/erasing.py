"""Erasing: the rows first, then what they leave behind in the file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, exists, func, select, union_all
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store.database import BUSY_S, Database
from mien.store.schema import (
    AnnotationRow,
    Base,
    BaselineRow,
    ChunkRow,
    ConsentRow,
    EventRow,
    FigureRow,
    NeutralFaceRow,
    RecordingRow,
    SegmentRow,
    SelfReportRow,
    SignalRow,
    SubjectRow,
    TextRow,
    UserRow,
)
from mien.store.types import Subject

UNCLEAN: Final = "unclean"
"""The text that notes that there are traces of erased rows."""

_OF_SUBJECT: Final[dict[str, Any]] = {
    "consents": ConsentRow,
    "recordings": RecordingRow,
    "annotations": AnnotationRow,
    "self_reports": SelfReportRow,
    "baselines": BaselineRow,
    "neutral_faces": NeutralFaceRow,
    "users": UserRow,
    "figures": FigureRow,
}


def count_rows(session: Session, subject: Subject) -> dict[str, int]:
    """Count what a store holds of a subject: rows by kind, and readings."""
    own = select(RecordingRow.id).where(RecordingRow.subject_id == subject.id)
    stored = union_all(
        *(select(table.rows).where(table.recording_id.in_(own)) for table in (ChunkRow, SegmentRow))
    ).subquery()
    counts = {
        name: select(func.count()).select_from(table).where(table.subject_id == subject.id)
        for name, table in _OF_SUBJECT.items()
    }
    counts["events"] = select(func.count()).select_from(EventRow).where(EventRow.recording_id.in_(own))
    counts["signals"] = select(func.coalesce(func.sum(SignalRow.rows), 0)).where(
        SignalRow.recording_id.in_(own)
    )
    counts["readings"] = select(func.coalesce(func.sum(stored.c.rows), 0))
    return {name: int(session.scalar(count) or 0) for name, count in counts.items()}


def erase_rows(session: Session, subject: Subject) -> dict[str, int]:
    """Delete a subject with all that hangs on it, and note that the file has to be cleaned.

    Returns:
        What was deleted; see `count_rows`.

    Raises:
        StoreError: there is no such subject any more.
    """
    counts = count_rows(session, subject)
    row = session.get(SubjectRow, subject.id)
    if row is None:
        raise StoreError(f"subject {subject.code} no longer exists: it was erased")
    session.delete(row)
    note_unclean(session)
    session.flush()
    return counts


def old_recordings(session: Session, now: datetime) -> dict[SubjectRow, list[RecordingRow]]:
    """Return the recordings that are older than their subject wants them kept."""
    limited = session.scalars(select(SubjectRow).where(SubjectRow.retention_days.is_not(None))).all()
    found = {}
    for subject in limited:
        oldest = now - timedelta(days=subject.retention_days or 0)
        old = select(RecordingRow).where(
            RecordingRow.subject_id == subject.id, RecordingRow.started_at < oldest
        )
        if rows := list(session.scalars(old)):
            found[subject] = rows
    return found


def note_unclean(session: Session) -> None:
    """Note that rows were erased whose traces are still in the file."""
    session.merge(TextRow(name=UNCLEAN, value=True))


def is_unclean(session: Session) -> bool:
    """Return whether rows were erased whose traces may still be in the file."""
    return bool(session.scalar(select(exists().where(TextRow.name == UNCLEAN))))


def clean(database: Database) -> None:
    """Take away what erased rows leave behind: free pages, old changes beside the file, dead rows.

    Raises:
        StoreError: another program reads or writes just now, or the disk is full; the store is whole, and is
            cleaned when it is opened next.
    """
    try:
        _clean_file(database) if database.address.path else _clean_tables(database)
    except StoreError as error:
        raise StoreError(
            f"{error} (the rows are erased; their traces in the file are removed when Mien next opens it)"
        ) from error
    with database.transaction() as session:
        session.execute(delete(TextRow).where(TextRow.name == UNCLEAN))


def _clean_file(database: Database) -> None:
    with database.outside_transaction() as connection:
        for command in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            answer = connection.exec_driver_sql(command)
            if answer.returns_rows and answer.one()[0]:
                raise StoreError(f"{database} is busy: another program is reading it")


def _clean_tables(database: Database) -> None:
    with database.outside_transaction() as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{BUSY_S:g}s'")
        connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {', '.join(Base.metadata.tables)}")
