"""The scripts of a venue's pages, without a page."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mien.web.pages import STATIC
from needs import program
from patience import LIMIT_S

pytestmark = pytest.mark.program

TIME_LIMIT_S = LIMIT_S


def test_what_the_scripts_compute(tmp_path: Path) -> None:
    folder = tmp_path / "modules"
    shutil.copytree(STATIC, folder)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    tests = Path(__file__).with_name("venue.test.mjs")
    done = subprocess.run(
        [program("node", "which runs the page's scripts without a browser"), "--test", str(tests)],
        capture_output=True,
        timeout=TIME_LIMIT_S,
        env={"PATH": os.environ["PATH"], "MIEN_MODULES": folder.as_uri()},
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
