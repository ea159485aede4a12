"""`mien self-report`: what subjects say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.adding import group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption
from mien.cli.subject import CodeArgument
from mien.cli.times import read_moment, shown

if TYPE_CHECKING:
    from mien.store.types import SelfReport

app = group("What subjects say of themselves: mood and scales.")


@app.command()
def add(
    code: CodeArgument,
    scale: Annotated[
        str, typer.Argument(metavar="SCALE", help="mood (0 to 10), phq9, gad7, or another scale's name.")
    ],
    answers: Annotated[
        list[str],
        typer.Argument(metavar="ANSWER...", help="The answers in order (0 to 3 each), or the total alone."),
    ],
    at: Annotated[
        str | None, typer.Option(help="When: 14:30, or 2026-05-03T14:30. By default now.", metavar="TIME")
    ] = None,
    note: Annotated[str, typer.Option(help="Free text.", metavar="TEXT")] = "",
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add what a subject says.

    Example: mien self-report P-017 mood 6

    Example: mien self-report P-017 phq9 1 0 2 1 0 0 1 0 0
    """
    from mien.record.scales import needs_safety_text, title_of
    from mien.store.store import Store

    items, total = _read(answers)
    with Store(where, create=False) as store:
        report = store.self_reports.add(
            store.subjects.get(code),
            scale,
            items=items,
            total=total,
            at=read_moment("--at", at, store.now()) if at else None,
            note=note,
        )
        safety = store.texts.get("phq9_safety") if needs_safety_text(report) else None
    if as_json:
        print_json({"self_report": report, "safety_text": safety})
        return
    typer.echo(f"{title_of(report.scale)} {report.total:g}, {shown(report.at)} (number {report.id})")
    if safety:
        typer.echo(f"\n{safety}")


@app.command("list")
def list_reports(code: CodeArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List what a subject has said, by time.

    Example: mien self-report list P-017
    """
    from mien.record.scales import safety_reports, title_of
    from mien.store.store import Store

    with Store(where, create=False) as store:
        subject = store.subjects.get(code)
        reports = store.self_reports.of(subject)
        safety = store.texts.get("phq9_safety") if safety_reports(reports) else None
    if as_json:
        print_json({"self_reports": reports, "safety_text": safety})
        return
    for each in reports:
        typer.echo(f"{each.id:4}  {shown(each.at)}  {title_of(each.scale):8} {_said(each)}")
    if safety:
        typer.echo(f"\n{safety}")


@app.command()
def remove(
    code: CodeArgument,
    number: Annotated[int, typer.Argument(metavar="N", help="As `mien self-report list` shows it.")],
    where: StoreOption = None,
) -> None:
    """Take a self-report away.

    Example: mien self-report remove P-017 3
    """
    from mien.store.store import Store

    with Store(where, create=False) as store:
        store.self_reports.remove(store.subjects.get(code), number)
    typer.echo(f"removed {number}")


def _read(answers: list[str]) -> tuple[list[int] | None, float | None]:
    """Give the items or, where there is one number alone, the total."""
    from mien.errors import ConfigError

    try:
        return (None, float(answers[0])) if len(answers) == 1 else ([int(each) for each in answers], None)
    except ValueError as error:
        raise ConfigError(f"expected numbers, received {' '.join(answers)}") from error


def _said(report: SelfReport) -> str:
    items = f" ({' '.join(map(str, report.items))})" if report.items else ""
    return f"{report.total:5g}{items}" + (f"  {report.note}" if report.note else "")
