"""Where a store lies, and its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import ConfigError
from mien.store.opening import find_address, find_key


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("MIEN_STORE", "MIEN_STORE_KEY", "MIEN_STORE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MIEN_DATA", str(tmp_path))


def test_by_default_it_lies_in_the_data_folder(tmp_path: Path) -> None:
    assert find_address().path == tmp_path / "record.sqlite"


def test_the_environment_names_it_and_the_caller_more_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_STORE", "/ward/one.sqlite")
    assert find_address().path == Path("/ward/one.sqlite")
    assert find_address("other.sqlite").path == Path("other.sqlite")
    assert find_address(Path("~/other.sqlite")).path == Path.home() / "other.sqlite"


def test_a_url_of_sqlite_is_a_path() -> None:
    assert find_address("sqlite:////ward/one.sqlite").path == Path("/ward/one.sqlite")
    assert find_address("sqlite:///one.sqlite").path == Path("one.sqlite")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_server_by_url_is_shown_without_its_password(scheme: str) -> None:
    address = find_address(f"{scheme}://mien:secret@db.ward/record")
    assert address.path is None
    assert address.url.drivername == "postgresql+psycopg"
    assert address.url.password == "secret"
    assert "secret" not in str(address)
    assert "db.ward/record" in str(address)


@pytest.mark.parametrize("wrong", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "://", "x://["])
def test_another_database_is_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="postgresql://") as caught:
        find_address(wrong)
    assert "secret" not in str(caught.value)


def test_the_key_comes_from_the_environment_or_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert find_key() is None
    file = tmp_path / "key"
    file.write_text("from a file\nand a comment\n")
    monkeypatch.setenv("MIEN_STORE_KEY_FILE", str(file))
    assert find_key() == "from a file"
    monkeypatch.setenv("MIEN_STORE_KEY", "from the environment")
    assert find_key() == "from the environment"
    assert find_key("chosen") == "chosen"


def test_a_key_file_that_is_empty_or_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIEN_STORE_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(ConfigError, match="cannot read"):
        find_key()
    (tmp_path / "key").write_text("\nsecond line")
    with pytest.raises(ConfigError, match="is empty"):
        find_key()
