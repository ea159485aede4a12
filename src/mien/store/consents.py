"""Consents: what a subject has agreed to, and until when; and what may be stored by that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from mien.errors import ConsentError, StoreError
from mien.store.ledger import Part, consent_of, consents_of, forget_consents, refused, rows_of
from mien.store.schema import ConsentRow
from mien.store.types import FACE, SIGNALS, Consent, Subject
from mien.store.validation import checked_choice, checked_span, checked_text, checked_time, require_subject


class Consents(Part):
    """The consents of a store's subjects."""

    def give(
        self,
        subject: Subject,
        *,
        given_by: str,
        purpose: str,
        signals: Sequence[str] = FACE,
        given_at: datetime | None = None,
        valid_until: datetime | None = None,
    ) -> Consent:
        """Note down a consent.

        Args:
            subject: whose.
            given_by: who gave it.
            purpose: what for.
            signals: some of `SIGNALS`; what sensors say of the body only where it is named.
            given_at: from when it holds; by default from now on.
            valid_until: when it ends by itself; None never.

        Raises:
            StoreError: the subject is gone, or a value can't be.
        """
        given_at = given_at or self._database.now()
        checked_span("consent", given_at, valid_until)
        row = ConsentRow(
            subject_id=subject.id,
            given_by=checked_text("given by", given_by, blank=False),
            purpose=checked_text("purpose", purpose, blank=False),
            signals=_signals(signals),
            given_at=given_at,
            valid_until=valid_until,
            withdrawn_at=None,
        )
        with self._database.transaction() as session:
            require_subject(session, subject)
            session.add(row)
            session.flush()
            details = {"signals": row.signals, "given_at": given_at.astimezone(UTC).isoformat()}
            forget_consents(session)
            self._ledger.added(session, row, action="consent", consent=row.id, **details)
            return consent_of(row)

    def withdraw(
        self, subject: Subject, consent_id: int | None = None, at: datetime | None = None
    ) -> list[Consent]:
        """Withdraw a consent, or all that hold.

        Args:
            subject: whose.
            consent_id: which one; None all.
            at: from when; by default from now on.

        Returns:
            Those that were withdrawn.

        Raises:
            StoreError: there is none that holds.
        """
        at = checked_time("withdrawal", at or self._database.now())
        with self._database.transaction() as session:
            rows = [
                row
                for row in rows_of(session, subject.id)
                if consent_id in (None, row.id) and _holds(row, at)
            ]
            if not rows:
                which = "" if consent_id is None else f" number {consent_id}"
                raise StoreError(f"{subject.code} has no consent{which} that could be withdrawn")
            with self._ledger.changing(session, *rows, action="withdraw", consents=[row.id for row in rows]):
                for row in rows:
                    row.withdrawn_at = max(at, row.given_at)
            forget_consents(session)
            return [consent_of(row) for row in rows]

    def of(self, subject: Subject) -> list[Consent]:
        """Return a subject's consents, those that have ended too, by when they were given."""
        self._audit.read(subject.id, "consents")
        with self._database.reading() as session:
            return list(consents_of(session, subject.id))

    def valid(
        self, subject: Subject, signal: str = "expression", at: datetime | None = None
    ) -> Consent | None:
        """Return the newest consent that covers a signal at a moment (by default now), if there is one."""
        at = at or self._database.now()
        with self._database.reading() as session:
            found = consents_of(session, subject.id)
        return next((each for each in reversed(found) if each.covers(signal, at)), None)

    def refusal(self, subject: Subject, signal: str | None = "expression", *moments: datetime) -> str | None:
        """Return why what was recorded at some moments can't be stored; None where it can.

        Args:
            subject: about whom it is.
            signal: one of `SIGNALS`; None for what is neither, such as self-reports.
            *moments: when it was recorded, each; none is now.
        """
        with self._database.reading() as session:
            found = consents_of(session, subject.id)
        now = self._database.now()
        return refused(subject.code, found, signal, moments or (now,), now)

    def require(self, subject: Subject, signal: str | None = "expression", *moments: datetime) -> None:
        """Raise unless what was recorded at some moments can be stored; see `refusal`.

        Raises:
            ConsentError: it can't be; says why, and how to give a consent.
        """
        if said := self.refusal(subject, signal, *moments):
            raise ConsentError(said)

    def require_any(self, subject: Subject, signal: str | None = None) -> None:
        """Raise unless there is a consent at all for what is recorded at a moment that isn't known yet.

        Raises:
            ConsentError: there is none, or it was withdrawn.
        """
        with self._database.reading() as session:
            found = consents_of(session, subject.id)
        if said := refused(subject.code, found, signal, (), self._database.now()):
            raise ConsentError(said)


def _signals(signals: Sequence[str]) -> list[str]:
    chosen = {checked_choice("signals", each, SIGNALS) for each in signals}
    if not chosen:
        raise StoreError(f"signals: expected some of {', '.join(SIGNALS)}, received none")
    return [each for each in SIGNALS if each in chosen]


def _holds(row: ConsentRow, at: datetime) -> bool:
    """Return whether a consent holds or will hold, so that it could be withdrawn."""
    return row.withdrawn_at is None and (row.valid_until is None or at < row.valid_until)
