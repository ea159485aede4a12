"""`mien report`: a subject's mood record on a page, to be read together."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.options import StoreOption


def report(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="The subject's code.")],
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day.", metavar="DATE")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day.", metavar="DATE")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file, .pdf or .html [SUBJECT-report.pdf].", metavar="FILE"),
    ] = None,
    starting_point: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Measure response from the first PHQ-9 on or after this day [the first in the period].",
            metavar="DATE",
        ),
    ] = None,
    long: Annotated[
        bool, typer.Option("--long", help="Include every day's figures, charts, definitions and settings.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Write a subject's report, as a PDF or an HTML page.

    One page to read together, or a long version for research.

    Unless you choose a period, it covers the twelve weeks up to the last day with an entry.

    Example: mien report P-017 --from 2026-05-01 --to 2026-07-24 --out report.pdf
    """
    from mien.report.save import check_suffix
    from mien.subject_record import subject as open_record

    path = out or Path(f"{subject}-report.pdf")
    check_suffix(path)
    first, last, since = (each and each.date() for each in (start, end, starting_point))
    with open_record(subject, store) as record:
        record.report(path, long=long, start=first, end=last, starting_point=since)
    typer.echo(str(path))
