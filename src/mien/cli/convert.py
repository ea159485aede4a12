"""`mien convert`: results in other programs' formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mien.cli.console import print_json
from mien.cli.options import JsonOption


def convert(
    results: Annotated[
        Path, typer.Argument(metavar="FOLDER|TABLE", help="Results of `mien analyze`, or the table of them.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="The file: .xlsx (Excel), .sav (SPSS), .dta (Stata), .eaf (ELAN), .edf, .xdf, .parquet (R),"
            " .csv; or a folder, with --to bids, eaf, edf or xdf.",
            metavar="FILE|FOLDER",
        ),
    ],
    to: Annotated[
        Literal["xlsx", "csv", "parquet", "sav", "dta", "eaf", "edf", "xdf", "bids"] | None,
        typer.Option("--to", help="The format [the end of the file's name]."),
    ] = None,
    table: Annotated[
        Literal["readings", "tracks", "recordings"] | None,
        typer.Option(
            "--table", help="Which table, for .sav, .dta, .parquet and .csv, which have one [readings]."
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            help="Which recording, for .eaf, .edf and .xdf, which have one; by its name in the table.",
            metavar="NAME",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Convert results for other programs: Excel, SPSS, Stata, R, ELAN, EDF, XDF, BIDS.

    Tracks and recordings are computed from the readings and the summary beside them. What arrives in each
    program is in docs/other-tools.md. Needs the extra tables (see mien doctor).

    Example: mien convert mien-results --out session.xlsx

    Example: mien convert mien-results --table tracks --out faces.sav
    """
    from mien.exchange.formats.convert import convert as write

    written = write(results, out, to=to, table=table, source=source, overwrite=overwrite)
    if as_json:
        print_json({"files": [str(path) for path in written.files], "notes": list(written.notes)})
        return
    for path in [out] if to == "bids" else written.files:
        typer.echo(f"{to or path.suffix[1:].lower():8} {path}")
    for note in written.notes:
        typer.echo(f"note: {note}")
