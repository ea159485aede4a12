"""`mien import`: an exported record, back into a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import JsonOption, StoreOption
from mien.wording import count


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
    from mien.record.scales import NINTH_UNKNOWN
    from mien.store.store import Store

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
