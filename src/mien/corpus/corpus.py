"""`mien.Corpus`: many inputs read by many workers, each exactly once, into Parquet."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, Unpack

from mien.analysis.summary import check_landmarks
from mien.config import Choices, DetectorName, Settings, load_settings
from mien.corpus.engines import MOST_DEATHS, on_ray, on_this_machine
from mien.corpus.parts import PART_S
from mien.corpus.reader import DIED, Outcome, Reader, commit_error
from mien.corpus.scratch import scratch, sweep_scratch
from mien.corpus.storage import Found, find, open_storage, shown
from mien.corpus.version import Input, Version, describe_version, prepared_settings
from mien.errors import ConfigError, SourceError
from mien.table import Columns, Row, new_table

if TYPE_CHECKING:
    import pandas as pd

Engine = Literal["local", "ray"]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a corpus is.

    Attributes:
        corpus, version: which.
        new_version: whether this run began a version beside earlier ones.
        inputs, done, failed, left: how many inputs are asked for, are read, could not be, are to be read.
        errors: how many of each kind.
        video_s: seconds of video that were read.
        faces: rows of the tables.
        run_inputs: inputs of this run; 0 where none runs.
        run_s: seconds that this run takes so far.
        run_failed: of the inputs that this run was asked for, those that could not be read, now or earlier.
        time_left_s: expected, by the bytes that are left; None where it isn't known.
        not_found: what was asked for and isn't there.
    """

    corpus: str
    version: str
    new_version: bool
    inputs: int
    done: int
    failed: int
    left: int
    errors: dict[str, int]
    video_s: float
    faces: int
    run_inputs: int = 0
    run_s: float = 0.0
    run_failed: int = 0
    time_left_s: float | None = None
    not_found: tuple[str, ...] = ()


Progress = Callable[[Status], None]


