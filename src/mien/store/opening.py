"""Finding and opening a store: made where missing, brought up to date where old, refused where it is new."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, OperationalError

from mien.errors import ConfigError, StoreError
from mien.folders import data_folder
from mien.store.database import BUSY_S, DAMAGED, Address, Database, told_plainly, utc_now
from mien.store.schema import REVISION, VERSION_TABLE, Base
from mien.textfile import read_text
from mien.wording import reason

_POSTGRES: Final = ("postgresql", "postgres", "postgresql+psycopg")
_MAGIC: Final = b"SQLite format 3\0"

# Any number, the same in every Mien.
_LOCK: Final = 0x4D69656E


def find_address(where: str | Path | None = None) -> Address:
    """Return where the store lies: where the caller says, else `MIEN_STORE`, else the user's data folder.

    Args:
        where: a path, `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`.

    Raises:
        ConfigError: the URL is of another database, or none.
    """
    chosen = str(where or os.environ.get("MIEN_STORE") or data_folder() / "record.sqlite")
    if "://" not in chosen:
        try:
            return _file(Path(chosen).expanduser())
        except RuntimeError as error:
            raise ConfigError(
                f"store: the home folder in {chosen} is unknown; give the whole path"
            ) from error
    try:
        url = make_url(chosen)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "store: expected a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"
        ) from error
    if url.drivername == "sqlite" and url.database and url.database != ":memory:":
        return _file(Path(url.database))
    if url.drivername in _POSTGRES:
        return Address(url.set(drivername="postgresql+psycopg"), None)
    shown = url.render_as_string(hide_password=True)
    raise ConfigError(f"store: expected a path, sqlite:///PATH or postgresql://..., received {shown}")


def find_key(key: str | None = None) -> str | None:
    """Return the passphrase of an encrypted file; None where there is none.

    It is what the caller says, else `MIEN_STORE_KEY`, else the first line of the file that
    `MIEN_STORE_KEY_FILE` names. It is never an argument on the command line, where others could see it.

    Raises:
        ConfigError: the file can't be read, or is empty.
    """
    if chosen := key or os.environ.get("MIEN_STORE_KEY"):
        return chosen
    if not (name := os.environ.get("MIEN_STORE_KEY_FILE")):
        return None
    try:
        first = read_text(Path(name)).partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"MIEN_STORE_KEY_FILE: cannot read {name}: {error}") from error
    if not first:
        raise ConfigError(f"MIEN_STORE_KEY_FILE: {name} is empty; its first line is the passphrase")
    return first


def wants_read_only(chosen: bool = False) -> bool:
    """Return whether a record is only to be looked at, with no line in its audit log: see `Store`.

    It is what the caller says, else whether `MIEN_STORE_READ_ONLY` is 1.
    """
    return chosen or os.environ.get("MIEN_STORE_READ_ONLY", "").lower() in ("1", "true", "yes")


def _file(path: Path) -> Address:
    return Address(URL.create("sqlite", database=str(path)), path)


def open_database(
    address: Address,
    *,
    key: str | None = None,
    now: Callable[[], datetime] = utc_now,
    create: bool = True,
    read_only: bool = False,
) -> Database:
    """Open a database whose tables are as this Mien knows them.

    Args:
        address: where it lies.
        key: passphrase of an encrypted file.
        now: the clock.
        create: make the file where there is none.
        read_only: write nothing, not even the audit log.

    Raises:
        ConfigError: a key to a server, or to a file without SQLCipher.
        StoreError: it is missing, damaged, another program's, a newer Mien's, can't be brought up to date, or
            can't be written and was not asked for as `read_only`.
    """
    if key is not None and not address.path:
        raise ConfigError("MIEN_STORE_KEY is only for a file; encrypt a server's disk on the server")
    if address.path:
        _prepare(address.path, create and not read_only, encrypted=key is not None)
        _check_writable(address.path, read_only)
    database = Database(address, key=key, now=now, read_only=read_only)
    try:
        with told_plainly(address):
            _bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(path: Path, create: bool, *, encrypted: bool) -> None:
    """Make the file, or look at it from outside."""
    try:
        if not path.exists():
            if not create:
                raise StoreError(
                    f"there is no record at {path}; mien subject add or mien venue add creates one"
                )
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(0o600)
        recognise(path, encrypted=encrypted)
    except OSError as error:
        raise StoreError(f"{path} cannot be opened: {reason(error)}") from error


def _check_writable(path: Path, read_only: bool) -> None:
    """Refuse a file that can't be written, unless asked for: what is read could not be noted."""
    folder_writable = os.access(path.parent, os.W_OK)
    if not read_only and not (os.access(path, os.W_OK) and folder_writable):
        raise StoreError(
            f"{path} is read-only: who reads what of it can't be noted in its audit log; to read it all the"
            " same, without a note, set MIEN_STORE_READ_ONLY=1"
        )
    if read_only and not folder_writable and Path(f"{path}-wal").exists():
        raise StoreError(
            f"{path} has changes beside it ({path.name}-wal) that can't be joined where nothing can be"
            " written; copy all its files into another folder and read it there"
        )


