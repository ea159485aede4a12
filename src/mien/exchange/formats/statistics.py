"""One table for SPSS or Stata, with labels for its variables and values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mien.errors import OutputError
from mien.exchange.formats.results import Results, TableName
from mien.exchange.formats.words import LEVELS, words
from mien.files import written_whole

if TYPE_CHECKING:
    import pandas as pd

_NOMINAL: Final = ("source", "kind", "track", "note", *LEVELS)
_LONGEST_TEXT: Final = 2045
"""Bytes of a text in Stata's usual kind of variable."""


def write_spss(results: Results, path: Path, table: TableName) -> Iterator[str]:
    """Write one table as SPSS's .sav.

    Args:
        results: to be written.
        path: in .sav.
        table: which of them.

    Raises:
        ModuleNotFoundError: without pyreadstat, which `mien[tables]` brings.
        OutputError: it can't be written.
    """
    import pyreadstat

    frame, labels = _coded(results.frame(table))
    kinds = {name: "nominal" if name in _NOMINAL else "scale" for name in frame.columns}
    with written_whole(path) as temporary:
        _written(
            path, pyreadstat.write_sav, frame, str(temporary),
            column_labels=[words(name) for name in frame.columns],
            variable_value_labels=labels, variable_measure=kinds,
        )  # fmt: skip
    return iter(())


def write_stata(results: Results, path: Path, table: TableName) -> Iterator[str]:
    """Write one table as Stata's .dta, of version 15; else as `write_spss`."""
    import pyreadstat

    frame, labels = _coded(results.frame(table))
    with written_whole(path) as temporary:
        _written(
            path, pyreadstat.write_dta, frame, str(temporary),
            column_labels=[words(name) for name in frame.columns], variable_value_labels=labels,
        )  # fmt: skip
    return iter(())


def _written(path: Path, write: Any, *given: Any, **chosen: Any) -> None:
    from pyreadstat import ReadstatError

    try:
        write(*given, **chosen)
    except ReadstatError as error:
        raise OutputError(f"cannot write {path}: {error}") from error


def _coded(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, dict[int, str]]]:
    """Return a frame of numbers and texts alone, and the labels of those that stand for words."""
    made = {}
    labels = {}
    for name in frame.columns:
        column = frame[name]
        if name in LEVELS:
            codes = {word: code for code, word in enumerate(LEVELS[name])}
            labels[name] = {code: word for word, code in codes.items()}
            made[name] = column.map(codes).astype("float64")
        elif name in _NOMINAL and name != "track":
            made[name] = column.fillna("").map(_short).astype(object)
        else:
            made[name] = column.astype("float64")
    return type(frame)(made, columns=list(frame.columns)), labels


def _short(text: str) -> str:
    return text.encode()[:_LONGEST_TEXT].decode("utf-8", "ignore")
