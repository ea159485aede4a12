"""The persons' own baselines: each was taken by somebody, and the last one counts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mien.store.audit import Audit
from mien.store.checks import checked_time, require_subject
from mien.store.engine import Database
from mien.store.ledger import Ledger
from mien.store.schema import BaselineRow
from mien.store.types import Subject, TakenBaseline


class Baselines:
    """The baselines of a store's subjects; what is in them is `mood.baseline.Baseline`'s to know.

    Args:
        database: an open one.
        audit: where it is logged that they are read.
        ledger: where what is taken goes.
    """

    def __init__(self, database: Database, audit: Audit, ledger: Ledger) -> None:
        self._database, self._audit, self._ledger = database, audit, ledger

    def add(self, subject: Subject, value: str, made_at: datetime | None = None) -> TakenBaseline:
        """Keep a baseline; from now on it is the one that counts.

        Args:
            subject: whose.
            value: as JSON.
            made_at: when it was taken; by default now.

        Raises:
            ConsentError: no consent held then, or it was withdrawn.
            StoreError: the subject is gone.
        """
        made_at = checked_time("baseline", made_at or self._database.now())
        row = BaselineRow(subject_id=subject.id, made_at=made_at, value=value)
        with self._database.transaction() as session:
            require_subject(session, subject)
            self._ledger.add(session, row, "baseline", row.made_at)
            return _baseline(row)

    def of(self, subject: Subject) -> list[TakenBaseline]:
        """Give all that were ever taken, in the order in which they were."""
        self._audit.read(subject.id, "baselines")
        chosen = select(BaselineRow).where(BaselineRow.subject_id == subject.id).order_by(BaselineRow.id)
        with self._database.reading() as session:
            return [_baseline(row) for row in session.scalars(chosen)]

    def latest(self, subject: Subject) -> TakenBaseline | None:
        """Give the one that counts; None where none was taken yet."""
        return next(reversed(self.of(subject)), None)


def _baseline(row: BaselineRow) -> TakenBaseline:
    return TakenBaseline(row.id, row.subject_id, row.made_at, row.value)