def recognise(path: Path, *, encrypted: bool) -> None:
    """Raise unless a file is a whole SQLite file, by its first hundred bytes and its size.

    Args:
        path: of a file.
        encrypted: whether there is a key to it; then nothing is known before it is tried.

    Raises:
        StoreError: it is none, or a part of one.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        header, size = file.read(100), os.fstat(file.fileno()).st_size
    if not header or encrypted:
        return
    if len(header) < 100 or not header.startswith(_MAGIC):
        raise StoreError(
            f"{path} is not a record of Mien, is encrypted (MIEN_STORE_KEY is its passphrase), or {DAMAGED}"
        )
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    # With changes beside it that aren't in it yet, the file's own size says nothing.
    if not Path(f"{path}-wal").exists() and size < pages * (65536 if page == 1 else page):
        raise StoreError(f"{path} {DAMAGED}")


def _bring_up_to_date(database: Database) -> None:
    with database.engine.connect() as connection:
        found = _revision(connection, database)
    if found == REVISION:
        return
    if database.read_only:
        raise StoreError(
            f"{database} was written by an older Mien and is read-only: it has to be brought up to date first"
        )
    if database.address.path:
        migrate_file(database)
    else:
        with database.engine.begin() as connection:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            keep_writers_out(connection)
            _migrate(connection, database)


def keep_writers_out(connection: Connection) -> None:
    """Wait for those who write, and let nobody begin before the tables are up to date.

    Whoever writes looks at the version first, so that this is the one lock that both sides begin with: a
    step that waited for a writer in the middle of its tables could wait for each other.
    """
    if VERSION_TABLE in inspect(connection).get_table_names():
        connection.execute(text(f"LOCK TABLE {VERSION_TABLE} IN ACCESS EXCLUSIVE MODE"))


def _revision(connection: Connection, where: object) -> str | None:
    """Return the version of a store's tables; None where it has none yet.

    Raises:
        StoreError: the tables are a newer Mien's, or another program's.
    """
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in tables:
        strange = tables if connection.dialect.name == "sqlite" else tables & set(Base.metadata.tables)
        if strange:
            raise StoreError(
                f"{where} holds tables of another program ({min(strange)}); choose another database"
            )
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    if found is not None and found > REVISION:
        raise StoreError(
            f"{where} was written by a newer Mien (tables {found}, this one knows {REVISION}): update Mien"
        )
    return found


def migrate_file(database: Database, to: str = REVISION) -> None:
    """Bring the tables of a file to a version, as one transaction.

    Raises:
        StoreError: they can't be; they are as they were.
    """
    with database.outside_transaction() as connection:
        _keep_changes_beside(connection)
        # Making a table anew would take along what hangs on its rows.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.rollback()
        connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        with connection.begin():
            _migrate(connection, database, to)
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise StoreError(f"{database} {DAMAGED}")
        connection.invalidate()  # the next one has them on


def _keep_changes_beside(connection: Connection) -> None:
    """Let the file be read while it is written (WAL); SQLite doesn't wait for others to let it."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            return
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            connection.rollback()
            time.sleep(0.02)


def _migrate(connection: Connection, where: object, to: str = REVISION) -> None:
    if _revision(connection, where) == to:  # another program was quicker
        return
    from mien.store.migrations import migrate

    migrate(connection, to)
