"""`mien.analyze`: the batch as a Python function."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Unpack

from mien.analysis.batch import Result, analyse_all
from mien.analysis.learn_neutral import chosen_neutral
from mien.analysis.partial import Wanted
from mien.analysis.recorded import Recorded, parse_face, parse_recorded_at
from mien.analysis.task import Failure, Task, plan
from mien.config import Choices, DetectorName, Settings, load_settings
from mien.errors import ConfigError, SourceError
from mien.recording import Recording
from mien.table import Columns, read_table

Progress = Callable[[float], None]


def analyze(
    paths: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    annotate: bool = False,
    plots: bool = True,
    measures: bool = False,
    landmarks: bool = False,
    pulse: bool = False,
    signals: str | Path | None = None,
    signals_start: str | float | None = None,
    signals_marks: Mapping[str, float] | None = None,
    signals_kinds: Mapping[str, str] | None = None,
    signals_time_unit: str | None = None,
    signals_board: str | None = None,
    signals_window_s: float = 60.0,
    rest: str | None = None,
    table_format: Literal["csv", "parquet"] = "csv",
    jobs: int = 1,
    resume: bool = False,
    subject: str | None = None,
    store: str | Path | None = None,
    face: str | None = None,
    recorded_at: str | None = None,
    again: bool = False,
    neutral: str | Path | None = None,
    detector: DetectorName | None = None,
    network: str | Path | None = None,
    progress: Progress = lambda done: None,
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
        pulse: write the pulse in each face of a video, once a second, or "no reading"; needs `out`.
        signals: what sensors on the body recorded beside one video: its figures on the video's clock, an
            index of arousal, and how face and body go together, in the summary and, with `out`, in a table.
        signals_start: when `signals` begin: seconds of the video, or a time with its zone. Left out, the
            start times of both files tell, or the pulse of the face.
        signals_marks: marks of `signals`, by their text or as "#2" by their number, and at which second of
            the video each is seen; two or more tell how the clocks drift apart, too.
        signals_kinds: what channels of `signals` are, by name, where the file doesn't say it: "ecg", "eda".
        signals_time_unit: "s", "ms", "us" or "ns", of a table's times.
        signals_board: which of BrainFlow's boards wrote a table without a header.
        signals_window_s: length of the windows of their figures.
        rest: when the person rested, "FROM-TO" in seconds of the video, against which arousal is measured;
            the first five windows when left out.
        table_format: "csv" or "parquet".
        jobs: inputs read at a time, each in a process of its own; 0 takes one per core. More than 1 has to be
            called under `if __name__ == "__main__":`.
        resume: keep what an interrupted call with the same `out` has finished.
        subject: put the readings of this subject's face into their record as well; they must have agreed.
        store: where the record lies; the user's own when left out.
        face: which face is the subject's, or the one with the `signals`: "largest", or tracks by number as in
            "0,3". With signals, the one that is seen longest when left out.
        recorded_at: when it was recorded, ISO 8601, where the file gives the wrong time.
        again: store it again where it is in the record already.
        neutral: read the person by their own neutral face: "first:10s" learns it from a film's first seconds,
            a photograph's path from there, "auto" looks for it and does nothing where it isn't sure; "off"
            reads by everybody's. Left out, it is the one kept for `subject`, where there is one.
        detector: what finds faces, by name.
        network: what reads them: a built-in name, or an .onnx file's path.
        progress: told how many inputs are done, with fractions.
        **choices: settings by name, as in `Settings`; the others come from mien.toml and the environment.

    Returns:
        The rows and the summary of all inputs; `summary["failed"]` names the ones that could not be read.

    Raises:
        ConfigError: a setting is wrong, the network finds no landmarks to measure, `neutral` does not do, or
            nothing tells when `signals` begin.
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
    with TemporaryDirectory(prefix="mien-") as temporary:
        # What is not kept is never turned into text.
        prepared = prepare(
            paths, Path(out or temporary), settings,
            annotate=annotate and out is not None, plots=plots and out is not None,
            measures=measures, landmarks=landmarks, pulse=pulse and out is not None, signals=signals,
            signals_start=signals_start, signals_marks=signals_marks, signals_kinds=signals_kinds,
            signals_time_unit=signals_time_unit, signals_board=signals_board,
            signals_window_s=signals_window_s, rest=rest,
            table_format=table_format if out else "parquet",
            jobs=jobs, resume=resume, subject=subject, store=store, face=face, recorded_at=recorded_at,
            again=again, neutral=neutral,
        )  # fmt: skip
        if not prepared.tasks:
            raise SourceError(
                prepared.failures[0].error if prepared.failures else "expected a path, received none"
            )
        result = prepared.run(progress)
        if not result.summary["recordings"]:
            raise SourceError(result.failures[0].error)
        return Recording(read_table(result.table), result.summary)


@dataclass(frozen=True)
class Prepared:
    """An analysis that is checked and ready to run.

    Attributes:
        tasks: what will be read, in order; nothing can be done without one.
        failures: the paths in which nothing was found.
        skipped: the files in folders that are neither photographs nor videos.
        out: the folder for the results.
        settings: for all inputs.
        wanted: what is written for each.
        table_format: "csv" or "parquet".
        jobs: how many processes; 0 takes one per core.
        resume: whether to keep what an earlier run has finished.
    """

    tasks: Sequence[Task]
    failures: Sequence[Failure]
    skipped: Sequence[Path]
    out: Path
    settings: Settings
    wanted: Wanted
    table_format: Literal["csv", "parquet"]
    jobs: int
    resume: bool

    def run(self, progress: Progress = lambda done: None) -> Result:
        """Read everything into the folder; see `batch.analyse_all`."""
        return analyse_all(
            self.tasks, self.settings, self.out,
            failures=self.failures, skipped=self.skipped, wanted=self.wanted,
            table_format=self.table_format, jobs=self.jobs, resume=self.resume, progress=progress,
        )  # fmt: skip


def prepare(
    paths: str | Path | Iterable[str | Path],
    out: Path,
    settings: Settings,
    *,
    annotate: bool = False,
    plots: bool = True,
    measures: bool = False,
    landmarks: bool = False,
    pulse: bool = False,
    signals: str | Path | None = None,
    signals_start: str | float | None = None,
    signals_marks: Mapping[str, float] | None = None,
    signals_kinds: Mapping[str, str] | None = None,
    signals_time_unit: str | None = None,
    signals_board: str | None = None,
    signals_window_s: float = 60.0,
    rest: str | None = None,
    table_format: Literal["csv", "parquet"] = "csv",
    jobs: int = 1,
    resume: bool = False,
    subject: str | None = None,
    store: str | Path | None = None,
    face: str | None = None,
    recorded_at: str | None = None,
    again: bool = False,
    neutral: str | Path | None = None,
) -> Prepared:
    """Check what is asked for, and find the inputs, before anything is read.

    Args and errors are those of `analyze`; but paths in which there is nothing are `Prepared.failures`.
    """
    if neutral is not None and not isinstance(neutral, str | os.PathLike):
        raise TypeError(
            "neutral: expected first:10s, auto, off, or a photograph's path; received"
            f" {type(neutral).__name__}"
        )
    beside_signals = (signals_start, signals_marks, signals_kinds, signals_time_unit, signals_board, rest)
    if signals is None and any(each is not None for each in beside_signals):
        raise ConfigError("signals start, marks, kinds, time unit and board, and rest, need signals")
    recorded = _recorded(subject, store, face, recorded_at, again, signals=signals is not None)
    tasks, failures, skipped = plan(_given(paths), out)
    own = None
    if tasks:
        if recorded is not None:
            # Imported here: who keeps no record does not wait for the database.
            from mien.analysis.into_record import check_recorded

            check_recorded(recorded, tasks)
        own = chosen_neutral(None if neutral is None else str(neutral), settings, recorded)
    beside = None
    if signals is not None and tasks:
        # Imported here: who has no signals does not wait for SciPy.
        from mien.analysis.signals_choice import choose_signals, parse_rest, parse_start, read_as

        beside = choose_signals(
            Path(signals),
            tasks,
            start=parse_start(signals_start) if isinstance(signals_start, str) else signals_start,
            rest=None if rest is None else parse_rest(rest),
            window_s=signals_window_s,
            tracks=parse_face(face or "largest"),
            recorded_at=None if recorded_at is None else parse_recorded_at(recorded_at),
            marks=tuple((signals_marks or {}).items()),
            read_as=read_as(signals_kinds or {}, signals_time_unit, signals_board),
        )
    wanted = Wanted(
        plots, annotate, pulse, Columns(measures, landmarks, neutral=own is not None), recorded, own, beside
    )
    return Prepared(tasks, failures, skipped, out, settings, wanted, table_format, jobs, resume)


def _recorded(
    subject: str | None,
    store: str | Path | None,
    face: str | None,
    recorded_at: str | None,
    again: bool,
    *,
    signals: bool,
) -> Recorded | None:
    if subject is None:
        if store or again or (not signals and (face or recorded_at)):
            raise ConfigError("store, face, recorded at and again need a subject")
        return None
    at = None if recorded_at is None else parse_recorded_at(recorded_at)
    return Recorded(subject, None if store is None else str(store), parse_face(face or "largest"), again, at)


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
