"""Transactions: whole or not at all, one state at a time, several writers."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import inspect, select, text

from mien.errors import StoreError
from mien.store.schema import SubjectRow
from mien.store.store import Store
from store_fixtures import FakeClock


def test_several_writes_are_one(store: Store) -> None:
    def add_and_give(given_by: str) -> None:
        with store.transaction():
            store.consents.give(store.subjects.add("P-1"), given_by=given_by, purpose="to see")

    with pytest.raises(StoreError, match="given by"):
        add_and_give("")
    assert store.subjects.all() == []
    assert store.audit.entries() == []
    add_and_give("herself")
    assert [each.action for each in store.audit.entries()] == ["add", "consent"]


def test_a_reader_sees_one_state_while_others_write(store: Store) -> None:
    store.subjects.add("P-1")
    with store.reading() as session:
        before = session.scalar(text("SELECT count(*) FROM subjects"))
        writer = threading.Thread(target=store.subjects.add, args=["P-2"])
        writer.start()
        writer.join()
        assert session.scalar(text("SELECT count(*) FROM subjects")) == before == 1
    assert len(store.subjects.all()) == 2


def test_many_threads_write_at_once(store: Store) -> None:
    def add(number: int) -> None:
        for each in range(5):
            store.subjects.add(f"P-{number}-{each}")

    threads = [threading.Thread(target=add, args=[number]) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(store.subjects.all()) == 30
    assert store.audit.verify() == 30


def test_a_transaction_of_another_store_is_not_this_ones(
    store: Store, tmp_path: Path, clock: FakeClock
) -> None:
    with Store(tmp_path / "other.sqlite", now=clock) as other:
        with store.transaction():
            store.subjects.add("P-1")
            other.subjects.add("Q-1")
        assert [each.code for each in other.subjects.all()] == ["Q-1"]
    assert [each.code for each in store.subjects.all()] == ["P-1"]


def test_times_without_a_zone_are_refused(store: Store) -> None:
    naive = select(SubjectRow).where(SubjectRow.created_at > datetime(2026, 5, 4))
    with pytest.raises(StoreError, match="expected a time with its zone"), store.reading() as session:
        session.scalars(naive)


def test_foreign_keys_are_enforced(store: Store) -> None:
    with pytest.raises(StoreError, match="inconsistent data"), store.transaction() as session:
        session.execute(text("INSERT INTO figures VALUES (99, 'day', '1', '{}')"))


def test_a_file_is_durable_and_shared(tmp_path: Path) -> None:
    with Store(tmp_path / "record.sqlite") as store, store.engine.connect() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2  # FULL
        assert pragma("foreign_keys") == 1
        assert pragma("secure_delete") == 1
        assert pragma("busy_timeout") == 10_000


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.store.database.BUSY_S", 0.05)
    with Store(tmp_path / "record.sqlite") as store, Store(tmp_path / "record.sqlite") as other:
        with store.transaction(), pytest.raises(StoreError, match="is busy"):
            other.subjects.add("P-1")
        assert other.subjects.all() == []
        other.subjects.add("P-1")


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(StoreError, match="cannot be used: connection failed") as caught:
        Store("postgresql://mien:secret@127.0.0.1:1/record")
    assert "secret" not in str(caught.value)


def test_all_tables_are_there(store: Store) -> None:
    assert {"subjects", "chunks", "segments", "audit", "mien_version"} <= set(
        inspect(store.engine).get_table_names()
    )
