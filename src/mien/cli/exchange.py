"""`mien export` and `mien import`: a subject's whole record as one zip of open files, and back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import JsonOption, StoreOption
from mien.cli.subject import CodeArgument
from mien.install import extras_command
from mien.record.scales import NINTH_UNKNOWN
from mien.store.store import Store
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

    As JSON, CSV, Parquet and FHIR; what body sensors said also as EDF.

    `mien import` reads it back. The file holds personal data: only you can read it, and anyone you give it
    to. For a network that you trained, see `mien models export`.

    Example: mien export P-017 --out P-017.zip
    """
    from mien.exchange.exporting import export_record

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
    if exported.without_edf:
        typer.echo(
            f"without an EDF file, which needs {extras_command('signals')}:"
            f" {count(exported.without_edf, 'recording')} with body signals"
        )
    if exported.ninth_unknown:
        typer.echo(NINTH_UNKNOWN)
    if exported.safety_text:
        typer.echo(f"\n{exported.safety_text}")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="A zip written by `mien export`.")],
    code: Annotated[
        str | None, typer.Option("--as", help="Another code for the subject.", metavar="CODE")
    ] = None,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave out what was recorded without a valid consent.")
    ] = False,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import an exported record exactly as it was. Either all of it is stored, or nothing.

    Nothing is imported of a subject who has withdrawn their consent.

    Example: mien import P-017.zip
    """
    from mien.exchange.importing import import_record

    with Store(where) as store, progress_bar("import", 1.0, wanted=not as_json) as progress:
        imported = import_record(store, file, code=code, leave_out=leave_out, progress=progress)
    if as_json:
        print_json(imported)
        return
    typer.echo(
        f"{imported.subject.code}: {count(imported.recordings, 'recording')},"
        f" {count(imported.annotations, 'mark')}, {count(imported.self_reports, 'self-report')},"
        f" {count(imported.consents, 'consent')}"
    )
    if imported.ninth_unknown:
        typer.echo(NINTH_UNKNOWN)
    if imported.safety_text:
        typer.echo(f"\n{imported.safety_text}")
    for each in imported.left_out:
        typer.echo(f"left out: {each}", err=True)
