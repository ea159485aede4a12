"""Labelled faces, read from whatever form they come in."""

from __future__ import annotations

from pathlib import Path

from mien.errors import DatasetError
from mien.train.data.faces import FaceSet, Rejects
from mien.train.data.folders import read_folder, read_listed
from mien.train.data.layouts import known_layout
from mien.train.data.numbering import Names
from mien.train.data.tables import LABELS_FILE, lists_files, read_corrected, read_csv, read_parquet
from mien.wording import MISSING

__all__ = ["FaceSet", "Rejects", "load_dataset"]


def load_dataset(
    path: Path, *, size_px: int = 48, votes: Path | None = None, names: Names | None = None
) -> FaceSet:
    """Read a data set of labelled faces, choosing the reader by what `path` is.

    Args:
        path: a Kaggle CSV, a Parquet file, a folder with one subfolder per class, a CSV that lists image
            files (or the folder with such a labels.csv, as `mien dataset build` makes it), or the folder of a
            data set that `layouts` knows.
        size_px: side of the images given back; others are resized.
        votes: FER+'s `fer2013new.csv`, for a Kaggle CSV.
        names: what class numbers mean, by number, where the data does not say.

    Raises:
        DatasetError: it is missing, of no known form, or holds no usable face; or votes were given for
            another form than a CSV.
    """
    if not path.exists():
        raise DatasetError(f"{path}: {MISSING}; check the spelling")
    if path.is_dir() and (table := _kaggle_csv(path)):
        path, votes = table, votes or next(iter(sorted(path.rglob("fer2013new.csv"))), None)
    listing = path / LABELS_FILE if path.is_dir() else path
    if listing.is_file() and listing.suffix.lower() == ".csv" and lists_files(listing):
        return read_corrected(listing, size_px, names)
    if path.suffix.lower() == ".csv" and path.is_file():
        return read_csv(path, size_px, votes, names)
    if votes is not None:
        raise DatasetError(f"{votes}: votes in a file of their own belong to a Kaggle CSV, received {path}")
    if path.is_dir():
        rows = known_layout(path)
        return read_folder(path, size_px, names) if rows is None else read_listed(path, rows, size_px)
    if path.suffix.lower() == ".parquet":
        return read_parquet(path, size_px, names)
    raise DatasetError(f"{path}: expected a .csv, a .parquet, or a folder with one subfolder per class")


def _kaggle_csv(folder: Path) -> Path | None:
    """Find FER-2013's CSV in the folder that it was unpacked into; icml_face_data.csv is the same faces."""
    places = [folder, folder / "fer2013"]
    names = ("fer2013.csv", "icml_face_data.csv")
    return next((place / name for place in places for name in names if (place / name).is_file()), None)
