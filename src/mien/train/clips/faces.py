"""What networks see of the clips of a table: read once, and kept beside the run."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from mien.config import load_settings
from mien.errors import DatasetError, SourceError
from mien.files import written_whole
from mien.labels import EMOTIONS
from mien.pipeline import Pipeline
from mien.train.clip_recipe import ClipData
from mien.videos.clip import FaceClip, read_clip
from mien.videos.clip_network import network_input

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class ClipFaces:
    """n clips as networks see them.

    Attributes:
        rows: (n,) which rows of the table; clips without a face are left out.
        crops: (n, frames, 64, 64) uint8.
        distances: (n, frames, 67).
        seconds: (n,) length of each clip.
        mean, maximum: (n,) of the frame network's P(label) over the steps, for comparison; NaN for a label
            that it doesn't know.
    """

    rows: NDArray[np.int64]
    crops: NDArray[np.uint8]
    distances: NDArray[np.float32]
    seconds: NDArray[np.float64]
    mean: NDArray[np.float64]
    maximum: NDArray[np.float64]

    def take(self, chosen: NDArray[Any]) -> Self:
        """Take some of them, by mask or indices."""
        return type(self)(*(getattr(self, name)[chosen] for name in _NAMES))


_NAMES = ("rows", "crops", "distances", "seconds", "mean", "maximum")


def read_faces(
    table: pd.DataFrame, data: ClipData, kept: Path, report: Callable[[float], None] = lambda done: None
) -> ClipFaces:
    """Read the faces of all clips, or take them from where they were kept.

    Args:
        table: of `read_clip_table`.
        data: the recipe's.
        kept: an .npz; it is written, and read again where clips and recipe are the same.
        report: called with the share that is done.

    Raises:
        DatasetError: no clip has a face.
    """
    fingerprint = _fingerprint(table, data)
    if (found := _read(kept, fingerprint)) is not None:
        return found
    columns: dict[str, list[Any]] = {name: [] for name in _NAMES}
    with Pipeline(load_settings()) as pipeline:
        for row, each in enumerate(table.to_dict("records")):
            try:
                clip = read_clip(
                    each["path"], start_s=_number(each, "start_s"), end_s=_number(each, "end_s"),
                    frames_per_second=data.frames_per_second, pipeline=pipeline,
                )  # fmt: skip
            except SourceError as error:
                raise DatasetError(f"clip in row {row + 2}: {error}") from error
            if (seen := network_input(clip, data.frames)) is not None:
                values = (row, *seen, len(clip) / clip.frames_per_second, *frame_answers(clip, data.label))
                for name, value in zip(_NAMES, values, strict=True):
                    columns[name].append(value)
            report((row + 1) / len(table))
    if not columns["rows"]:
        raise DatasetError("no clip has a face in enough of its frames")
    faces = ClipFaces(*(np.array(columns[name]) for name in _NAMES))
    with written_whole(kept) as temporary, temporary.open("wb") as file:
        np.savez(file, fingerprint=fingerprint, **{name: getattr(faces, name) for name in _NAMES})
    return faces


def frame_answers(clip: FaceClip, label: str) -> tuple[float, float]:
    """Return the mean and the maximum of the frame network's probability of a label over a clip."""
    if label not in EMOTIONS:
        return np.nan, np.nan
    said = clip.probabilities[clip.present, EMOTIONS.index(label)]
    return float(np.nanmean(said)), float(np.nanmax(said))


def _number(row: dict[Any, Any], name: str) -> float | None:
    value = row.get(name)
    return None if value is None or value != value else float(value)


def _fingerprint(table: pd.DataFrame, data: ClipData) -> str:
    digest = hashlib.sha256(f"{data.frames} {data.frames_per_second} {data.label}".encode())
    columns = [name for name in ("path", "start_s", "end_s") if name in table]
    digest.update(table[columns].to_csv().encode())
    for path in table["path"]:
        digest.update(str(Path(path).stat().st_size).encode())
    return digest.hexdigest()


def _read(kept: Path, fingerprint: str) -> ClipFaces | None:
    try:
        with np.load(kept, allow_pickle=False) as file:
            if str(file["fingerprint"]) == fingerprint:
                return ClipFaces(*(file[name] for name in _NAMES))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        pass
    return None
