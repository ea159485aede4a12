"""What a batch has to do: one task for each input, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mien.errors import SourceError
from mien.files import fitting_name
from mien.source import Kind, Search, find_inputs, search
from mien.source.address import without_secrets
from mien.source.inputs import some
from mien.table import plain_name
from mien.wording import count as count_of


@dataclass(frozen=True, slots=True)
class Task:
    """One input.

    Attributes:
        where: what `open_source` takes: a path, or "portrait".
        kind: what it is.
        name: what stands in the table's `source` column; no two inputs of a batch share it.
        stem: what the pictures made of it are called, before their suffix; may have folders.
    """

    where: str
    kind: Kind
    name: str
    stem: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One input that could not be read.

    Attributes:
        source: its name, or the path that was asked for.
        error: the reason, made one line of plain text.
        trace: the traceback, where the reason was not foreseen.
    """

    source: str
    error: str
    trace: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", plain_name(self.source))
        object.__setattr__(self, "error", plain_name(self.error))


PORTRAIT = Task("portrait", "video", "portrait", "portrait")
"""The moving portrait that is built in."""


class Plan(NamedTuple):
    """What a batch has to do.

    Attributes:
        tasks: in order, each file once.
        failures: the paths in which nothing was found.
        skipped: the files in the folders that are neither photographs nor videos, by their suffix.
    """

    tasks: list[Task]
    failures: list[Failure]
    skipped: list[Path]


def plan(paths: Iterable[str | Path], out: Path | None = None) -> Plan:
    """Find the inputs in files and folders.

    Args:
        paths: files and folders, in the order wanted.
        out: the folder for the results. When it lies in one of the paths, what is in it is left out: earlier
            results have pictures too.

    Returns:
        The tasks, what can't be one, and what was passed over.
    """
    readable: list[Path] = []
    failures: list[Failure] = []
    for path in paths:
        try:
            find_inputs([path])
        except SourceError as error:
            failures.append(Failure(without_secrets(path), str(error)))
        else:
            readable.append(Path(path))
    # All at once, as only then no two inputs get the same name.
    found = search(readable) if readable else Search((), ())
    inputs = [each for each in found.inputs if not _is_result(each.path, readable, out)]
    skipped = [path for path in found.skipped if not _is_result(path, readable, out)]
    if readable and not inputs:
        where = ", ".join(map(str, readable))
        failures.append(Failure(where, f"{where}: nothing to read except earlier results, in {out}"))
    names = [plain_name(each.name) for each in inputs]
    stems: dict[str, str] = {}
    for kind in ("photograph", "video"):
        same = [name for each, name in zip(inputs, names, strict=True) if each.kind == kind]
        stems.update(zip(same, _stems(same), strict=True))
    tasks = [
        Task(str(each.path), each.kind, name, stems[name]) for each, name in zip(inputs, names, strict=True)
    ]
    return Plan(tasks, failures, skipped)


def passed_over(skipped: Sequence[Path]) -> str:
    """Return which files in folders were not taken, the first few by name."""
    return (
        f"{count_of(len(skipped), 'file')} skipped, neither a photograph nor a video by suffix:"
        f" {plain_name(some(skipped))}; name a file itself to have it read all the same"
    )


def _is_result(path: Path, asked_for: Sequence[Path], out: Path | None) -> bool:
    """Return whether a file lies in the output folder, unless that, or something in it, was asked for."""
    if out is None:
        return False
    folder = out.resolve()
    meant = any(each.resolve().is_relative_to(folder) for each in asked_for)
    return path.resolve().is_relative_to(folder) and not meant


def _stems(names: Sequence[str]) -> list[str]:
    """Leave the suffix out where no other name shares the rest; to some disks upper case is lower case."""
    stems = [str(PurePosixPath(name).with_suffix("")) for name in names]
    often = Counter(stem.casefold() for stem in stems)
    shared = [often[stem.casefold()] > 1 for stem in stems]
    chosen = [name if double else stem for name, stem, double in zip(names, stems, shared, strict=True)]
    return _numbered(str(PurePosixPath(*map(_fitting, PurePosixPath(stem).parts))) for stem in chosen)


def _fitting(part: str) -> str:
    """A picture's name is its input's with more behind it, such as " (2).annotated.mp4"."""
    return fitting_name(part, room_bytes=32)


def _numbered(names: Iterable[str]) -> list[str]:
    taken: set[str] = set()
    result = []
    for name in names:
        candidates = chain([name], (f"{name} ({number})" for number in count(2)))
        free = next(each for each in candidates if each.casefold() not in taken)
        taken.add(free.casefold())
        result.append(free)
    return result
