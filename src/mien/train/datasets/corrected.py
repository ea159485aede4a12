"""A CSV that lists image files and their labels, as `mien dataset build` writes it and people correct it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from mien.errors import DatasetError
from mien.labels import standard_label
from mien.textfile import encoding_of
from mien.train.datasets.base import USAGE_OF_NAME, FaceSet, Rejects, other_columns, pictures_of
from mien.train.datasets.decode import grey_square

LABELS_FILE: Final = "labels.csv"
SKIP: Final = "skip"
"""What stands for the label of a face that is to be left out; nothing at all means the same."""


def lists_files(path: Path) -> bool:
    """Say whether a CSV has the columns `file` and `label`."""
    return {"file", "label"} <= set(read_listing(path, rows=0).columns)


def read_corrected(path: Path, size_px: int) -> FaceSet:
    """Read the images that a CSV lists.

    Args:
        path: a CSV that `lists_files`: `file` is an image, from the CSV's own folder, and `label` its label.
            Where it has the column `correct`, that is the label instead. Labels are brought to their standard
            terms, so that "Happy" and "happiness" are one class; an empty one, or "skip", leaves the face
            out. A column `usage` (train, validation, test) is the data set's own split.
        size_px: side of the images given back.

    Raises:
        DatasetError: it can't be read, or no row has both a label and a readable image.
    """
    table = read_listing(path)
    names = table["file"].to_numpy(str)
    column = "correct" if "correct" in table else "label"
    words = np.array([standard_label(word) for word in table[column]], str)
    labelled = (words != "") & (words != SKIP)
    files = pictures_of([path.parent / name for name in names[labelled]])
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
        usage=np.array([USAGE_OF_NAME.get(part.lower(), part) for part in usage], str)[labelled][readable],
        names=names[labelled][readable],
        columns=other_columns(table[labelled][readable], {"file", "label", "correct"}),
        pictures=files[readable],
        rejects=Rejects(tuple(names[labelled][~readable].tolist()), tuple(names[~labelled].tolist())),
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
