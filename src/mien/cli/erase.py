"""`mien erase`: a subject's record, gone."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption
from mien.cli.subject import CodeArgument

_ELSEWHERE = (
    "Not erased, because this store doesn't know about them: exported zips, reports, tables and videos from"
    " `mien analyze`, and backups of the store."
)
_SERVER = " PostgreSQL keeps old changes in its write-ahead log and its backups until they are recycled."


def erase(
    code: CodeArgument,
    yes: Annotated[
        str | None,
        typer.Option(
            "--yes-erase", help="The code again, to erase without being asked (for scripts).", metavar="CODE"
        ),
    ] = None,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a subject and everything stored about them. This can't be undone.

    If anyone may want the record, export it first: mien export P-017 --out P-017.zip

    Example: mien erase P-017
    """
    from mien.store.store import Store

    with Store(where, create=False) as store:
        subject = store.subjects.get(code)
        _confirm(subject.code, yes)
        erased = store.erase(subject)
        elsewhere = _ELSEWHERE + (_SERVER if store.engine.dialect.name == "postgresql" else "")
    if as_json:
        print_json({"erased": erased, "not_erased": elsewhere})
        return
    counts = ", ".join(f"{count} {name.replace('_', '-')}" for name, count in erased.items() if count)
    typer.echo(f"erased {code}: {counts or 'there was only the code'}")
    typer.echo(elsewhere)


def _confirm(code: str, yes: str | None) -> None:
    from mien.errors import ConfigError

    if yes is None and not sys.stdin.isatty():
        raise ConfigError(f"there is no terminal to ask at: confirm with --yes-erase {code}")
    typed = yes if yes is not None else typer.prompt(f"This can't be undone. Type {code} to erase it")
    if typed.strip() != code:
        raise ConfigError(f"nothing was erased: expected {code}, received {typed!r}")
