"""`mien export`: a subject's whole record as one zip of open files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import JsonOption, StoreOption
from mien.cli.subject import CodeArgument
from mien.wording import count


def export(
    code: CodeArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The zip.", metavar="FILE.zip")],
    fhir: Annotated[
        Literal["R5", "R4B", "none"],
        typer.Option(help="Version of the FHIR bundle; needs the extra record (see mien doctor)."),
    ] = "R5",
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export everything stored about a subject, in one zip.

    As JSON, CSV, Parquet and FHIR.

    `mien import` reads it back. The file holds personal data: only you can read it, and anyone you give it
    to. For a network that you trained, see `mien models export`.

    Example: mien export P-017 --out P-017.zip
    """
    from dataclasses import asdict

    from mien.exchange.exporting import export_record
    from mien.record.scales import NINTH_UNKNOWN
    from mien.store.store import Store

    with Store(where, create=False) as store, progress_bar("export", 1.0, wanted=not as_json) as progress:
        exported = export_record(store, code, out, fhir=fhir, progress=progress)
    if as_json:
        print_json({**asdict(exported), "path": str(exported.path)})
        return
    typer.echo(
        f"{exported.path}: {count(exported.recordings, 'recording')}, {count(exported.annotations, 'mark')},"
        f" {count(exported.self_reports, 'self-report')}, {count(exported.consents, 'consent')}"
    )
    if exported.open_recordings:
        typer.echo(
            f"not included, because still being recorded: {count(exported.open_recordings, 'recording')}"
        )
    if exported.ninth_unknown:
        typer.echo(NINTH_UNKNOWN)
    if exported.safety_text:
        typer.echo(f"\n{exported.safety_text}")