class Corpus:
    """Many inputs and their tables, in a folder or an object store.

    Args:
        where: a path, or an address that fsspec reaches, such as s3://bucket/corpus.

    Example:
        >>> import mien
        >>> corpus = mien.Corpus("results")  # doctest: +SKIP
        >>> corpus.analyze("interviews", workers=4).failed  # doctest: +SKIP
        0
        >>> corpus.frame().groupby("source")["valence"].mean()  # doctest: +SKIP
    """

    def __init__(self, where: str | Path) -> None:
        self._storage = open_storage(where)

    def __repr__(self) -> str:
        return f"<Corpus {shown(self._storage.address)}>"

    def analyze(
        self,
        inputs: str | Path | Iterable[str | Path],
        *,
        engine: Engine = "local",
        workers: int = 0,
        address: str | None = None,
        measures: bool = False,
        landmarks: bool = False,
        part_s: float = PART_S,
        detector: DetectorName | None = None,
        network: str | Path | None = None,
        progress: Progress = lambda status: None,
        **choices: Unpack[Choices],
    ) -> Status:
        """Read what is missing of some inputs; one that can't be read becomes an error, and the rest goes on.

        Args:
            inputs: files, folders and addresses.
            engine: "local" for processes of this machine, "ray" for a cluster of Ray.
            workers: how many; 0 takes one per core. More than 1 has to be called under
                `if __name__ == "__main__":`.
            address: of the cluster, as `ray.init` takes it; one on this machine where left out.
            measures: give the columns of `labels.MEASURES` too.
            landmarks: give the 68 points too.
            part_s: films of at least two times so many seconds are read in parts of about this length, by
                several workers, which changes no table; 0 reads each as a whole.
            detector: what finds faces, by name.
            network: what reads them: a built-in name, or an .onnx file's path.
            progress: told how far it is, after each input.
            **choices: settings by name, as in `Settings`.

        Returns:
            How far the corpus is.

        Raises:
            ConfigError: a setting is wrong, Ray doesn't answer, or its workers have another Mien or network.
            ModelError: a network is missing or damaged.
            OutputError: the corpus can't be written, or another run writes it.
            SourceError: nothing that was asked for is there.
        """
        settings = load_settings(
            **choices, detector=detector, network=None if network is None else str(network)
        )
        found, not_found = _find([inputs] if isinstance(inputs, str | Path) else inputs)
        columns = Columns(measures, landmarks)
        run = _Run(
            self._storage,
            settings,
            columns,
            engine,
            workers,
            address,
            progress,
            tuple(not_found),
            part_s=part_s,
        )
        with self._storage.alone():
            return run.read(found)

    def retry(
        self,
        *,
        engine: Engine = "local",
        workers: int = 0,
        address: str | None = None,
        progress: Progress = lambda status: None,
    ) -> Status:
        """Read again what failed, and what is left, with the settings of the current version.

        Args and errors are those of `analyze`.

        Raises:
            ConfigError: the network or a detector has changed since.
        """
        version = Version.current(self._storage)
        about = version.read_json("version.json")
        settings = load_settings(**about["asked"])
        columns = Columns(**about["columns"])
        if describe_version(prepared_settings(settings), columns)["key"] != version.key:
            raise ConfigError(
                f"{version.key} was read with another network, detector or table of Mien than are here; mien"
                " corpus analyze makes a new version"
            )
        run = _Run(self._storage, settings, columns, engine, workers, address, progress)
        with self._storage.alone():
            version.forget_failures()
            return run.read(None)

    def status(self) -> Status:
        """Return how far the current version is."""
        version = Version.current(self._storage)
        return _Count.of(version).status(self._storage.address, version.key)

    def errors(self) -> pd.DataFrame:
        """Return a row for each input that could not be read: source, address, kind, error."""
        return self.frame("error")

    def frame(self, kind: Literal["table", "summary", "error"] = "table") -> pd.DataFrame:
        """Return the tables of all inputs that are read, or their summaries or errors, as one."""
        import pandas as pd

        frames = [pd.read_parquet(io.BytesIO(each)) for each in self._parts(kind)]
        empty = pd.DataFrame(columns=["source", "address", "kind", "error"] if kind == "error" else [])
        return pd.concat(frames, ignore_index=True) if frames else empty

    def save(self, path: str | Path) -> None:
        """Write the tables of all inputs that are read as one, in .csv or .parquet, one input at a time.

        Raises:
            OutputError: another suffix, or it can't be written.
            SourceError: it is no corpus.
        """
        about = Version.current(self._storage).read_json("version.json")
        with new_table(Path(path), Columns(**about["columns"])) as table:
            for content in self._parts("table"):
                for rows in _rows(content):
                    table.write(rows)

    def _parts(self, kind: str) -> Iterator[bytes]:
        names = Version.current(self._storage).parts(kind)
        # A few at a time: an object store answers many as quickly as one, and memory holds no corpus.
        for start in range(0, len(names), 16):
            some = names[start : start + 16]
            for name, content in zip(some, self._storage.read(some), strict=True):
                if content is None:
                    raise SourceError(
                        f"{shown(self._storage.address)}/{name}: was removed; remove its mark, too"
                    )
                yield content


def _rows(content: bytes) -> Iterator[Sequence[Row]]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(io.BytesIO(content)).iter_batches(4096):
        yield list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def _find(wheres: Iterable[str | Path]) -> tuple[list[Found], list[str]]:
    """Return what is there, each once, and for what is not the reason.

    Raises:
        SourceError: nothing is.
    """
    found: dict[str, Found] = {}
    reasons = []
    for where in wheres:
        try:
            for each in find(where):
                found.setdefault(each.address, each)
        except SourceError as error:
            reasons.append(str(error))
    if not found:
        raise SourceError(reasons[0] if reasons else "expected a path, received none")
    return list(found.values()), reasons


