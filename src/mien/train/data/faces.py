"""The one form that every data set takes once it is read: `FaceSet`; its pictures and its landmarks."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from mien.errors import DatasetError, SourceError
from mien.source.images import read_image

PERSON: Final = "person"
"""The column that says who is in a picture."""
USAGE_OF_NAME = {
    "train": "Training",
    "training": "Training",
    "val": "Validation",
    "valid": "Validation",
    "validation": "Validation",
    "test": "PublicTest",
    "testing": "PublicTest",
    "publictest": "PublicTest",
    "privatetest": "PrivateTest",
}
"""What data sets call the parts of their own split, in lower case, and FER-2013's name for each."""

_PART = re.compile(r"([a-z]+)[ _-]?(set|data|images|faces)?")


def part_of_split(name: str) -> str | None:
    """Return which part of a split a name is of: "train", "Val_set", "test-images"; None for others."""
    lower = name.strip().lower()
    found = _PART.fullmatch(lower)
    return USAGE_OF_NAME.get(lower) or (USAGE_OF_NAME.get(_stem(found)) if found else None)


def _stem(found: re.Match[str]) -> str:
    return re.sub("(set|data|images|faces)$", "", found[1])


def classes_of(words: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the classes of some labels, in the alphabet's order, and each one's place there; -1 for ""."""
    labels = tuple(sorted(set(words) - {""}))
    places = {label: place for place, label in enumerate(labels)}
    return labels, np.array([places.get(word, -1) for word in words], np.int64)


_NOT_TEXT = (bytes, dict, list, np.ndarray)


@dataclass(frozen=True)
class Rejects:
    """What a data set's reader had to leave out, by name.

    Attributes:
        unreadable: rows or files that hold no readable image.
        unlabelled: rows or files without a usable label.
    """

    unreadable: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()


def other_columns(table: pd.DataFrame, own: Collection[str]) -> dict[str, NDArray[np.str_]]:
    """Take what a table says of its faces beside what every data set has.

    Args:
        table: one row for each face.
        own: the columns that are read otherwise.

    Returns:
        (n,) texts by the column's name, "" for an empty cell; columns that hold lists or bytes are left out.
    """
    found = {}
    for name in table.columns:
        cells = table[name]
        if name not in own and not cells.map(lambda cell: isinstance(cell, _NOT_TEXT)).any():
            found[str(name)] = cells.astype(object).where(cells.notna(), "").map(str).to_numpy(str)
    return found


def pictures_of(originals: Sequence[Path | bytes | None]) -> NDArray[np.object_]:
    """Keep where each face came from, for `FaceSet.pictures`."""
    kept = np.empty(len(originals), object)
    kept[:] = originals
    return kept


@dataclass(frozen=True, eq=False)
class FaceSet:
    """Labelled face images of one size.

    Attributes:
        images: (n, size, size) uint8, grey.
        targets: (n,) int64, the place of each face's label in `labels`.
        labels: the class list, as it comes from the data.
        usage: (n,) the data set's own split ("Training", "PublicTest", ...); "" where it has none.
        names: (n,) a name for each face, to find it again in the source.
        votes: (n, 10) int64, FER+ votes in the order of `labels.FERPLUS_VOTES`; None where there are none.
        landmarks: (n, 68, 2) float32, x and y as shares of the image's side from its left top corner, in
            iBUG's order; NaN for a face without them. None where the data has none.
        columns: what else the data says of each face (age, camera, ...): (n,) texts by name, "" where it says
            nothing.
        person: the column that says who is in each picture; None where the data does not say.
        pictures: (n,) each face's picture as the data has it: its file, or the bytes of one; None where the
            data holds nothing but grey values.
        rejects: what the reader left out.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    labels: tuple[str, ...]
    usage: NDArray[np.str_]
    names: NDArray[np.str_]
    votes: NDArray[np.int64] | None = None
    landmarks: NDArray[np.float32] | None = None
    columns: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    person: str | None = None
    pictures: NDArray[np.object_] | None = None
    rejects: Rejects = field(default_factory=Rejects)

    def __post_init__(self) -> None:
        lengths = {len(self.images), len(self.targets), len(self.usage), len(self.names)}
        if self.votes is not None:
            lengths.add(len(self.votes))
        if self.landmarks is not None:
            lengths.add(len(self.landmarks))
        if self.pictures is not None:
            lengths.add(len(self.pictures))
        lengths.update(len(column) for column in self.columns.values())
        if len(lengths) != 1:
            raise ValueError(f"expected arrays of one length, received {sorted(lengths)}")

    @classmethod
    def from_rows(
        cls,
        where: Path,
        images: Sequence[NDArray[np.uint8] | None],
        targets: NDArray[np.int64],
        *,
        labels: tuple[str, ...],
        usage: NDArray[np.str_],
        names: NDArray[np.str_],
        votes: NDArray[np.int64] | None,
        columns: Mapping[str, NDArray[np.str_]],
        pictures: NDArray[np.object_] | None = None,
    ) -> FaceSet:
        """Keep the rows that have an image and a label, and name the others in `rejects`.

        Args:
            where: the file, for the error.
            images: (n,) the images, None where one can't be read.
            targets: (n,) classes, -1 where there is no label.
            labels: the class list.
            usage: (n,) as in `FaceSet`.
            names: (n,) as in `FaceSet`.
            votes: (n, 10) or None, as in `FaceSet`.
            columns: as in `FaceSet`.
            pictures: as in `FaceSet`.

        Raises:
            DatasetError: no row is left.
        """
        readable = np.array([image is not None for image in images], bool)
        good = readable & (targets >= 0)
        if not good.any():
            raise DatasetError(f"{where}: no row holds both a label and a readable, square image")
        kept = [image for image, keep in zip(images, good, strict=True) if image is not None and keep]
        return cls(
            images=np.stack(kept),
            targets=targets[good],
            labels=labels,
            usage=usage[good],
            names=names[good],
            votes=None if votes is None else votes[good],
            columns={name: column[good] for name, column in columns.items()},
            person=PERSON if PERSON in columns else None,
            pictures=None if pictures is None else pictures[good],
            rejects=Rejects(tuple(names[~readable]), tuple(names[readable & (targets < 0)])),
        )

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> FaceSet:
        """Return the faces at these places (or under this mask), labels unchanged."""
        return replace(
            self,
            images=self.images[index],
            targets=self.targets[index],
            usage=self.usage[index],
            names=self.names[index],
            votes=None if self.votes is None else self.votes[index],
            landmarks=None if self.landmarks is None else self.landmarks[index],
            columns={name: column[index] for name, column in self.columns.items()},
            pictures=None if self.pictures is None else self.pictures[index],
        )

    def without(self, removed: Iterable[str]) -> FaceSet:
        """Leave classes out by name; the others are numbered anew, in the same order.

        Raises:
            DatasetError: a name is not among the labels, or fewer than two classes are left.
        """
        names = set(removed)
        if unknown := names - set(self.labels):
            raise DatasetError(
                f"no class named {', '.join(sorted(unknown))}; there are: {', '.join(self.labels)}"
            )
        kept = [place for place, label in enumerate(self.labels) if label not in names]
        if len(kept) < 2:
            raise DatasetError(f"expected at least two classes to be left, received {len(kept)}")
        faces = self.take(np.isin(self.targets, kept))
        renumbered = np.searchsorted(np.array(kept), faces.targets).astype(np.int64)
        return replace(faces, targets=renumbered, labels=tuple(self.labels[place] for place in kept))

    def counts(self) -> dict[str, int]:
        """Count the faces of each class."""
        found = np.bincount(self.targets, minlength=len(self.labels))
        return {label: int(count) for label, count in zip(self.labels, found, strict=True)}


Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


def grey_square(source: bytes | Path, size_px: int, box: Box | None = None) -> NDArray[np.uint8] | None:
    """Decode an image as `mien analyze` does, make it grey (ITU-R 601) and bring it to one size.

    Args:
        source: an image file, or its bytes.
        size_px: side of the result in pixels.
        box: the part that counts; all of it where left out.

    Returns:
        (size_px, size_px) uint8, or None where the image can't be read or the box lies outside.
    """
    try:
        image = read_image(source)
    except SourceError:
        return None
    grey = np.asarray(Image.fromarray(image).convert("L"))
    if box is not None:
        left, top, right, bottom = (max(0, side) for side in box)
        grey = grey[top:bottom, left:right]
    return resize_grey(grey, size_px) if grey.size else None


def resize_grey(grey: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """Bring a grey image to (size_px, size_px), averaging areas where it shrinks."""
    if grey.shape == (size_px, size_px):
        return grey
    shrinks = min(grey.shape) > size_px
    resized = cv2.resize(
        grey, (size_px, size_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    )
    return np.asarray(resized, np.uint8)


def with_landmarks(faces: FaceSet, path: Path, *, image_px: int = 48) -> FaceSet:
    """Add landmarks to faces.

    Args:
        faces: faces whose names stand in the file.
        path: an .npz with `path` (m,) names, `landmarks` (m, 68, 2) in pixels of the image from its left top
            corner, iBUG's order, and `found` (m,) whether there are any.
        image_px: side of the images that the pixels belong to.

    Raises:
        DatasetError: it is no such file, or names none of the faces.
    """
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            names, pixels, found = file["path"], file["landmarks"].astype(np.float32), file["found"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: expected an .npz with path, landmarks and found ({error})") from error
    if pixels.shape != (len(names), 68, 2) or found.shape != (len(names),):
        raise DatasetError(
            f"{path}: expected landmarks of shape ({len(names)}, 68, 2), received {pixels.shape}"
        )
    pixels[~found.astype(bool)] = np.nan
    row_of = {str(name): row for row, name in enumerate(names)}
    rows = np.array([row_of.get(str(name), -1) for name in faces.names])
    if not (rows >= 0).any():
        raise DatasetError(f"{path}: holds landmarks of other faces: none of the names is in the data set")
    landmarks = np.where((rows >= 0)[:, None, None], pixels[rows] / np.float32(image_px), np.float32(np.nan))
    return replace(faces, landmarks=landmarks.astype(np.float32))


def number_people(who: NDArray[np.str_]) -> NDArray[np.int64]:
    """Number the people in pictures.

    Args:
        who: (n,) codes; a picture with "" is of a person of its own.

    Returns:
        (n,) a number for each person.
    """
    numbers = np.unique(who, return_inverse=True)[1].astype(np.int64)
    unknown = who == ""
    numbers[unknown] = numbers.max(initial=-1) + 1 + np.arange(unknown.sum())
    return numbers
