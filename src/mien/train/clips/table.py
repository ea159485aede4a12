"""The table of clips, CLIPS.csv, and who is on which side of the split."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.errors import DatasetError
from mien.textfile import csv_form, missing_cells
from mien.wording import count, reason

if TYPE_CHECKING:
    import pandas as pd

SPLITS: Final = ("train", "validation", "test")
_WORDS: Final = ("path", "label", "person", "split")
_LONGEST_S: Final = 1e6
_TIMES: Final = ("start_s", "end_s", "onset_s", "apex_s", "offset_s")
_NUMBERS: Final = dict.fromkeys(_TIMES, (0.0, _LONGEST_S)) | dict.fromkeys(
    ("valence", "arousal"), (-1.0, 1.0)
)
"""What a column of numbers may hold."""


def read_clip_table(
    path: Path, *, label: str | None = None, validation: float = 0.2, test: float = 0.2
) -> pd.DataFrame:
    """Read a table of clips.

    Args:
        path: a CSV with the columns `path` (from the CSV's folder), `label` and `person`, and maybe `split`
            (train, validation, test), `start_s`, `end_s` and others, which stay. Somebody may be called "NA"
            or "None", and so may a label.
        label: the category that has to be there, beside at least one other; None asks for nothing.
        validation: share of the people, where there is no `split`.
        test: likewise.

    Returns:
        The table; `path` is absolute, and `split` is there.

    Raises:
        DatasetError: it can't be read, a column or a file is missing, a time, valence or arousal is none,
            there is one class only, or a person is on two sides.
    """
    import pandas as pd

    try:
        table = pd.read_csv(
            path, **csv_form(path), **missing_cells(path, _WORDS), dtype=dict.fromkeys(_WORDS, str)
        )
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: can't be read as a table of clips ({reason(error)})") from error
    missing = [name for name in ("path", "label", "person") if name not in table]
    if missing:
        raise DatasetError(
            f"{path}: expected the columns path, label and person; {', '.join(missing)} missing"
        )
    for name in _WORDS[1:]:
        if name in table:
            table[name] = table[name].str.strip()
    holes = table[["path", "label", "person"]].isna().any(axis=1)
    if len(table) == 0 or holes.any():
        where = f"row {int(holes.to_numpy().argmax()) + 2} is not complete" if len(table) else "no clips"
        raise DatasetError(f"{path}: {where}")
    table["path"] = [str((path.parent / name).resolve()) for name in table["path"]]
    gone = [name for name in table["path"] if not Path(name).is_file()]
    if gone:
        missed = count(len(gone), "clip is", "clips are")
        raise DatasetError(f"{path}: {missed} missing, such as {gone[0]}")
    _check_numbers(table, path)
    _check_labels(table, path, label)
    if "split" not in table:
        table["split"] = table["person"].map(split_people(sorted(set(table["person"])), validation, test))
    _check_split(table, path)
    return table


def split_people(people: list[str], validation: float, test: float) -> dict[str, str]:
    """Return each person's side; it depends on nothing but the codes, in an order that looks like chance."""
    order = sorted(people, key=lambda code: hashlib.sha256(code.encode()).hexdigest())
    first, second = round(len(order) * (1 - validation - test)), round(len(order) * (1 - test))
    return {person: SPLITS[(number >= first) + (number >= second)] for number, person in enumerate(order)}


def _check_numbers(table: pd.DataFrame, path: Path) -> None:
    """Make numbers of the columns that are numbers, and raise where one isn't; empty cells stay empty."""
    import pandas as pd

    for name, (least, most) in _NUMBERS.items():
        if name not in table:
            continue
        number = pd.to_numeric(table[name], errors="coerce")
        wrong = table[name].notna() & ~number.between(least, most)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            wanted = "a time in seconds" if most == _LONGEST_S else f"a number from {least:g} to {most:g}"
            raise DatasetError(
                f"{path}: row {row + 2}: {name}: expected {wanted}, received {table[name].iloc[row]!s}"
            )
        table[name] = number
    if {"start_s", "end_s"} <= set(table):
        turned = table["end_s"] <= table["start_s"]
        if turned.any():
            row = int(turned.to_numpy().argmax())
            raise DatasetError(f"{path}: row {row + 2}: expected an end_s after start_s")


def _check_labels(table: pd.DataFrame, path: Path, label: str | None) -> None:
    found = sorted(set(table["label"]))
    if len(found) < 2:
        raise DatasetError(f"{path}: all clips have the label {found[0]}; at least two are needed to learn")
    if label is not None and label not in found:
        raise DatasetError(f"{path}: no clip has the label {label}; there are {', '.join(found)}")


def _check_split(table: pd.DataFrame, path: Path) -> None:
    wrong = sorted(set(table["split"].fillna("").astype(str)) - set(SPLITS))
    if wrong:
        raise DatasetError(f"{path}: split: expected {', '.join(SPLITS)}, received {wrong[0]!r}")
    sides = table.groupby("person")["split"].nunique()
    if (sides > 1).any():
        raise DatasetError(f"{path}: person {sides.idxmax()} is on both sides of the split")
    for split in SPLITS:
        if table.loc[table["split"] == split, "label"].nunique() < 2:
            raise DatasetError(
                f"{path}: the part {split} needs clips of two labels: more people, or a column split"
            )
