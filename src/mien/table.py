"""The table: one row per face per analysed frame; its columns, their rounding, its files.

Which columns a table has is said once, by a `Columns`, and its file's header tells it again. The same
columns, in the same order and with the same values, stand in CSV, in Parquet and in the DataFrame: a row is
rounded once, when it is made.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from mien.errors import OutputError, SourceError
from mien.files import written_whole
from mien.labels import EMOTIONS, MEASURES, NEUTRALS, POSE
from mien.textfile import encoding_of
from mien.types import LANDMARKS, Faces, Frame
from mien.wording import reason

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PROBABILITIES: Final = tuple(f"p_{label}" for label in EMOTIONS)

POINTS: Final = tuple(f"lm_{point}_{axis}" for point in range(LANDMARKS) for axis in "xy")
"""The columns of the landmarks: `lm_0_x`, `lm_0_y`, `lm_1_x`, ..., in pixels of the frame."""

DECIMALS: Final = MappingProxyType(
    {
        "time_s": 6,
        **dict.fromkeys(("x", "y", "width", "height"), 2),
        **dict.fromkeys(("detection", "quality"), 4),
        **dict.fromkeys((*PROBABILITIES, "confidence"), 5),
        **dict.fromkeys(("valence", "arousal"), 4),
        **dict.fromkeys(MEASURES, 4),
        **dict.fromkeys(POSE, 2),
        **dict.fromkeys(POINTS, 2),
    }
)
"""How many decimals the numbers have."""

COLUMNS: Final = (
    "source", "frame", "time_s", "track",
    "x", "y", "width", "height", "detection", "quality",
    *PROBABILITIES,
    "expression", "confidence", "valence", "arousal",
)  # fmt: skip
"""The columns that every table has, in their order: the only place where it stands."""

NEUTRAL: Final = "neutral"
"""The column that says against which neutral face the expression is read: one of `labels.NEUTRALS`."""

_TEXT: Final = ("source", "expression", NEUTRAL)
_DTYPES: Final = {
    name: "str" if name in _TEXT else "float64" if name in DECIMALS else "int64"
    for name in (*COLUMNS, NEUTRAL, *MEASURES, *POINTS)
}

Row = tuple[str | int | float | None, ...]
"""One row in the order of its table's columns; None is an empty cell."""


