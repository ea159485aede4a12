"""The one way into the record: no row about a subject comes in, changes or goes but through here.

What is stored for a subject needs a consent; and each row that is written is sealed, and its seal logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mien.errors import ConsentError, StoreError
from mien.store import seals
from mien.store.audit import Audit
from mien.store.database import Database
from mien.store.schema import AnnotationRow, Base, ConsentRow, RecordingRow, SubjectRow, value_of
from mien.store.types import Consent

AHEAD: Final = timedelta(minutes=2)
"""So far the clocks of two computers may differ: what is further in the future was not recorded."""

_KNOWN: Final = "consents"

SOURCE_CLOCK: Final = timedelta(seconds=5)
"""So far a source's own clock may run ahead within a recording."""


class Ledger:
    """Writes rows within a transaction, and what is to be said of them into the audit log.

    Attributes:
        database: an open one.
        audit: its log.
    """

    def __init__(self, database: Database, audit: Audit) -> None:
        self.database, self.audit = database, audit

    def require_consent(
        self, session: Session, subject_id: int, moments: Sequence[datetime], *signals: str
    ) -> None:
        """Raise unless what was recorded at some moments may be stored.

        Args:
            session: of a transaction.
            subject_id: about whom it is.
            moments: when it was recorded.
            *signals: what it holds, of `SIGNALS`; nothing for what is neither, such as self-reports.

        Raises:
            ConsentError: it may not; says why.
        """
        consents, now = consents_of(session, subject_id), self.database.now()
        for signal in signals or (None,):
            if refused("", consents, signal, moments, now):
                code = session.get_one(SubjectRow, subject_id).code
                raise ConsentError(refused(code, consents, signal, moments, now))

    def require_consent_between(
        self, session: Session, recording: RecordingRow, first_s: float, last_s: float, *signals: str
    ) -> None:
        """Raise unless what a stretch of a recording holds may be stored, from its first moment to its last.

        Args:
            session: of a transaction.
            recording: of which recording.
            first_s: where the stretch begins, from the recording's start; a source's clock may run ahead.
            last_s: where it ends.
            *signals: see `require_consent`.

        Raises:
            ConsentError: it may not; says why.
        """
        start, now = recording.started_at, self.database.now()
        first = start + timedelta(seconds=first_s)
        last = max(first, start + timedelta(seconds=last_s) - SOURCE_CLOCK)
        self.require_consent(session, recording.subject_id, [min(first, now), min(last, now)], *signals)

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
        """Delete recordings of one subject with all that belongs to them, and log that."""
        rows: seals.Rows = {}
        for recording in recordings:
            rows |= {name: [found, None] for name, found in self.sealed(session, recording)}
        ids = [each.id for each in recordings]
        owner = owner_of(recordings[0])
        session.execute(delete(RecordingRow).where(RecordingRow.id.in_(ids)))
        self.log(session, action, owner, rows, **details)

    def sealed(self, session: Session, recording: RecordingRow) -> Iterator[tuple[str, str]]:
        """Return the name and seal of a recording, and of all that belongs to it."""
        yield seals.name_of(recording), seals.seal_row(session, recording.subject_id, recording)
        yield from seals.seal_packed(session, recording)
        if events := seals.seal_events(session, recording):
            yield seals.events_name(recording.id), events
        for mark in session.scalars(select(AnnotationRow).where(AnnotationRow.recording_id == recording.id)):
            yield seals.name_of(mark), seals.seal_row(session, mark.subject_id, mark)

    def log(
        self, session: Session, action: str, subject_id: int | None, rows: seals.Rows, **details: Any
    ) -> None:
        """Add a line to the log about rows that were written."""
        number = None if subject_id is None else session.get_one(SubjectRow, subject_id).number
        self.audit.write(action, number, details | {"rows": rows})


class Part:
    """The rows of one kind in an open store: read with a note in the audit log, written through the ledger.

    Args:
        ledger: of the store.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._database, self._audit, self._ledger = ledger.database, ledger.audit, ledger


def find_recording(session: Session, recording_id: int, *, lock: bool = False) -> RecordingRow:
    """Return a recording's row.

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


def owner_of(row: Base) -> int | None:
    """Return the number of the subject whom a row is about; None for nobody's."""
    found: int | None = row.id if isinstance(row, SubjectRow) else getattr(row, "subject_id", None)
    return found


