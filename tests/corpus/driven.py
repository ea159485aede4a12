"""A driver with two workers in processes that begin at once: they are forked where all is loaded already.

Real runs start theirs anew (`spawn`), which takes seconds for each; a kill ends these like those.
"""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

from corpus.fake import run
from mien.analysis import processes
from mien.corpus import engines


def forkserver() -> Any:
    """Return what starts processes in which all is loaded, if `PYTHONPATH` leads to it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "corpus.loaded"])
    return context


def drive(corpus: Path, inputs: Path) -> None:
    """Read what is missing of a folder, with two workers."""
    fork = multiprocessing.get_context("fork")
    processes.CONTEXT = engines.CONTEXT = fork  # type: ignore[misc, assignment]
    run(corpus, inputs, workers=2)


def workers_of(driver: int) -> list[int]:
    """Return the numbers of the processes that another has started; none where the system doesn't say."""
    told = Path(f"/proc/{driver}/task/{driver}/children")
    return list(map(int, told.read_text().split())) if told.is_file() else []
