"""Backups, and what can still be read of a damaged file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mien.errors import OutputError, StoreError
from mien.store.address import find_address
from mien.store.engine import Database, connect_file, driver_for
from mien.store.faults import DAMAGED, told_plainly
from mien.store.opening import migrate_file
from mien.store.schema import REVISION, VERSION_TABLE, Base

# More rows than a store of one clinic has: beyond, a number is rubbish from a damaged page.
_LARGEST_GAP: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What could be read of a damaged file.

    Attributes:
        copied: rows, by table.
        lost: rows that were there and can't be read, or whose subject or recording can't, by table.
    """

    copied: dict[str, int]
    lost: dict[str, int]


def check(database: Database) -> None:
    """Look through a whole file, which takes about a second per gigabyte; a server looks after itself.

    Raises:
        StoreError: it is damaged.
    """
    if not database.address.path:
        return
    with database.outside_transaction() as connection:
        found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if found != "ok":
        raise StoreError(f"{database} {DAMAGED}")


def backup(database: Database, to: Path, *, key: str | None = None) -> None:
    """Copy a file as it is at one moment, while others go on writing; the copy is checked.

    Args:
        database: in a file.
        to: the copy, which must not exist yet.
        key: the file's passphrase, where it is encrypted; the copy has the same.

    Raises:
        StoreError: it is on a server, or damaged.
        OutputError: the copy exists already, or can't be written.
    """
    if not database.address.path:
        raise StoreError(f"{database} is on a server: back it up with pg_dump")
    with _new_file(to, key) as copy, database.outside_transaction() as connection:
        raw: Any = connection.connection.driver_connection
        with told_plainly(database, driver_for(key).Error), closing(_connect(copy, key)) as target:
            raw.backup(target)
        check(copy)


def salvage(path: Path, to: Path, *, key: str | None = None) -> Salvaged:
    """Copy all that can be read of a damaged file into a new one, row by row; the file stays as it is.

    Args:
        path: the damaged file; changes that stand beside it (-wal) are read too.
        to: the new file, which must not exist yet.
        key: the file's passphrase, where it is encrypted; the new one has the same.

    Raises:
        StoreError: nothing can be read.
        OutputError: the new file exists already, or can't be written.
    """
    failed = driver_for(key).DatabaseError
    with told_plainly(path, failed), closing(connect_file(path, key=key, read_only=True)) as source:
        source.execute("PRAGMA writable_schema = ON")  # reads a file that was cut off, too
        revision = _revision(source)
        with _new_file(to, key) as copy:
            migrate_file(copy, revision)
            with closing(_connect(copy, key)) as target:
                salvaged = _copy_all(source, target, failed)
            migrate_file(copy)
    return salvaged


@contextmanager
def _new_file(to: Path, key: str | None) -> Iterator[Database]:
    """Give a database that gets its name when the block ends well, and else was never there."""
    if to.exists():
        raise OutputError(f"{to} exists already; choose another name")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{to.stem[:40]}-", dir=to.parent) as folder:
            path = Path(folder) / "record.sqlite"
            path.touch(0o600)
            with closing(Database(find_address(path), key=key)) as database:
                yield database
            path.replace(to)
    except OSError as error:
        raise OutputError(f"cannot write {to}: {error.strerror or error}") from error


def _connect(copy: Database, key: str | None) -> Any:
    assert copy.address.path is not None
    connection = connect_file(copy.address.path, key=key)
    connection.execute("PRAGMA foreign_keys = OFF")
    return connection


def _revision(source: Any) -> str:
    (found,) = source.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone() or (REVISION,)
    return str(found)


def _copy_all(source: Any, target: Any, failed: type[Exception]) -> Salvaged:
    tables = [each for each in Base.metadata.tables if _columns(target, each)]
    copied, lost = dict.fromkeys(tables, 0), dict.fromkeys(tables, 0)
    target.execute("BEGIN")
    for table in tables:
        for row in _rows(source, table, _columns(target, table), failed):
            kept = row is not None and _insert(target, table, row, failed)
            (copied if kept else lost)[table] += 1
    for table in _orphans(target):
        copied[table] -= 1
        lost[table] += 1
    target.execute("COMMIT")
    return Salvaged(copied, lost)


def _columns(connection: Any, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]


def _insert(target: Any, table: str, row: tuple[Any, ...], failed: type[Exception]) -> bool:
    places = ", ".join("?" * len(row))
    try:
        target.execute(f'INSERT OR REPLACE INTO "{table}" VALUES ({places})', row)
    except failed:  # a page that can be read may hold rubbish
        return False
    return True


def _rows(
    source: Any, table: str, columns: list[str], failed: type[Exception]
) -> Iterator[tuple[Any, ...] | None]:
    """Give each row; None for one that can't be read."""
    names = ", ".join(f'"{each}"' for each in columns)
    for number in _numbers(source, table, failed):
        try:
            row = source.execute(
                f'SELECT {names} FROM "{table}" NOT INDEXED WHERE rowid = ?', (number,)
            ).fetchone()
        except failed:
            yield None
            continue
        if row is not None:
            yield row


def _numbers(source: Any, table: str, failed: type[Exception]) -> Iterator[int]:
    """Give the numbers of the rows: from both ends as far as they can be read, and all numbers in between."""
    first, whole = _run(source, table, "ASC", failed)
    yield from first
    if whole:
        return
    last, _ = _run(source, table, "DESC", failed)
    after = first[-1] if first else 0
    before = min(last[-1], after + _LARGEST_GAP) if last else after + 1
    yield from range(after + 1, before)
    yield from (number for number in reversed(last) if number > after)


def _run(source: Any, table: str, order: str, failed: type[Exception]) -> tuple[list[int], bool]:
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
