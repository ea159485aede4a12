"""Erase, which leaves no trace, and retention."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from filled_store import add_filled, add_recording
from mien.errors import StoreError
from mien.store.store import Store
from store_fixtures import FakeClock, add_agreed

DAY = timedelta(days=1)
MARKS = ("Quittenbaum", "quittenbaum", "P-SECRET-17")


def raw_bytes(store: Store) -> dict[str, bytes]:
    """Give what is on the disk: the file and what stands beside it; on a server, its database's files."""
    if path := store.database.address.path:
        return {each.name: each.read_bytes() for each in path.parent.iterdir()}
    with store.database.outside_transaction() as connection:
        connection.execute(text("CHECKPOINT"))
        folder = connection.scalar(text("SHOW data_directory"))
        number = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
    files = Path(folder) / "base" / str(number)
    if not files.is_dir():
        pytest.skip("the server's files are not on this machine")
    return {each.name: each.read_bytes() for each in files.iterdir()}


def found_in(store: Store) -> set[str]:
    """Give the marks that can be found on the disk."""
    everything = b"".join(raw_bytes(store).values())
    return {
        mark for mark in MARKS if mark.encode() in everything or mark.encode().hex().encode() in everything
    }


def test_it_leaves_no_trace(store: Store) -> None:
    other = add_filled(store, "P-018", "Mispel")
    subject = add_filled(store, "P-SECRET-17", "Quittenbaum")
    for number in range(50):  # rows that go alone leave free pages behind
        store.annotations.add(subject, "note", f"Quittenbaum {number} " * 100, at=store.now())
    for each in store.annotations.of(subject)[10:40]:
        store.annotations.remove(subject, each.id)
    assert found_in(store) == set(MARKS)
    counts = store.erase(subject)
    assert counts == {
        "consents": 1,
        "recordings": 1,
        "readings": 600,
        "signals": 300,
        "events": 1,
        "annotations": 22,
        "self_reports": 1,
        "users": 1,
        "figures": 1,
        "baselines": 0,
        "neutral_faces": 0,
    }
    assert found_in(store) == set()
    assert store.subjects.all() == [other]
    assert len(store.annotations.of(other)) == 2
    assert store.consents.valid(other)


def test_it_is_logged_by_random_number_only(store: Store) -> None:
    subject = store.subjects.add("P-SECRET-17", notes="Quittenbaum")
    store.erase(subject)
    last = store.audit.entries()[-1]
    assert (last.action, last.subject, last.details["annotations"]) == ("erase", subject.number, 0)
    assert store.audit.verify() == 2
    assert found_in(store) == set()


def test_nobody_is_erased_twice(store: Store) -> None:
    subject = store.subjects.add("P-017")
    store.erase(subject)
    with pytest.raises(StoreError, match="subject P-017 no longer exists"):
        store.erase(subject)


def test_who_reads_meanwhile_is_not_disturbed_and_the_file_is_cleaned_later(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.store.database.BUSY_S", 0.05)
    monkeypatch.setattr("mien.store.erasing.BUSY_S", 0.05)
    with Store(store_url) as store:
        subject = add_filled(store, "P-SECRET-17", "Quittenbaum")
        with store.reading() as session:
            assert session.scalar(text("SELECT count(*) FROM annotations")) == 2
            failures: list[str] = []

            def erase() -> None:
                try:
                    store.erase(subject)
                except StoreError as error:
                    failures.append(str(error))

            other = threading.Thread(target=erase)
            other.start()
            other.join()
            assert session.scalar(text("SELECT count(*) FROM annotations")) == 2
        assert len(failures) == 1
        assert "the rows are erased" in failures[0]
        assert store.subjects.all() == []
    with Store(store_url) as store:
        assert "Quittenbaum" not in found_in(store)


def test_old_recordings_are_erased(store: Store, clock: FakeClock) -> None:
    limited, kept = add_agreed(store, "P-1", retention_days=30), add_agreed(store, "P-2")
    for number, subject in enumerate((limited, kept)):
        old = add_recording(store, subject, clock() - 31 * DAY, f"{number}a", "Quittenbaum")
        add_recording(store, subject, clock() - 29 * DAY, f"{number}b")
        store.annotations.add(subject, "note", "x", at=clock() - 31 * DAY, recording_id=old)
        store.self_reports.add(subject, "mood", total=1, at=clock() - 31 * DAY)
    assert store.enforce_retention() == {"P-1": 1}
    with store.reading() as session:
        left = session.execute(text("SELECT uuid FROM recordings ORDER BY uuid")).scalars().all()
        assert left == ["0b", "1a", "1b"]
        for table in ("chunks", "segments", "events"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 3
        assert session.scalar(text("SELECT count(*) FROM figures")) == 2  # those of P-2
    assert store.annotations.of(limited) == []
    assert len(store.self_reports.of(limited)) == 1
    last = next(each for each in reversed(store.audit.entries()) if each.action != "read")
    assert (last.action, last.subject, last.details["recordings"]) == ("retention", limited.number, 1)
    assert store.enforce_retention() == {}
    assert store.enforce_retention(clock() + 2 * DAY) == {"P-1": 1}


def test_it_is_done_when_a_store_is_opened(store_url: str, clock: FakeClock) -> None:
    with Store(store_url, now=clock) as store:
        subject = store.subjects.add("P-1", retention_days=1)
        add_recording(store, subject, clock(), "a", "Quittenbaum")
    clock.advance(days=2)
    with Store(store_url, now=clock) as store:
        with store.reading() as session:
            assert session.scalar(text("SELECT count(*) FROM recordings")) == 0
        assert found_in(store) == set()


def test_a_reader_does_not_keep_a_store_shut(
    store_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.store.database.BUSY_S", 0.05)
    monkeypatch.setattr("mien.store.erasing.BUSY_S", 0.05)
    with Store(store_url, now=clock) as store:
        subject = store.subjects.add("P-1", retention_days=1)
        add_recording(store, subject, clock(), "a", "Quittenbaum")
        clock.advance(days=2)
        with store.reading() as session:
            assert session.scalar(text("SELECT count(*) FROM recordings")) == 1
            with Store(store_url, now=clock) as other:
                assert other.audit.entries()[-1].action == "retention"
    with Store(store_url, now=clock) as store:
        assert found_in(store) == set()


def test_a_file_gets_smaller(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with Store(path) as store:
        subject = add_agreed(store, "P-1")
        for number in range(100):
            store.annotations.add(subject, "note", "x" * 20_000, at=store.now() - number * DAY)
        store.erase(subject)
        assert path.stat().st_size < 300_000
        assert (tmp_path / "record.sqlite-wal").stat().st_size < 100_000
