"""Faces from tables: Kaggle's CSV, a CSV that lists image files, Parquet."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.labels import FER2013, FERPLUS_VOTES, standard_label
from mien.textfile import encoding_of
from mien.train.data.faces import (
    PERSON,
    FaceSet,
    Rejects,
    classes_of,
    grey_square,
    other_columns,
    part_of_split,
    pictures_of,
    resize_grey,
)
from mien.train.data.numbering import Names, named
from mien.wording import reason

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
        if {"path", "label"} <= set(table.columns):
            raise DatasetError(
                f"{path}: is a table of clips: choose what learns from them with --recipe happy-video,"
                " video-sentiment or micro"
            )
        raise DatasetError(
            f"{path}: expected columns emotion, pixels and Usage, missing {', '.join(sorted(missing))};"
            f" or file and label, as a list of pictures has them; it has {', '.join(map(str, table.columns))}"
        )
    images = [_pixels(text, size_px) for text in table["pixels"]]
    labels, targets = _kaggle_targets(table["emotion"], names)
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


def _kaggle_targets(column: pd.Series[str], names: Names | None) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Numbers 0-6 are FER-2013's, unless somebody says what they mean; anything else is a label."""
    values = column.str.strip()
    numbers = [str(number) for number in range(len(FER2013))]
    if names is None and values.isin([*numbers, ""]).mean() > 0.5:
        places = {number: place for place, number in enumerate(numbers)}
        return FER2013, np.array([places.get(value, -1) for value in values], np.int64)
    return classes_of(named(list(values), names, column.name))


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
    """Return whether a CSV has a column of files and one of labels, by any of their usual names.

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
        person=PERSON if PERSON in table else None,
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


_PARQUET_LABELS = ("emotion", "label", "labels")
_USAGE_COLUMNS = ("usage", "Usage", "split")


def read_parquet(path: Path, size_px: int, names: Names | None = None) -> FaceSet:
    """Read a Parquet file with an `image` column ({bytes, path} or bytes) and a label column.

    The label column is `emotion` (0-6, FER-2013's numbers), or `label`: words, or numbers whose names stand
    in the file's Hugging Face metadata. `usage` (or `split`) and `votes` (ten FER+ votes) are read where
    present.

    Args:
        path: the file.
        size_px: side of the images given back.
        names: what the numbers of the classes mean, where the file does not say or is to be contradicted.

    Raises:
        DatasetError: it is no Parquet file, a column is missing, or no row is readable.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{path}: not a readable Parquet file ({reason(error)})") from error
    label_column = next((name for name in _PARQUET_LABELS if name in table.column_names), None)
    if "image" not in table.column_names or label_column is None:
        raise DatasetError(
            f"{path}: expected the columns image and emotion (or label), "
            f"received {', '.join(table.column_names)}"
        )
    cells = table["image"].to_pylist()
    pictures = pictures_of([_bytes(cell) for cell in cells])
    images = [grey_square(data, size_px) if data else None for data in pictures]
    called = np.array([_name(cell, row) for row, cell in enumerate(cells)])
    labels, targets = _parquet_targets(table, label_column, names, path)
    return FaceSet.from_rows(
        path,
        images,
        targets,
        labels=labels,
        usage=_usage(table),
        names=called,
        votes=_parquet_votes(table, path) if "votes" in table.column_names else None,
        columns=other_columns(table.drop_columns(["image"]).to_pandas(), {label_column, "votes"}),
        pictures=pictures,
    )


def _bytes(cell: Any) -> bytes | None:
    data = cell.get("bytes") if isinstance(cell, dict) else cell
    return data if isinstance(data, bytes) else None


def _name(cell: Any, row: int) -> str:
    return str(cell.get("path") or row) if isinstance(cell, dict) else str(row)


def _usage(table: pa.Table) -> NDArray[np.str_]:
    column = next((name for name in _USAGE_COLUMNS if name in table.column_names), None)
    if column is None:
        return np.full(table.num_rows, "")
    return np.array([part_of_split(str(value)) or value or "" for value in table[column].to_pylist()], str)


def _parquet_votes(table: pa.Table, path: Path) -> NDArray[np.int64]:
    rows = table["votes"].to_pylist()
    for number, row in enumerate(rows):
        if row is None or len(row) != len(FERPLUS_VOTES) or None in row:
            raise DatasetError(f"{path}: row {number}: expected {len(FERPLUS_VOTES)} votes, received {row}")
    return np.array(rows, np.int64)


def _parquet_targets(
    table: pa.Table, column: str, given: Names | None, path: Path
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    values = table[column].to_pylist()
    kind = table.schema.field(column).type
    if pa.types.is_floating(kind):  # whole numbers among which some are missing
        values = [int(value) if value is not None and value.is_integer() else None for value in values]
    elif not pa.types.is_integer(kind):
        return classes_of(named([str(value).strip() if value else "" for value in values], given, path))
    names = _names_of_classes(table.schema, column) or (FER2013 if column == "emotion" else None)
    if given is None and names is not None:
        known = range(len(names))
        return names, np.array([value if value in known else -1 for value in values], np.int64)
    return classes_of(named(["" if value is None else str(value) for value in values], given, path))


def _names_of_classes(schema: pa.Schema, column: str) -> tuple[str, ...] | None:
    """Hugging Face keeps a class list in the file's metadata."""
    text = (schema.metadata or {}).get(b"huggingface")
    if text is None:
        return None
    feature = json.loads(text).get("info", {}).get("features", {}).get(column, {})
    names = feature.get("names")
    return tuple(standard_label(name) for name in names) if names else None
