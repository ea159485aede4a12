"""Which formats there are, and writing results in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from mien.errors import ConfigError, OutputError, SourceError
from mien.exchange.formats.bids import write_bids
from mien.exchange.formats.edf import write_edf
from mien.exchange.formats.elan import write_elan
from mien.exchange.formats.excel import write_workbook
from mien.exchange.formats.plain import write_csv, write_parquet
from mien.exchange.formats.results import TABLES, Record, Results, TableName, stem_of
from mien.exchange.formats.statistics import write_spss, write_stata
from mien.exchange.formats.xdf import write_xdf
from mien.table import Columns, Row, plain_name

ONE_TABLE: Final[Mapping[str, Callable[[Results, Path, TableName], Iterator[str]]]] = MappingProxyType(
    {"csv": write_csv, "parquet": write_parquet, "sav": write_spss, "dta": write_stata}
)
"""Formats whose file has one table."""

A_RECORDING: Final[Mapping[str, Callable[[Record, Iterator[Row], Columns, Path], Iterator[str]]]] = (
    MappingProxyType({"eaf": write_elan, "edf": write_edf, "xdf": write_xdf})
)
"""Formats whose file has one recording."""

_FILES: Final = ("xlsx", *ONE_TABLE, *A_RECORDING)

FORMATS: Final = (*_FILES, "bids")
"""All formats, each by the end of its files' names; "bids" is a folder."""


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written.

    Attributes:
        files: their paths.
        notes: what the user should know.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def convert(
    path: str | Path,
    out: str | Path,
    *,
    to: str | None = None,
    table: TableName | None = None,
    source: str | None = None,
    overwrite: bool = False,
) -> Converted:
    """Write results of `mien analyze` in another program's format.

    Args:
        path: the folder of results, or its table.
        out: the file; for a format that has a file for each recording, it may be a folder.
        to: one of `FORMATS`; the end of `out` when left out.
        table: "readings", "tracks" or "recordings", for a format that has one table; readings when left out.
        source: which recording, for a format that has a file for each; all when left out.
        overwrite: take the place of files that are there.

    Raises:
        ConfigError: what is asked for doesn't fit together.
        SourceError: there are no such results.
        OutputError: a file is there already, or can't be written.
        ModuleNotFoundError: without the format's package, which `mien[tables]` brings, for EDF
            `mien[signals]`.
    """
    path, out = Path(path), Path(out)
    kind = to or out.suffix[1:].lower()
    if kind not in FORMATS:
        raise ConfigError(
            f"expected a file that ends in .{', .'.join(_FILES)}, or one of these as the format (--to), or a"
            f" folder with the format {', '.join(A_RECORDING)} or bids; received {to or out}"
        )
    if table is not None and kind not in ONE_TABLE:
        raise ConfigError(f".{kind} has no choice of a table; {', '.join(ONE_TABLE)} have")
    if table is not None and table not in TABLES:
        raise ConfigError(f"table: expected {', '.join(TABLES)}, received {table!r}")
    if source is not None and kind not in A_RECORDING:
        raise ConfigError(f".{kind} has all recordings; {', '.join(A_RECORDING)} have one")
    results = Results.open(path)
    if kind == "bids":
        return Converted(*write_bids(results, out, overwrite=overwrite))
    if kind in A_RECORDING:
        return _each(results, out, kind, source, overwrite)
    _check_free(results, out, overwrite=overwrite)
    if kind == "xlsx":
        return Converted((out,), tuple(write_workbook(results, out)))
    return Converted((out,), tuple(ONE_TABLE[kind](results, out, table or "readings")))


def _each(results: Results, out: Path, kind: str, source: str | None, overwrite: bool) -> Converted:
    sources = [record["source"] for record in results.records]
    if not results.records:
        sources = list(dict.fromkeys(str(row[0]) for row in results.rows()))
    pictures = {record["source"] for record in results.records if record.get("kind") == "photograph"}
    wanted = [each for each in sources if each not in pictures] if source is None else [source]
    if source is not None and source not in sources:
        raise ConfigError(f"expected one of the recordings {', '.join(sources)}, received {source!r}")
    if not wanted:
        raise SourceError(f"{results.table} has no recording of a video, for which .{kind} is")
    one = out.suffix.lower() == f".{kind}"
    if one and len(wanted) > 1:
        raise ConfigError(
            f"{out} is one file, and there are {len(wanted)} recordings: name one of them (--source), or a"
            f" folder and the format {kind} (--to)"
        )
    if not one and out.is_file():
        raise OutputError(f"{out} is a file: name one that ends in .{kind}, or a folder for a file of each")
    files: list[Path] = []
    notes: list[str] = []
    for record, rows in results.recordings():
        if record["source"] in wanted:
            file = out if one else out / f"{plain_name(stem_of(record))}.{kind}"
            _check_free(results, file, overwrite=overwrite)
            try:
                notes += A_RECORDING[kind](record, rows, results.columns, file)
            except SourceError as error:
                if len(wanted) == 1:
                    raise
                notes.append(str(error))
            else:
                files.append(file)
    return Converted(tuple(files), tuple(notes))


def _check_free(results: Results, file: Path, *, overwrite: bool) -> None:
    if file.is_dir():
        raise OutputError(f"{file} is a folder: name a file in it")
    if not file.exists():
        return
    read = (results.table, results.table.with_name("summary.json"))
    if any(each.exists() and file.samefile(each) for each in read):
        raise ConfigError(f"{file} is the file that is read: choose another name")
    if not overwrite:
        raise OutputError(f"{file} is there already: choose another name, or --overwrite")
