"""Consents: what a subject has agreed to, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store.audit import Audit
from mien.store.checks import checked_choice, checked_span, checked_text, checked_time, require_subject
from mien.store.engine import Database
from mien.store.schema import ConsentRow
from mien.store.types import SIGNALS, Consent, Subject


class Consents:
    """The consents of a store's subjects.

    Args:
        database: an open one.
        audit: where what is given and withdrawn is logged.
    """

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database, self._audit = database, audit

    def give(
        self,
        subject: Subject,
        *,
        given_by: str,
        purpose: str,
        signals: Sequence[str] = SIGNALS,
        given_at: datetime | None = None,
        valid_until: datetime | None = None,
    ) -> Consent:
        """Note down a consent.

        Args:
            subject: whose.
            given_by: who gave it.
            purpose: what for.
            signals: some of `SIGNALS`.
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
            self._audit.log("consent", subject, consent=row.id, signals=row.signals)
            return _consent(row)

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
                row for row in _rows(session, subject) if consent_id in (None, row.id) and _holds(row, at)
            ]
            if not rows:
                which = "" if consent_id is None else f" number {consent_id}"
                raise StoreError(f"{subject.code} has no consent{which} that could be withdrawn")
            for row in rows:
                row.withdrawn_at = max(at, row.given_at)
            session.flush()
            self._audit.log("withdraw", subject, consents=[row.id for row in rows])
            return [_consent(row) for row in rows]

    def of(self, subject: Subject) -> list[Consent]:
        """Give a subject's consents, those that have ended too, by when they were given."""
        with self._database.reading() as session:
            return [_consent(row) for row in _rows(session, subject)]

    def valid(
        self, subject: Subject, signal: str = "expression", at: datetime | None = None
    ) -> Consent | None:
        """Give the newest consent that covers a signal at a moment (by default now), if there is one."""
        at = at or self._database.now()
        return next((each for each in reversed(self.of(subject)) if each.covers(signal, at)), None)

    def require(self, subject: Subject, signal: str = "expression", at: datetime | None = None) -> Consent:
        """Give the newest consent that covers a signal at a moment (by default now).

        Raises:
            StoreError: there is none; says why, and how to give one.
        """
        at = at or self._database.now()
        if found := self.valid(subject, signal, at):
            return found
        raise StoreError(
            f"{subject.code} has no consent for {signal}{_why(self.of(subject), signal, at)}:"
            f" mien consent give {subject.code}"
        )


def _signals(signals: Sequence[str]) -> list[str]:
    chosen = {checked_choice("signals", each, SIGNALS) for each in signals}
    if not chosen:
        raise StoreError(f"signals: expected some of {', '.join(SIGNALS)}, received none")
    return [each for each in SIGNALS if each in chosen]


def _holds(row: ConsentRow, at: datetime) -> bool:
    """Say whether a consent holds or will hold, so that it could be withdrawn."""
    return row.withdrawn_at is None and (row.valid_until is None or at < row.valid_until)


def _why(consents: list[Consent], signal: str, at: datetime) -> str:
    about = [each for each in consents if signal in each.signals]
    if not about:
        return ""
    last = about[-1]
    if last.withdrawn_at is not None and last.withdrawn_at <= at:
        return f" (it was withdrawn on {last.withdrawn_at:%Y-%m-%d})"
    if last.given_at > at:
        return f" (it begins on {last.given_at:%Y-%m-%d})"
    if last.valid_until is None:
        return ""
    # A consent ends with its last day, which is the midnight after it.
    return f" (it ended on {(last.valid_until - timedelta(microseconds=1)).astimezone():%Y-%m-%d})"


def _rows(session: Session, subject: Subject) -> Sequence[ConsentRow]:
    chosen = select(ConsentRow).where(ConsentRow.subject_id == subject.id)
    return session.scalars(chosen.order_by(ConsentRow.given_at, ConsentRow.id)).all()


def _consent(row: ConsentRow) -> Consent:
    values = {each.name: getattr(row, each.name) for each in fields(Consent)}
    return Consent(**{**values, "signals": tuple(row.signals)})
