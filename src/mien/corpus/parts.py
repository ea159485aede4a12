"""A long film in parts: where it can be parted without a change of its table, each part read, all joined.

At a cut of the film nothing is followed any more, and what the tracker knew is gone (`face.track.Tracker`).
So a film is parted there and nowhere else: who begins at a cut reads what one who comes from before reads. A
face that is followed across a seam would have its crop, and so its probabilities, from another history.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from numpy.typing import NDArray

from mien.corpus.version import Input
from mien.face.cut import CutFinder
from mien.pipeline import Pipeline
from mien.source import SourceReport
from mien.source.video import VideoSource
from mien.types import Faces, Frame, Image

PART_S: Final = 3600.0
"""A film of at least two of these is read in parts of about so many seconds."""

_LOOKED_AT: Final = 0.25
"""For this share of a part after its due end a cut is looked for; without one the part is longer."""

_BLOCK: Final = 1024
"""Frames that are held in memory."""

_NO_IMAGE: Final = np.zeros((1, 1, 3), np.uint8)
_FIELDS: Final = tuple(each.name for each in fields(Faces))


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker does next.

    Attributes:
        what: the input.
        seams: the times in seconds at which it is parted; () reads it whole, None leaves that to the worker.
        part: which part to read, from 0; None joins them, where there are seams.
    """

    what: Input
    seams: tuple[float, ...] | None = None
    part: int | None = None

    @property
    def key(self) -> str:
        """What its file is called: the input's key, and which part it is."""
        return self.what.key if self.part is None else f"{self.what.key}-{self.part}"

    @property
    def span_s(self) -> tuple[float, float]:
        """Start and end of its part in seconds."""
        assert self.seams is not None
        assert self.part is not None
        bounds = (0.0, *self.seams, float("inf"))
        return bounds[self.part], bounds[self.part + 1]

    def parts(self, seams: Sequence[float]) -> list[Job]:
        """Return the jobs that read its parts."""
        return [Job(self.what, tuple(seams), part) for part in range(len(seams) + 1)]


class UnlikeError(Exception):
    """The parts don't fit each other, so that the film has to be read whole."""


@dataclass(frozen=True, slots=True)
class _About:
    """What is kept of a part beside its faces; pictures as digests."""

    blocks: int
    frames_read: int
    tracks: int
    seconds: float
    size_wh: tuple[int, int]
    first_s: float
    first_picture: str
    last_s: float
    after_s: float | None
    after_picture: str
    duration_s: float
    note: str | None


def find_seams(path: Path, part_s: float, fps: float | None) -> tuple[float, ...]:
    """Return the times in seconds at which a film can be parted: at cuts, about `part_s` apart.

    Raises:
        SourceError: it can't be read.
    """
    with closing(VideoSource(path, fps=fps)) as whole:
        length_s = whole.report.duration_s or 0.0
    seams: list[float] = []
    due_s = part_s
    while length_s - due_s >= part_s / 2:
        seam_s = _cut_after(path, due_s, part_s * _LOOKED_AT, fps)
        seams += [] if seam_s is None else [seam_s]
        due_s = (due_s if seam_s is None else seam_s) + part_s
    return tuple(seams)


def _cut_after(path: Path, start_s: float, length_s: float, fps: float | None) -> float | None:
    """Return when the next cut comes; as one sees it who has seen all of the film."""
    finder = CutFinder()
    with closing(VideoSource(path, fps=fps, from_s=start_s, until_s=start_s + length_s)) as source:
        cuts = (frame.time_s for frame in source.frames() if finder.is_cut(frame.image))
        return next(cuts, None)


