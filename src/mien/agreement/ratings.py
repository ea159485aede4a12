"""What the readers of other tools' files share: `Ratings`, Mien's table of what is known, cells and times."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import SourceError
from mien.labels import EMOTIONS, MEASURES, UNCERTAIN, standard_label
from mien.table import COLUMNS, DECIMALS, POINTS, PROBABILITIES, Columns, plain_name
from mien.textfile import NO_VALUE, csv_form, encoding_of
from mien.wording import count

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

END: Final = "end_s"
"""The column of a person's labels that says until when each holds."""
LARGEST: Final = 1e100
"""Squares of larger numbers can't be summed."""
_HEAD_LINES: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """What one tool or person says of recordings.

    Attributes:
        tool: who said it: Mien, OpenFace, py-feat, DeepFace, fer, FaceReader, labels.
        frame: the columns of `mien.table`, with measures and landmarks where the tool has them; after them
            action units: `AU12_r` an intensity from 0 to 5, `AU12_c` whether it is there, `AU12_p` a
            probability. `time_s` is empty where the file has no times.
        remarks: what a reader should know, in sentences.
    """

    tool: str
    frame: pd.DataFrame
    remarks: tuple[str, ...] = ()

    @property
    def timed(self) -> bool:
        """Whether the file says when its frames were."""
        return bool(self.frame["time_s"].notna().all())


def as_table(rows: int, known: dict[str, Any], extra: dict[str, Any] | None = None) -> pd.DataFrame:
    """Return a table with Mien's columns from those that are known; the others are empty.

    Args:
        rows: how many.
        known: values by the names of Mien's columns; the label follows from the probabilities.
        extra: columns that Mien doesn't have.
    """
    import pandas as pd

    columns = Columns(measures=bool(set(MEASURES) & set(known)), landmarks=POINTS[0] in known)
    empty = {"str": "", "int64": 0, "float64": np.nan}
    given = {
        name: known[name] if name in known else np.full(rows, empty[dtype])
        for name, dtype in columns.dtypes.items()
    }
    frame = pd.DataFrame(given, index=range(rows)).astype(columns.dtypes)
    frame["source"] = frame["source"].map(plain_name).astype("str")
    if "expression" not in known:
        named = dominant(frame[list(PROBABILITIES)].to_numpy())
        frame["expression"] = pd.Series(named, index=frame.index, dtype="str")
    frame = frame.round({name: places for name, places in DECIMALS.items() if name in frame})
    return frame.assign(**{name: np.asarray(values) for name, values in (extra or {}).items()})


def dominant(probabilities: Floats) -> list[str]:
    """Return the label with the highest of (n, 8) values; "" where all are missing."""
    unknown = np.isnan(probabilities)
    highest = np.where(unknown, -np.inf, probabilities).argmax(axis=1)
    nothing = np.asarray(unknown.all(axis=1))
    return ["" if none else EMOTIONS[each] for each, none in zip(highest, nothing, strict=True)]


def names_of(frame: pd.DataFrame) -> list[str]:
    """Return the names of the columns."""
    return [str(name) for name in frame.columns]


def emotions_of(named: dict[str, Any]) -> dict[str, Any]:
    """Return a tool's emotions under the names of Mien's columns, without those that are none of ours."""
    ours = {name: f"p_{standard_label(name)}" for name in named}
    return {ours[name]: values for name, values in named.items() if ours[name] in PROBABILITIES}


