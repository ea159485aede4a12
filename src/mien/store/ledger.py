"""The one door into the record: no row about a subject comes in, changes or goes but through here.

What is stored for a subject needs a consent; and each row that is written is sealed, and its seal logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mien.errors import ConsentError
from mien.store import seals
from mien.store.agreement import consents_of, refused
from mien.store.audit import Audit
from mien.store.engine import Database
from mien.store.schema import AnnotationRow, Base, RecordingRow, SubjectRow

SOURCE_CLOCK: Final = timedelta(seconds=5)
"""So far a source's own clock may run ahead within a recording."""


class Ledger:
    """Writes rows within a transaction, and what is to be said of them into the audit log.

    Args:
        database: an open one.
        audit: its log.
    """

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database, self._audit = database, audit

    def require_consent(
        self, session: Session, subject_id: int, moments: Sequence[datetime], *signals: str
    ) -> None:
        """Make sure that what was recorded at some moments may be stored.

        Args:
            session: of a transaction.
            subject_id: about whom it is.
            moments: when it was recorded.
            *signals: what it holds, of `SIGNALS`; nothing for what is neither, such as self-reports.

        Raises:
            ConsentError: it may not; says why.
        """
        consents, now = consents_of(session, subject_id), self._database.now()
        for signal in signals or (None,):
            if refused("", consents, signal, moments, now):
                code = session.get_one(SubjectRow, subject_id).code
                raise ConsentError(refused(code, consents, signal, moments, now))

    def add(self, session: Session, row: Any, what: str, moment: datetime, *signals: str) -> None:
        """Add a row about a subject.

        Args:
            session: of a transaction.
            row: a new one, with its `subject_id`.
            what: names it in the log.
            moment: when it was recorded.
            *signals: see `require_consent`.

        Raises:
            ConsentError: it may not be stored.
        """
        self.require_consent(session, row.subject_id, [moment], *signals)
        session.add(row)
        session.flush()
        self.added(session, row, what=what, number=row.id)

    def added(self, session: Session, row: Any, *, action: str = "add", **details: Any) -> None:
        """Log a row that was just added and needs no consent."""
        rows: seals.Rows = {seals.name_of(row): [None, seals.seal_row(session, owner_of(row), row)]}
        self.log(session, action, owner_of(row), rows, **details)

    @contextmanager
    def changing(
        self, session: Session, *rows: Any, action: str = "change", **details: Any
    ) -> Iterator[None]:
        """Log what a block changes of rows of one subject; nothing where they are as before."""
        owner = owner_of(rows[0])
        before = [seals.seal_row(session, owner, row) for row in rows]
        yield
        session.flush()
        changes: seals.Rows = {
            seals.name_of(row): [old, new]
            for row, old in zip(rows, before, strict=True)
            if (new := seals.seal_row(session, owner, row)) != old
        }
        if changes:
            self.log(session, action, owner, changes, **details)

    def remove(self, session: Session, row: Any, *, action: str = "remove", **details: Any) -> None:
        """Delete a row, and log that."""
        owner = owner_of(row)
        rows: seals.Rows = {seals.name_of(row): [seals.seal_row(session, owner, row), None]}
        session.delete(row)
        session.flush()
        self.log(session, action, owner, rows, **details)

    def remove_recordings(
        self,
        session: Session,
        recordings: Sequence[RecordingRow],
        /,
        *,
        action: str = "remove",
        **details: Any,
    ) -> None:
        """Delete recordings of one subject with their readings, events and marks, and log that."""
        rows: seals.Rows = {}
        for recording in recordings:
            rows |= {name: [found, None] for name, found in self.sealed(session, recording)}
        ids = [each.id for each in recordings]
        owner = owner_of(recordings[0])
        session.execute(delete(RecordingRow).where(RecordingRow.id.in_(ids)))
        self.log(session, action, owner, rows, **details)

    def sealed(self, session: Session, recording: RecordingRow) -> Iterator[tuple[str, str]]:
        """Give the name and seal of a recording, its segments, its events and the marks on it."""
        yield seals.name_of(recording), seals.seal_row(session, recording.subject_id, recording)
        yield from seals.seal_segments(session, recording)
        if events := seals.seal_events(session, recording):
            yield seals.events_name(recording.id), events
        for mark in session.scalars(select(AnnotationRow).where(AnnotationRow.recording_id == recording.id)):
            yield seals.name_of(mark), seals.seal_row(session, mark.subject_id, mark)

    def log(
        self, session: Session, action: str, subject_id: int | None, rows: seals.Rows, **details: Any
    ) -> None:
        """Add a line to the log about rows that were written."""
        number = None if subject_id is None else session.get_one(SubjectRow, subject_id).number
        self._audit.write(action, number, details | {"rows": rows})


def owner_of(row: Base) -> int | None:
    """Give the number of the subject whom a row is about; None for nobody's."""
    found: int | None = row.id if isinstance(row, SubjectRow) else getattr(row, "subject_id", None)
    return found
