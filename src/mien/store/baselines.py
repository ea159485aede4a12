"""The persons' own baselines: each was taken by somebody, and the last one counts."""

from __future__ import annotations

from sqlalchemy import select

from mien.store.checks import require_subject
from mien.store.engine import Database
from mien.store.schema import BaselineRow
from mien.store.types import Subject, TakenBaseline


class Baselines:
    """The baselines of a store's subjects; what is in them is `mood.usual.Usual`'s to know.

    Args:
        database: an open one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, subject: Subject, value: str) -> TakenBaseline:
        """Keep a baseline; from now on it is the one that counts.

        Args:
            subject: whose.
            value: as JSON.

        Raises:
            StoreError: the subject is gone.
        """
        row = BaselineRow(subject_id=subject.id, made_at=self._database.now(), value=value)
        with self._database.transaction() as session:
            require_subject(session, subject)
            session.add(row)
            session.flush()
            return _baseline(row)

    def of(self, subject: Subject) -> list[TakenBaseline]:
        """Give all that were ever taken, in the order in which they were."""
        chosen = select(BaselineRow).where(BaselineRow.subject_id == subject.id).order_by(BaselineRow.id)
        with self._database.reading() as session:
            return [_baseline(row) for row in session.scalars(chosen)]

    def latest(self, subject: Subject) -> TakenBaseline | None:
        """Give the one that counts; None where none was taken yet."""
        return next(reversed(self.of(subject)), None)


def _baseline(row: BaselineRow) -> TakenBaseline:
    return TakenBaseline(row.id, row.subject_id, row.made_at, row.value)
