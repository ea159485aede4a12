"""One input of a corpus: downloaded, read, and committed; the same function on every engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from zipfile import BadZipFile

import cv2

from mien.aggregate import blocks
from mien.analysis.one_input import attempt
from mien.analysis.partial import Partial, Wanted
from mien.analysis.summary import Census, describe
from mien.analysis.task import Failure, Task
from mien.config import Settings
from mien.corpus.parts import Job, Joined, UnlikeError, find_seams, save_part
from mien.corpus.scratch import scratch, sweep_scratch
from mien.corpus.storage import download, look_again, open_storage, write_json_to
from mien.corpus.version import PARTS, Input, Version, describe_version
from mien.errors import ConfigError, SourceError
from mien.labels import EMOTIONS, UNCERTAIN
from mien.measures.measurer import Measurer
from mien.pipeline import Pipeline, Tally
from mien.source.inputs import kind_of
from mien.table import Columns, Row, new_table, plain_name, rows

LABELS: Final = (*EMOTIONS, UNCERTAIN)

UNREACHABLE: Final = "unreachable"
CHANGED: Final = "changed while it was read"
UNREADABLE: Final = "unreadable"
UNFORESEEN: Final = "unforeseen"
DIED: Final = "worker died"
"""Kinds of errors, as the error rows have them."""

_TEXTS: Final = ("source", "address", "kind", "note")
_DECIMALS: Final = ("duration_s", "frame_rate_hz", "coverage")
_COUNTS: Final = (
    "width", "height", "frames_read", "frames_analysed", "frames_with_face", "frames_dropped",
    "rows", "tracks",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input.

    Attributes:
        key: the input's.
        error_kind: "" where it was read.
        error: what was wrong.
        faces: rows of its table.
        video_s: its length; 0 for a photograph.
        seconds: that it took, with its download and its commit.
    """

    key: str
    error_kind: str
    error: str
    faces: int
    video_s: float
    seconds: float

    def as_mark(self) -> dict[str, Any]:
        """Return what its mark says."""
        return {
            "error_kind": self.error_kind,
            "faces": self.faces,
            "video_s": self.video_s,
            "seconds": round(self.seconds, 3),
        }


