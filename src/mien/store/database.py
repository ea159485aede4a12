"""An open database: connections to SQLite and PostgreSQL, the two kinds of transaction, and plain errors."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session

from mien.errors import ConfigError, StoreError
from mien.install import extras_command
from mien.store.schema import REVISION, VERSION_TABLE

BUSY_S: Final = 10.0
"""How long a writer waits for another one."""

IDLE_S: Final = 120
"""After so long without a word in the middle of a transaction, the server takes a writer for gone."""

POOL: Final = 2
"""So many connections a program keeps; a station needs no more."""

MOST_CONNECTIONS: Final = 10
"""So many a program has at the most, as for a page that many look at."""

# What SQLite does by itself in a transaction that only reads.
_SNAPSHOT: Final[dict[str, Any]] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

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
    "too many clients": "has no connection left (max_connections of the server); try again",
    "remaining connection slots": "has no connection left (max_connections of the server); try again",
    "queuepool limit": "is busy: this program uses all its connections; try again",
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


@dataclass(frozen=True, slots=True)
class Address:
    """Where a store lies.

    Attributes:
        url: for SQLAlchemy; holds the server's password where there is one.
        path: of the SQLite file; None on a server.
    """

    url: URL
    path: Path | None

    def __str__(self) -> str:
        """Name the place, without its password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)


def utc_now() -> datetime:
    """Return the moment, by the system's clock."""
    return datetime.now(UTC)


class Database:
    """An open database; every thread may use it.

    Attributes:
        address: where it lies.
        engine: SQLAlchemy's.
        now: the clock.
        read_only: whether it can only be looked at.
    """

    def __init__(
        self,
        address: Address,
        *,
        key: str | None = None,
        now: Callable[[], datetime] = utc_now,
        read_only: bool = False,
    ) -> None:
        self.address, self.now, self.read_only = address, now, read_only
        self.engine = _sqlite(address.path, key, read_only) if address.path else _postgres(address)
        self._writing = self.engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._reading = self.engine if address.path else self.engine.execution_options(**_SNAPSHOT)

    def __str__(self) -> str:
        return str(self.address)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Return a session that writes: all of it when the block ends well, else nothing.

        A block inside another one, in the same thread, is part of the outer one.

        Raises:
            StoreError: the store is read-only, busy, full, damaged; or something does not fit.
        """
        if self.read_only:
            raise StoreError(f"{self} is read-only: it can be read, but not changed")
        inner = self.in_transaction
        with self._session(self._writing) as session:
            if not (inner or self.address.path):
                self._require_version(session)
            yield session

    def _require_version(self, session: Session) -> None:
        """Wait for somebody who brings the tables up to date, and write no rows that those don't know.

        With that, the server is told to let go of what this transaction holds if this computer goes away.

        Raises:
            StoreError: a newer Mien has changed the tables since they were opened.
        """
        found = session.scalar(text(_BEGIN_WRITING))
        if found != REVISION:
            raise StoreError(
                f"{self} was brought up to date by a newer Mien (tables {found}, this one knows {REVISION}):"
                " update Mien here, and start it again"
            )

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Return a session that sees one unchanging state of the store, whatever others write meanwhile.

        Inside a transaction it is part of that one.

        Raises:
            StoreError: the store can't be read.
        """
        with self._session(self._reading) as session:
            yield session

    @property
    def in_transaction(self) -> bool:
        """Whether this thread is in a transaction that writes."""
        outer = _current.get()
        return outer is not None and outer[0] is self

    @contextmanager
    def outside_transaction(self) -> Iterator[Connection]:
        """Return a connection for what can't be done in a transaction; each command stands for itself.

        Raises:
            StoreError: the database complained.
        """
        options: dict[str, Any] = (
            {"sqlite_begin": ""} if self.address.path else {"isolation_level": "AUTOCOMMIT"}
        )
        engine = self.engine.execution_options(**options)
        with told_plainly(self), engine.connect() as connection:
            yield connection

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        outer = _current.get()
        if outer is not None and outer[0] is self:
            yield outer[1]
            return
        with told_plainly(self), Session(engine, expire_on_commit=False) as session, session.begin():
            session.connection()  # begins now and not at the first command
            token = _current.set((self, session) if engine is self._writing else outer)
            try:
                yield session
            finally:
                _current.reset(token)

    def close(self) -> None:
        """Close all connections; SQLite then folds its -wal file into the file itself."""
        self.engine.dispose()


