"""What `mien analyze` has written, read again row by row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal

from mien.aggregate import KINDS, Aggregate, SummaryColumns, summary_frame
from mien.errors import ConfigError, SourceError
from mien.table import Columns, Layout, Row, names_in, read_rows, read_table
from mien.textfile import read_text
from mien.wording import reason

if TYPE_CHECKING:
    import pandas as pd

TableName = Literal["readings", "tracks", "recordings"]
TABLES: Final[tuple[TableName, ...]] = ("readings", *KINDS)
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Results:
    """A table of readings, and what the summary beside it says of its recordings.

    Attributes:
        table: its file, .csv or .parquet.
        columns: of the table.
        records: of the recordings, in their order; none where no summary stands beside the table.
    """

    table: Path
    columns: Columns
    records: list[dict[str, Any]]

    @classmethod
    def open(cls, path: Path) -> Results:
        """Open a folder of results, or a table.

        Raises:
            SourceError: there is none, or it isn't such a table.
            ConfigError: there are two.
        """
        table = _table_in(path) if path.is_dir() else path
        try:
            names = names_in(table)
        except (OSError, ValueError) as error:
            raise SourceError(f"cannot read the table {table}: {reason(error)}") from error
        columns = Columns.among(names)
        if tuple(names) != columns.names:
            raise SourceError(f"{table} is not a table of readings written by Mien")
        return cls(table, columns, _records(table.with_name("summary.json")))

    def rows(self) -> Iterator[Row]:
        """Yield the rows one by one, so that a long table takes no memory.

        Raises:
            SourceError: a row is damaged.
        """
        try:
            yield from _parquet_rows(self.table) if self.table.suffix == ".parquet" else read_rows(self.table)
        except (OSError, ValueError) as error:
            raise SourceError(f"cannot read the table {self.table}: {reason(error)}") from error

    def recordings(self) -> Iterator[tuple[Record, Iterator[Row]]]:
        """Yield what is known of each recording and its rows, which have to be taken before the next."""
        known = {record["source"]: record for record in self.records}
        waiting = list(known)
        for source, rows in groupby(self.rows(), itemgetter(0)):
            name = str(source)
            while name in waiting:
                if (first := waiting.pop(0)) == name:
                    break
                yield known[first], iter(())
            yield known.get(name, {"source": name}), rows
        for name in waiting:
            yield known[name], iter(())

    def counted(self) -> Iterator[tuple[Record, Aggregate]]:
        """Yield each recording with its rows counted."""
        for record, rows in self.recordings():
            counted = Aggregate(self.columns)
            counted.add(rows)
            yield record, counted

    def layout(self, table: TableName) -> Layout:
        """Return the columns of one of the tables."""
        return self.columns if table == "readings" else SummaryColumns(table, self.columns.measures)

    def rows_of(self, table: TableName) -> Iterator[Row]:
        """Yield the rows of one of the tables."""
        if table == "readings":
            yield from self.rows()
        else:
            for record, counted in self.counted():
                yield from counted.rows(table, record)

    def frame(self, table: TableName) -> pd.DataFrame:
        """Return one of the tables as a DataFrame."""
        if table == "readings":
            return read_table(self.table)
        return summary_frame(self.rows_of(table), SummaryColumns(table, self.columns.measures))


def stem_of(record: Record) -> str:
    """Return what a recording's files are called, before their suffix; may have folders."""
    return str(record.get("stem") or PurePosixPath(record["source"]).with_suffix(""))


def _table_in(folder: Path) -> Path:
    found = [path for suffix in ("csv", "parquet") if (path := folder / f"table.{suffix}").is_file()]
    if not found:
        raise SourceError(f"{folder} has no table.csv or table.parquet, which `mien analyze` writes")
    if len(found) > 1:
        raise ConfigError(f"{folder} has both table.csv and table.parquet: name one of them")
    return found[0]


def _parquet_rows(path: Path) -> Iterator[Row]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=4096):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _records(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    try:
        records: list[dict[str, Any]] = json.loads(read_text(path))["recordings"]
        return [record for record in records if isinstance(record["source"], str)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"cannot read the summary {path}: {reason(error)}") from error
