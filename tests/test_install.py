"""What a message tells to type is typed here by pip itself, which installs nothing (--dry-run)."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from mien import install
from mien.install import extras_command, install_command


@pytest.fixture
def from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Mien as it lies where it is installed, away from its source tree."""
    monkeypatch.setattr(install, "__file__", str(tmp_path / "lib" / "site-packages" / "mien" / "install.py"))
    return tmp_path


def came_from(monkeypatch: pytest.MonkeyPatch, direct_url: dict[str, object] | None) -> None:
    text = None if direct_url is None else json.dumps(direct_url)
    monkeypatch.setattr(install, "distribution", lambda _: SimpleNamespace(read_text=lambda _: text))


def test_in_a_source_tree_it_is_the_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = Path(__file__).parents[1]
    assert shlex.split(extras_command("web", "record"))[-3:] == ["install", "-e", f"{tree}[web,record]"]
    assert shlex.split(extras_command())[-1] == str(tree)


def test_installed_from_a_tree_it_is_that_tree(from_elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = from_elsewhere / "a copy"
    tree.mkdir()
    came_from(monkeypatch, {"url": tree.as_uri(), "dir_info": {}})
    assert shlex.split(extras_command("web"))[-2:] == ["install", f"{tree}[web]"]


def test_installed_from_a_wheel_it_is_that_wheel(
    from_elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = from_elsewhere / "mien-1-py3-none-any.whl"
    wheel.touch()
    came_from(monkeypatch, {"url": wheel.as_uri(), "archive_info": {}})
    assert shlex.split(extras_command("web"))[-1] == f"mien[web] @ {wheel.as_uri()}"


@pytest.mark.parametrize(
    "told", [None, {"url": "file:///gone/mien", "dir_info": {}}, {"url": "https://a/b.whl"}]
)
def test_elsewhere_it_is_the_name(
    from_elsewhere: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, object] | None
) -> None:
    came_from(monkeypatch, told)
    assert shlex.split(extras_command("web"))[-1] == "mien[web]"


def test_it_is_the_pip_of_the_environment_that_runs_mien(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/pip")
    assert install_command("pillow-heif") == f"{sys.executable} -m pip install pillow-heif"
    monkeypatch.setattr("shutil.which", lambda _: str(Path(sys.executable).parent / "pip"))
    assert install_command("pillow-heif") == "pip install pillow-heif"


def test_every_extra_that_a_message_names_is_one() -> None:
    root = Path(__file__).parents[1]
    known = set(tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    named = set()
    for path in (root / "src").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "pip install" not in text or path.name == "install.py", f"{path}: use mien.install"
        named |= set(re.findall(r'extras_command\("([\w-]+)"\)', text))
    assert named
    assert named <= known
    for path in (root / "README.md", *(root / "docs").glob("*.md")):
        for extras in re.findall(r"pip install[^\n]*?\[([\w,-]+)\]", path.read_text(encoding="utf-8")):
            assert set(extras.split(",")) <= known, path
