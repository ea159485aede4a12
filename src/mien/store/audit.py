"""The audit log: append only, each line bound to the one before it by a hash."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, Concatenate, Final, Literal, ParamSpec, Protocol, TypeVar

from sqlalchemy import select

from mien.errors import StoreError
from mien.store.database import Database
from mien.store.schema import AuditHeadRow, AuditRow, SubjectRow, value_of
from mien.store.types import AuditEntry, Subject

FIRST: Final = "0" * 64
"""What stands for the hash of the line before the first."""

VISIT: Final = timedelta(minutes=10)
"""Who reads the same again within this time reads on: that is one reading, and one line."""

_AT_ONCE: Final = 1000

What = Literal[
    "baselines", "consents", "figures", "marks", "neutral faces", "readings", "recordings", "self-reports"
]
"""What can be read of a subject's record."""

Access = tuple[str, int, What, int | None]
"""Who reads what of which subject; of which recording, for its readings."""


class _HasAudit(Protocol):
    @property
    def audit(self) -> Audit: ...


_Opened = TypeVar("_Opened", bound=_HasAudit)
_More = ParamSpec("_More")
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class AccessBlock:
    """What is read within one block.

    Attributes:
        logged: whether anybody looks at it: what the program reads for its own work is not logged.
        found: what was read.
    """

    logged: bool
    found: list[Access] = field(default_factory=list)


_block: ContextVar[AccessBlock | None] = ContextVar("mien_store_readings", default=None)


class Audit:
    """Who did what, to whose record; the store itself writes it.

    Args:
        database: an open one.
        who: is named in each line.
        visits: when somebody has last read what; shared by all who use the open store.
    """

    def __init__(self, database: Database, who: str, visits: dict[Access, datetime] | None = None) -> None:
        self._database, self._who = database, who
        self._visits = {} if visits is None else visits

    def log(self, action: str, subject: Subject | None = None, **details: Any) -> AuditEntry:
        """Add a line; inside a transaction it is part of that.

        Args:
            action: "add", "change", "remove", "read", "export", ...; 32 characters at most.
            subject: whose record; only its random number is written.
            **details: counts and names of things, for JSON; nothing that tells who the subject is. "rows" are
                the seals of what was written; see `seals.Rows`.
        """
        return self.write(action, subject.number if subject else None, details)

    def write(self, action: str, number: str | None, details: dict[str, Any]) -> AuditEntry:
        """Add a line as `log` does, about the subject with a random number."""
        with self._database.transaction() as session:
            head = session.scalars(select(AuditHeadRow).with_for_update()).one()
            entry = AuditEntry(
                id=head.lines + 1,
                at=self._database.now(),
                who=self._who,
                action=action,
                subject=number,
                details=json.loads(json.dumps(details, allow_nan=False)),
                previous=head.hash,
                hash="",
            )
            entry = replace(entry, hash=hash_of(entry))
            session.add(AuditRow(**asdict(entry)))
            head.lines, head.hash = entry.id, entry.hash
            session.flush()
        return entry

    def read(self, subject_id: int, what: What, recording_id: int | None = None) -> None:
        """Log that somebody reads; in a block of `as_one` or `unlogged`, as that says.

        What a transaction that writes reads is part of its own lines. A store that can't be written is read
        without a line.

        Args:
            subject_id: whose record.
            what: is read.
            recording_id: of which recording, for readings.
        """
        access = (self._who, subject_id, what, recording_id)
        block = _block.get()
        if block is not None:
            block.found.append(access)
        elif not self._database.in_transaction:
            self._log_accesses([access])

    @contextmanager
    def as_one(self) -> Iterator[None]:
        """Log what is read within a block together: one line for each subject."""
        with self._reading(logged=True):
            yield

    @contextmanager
    def unlogged(self) -> Iterator[None]:
        """Read within a block what nobody is shown: the program itself works on it."""
        with self._reading(logged=False):
            yield

    @contextmanager
    def _reading(self, *, logged: bool) -> Iterator[None]:
        if (logged and _block.get() is not None) or self._database.in_transaction:
            yield
            return
        block = AccessBlock(logged)
        token = _block.set(block)
        try:
            yield
        finally:
            _block.reset(token)
            if logged:
                self._log_accesses(block.found)

    def _log_accesses(self, accesses: list[Access]) -> None:
        """Write a line for each subject whose record was not read just before."""
        now = self._database.now()
        news = [
            each
            for each in dict.fromkeys(accesses)
            if each not in self._visits or not timedelta() <= now - self._visits[each] < VISIT
        ]
        if not news or self._database.read_only:
            return
        by_subject: dict[int, list[Access]] = defaultdict(list)
        for each in news:
            by_subject[each[1]].append(each)
        with self._database.transaction() as session:
            for subject_id, those in by_subject.items():
                row = session.get(SubjectRow, subject_id)
                if row is not None:
                    self.write("read", row.number, _told(those))
        for old in [each for each, at in list(self._visits.items()) if now - at >= VISIT]:
            self._visits.pop(old, None)
        self._visits.update(dict.fromkeys(news, now))

    def entries(self, limit: int | None = None) -> list[AuditEntry]:
        """Return the lines, oldest first; with a limit, only so many of the newest."""
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
                f"audit log: expected {head.lines} lines, found {lines}: some were removed or added"
            )
        return lines


def as_one_reading(
    function: Callable[Concatenate[_Opened, _More], _Answer],
) -> Callable[Concatenate[_Opened, _More], _Answer]:
    """Make a function, whose first argument is an open store, log what it reads together."""

    @wraps(function)
    def read(store: _Opened, /, *args: _More.args, **options: _More.kwargs) -> _Answer:
        with store.audit.as_one():
            return function(store, *args, **options)

    return read


def _told(accesses: list[Access]) -> dict[str, Any]:
    what = sorted({each[2] for each in accesses})
    recordings = sorted({each[3] for each in accesses if each[3] is not None})
    return {"what": what} | ({"recordings": recordings} if recordings else {})


def hash_of(entry: AuditEntry) -> str:
    """Return the SHA-256 of all that stands in a line, with the hash of the one before, as canonical JSON."""
    content = asdict(entry)
    del content["hash"]
    content["at"] = entry.at.isoformat()
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _checked(entry: AuditEntry, number: int, previous: str) -> str:
    if entry.id != number:
        raise StoreError(
            f"audit log: expected line {number}, found line {entry.id}: one was removed or added"
        )
    if entry.previous != previous or entry.hash != hash_of(entry):
        raise StoreError(f"audit log: line {number} was altered")
    return entry.hash


def _entry(row: AuditRow) -> AuditEntry:
    return value_of(AuditEntry, row)
