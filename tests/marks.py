"""Which tests `make test` leaves out, and why: marks that follow from what a test uses.

They stand in pyproject.toml with what they mean. A test gets its own from the fixtures that it asks for and
from what its file needs to be imported, so that one that is moved keeps them; what nothing tells of is marked
by hand.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

LEFT_OUT = frozenset({"browser", "exhaustive", "postgres", "program", "training"})

_OF_FIXTURES = {
    "programs": "browser",
    "postgres_server": "postgres",
    "restarted_postgres": "postgres",
    "broker": "program",
    "gstreamer": "program",
    "certificate": "program",
}
_NEEDS_KERAS = re.compile(
    r'^(\w+ = )?(pytest\.importorskip|package)\("(keras|skimage)"|^if find_spec\("keras"\)', re.MULTILINE
)

running: pytest.Item | None = None
"""The test that runs now."""


def mark(item: pytest.Item) -> None:
    """Add the marks that follow from what a test uses."""
    found = {_OF_FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in _OF_FIXTURES}
    called = getattr(item, "callspec", None)
    if called and any(each == "postgresql" for each in called.params.values() if isinstance(each, str)):
        found.add("postgres")  # asked for by name while the fixture is set up
    if _needs_keras(item.path):
        found.add("training")
    for name in sorted(found):
        item.add_marker(name)


def left_out(item: pytest.Item) -> bool:
    """Return whether `make test` leaves a test out."""
    names = {each.name for each in item.iter_markers()}
    return not LEFT_OUT.isdisjoint(names) and "main_path" not in names


def is_left_out(path: Path) -> bool:
    """Return whether `make test` leaves out all of a file or folder, by its place and its text alone."""
    if path.is_dir():  # with its conftest.py, which loads what drives a browser
        return path.name == "browser" and all(map(is_left_out, path.glob("test_*.py")))
    if path.suffix != ".py" or "mark.main_path" in path.read_text("utf-8"):
        return False
    return _needs_keras(path) or (path.parent.name == "browser" and path.name.startswith("test_"))


@cache
def _needs_keras(path: Path) -> bool:
    return _NEEDS_KERAS.search(path.read_text("utf-8")) is not None


def expect(name: str) -> None:
    """Fail the test that runs now if it lacks a mark.

    Args:
        name: of the mark; where that is "program", "browser" does as well.
    """
    names = {name, "browser"} if name == "program" else {name}
    if running and not any(running.get_closest_marker(each) for each in names):
        pytest.fail(
            f"mark this test {name}: it would make `make test` slow, or fail elsewhere", pytrace=False
        )