def rows_of(session: Session, subject_id: int) -> Sequence[ConsentRow]:
    """Return the rows of a subject's consents by when they were given."""
    chosen = select(ConsentRow).where(ConsentRow.subject_id == subject_id)
    return session.scalars(chosen.order_by(ConsentRow.given_at, ConsentRow.id)).all()


def consent_of(row: ConsentRow) -> Consent:
    """Return a consent by its row."""
    return value_of(Consent, row, signals=tuple(row.signals))


def consents_of(session: Session, subject_id: int) -> list[Consent]:
    """Return a subject's consents by when they were given, for the store's own use: it is not logged.

    They are read once in a transaction; see `forget_consents`.
    """
    known: dict[int, list[Consent]] = session.info.setdefault(_KNOWN, {})
    if subject_id not in known:
        known[subject_id] = [consent_of(row) for row in rows_of(session, subject_id)]
    return known[subject_id]


def forget_consents(session: Session) -> None:
    """Have consents read anew, as they were changed within a transaction."""
    session.info.pop(_KNOWN, None)


def about(consents: Sequence[Consent], signal: str | None) -> list[Consent]:
    """Return the consents to a signal; all where it is None."""
    return [each for each in consents if signal is None or signal in each.signals]


def consent_command(code: str) -> str:
    """Return the command that notes down a consent, with all that it can't do without."""
    return f"mien consent give {code} --by WHO --for TEXT"


def refused(
    code: str, consents: Sequence[Consent], signal: str | None, moments: Sequence[datetime], now: datetime
) -> str | None:
    """Return why what was recorded at some moments can't be stored; None where it can.

    A consent has to have held at each moment. Nothing is stored any more once the consent that would have
    lasted longest was withdrawn; one that has ended by itself still covers what was recorded before.

    Args:
        code: the subject's.
        consents: theirs.
        signal: one of `SIGNALS`; None for what is neither.
        moments: when it was recorded.
        now: the moment.
    """
    to_it = about(consents, signal)
    what = f" for {signal}" if signal else ""
    remedy = consent_command(code)
    if not to_it:
        return f"{code} has no consent{what}: {remedy}"
    if late := next((each for each in moments if each > now + AHEAD), None):
        return f"{code}: {_shown(late)} is in the future; expected a time up to now"
    taken_back = _withdrawn(to_it, now)
    if taken_back is not None:
        return f"{code} has no consent{what} (it was withdrawn on {taken_back:%Y-%m-%d}): {remedy}"
    for moment in moments:
        if not held(to_it, signal, moment):
            then = "" if abs(now - moment) <= AHEAD else f" that was valid on {_shown(moment)}"
            early = " --from TIME, if it was given earlier" if moment < to_it[0].given_at else ""
            return f"{code} has no consent{what}{then}{_why(to_it, moment)}: {remedy}{early}"
    return None


def _shown(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def held(consents: Sequence[Consent], signal: str | None, at: datetime) -> bool:
    """Return whether one of some consents held at a moment.

    What somebody says or notes (no signal) is often told later on the same day, so for it a consent counts
    from the beginning of its day.
    """
    if signal is not None:
        return any(each.covers(signal, at) for each in consents)
    return any(
        each.given_at.astimezone().date() <= at.astimezone().date()
        and each.covers(each.signals[0], max(at, each.given_at))
        for each in consents
    )


def _withdrawn(consents: Sequence[Consent], now: datetime) -> datetime | None:
    """Return when the consent that lasted longest was withdrawn; None where it holds or ended by itself.

    One that has yet to begin doesn't count: it would hide that those before it were withdrawn.
    """
    never = datetime.max.replace(tzinfo=UTC)
    ends = [
        (min(each.withdrawn_at or never, each.valid_until or never), each.withdrawn_at)
        for each in consents
        if each.given_at <= now
    ]
    end, withdrawn_at = max(ends, key=lambda each: each[0], default=(never, None))
    return end if end == withdrawn_at and end <= now else None


def _why(consents: Sequence[Consent], at: datetime) -> str:
    before = [each for each in consents if each.given_at <= at]
    last = before[-1] if before else consents[0]
    if last.withdrawn_at is not None and last.withdrawn_at <= at:
        return f" (it was withdrawn on {last.withdrawn_at:%Y-%m-%d})"
    if last.given_at > at:
        return f" (it begins on {_shown(last.given_at)})"
    if last.valid_until is None:
        return ""
    # A consent ends with its last day, which is the midnight after it.
    return f" (it ended on {(last.valid_until - timedelta(microseconds=1)).astimezone():%Y-%m-%d})"
