"""Damaged files, full disks, backups."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from filled_store import add_filled
from mien.errors import OutputError, StoreError
from mien.store.recovery import backup, check, salvage
from mien.store.store import Store
from store_fixtures import add_agreed

PAGE = 4096


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "record.sqlite"
    with Store(path) as store:
        add_filled(store, "P-1", "Mispel")
        subject = add_filled(store, "P-2", "Quitte")
        with store.transaction():
            for number in range(400):
                store.annotations.add(subject, "note", f"note {number} " * 30, at=store.now())
    return path


@pytest.fixture
def path(made: Path, tmp_path: Path) -> Path:
    """A file with two subjects and many notes."""
    return Path(shutil.copy(made, tmp_path))


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def damage_notes(path: Path) -> None:
    """Overwrite a page that holds notes, and nothing else."""
    content = path.read_bytes()
    overwrite(path, content.index(b"note 200 ") // PAGE * PAGE, b"\xff" * PAGE)


@pytest.mark.parametrize(
    "content", [b"x", b"this is not a database " * 400, b"\0" * 8192, b"SQLite format 3\0"]
)
def test_what_is_no_database_is_recognised(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "record.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"record.sqlite is not a record of Mien.*or is damaged"):
        Store(path)
    assert path.read_bytes() == content


@pytest.mark.exhaustive
@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_file_that_was_cut_off_is_recognised(path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(
        StoreError, match=r"is damaged; nothing was written to it.*backup.*mien store salvage"
    ):
        Store(path)


def test_a_damaged_page_is_recognised_when_it_is_read_and_by_looking_through(path: Path) -> None:
    with Store(path) as store:
        check(store.database)
    damage_notes(path)
    with Store(path) as store:
        with pytest.raises(StoreError, match="is damaged"):
            check(store.database)
        with pytest.raises(StoreError, match="is damaged"):
            store.annotations.of(store.subjects.get("P-2"))
        assert store.consents.valid(store.subjects.get("P-1"))  # the rest can be read


def test_damaged_tables_are_recognised(path: Path) -> None:
    overwrite(path, 100, b"\xff" * (PAGE - 100))
    with pytest.raises(StoreError, match="is damaged"):
        Store(path)


def test_what_can_be_read_is_saved(path: Path, tmp_path: Path) -> None:
    damage_notes(path)
    before = path.read_bytes()
    saved = salvage(path, tmp_path / "saved.sqlite")
    assert path.read_bytes() == before
    assert 0 < saved.lost["annotations"] < 40
    assert saved.copied["annotations"] > 360
    assert sum(saved.lost.values()) == saved.lost["annotations"]
    with Store(tmp_path / "saved.sqlite") as store:
        check(store.database)
        bound = store.audit.entries()[saved.copied["audit"] :]
        assert [each.action for each in bound] == ["bind"] * 3
        assert [each.rpartition(": ")[2] for each in store.check().bound] == ["saved from a damaged record"]
        assert store.check().altered == []
        one, two = store.subjects.all()
        assert len(store.annotations.of(one)) == 2
        assert len(store.annotations.of(two)) == saved.copied["annotations"] - 2
        texts = {each.text for each in store.annotations.of(two)}
        assert {("note 0 " * 30).strip(), ("note 399 " * 30).strip()} <= texts
        store.subjects.add("P-3")


def test_all_is_saved_of_a_whole_file(path: Path, tmp_path: Path) -> None:
    saved = salvage(path, tmp_path / "new" / "saved.sqlite")
    assert sum(saved.lost.values()) == 0
    with (
        closing(sqlite3.connect(path)) as old,
        closing(sqlite3.connect(tmp_path / "new" / "saved.sqlite")) as new,
    ):
        note = "INSERT INTO \"texts\" VALUES('unbound','\"saved from a damaged record\"');"
        assert sorted(new.iterdump()) == sorted([*old.iterdump(), note])
    assert stat.S_IMODE((tmp_path / "new" / "saved.sqlite").stat().st_mode) == 0o600
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["saved.sqlite"]


@pytest.mark.exhaustive
def test_what_is_left_of_a_file_that_was_cut_off_is_saved(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    saved = salvage(path, tmp_path / "saved.sqlite")
    assert saved.copied["subjects"] == 2
    assert 50 < saved.copied["annotations"] < 400
    assert saved.copied["annotations"] + saved.lost["annotations"] <= 404
    assert saved.lost["annotations"] > 0
    with Store(tmp_path / "saved.sqlite") as store:
        check(store.database)


def test_what_belongs_to_a_lost_subject_is_lost(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM subjects WHERE code = 'P-2'")  # without foreign keys
        connection.commit()
    saved = salvage(path, tmp_path / "saved.sqlite")
    assert saved.lost["annotations"] == 402
    assert (saved.lost["recordings"], saved.lost["chunks"], saved.lost["events"]) == (1, 1, 1)
    with Store(tmp_path / "saved.sqlite") as store:
        assert [each.code for each in store.subjects.all()] == ["P-1"]
        assert len(store.annotations.of(store.subjects.get("P-1"))) == 2


def test_where_nothing_can_be_read_it_says_so(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    path.write_bytes(b"\0" * 10_000)
    with pytest.raises(StoreError, match="is not a record of Mien"):
        salvage(path, tmp_path / "saved.sqlite")
    assert [each.name for each in tmp_path.iterdir()] == ["record.sqlite"]
    with pytest.raises(StoreError, match="cannot be opened"):
        salvage(tmp_path / "none.sqlite", tmp_path / "saved.sqlite")


def test_a_backup_is_taken_while_others_write(path: Path, tmp_path: Path) -> None:
    with Store(path) as store:
        store.subjects.add("P-3")  # stands beside the file as yet
        backup(store.database, tmp_path / "backup.sqlite")
        store.subjects.add("P-4")
    with Store(tmp_path / "backup.sqlite") as store:
        assert [each.code for each in store.subjects.all()] == ["P-1", "P-2", "P-3"]
        assert store.audit.verify()
    assert stat.S_IMODE((tmp_path / "backup.sqlite").stat().st_mode) == 0o600


def test_a_backup_of_a_damaged_file_is_none(path: Path, tmp_path: Path) -> None:
    damage_notes(path)
    with Store(path) as store, pytest.raises(StoreError, match="is damaged"):
        backup(store.database, tmp_path / "backup.sqlite")
    assert [each.name for each in tmp_path.iterdir()] == ["record.sqlite"]


def test_nothing_is_overwritten(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "backup.sqlite"
    other.write_text("mine")
    with Store(path) as store, pytest.raises(OutputError, match="already exists"):
        backup(store.database, other)
    with pytest.raises(OutputError, match="already exists"):
        salvage(path, other)
    with pytest.raises(OutputError, match="cannot write"):
        salvage(path, other / "x.sqlite")
    assert other.read_text() == "mine"


def test_a_server_has_its_own_backups(postgres_url: str, tmp_path: Path) -> None:
    with Store(postgres_url) as store:
        check(store.database)
        with pytest.raises(StoreError, match="pg_dump"):
            backup(store.database, tmp_path / "backup.sqlite")


def test_a_full_disk_leaves_what_was_there(path: Path) -> None:
    with Store(path) as store:
        before = store.annotations.of(store.subjects.get("P-2"))
        pages = path.stat().st_size // PAGE
        store.engine.dispose()
        event.listen(
            store.engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + 2}")
        )

        def fill() -> None:
            with store.transaction():
                for _ in range(100):
                    store.annotations.add(store.subjects.get("P-2"), "note", "x" * 5000, at=store.now())

        with pytest.raises(StoreError, match=f"{re.escape(str(path))} cannot be written: the disk is full"):
            fill()
        assert store.annotations.of(store.subjects.get("P-2")) == before
        check(store.database)
    with Store(path) as store:
        store.annotations.add(store.subjects.get("P-2"), "note", "there is room again", at=store.now())


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can't be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_really_is_full(small_disk: Path) -> None:
    with Store(small_disk / "record.sqlite") as store:
        subject = add_agreed(store, "P-1")

        def fill() -> None:
            for _ in range(1000):
                store.annotations.add(subject, "note", "x" * 5000, at=store.now())

        with pytest.raises(StoreError, match=r"the disk is full|the disk reports an error"):
            fill()
        with store.audit.unlogged():  # there is no room for a line
            kept = len(store.annotations.of(subject))
        assert kept > 10
        check(store.database)
    with Store(small_disk / "record.sqlite") as store, store.audit.unlogged():
        assert len(store.annotations.of(subject)) == kept
        check(store.database)
