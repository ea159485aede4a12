"""A CSV that lists image files and their labels, as `mien dataset build` writes it and people correct it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from mien.errors import DatasetError
from mien.labels import standard_label
from mien.textfile import encoding_of
from mien.train.datasets.base import FaceSet, Rejects, other_columns, part_of_split, pictures_of
from mien.train.datasets.decode import grey_square
from mien.train.datasets.numbering import Names, named

LABELS_FILE: Final = "labels.csv"
SKIP: Final = "skip"
"""What stands for the label of a face that is to be left out; nothing at all means the same."""


_FILE_COLUMNS: Final = (
    "file", "image", "filename", "file_name", "path", "pth", "filepath", "file_path", "image_path",
    "image_name", "img", "img_path",
)  # fmt: skip
_LABEL_COLUMNS: Final = ("label", "emotion", "expression", "class", "category", "target")
"""What data sets call the two columns, in lower case; the first that is there is taken."""


def lists_files(path: Path) -> bool:
    """Say whether a CSV has a column of files and one of labels, by any of their usual names.

    Under other names than `file` and `label` it is such a list where its first file is there: a table of
    something else may lie beside class folders.
    """
    table = read_listing(path, rows=1)
    columns = list(table.columns)
    if {"file", "label"} <= set(columns):
        return True
    file, label = _column(columns, _FILE_COLUMNS), _column(columns, _LABEL_COLUMNS)
    if file is None or label is None or table.empty:
        return False
    first: str = table[file].iloc[0]
    return (path.parent / first.replace("\\", "/")).is_file()


def _column(columns: Sequence[str], known: Sequence[str]) -> str | None:
    lower = {name.lower(): name for name in reversed(columns)}
    return next((lower[name] for name in known if name in lower), None)


def read_corrected(path: Path, size_px: int, names: Names | None = None) -> FaceSet:
    """Read the images that a CSV lists.

    Args:
        path: a CSV that `lists_files`: one column is an image, from the CSV's own folder, and one its label.
            Where it has the column `correct`, that is the label instead. Labels are brought to their standard
            terms, so that "Happy" and "happiness" are one class; an empty one, or "skip", leaves the face
            out. A column `usage` (train, validation, test) is the data set's own split.
        size_px: side of the images given back.
        names: what labels that are numbers mean.

    Raises:
        DatasetError: it can't be read, or no row has both a label and a readable image.
    """
    table = read_listing(path)
    columns = list(table.columns)
    file_column, label_column = (str(_column(columns, known)) for known in (_FILE_COLUMNS, _LABEL_COLUMNS))
    files_at = table[file_column].str.replace("\\", "/").to_numpy(str)
    column = "correct" if "correct" in table else label_column
    words = np.array(list(map(standard_label, named(list(table[column].str.strip()), names, path))), str)
    labelled = (words != "") & (words != SKIP)
    files = pictures_of([path.parent / name for name in files_at[labelled]])
    images = [grey_square(file, size_px) for file in files]
    readable = np.array([image is not None for image in images], bool)
    if not readable.any():
        raise DatasetError(
            f"{path}: no row has both a readable image and a label; fill in the column {column}, and keep"
            " the images where they are"
        )
    labels, targets = np.unique(words[labelled][readable], return_inverse=True)
    usage = table["usage"].str.strip() if "usage" in table else pd.Series([""] * len(table), dtype=str)
    return FaceSet(
        images=np.stack([image for image in images if image is not None]),
        targets=targets.astype(np.int64),
        labels=tuple(str(label) for label in labels),
        usage=np.array([part_of_split(part) or part for part in usage], str)[labelled][readable],
        names=files_at[labelled][readable],
        columns=other_columns(table[labelled][readable], {file_column, label_column, "correct"}),
        pictures=files[readable],
        rejects=Rejects(tuple(files_at[labelled][~readable].tolist()), tuple(files_at[~labelled].tolist())),
    )


def read_listing(path: Path, rows: int | None = None) -> pd.DataFrame:
    """Read a CSV that people may have edited, all as text.

    Spreadsheets of many countries put semicolons where commas were.

    Raises:
        DatasetError: it is no readable CSV.
    """
    try:
        table = pd.read_csv(
            path,
            sep=None,
            engine="python",
            dtype=str,
            keep_default_na=False,
            encoding=encoding_of(path),
            nrows=rows,
        )
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(f"{path}: not a readable CSV in UTF-8 ({' '.join(str(error).split())})") from error
    table.columns = table.columns.str.strip()
    return table
