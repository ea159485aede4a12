"""Faces from folders: one subfolder per class, perhaps below train/ and test/; and a table of the people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import pandas as pd

from mien.errors import DatasetError
from mien.files import natural_key
from mien.labels import EMOTIONS, standard_label
from mien.source.inputs import PHOTOGRAPHS, VIDEOS
from mien.train.data.faces import (
    PERSON,
    Box,
    FaceSet,
    Rejects,
    grey_square,
    other_columns,
    part_of_split,
    pictures_of,
)
from mien.train.data.numbering import NUMBERINGS, Names, named
from mien.train.data.tables import LABELS_FILE, read_listing
from mien.wording import first_few, reason

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
    """Return a folder's folders in natural order, without hidden ones and litter.

    Raises:
        DatasetError: it may not be read.
    """
    try:
        folders = [entry for entry in path.iterdir() if entry.is_dir() and not is_litter(entry)]
    except OSError as error:
        raise DatasetError(f"{path}: not a readable folder ({reason(error)})") from error
    return sorted(folders, key=natural_key)


def is_litter(path: Path) -> bool:
    """Return whether something is hidden, or left by a system: __MACOSX, @eaDir."""
    return path.name.startswith(".") or path.name.lower() in _LITTER


def _name(row: Listed, root: Path) -> str:
    return row.file.relative_to(root).as_posix()


_NO_CLASSES: Final = frozenset({
    "annotation", "annotations", "emolabel", "emotion", "emotions", "image", "images", "img", "imgs", "label",
    "labels", "landmarks", "list", "lists", "mask", "masks", "metadata", "original", "aligned",
})  # fmt: skip
"""What data sets call folders that are no class, in lower case."""


def read_folder(path: Path, size_px: int, names: Names | None = None) -> FaceSet:
    """Read the images of each class's subfolder; the class list is the names of the subfolders.

    Args:
        path: the folder. Where all its subfolders are named like parts of a split (train, val_set, ...), the
            classes are looked for one level below; where there is but one subfolder, in that. A table of
            people beside them is joined, see `people.with_people`.
        size_px: side of the images given back.
        names: what folders mean that are called by numbers.

    Raises:
        DatasetError: there are no class folders, no readable image in them, or the folders are not classes;
            says what was found.
    """
    classes, loose = _class_folders(path)
    if not classes:
        raise DatasetError(f"{path}: expected one subfolder for each class, found none")
    if names is None and _is_raf_db(path, classes):
        names = NUMBERINGS["raf-db"]
    labels = named([folder.name.strip() for _, folder in classes], names, path)
    rows = [
        Listed(file, label, part)
        for (part, folder), label in zip(classes, labels, strict=True)
        for file in sorted(_files(folder), key=natural_key)
    ]
    _refuse_others(path, classes, rows)
    return with_people(read_listed(path, [*rows, *loose], size_px), path)


def _class_folders(path: Path) -> tuple[list[tuple[str, Path]], list[Listed]]:
    """Return the class folders with their part of the split, and a part's pictures that lie in none."""
    folders = subfolders(path)
    while len(folders) == 1 and part_of_split(folders[0].name) is None and (below := subfolders(folders[0])):
        folders = below
    parts = [(usage, folder) for folder in folders if (usage := part_of_split(folder.name))]
    if not parts:
        return [("", folder) for folder in folders], []
    if len(parts) < len(folders):
        others = [folder.name for folder in folders if part_of_split(folder.name) is None]
        raise DatasetError(
            f"{path}: expected folders of classes, or of parts of a split with classes in them; found both:"
            f" {', '.join(folder.name for _, folder in parts)} beside {', '.join(others[:8])}"
        )
    loose = [
        Listed(file, "", usage)
        for usage, part in parts
        for file in sorted(part.iterdir(), key=natural_key)
        if _is_picture(file)
    ]
    return [(usage, folder) for usage, part in parts for folder in subfolders(part)], loose


