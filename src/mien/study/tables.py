"""What an experiment is read from: the courses of a measure, and the table of stimuli."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import SourceError
from mien.files import natural_key
from mien.table import unescape_formula
from mien.textfile import csv_form, missing_cells
from mien.wording import count, first_few, reason

if TYPE_CHECKING:
    import pandas as pd

Floats: TypeAlias = NDArray[np.float64]

SUFFIXES: Final = (".csv", ".tsv", ".parquet")

_BIDS: Final = {"onset": "onset_s", "duration": "duration_s", "trial_type": "condition"}
"""BIDS' names of columns, and ours."""

_TEXT: Final = ("recording", "source", "name", "condition", "trial_type", "person", "group")
_LARGEST: Final = 1e100
"""Squares of larger numbers can't be summed."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A measure of the main face of one recording.

    Attributes:
        times_s: (n,) rising, from the recording's start.
        values: (n,) of the measure, all known.
        end_s: the time of the last reading of any face.
    """

    times_s: Floats
    values: Floats
    end_s: float


def read_courses(given: str | Path | pd.DataFrame, measure: str) -> dict[str, Course]:
    """Return the course of a measure in each recording.

    Where several faces are read at one time, that of the track with the most readings counts, so that a
    person who is found again under a new number goes on.

    Args:
        given: a table of `mien analyze`, a folder of such, or a DataFrame; other tables will do that have
            `time_s`, the measure, and `source` or `recording` (without these, a file is a recording).
        measure: the column.

    Raises:
        SourceError: there is no such table, or it can't be read.
    """
    import pandas as pd

    if isinstance(given, pd.DataFrame):
        return _courses(given, "table", measure)
    path = Path(given)
    if not path.is_dir():
        return _courses(read_frame(path), path.name, measure)
    courses: dict[str, Course] = {}
    tables = (each for each in path.iterdir() if each.suffix.lower() in SUFFIXES)
    for table in sorted(tables, key=natural_key):
        frame = read_frame(table)
        if not {"time_s", measure} <= set(frame):
            continue
        found = _courses(frame, table.name, measure)
        if twice := sorted(found.keys() & courses.keys()):
            raise SourceError(f"{path}: the recording {twice[0]} is in several tables, also in {table.name}")
        courses |= found
    if not courses:
        raise SourceError(f"{path} holds no table with the columns time_s and {measure}")
    return courses


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table: CSV with commas, semicolons or tabs; Parquet. Names of people and things stay text.

    Raises:
        SourceError: it can't be read.
    """
    import pandas as pd

    if path.suffix.lower() not in SUFFIXES:
        raise SourceError(f"{path}: expected a table ({', '.join(SUFFIXES)}), or a folder of such")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        frame = pd.read_csv(
            path,
            **csv_form(path),
            **missing_cells(path, _TEXT),
            dtype=dict.fromkeys(_TEXT, str),
            low_memory=False,
        )
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read the table {path}: {reason(error)}") from error
    for column in set(frame.select_dtypes(["object", "str"])) - set(_TEXT):
        numbers = pd.to_numeric(frame[column], errors="coerce")  # points beside semicolons
        if (numbers.notna() == frame[column].notna()).all():
            frame[column] = numbers
    for column in set(_TEXT) & set(frame):
        frame[column] = frame[column].map(unescape_formula, na_action="ignore")
    return frame


def _courses(frame: pd.DataFrame, name: str, measure: str) -> dict[str, Course]:
    import pandas as pd

    if frame.empty:
        raise SourceError(f"{name} holds no readings")
    for column in ("time_s", measure):
        if column not in frame:
            raise SourceError(f"{name} has no column {column}: it has {', '.join(map(str, frame))}")
        if not pd.api.types.is_numeric_dtype(frame[column]):
            raise SourceError(f"{name}{_no_number(frame[column])}")
        numbers = frame[column].to_numpy(np.float64)
        if (huge := np.isfinite(numbers) & (np.abs(numbers) > _LARGEST)).any():
            raise SourceError(f"{name}: {column} is {numbers[huge][0]:g}, too large to be a reading")
    whose = next((each for each in ("recording", "source") if each in frame), None)
    parts: Iterable[tuple[Any, pd.DataFrame]] = (
        [(Path(name).stem, frame)] if whose is None else frame.groupby(whose, sort=False)
    )
    return {str(recording): _course(rows, measure) for recording, rows in parts}


def _no_number(column: pd.Series) -> str:
    """Say that a column holds no numbers, or where the first cell is that is none."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    if not numbers.notna().any():
        return f": {column.name} holds no numbers"
    row = int((numbers.isna() & column.notna()).to_numpy().argmax())
    return f", row {row + 2}: {column.name} expected a number, received {str(column.iloc[row])[:40]!r}"


def _course(rows: pd.DataFrame, measure: str) -> Course:
    end_s = float(rows["time_s"].max())
    known = rows[np.isfinite(rows["time_s"]) & np.isfinite(rows[measure].astype(float))]
    if "track" in known:
        seen = known.groupby("track")["track"].transform("size")
        known = known.assign(_seen=-seen).sort_values(["time_s", "_seen"], kind="stable")
    known = known.sort_values("time_s", kind="stable").drop_duplicates("time_s")
    return Course(known["time_s"].to_numpy(np.float64), known[measure].to_numpy(np.float64), end_s)


