"""Real processes that are killed at random moments: the corpus ends as an undisturbed one does."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import ENVIRONMENT
from corpus.fake import fill, run, tree
from mien.corpus.corpus import Corpus
from patience import LIMIT_S

_DRIVER = """
import json, sys
from corpus.fake import run
if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], **json.loads(sys.argv[3]))
"""


def drive(folder: Path, corpus: Path, inputs: Path, **choices: Any) -> subprocess.Popen[bytes]:
    """Start a driver with two workers, from a file: its workers load that, too."""
    script = folder / "driver.py"
    script.write_text(_DRIVER)
    told = json.dumps({"workers": 2} | choices)
    path = f"{ENVIRONMENT['PYTHONPATH']}:{Path(__file__).parents[1]}"
    environment = ENVIRONMENT | {"PYTHONPATH": path}
    return subprocess.Popen([sys.executable, script, corpus, inputs, told], env=environment)


def wait_for(what: Callable[[], bool]) -> None:
    """Wait until something holds."""
    until = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < until
        time.sleep(0.002)


def has_done(corpus: Path, least: int) -> bool:
    return len(list(corpus.glob("*/done/*"))) >= least


@pytest.mark.exhaustive
def test_a_driver_killed_twenty_times(tmp_path: Path) -> None:
    inputs = fill(tmp_path / "inputs", 60)
    run(tmp_path / "undisturbed", inputs)
    corpus, at = tmp_path / "corpus", random.Random(20)
    for _ in range(20):
        least = len(list(corpus.glob("*/done/*"))) + at.randint(1, 2)
        driver = drive(tmp_path, corpus, inputs)
        # In the midst of it, however busy the machine is: when a few more inputs are done.
        wait_for(partial(has_done, corpus, least))
        time.sleep(at.uniform(0, 0.01))
        driver.kill()
        driver.wait()
    assert Corpus(corpus).status().left
    assert drive(tmp_path, corpus, inputs).wait() == 0
    assert tree(corpus) == tree(tmp_path / "undisturbed")


@pytest.mark.exhaustive
def test_processes_that_die_between_put_and_mark(tmp_path: Path) -> None:
    inputs = fill(tmp_path / "inputs", 8)
    for number in range(3):
        (inputs / f"clip{number}.mp4").write_bytes(b"dies" + bytes([number]))
    run(tmp_path / "corpus", inputs, workers=2)
    assert Corpus(tmp_path / "corpus").status().errors == {"unreadable": 1}
    run(tmp_path / "corpus", inputs)  # removes what those processes left half written
    run(tmp_path / "undisturbed", inputs)
    assert tree(tmp_path / "corpus") == tree(tmp_path / "undisturbed")


@pytest.mark.exhaustive
def test_an_input_that_kills_its_process_is_an_error(tmp_path: Path) -> None:
    inputs = fill(tmp_path / "inputs", 4)
    (inputs / "clip1.mp4").write_bytes(b"kills")
    run(tmp_path / "corpus", inputs, workers=2)
    corpus = Corpus(tmp_path / "corpus")
    assert dict(corpus.errors()[["source", "kind"]].itertuples(index=False)) == {
        "clip1.mp4": "worker died",
        "clip3.mp4": "unreadable",
    }
    assert corpus.status().done == 2
