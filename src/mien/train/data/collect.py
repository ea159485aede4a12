"""`mien dataset build`: photographs and video in, a folder of faces out, labelled for people to correct."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien import __version__
from mien.analysis.task import Failure, Task, plan
from mien.config import Settings
from mien.errors import ConfigError, OutputError, SourceError
from mien.face.crop import crop_faces, crop_whole
from mien.files import fitting_name, write_json, written_whole
from mien.labels import EMOTIONS
from mien.pipeline import Pipeline
from mien.source import open_source
from mien.table import escape_formula, plain_name
from mien.train.data.cleaning import CopyFilter, Verdict
from mien.train.data.tables import LABELS_FILE
from mien.types import Faces, Frame

COLUMNS: Final = (
    "file", "label", "correct", "confidence", "quality", "source", "frame", "time_s", "track",
)  # fmt: skip
"""The columns of labels.csv. `correct` starts as `label`; people change it where it is wrong."""

NEAR_COPY: Final = 0.97
"""Correlation at 24x24 above which a face shows nothing new. It is on the careful side: in a video, a lower
one leaves out slight expressions of a face that stays where it is (docs/datasets.md)."""

SUMMARY_FILE: Final = "summary.json"
IMAGES_FOLDER: Final = "images"


@dataclass(frozen=True)
class CollectReport:
    """What was found and what was kept.

    Attributes:
        folder: the data set; it is not made where no face was kept.
        inputs: photographs and videos that were read.
        frames: frames looked at.
        faces: faces found in them.
        constant: faces left out because they show nothing.
        exact_copies: faces left out because an earlier one equals them pixel by pixel.
        near_copies: faces left out because an earlier one correlates with them above the threshold.
        labels: how many faces were kept of each label.
        failures: the inputs that can't be read, and why.
        skipped: the files in the folders that are neither photographs nor videos, by their suffix.
    """

    folder: Path
    inputs: int
    frames: int
    faces: int
    constant: int
    exact_copies: int
    near_copies: int
    labels: dict[str, int]
    failures: tuple[Failure, ...]
    skipped: tuple[Path, ...] = ()

    @property
    def kept(self) -> int:
        """Faces in the data set."""
        return sum(self.labels.values())

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a dictionary for JSON."""
        return {
            "inputs": self.inputs,
            "frames": self.frames,
            "faces": self.faces,
            "constant": self.constant,
            "exact_copies": self.exact_copies,
            "near_copies": self.near_copies,
            "kept": self.kept,
            "labels": self.labels,
            "failures": [{"source": each.source, "error": each.error} for each in self.failures],
            "skipped": [plain_name(str(each)) for each in self.skipped],
        }


def collect(
    paths: Iterable[str | Path],
    out: Path,
    *,
    settings: Settings,
    size_px: int = 96,
    near_copy: float = NEAR_COPY,
    pipeline: Pipeline | None = None,
    progress: Callable[[int, int, float], None] = lambda place, inputs, share: None,
) -> CollectReport:
    """Make a data set of the faces in photographs and videos.

    The folder gets images/LABEL/NUMBER-SOURCE.png, labels.csv (`COLUMNS`) and summary.json. When it is
    interrupted, what was found so far is a whole data set.

    Args:
        paths: photographs, videos, and folders of them.
        out: a folder that is new or empty, so that nobody's corrections are lost.
        settings: how faces are found and read; `every` and `fps` choose the frames of a video.
        size_px: side of the images in pixels.
        near_copy: a face that correlates above this with a kept one, at 24x24, is left out.
        pipeline: the stages, instead of those that the settings make; closed at the end.
        progress: told the input's place (from 0), how many there are, and how much of it is done, 0 to 1.

    Returns:
        What was found. Inputs that can't be read stand in its `failures`; the others are read all the same.

    Raises:
        ConfigError: `size_px` or `near_copy` is out of range.
        ModelError: a network is missing or damaged.
        OutputError: the folder isn't empty, or can't be written.
    """
    if not (24 <= size_px <= 1024 and 0 < near_copy <= 1):
        raise ConfigError(
            f"expected a size of 24 to 1024 pixels and a near-copy correlation above 0, up to 1;"
            f" received {size_px} and {near_copy}"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out}: not an empty folder; remove it or choose another, so that nothing is lost")
    tasks, failures, skipped = plan(paths)
    with closing(pipeline or Pipeline(settings)) as stages:
        builder = _Builder(out, stages, size_px, near_copy)
        try:
            for place, task in enumerate(tasks):
                try:
                    builder.add(task, partial(progress, place, len(tasks)))
                except SourceError as error:
                    failures.append(Failure(task.name, str(error)))
        finally:
            report = replace(builder.report(failures), skipped=tuple(skipped))
            builder.finish(report)
    return report