@dataclass(frozen=True)
class Columns:
    """Which columns a table has: always `COLUMNS`, and after them what was asked for.

    Attributes:
        measures: `labels.MEASURES`.
        landmarks: `POINTS`.
        neutral: `NEUTRAL`, at the end.
    """

    measures: bool = False
    landmarks: bool = False
    neutral: bool = False

    @classmethod
    def among(cls, names: Iterable[str]) -> Columns:
        """Return which of the columns that can be asked for are all among some names."""
        there = set(names)
        return cls(
            measures=there.issuperset(MEASURES), landmarks=there.issuperset(POINTS), neutral=NEUTRAL in there
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns in their order."""
        measured = (*(MEASURES if self.measures else ()), *(POINTS if self.landmarks else ()))
        return (*COLUMNS, *measured, *((NEUTRAL,) if self.neutral else ()))

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """The type of each column in a DataFrame, in the columns' order."""
        return {name: _DTYPES[name] for name in self.names}

    @cached_property
    def decimals(self) -> dict[str, int]:
        """How many decimals the columns of numbers have."""
        return {name: DECIMALS[name] for name in self.names if name in DECIMALS}


class Layout(Protocol):
    """Which columns a table has, which types and how many decimals: `Columns`, or those of a summary."""

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in their order."""

    @property
    def dtypes(self) -> Mapping[str, str]:
        """The type of each: "str", "int64" or "float64"."""

    @property
    def decimals(self) -> Mapping[str, int]:
        """How many decimals the columns of float64 have."""


_PER_FACE: Final = ("detection", "quality", "track", "confidence", "valence", "arousal")

PLAIN: Final = Columns()
"""Nothing but what every table has."""


def rows(frame: Frame, faces: Faces, columns: Columns = PLAIN) -> list[Row]:
    """Turn one frame's faces into rows.

    Args:
        frame: from where and when.
        faces: n faces.
        columns: of the table.

    Returns:
        n rows, one per face, rounded to `DECIMALS`.
    """
    numbers = [
        faces.xyxy[:, :2], faces.size_wh, faces.detection, faces.quality,
        faces.probabilities, faces.confidence, faces.valence, faces.arousal,
    ]  # fmt: skip
    if columns.measures:
        numbers.append(faces.measures)
    if columns.landmarks:
        numbers.append(faces.landmarks.reshape(-1, len(POINTS)))
    start = (plain_name(frame.source), frame.index, round(frame.time_s, DECIMALS["time_s"]))
    decimals = [DECIMALS[name] for name in columns.names[len(start) :] if name in DECIMALS]
    stacked = np.column_stack(numbers).astype(np.float64).tolist()
    result: list[Row] = []
    last = [(NEUTRALS[each],) if columns.neutral else () for each in faces.neutral.tolist()]
    for track, label, values, end in zip(faces.track.tolist(), faces.labels, stacked, last, strict=True):
        cells = [_rounded(value, places) for value, places in zip(values, decimals, strict=True)]
        result.append((*start, track, *cells[:_BEFORE_LABEL], label, *cells[_BEFORE_LABEL:], *end))
    return result


_BEFORE_LABEL = COLUMNS.index("expression") - COLUMNS.index("track") - 1


def plain_name(name: str) -> str:
    """Return a source's name, or another line, as it stands in tables and summaries.

    Control characters, and bytes of a file name that aren't text, become U+FFFD, which any CSV reader takes.
    """
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", name)


_FORMULA = re.compile(r"'*[=+\-@\t\r\n\0\uff0b\uff0d\uff1d\uff20]")


def escape_formula(text: str) -> str:
    """Return a text for a cell of a CSV file, which no spreadsheet takes for a formula to be run.

    One that begins like a formula gets a single quote in front (OWASP, CSV Injection; ASVS 5.0.0, 1.2.10).
    So does one that has it already, so that `unescape_formula` gives every text back.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(cell: str) -> str:
    """Return the text that `escape_formula` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _rounded(value: float, decimals: int) -> float | None:
    # + 0.0 makes 0.0 of -0.0; NaN is the only value that differs from itself.
    return round(value, decimals) + 0.0 if value == value else None


class Table(Protocol):
    """A table that is being written."""

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows at the end."""

    def close(self) -> None:
        """Write what is still held back."""


class CsvTable:
    """A table written as CSV: UTF-8, a header, empty cells for what is missing.

    Args:
        path: the file to write.
        columns: of the table.
    """

    def __init__(self, path: Path, columns: Layout) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._file.write(",".join(columns.names) + "\n")
        self._columns = columns

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows at the end."""
        self._file.write(csv_lines(rows, self._columns))

    def close(self) -> None:
        """Write what is still held back."""
        self._file.close()


def csv_lines(rows: Iterable[Row], columns: Layout = PLAIN) -> str:
    """Return rows as they stand in a table written as CSV, a line each; its header is `columns.names`."""
    decimals = [columns.decimals.get(name) for name in columns.names]
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [
            _cell(value) if places is None or value is None else f"{value:.{places}f}"
            for places, value in zip(decimals, row, strict=True)
        ]
        for row in rows
    )
    return text.getvalue()


def _cell(value: str | int | float | None) -> str | int | float | None:
    return escape_formula(value) if isinstance(value, str) else value


class ParquetTable:
    """A table written as Parquet, in row groups.

    Args:
        path: the file to write.
        columns: of the table.
        group_rows: rows that are held back in memory until a group is written.
    """

    def __init__(self, path: Path, columns: Layout, group_rows: int = 20_000) -> None:
        import pyarrow.parquet as pq

        self._schema = _schema(columns)
        self._writer = pq.ParquetWriter(path, self._schema)
        self._group_rows = group_rows
        self._rows: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows at the end."""
        self._rows.extend(rows)
        if len(self._rows) >= self._group_rows:
            self._write_group()

    def close(self) -> None:
        """Write what is still held back."""
        if self._rows:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        import pyarrow as pa

        columns = dict(zip(self._schema.names, zip(*self._rows, strict=True), strict=True))
        self._writer.write_table(pa.table(columns, schema=self._schema))
        self._rows.clear()


def _schema(columns: Layout) -> pa.Schema:
    import pyarrow as pa

    kinds = {"str": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
    return pa.schema([(name, kinds[dtype]) for name, dtype in columns.dtypes.items()])


_WRITERS: Final = MappingProxyType({".csv": CsvTable, ".parquet": ParquetTable})


@contextmanager
def new_table(path: Path, columns: Layout = PLAIN) -> Iterator[Table]:
    """Open a table for writing; it stands under its name, whole, when the block ends well.

    Args:
        path: ends in .csv or .parquet.
        columns: of the table.

    Raises:
        OutputError: another suffix, or it can't be written.
    """
    if path.suffix not in _WRITERS:
        raise OutputError(
            f"cannot write {path}: expected a name in .csv or .parquet, received {path.suffix!r}"
        )
    with written_whole(path) as temporary:
        table: Table = _WRITERS[path.suffix](temporary, columns)
        try:
            yield table
        finally:
            table.close()


_LONGEST_HEAD: Final = 10_000
"""Characters of the first line; another program's file may have no second."""


_CELLS: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {"str": unescape_formula, "int64": int, "float64": lambda cell: float(cell) if cell else None}
)


def read_rows(path: Path, every: int = 1) -> Iterator[Row]:
    """Yield the rows of a CSV table one by one, so that a long table takes no memory.

    Args:
        path: the table.
        every: give only the rows of frames whose number can be divided by this.

    Raises:
        SourceError: it isn't such a table.
    """
    frame = COLUMNS.index("frame")
    with path.open(encoding=encoding_of(path), newline="") as file:
        reader = csv.reader(file)
        columns = _known_columns(path, next(reader, []))
        convert = [_CELLS[dtype] for dtype in columns.dtypes.values()]
        for row, cells in enumerate(reader, 2):
            try:
                if int(cells[frame]) % every:
                    continue
                yield tuple(kind(cell) for kind, cell in zip(convert, cells, strict=True))
            except (ValueError, IndexError):
                raise SourceError(f"cannot read the table {path}: {_wrong(row, cells, columns)}") from None


def _wrong(row: int, cells: Sequence[str], columns: Columns) -> str:
    """Say what is wrong with a row that isn't one of a table's."""
    if len(cells) != len(columns.names):
        return f"row {row} has {len(cells)} cells, and the table {len(columns.names)} columns"
    for (name, kind), cell in zip(columns.dtypes.items(), cells, strict=True):
        try:
            _CELLS[kind](cell)
        except ValueError:
            return (
                f"row {row}: {name} expected a {'whole ' * (kind == 'int64')}number, received {cell[:40]!r}"
            )
    return f"row {row} is damaged"


def names_in(path: Path) -> list[str]:
    """Return the names of a table's columns, if Mien wrote it; of another file whatever stands there.

    Raises:
        OSError, ValueError: it can't be read.
    """
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return list(pq.read_schema(path).names)
    with path.open(encoding=encoding_of(path)) as file:
        return file.readline(_LONGEST_HEAD).rstrip("\n").split(",")


def _known_columns(path: Path, names: Sequence[str]) -> Columns:
    columns = Columns.among(names)
    if tuple(names) != columns.names:
        raise SourceError(
            f"{path} is not a table written by Mien: expected the columns {', '.join(COLUMNS)}, "
            f"received {', '.join(names) or 'none'}"
        )
    return columns


def table_frame(rows: Iterable[Row], columns: Columns = PLAIN) -> pd.DataFrame:
    """Make the DataFrame of rows in memory; the same as `read_table` gives of the file."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(columns.names)).astype(columns.dtypes)


def faces_frame(faces: Faces, *, measures: bool = False, landmarks: bool = False) -> pd.DataFrame:
    """Return one frame's faces as a DataFrame, without the columns that say from where and when they are.

    Args:
        faces: n faces.
        measures: whether to add `labels.MEASURES`.
        landmarks: whether to add `POINTS`.

    Returns:
        n rows, with `COLUMNS` from `track` on.
    """
    columns = Columns(measures=measures, landmarks=landmarks)
    nowhere = Frame(np.zeros((1, 1, 3), np.uint8), 0, 0.0, "")
    return table_frame(rows(nowhere, faces, columns), columns).loc[:, "track":]


def faces_of(frame: pd.DataFrame) -> Faces:
    """Return the faces of one picture's rows: what `rows` was given, as far as the table has it."""
    corner, size = frame[["x", "y"]].to_numpy(), frame[["width", "height"]].to_numpy()
    known: dict[str, Any] = {name: frame[name].to_numpy() for name in _PER_FACE}
    if Columns.among(frame.columns).landmarks:
        known["landmarks"] = frame[list(POINTS)].to_numpy().reshape(-1, LANDMARKS, 2)
    known["expression"] = [EMOTIONS.index(each) if each in EMOTIONS else -1 for each in frame["expression"]]
    return Faces(
        np.concatenate([corner, corner + size], axis=1),
        probabilities=frame[list(PROBABILITIES)].to_numpy(),
        **known,
    )


def frame_rows(frame: pd.DataFrame) -> Iterator[Row]:
    """Yield the rows of such a DataFrame, ready to be written with the `Columns.among` its own."""
    for cells in frame[list(Columns.among(frame.columns).names)].itertuples(index=False, name=None):
        yield tuple(None if cell != cell else cell for cell in cells)


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a table from its CSV or Parquet file.

    Args:
        path: a table that Mien wrote.

    Returns:
        A DataFrame with `COLUMNS`, and the measures and landmarks where the table has them: text, 64-bit
        integers, and 64-bit floats with NaN for empty cells.

    Raises:
        SourceError: the file can't be read, or it isn't such a table.
    """
    import pandas as pd

    path = Path(path)
    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except (OSError, ValueError) as error:
        if path.suffix != ".parquet":
            with suppress(OSError, ValueError, csv.Error):
                deque(read_rows(path), maxlen=0)  # says which row it is
        raise SourceError(f"cannot read the table {path}: {reason(error)}") from error
    return frame.astype(_known_columns(path, list(frame.columns)).dtypes)


def _read_csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    # A file may be called "NA": only empty cells of the number columns are missing values.
    frame = pd.read_csv(
        path,
        keep_default_na=False,
        na_values=dict.fromkeys(DECIMALS, ""),
        dtype=_DTYPES,
        encoding=encoding_of(path),
    )
    if "source" in frame:
        frame["source"] = frame["source"].map(unescape_formula).astype(_DTYPES["source"])
    # pandas' quick reading of numbers may miss the last bit, which this puts right.
    return frame.round(dict(DECIMALS))
