"""Opening a store: new, old, newer, foreign, by two programs at once, and where nothing may be written."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from mien.errors import StoreError
from mien.store.store import Store
from patience import LIMIT_S


def test_a_file_and_its_folder_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "mien" / "record.sqlite"
    with Store(path) as store:
        store.subjects.add("P-1")
        for each in path.parent.iterdir():
            assert stat.S_IMODE(each.stat().st_mode) == 0o600, each
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["record.sqlite"]


def test_a_store_is_found_again(store_url: str) -> None:
    with Store(store_url) as store:
        added = store.subjects.add("P-017")
        where = store.where
    with Store(store_url, create=False) as store:
        assert store.subjects.all() == [added]
        assert store.where == where
        assert store.who


def test_a_missing_file_is_only_made_where_that_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"no record at {re.escape(str(tmp_path))}"):
        Store(tmp_path / "record.sqlite", create=False)
    assert not list(tmp_path.iterdir())


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    path.touch()  # as when a program was killed right after making it
    with Store(path) as store:
        assert store.subjects.all() == []


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "file" / "record.sqlite")


def test_a_newer_store_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    with Store(path) as store, store.transaction() as session:
        session.execute(text("UPDATE mien_version SET version_num = '9999'"))
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer Mien .*update Mien"):
        Store(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["record.sqlite"]


def test_a_newer_server_is_refused_and_not_touched(new_postgres_url: str) -> None:
    def dump() -> list[object]:
        with engine.connect() as connection:
            tables = "SELECT relname, relfilenode FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            return [
                *connection.execute(text(f"{tables} ORDER BY 1")),
                *connection.execute(text("TABLE mien_version")),
            ]

    with Store(new_postgres_url) as store, store.transaction() as session:
        session.execute(text("UPDATE mien_version SET version_num = '9999'"))
    engine = create_engine(new_postgres_url.replace("postgresql:", "postgresql+psycopg:"))
    before = dump()
    with pytest.raises(StoreError, match="newer Mien"):
        Store(new_postgres_url)
    assert dump() == before
    engine.dispose()


def test_another_programs_file_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE visits (url)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"another program \(visits\)"):
        Store(path)
    assert path.read_bytes() == before


def test_another_programs_tables_on_a_server_are_let_be(new_postgres_url: str) -> None:
    engine = create_engine(new_postgres_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE visits (url text)"))
    with Store(new_postgres_url) as store:
        store.subjects.add("P-1")
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE mien_version"))
    with pytest.raises(StoreError, match=r"another program \(annotations\)"):
        Store(new_postgres_url)
    engine.dispose()


@pytest.mark.exhaustive
def test_several_programs_make_a_store_at_once(new_store_url: str) -> None:
    script = "\n".join(
        [
            "import sys",
            "from mien.store.store import Store",
            "import mien.store.migrations",
            "print('ready', flush=True)",
            "sys.stdin.readline()",
            "with Store(sys.argv[1]) as store:",
            "    store.subjects.add(sys.argv[2])",
        ]
    )
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", script, new_store_url, code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for code in ("P-1", "P-2", "P-3")
    ]
    for each in programs:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in programs:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in programs:
        _, complaint = each.communicate(timeout=LIMIT_S)
        assert (each.returncode, complaint) == (0, "")
    with Store(new_store_url) as store:
        assert [each.code for each in store.subjects.all()] == ["P-1", "P-2", "P-3"]
        assert store.audit.verify() == 3


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be a user who may not write everywhere, as root may."""
    if os.getuid() != 0:
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def read_only_file() -> Iterator[Path]:
    """A store with a subject, which everybody may read and nobody write."""
    with tempfile.TemporaryDirectory(
        prefix="mien-read-only-"
    ) as name:  # others can't look into pytest's folder
        folder = Path(name)
        path = folder / "record.sqlite"
        with Store(path) as store:
            store.subjects.add("P-017")
        path.chmod(0o444)
        folder.chmod(0o555)
        yield path
        folder.chmod(0o755)


def test_a_read_only_file_can_be_read_and_says_so_when_written(read_only_file: Path) -> None:
    before = read_only_file.read_bytes()
    with as_nobody(), Store(read_only_file, read_only=True) as store:
        assert [each.code for each in store.subjects.all()] == ["P-017"]
        assert store.audit.verify() == 1
        with pytest.raises(StoreError, match=r"record.sqlite is read-only: it can be read, but not changed"):
            store.subjects.add("P-018")
        with pytest.raises(StoreError, match="is read-only"):
            store.erase(store.subjects.get("P-017"))
    assert read_only_file.read_bytes() == before


def test_a_read_only_file_in_a_folder_of_ones_own(read_only_file: Path) -> None:
    read_only_file.parent.chmod(0o777)
    with as_nobody(), Store(read_only_file, read_only=True) as store:
        assert [each.code for each in store.subjects.all()] == ["P-017"]
        with pytest.raises(StoreError, match="is read-only"):
            store.subjects.add("P-018")


@pytest.mark.parametrize("folder", [0o555, 0o777])
def test_a_file_that_cannot_be_written_is_read_without_a_note_only_when_asked_for(
    read_only_file: Path, folder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read silently: nobody could see afterwards who had read what."""
    read_only_file.parent.chmod(folder)
    with as_nobody():
        with pytest.raises(StoreError, match=r"record\.sqlite is read-only: .*set MIEN_STORE_READ_ONLY=1$"):
            Store(read_only_file)
        monkeypatch.setenv("MIEN_STORE_READ_ONLY", "1")
        with Store(read_only_file, create=False) as store:
            assert len(store.recordings.of(store.subjects.get("P-017"))) == 0
            assert store.audit.verify() == 1


def test_changes_beside_a_file_in_a_folder_that_cannot_be_written(read_only_file: Path) -> None:
    read_only_file.parent.chmod(0o777)
    Path(f"{read_only_file}-wal").write_bytes(b"x")
    read_only_file.parent.chmod(0o555)
    with as_nobody(), pytest.raises(StoreError, match=r"changes beside it \(record\.sqlite-wal\)"):
        Store(read_only_file, read_only=True)


def test_what_is_asked_for_as_read_only_is_not_written(new_store_url: str) -> None:
    """A file, and PostgreSQL, where only reading may be granted."""
    with Store(new_store_url) as store:
        subject = store.subjects.add("P-017")
    with Store(new_store_url, read_only=True) as store:
        assert store.self_reports.of(subject) == []
        assert store.audit.verify() == 1
        with pytest.raises(StoreError, match="is read-only"):
            store.subjects.add("P-018")


def test_nothing_is_made_to_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no record"):
        Store(tmp_path / "record.sqlite", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_not_be_read_is_told(read_only_file: Path) -> None:
    read_only_file.chmod(0o000)
    with as_nobody(), pytest.raises(StoreError, match="cannot be opened: Permission denied"):
        Store(read_only_file)


def test_a_folder_that_may_not_be_written_is_told(read_only_file: Path) -> None:
    with as_nobody(), pytest.raises(StoreError, match="cannot be opened: Permission denied"):
        Store(read_only_file.parent / "other.sqlite")


def test_who_is_only_a_number_has_a_name_for_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nobody)
    with Store(tmp_path / "record.sqlite") as store:
        assert store.who == f"user {os.getuid()}"