class _Builder:
    """The data set in the making: images are written as they come, the list of them at the end."""

    def __init__(self, out: Path, stages: Pipeline, size_px: int, near_copy: float) -> None:
        self._out = out
        self._stages = stages
        self._size_px = size_px
        self._near_copy = near_copy
        self._copies = CopyFilter(near_copy)
        self._verdicts: Counter[Verdict] = Counter()
        self._rows: list[dict[str, str]] = []
        self._inputs = 0
        self._frames = 0

    def add(self, task: Task, progress: Callable[[float], None]) -> None:
        settings = self._stages.settings
        source = open_source(
            task.where, every=settings.every, fps=settings.fps, max_megapixels=settings.max_megapixels
        )
        self._inputs += 1
        for frame, faces in self._stages.stream(source):
            self._frames += 1
            for place, crop in enumerate(self._crops(frame, faces)):
                verdict = self._copies.judge(crop)
                self._verdicts[verdict] += 1
                if verdict is Verdict.NEW:
                    self._save(crop, task, frame, faces, place)
            progress(min(1.0, frame.time_s / (source.report.duration_s or 1.0)))

    def _crops(self, frame: Frame, faces: Faces) -> NDArray[np.uint8]:
        if self._stages.settings.crops:
            return crop_whole(frame.image, self._size_px)
        return crop_faces(frame.image, faces, self._size_px)

    def _save(self, crop: NDArray[np.uint8], task: Task, frame: Frame, faces: Faces, place: int) -> None:
        label = EMOTIONS[int(np.nanargmax(faces.probabilities[place]))]
        number = len(self._rows) + 1
        origin = fitting_name(PurePosixPath(task.stem).name, room_bytes=175)
        file = f"{IMAGES_FOLDER}/{label}/{number:06d}-{origin}.png"
        with written_whole(self._out / file) as temporary:
            Image.fromarray(crop).save(temporary)
        row = {
            "file": file,
            "label": label,
            "correct": label,
            "confidence": f"{faces.confidence[place]:.4f}",
            "quality": f"{faces.quality[place]:.4f}",
            "source": escape_formula(task.name),
            "frame": str(frame.index),
            "time_s": f"{frame.time_s:.3f}",
            "track": str(faces.track[place]),
        }
        self._rows.append(row)

    def report(self, failures: Iterable[Failure]) -> CollectReport:
        found = Counter(row["label"] for row in self._rows)
        return CollectReport(
            folder=self._out,
            inputs=self._inputs,
            frames=self._frames,
            faces=self._verdicts.total(),
            constant=self._verdicts[Verdict.CONSTANT],
            exact_copies=self._verdicts[Verdict.EXACT],
            near_copies=self._verdicts[Verdict.NEAR],
            labels={label: found[label] for label in EMOTIONS if found[label]},
            failures=tuple(failures),
        )

    def finish(self, report: CollectReport) -> None:
        if not self._rows:
            return
        path = self._out / LABELS_FILE
        # With a byte order mark, without which spreadsheets misread names that are not ASCII.
        with written_whole(path) as temporary, temporary.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self._rows)
        sidecar = self._stages.network.sidecar
        origin = {
            "mien": __version__,
            "network": {"name": sidecar.name, "sha256": sidecar.sha256},
            "settings": self._stages.settings.model_dump(mode="json"),
            "size_px": self._size_px,
            "near_copy": self._near_copy,
        }
        write_json(self._out / SUMMARY_FILE, {**origin, **report.as_dict()})
