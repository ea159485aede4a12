"""Backups, and what can still be read of a damaged file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mien.errors import OutputError, StoreError
from mien.store.address import find_address
from mien.store.checking import UNBOUND
from mien.store.engine import Database, connect_file, driver_for
from mien.store.faults import DAMAGED, told_plainly
from mien.store.opening import migrate_file
from mien.store.salvaging import Salvaged, copy_rows
from mien.store.schema import REVISION, VERSION_TABLE, TextRow


def check(database: Database) -> None:
    """Look through a whole file, all of which is read; a server looks after itself.

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
                salvaged = copy_rows(source, target, failed)
            migrate_file(copy)
            _note_unbound(copy)
    return salvaged


@contextmanager
def _new_file(to: Path, key: str | None) -> Iterator[Database]:
    """Give a database that gets its name when the block ends well, and else was never there."""
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
        raise OutputError(f"cannot write {to}: {error.strerror or error}") from error


def _note_unbound(copy: Database) -> None:
    """Let the rows that are left be bound to the log anew: no other program took out those that are lost."""
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
