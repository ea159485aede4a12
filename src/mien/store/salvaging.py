"""What can still be read of a damaged file, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, repeat
from typing import Any, Final

from mien.store.schema import Base

Row = tuple[Any, ...]

# So many numbers without a row in a damaged part, and there is none behind them.
_GIVE_UP: Final = 100_000


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What could be read of a damaged file.

    Attributes:
        copied: rows, by table.
        lost: at least so many rows can't be read, or belong to a subject or recording that can't, by table.
    """

    copied: dict[str, int]
    lost: dict[str, int]


def copy_rows(source: Any, target: Any, failed: type[Exception]) -> Salvaged:
    """Copy all rows that can be read, but those that belong to rows that can't.

    Args:
        source: a driver's connection to a damaged file.
        target: one to a file with the same tables, without rows; nothing is written to it on an error.
        failed: what the driver raises where it can't read.
    """
    tables = [each for each in Base.metadata.tables if _columns(target, each)]
    copied, lost = dict.fromkeys(tables, 0), dict.fromkeys(tables, 0)
    target.execute("BEGIN")
    for table in tables:
        for row in _rows(source, table, _columns(target, table), failed):
            if row == ():
                continue
            kept = row is not None and _insert(target, table, row, failed)
            (copied if kept else lost)[table] += 1
    for table in _orphans(target):
        copied[table] -= 1
        lost[table] += 1
    target.execute("COMMIT")
    return Salvaged(copied, lost)


def _columns(connection: Any, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


def _insert(target: Any, table: str, row: Row, failed: type[Exception]) -> bool:
    places = ", ".join("?" * len(row))
    try:
        target.execute(f'INSERT OR REPLACE INTO "{table}" VALUES ({places})', row)
    except failed:  # a page that can be read may hold rubbish
        return False
    return True


def _rows(source: Any, table: str, columns: list[str], failed: type[Exception]) -> Iterator[Row | None]:
    """Give each row; None for one that can't be read.

    The rows' numbers are read from both ends as far as they can be; in between, all numbers are tried.
    """
    names = ", ".join(f'"{each}"' for each in columns)
    one = f'SELECT {names} FROM "{table}" NOT INDEXED WHERE rowid = ?'
    first, whole = _numbers(source, table, "ASC", failed)
    yield from _tried(source, one, first, failed)
    if whole:
        return
    after = first[-1] if first else 0
    last = [number for number in _numbers(source, table, "DESC", failed)[0] if number > after]
    between = range(after + 1, last[-1]) if last else count(after + 1)
    yield from _until_nothing(_tried(source, one, between, failed), ends=bool(last))
    yield from _tried(source, one, reversed(last), failed)


def _tried(source: Any, one: str, numbers: Iterable[int], failed: type[Exception]) -> Iterator[Row | None]:
    for number in numbers:
        try:
            found = source.execute(one, (number,)).fetchone()
        except failed:
            yield None
        else:
            yield found or ()


def _until_nothing(rows: Iterator[Row | None], *, ends: bool) -> Iterator[Row | None]:
    """Give rows until there were none for long; without a known end, those lost there may never have been."""
    lost, nothing = 0, 0
    for row in rows:
        if row:
            yield from repeat(None, lost)
            yield row
            lost, nothing = 0, 0
            continue
        lost, nothing = lost + (row is None), nothing + 1
        if nothing == _GIVE_UP:
            break
    yield from repeat(None, lost if ends else min(lost, 1))


def _numbers(source: Any, table: str, order: str, failed: type[Exception]) -> tuple[list[int], bool]:
    numbers: list[int] = []
    try:
        for (number,) in source.execute(f'SELECT rowid FROM "{table}" NOT INDEXED ORDER BY rowid {order}'):
            numbers.append(number)
    except failed:
        return numbers, False
    return numbers, True


def _orphans(target: Any) -> Iterator[str]:
    """Delete what belongs to rows that are lost, until nothing does."""
    while found := target.execute("PRAGMA foreign_key_check").fetchall():
        for table, number in {(row[0], row[1]) for row in found}:
            target.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (number,))
            yield table
