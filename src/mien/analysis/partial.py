"""What is kept of each finished input until the batch is joined, so that a killed batch can go on."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import mien
from mien.analysis.learn_neutral import NeutralChoice
from mien.analysis.recorded import Recorded
from mien.analysis.task import Task
from mien.config import Settings
from mien.errors import OutputError
from mien.files import write_json, written_whole
from mien.labels import EMOTIONS, NEUTRALS, UNCERTAIN
from mien.table import NEUTRAL, PLAIN, Columns, Row, plain_name
from mien.textfile import read_text
from mien.wording import reason

if TYPE_CHECKING:  # it loads SciPy, which who has no signals should not wait for
    from mien.analysis.signals_choice import SignalsChoice

FOLDER: Final = ".partial"

ROWS: Final = ".rows"
"""The suffix of an input's rows: numbers as the machine has them, without the source's name."""

PULSE: Final = ".pulse.csv"
"""The suffix of the table of an input's pulse."""

SMILES: Final = ".smiles.csv"
"""The suffix of the table of an input's smiles."""

SIGNALS: Final = ".signals.csv"
"""The suffix of the table of a body's signals beside an input."""

_LABELS: Final = {"expression": (*EMOTIONS, UNCERTAIN), NEUTRAL: NEUTRALS}
"""Columns of words, which are kept as their indices."""

_BLOCK_ROWS: Final = 4096


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is written for each input.

    Attributes:
        plots: a timeline of each video.
        annotate: a copy with the faces marked.
        pulse: a table of the pulse in each face of a video.
        columns: of the table.
        recorded: into whose record it goes as well; None into nobody's.
        neutral: the person's own neutral face to read by; None reads everybody by the usual one.
        signals: of the body, to be set beside the face of a video.
    """

    plots: bool = True
    annotate: bool = False
    pulse: bool = False
    columns: Columns = PLAIN
    recorded: Recorded | None = None
    neutral: NeutralChoice | None = None
    signals: SignalsChoice | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """The files of one input in the folder of partial results.

    The record is written last: where it stands and its fingerprint fits, the others are whole.

    Attributes:
        folder: the batch's folder of partial results.
        source: the input's name.
        key: what the files are called.
        pictures: what each picture, and the tables of pulse, signals and smiles, will be called in the end,
            by its suffix here.
    """

    folder: Path
    source: str
    key: str
    pictures: dict[str, str]

    @classmethod
    def of(cls, task: Task, folder: Path, wanted: Wanted) -> Partial:
        """Return which files a task leaves."""
        pictures = {}
        if wanted.plots and task.kind == "video":
            pictures[".png"] = f"{task.stem}.png"
        if wanted.pulse and task.kind == "video":
            pictures[PULSE] = f"{task.stem}{PULSE}"
        if wanted.signals is not None and task.kind == "video":
            pictures[SIGNALS] = f"{task.stem}{SIGNALS}"
        if (wanted.signals is not None or wanted.columns.measures) and task.kind == "video":
            pictures[SMILES] = f"{task.stem}{SMILES}"
        if wanted.annotate:
            suffix = ".mp4" if task.kind == "video" else ".jpg"
            pictures[suffix] = f"{task.stem}.annotated{suffix}"
        key = hashlib.sha256(f"{task.name}\n{task.where}".encode(errors="surrogateescape")).hexdigest()[:24]
        return cls(folder, task.name, key, pictures)

    def path(self, suffix: str) -> Path:
        """Return the path of one of its files: `ROWS`, ".json", or a picture's."""
        return self.folder / f"{self.key}{suffix}"

    @contextmanager
    def new_rows(self, columns: Columns) -> Iterator[Callable[[Sequence[Row]], object]]:
        """Write the input's rows: as numbers, so that they become text once, in the table that is kept.

        Yields:
            What takes rows.

        Raises:
            OutputError: they can't be written.
        """
        dtype = _dtype(columns)
        codes = [(index, labels.index) for index, labels in _words(columns)]

        def pack(row: Row) -> tuple[Any, ...]:
            cells: list[Any] = list(row)
            for index, code in codes:
                cells[index] = code(cells[index])
            return tuple(cells[1:])

        with written_whole(self.path(ROWS)) as temporary, temporary.open("wb") as file:
            yield lambda rows: file.write(np.array([pack(row) for row in rows], dtype).tobytes())

    def rows(self, columns: Columns, every: int = 1) -> Iterator[Row]:
        """Read the rows one by one, so that a long recording takes no memory.

        Args:
            columns: as they were written.
            every: only the rows of frames whose number can be divided by this.
        """
        dtype, source = _dtype(columns), plain_name(self.source)
        words = _words(columns)
        with self.path(ROWS).open("rb") as file:
            while len(block := np.fromfile(file, dtype, _BLOCK_ROWS)):
                for numbers in block[block["frame"] % every == 0].tolist():
                    cells: list[Any] = [source, *(None if cell != cell else cell for cell in numbers)]
                    for index, labels in words:
                        cells[index] = labels[cells[index]]
                    yield tuple(cells)

    def load(self, fingerprint: str) -> dict[str, Any] | None:
        """Return the record of an input that was finished under the same fingerprint, if it was."""
        try:
            stored = json.loads(read_text(self.path(".json")))
        except (OSError, ValueError):
            return None
        if stored["fingerprint"] != fingerprint or not self._is_whole():
            return None
        record: dict[str, Any] = stored["record"]
        return record

    def _is_whole(self) -> bool:
        out = self.folder.parent
        delivered = ((self.path(suffix), out / name) for suffix, name in self.pictures.items())
        return self.path(ROWS).exists() and all(here.exists() or there.exists() for here, there in delivered)

    def save(self, fingerprint: str, record: dict[str, Any]) -> None:
        """Write that the input is finished."""
        write_json(self.path(".json"), {"fingerprint": fingerprint, "record": record})

    def deliver(self) -> list[str]:
        """Move the pictures to their final names in the output folder, and return these names.

        Raises:
            OutputError: it can't be written.
        """
        for suffix, name in self.pictures.items():
            if self.path(suffix).exists():
                target = self.folder.parent / name
                try:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self.path(suffix).replace(target)
                except OSError as error:
                    raise OutputError(f"cannot write {target}: {reason(error)}") from error
        return list(self.pictures.values())


