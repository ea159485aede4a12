"""A batch: many inputs analysed one by one or spread over processes, and joined in their order."""

from __future__ import annotations

import math
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.sharedctypes import SynchronizedArray
from multiprocessing.synchronize import Event
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import cv2

from mien.aggregate import Aggregate, blocks, new_summaries
from mien.analysis.one_input import Record, attempt
from mien.analysis.partial import Partial, Wanted, new_folder, sweep
from mien.analysis.processes import CONTEXT, MOST_PROCESSES, process_pool
from mien.analysis.summary import check_landmarks, describe_models, summarise
from mien.analysis.task import Failure, Task
from mien.config import Settings
from mien.errors import MienError, OutputError
from mien.files import write_json
from mien.pipeline import Pipeline
from mien.processors import usable_cores
from mien.table import Columns, new_table

DEFAULT = Wanted()

PHOTOGRAPHS_A_PROCESS = 16
"""Fewer are read sooner than another process has started."""


@dataclass(frozen=True)
class Result:
    """What a batch has written.

    Attributes:
        folder: where.
        table: the table's path.
        summary: as in `summary.json`.
        tables: those of tracks and recordings, where they say more than the table.
        pictures: paths of plots and annotated copies, and of the tables of the pulse.
        failures: the inputs that could not be read.
        written: False where nothing could be read, and what an earlier batch has written stays as it is.
    """

    folder: Path
    table: Path
    summary: dict[str, Any]
    pictures: list[Path]
    failures: list[Failure]
    tables: Sequence[Path] = ()
    written: bool = True


def analyse_all(
    tasks: Sequence[Task],
    settings: Settings,
    out: Path,
    *,
    failures: Sequence[Failure] = (),
    skipped: Sequence[Path] = (),
    wanted: Wanted = DEFAULT,
    table_format: Literal["csv", "parquet"] = "csv",
    jobs: int = 0,
    resume: bool = False,
    progress: Callable[[float], None] = lambda done: None,
) -> Result:
    """Analyse inputs into a folder: `table.csv` or `table.parquet`, `summary.json`, and the pictures wanted.

    Where a video is among them, or several photographs, the tables of tracks and recordings stand beside.

    What is finished is kept in `.partial` until all inputs have been read without failure, so that `resume`
    can go on from there. Every file stands under its name whole or not at all.

    Args:
        tasks: the inputs.
        settings: for all of them. With `threads` 0 each network gets one thread: how a sum is shared out
            between threads changes its last digits, and the table must not depend on the machine's cores.
        out: the folder; files in it are replaced, unless nothing can be read.
        failures: inputs that are known not to work, for the summary.
        skipped: files that were passed over, for the summary.
        wanted: what to write.
        table_format: "csv" or "parquet".
        jobs: how many processes; 0 takes one per core, as far as there is work for them.
        resume: keep what an earlier batch with the same settings and the same files has finished.
        progress: told how many inputs are done, with fractions.

    Returns:
        What was written, and what failed.

    Raises:
        ConfigError, ModelError: nothing can be read with these settings.
        OutputError: the folder can't be written.
    """
    start = perf_counter()
    settings = settings.model_copy(update={"threads": settings.threads or 1})
    if wanted.columns.measures or wanted.columns.landmarks or wanted.pulse:
        check_landmarks(settings)
    folder = new_folder(out, resume=resume)
    outcomes = _read_all(tasks, settings, folder, wanted, jobs, progress)
    done = [
        (task, outcome) for task, outcome in zip(tasks, outcomes, strict=True) if isinstance(outcome, dict)
    ]
    failed = [*failures, *(outcome for outcome in outcomes if isinstance(outcome, Failure))]

    table = out / f"table.{table_format}"
    models = describe_models(settings)
    records = [record for _, record in done]
    if not done and table.exists():
        summary = summarise(records, failed, settings, models, perf_counter() - start, skipped)
        return Result(out, table, summary, [], failed, written=False)
    partials = [Partial.of(task, folder, wanted) for task, _ in done]
    tables = _join(records, partials, table, wanted.columns)
    pictures: list[Path] = []
    for (task, _), parts in zip(done, partials, strict=True):
        try:
            pictures += [out / name for name in parts.deliver()]
        except OutputError as error:  # its rows are in the table, and the others' pictures are theirs
            failed.append(Failure(task.name, str(error)))
    summary = summarise(records, failed, settings, models, perf_counter() - start, skipped)
    write_json(out / "summary.json", summary)
    if not failed:
        shutil.rmtree(folder)
    return Result(out, table, summary, pictures, failed, tables)


def _read_all(
    tasks: Sequence[Task],
    settings: Settings,
    folder: Path,
    wanted: Wanted,
    jobs: int,
    progress: Callable[[float], None],
) -> list[Record | Failure]:
    jobs = min(jobs, len(tasks)) or _useful_jobs(tasks)
    if jobs > 1:
        return spread(tasks, settings, folder, wanted, jobs, progress)
    return _one_by_one(tasks, settings, folder, wanted, progress)


def _useful_jobs(tasks: Sequence[Task]) -> int:
    videos = sum(task.kind == "video" for task in tasks)
    useful = videos + math.ceil((len(tasks) - videos) / PHOTOGRAPHS_A_PROCESS)
    return min(useful, usable_cores(), MOST_PROCESSES)


def _one_by_one(
    tasks: Sequence[Task],
    settings: Settings,
    folder: Path,
    wanted: Wanted,
    progress: Callable[[float], None],
) -> list[Record | Failure]:
    outcomes: list[Record | Failure] = []
    with Pipeline(settings) as pipeline:
        for task in tasks:
            outcomes.append(
                attempt(task, pipeline, folder, wanted, lambda share: progress(len(outcomes) + share))
            )
            progress(len(outcomes))
    return outcomes


def _join(
    records: Sequence[Record], partials: Sequence[Partial], path: Path, columns: Columns
) -> Sequence[Path]:
    """Write the table, and those of tracks and recordings; return the paths of these."""
    with (
        new_table(path, columns) as table,
        new_summaries(path.parent, path.suffix[1:], columns, records) as summaries,
    ):
        for record, parts in zip(records, partials, strict=True):
            counted = Aggregate(columns)
            for block in blocks(parts.rows(columns)):
                table.write(block)
                counted.add(block)
            summaries.write(record, counted)
    return list(summaries.paths.values())


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
        shares = CONTEXT.Array("d", len(tasks))
    except OSError as error:
        raise MienError(f"cannot share memory between processes ({error.strerror}); use --jobs 1") from error
    try:
        return _spread(tasks, Work(settings, folder, wanted, shares, CONTEXT.Event()), jobs, progress)
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
    with process_pool(jobs, _start, work) as pool:
        while queue or running:
            # A few ahead, so that no process waits, and no more: a corpus has many thousands.
            while queue and len(running) < 3 * jobs:
                index = queue.popleft()
                running[pool.submit(_work, index, tasks[index])] = index
            done, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                outcomes[running[future]] = future.result()
                del running[future]
            progress(len(outcomes) + sum(work.shares[index] for index in running.values()))


_given: list[Work] = []


def _start(work: Work) -> None:
    cv2.setNumThreads(1)
    _given[:] = [work]
    work.started.set()


@cache
def _pipeline(settings: Settings) -> Pipeline:
    return Pipeline(settings)


def _work(index: int, task: Task) -> Record | Failure:
    (work,) = _given

    return attempt(
        task, _pipeline(work.settings), work.folder, work.wanted, partial(work.shares.__setitem__, index)
    )
