"""A file that is encrypted with SQLCipher."""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from pathlib import Path

import pytest

from filled_store import add_filled
from mien.errors import ConfigError, StoreError
from mien.store.database import connect_file
from mien.store.recovery import backup, check, salvage
from mien.store.store import Store
from needs import lacking

KEY = "correct 'horse' battery"


@pytest.fixture(autouse=True)
def sqlcipher() -> None:
    if importlib.util.find_spec("sqlcipher3") is None:
        lacking("sqlcipher3, the extra `encrypted`, is not installed")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "record.sqlite"
    with Store(path, key=KEY) as store:
        add_filled(store, "P-1", "Quittenbaum")
    return path


def test_the_disk_holds_no_plain_text(tmp_path: Path) -> None:
    with Store(tmp_path / "record.sqlite", key=KEY) as store:
        add_filled(store, "P-SECRET-17", "Quittenbaum")
        files = list(tmp_path.iterdir())
        assert {each.name for each in files} == {"record.sqlite", "record.sqlite-wal", "record.sqlite-shm"}
        content = b"".join(each.read_bytes() for each in files)
    content += (tmp_path / "record.sqlite").read_bytes()
    assert len(content) > 100_000
    for plain in (b"Quittenbaum", b"P-SECRET-17", b"CREATE TABLE", b"SQLite format", b"horse"):
        assert plain not in content


def test_it_works_as_any_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_STORE_KEY", KEY)
    with Store(path, create=False) as store:
        subject = store.subjects.get("P-1")
        assert store.consents.valid(subject)
        check(store.database)
        assert store.erase(subject)["annotations"] == 2
        assert store.audit.verify()


@pytest.mark.parametrize("key", ["wrong", None])
def test_with_another_key_or_none_it_stays_shut(path: Path, key: str | None) -> None:
    before = path.read_bytes()
    with pytest.raises(StoreError, match="MIEN_STORE_KEY") as caught:
        Store(path, key=key)
    assert "wrong" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_file_without_encryption_is_not_opened_with_a_key(tmp_path: Path) -> None:
    path = tmp_path / "plain.sqlite"
    Store(path).close()
    with pytest.raises(StoreError, match="is not a record of Mien, is encrypted with another key"):
        Store(path, key=KEY)


@pytest.mark.exhaustive
def test_backups_and_what_is_saved_have_the_same_key(path: Path, tmp_path: Path) -> None:
    with Store(path, key=KEY) as store:
        backup(store.database, tmp_path / "backup.sqlite", key=KEY)
    saved = salvage(path, tmp_path / "saved.sqlite", key=KEY)
    assert sum(saved.lost.values()) == 0
    for name in ("backup.sqlite", "saved.sqlite"):
        assert b"Quittenbaum" not in (tmp_path / name).read_bytes()
        with Store(tmp_path / name, key=KEY) as store:
            assert [each.code for each in store.subjects.all()] == ["P-1"]
    with pytest.raises(StoreError, match="encrypted with another key"):
        salvage(path, tmp_path / "other.sqlite", key="wrong")


def test_where_it_is_not_installed_it_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlcipher3", None)
    monkeypatch.delitem(sys.modules, "sqlcipher3.dbapi2", raising=False)
    with pytest.raises(ConfigError, match=r"sqlcipher3: .*\[encrypted\]"):
        Store(tmp_path / "record.sqlite", key=KEY)


def test_a_server_encrypts_by_itself(postgres_url: str) -> None:
    with pytest.raises(ConfigError, match="MIEN_STORE_KEY is only for a file"):
        Store(postgres_url, key=KEY)


def test_an_sqlite_that_takes_the_key_and_encrypts_nothing_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    path.touch()
    with pytest.raises(StoreError, match="nothing would be encrypted"):
        connect_file(path, key="secret", driver=sqlite3)
    assert path.read_bytes() == b""
