"""Real processes that are killed at random moments: the corpus ends as an undisturbed one does."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.helpers import ENVIRONMENT
from corpus import driven
from corpus.driven import forkserver
from corpus.fake import fill, run, tree
from mien.corpus.corpus import Corpus
from patience import LIMIT_S

KILLS = 100
"""So often is a worker or the driver of a run on one machine killed, at a random moment."""

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
        time.sleep(0.005)  # what looks too often takes the time of those it looks at


def has_done_or_ended(corpus: Path, least: int, driver: Any) -> bool:
    return has_done(corpus, least) or not driver.is_alive()


def has_done(corpus: Path, least: int) -> bool:
    return done(corpus) >= least


def done(corpus: Path) -> int:
    """Return how many marks a corpus with one version has."""
    return sum(len(list(folder.iterdir())) for folder in corpus.glob("*/done"))


def add_inputs(folder: Path, many: int = 6) -> None:
    """Add inputs of two rows to a folder, of which the last is bad; their times are fixed."""
    folder.mkdir(exist_ok=True)
    first = len(list(folder.iterdir()))
    for number in range(first, first + many):
        path = folder / f"clip{number}.mp4"
        path.write_bytes(b"bad" if number == first + many - 1 else bytes([number % 90, number // 90]))
        os.utime(path, ns=(10**18, 10**18))


@pytest.mark.exhaustive
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_worker_or_the_driver_is_killed_a_hundred_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    at, context = random.Random(seed), forkserver()
    inputs, corpus = tmp_path / "inputs", tmp_path / "corpus"
    killed = dict.fromkeys(("driver", "worker"), 0)
    driver = None
    while sum(killed.values()) < KILLS:
        if driver is None:
            add_inputs(inputs)
            driver = context.Process(target=driven.drive, args=(corpus, inputs))
            driver.start()
        # So that something is done between two kills: an input at which five workers die is an error.
        least = done(corpus) + at.randint(1, 2)
        wait_for(partial(has_done_or_ended, corpus, least, driver))
        time.sleep(at.uniform(0, 0.01))
        workers = driven.workers_of(driver.pid)
        whom = at.choice(("driver", "worker")) if workers else "driver"
        if not driver.is_alive():  # it was done before
            assert driver.exitcode == 0
            driver = None
            continue
        with suppress(ProcessLookupError):
            os.kill(at.choice(workers) if whom == "worker" else driver.pid, signal.SIGKILL)
            killed[whom] += 1
        if whom == "driver":
            driver.join()
            driver = None
    print(killed, len(list(inputs.iterdir())), "inputs")
    if driver is not None:
        driver.kill()
        driver.join()
    assert killed["driver"] > KILLS // 5
    run(corpus, inputs)
    run(corpus, inputs)  # removes what the last workers left half written
    run(tmp_path / "undisturbed", inputs)
    assert tree(corpus) == tree(tmp_path / "undisturbed")


@pytest.mark.exhaustive
def test_a_driver_whose_workers_start_anew_is_killed(tmp_path: Path) -> None:
    inputs = fill(tmp_path / "inputs", 40)
    run(tmp_path / "undisturbed", inputs)
    corpus, at = tmp_path / "corpus", random.Random(20)
    for _ in range(5):
        least = done(corpus) + at.randint(1, 2)
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