# One way there and back, as each writing begins with it.
_BEGIN_WRITING: Final = (
    f"SELECT version_num FROM {VERSION_TABLE}"
    f" WHERE set_config('idle_in_transaction_session_timeout', '{IDLE_S}s', true) IS NOT NULL"
)

_current: ContextVar[tuple[Database, Session] | None] = ContextVar("mien_store_transaction", default=None)


def _sqlite(path: Path, key: str | None, read_only: bool) -> Engine:
    driver = driver_for(key)

    def connect() -> sqlite3.Connection:
        return connect_file(path, key=key, driver=driver, read_only=read_only)

    engine = create_engine(
        "sqlite://", module=driver, creator=connect, poolclass=QueuePool, hide_parameters=True
    )
    event.listen(engine, "begin", _begin)
    return engine


def connect_file(
    path: Path, *, key: str | None = None, driver: ModuleType | None = None, read_only: bool = False
) -> sqlite3.Connection:
    """Open a SQLite file with all that we ask of each connection; transactions are begun by hand.

    A file in a folder that can't be written is opened as one that nobody changes, unless somebody left a
    -wal file beside it.
    """
    driver = driver or driver_for(key)
    options = "mode=rw"
    if read_only:
        still = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
        options = "mode=ro&immutable=1" if still else "mode=ro"
    connection: sqlite3.Connection = driver.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        if key is not None:
            _require_cipher(connection, path)
            quoted = key.replace("'", "''")
            connection.execute(f"PRAGMA key = '{quoted}'")
        if not read_only:
            for pragma in ("foreign_keys = ON", "secure_delete = ON", "synchronous = FULL"):
                connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _require_cipher(connection: sqlite3.Connection, path: Path) -> None:
    """Raise unless SQLCipher answers: plain SQLite takes a key without a word, and encrypts nothing.

    That happens where a library with an SQLite of its own that it shows to all, such as TensorFlow, was
    loaded into the process before.
    """
    if not connection.execute("PRAGMA cipher_version").fetchall():
        raise StoreError(
            f"{path}: SQLCipher does not answer, so nothing would be encrypted: another library in this"
            " process loaded its own SQLite first; open the record where TensorFlow is not loaded"
        )


def driver_for(key: str | None) -> ModuleType:
    """Return Python's own SQLite, or with a key SQLCipher, which is SQLite with encryption.

    Raises:
        ConfigError: the extra `encrypted` is not installed.
    """
    if key is None:
        return sqlite3
    try:
        return import_module("sqlcipher3.dbapi2")
    except ImportError as error:
        raise ConfigError(f"an encrypted store needs sqlcipher3: {extras_command('encrypted')}") from error


def _begin(connection: Connection) -> None:
    """Begin by hand: Python's driver begins too late, and never as one who will write."""
    if command := connection.get_execution_options().get("sqlite_begin", "BEGIN"):
        connection.exec_driver_sql(command)


def _postgres(address: Address) -> Engine:
    try:
        engine = create_engine(
            address.url,
            pool_pre_ping=True,
            pool_size=POOL,
            max_overflow=MOST_CONNECTIONS - POOL,
            pool_timeout=BUSY_S,
            hide_parameters=True,
            connect_args={
                **_PATIENCE,
                **{name: address.url.query[name] for name in _PATIENCE if name in address.url.query},
            },
        )
    except ImportError as error:
        raise ConfigError(f"a store on PostgreSQL needs psycopg: {extras_command('postgres')}") from error
    event.listen(engine, "connect", _bound_waits)
    return engine


# A network that breaks off is noticed: without these, a command may wait for hours.
_PATIENCE: Final[dict[str, Any]] = {
    "connect_timeout": int(BUSY_S),
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 20_000,
}


def _bound_waits(connection: Any, _: object) -> None:
    """Wait for another writer no longer than for one of a file, whatever the server's own settings are."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{BUSY_S:g}s'")
    connection.commit()


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