def read_columns(path: Path, wanted: Any, *, text: bool = False, names: Sequence[str] = ()) -> pd.DataFrame:
    """Read some columns of a CSV or TSV.

    Args:
        path: with a line of names; spaces around commas don't count.
        wanted: whether a column is wanted, by its name.
        text: whether cells stay as they stand; else they are numbers, apart from those of no number.
        names: columns whose cells stay in any case, as something may be called "NA" or "007".

    Raises:
        SourceError: it can't be read, or its last line is cut off.
    """
    import pandas as pd

    try:
        form = csv_form(path)
        header = split(head_of(path)[0], form["sep"])
        check_last(path, form["sep"], len(header))
        as_they_stand = header if text else names
        return pd.read_csv(
            path, **form, skipinitialspace=True, usecols=lambda name: wanted(name.strip()),
            dtype=dict.fromkeys(as_they_stand, "str"), keep_default_na=False,
            na_values={name: [] if name in as_they_stand else list(NO_VALUE) for name in header},
            index_col=False, low_memory=False,
        ).rename(columns=lambda name: name.strip())  # fmt: skip
    except UnicodeDecodeError as error:
        raise SourceError(f"cannot read {path}: it is not UTF-8 text") from error
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path}: {str(error).splitlines()[0]}") from error


def numbers(frame: pd.DataFrame, name: str, path: Path) -> Floats:
    """Return a column's numbers, NaN where empty.

    Raises:
        SourceError: a cell holds something else.
    """
    import pandas as pd

    values = pd.to_numeric(frame[name], errors="coerce")
    if (wrong := values.isna() & frame[name].notna()).any():
        raise SourceError(
            f"cannot read {path}: {name} is {str(frame[name][wrong].iloc[0])[:40]!r}, no number"
        )
    found = np.asarray(values, np.float64)
    if (huge := np.isfinite(found) & (np.abs(found) > LARGEST)).any():
        raise SourceError(f"cannot read {path}: {name} is {found[huge][0]:g}, too large to be a reading")
    return found


def whole_numbers(frame: pd.DataFrame, name: str, path: Path) -> Floats:
    """Return a column's numbers, of which none is missing.

    Raises:
        SourceError: a cell is empty or holds something else.
    """
    values = numbers(frame, name, path)
    if not np.isfinite(values).all():
        raise SourceError(f"cannot read {path}: a row has no {name}")
    return values


def check_last(path: Path, between: str, expected: int) -> None:
    """Raise where the last line of a table has fewer cells than the first.

    Raises:
        SourceError: it was cut off.
    """
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2**20))
        lines = file.read().decode(encoding_of(path), errors="replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), "")
    if (there := len(split(last, between))) < expected:
        raise SourceError(
            f"cannot read {path}: its last line has {there} of {count(expected, 'cell')}; it is cut off,"
            " write it again"
        )


def head_of(path: Path) -> list[str]:
    """Return the first lines of a text file."""
    with path.open(encoding=encoding_of(path), errors="replace") as file:
        return [line.rstrip("\r\n") for _, line in zip(range(_HEAD_LINES), file, strict=False)]


def split(line: str, between: str) -> list[str]:
    """Return the cells of one line of CSV."""
    return next(csv.reader([line], delimiter=between, skipinitialspace=True), [])


_CLOCK: Final = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d+)?)")


def seconds(cell: Any, path: Path) -> float:
    """Return a time in seconds, of a number or of hours, minutes and seconds with colons.

    Raises:
        SourceError: it is neither.
    """
    if not (found := _CLOCK.fullmatch(str(cell).strip())):
        raise SourceError(f"cannot read {path}: {str(cell)[:40]!r} is no time in seconds")
    hours, minutes, rest = found.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + float(rest.replace(",", "."))


def labelled(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each row whether it has a label, be it that the tool is not sure."""
    return (frame["expression"] != "").to_numpy(bool)


def sure(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return for each row whether it has a label that isn't `uncertain`."""
    return labelled(frame) & (frame["expression"] != UNCERTAIN).to_numpy(bool)


def measured(frame: pd.DataFrame) -> list[str]:
    """Return the columns of numbers that a comparison can be about: those that say something of the face."""
    told = {*COLUMNS[: COLUMNS.index(PROBABILITIES[0])], "confidence", *POINTS, END}
    return [
        str(name) for name, column in frame.items()
        if name not in told and column.dtype.kind in "fi" and column.notna().any()
    ]  # fmt: skip
