"""Whose faces clips are made of: a folder of neutral and smiling photographs, or FER-2013's faces."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.config import load_settings
from mien.errors import DatasetError
from mien.labels import FER2013
from mien.pipeline import Pipeline
from mien.source.base import is_folder
from mien.source.images import read_image
from mien.textfile import csv_form
from mien.types import Image
from mien.videos.made.morph import MorphedFace
from mien.wording import reason

SPLITS: Final = ("train", "validation", "test")
_SHARES: Final = 0.6, 0.8
_USAGES: Final = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}
_BUCKETS: Final = {"train": 30, "validation": 10, "test": 10}
_AT_MOST: Final = 40
"""Faces of one label in a bucket that are decoded."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person with a neutral and a smiling photograph.

    Attributes:
        code: names them.
        neutral: the photograph.
        smiling: the other one.
        split: on which side of a training run they are.
        facts: sex, age and ethnicity as far as they are known.
    """

    code: str
    neutral: Path
    smiling: Path
    split: str
    facts: dict[str, str]


def read_people(folder: Path) -> list[Person]:
    """Read a folder of people: `people.csv` with a column id, and `neutral/ID.jpg` with `smiling/ID.jpg`.

    Args:
        folder: as the Face Research Lab London Set is laid out in it; any image format.

    Returns:
        The people in order of their code. By a hash of it, 60 % are of the split train, 20 % of each other.

    Raises:
        DatasetError: it is no such folder: a photograph is missing, or the table is no such table.
        SourceError: the folder or the table is missing.
    """
    import pandas as pd

    if not is_folder(folder):
        raise DatasetError(f"{folder}: expected a folder with people.csv, received a file")
    table = folder / "people.csv"
    is_folder(table)  # so that a missing table is said as every missing file is
    try:
        rows = pd.read_csv(table, **csv_form(table), dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{table}: {reason(error)}; expected a table with a column id") from error
    if "id" not in rows.columns or rows.empty:
        raise DatasetError(f"{table}: expected people, one a row, with a column id; see docs/made-clips.md")
    if rows["id"].duplicated().any():
        raise DatasetError(f"{table}: {rows['id'][rows['id'].duplicated()].iloc[0]} stands there twice")
    splits = _splits(rows["id"].tolist())
    people = [
        Person(
            row["id"],
            _photograph(folder / "neutral", row["id"]),
            _photograph(folder / "smiling", row["id"]),
            splits[row["id"]],
            {name: str(row.get(name, "")) for name in ("sex", "age", "ethnicity")},
        )
        for row in rows.to_dict("records")
    ]
    return sorted(people, key=lambda each: each.code)


def _photograph(folder: Path, code: str) -> Path:
    found = sorted(path for path in folder.glob("*.*") if path.stem == code)
    if not found:
        raise DatasetError(f"{folder}: expected a photograph {code}.jpg, as people.csv names {code}")
    return found[0]


def _splits(codes: Sequence[str]) -> dict[str, str]:
    by_hash = sorted(codes, key=lambda code: hashlib.sha256(code.encode()).hexdigest())
    ends = [round(share * len(codes)) for share in _SHARES]
    return {code: SPLITS[int(np.searchsorted(ends, place, "right"))] for place, code in enumerate(by_hash)}


class Morpher:
    """Makes people's photographs into faces that move.

    Args:
        size_px: side of the pictures.
    """

    def __init__(self, size_px: int) -> None:
        self._size_px = size_px
        self._pipeline = Pipeline(load_settings(threads=1))

    def face(self, person: Person) -> MorphedFace:
        """Find the landmarks of a person's two photographs, and join these.

        Raises:
            DatasetError: there is no face in one of them.
            SourceError: one can't be read.
        """
        (neutral, start), (smiling, end) = map(self._looked_at, (person.neutral, person.smiling))
        return MorphedFace(neutral, smiling, start, end, self._size_px)

    def _looked_at(self, path: Path) -> tuple[Image, Any]:
        image = _square(read_image(path))
        faces = self._pipeline.read(image)
        if not len(faces):
            raise DatasetError(f"{path}: no face found in it")
        return image, faces.landmarks[int(faces.size_wh.prod(axis=1).argmax())].astype(np.float64)

    def close(self) -> None:
        """Release the network."""
        self._pipeline.close()


def _square(image: Image) -> Image:
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    return np.ascontiguousarray(image[top : top + side, left : left + side])


@dataclass(frozen=True, slots=True)
class Bucket:
    """Faces that belong together only in that no other bucket has them.

    Attributes:
        code: its name, which stands for a person in the table.
        split: where its faces are in FER-2013: Training, PublicTest or PrivateTest.
        faces: uint8 grey squares by label.
    """

    code: str
    split: str
    faces: dict[str, Sequence[Image]]


def read_buckets(path: Path) -> list[Bucket]:
    """Deal out the faces of FER-2013, as Parquet, to buckets.

    Args:
        path: a table with the columns `image` (bytes), `emotion` (0-6), `usage`, and `votes` where it has
            FER+'s; a face counts then only where most votes are for its emotion.

    Raises:
        DatasetError: it is no such table.
        SourceError: it is missing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    is_folder(path)  # so that a missing table is said as every missing file is
    try:
        table = pq.read_table(path)
        emotion, usage = (table[name].to_pylist() for name in ("emotion", "usage"))
        images = table["image"]
        votes = table["votes"].to_pylist() if "votes" in table.column_names else None
    except (OSError, KeyError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: expected FER-2013 as Parquet, with image, emotion and usage") from error
    rows: dict[tuple[str, int], dict[str, list[int]]] = {}
    counts: dict[tuple[str, int], int] = {}
    for row, (number, part) in enumerate(zip(emotion, usage, strict=True)):
        split = _USAGES.get(part)
        if split is None or not 0 <= number < len(FER2013):
            continue
        if votes is not None and not _clear(votes[row], FER2013[number]):
            continue
        place = counts[split, number] = counts.get((split, number), -1) + 1
        bucket = rows.setdefault((split, place % _BUCKETS[split]), {})
        chosen = bucket.setdefault(FER2013[number], [])
        if len(chosen) < _AT_MOST:
            chosen.append(row)
    buckets = [
        Bucket(
            f"F-{split}-{place:02d}",
            split,
            {label: [_decoded(images[row].as_py()) for row in chosen] for label, chosen in labels.items()},
        )
        for (split, place), labels in sorted(rows.items(), key=_dealt)
        if "neutral" in labels and len(labels) > 1
    ]
    if not buckets:
        raise DatasetError(f"{path}: expected neutral faces and others, with usage Training or a test's")
    return buckets


def _clear(votes: Sequence[int], label: str) -> bool:
    from mien.labels import FERPLUS_VOTES

    return votes[FERPLUS_VOTES.index(label)] > sum(votes) / 2


def _decoded(image: Any) -> Image:
    from PIL import Image as Pillow

    data = image["bytes"] if isinstance(image, dict) else image
    with Pillow.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("L"), np.uint8)


def _dealt(bucket: tuple[tuple[str, int], object]) -> str:
    """Return a key by which buckets of all splits come in turn, so that few clips have all of them."""
    (split, place), _ = bucket
    return hashlib.sha256(f"{split} {place}".encode()).hexdigest()
