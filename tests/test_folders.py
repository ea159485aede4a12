"""Where things are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.folders import config_folder, data_folder


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIEN_CONFIG", "MIEN_DATA", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("system", "config", "data"),
    [
        ("linux", ".config/mien", ".local/share/mien"),
        ("darwin", "Library/Application Support/mien", "Library/Application Support/mien"),
        ("win32", "AppData/Roaming/mien", "AppData/Local/mien"),
    ],
)
def test_they_are_where_the_system_keeps_such_files(
    system: str, config: str, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", system)
    assert config_folder() == Path.home() / config
    assert data_folder() == Path.home() / data


def test_the_environment_moves_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder() == tmp_path / "mien"
    monkeypatch.setenv("MIEN_DATA", str(tmp_path / "here"))
    assert data_folder() == tmp_path / "here"
    assert config_folder() == Path.home() / ".config/mien"