def _dtype(columns: Columns) -> np.dtype[np.void]:
    kinds = {name: "i1" if name in _LABELS else dtype for name, dtype in columns.dtypes.items()}
    return np.dtype([(name, kind) for name, kind in kinds.items() if name != "source"])


def _words(columns: Columns) -> list[tuple[int, tuple[str, ...]]]:
    """Return where the columns of words are, and which words they have."""
    return [(columns.names.index(name), words) for name, words in _LABELS.items() if name in columns.names]


def fingerprint(task: Task, settings: Settings, wanted: Wanted, network_sha256: str) -> str:
    """Return a digest of all that an input's results depend on; 64 hexadecimal digits."""
    path = Path(task.where)
    stat = path.stat() if path.exists() else None
    parts = {
        "task": asdict(task),
        "file": [stat.st_size, stat.st_mtime_ns] if stat else None,
        "settings": settings.model_dump(mode="json"),
        "wanted": asdict(wanted),
        "network": network_sha256,
        "mien": mien.__version__,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def new_folder(out: Path, *, resume: bool) -> Path:
    """Make the output folder and its folder of partial results, which is emptied unless the batch resumes.

    Raises:
        OutputError: it can't be written.
    """
    folder = out / FOLDER
    try:
        if folder.exists() and not resume:
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
    except OSError as error:
        raise OutputError(
            f"cannot write the folder {out}: {reason(error)}; choose another with --out"
        ) from error
    return folder


def sweep(folder: Path) -> None:
    """Remove the temporary files that processes have left which were killed while they wrote."""
    for path in folder.glob(".*"):
        path.unlink()