@dataclass
class _Count:
    """What is known of a version's inputs."""

    inputs: dict[str, Input]
    states: dict[str, bool]
    errors: Counter[str] = field(default_factory=Counter)
    video_s: float = 0.0
    faces: int = 0

    @classmethod
    def of(cls, version: Version) -> _Count:
        inputs = version.inputs()
        count = cls({each.key: each for each in inputs}, {})
        for what, mark in version.marks(inputs):
            count.add(
                Outcome(what.key, mark["error_kind"], "", mark["faces"], mark["video_s"], mark["seconds"])
            )
        return count

    def add(self, outcome: Outcome) -> None:
        self.states[outcome.key] = not outcome.error_kind
        self.video_s += outcome.video_s
        self.faces += outcome.faces
        if outcome.error_kind:
            self.errors[outcome.error_kind] += 1

    def status(self, corpus: str, version: str, **run: Any) -> Status:
        failed, told = self.errors.total(), len(self.states)
        errors = dict(self.errors.most_common())
        return Status(
            shown(corpus), version, run.pop("new_version", False), len(self.inputs), told - failed,
            failed, len(self.inputs) - told, errors, round(self.video_s, 3), self.faces, **run,
        )  # fmt: skip


class _Run:
    """One run over a corpus, which may be the tenth."""

    def __init__(
        self,
        storage: Any,
        settings: Settings,
        columns: Columns,
        engine: Engine,
        workers: int,
        address: str | None,
        progress: Progress,
        not_found: tuple[str, ...] = (),
        reader: type[Reader] = Reader,
        part_s: float = PART_S,
    ) -> None:
        self._settings, self._columns = prepared_settings(settings), columns
        if columns.measures or columns.landmarks:
            check_landmarks(self._settings)
        if not 0 <= part_s < math.inf:
            raise ConfigError(f"part_s: expected a number of at least 0, received {part_s}")
        if address is not None and engine != "ray":
            raise ConfigError("an address is one of Ray's; choose the engine ray")
        self._about = describe_version(self._settings, columns)
        self._version = Version(storage, self._about["key"])
        self._make = partial(reader, storage.address, self._version.key, self._settings, columns, part_s)
        self._spread = partial(on_ray, address=address) if engine == "ray" else on_this_machine
        self._workers, self._progress, self._not_found = workers, progress, not_found

    def read(self, found: Sequence[Found] | None) -> Status:
        """Read what is missing of these inputs, or of all that were ever asked for."""
        storage = self._version.storage
        sweep_scratch()
        new = self._version.begin(self._about)
        asked = self._version.inputs() if found is None else self._version.ask_for(found)
        count = _Count.of(self._version)
        left = [each for each in asked if each.key not in count.states]
        # The long ones first, so that no worker is still at one when the others have nothing left.
        left.sort(key=lambda each: -each.size)
        start, run_bytes, all_bytes = perf_counter(), 0, sum(max(each.size, 1) for each in left)
        size = {each.key: max(each.size, 1) for each in left}
        run_failed = sum(count.states.get(each.key) is False for each in asked)

        def now(run_inputs: int) -> Status:
            spent = perf_counter() - start
            expected = spent * (all_bytes - run_bytes) / run_bytes if run_bytes else None
            return count.status(
                storage.address, self._version.key, new_version=new, run_inputs=run_inputs, run_s=spent,
                time_left_s=expected, run_failed=run_failed, not_found=self._not_found,
            )  # fmt: skip

        current = any(count.states.values())
        if current:
            self._version.make_current()
        self._progress(now(0))
        outcomes = self._spread(self._make, left, self._workers, self._died) if left else iter(())
        many = 0
        for many, outcome in enumerate(outcomes, 1):
            count.add(outcome)
            run_bytes += size[outcome.key]
            run_failed += bool(outcome.error_kind)
            if not current and not outcome.error_kind:
                self._version.make_current()
                current = True
            self._progress(now(many))
        self._version.forget_parts()
        if not current:  # all failed: so that it can be looked up why
            self._version.make_current()
        return now(many)

    def _died(self, what: Input) -> Outcome:
        error = f"{what.address}: {MOST_DEATHS} workers died while they read it; is there enough memory?"
        outcome = Outcome(what.key, DIED, error, 0, 0.0, 0.0)
        with scratch() as folder:
            commit_error(self._version, what, outcome, folder)
        return outcome
