"""What a person is measured against: their own baselines and neutral faces, of which the last one counts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mien.store.audit import What
from mien.store.ledger import Ledger, Part
from mien.store.schema import Base, BaselineRow, NeutralFaceRow, value_of
from mien.store.types import StoredReference, Subject
from mien.store.validation import checked_time, require_subject


class References(Part):
    """The baselines, or the neutral faces, of a store's subjects; each was taken deliberately by somebody.

    What is in them is for `mood.baseline.Baseline` and `expression.personal.Rest` to know: no pictures.

    Args:
        ledger: of the store.
        table: where they are.
        name: of one, for the log.
        plural: of several, for the log.
        signals: what a consent has to cover; see `Ledger.require_consent`.
    """

    def __init__(
        self,
        ledger: Ledger,
        table: type[BaselineRow] | type[NeutralFaceRow],
        *,
        name: str,
        plural: What,
        signals: tuple[str, ...] = (),
    ) -> None:
        super().__init__(ledger)
        self._table, self._name, self._plural, self._signals = table, name, plural, signals

    def add(self, subject: Subject, value: str, made_at: datetime | None = None) -> StoredReference:
        """Keep one; from now on it is the one that counts.

        Args:
            subject: whose.
            value: as JSON.
            made_at: when it was taken; by default now.

        Raises:
            ConsentError: no consent held then, or it was withdrawn.
            StoreError: the subject is gone.
        """
        made_at = checked_time(self._name, made_at or self._database.now())
        row = self._table(subject_id=subject.id, made_at=made_at, value=value)
        with self._database.transaction() as session:
            require_subject(session, subject)
            self._ledger.add(session, row, self._name, row.made_at, *self._signals)
            return _stored(row)

    def of(self, subject: Subject) -> list[StoredReference]:
        """Return all that were ever taken, in the order in which they were."""
        self._audit.read(subject.id, self._plural)
        chosen = select(self._table).where(self._table.subject_id == subject.id).order_by(self._table.id)
        with self._database.reading() as session:
            return [_stored(row) for row in session.scalars(chosen)]

    def latest(self, subject: Subject) -> StoredReference | None:
        """Return the one that counts; None where none was taken yet."""
        return next(reversed(self.of(subject)), None)


def _stored(row: Base) -> StoredReference:
    return value_of(StoredReference, row)
