"""The persons' own neutral faces: each was taken by somebody, and the last one counts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mien.store.audit import Audit
from mien.store.checks import checked_time, require_subject
from mien.store.engine import Database
from mien.store.ledger import Ledger
from mien.store.schema import NeutralFaceRow
from mien.store.types import Subject, TakenNeutralFace


class NeutralFaces:
    """The neutral faces of a store's subjects; what is in them is `expression.neutral.Rest`'s to know.

    They are numbers that a network gives, no pictures.

    Args:
        database: an open one.
        audit: where it is logged that they are read.
        ledger: where what is taken goes.
    """

    def __init__(self, database: Database, audit: Audit, ledger: Ledger) -> None:
        self._database, self._audit, self._ledger = database, audit, ledger

    def add(self, subject: Subject, value: str, made_at: datetime | None = None) -> TakenNeutralFace:
        """Keep a neutral face; from now on it is the one that counts.

        Args:
            subject: whose.
            value: as JSON.
            made_at: when it was taken; by default now.

        Raises:
            ConsentError: no consent to be recorded held then, or it was withdrawn.
            StoreError: the subject is gone.
        """
        made_at = checked_time("neutral face", made_at or self._database.now())
        row = NeutralFaceRow(subject_id=subject.id, made_at=made_at, value=value)
        with self._database.transaction() as session:
            require_subject(session, subject)
            self._ledger.add(session, row, "neutral face", row.made_at, "expression")
            return _taken(row)

    def of(self, subject: Subject) -> list[TakenNeutralFace]:
        """Give all that were ever taken, in the order in which they were."""
        self._audit.read(subject.id, "neutral faces")
        chosen = (
            select(NeutralFaceRow).where(NeutralFaceRow.subject_id == subject.id).order_by(NeutralFaceRow.id)
        )
        with self._database.reading() as session:
            return [_taken(row) for row in session.scalars(chosen)]

    def latest(self, subject: Subject) -> TakenNeutralFace | None:
        """Give the one that counts; None where none was taken yet."""
        return next(reversed(self.of(subject)), None)


def _taken(row: NeutralFaceRow) -> TakenNeutralFace:
    return TakenNeutralFace(row.id, row.subject_id, row.made_at, row.value)
