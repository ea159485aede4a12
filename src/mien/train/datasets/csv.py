"""FER-2013 as Kaggle gives it: `fer2013.csv` and `icml_face_data.csv`."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.labels import FER2013, FERPLUS_VOTES
from mien.textfile import encoding_of
from mien.train.datasets.base import FaceSet, classes_of, other_columns
from mien.train.datasets.decode import resize_grey
from mien.train.datasets.numbering import Names, named

_VOTE_COLUMNS = (*FERPLUS_VOTES[:-1], "NF")
_OWN_COLUMNS = frozenset({"emotion", "pixels"})


def read_csv(path: Path, size_px: int, votes: Path | None = None, names: Names | None = None) -> FaceSet:
    """Read a CSV with the columns emotion, pixels and Usage (spaces in the header don't matter).

    Args:
        path: the CSV; `emotion` is 0-6 (or a label), `pixels` the grey values of a square image, row by row.
        size_px: side of the images given back.
        votes: FER+'s `fer2013new.csv`, whose rows stand in the same order.
        names: what `emotion` means where it is a number; FER-2013's numbers where left out.

    Raises:
        DatasetError: a column is missing, no row is readable, or the votes don't fit the rows.
    """
    try:
        table = pd.read_csv(
            path, skipinitialspace=True, dtype=str, keep_default_na=False, encoding=encoding_of(path)
        )
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: not a readable CSV ({' '.join(str(error).split())})") from error
    table.columns = table.columns.str.strip()
    if missing := {"emotion", "pixels"} - set(table.columns):
        raise DatasetError(
            f"{path}: expected columns emotion, pixels and Usage, missing {', '.join(sorted(missing))};"
            f" or file and label, as a list of pictures has them; it has {', '.join(map(str, table.columns))}"
        )
    images = [_pixels(text, size_px) for text in table["pixels"]]
    labels, targets = _targets(table["emotion"], names)
    usage = table["Usage"].to_numpy(str) if "Usage" in table else np.full(len(table), "")
    rows = np.array([f"{path.name}:{row}" for row in range(2, len(table) + 2)])
    return FaceSet.from_rows(
        path,
        images,
        targets,
        labels=labels,
        usage=usage,
        names=rows,
        votes=None if votes is None else read_votes(votes, len(table)),
        columns=other_columns(table, _OWN_COLUMNS),
    )


def read_votes(path: Path, rows: int) -> NDArray[np.int64]:
    """Read FER+'s `fer2013new.csv`.

    Args:
        path: the CSV with the columns neutral ... contempt, unknown, NF.
        rows: how many rows the FER-2013 file has.

    Returns:
        (rows, 10) votes in the order of `labels.FERPLUS_VOTES`.

    Raises:
        DatasetError: a column is missing or the number of rows is another.
    """
    try:
        table = pd.read_csv(path, skipinitialspace=True)
        votes = table[list(_VOTE_COLUMNS)].to_numpy(np.int64)
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"{path}: expected the FER+ columns {', '.join(_VOTE_COLUMNS)} ({error})"
        ) from error
    if len(votes) != rows:
        raise DatasetError(f"{path}: expected {rows} rows of votes, one for each face, received {len(votes)}")
    return votes


def _pixels(text: str, size_px: int) -> NDArray[np.uint8] | None:
    try:
        values = np.array(text.split(), dtype=np.uint8)
    except (ValueError, OverflowError):
        return None
    side = math.isqrt(len(values))
    if side == 0 or side * side != len(values):
        return None
    return resize_grey(values.reshape(side, side), size_px)


def _targets(column: pd.Series[str], names: Names | None) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Numbers 0-6 are FER-2013's, unless somebody says what they mean; anything else is a label."""
    values = column.str.strip()
    numbers = [str(number) for number in range(len(FER2013))]
    if names is None and values.isin([*numbers, ""]).mean() > 0.5:
        places = {number: place for place, number in enumerate(numbers)}
        return FER2013, np.array([places.get(value, -1) for value in values], np.int64)
    return classes_of(named(list(values), names, column.name))
