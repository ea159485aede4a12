"""What a database complains of, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from mien.errors import StoreError

DAMAGED: Final = (
    "is damaged; nothing was written to it. Take your newest backup, or copy what can still be read into a"
    " new file: mien store salvage"
)
"""What is said of a file that isn't whole."""

# By the beginning of SQLite's and PostgreSQL's own words: their codes are not on every driver's exceptions.
_MEANINGS: Final = {
    "database is locked": "is busy: another program has been writing for more than 10 seconds; try again",
    "lock timeout": "is busy: another program has been writing for more than 10 seconds; try again",
    "deadlock detected": "is busy: another program is writing the same data; try again",
    "could not serialize access": "is busy: another program is writing the same data; try again",
    "no space left on device": "cannot be written: the disk is full; what was stored before is whole",
    "database or disk is full": "cannot be written: the disk is full; what was stored before is whole",
    "disk i/o error": "cannot be read or written: the disk reports an error; what was stored before is whole",
    "attempt to write a readonly database": "is read-only: it can be read, but not changed",
    "database disk image is malformed": DAMAGED,
    "malformed database schema": DAMAGED,
    "file is not a database": "is not a record of Mien, is encrypted with another key (MIEN_STORE_KEY), or "
    + DAMAGED,
    "unable to open database file": "cannot be opened: its folder is missing or not yours",
}


@contextmanager
def told_plainly(where: object, *also: type[Exception]) -> Iterator[None]:
    """Turn what the database complains of into a `StoreError` of one line.

    Args:
        where: names the store.
        *also: exceptions of a database's own driver.

    Raises:
        StoreError: the database complained.
    """
    complaints: tuple[type[Exception], ...] = (SQLAlchemyError, *also)
    try:
        yield
    except complaints as error:
        raise StoreError(f"{where} {_meaning(error)}") from error


def _meaning(error: Exception) -> str:
    said = _first_line(getattr(error, "orig", None) or error)
    for beginning, meaning in _MEANINGS.items():
        if beginning in said.lower():
            return meaning
    if isinstance(error, IntegrityError):
        return f"rejected inconsistent data: {said}"
    if isinstance(error, StatementError) and not isinstance(error, DBAPIError):
        return f"was not written: {said}"
    return f"cannot be used: {said}"


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).partition("\n")[0]
