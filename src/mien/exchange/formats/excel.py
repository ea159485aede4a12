"""An Excel workbook: a sheet each for readings, tracks, recordings and the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from mien.aggregate import KINDS, Aggregate, Kind, SummaryColumns, blocks
from mien.exchange.formats.results import Results
from mien.exchange.formats.words import words
from mien.files import written_whole
from mien.table import Row

MOST_ROWS: Final = 1_048_576
"""What Excel takes in one sheet, the header among them."""


def write_workbook(results: Results, path: Path, *, most_rows: int = MOST_ROWS) -> Iterator[str]:
    """Write all tables into one workbook, row by row.

    A text is written as a text, so that none is ever run as a formula. A cell that isn't known is empty.

    Args:
        results: to be written.
        path: in .xlsx.
        most_rows: of a sheet; what is more stands in further ones.

    Yields:
        What the user should know.

    Raises:
        ModuleNotFoundError: without XlsxWriter, which `mien[tables]` brings.
        OutputError: it can't be written.
    """
    import xlsxwriter

    summed: dict[Kind, list[Row]] = {kind: [] for kind in KINDS}
    with written_whole(path) as temporary, xlsxwriter.Workbook(temporary, {"constant_memory": True}) as book:
        readings = _Sheets(book, "readings", results.columns.names, most_rows)
        for record, rows in results.recordings():
            counted = Aggregate(results.columns)
            for block in blocks(rows):
                readings.write(block)
                counted.add(block)
            for kind in KINDS:
                summed[kind] += counted.rows(kind, record)
        sheets, names = [readings], dict.fromkeys(results.columns.names)
        for kind in KINDS:
            columns = SummaryColumns(kind, results.columns.measures).names
            names |= dict.fromkeys(columns)
            sheets.append(_Sheets(book, kind, columns, most_rows))
            sheets[-1].write(summed[kind])
        _Sheets(book, "words", ("column", "meaning"), most_rows).write(
            [(name, words(name)) for name in names]
        )
    for each in sheets:
        if each.sheets > 1:
            yield f"the {each.name} fill {each.sheets} sheets: Excel takes {most_rows:,} rows in one"


class _Sheets:
    """A table that goes on in another sheet where one is full."""

    def __init__(self, book: Any, name: str, columns: Sequence[str], most_rows: int) -> None:
        self.name = name
        self.sheets = 0
        self._book, self._columns, self._most_rows = book, columns, most_rows
        self._bold = book.add_format({"bold": True})
        self._start()

    def _start(self) -> None:
        self.sheets += 1
        self._sheet = self._book.add_worksheet(
            self.name if self.sheets == 1 else f"{self.name} {self.sheets}"
        )
        self._sheet.freeze_panes(1, 0)
        for column, name in enumerate(self._columns):
            self._sheet.write_string(0, column, name, self._bold)
        self._row = 1

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if self._row == self._most_rows:
                self._start()
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    self._sheet.write_string(self._row, column, cell)
                elif cell is not None:
                    self._sheet.write_number(self._row, column, cell)
            self._row += 1