class Reader:
    """Reads one input after the other with one network; each worker has one.

    Args:
        corpus: where the tables go: a path or an address.
        version: the version's key, by the one who asks.
        settings: as `prepared_settings` gives them.
        columns: of the table.
        part_s: films of at least two times so many seconds are read in parts of about this length; 0 reads
            each as a whole.

    Raises:
        ConfigError: here, network, settings or Mien are others than there.
    """

    def __init__(
        self, corpus: str, version: str, settings: Settings, columns: Columns, part_s: float = 0.0
    ) -> None:
        cv2.setNumThreads(1)
        here = describe_version(settings, columns)["key"]
        if here != version:
            raise ConfigError(
                f"a worker would read as {here}, but {version} was asked for: install the same Mien, networks"
                " and detectors on every machine"
            )
        sweep_scratch()
        self._version = Version(open_storage(corpus), version)
        self._settings = settings
        self._columns = columns
        self._part_s = part_s

    @cached_property
    def _pipeline(self) -> Pipeline:
        return Pipeline(self._settings)

    def read(self, job: Job) -> Outcome | list[Job]:
        """Do a job: read one input, or a part of it, or join its parts; commit what that gave.

        Returns:
            What became of the input; or the jobs to be done instead: the parts of a long film, the film as a
            whole where its parts don't fit each other, or none where a part is read.

        Raises:
            ModelError, OutputError: what would stop every other input too.
        """
        with scratch() as folder:
            if job.part is not None:
                return self._read_part(job, folder)
            if job.seams is None and (seams := self._seams(job.what, folder)):
                return job.parts(seams)
            return self._join(job, folder) if job.seams else self._read_whole(job.what, folder)

    def _read_whole(self, what: Input, folder: Path) -> Outcome:
        start = perf_counter()
        kind, error = "", ""
        record: dict[str, Any] = {}
        try:
            path = self._here(what, folder)
        except SourceError as failure:
            kind, error = UNREACHABLE, str(failure)
        else:
            given = self.analyse(what, path, folder)
            if isinstance(given, Failure):
                kind = UNFORESEEN if given.trace else UNREADABLE
                error = given.error.replace(str(path), what.address)
            else:
                record = given
            if (changed := self._changed(what)) is not None:
                kind, error, record = CHANGED, changed, {}
        outcome = _outcome(what, record, kind, error, perf_counter() - start)
        if kind:
            commit_error(self._version, what, outcome, folder)
        else:
            self._commit(outcome, what, record, folder)
        return outcome

    def _here(self, what: Input, folder: Path) -> Path:
        path = download(what.where, folder)
        if not path.is_file():
            raise SourceError(f"{what.address}: no such file here; does every worker see this folder?")
        return path

    def _commit(self, outcome: Outcome, what: Input, record: Mapping[str, Any], folder: Path) -> None:
        write_summary(folder / "summary.parquet", what, record)
        parts = {each: folder / f"{each}.parquet" for each in ("table", "summary")}
        self._version.commit(what.key, parts, outcome.as_mark())

    def _seams(self, what: Input, folder: Path) -> tuple[float, ...]:
        """Return where a film is parted, as an earlier run has found it, or as is found now.

        What can't be read has no seams: reading it whole will say what is wrong with it.
        """
        settings = self._settings
        if not self._part_s or settings.every > 1 or settings.crops:
            return ()
        name = f"{PARTS}/{what.key}.json"
        if (known := self._version.read_json(name)) is not None:
            return tuple(known["seams"])
        try:
            path = self._here(what, folder)
            seams = find_seams(path, self._part_s, settings.fps) if kind_of(path) == "video" else ()
        except SourceError:
            return ()
        if seams:
            write_json_to(self._version.storage, f"{self._version.key}/{name}", {"seams": seams})
        return seams

    def _read_part(self, job: Job, folder: Path) -> list[Job]:
        name, file = f"{PARTS}/{job.key}.zip", folder / "part.zip"
        if f"{job.key}.zip" in self._version.storage.names(f"{self._version.key}/{PARTS}"):
            return []
        try:
            path = self._here(job.what, folder)
            fits = save_part(path, job, self._pipeline, file) and self._changed(job.what) is None
        except SourceError:
            fits = False
        if fits:
            self._version.storage.put(f"{self._version.key}/{name}", file)
        return [] if fits else [Job(job.what, ())]

    def _join(self, job: Job, folder: Path) -> Outcome | list[Job]:
        start, what = perf_counter(), job.what
        parts = job.parts(job.seams or ())
        tally, census = Tally(), Census()
        try:
            joined = Joined(job, [self._part_here(each, folder) for each in parts])
            with new_table(folder / "table.parquet", self._columns) as table:
                for block in blocks(self._counted(joined, tally, census)):
                    table.write(block)
        except (SourceError, UnlikeError, FileNotFoundError, BadZipFile):
            return [Job(what, ())]
        task = Task(what.address, "video", what.name, what.key)
        record = describe(task, joined.report, tally, census)
        outcome = _outcome(what, record, "", "", joined.seconds + perf_counter() - start)
        self._commit(outcome, what, record, folder)
        names = [f"{what.key}.json", *(f"{each.key}.zip" for each in parts)]
        self._version.storage.remove(f"{self._version.key}/{PARTS}/{name}" for name in names)
        return outcome

    def _part_here(self, job: Job, folder: Path) -> Path:
        path = download(f"{self._version.storage.address}/{self._version.key}/{PARTS}/{job.key}.zip", folder)
        return path if path.parent != folder else path.rename(folder / f"{job.key}.zip")

    def _counted(self, joined: Joined, tally: Tally, census: Census) -> Iterator[Row]:
        measurer = Measurer() if self._columns.measures else None
        for frame, faces in joined.stream():
            tally.count(frame.time_s, faces)
            read = faces if measurer is None else measurer.measure(faces, frame.time_s)
            census.count(read)
            yield from rows(frame, read, self._columns)

    def analyse(self, what: Input, path: Path, folder: Path) -> dict[str, Any] | Failure:
        """Read one input, and write its rows to "table.parquet" in the folder.

        Args:
            what: the input.
            path: where it lies on this machine.
            folder: for what is written.

        Returns:
            Its record in the summary, or what is wrong with it.
        """
        try:
            task = Task(str(path), kind_of(path), what.name, what.key)
        except SourceError as error:  # a name that says nothing, and an empty file
            return Failure(what.name, str(error))
        wanted = Wanted(plots=False, columns=self._columns)
        given = attempt(task, self._pipeline, folder, wanted, lambda share: None)
        if not isinstance(given, Failure):
            with new_table(folder / "table.parquet", self._columns) as table:
                for block in blocks(Partial.of(task, folder, wanted).rows(self._columns)):
                    table.write(block)
        return given

    def _changed(self, what: Input) -> str | None:
        try:
            now = look_again(what.where)
        except SourceError as error:
            return str(error)
        return (
            None
            if now == (what.size, what.stamp)
            else f"{what.address}: changed while it was read; run again"
        )


def _outcome(what: Input, record: Mapping[str, Any], kind: str, error: str, seconds: float) -> Outcome:
    video_s = float(record["duration_s"] or 0) if record.get("kind") == "video" else 0.0
    return Outcome(what.key, kind, error, record.get("rows", 0), video_s, seconds)


def commit_error(version: Version, what: Input, outcome: Outcome, folder: Path) -> None:
    """Commit an error's row."""
    row = {
        "source": what.name,
        "address": plain_name(what.address),
        "kind": outcome.error_kind,
        "error": plain_name(outcome.error),
    }
    _write(folder / "error.parquet", {name: (value, "string") for name, value in row.items()})
    version.commit(what.key, {"error": folder / "error.parquet"}, outcome.as_mark())


def write_summary(path: Path, what: Input, record: Mapping[str, Any]) -> None:
    """Write an input's summary as one row: without how long it took, which differs from run to run."""
    texts = {**record, "source": what.name, "address": plain_name(what.address)}
    cells: dict[str, tuple[Any, str]] = {name: (texts[name] or "", "string") for name in _TEXTS}
    cells |= {name: (record[name], "double") for name in _DECIMALS}
    cells |= {name: (record[name], "int64") for name in _COUNTS}
    cells |= {f"n_{label}": (record["expressions"].get(label, 0), "int64") for label in LABELS}
    means = record["mean_probabilities"]
    cells |= {f"mean_p_{label}": (means.get(label), "double") for label in EMOTIONS}
    _write(path, cells)


def _write(path: Path, cells: Mapping[str, tuple[Any, str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"string": pa.string(), "double": pa.float64(), "int64": pa.int64()}
    schema = pa.schema([(name, kinds[kind]) for name, (_, kind) in cells.items()])
    pq.write_table(pa.table({name: [value] for name, (value, _) in cells.items()}, schema=schema), path)
