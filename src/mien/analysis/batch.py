"""A batch: many inputs analysed one by one or on all cores, and joined in their order."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from mien.analysis.models import check_landmarks, describe_models
from mien.analysis.one import Record, attempt
from mien.analysis.partial import Partial, Wanted, prepare
from mien.analysis.summary import summarise
from mien.analysis.task import Failure, Task
from mien.config import Settings
from mien.errors import OutputError
from mien.files import write_json
from mien.pipeline import Pipeline
from mien.processors import usable_cores
from mien.table import Columns, new_table

DEFAULT = Wanted()

PHOTOGRAPHS_A_PROCESS = 16
"""Fewer are read sooner than another process has started."""

MOST_PROCESSES = 61
"""Windows can't wait for more."""


@dataclass(frozen=True)
class Result:
    """What a batch has written.

    Attributes:
        folder: where.
        table: the table's path.
        summary: as in `summary.json`.
        pictures: paths of plots and annotated copies.
        failures: the inputs that could not be read.
        written: False where nothing could be read, and what an earlier batch has written stays as it is.
    """

    folder: Path
    table: Path
    summary: dict[str, Any]
    pictures: list[Path]
    failures: list[Failure]
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
    if wanted.columns.measures or wanted.columns.landmarks:
        check_landmarks(settings)
    folder = prepare(out, resume=resume)
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
    _join(partials, table, wanted.columns)
    pictures: list[Path] = []
    for (task, _), partial in zip(done, partials, strict=True):
        try:
            pictures += [out / name for name in partial.deliver()]
        except OutputError as error:  # its rows are in the table, and the others' pictures are theirs
            failed.append(Failure(task.name, str(error)))
    summary = summarise(records, failed, settings, models, perf_counter() - start, skipped)
    write_json(out / "summary.json", summary)
    if not failed:
        shutil.rmtree(folder)
    return Result(out, table, summary, pictures, failed)


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
        from mien.analysis.pool import spread

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


def _join(partials: Sequence[Partial], path: Path, columns: Columns) -> None:
    with new_table(path, columns) as table:
        for partial in partials:
            for row in partial.rows(columns):
                table.write([row])
