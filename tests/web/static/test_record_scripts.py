"""The record's scripts without a page, wherever the clock stands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mien.web.pages import SIGNS, STATIC
from needs import program
from patience import LIMIT_S

pytestmark = pytest.mark.program

TIME_LIMIT_S = LIMIT_S


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"])
def test_what_the_scripts_compute(tmp_path: Path, zone: str) -> None:
    folder = tmp_path / "modules"
    shutil.copytree(STATIC, folder)
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    tests = Path(__file__).with_name("record.test.mjs")
    done = subprocess.run(
        [program("node", "which runs the page's scripts without a browser"), "--test", str(tests)],
        capture_output=True,
        timeout=TIME_LIMIT_S,
        env={"PATH": os.environ["PATH"], "MIEN_MODULES": folder.as_uri(), "TZ": zone},
        check=False,
    )
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def test_the_key_shows_the_signs_that_are_drawn() -> None:
    drawn = dict(re.findall(r'^  (\w+): "(M[^"]+)"', (STATIC / "lanes.js").read_text(encoding="utf-8"), re.M))
    assert {kind: drawn[kind] for kind in SIGNS} == dict(SIGNS)
