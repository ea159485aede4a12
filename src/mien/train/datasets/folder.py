"""A folder with one subfolder per class; also one with train/ and test/ above the classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mien.errors import DatasetError
from mien.files import natural_key
from mien.labels import EMOTIONS, standard_label
from mien.source.inputs import PHOTOGRAPHS, VIDEOS
from mien.train.datasets.base import FaceSet, part_of_split
from mien.train.datasets.listed import Listed, is_litter, read_listed, subfolders
from mien.train.datasets.numbering import NUMBERINGS, Names, named
from mien.train.datasets.people import with_people

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
    """Give the class folders with their part of the split, and a part's pictures that lie in none."""
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
    shown = ", ".join(found[:12]) + (f" and {len(found) - 12} more" if len(found) > 12 else "")
    if strange := [name for name in found if name.lower() in _NO_CLASSES]:
        raise DatasetError(
            f"{path}: expected one subfolder for each class, found {shown}: {strange[0]} is no class. Known"
            " data sets are read as their authors hand them out (docs/datasets.md); for another one, sort its"
            " pictures into a folder for each class, or write a labels.csv with the columns file and label"
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
