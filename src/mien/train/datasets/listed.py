"""Pictures with their labels, however a data set lists them, read into one `FaceSet`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from mien.errors import DatasetError
from mien.files import natural_key
from mien.train.datasets.base import FaceSet, Rejects, pictures_of
from mien.train.datasets.decode import Box, grey_square

SUBJECT = "subject"
"""The column that says who is in a picture, where the data set does."""

_LITTER: Final = frozenset({"__macosx", "@eadir", "$recycle.bin", "lost+found", "__pycache__"})
"""What systems and programs leave in folders, in lower case."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One picture of a data set.

    Attributes:
        file: where it is.
        label: its class by the standard term; "" where it has none that is one.
        usage: FER-2013's name of its part of the data set's own split; "" where it has none.
        subject: who is in it; "" where the data set does not say.
        box: the face in it, (left, top, right, bottom) in pixels; None where the picture is the face.
        votes: ten FER+ votes in the order of `labels.FERPLUS_VOTES`.
    """

    file: Path
    label: str
    usage: str = ""
    subject: str = ""
    box: Box | None = None
    votes: tuple[int, ...] | None = None


def read_listed(root: Path, rows: Sequence[Listed], size_px: int) -> FaceSet:
    """Read listed pictures.

    Args:
        root: the data set; names of faces are paths from there.
        rows: its pictures.
        size_px: side of the images given back.

    Raises:
        DatasetError: none has both a label and a readable picture.
    """
    labelled = [row for row in rows if row.label]
    images = [grey_square(row.file, size_px, row.box) for row in labelled]
    kept = [row for row, image in zip(labelled, images, strict=True) if image is not None]
    if not kept:
        raise DatasetError(
            f"{root}: none of its {len(rows)} pictures has both a label and a readable image"
            + (f"; the first should be {rows[0].file}" if rows else "")
        )
    labels, targets = np.unique([row.label for row in kept], return_inverse=True)
    has_subjects = any(row.subject for row in kept)
    votes = [row.votes for row in kept]
    return FaceSet(
        images=np.stack([image for image in images if image is not None]),
        targets=targets.astype(np.int64),
        labels=tuple(map(str, labels)),
        usage=np.array([row.usage for row in kept], str),
        names=np.array([_name(row, root) for row in kept], str),
        votes=None if None in votes else np.array(votes, np.int64),
        columns={SUBJECT: np.array([row.subject for row in kept], str)} if has_subjects else {},
        person=SUBJECT if has_subjects else None,
        pictures=None if any(row.box for row in kept) else pictures_of([row.file for row in kept]),
        rejects=Rejects(
            unreadable=tuple(
                _name(row, root) for row, image in zip(labelled, images, strict=True) if image is None
            ),
            unlabelled=tuple(_name(row, root) for row in rows if not row.label),
        ),
    )


def subfolders(path: Path) -> list[Path]:
    """Give a folder's folders in natural order, without hidden ones and litter.

    Raises:
        DatasetError: it may not be read.
    """
    try:
        folders = [entry for entry in path.iterdir() if entry.is_dir() and not is_litter(entry)]
    except OSError as error:
        raise DatasetError(f"{path}: not a readable folder ({error.strerror})") from error
    return sorted(folders, key=natural_key)


def is_litter(path: Path) -> bool:
    """Say whether something is hidden, or left by a system: __MACOSX, @eaDir."""
    return path.name.startswith(".") or path.name.lower() in _LITTER


def _name(row: Listed, root: Path) -> str:
    return row.file.relative_to(root).as_posix()
