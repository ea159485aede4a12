"""Parquet with the bytes of image files: FER-2013 with its FER+ votes, and Hugging Face's style."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mien.errors import DatasetError
from mien.labels import FER2013, FERPLUS_VOTES, standard_label
from mien.train.datasets.base import FaceSet, classes_of, other_columns, part_of_split, pictures_of
from mien.train.datasets.decode import grey_square
from mien.train.datasets.numbering import Names, named

_LABEL_COLUMNS = ("emotion", "label", "labels")
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
        raise DatasetError(f"{path}: not a readable Parquet file ({error})") from error
    label_column = next((name for name in _LABEL_COLUMNS if name in table.column_names), None)
    if "image" not in table.column_names or label_column is None:
        raise DatasetError(
            f"{path}: expected the columns image and emotion (or label), "
            f"received {', '.join(table.column_names)}"
        )
    cells = table["image"].to_pylist()
    pictures = pictures_of([_bytes(cell) for cell in cells])
    images = [grey_square(data, size_px) if data else None for data in pictures]
    called = np.array([_name(cell, row) for row, cell in enumerate(cells)])
    labels, targets = _targets(table, label_column, names, path)
    return FaceSet.from_rows(
        path,
        images,
        targets,
        labels=labels,
        usage=_usage(table),
        names=called,
        votes=_votes(table, path) if "votes" in table.column_names else None,
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


def _votes(table: pa.Table, path: Path) -> NDArray[np.int64]:
    rows = table["votes"].to_pylist()
    for number, row in enumerate(rows):
        if row is None or len(row) != len(FERPLUS_VOTES) or None in row:
            raise DatasetError(f"{path}: row {number}: expected {len(FERPLUS_VOTES)} votes, received {row}")
    return np.array(rows, np.int64)


def _targets(
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
