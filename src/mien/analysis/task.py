"""What a batch has to do: one task for each input, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path, PurePosixPath

from mien.errors import SourceError
from mien.source import Kind, find_inputs
from mien.source.address import without_secrets
from mien.table import plain_name


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


def plan(paths: Iterable[str | Path], out: Path | None = None) -> tuple[list[Task], list[Failure]]:
    """Find the inputs in files and folders.

    Args:
        paths: files and folders, in the order wanted.
        out: the folder for the results. When it lies in one of the paths, what is in it is left out: earlier
            results have pictures too.

    Returns:
        The tasks in order, each file once, and the paths in which nothing was found.
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
    inputs = [each for each in find_inputs(readable) if not _is_result(each.path, readable, out)]
    if readable and not inputs:
        where = ", ".join(map(str, readable))
        failures.append(Failure(where, f"{where}: nothing to read there but earlier results, in {out}"))
    names = [plain_name(each.name) for each in inputs]
    stems: dict[str, str] = {}
    for kind in ("photograph", "video"):
        same = [name for each, name in zip(inputs, names, strict=True) if each.kind == kind]
        stems.update(zip(same, _stems(same), strict=True))
    return [
        Task(str(each.path), each.kind, name, stems[name]) for each, name in zip(inputs, names, strict=True)
    ], failures


def _is_result(path: Path, asked_for: Sequence[Path], out: Path | None) -> bool:
    """Say whether a file lies in the output folder, unless that, or something in it, was asked for."""
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
    return _numbered(
        name if double else stem for name, stem, double in zip(names, stems, shared, strict=True)
    )


def _numbered(names: Iterable[str]) -> list[str]:
    taken: set[str] = set()
    result = []
    for name in names:
        candidates = chain([name], (f"{name} ({number})" for number in count(2)))
        free = next(each for each in candidates if each.casefold() not in taken)
        taken.add(free.casefold())
        result.append(free)
    return result
