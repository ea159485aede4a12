"""Texts that people write by hand, with whatever editor, and tables that they save from whatever program."""

from __future__ import annotations

import codecs
from collections.abc import Collection
from pathlib import Path
from typing import Final, TypedDict


def read_text(path: Path) -> str:
    """Read a text file.

    Editors and PowerShell on Windows put a byte order mark before a text, and some write UTF-16: the mark
    says which it is, and is no part of the text.

    Args:
        path: UTF-8, or UTF-16 with its byte order mark.

    Returns:
        The text, its lines ended by a line feed alone.

    Raises:
        OSError: it can't be read.
        UnicodeDecodeError: it is in another encoding.
    """
    text = path.read_bytes().decode(encoding_of(path))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(path: Path) -> str:
    """Return how a text file is encoded, by its byte order mark: "utf-16", or else "utf-8-sig".

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        mark = file.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def separator(line: str) -> str:
    """Return what stands between the cells of a line: a tab, a semicolon or a comma."""
    return max("\t;,", key=line.count)


class CsvForm(TypedDict):
    """How a table is written, in the words of `pandas.read_csv`."""

    encoding: str
    sep: str
    decimal: str


def csv_form(path: Path) -> CsvForm:
    """Return how a table is written: spreadsheets write semicolons where people write decimal commas.

    Raises:
        OSError: it can't be read.
        ValueError: it is empty, or in another encoding.
    """
    encoding = encoding_of(path)
    with path.open(encoding=encoding) as file:
        head = next((line for line in file if line.strip()), None)
    if head is None:
        raise ValueError("it is empty")
    between = separator(head)
    return {"encoding": encoding, "sep": between, "decimal": "," if between == ";" else "."}


NO_VALUE: Final = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What pandas takes for no value; in a column of names, all but the empty cell and BIDS' n/a are names."""


class MissingCells(TypedDict):
    """Which cells have no value, in the words of `pandas.read_csv`."""

    keep_default_na: bool
    na_values: dict[str, list[str]]


def missing_cells(path: Path, names: Collection[str]) -> MissingCells:
    """Return which cells of a table have no value.

    Args:
        path: a CSV file with a header.
        names: columns that hold names, of which somebody may be called "None" or "NA": only an empty cell
            and "n/a", as BIDS writes it, have no value there.

    Raises:
        OSError: it can't be read.
        ValueError: it isn't such a table.
    """
    import pandas as pd

    header = pd.read_csv(path, **csv_form(path), nrows=0).columns
    values = {column: ["", "n/a"] if column in names else list(NO_VALUE) for column in header}
    return {"keep_default_na": False, "na_values": values}
