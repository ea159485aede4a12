"""Backups, and recovering what can still be read of a damaged file, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from mien.errors import OutputError, StoreError
from mien.store.database import DAMAGED, Database, connect_file, driver_for, told_plainly
from mien.store.integrity import UNBOUND
from mien.store.opening import find_address, migrate_file
from mien.store.schema import REVISION, VERSION_TABLE, Base, TextRow
from mien.wording import reason

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


def check(database: Database) -> None:
    """Raise where a file is damaged; all of it is read. A server looks after itself.

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
        source.execute("PRAGMA writable_schema = ON")  # lets SQLite read a file that was cut off, too
        revision = _revision(source)
        with _new_file(to, key) as copy:
            migrate_file(copy, revision)
            with closing(_connect(copy, key)) as target:
                salvaged = _copy_rows(source, target, failed)
            migrate_file(copy)
            _note_unbound(copy)
    return salvaged


@contextmanager
def _new_file(to: Path, key: str | None) -> Iterator[Database]:
    """Return a database that gets its name when the block ends well, and else was never there."""
    if to.exists():
        raise OutputError(f"{to} already exists; choose another name")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{to.stem[:40]}-", dir=to.parent) as folder:
            path = Path(folder) / "record.sqlite"
            path.touch(0o600)
            with closing(Database(find_address(path), key=key)) as database:
                yield database
            path.replace(to)
    except OSError as error:
        raise OutputError(f"cannot write {to}: {reason(error)}") from error


def _note_unbound(copy: Database) -> None:
    """Have the rows that are left bound to the log anew: no other program took out those that are lost."""
    with copy.transaction() as session:
        session.merge(TextRow(name=UNBOUND, value="saved from a damaged record"))


def _connect(copy: Database, key: str | None) -> Any:
    assert copy.address.path is not None
    connection = connect_file(copy.address.path, key=key)
    connection.execute("PRAGMA foreign_keys = OFF")
    return connection


def _revision(source: Any) -> str:
    (found,) = source.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone() or (REVISION,)
    return str(found)


def _copy_rows(source: Any, target: Any, failed: type[Exception]) -> Salvaged:
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
    """Return each row; None for one that can't be read.

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
    """Yield rows until there were none for long; without a known end, those lost may never have been."""
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