def read_stimuli(given: str | Path | pd.DataFrame, courses: Mapping[str, Course]) -> pd.DataFrame:
    """Return the stimuli, by recording and time.

    Args:
        given: a table with `recording`, `onset_s` and `name`; and, if you like, `duration_s`, `condition`
            (the name by itself), `person` (the recording) and `group`. BIDS' `onset`, `duration` and
            `trial_type` are understood, too.
        courses: the recordings that there are; a name without its suffix is enough.

    Returns:
        These columns, all filled in, and `simulated` where the table has it.

    Raises:
        SourceError: it can't be read, or says what can't be.
    """
    import pandas as pd

    name = "the stimuli" if isinstance(given, pd.DataFrame) else Path(given).name
    frame = given if isinstance(given, pd.DataFrame) else read_frame(Path(given))
    frame = frame.rename(columns={theirs: ours for theirs, ours in _BIDS.items() if ours not in frame})
    frame = frame.reset_index(drop=True)
    if "name" not in frame and "condition" in frame:
        frame["name"] = frame["condition"]
    if "recording" not in frame and len(courses) == 1:
        frame["recording"] = next(iter(courses))
    for column in ("recording", "onset_s", "name"):
        if column not in frame:
            raise SourceError(f"{name} has no column {column}: it has {', '.join(map(str, frame))}")
    if frame.empty:
        raise SourceError(f"{name} holds no stimuli")
    for column, otherwise in (("condition", "name"), ("person", "recording")):
        if column not in frame:
            frame[column] = frame[otherwise]
    for column, filling in (("group", ""), ("duration_s", 0.0)):
        frame[column] = frame[column].astype(object).fillna(filling) if column in frame else filling
    for column in ("recording", "name", "condition", "person", "group"):
        _refuse(name, column, frame[column].isna(), "is empty")
        frame[column] = frame[column].astype(str).str.strip()
    ungrouped = frame["group"] == ""
    _refuse(name, "group", ungrouped & (not ungrouped.all()), "is empty, and other rows have one")
    for column in ("onset_s", "duration_s"):
        number = pd.to_numeric(frame[column], errors="coerce")
        wrong = ~np.isfinite(number) | (number < 0 if column == "duration_s" else False)
        _refuse(name, column, wrong, "expected a number of seconds", frame[column])
        frame[column] = number.astype(float)
    frame["recording"] = _matched(frame["recording"], courses, name)
    columns = ["recording", "person", "group", "condition", "name", "onset_s", "duration_s"]
    found = frame[[*columns, *(each for each in ("simulated",) if each in frame)]].sort_values(
        ["recording", "onset_s"], kind="stable", ignore_index=True
    )
    _check_people(found, name)
    return found


def _refuse(
    name: str, column: str, wrong: pd.Series[bool], why: str, values: pd.Series[Any] | None = None
) -> None:
    """Raise for the first row where something is wrong; rows are counted as a spreadsheet shows them."""
    if wrong.any():
        row = int(np.flatnonzero(wrong.to_numpy())[0])
        received = "" if values is None else f", received {str(values.iloc[row])!r}"
        raise SourceError(f"{name}, row {row + 2}: {column} {why}{received}")


def _matched(names: pd.Series[str], courses: Mapping[str, Course], table: str) -> pd.Series[str]:
    """Return the recordings as the courses call them."""
    stems: dict[str, list[str]] = {}
    for each in courses:
        stems.setdefault(Path(each).stem, []).append(each)
    known = {each: [each] for each in courses}
    found = {each: known.get(each) or stems.get(Path(each).stem, []) for each in names.unique()}
    if unknown := [each for each, there in found.items() if not there]:
        raise SourceError(
            f"{table}: {first_few(unknown)} {'is' if len(unknown) == 1 else 'are'} not among the"
            f" {count(len(courses), 'recording')}: {first_few(courses)}"
        )
    if unclear := [each for each, there in found.items() if len(there) > 1]:
        raise SourceError(f"{table}: {unclear[0]} may be {' or '.join(found[unclear[0]])}: say which")
    return names.map({each: there[0] for each, there in found.items()})


def _check_people(frame: pd.DataFrame, name: str) -> None:
    """Raise where a person is in two groups, a recording is of two people, or a stimulus stands twice."""
    for of, what, words in (
        ("person", "group", "person {} is in several groups"),
        ("recording", "person", "recording {} is of several people, and one face is followed in it"),
    ):
        several = frame.groupby(of)[what].nunique()
        if (several > 1).any():
            one = several.index[several > 1][0]
            values = sorted(frame.loc[frame[of] == one, what].unique())
            raise SourceError(f"{name}: {words.format(one)}: {first_few(values)}")
    twice = frame.duplicated(["recording", "onset_s", "name"])
    if twice.any():
        row = frame[twice].iloc[0]
        raise SourceError(f"{name}: {row['name']} at {row['onset_s']:g} s of {row['recording']} stands twice")