def _is_raf_db(path: Path, classes: list[tuple[str, Path]]) -> bool:
    """Its copy at Kaggle has DATASET/train/1 to 7, and lists beside it."""
    numbers = {folder.name for _, folder in classes}
    return numbers == set(NUMBERINGS["raf-db"]) and (path / "train_labels.csv").is_file()


def _refuse_others(path: Path, classes: list[tuple[str, Path]], rows: list[Listed]) -> None:
    found = sorted({folder.name for _, folder in classes}, key=natural_key)
    shown = first_few(found, 12)
    if strange := [name for name in found if name.lower() in _NO_CLASSES]:
        raise DatasetError(
            f"{path}: expected one subfolder for each class, found {shown}: {strange[0]} is not a class."
            " Known data sets are read as their authors hand them out (docs/datasets.md); for another one,"
            " sort its pictures into a folder for each class, or write a labels.csv with the columns file and"
            " label"
        )
    if not rows:
        films = any(file.suffix.lower() in VIDEOS for _, folder in classes for file in folder.rglob("*"))
        why = "videos; cut the faces out with mien dataset build" if films else "no picture"
        raise DatasetError(f"{path}: no readable image in its class folders ({shown}): they hold {why}")
    if below := _expressions_below(classes):
        raise DatasetError(
            f"{path}: expected one subfolder for each class, found {shown}, and the classes below them"
            f" ({', '.join(below[:8])}); sort its pictures into a folder for each class, or write a"
            " labels.csv with the columns file and label"
        )


def _expressions_below(classes: list[tuple[str, Path]]) -> list[str]:
    """Name the expressions that folders are called by within what was taken for classes, such as people."""
    if any(standard_label(folder.name) in EMOTIONS for _, folder in classes):
        return []
    names = {each.name for _, folder in classes for each in subfolders(folder)}
    return sorted(name for name in names if standard_label(name) in EMOTIONS)


def _files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if is_litter(entry):
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.suffix.lower() not in VIDEOS:
            yield entry


def _is_picture(path: Path) -> bool:
    return path.is_file() and not is_litter(path) and path.suffix.lower() in PHOTOGRAPHS


PEOPLE_FILE: Final = "people.csv"
ID: Final = "id"
"""The column that names the photographs of a row: `id` 007 is 007.jpg in any class folder."""


def with_people(faces: FaceSet, folder: Path) -> FaceSet:
    """Join a table of people to photographs in class folders.

    Args:
        faces: photographs whose names are paths from the folder.
        folder: beside its class folders there may lie a people.csv, or a labels.csv, with a column `id`: the
            name of a photograph without its suffix.

    Returns:
        The faces with the table's columns, "" for photographs that no row is about. Who is who is said by a
        column `person`; without it each `id` of people.csv is a person, but a labels.csv may describe
        photographs instead, and says nothing of persons.

    Raises:
        DatasetError: people.csv has no column `id`, an `id` is there twice, or none is a photograph's.
    """
    path = next((folder / name for name in (PEOPLE_FILE, LABELS_FILE) if (folder / name).is_file()), None)
    if path is None:
        return faces
    table = read_listing(path)
    if ID not in table:
        if path.name == PEOPLE_FILE:
            raise DatasetError(f"{path}: expected a column {ID}, received {', '.join(table.columns)}")
        return faces
    table[ID] = table[ID].str.strip()
    table = table[table[ID] != ""]
    if not table[ID].is_unique:
        raise DatasetError(f"{path}: {ID} {table[ID][table[ID].duplicated()].iloc[0]} appears twice")
    stems = pd.Index([PurePosixPath(name).stem for name in faces.names])
    if not stems.isin(table[ID]).any():
        known = ", ".join(table[ID][:3]) or "none"
        raise DatasetError(
            f"{path}: expected each {ID} to be a photograph's name without its suffix; received {known}, but"
            f" the photographs are {', '.join(stems[:3])}"
        )
    joined = table.set_index(ID, drop=False).reindex(stems)
    person = PERSON if PERSON in table else ID if path.name == PEOPLE_FILE else None
    return replace(faces, columns={**faces.columns, **other_columns(joined, ())}, person=person)
