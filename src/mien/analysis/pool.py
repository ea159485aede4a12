"""A batch spread over processes, each with its own networks."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.sharedctypes import SynchronizedArray
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Thread

import cv2

from mien.analysis.one import Record, attempt
from mien.analysis.partial import Wanted, sweep
from mien.analysis.task import Failure, Task
from mien.config import Settings
from mien.errors import MienError
from mien.pipeline import Pipeline

_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Work:
    """What every process of a batch has to know.

    Attributes:
        settings, folder, wanted: as `attempt` takes them.
        shares: how much of each task is done, 0 to 1, by the task's index.
        started: set when the first process is up.
    """

    settings: Settings
    folder: Path
    wanted: Wanted
    shares: SynchronizedArray[float]
    started: Event


def spread(
    tasks: Sequence[Task],
    settings: Settings,
    folder: Path,
    wanted: Wanted,
    jobs: int,
    progress: Callable[[float], None],
) -> list[Record | Failure]:
    """Analyse inputs in several processes.

    Args:
        tasks: the inputs.
        settings: for all.
        folder: where partial results are kept.
        wanted: what to write beside the rows.
        jobs: how many processes.
        progress: told how many inputs are done, with fractions.

    Returns:
        What became of each, in the order of the tasks.

    Raises:
        ConfigError, ModelError, OutputError: what would stop every input.
        MienError: the processes can't be started.
    """
    try:
        shares = _CONTEXT.Array("d", len(tasks))
    except OSError as error:
        raise MienError(f"cannot share memory between processes ({error.strerror}); use --jobs 1") from error
    try:
        return _spread(tasks, Work(settings, folder, wanted, shares, _CONTEXT.Event()), jobs, progress)
    finally:
        sweep(folder)


def _spread(
    tasks: Sequence[Task], work: Work, jobs: int, progress: Callable[[float], None]
) -> list[Record | Failure]:
    outcomes: dict[int, Record | Failure] = {}
    while left := [index for index in range(len(tasks)) if index not in outcomes]:
        try:
            _run(tasks, deque(left), work, jobs, outcomes, progress)
        except BrokenProcessPool as error:
            if not work.started.is_set():
                raise MienError(
                    "the processes of the batch don't start; in a script, call it under "
                    '`if __name__ == "__main__":`, or pass jobs=1'
                ) from error
            if jobs == 1:
                guilty = next(index for index in left if index not in outcomes)
                reason = f"cannot analyse {tasks[guilty].where}: its process died; is there enough memory?"
                outcomes[guilty] = Failure(tasks[guilty].name, reason)
            # One at a time from here, in order: so it shows which input kills its process.
            jobs = 1
    return [outcomes[index] for index in range(len(tasks))]


def _run(
    tasks: Sequence[Task],
    queue: deque[int],
    work: Work,
    jobs: int,
    outcomes: dict[int, Record | Failure],
    progress: Callable[[float], None],
) -> None:
    running: dict[Future[Record | Failure], int] = {}
    others = set(multiprocessing.active_children())
    with ProcessPoolExecutor(jobs, _CONTEXT, _start, (work,)) as executor:
        try:
            while queue or running:
                # A few ahead, so that no process waits, and no more: a corpus has many thousands.
                while queue and len(running) < 3 * jobs:
                    index = queue.popleft()
                    running[executor.submit(_work, index, tasks[index])] = index
                done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    outcomes[running[future]] = future.result()
                    del running[future]
                progress(len(outcomes) + sum(work.shares[index] for index in running.values()))
        except BaseException:
            # Ctrl-C too: what is finished is kept, and nobody waits for an hour of video.
            executor.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise


_given: list[Work] = []


def _start(work: Work) -> None:
    # Ctrl-C reaches every process of the terminal, and the parent answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    Thread(target=_end_with_parent, daemon=True).start()
    _given[:] = [work]
    work.started.set()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@cache
def _pipeline(settings: Settings) -> Pipeline:
    return Pipeline(settings)


def _work(index: int, task: Task) -> Record | Failure:
    (work,) = _given

    return attempt(
        task, _pipeline(work.settings), work.folder, work.wanted, partial(work.shares.__setitem__, index)
    )
