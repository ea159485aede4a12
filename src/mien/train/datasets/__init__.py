"""Labelled faces, read from whatever form they come in."""

from __future__ import annotations

from pathlib import Path

from mien.errors import DatasetError
from mien.train.datasets.base import FaceSet, Rejects
from mien.train.datasets.csv import read_csv
from mien.train.datasets.folder import read_folder
from mien.train.datasets.parquet import read_parquet

__all__ = ["FaceSet", "Rejects", "load_dataset"]


def load_dataset(path: Path, *, size_px: int = 48, votes: Path | None = None) -> FaceSet:
    """Read a data set of labelled faces, choosing the reader by what `path` is.

    Args:
        path: a Kaggle CSV, a Parquet file, or a folder with one subfolder per class.
        size_px: side of the images given back; others are resized.
        votes: FER+'s `fer2013new.csv`, for a Kaggle CSV.

    Raises:
        DatasetError: it is missing, of no known form, or holds no usable face.
    """
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder")
    if path.is_dir():
        return read_folder(path, size_px)
    if path.suffix.lower() == ".parquet":
        return read_parquet(path, size_px)
    if path.suffix.lower() == ".csv":
        return read_csv(path, size_px, votes)
    raise DatasetError(f"{path}: expected a .csv, a .parquet, or a folder with one subfolder per class")
