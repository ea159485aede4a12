"""Subjects: people under a code."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store import seals
from mien.store.ledger import Part
from mien.store.schema import SubjectRow, value_of
from mien.store.types import Subject
from mien.store.validation import checked_name, checked_text, require_subject

_FIRST_YEAR: Final = 1880


class Subjects(Part):
    """The subjects of a store."""

    def add(
        self,
        code: str,
        *,
        birth_year: int | None = None,
        notes: str = "",
        retention_days: int | None = None,
        created_at: datetime | None = None,
    ) -> Subject:
        """Add a subject.

        Args:
            code: 1 to 64 letters, digits, dots, dashes or underscores: "P-017". Not a name.
            birth_year: where it matters.
            notes: free text.
            retention_days: erase recordings that are older; None keeps them.
            created_at: when the subject was first added; by default now.

        Raises:
            StoreError: the code is taken (or differs from another by capitals only), or a value can't be.
        """
        chosen = {"code": code, "birth_year": birth_year, "notes": notes, "retention_days": retention_days}
        with self._database.transaction() as session:
            row = SubjectRow(
                **self._checked(chosen),
                number=secrets.token_hex(16),
                created_at=created_at or self._database.now(),
            )
            subject = _save(session, row)
            self._ledger.added(session, row, what="subject")
        return subject

    def find(self, code: str) -> Subject | None:
        """Return the subject with a code; None where there is none."""
        with self._database.reading() as session:
            row = _find(session, code)
            return _subject(row) if row and row.code == code else None

    def get(self, code: str) -> Subject:
        """Return the subject with a code.

        Raises:
            StoreError: there is none.
        """
        with self._database.reading() as session:
            return _subject(_require(session, code))

    def by_id(self, subject_id: int) -> Subject:
        """Return a subject by the number that rows have; there is one."""
        with self._database.reading() as session:
            return _subject(session.get_one(SubjectRow, subject_id))

    def waiting_key(self, subject: Subject, uuid: str) -> bytes:
        """Return the 32 bytes that encrypt what a station keeps of a recording while the server is away.

        They come from the key of the subject's seals, which an erase takes away.

        Raises:
            StoreError: there is no such subject any more.
        """
        with self._database.transaction() as session:
            require_subject(session, subject)
            key = seals.key_of(session, subject.id)
        return hmac.digest(key, f"waiting/{uuid}".encode(), "sha256")

    def all(self) -> list[Subject]:
        """Return all subjects, by code."""
        with self._database.reading() as session:
            rows = session.scalars(select(SubjectRow)).all()
        return sorted(map(_subject, rows), key=lambda each: each.code)

    def change(self, code: str, /, **chosen: Any) -> Subject:
        """Change some of a subject's fields.

        Args:
            code: whose.
            **chosen: some of code, birth_year, notes, retention_days.

        Raises:
            StoreError: there is no such subject or field, the new code is taken, or a value can't be.
        """
        checked = self._checked(chosen)
        with self._database.transaction() as session:
            row = _require(session, code)
            with self._ledger.changing(session, row, what="subject", fields=sorted(checked)):
                for name, value in checked.items():
                    setattr(row, name, value)
                subject = _save(session, row)
        return subject

    def _checked(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        checks: dict[str, Callable[[Any], Any]] = {
            "code": lambda code: checked_name("subject", code),
            "birth_year": lambda year: _whole("birth year", year, _FIRST_YEAR, self._database.now().year),
            "notes": lambda notes: checked_text("notes", notes),
            "retention_days": lambda days: _whole("retention in days", days, 1, 36_500),
        }
        if unknown := sorted(set(chosen) - set(checks)):
            raise StoreError(f"subject: expected some of {', '.join(checks)}, received {', '.join(unknown)}")
        return {name: checks[name](value) for name, value in chosen.items()}


def _whole(what: str, value: int | None, low: int, high: int) -> int | None:
    if value is not None and not (type(value) is int and low <= value <= high):
        raise StoreError(f"{what}: expected a whole number from {low} to {high}, received {value!r}")
    return value


def _save(session: Session, row: SubjectRow) -> Subject:
    other = _find(session, row.code)
    if other is not None and other is not row:
        raise StoreError(f"there is already a subject {other.code}; choose another code than {row.code}")
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise StoreError(f"there is already a subject {row.code}; choose another code") from error
    return _subject(row)


def _find(session: Session, code: str) -> SubjectRow | None:
    """Find a subject whose code is the same but for capitals: two of those would be mixed up."""
    with session.no_autoflush:
        return session.scalars(select(SubjectRow).where(func.lower(SubjectRow.code) == code.lower())).first()


def _require(session: Session, code: str) -> SubjectRow:
    row = _find(session, code)
    if row is None:
        raise StoreError(
            f"there is no subject {code}: mien subject list shows all, mien subject add adds one"
        )
    if row.code != code:
        raise StoreError(f"there is no subject {code}; did you mean {row.code}?")
    return row


def _subject(row: SubjectRow) -> Subject:
    return value_of(Subject, row)
