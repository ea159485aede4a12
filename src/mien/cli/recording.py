"""`mien recording`: a subject's recordings, and taking a wrong one away."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption
from mien.cli.subject import CodeArgument
from mien.cli.times import shown

app = typer.Typer(help="A subject's recordings.")


@app.command("list")
def list_recordings(code: CodeArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List a subject's recordings, by time.

    Example: mien recording list P-017
    """
    from mien.store.store import Store

    with Store(where, create=False) as store:
        recordings = store.recordings.of(store.subjects.get(code))
    if as_json:
        print_json(recordings)
        return
    for each in recordings:
        state = "" if each.state == "finished" else f", {each.state}"
        typer.echo(
            f"{each.id:4}  {shown(each.started_at)}  {each.length_s / 60:5.1f} min  {each.source}{state}"
        )
    if not recordings:
        typer.echo(f"no recordings of {code}")


@app.command()
def remove(
    code: CodeArgument,
    number: Annotated[int, typer.Argument(metavar="N", help="The number that `mien recording list` shows.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    where: StoreOption = None,
) -> None:
    """Erase one recording, with its readings and notes. This can't be undone.

    Example: mien recording remove P-017 12
    """
    from mien.store.store import Store

    with Store(where, create=False) as store:
        subject = store.subjects.get(code)
        _confirm(number, code, yes)
        gone = store.remove_recording(subject, number)
    typer.echo(f"removed {number}, of {shown(gone.started_at)}")


def _confirm(number: int, code: str, yes: bool) -> None:
    from mien.errors import ConfigError

    if not yes and not sys.stdin.isatty():
        raise ConfigError("there is no terminal to ask at: confirm with --yes")
    if not yes and not typer.confirm(f"This can't be undone. Erase recording {number} of {code}?"):
        raise ConfigError("nothing was erased")
