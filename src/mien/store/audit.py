"""The audit log: append only, each line bound to the one before it by a hash."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import asdict, fields, replace
from typing import Any, Final

from sqlalchemy import select

from mien.errors import StoreError
from mien.store.engine import Database
from mien.store.schema import AuditHeadRow, AuditRow
from mien.store.types import AuditEntry, Subject

FIRST: Final = "0" * 64
"""What stands for the hash of the line before the first."""

_AT_ONCE: Final = 1000


class Audit:
    """Who did what, to whose record.

    Adding, changing and erasing subjects, consents, users and texts writes its own line; whoever reads or
    exports a record logs that.

    Args:
        database: an open one.
        who: is named in each line.
    """

    def __init__(self, database: Database, who: str) -> None:
        self._database, self._who = database, who

    def log(self, action: str, subject: Subject | None = None, **details: Any) -> AuditEntry:
        """Add a line; inside a transaction it is part of that.

        Args:
            action: "read", "export", ...; 32 characters at most.
            subject: whose record; only its random number is written.
            **details: counts and names of things, for JSON; nothing that tells who the subject is.
        """
        with self._database.transaction() as session:
            head = session.scalars(select(AuditHeadRow).with_for_update()).one()
            entry = AuditEntry(
                id=head.lines + 1,
                at=self._database.now(),
                who=self._who,
                action=action,
                subject=subject.number if subject else None,
                details=json.loads(json.dumps(details, allow_nan=False)),
                previous=head.hash,
                hash="",
            )
            entry = replace(entry, hash=hash_of(entry))
            session.add(AuditRow(**asdict(entry)))
            head.lines, head.hash = entry.id, entry.hash
            session.flush()
        return entry

    def entries(self, limit: int | None = None) -> list[AuditEntry]:
        """Give the lines, oldest first; with a limit, only so many of the newest."""
        with self._database.reading() as session:
            newest = session.scalars(select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)).all()
            return [_entry(row) for row in reversed(newest)]

    def verify(self) -> int:
        """Check every line against the one before it, and the last against what was noted as the last.

        It finds lines that were altered, taken out or put in by other means than Mien. Whoever may write
        the file and knows this code can compute a whole new chain: against that, keep the last line's hash
        elsewhere.

        Returns:
            How many lines there are.

        Raises:
            StoreError: names the first line that is not right.
        """
        with self._database.reading() as session:
            head = session.scalars(select(AuditHeadRow)).one()
            lines, last = 0, FIRST
            piecewise = select(AuditRow).order_by(AuditRow.id).execution_options(yield_per=_AT_ONCE)
            with closing(session.scalars(piecewise)) as rows:
                for lines, row in enumerate(rows, 1):
                    last = _checked(_entry(row), lines, last)
        if (lines, last) != (head.lines, head.hash):
            raise StoreError(
                f"audit log: expected {head.lines} lines, found {lines}: some were taken out or put in"
            )
        return lines


def hash_of(entry: AuditEntry) -> str:
    """Give the SHA-256 of all that stands in a line, with the hash of the line before, as canonical JSON."""
    content = asdict(entry)
    del content["hash"]
    content["at"] = entry.at.isoformat()
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _checked(entry: AuditEntry, number: int, previous: str) -> str:
    if entry.id != number:
        raise StoreError(
            f"audit log: expected line {number}, found line {entry.id}: one was taken out or put in"
        )
    if entry.previous != previous or entry.hash != hash_of(entry):
        raise StoreError(f"audit log: line {number} was altered")
    return entry.hash


def _entry(row: AuditRow) -> AuditEntry:
    return AuditEntry(**{each.name: getattr(row, each.name) for each in fields(AuditEntry)})
