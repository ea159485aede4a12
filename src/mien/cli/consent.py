"""`mien consent`: what subjects have agreed to."""

from __future__ import annotations

from typing import Annotated

import typer

from mien.cli.commands import group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption
from mien.cli.subject import CodeArgument
from mien.cli.times import read_last_day, read_moment, shown, shown_end
from mien.store.ledger import consent_command
from mien.store.store import Store
from mien.store.types import Consent

app = group(help="What subjects have agreed to. Subjects can be recorded only while their consent is valid.")


@app.command()
def give(
    code: CodeArgument,
    by: Annotated[str, typer.Option("--by", help="Who gives it: the subject or a guardian.", metavar="WHO")],
    purpose: Annotated[str, typer.Option("--for", help="The purpose, in words.", metavar="TEXT")],
    signals: Annotated[
        str,
        typer.Option(
            help="What may be recorded: expression (probabilities, valence, arousal),"
            " measures (head pose, brows, mouth); and of the body, only where it is named: heart, skin,"
            " muscles, brain, respiration, temperature.",
            metavar="NAME,NAME",
        ),
    ] = "expression,measures",
    since: Annotated[
        str | None,
        typer.Option("--from", help="When it starts, if it was given earlier on paper.", metavar="TIME"),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="The last day on which it holds; by default it has no end.", metavar="DATE"),
    ] = None,
    where: StoreOption = None,
) -> None:
    """Record that a subject has consented, from now or from an earlier time.

    Example: mien consent give P-017 --by "the subject" --for "following my mood" --until 2027-05-01
    """
    with Store(where, create=False) as store:
        consent = store.consents.give(
            store.subjects.get(code),
            given_by=by,
            purpose=purpose,
            signals=[each.strip() for each in signals.split(",") if each.strip()],
            given_at=read_moment("--from", since, store.now()) if since is not None else None,
            valid_until=read_last_day("--until", until, store.now()) if until is not None else None,
        )
        yet = f"valid only from {shown(consent.given_at)}, " if consent.given_at > store.now() else ""
    typer.echo(f"consent {consent.id}: {', '.join(consent.signals)}, {yet}{_end(consent)}")


@app.command()
def withdraw(
    code: CodeArgument,
    number: Annotated[
        int | None, typer.Option("--consent", help="Withdraw only this one; by default all.", metavar="N")
    ] = None,
    where: StoreOption = None,
) -> None:
    """Withdraw consent. A running recording stops within seconds; stored data stay until they are erased.

    Example: mien consent withdraw P-017
    """
    with Store(where, create=False) as store:
        withdrawn = store.consents.withdraw(store.subjects.get(code), number)
    typer.echo(
        f"withdrawn: consent {', '.join(str(each.id) for each in withdrawn)}."
        f" Earlier recordings are still stored; mien erase {code} deletes them"
    )


@app.command("list")
def list_consents(code: CodeArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List a subject's consents, including those that have ended.

    Example: mien consent list P-017
    """
    with Store(where, create=False) as store:
        consents = store.consents.of(store.subjects.get(code))
    if as_json:
        print_json(consents)
        return
    for each in consents:
        typer.echo(
            f"{each.id:4}  {shown(each.given_at)}  {', '.join(each.signals)}, {_end(each)};"
            f" by {each.given_by}, for {each.purpose}"
        )
    if not consents:
        typer.echo(f"none: {consent_command(code)}")


def _end(consent: Consent) -> str:
    if consent.withdrawn_at:
        return f"withdrawn {shown(consent.withdrawn_at)}"
    return f"until {shown_end(consent.valid_until)}" if consent.valid_until else "no end date"
