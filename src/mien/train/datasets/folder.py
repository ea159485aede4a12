"""A folder with one subfolder per class; also one with train/ and test/ above the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.errors import DatasetError
from mien.files import natural_key
from mien.train.datasets.base import USAGE_OF_NAME, FaceSet, Rejects, pictures_of
from mien.train.datasets.decode import grey_square
from mien.train.datasets.people import with_people


def read_folder(path: Path, size_px: int) -> FaceSet:
    """Read the images of each class's subfolder; the class list is the names of the subfolders.

    Args:
        path: the folder. Where all its subfolders are named like parts of a split (train, test, ...), the
            classes are looked for one level below. A table of people beside them is joined, see
            `people.with_people`.
        size_px: side of the images given back.

    Raises:
        DatasetError: there are no class folders, or no readable image in them.
    """
    classes = _class_folders(path)
    labels = tuple(sorted({folder.name for _, folder in classes}))
    images, targets, usage, files, unreadable = [], [], [], [], []
    for part, folder in classes:
        for file in sorted((f for f in folder.rglob("*") if _is_visible_file(f)), key=natural_key):
            image = grey_square(file, size_px)
            if image is None:
                unreadable.append(file.relative_to(path).as_posix())
                continue
            images.append(image)
            targets.append(labels.index(folder.name))
            usage.append(part)
            files.append(file)
    if not images:
        raise DatasetError(
            f"{path}: no readable image in its class folders ({', '.join(labels) or 'none found'})"
        )
    faces = FaceSet(
        images=np.stack(images),
        targets=np.array(targets, np.int64),
        labels=labels,
        usage=np.array(usage, str),
        names=np.array([file.relative_to(path).as_posix() for file in files], str),
        pictures=pictures_of(files),
        rejects=Rejects(unreadable=tuple(unreadable)),
    )
    return with_people(faces, path)


def _class_folders(path: Path) -> list[tuple[str, Path]]:
    parts = _subfolders(path)
    if parts and all(part.name.lower() in USAGE_OF_NAME for part in parts):
        return [(USAGE_OF_NAME[part.name.lower()], folder) for part in parts for folder in _subfolders(part)]
    if not parts:
        raise DatasetError(f"{path}: expected one subfolder for each class, found none")
    return [("", folder) for folder in parts]


def _subfolders(path: Path) -> list[Path]:
    try:
        folders = [entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    except OSError as error:
        raise DatasetError(f"{path}: not a readable folder ({error.strerror})") from error
    return sorted(folders, key=natural_key)


def _is_visible_file(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")
