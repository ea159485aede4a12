"""A reader whose tables follow from an input's bytes: engines and commits, tested without a network."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from mien.analysis.task import Failure
from mien.config import Settings
from mien.corpus.corpus import _Run
from mien.corpus.parts import Job
from mien.corpus.reader import Outcome, Reader
from mien.corpus.storage import LocalFolder, find, open_storage
from mien.corpus.version import Input, Version
from mien.table import COLUMNS, PLAIN, new_table


class FakeReader(Reader):
    """Each byte is a row; one that begins with "bad" can't be read.

    "kills" ends its process each time; "dies" only once, before the put that its next byte says: of its
    table, its summary, or the mark.
    """

    def read(self, job: Job) -> Outcome | list[Job]:
        path, died = Path(job.what.where), Path(f"{job.what.where}.died")
        content = path.read_bytes() if path.is_file() else b""
        if content.startswith(b"dies") and not died.exists():
            died.touch()
            self._version = Version(
                Mortal(Path(self._version.storage.address), content[4]), self._version.key
            )
        return super().read(job)

    def analyse(self, what: Input, path: Path, folder: Path) -> dict[str, Any] | Failure:
        content = path.read_bytes()
        if content.startswith(b"bad"):
            return Failure(what.name, f"cannot read {path}: it is bad")
        if content.startswith(b"kills"):
            os.kill(os.getpid(), signal.SIGKILL)
        with new_table(folder / "table.parquet", PLAIN) as table:
            for frame, byte in enumerate(content):
                cells = dict.fromkeys(COLUMNS, 0.5) | {"source": what.name, "frame": frame, "track": byte}
                table.write([tuple((cells | {"expression": "neutral"})[name] for name in COLUMNS)])
        counts = ("frames_read", "frames_analysed", "frames_with_face", "rows", "tracks")
        return dict.fromkeys(counts, len(content)) | {
            "kind": "video", "note": "", "duration_s": len(content) / 10, "frame_rate_hz": 10.0,
            "coverage": 1.0,
            "width": 4, "height": 4, "frames_dropped": 0, "expressions": {"neutral": len(content)},
            "mean_probabilities": {"neutral": 0.5},
        }  # fmt: skip


class Mortal(LocalFolder):
    """A folder that takes so many files; with the next, its process ends."""

    def __init__(self, path: Path, puts: int) -> None:
        super().__init__(path)
        self._left = puts

    def put(self, name: str, file: Path) -> None:
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        super().put(name, file)


def fill(folder: Path, many: int = 3) -> Path:
    """Make inputs, of which the last is bad; their times are fixed, as their keys depend on them."""
    folder.mkdir(parents=True)
    for number in range(many):
        path = folder / f"clip{number}.mp4"
        path.write_bytes(b"bad" if number == many - 1 else bytes(range(number + 1, 2 * number + 4)))
        os.utime(path, ns=(10**18, 10**18))
    return folder


def run(corpus: Path | str, *inputs: Path | str, **choices: Any) -> _Run:
    """Return a run with the fake reader, which has read the inputs."""
    engine, workers, address = (choices.pop(name, default) for name, default in
                                (("engine", "local"), ("workers", 1), ("address", None)))  # fmt: skip
    made = _Run(open_storage(corpus), Settings(**choices), PLAIN, engine, workers, address,
                lambda status: None, reader=FakeReader)  # fmt: skip
    made.read([found for each in inputs for found in find(each)])
    return made


def tree(corpus: Path) -> dict[str, bytes]:
    """Return all files by name, of the marks only that they are there: they say how long it took."""
    files = [path for path in sorted(corpus.rglob("*")) if path.is_file()]
    return {
        path.relative_to(corpus).as_posix(): b""
        if path.parent.name in ("done", "failed")
        else path.read_bytes()
        for path in files
    }
