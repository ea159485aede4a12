"""`mien store`: the place where the record lies: its state, backups, texts and audit log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli.commands import group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption
from mien.cli.times import shown
from mien.errors import StoreError
from mien.store import recovery
from mien.store.opening import find_key
from mien.store.store import Store
from mien.wording import count

app = group(help="The database that holds the record.")
text = group(help="Texts that a clinic can word itself.")
app.add_typer(text, name="text")


@app.command()
def status(where: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show where the record is stored and how much is in it.

    Example: mien store status
    """
    with Store(where, create=False) as store, store.audit.unlogged():  # nothing but numbers is shown
        state = _state(store)
    if as_json:
        print_json(state)
        return
    size = "" if state["bytes"] is None else f", {state['bytes'] / 1e6:.1f} MB"
    typer.echo(f"{state['where']} ({state['database']}{size}{', read-only' if state['read_only'] else ''})")
    typer.echo(
        f"{count(state['subjects'], 'subject')}, {count(state['recordings'], 'recording')},"
        f" {count(state['users'], 'user')}"
    )


@app.command()
def check(where: StoreOption = None, as_json: JsonOption = False) -> None:
    """Check the whole record for damage, the audit log, and every row against the log.

    Anything that other programs have changed, added or removed is listed, and the check fails. Data that an
    older version stored without a consent are listed, too; they stay until someone removes them.

    Example: mien store check
    """
    with Store(where, create=False) as store:
        recovery.check(store.database)
        found = store.check()
    if as_json:
        print_json(found)
    else:
        for each in (*found.altered, *found.without_consent):
            typer.echo(each)
        for each in found.bound:
            typer.echo(f"tied to the log as it was on {each}")
    if found.altered:
        many = "1 difference" if len(found.altered) == 1 else f"{len(found.altered)} differences"
        raise StoreError(f"{many} between the record and its audit log")
    if not as_json:
        typer.echo(
            f"intact: the {found.lines} lines of the audit log form an unbroken chain, and the rows match it"
        )


@app.command()
def backup(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not exist yet.")],
    where: StoreOption = None,
) -> None:
    """Back up the record's file as it is now, even while it is in use.

    To back up a PostgreSQL server's record, use pg_dump.

    Example: mien store backup record-2026-05-03.sqlite
    """
    with Store(where, create=False) as store:
        recovery.backup(store.database, out, key=find_key())
        store.audit.log("backup")
    typer.echo(str(out))


@app.command()
def salvage(
    damaged: Annotated[Path, typer.Argument(metavar="DAMAGED", help="The file that can't be opened.")],
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The new file; it must not exist yet.")],
    as_json: JsonOption = False,
) -> None:
    """Copy what is still readable in a damaged record to a new file; the damaged file is not changed.

    Example: mien store salvage record.sqlite rescued.sqlite
    """
    salvaged = recovery.salvage(damaged, out, key=find_key())
    if as_json:
        print_json(salvaged)
        return
    for table, rows in salvaged.copied.items():
        lost = salvaged.lost[table]
        if rows or lost:
            typer.echo(f"{table:14} {rows:8} copied" + (f", {lost} lost" if lost else ""))
    typer.echo(str(out))


@app.command()
def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Only check that the log has not been changed.")
    ] = False,
    limit: Annotated[
        int, typer.Option(help="How many of the newest lines to show.", metavar="N", min=1)
    ] = 100,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who did what to whose record. Subjects appear by the number that `mien subject show` gives.

    Example: mien store audit --verify
    """
    with Store(where, create=False) as store:
        if verify:
            typer.echo(f"{store.audit.verify()} lines, as they were written")
            return
        entries = store.audit.entries(limit)
    if as_json:
        print_json(entries)
        return
    for each in entries:
        details = ", ".join(
            f"{name} {_told(value)}" for name, value in each.details.items() if name != "rows"
        )
        typer.echo(
            f"{each.id:6}  {shown(each.at)}  {each.who:12} {each.action:10} {each.subject or '':32} {details}"
        )


@text.command("get")
def get_text(
    name: Annotated[str, typer.Argument(metavar="NAME", help="phq9_safety, crisis or report_footer.")],
    where: StoreOption = None,
) -> None:
    """Print a text.

    Example: mien store text get phq9_safety
    """
    with Store(where, create=False) as store:
        typer.echo(store.texts.get(name))


@text.command("set")
def set_text(
    name: Annotated[str, typer.Argument(metavar="NAME", help="phq9_safety, crisis or report_footer.")],
    words: Annotated[str, typer.Argument(metavar="TEXT", help="The new text.")],
    where: StoreOption = None,
) -> None:
    """Change a text. The one beside the PHQ-9's ninth question can't be left blank.

    Example: mien store text set crisis "Our ward's number, day and night: ..."
    """
    with Store(where) as store:
        store.texts.set(name, words)
    typer.echo(f"changed {name}")


def _told(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _state(store: Store) -> dict[str, Any]:
    path = store.database.address.path
    subjects = store.subjects.all()
    return {
        "where": store.where,
        "database": store.engine.dialect.name,
        "bytes": path.stat().st_size if path else None,
        "read_only": store.database.read_only,
        "subjects": len(subjects),
        "recordings": sum(len(store.recordings.of(each)) for each in subjects),
        "users": len(store.users.all()),
    }
