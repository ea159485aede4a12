"""What may go into a store: checked at the door, with the same answer on both databases."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from mien.errors import StoreError
from mien.store.schema import SubjectRow
from mien.store.types import Subject

LONGEST_TEXT: Final = 20_000
"""Characters of a note; a page of text has 3,000."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
"""Moments outside these years can't be shown in every time zone, and nobody was filmed then."""

_FILLERS: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and signs that are drawn as nothing."""
_CONTROL: Final = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""What steers a terminal; tabs and line ends are text."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def checked_name(what: str, name: str) -> str:
    """Return a code or name back if it can be one: it may become part of a file's name.

    Raises:
        StoreError: it can't.
    """
    if not _NAME.fullmatch(name):
        raise StoreError(
            f"{what}: expected 1 to 64 letters (A-Z), digits, dots, dashes or underscores, the first a"
            f" letter or digit, received {name!r}"
        )
    return name


def checked_text(what: str, text: str, *, blank: bool = True) -> str:
    """Return a text back, without blanks around it; what would steer a terminal becomes U+FFFD.

    Args:
        what: names it in the error.
        text: any text.
        blank: whether it may be empty.

    Raises:
        StoreError: it is too long, empty, or holds what no database takes (NUL, half a character).
    """
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.strip())
    if not blank and not is_visible(text):
        raise StoreError(f"{what}: expected a text, received none")
    if len(text) > LONGEST_TEXT:
        raise StoreError(f"{what}: expected {LONGEST_TEXT} characters at most, received {len(text)}")
    if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
        raise StoreError(f"{what}: expected plain text, received a control character")
    return text


def is_visible(text: str) -> bool:
    """Return whether a text holds something to read: blanks, marks and what has no width don't count."""
    return any(unicodedata.category(each)[0] in "LNPS" and each not in _FILLERS for each in text)


def checked_choice(what: str, choice: str, choices: tuple[str, ...]) -> str:
    """Return a choice back if it is one.

    Raises:
        StoreError: it is none of them.
    """
    if choice not in choices:
        raise StoreError(f"{what}: expected {', '.join(choices)}, received {choice!r}")
    return choice


def checked_time(what: str, at: datetime) -> datetime:
    """Return a moment back if it has a zone, and its year can be.

    Raises:
        StoreError: it has none, or it is far away.
    """
    if at.utcoffset() is None:
        raise StoreError(f"{what}: expected a time with its zone, received {at.isoformat()}")
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise StoreError(f"{what}: expected a year from {FIRST_YEAR} to {LAST_YEAR}, received {at.year}")
    return at


def checked_span(what: str, start: datetime, end: datetime | None) -> None:
    """Check the two ends of a time.

    Raises:
        StoreError: they have no zone, are far away, or it ends before it starts.
    """
    checked_time(what, start)
    if end is not None and checked_time(what, end) <= start:
        first, last = (f"{each:%Y-%m-%d %H:%M %z}" for each in (start, end))
        raise StoreError(f"{what}: expected an end after {first}, received {last}")


def require_subject(session: Session, subject: Subject) -> None:
    """Check that a subject is still there: others may have erased it.

    Raises:
        StoreError: it is not.
    """
    if not session.scalar(select(exists().where(SubjectRow.id == subject.id))):
        raise StoreError(f"subject {subject.code} no longer exists: it was erased")
