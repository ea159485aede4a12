"""`mien.analyze`: the batch as a Python function."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Unpack

from mien.analysis.batch import analyse_all
from mien.analysis.neutral import chosen_neutral
from mien.analysis.partial import Wanted
from mien.analysis.recorded import Recorded
from mien.analysis.task import plan
from mien.config import Choices, DetectorName, load_settings
from mien.errors import SourceError
from mien.recording import Recording
from mien.table import Columns, read_table


def analyze(
    paths: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    annotate: bool = False,
    plots: bool = True,
    measures: bool = False,
    landmarks: bool = False,
    table_format: Literal["csv", "parquet"] = "csv",
    jobs: int = 1,
    resume: bool = False,
    subject: str | None = None,
    store: str | Path | None = None,
    neutral: str | Path | None = None,
    detector: DetectorName | None = None,
    network: str | Path | None = None,
    **choices: Unpack[Choices],
) -> Recording:
    """Read the expressions in photographs, folders and videos.

    Args:
        paths: one file or folder, or several.
        out: a folder for the table, the summary and the pictures, as `mien analyze` writes them; without it,
            nothing is left on disk.
        annotate: write a copy of each input with the faces marked; needs `out`.
        plots: draw a timeline of each video; only with `out`.
        measures: give the columns of `labels.MEASURES` too: head pose, and what the landmarks measure.
        landmarks: give the 68 points too, in the columns of `table.POINTS`.
        table_format: "csv" or "parquet".
        jobs: inputs read at a time, each in a process of its own; 0 takes one per core. More than 1 has to be
            called under `if __name__ == "__main__":`.
        resume: keep what an interrupted call with the same `out` has finished.
        subject: put the readings of this subject's face into their record as well; they must have agreed.
        store: where the record lies; the user's own when left out.
        neutral: read the person by their own neutral face: "first:10s" learns it from a film's first seconds,
            a photograph's path from there, "auto" looks for it and does nothing where it isn't sure; "off"
            reads by everybody's. Left out, it is the one kept for `subject`, where there is one.
        detector: what finds faces, by name.
        network: what reads them: a built-in name, or an .onnx file's path.
        **choices: settings by name, as in `Settings`; the others come from mien.toml and the environment.

    Returns:
        The rows and the summary of all inputs; `summary["failed"]` names the ones that could not be read.

    Raises:
        ConfigError: a setting is wrong, the network finds no landmarks to measure, or `neutral` does not do.
        ModelError: a network is missing or damaged.
        OutputError: `out` can't be written.
        SourceError: none of the inputs can be read.
        TypeError: what was given are no paths; `mien.read` takes pictures themselves.
        StoreError: there is no such subject, they have not agreed, or the record can't be written.

    Example:
        >>> import mien
        >>> recording = mien.analyze("session.mp4", every=2)  # doctest: +SKIP
        >>> recording.frame.groupby("track")["valence"].mean()  # doctest: +SKIP
    """
    settings = load_settings(**choices, detector=detector, network=None if network is None else str(network))
    if neutral is not None and not isinstance(neutral, str | os.PathLike):
        raise TypeError(
            "neutral: expected first:10s, auto, off, or a photograph's path; received"
            f" {type(neutral).__name__}"
        )
    tasks, failures, skipped = plan(_given(paths), Path(out) if out else None)
    if not tasks:
        raise SourceError(failures[0].error if failures else "expected a path, received none")
    recorded = None if subject is None else Recorded(subject, None if store is None else str(store))
    if recorded is not None:
        # Imported here: who keeps no record does not wait for the database.
        from mien.analysis.into_record import check_recorded

        check_recorded(recorded, tasks)
    own = chosen_neutral(None if neutral is None else str(neutral), settings, recorded)
    with TemporaryDirectory(prefix="mien-") as temporary:
        result = analyse_all(
            tasks, settings, Path(out or temporary),
            failures=failures,
            skipped=skipped,
            wanted=Wanted(
                plots and out is not None,
                annotate and out is not None,
                Columns(measures, landmarks, neutral=own is not None),
                recorded,
                own,
            ),
            table_format=table_format, jobs=jobs, resume=resume,
        )  # fmt: skip
        if not result.summary["recordings"]:
            raise SourceError(result.failures[0].error)
        return Recording(read_table(result.table), result.summary)


def _given(paths: str | Path | Iterable[str | Path]) -> list[str | Path]:
    if isinstance(paths, str | os.PathLike):
        return [paths]
    given: list[Any] = [paths] if isinstance(paths, bytes) or not isinstance(paths, Iterable) else list(paths)
    for path in given:
        if not isinstance(path, str | os.PathLike):
            raise TypeError(
                "expected a path, or several; received"
                f" {type(path).__name__}; mien.read takes a picture itself"
            )
    return given
