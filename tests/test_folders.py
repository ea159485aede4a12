"""Where things are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mien
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


NOBODY = """
import pwd, sys
def unknown(uid): raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = unknown
from mien.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there, a user always has a folder")
@pytest.mark.parametrize(
    ("arguments", "setting", "code", "told"),
    [
        (["subject", "list"], {}, 2, "set MIEN_DATA to a writable folder"),
        (["subject", "add", "P-1"], {"MIEN_DATA": "data"}, 0, "P-1"),
        *(
            pytest.param(*each, marks=pytest.mark.exhaustive)
            for each in (
                (["subject", "add", "P-1"], {"MIEN_STORE": "record.sqlite"}, 0, "P-1"),
                (["subject", "list"], {"MIEN_STORE": "~/record.sqlite"}, 2, "give the whole path"),
                (["models", "list"], {}, 0, "not fetched"),
                (["models", "fetch", "yunet"], {}, 2, "set MIEN_CACHE to a writable folder"),
                (
                    ["live", "--subject", "P-1", "nowhere.mp4"],
                    {"MIEN_STORE": "record.sqlite"},
                    1,
                    "nowhere.mp4",
                ),
            )
        ),
    ],
)
def test_a_user_without_a_home_and_a_name(
    tmp_path: Path, arguments: list[str], setting: dict[str, str], code: int, told: str
) -> None:
    """In a container a user may be only a number: every command was "a mistake in mien"."""
    dropped = ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    kept = {name: value for name, value in kept.items() if not name.startswith(("MIEN_", "XDG_"))}
    package = str(Path(mien.__file__).parents[1])
    ran = subprocess.run(
        [sys.executable, "-c", NOBODY, *arguments],
        env={**kept, "PYTHONPATH": package, **setting},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "a mistake in mien" not in ran.stderr
    assert (ran.returncode, told in ran.stdout + ran.stderr) == (code, True), ran
