"""What some tests need beside Python: where it is missing they are skipped, and in CI they fail.

`.ci/run` installs all of it and sets MIEN_NEED_ALL, so that no test is skipped there by mistake.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest

import marks

# Debian keeps servers where only root looks.
_FOLDERS = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def lacking(reason: str) -> NoReturn:
    """Skip the test for want of something that is not part of Python; with MIEN_NEED_ALL, fail it."""
    if os.environ.get("MIEN_NEED_ALL"):
        pytest.fail(f"{reason}, and MIEN_NEED_ALL is set", pytrace=False)
    pytest.skip(reason)


def package(name: str) -> None:
    """Skip all tests of a file where a package is missing.

    Unlike `pytest.importorskip` it loads nothing: what takes seconds is loaded by the process that runs the
    tests, and not by each that collects them.
    """
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed", allow_module_level=True)


def program(name: str, what: str) -> str:
    """Return a program's path, to a test that is marked `program` or `browser`.

    Args:
        name: of the program.
        what: it is, for the reason where it is missing.
    """
    marks.expect("program")
    found = shutil.which(name, path=_FOLDERS)
    if found is None:
        lacking(f"{name}, {what}, is not installed")
    return found