def save_part(path: Path, job: Job, pipeline: Pipeline, file: Path) -> bool:
    """Read one part of a film, and write its faces.

    Args:
        path: the film.
        job: which part.
        pipeline: reads it.
        file: to be written, in .zip; arrays of NumPy, a thousand frames together.

    Returns:
        Whether it can be joined with others: not where something is damaged, or it isn't there.

    Raises:
        SourceError: it can't be read.
    """
    start_s, end_s = job.span_s
    source = VideoSource(path, fps=pipeline.settings.fps, from_s=start_s, until_s=end_s)
    began, first = perf_counter(), None
    blocks, tracks, block = 0, 0, list[tuple[Frame, Faces]]()
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as saved:
        for frame, faces in pipeline.stream(source):
            first = first or frame
            tracks = max(tracks, 1 + int(faces.track.max(initial=-1)))
            block.append((Frame(_NO_IMAGE, frame.index, frame.time_s, frame.source), faces))
            if len(block) == _BLOCK:
                _write(saved, blocks, block)
                blocks, block = blocks + 1, []
        _write(saved, blocks, block)
        report, after = source.report, source.after
        if first is None or not source.is_plain or report.size_wh is None:
            return False
        about = _About(
            blocks + 1, report.frames_read, tracks, perf_counter() - began, report.size_wh,
            first.time_s, _digest(first.image), source.time_s,
            None if after is None else after.time_s, "" if after is None else _digest(after.image),
            report.duration_s or 0.0, report.note,
        )  # fmt: skip
        saved.writestr("about.json", json.dumps(asdict(about)))
    return True


def _write(saved: ZipFile, number: int, block: Sequence[tuple[Frame, Faces]]) -> None:
    """Write some frames: index, time and number of faces of each; the faces' arrays end to end."""
    arrays = {name: np.concatenate([getattr(faces, name) for _, faces in block]) for name in _FIELDS if block}
    arrays["index"] = np.array([frame.index for frame, _ in block], np.int64)
    arrays["time_s"] = np.array([frame.time_s for frame, _ in block], np.float64)
    arrays["many"] = np.array([len(faces) for _, faces in block], np.int64)
    for name, array in arrays.items():
        with saved.open(f"{number}/{name}.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array(file, array, allow_pickle=False)


def _digest(image: Image) -> str:
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


class Joined:
    """The parts of a film, joined as if it had been read whole.

    Args:
        job: of the film.
        files: its parts as `save_part` wrote them, in their order.

    Attributes:
        report: what the source of the whole film would report.
        seconds: that reading the parts took.

    Raises:
        UnlikeError: a part doesn't begin where the one before has ended, with the same picture.
    """

    def __init__(self, job: Job, files: Sequence[Path]) -> None:
        self._name, self._files = job.what.name, files
        self._abouts = [_about(file) for file in files]
        starts = [each.first_s for each in self._abouts]
        alike = all(
            before.after_s == after.first_s and before.after_picture == after.first_picture
            for before, after in pairwise(self._abouts)
        )
        last = self._abouts[-1]
        if not alike or starts != [starts[0], *(job.seams or ())] or last.after_s is not None:
            raise UnlikeError
        frames_read = sum(each.frames_read for each in self._abouts)
        self.seconds = sum(each.seconds for each in self._abouts)
        self.report = SourceReport(
            frames_read=frames_read, duration_s=last.duration_s, size_wh=last.size_wh, note=last.note,
            frame_rate_hz=(frames_read - 1) / last.last_s,
        )  # fmt: skip

    def stream(self) -> Iterator[tuple[Frame, Faces]]:
        """Yield all frames in order, without their pictures, and the faces in them, numbered through."""
        frames_before, tracks_before = 0, 0
        for file, about in zip(self._files, self._abouts, strict=True):
            with ZipFile(file) as saved:
                for number in range(about.blocks):
                    for index, time_s, faces in _read(saved, number):
                        yield (
                            Frame(_NO_IMAGE, frames_before + index, time_s, self._name),
                            faces.fill(track=faces.track + tracks_before),
                        )
            frames_before += about.frames_read
            tracks_before += about.tracks


def _about(file: Path) -> _About:
    with ZipFile(file) as saved:
        told = json.loads(saved.read("about.json"))
    return _About(**told | {"size_wh": tuple(told["size_wh"])})


def _read(saved: ZipFile, number: int) -> Iterator[tuple[int, float, Faces]]:
    arrays: dict[str, NDArray[Any]] = {}
    for name in saved.namelist():
        folder, _, field = name.removesuffix(".npy").partition("/")
        if folder == str(number):
            with saved.open(name) as file:
                arrays[field] = np.lib.format.read_array(file, allow_pickle=False)
    stop = 0
    for index, time_s, many in zip(
        *(arrays.pop(each).tolist() for each in ("index", "time_s", "many")), strict=True
    ):
        start, stop = stop, stop + many
        yield index, time_s, Faces(**{name: array[start:stop] for name, array in arrays.items()})
