"""A table of the people in photographs: age, sex, whatever is known, joined by the photographs' names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

import pandas as pd

from mien.errors import DatasetError
from mien.train.datasets.base import FaceSet, other_columns
from mien.train.datasets.corrected import LABELS_FILE, read_listing

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
        The faces with the table's columns, "" for photographs that no row is about. Each `id` of people.csv
        is a person; a labels.csv may describe photographs instead, and says nothing of persons.

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
        raise DatasetError(f"{path}: {ID} {table[ID][table[ID].duplicated()].iloc[0]} stands there twice")
    stems = pd.Index([PurePosixPath(name).stem for name in faces.names])
    if not stems.isin(table[ID]).any():
        known = ", ".join(table[ID][:3]) or "none"
        raise DatasetError(
            f"{path}: expected each {ID} to be a photograph's name without its suffix; received {known}, but"
            f" the photographs are {', '.join(stems[:3])}"
        )
    joined = table.set_index(ID, drop=False).reindex(stems)
    person = ID if path.name == PEOPLE_FILE else None
    return replace(faces, columns={**faces.columns, **other_columns(joined, ())}, person=person)
