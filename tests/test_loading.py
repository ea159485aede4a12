"""What can run code when it is loaded: pickles, shells, `eval`. There is one, and it is checked."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import mien

SOURCES = Path(mien.__file__).parent

LOADERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle", "yaml"}
"""Modules that make any object of what they read."""

ALLOWED = {"face/detect/mtcnn_weights.py": {"joblib"}}
"""Which of our files use which; tests/face/test_detect_mtcnn.py tries its check."""


@cache
def nodes() -> list[tuple[str, ast.Import | ast.ImportFrom | ast.Call]]:
    """Return each import and each call, with the file in which it stands."""
    return [
        (path.relative_to(SOURCES).as_posix(), node)
        for path in sorted(SOURCES.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Call)
    ]


@pytest.mark.exhaustive
def test_one_file_alone_reads_pickles() -> None:
    found: dict[str, set[str]] = {}
    for name, node in nodes():
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for each in {one.partition(".")[0] for one in names} & LOADERS:
            found.setdefault(name, set()).add(each)
    assert found == ALLOWED


def calls(attribute: str) -> list[tuple[str, dict[str, object]]]:
    """Return each call of something with a name: where, and what it is told by name."""
    found = []
    for name, node in nodes():
        if isinstance(node, ast.Call) and attribute in (
            getattr(node.func, "attr", None),
            getattr(node.func, "id", None),
        ):
            values = {
                each.arg or "": each.value.value if isinstance(each.value, ast.Constant) else ...
                for each in node.keywords
            }
            found.append((f"{name}:{node.lineno}", values))
    return found


def test_arrays_are_read_without_pickles() -> None:
    numpys = [each for each in calls("load") if "allow_pickle" in each[1]]
    assert len(numpys) >= 4
    assert [each for each in numpys if each[1]["allow_pickle"] is not False] == []


@pytest.mark.parametrize("name", ["load_model", "deserialize_keras_object"])
def test_keras_reads_no_code(name: str) -> None:
    assert [each for each in calls(name) if each[1].get("safe_mode", True) is not True] == []
    assert calls("enable_unsafe_deserialization") == []


@pytest.mark.parametrize("name", ["eval", "exec", "read_pickle", "to_pickle"])
def test_no_text_becomes_code(name: str) -> None:
    assert calls(name) == []


def test_no_shell_is_asked() -> None:
    started = [each for name in ("run", "Popen", "call", "check_output") for each in calls(name)]
    assert [each for each in started if each[1].get("shell")] == []
    for path in SOURCES.rglob("*.py"):
        assert "os.system(" not in path.read_text(encoding="utf-8"), path
