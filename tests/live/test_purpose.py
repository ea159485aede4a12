from __future__ import annotations

import json
from pathlib import Path

import pytest

from mien.errors import ConfigError
from mien.folders import config_folder
from mien.live.purpose import MEANINGS, PURPOSES, REFUSED, choose_purpose, read_purpose


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MIEN_CONFIG", str(tmp_path / "config"))
    return tmp_path / "config"


def test_none_is_chosen_at_first() -> None:
    assert read_purpose() is None


@pytest.mark.parametrize("name", PURPOSES)
def test_what_is_chosen_is_remembered(name: str, folder: Path) -> None:
    assert choose_purpose(name) == name
    assert read_purpose() == name
    assert [path.name for path in folder.iterdir()] == ["purpose.json"]
    assert name in MEANINGS


@pytest.mark.parametrize("name", ["work", "school"])
def test_supervision_is_refused_with_a_reason(name: str) -> None:
    choose_purpose("self")
    with pytest.raises(ConfigError, match="the law of the European Union") as raised:
        choose_purpose(name)
    assert str(raised.value) == REFUSED[name]
    assert read_purpose() == "self"


def test_an_unknown_purpose_is_named() -> None:
    with pytest.raises(ConfigError, match="expected self, research, clinic, venue, received 'fun'"):
        choose_purpose("fun")
    assert read_purpose() is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"purpose": "work"}', '{"purpose": ["self"]}', "\xff"]
)
def test_a_damaged_file_is_no_purpose(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "purpose.json").write_bytes(text.encode("latin-1"))
    assert read_purpose() is None
    choose_purpose("self")
    assert json.loads((folder / "purpose.json").read_text()) == {"purpose": "self"}


def test_where_the_system_keeps_such_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MIEN_CONFIG")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_folder() == tmp_path / "mien"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert config_folder() == Path.home() / ".config" / "mien"
