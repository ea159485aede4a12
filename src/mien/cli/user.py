"""`mien user`: who may log in to the record on the page, once there is more than one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from mien.cli.commands import group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption
from mien.errors import ConfigError
from mien.store.store import Store

app = group(help="Who may log in to the record on the page. Without users, anyone at the page may see it.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name they log in with.")]
PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        help="A file whose first line is the password; without it you are asked.",
        metavar="PATH",
    ),
]


@app.command()
def add(
    name: NameArgument,
    role: Annotated[
        Literal["admin", "clinician", "self"],
        typer.Option(help="admin: users and texts; clinician: all subjects; self: one subject."),
    ],
    subject: Annotated[
        str | None, typer.Option(help="With the role self: whose record they may see.", metavar="CODE")
    ] = None,
    password_file: PasswordFileOption = None,
    where: StoreOption = None,
) -> None:
    """Add a user. The first one must be an admin.

    Example: mien user add anna --role admin
    """
    with Store(where) as store:
        whose = None if subject is None else store.subjects.get(subject)
        store.users.add(name, _password(name, password_file), role, whose)
    typer.echo(f"added {name}, {role}" + (f" of {subject}" if subject else ""))


@app.command("list")
def list_users(where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List who may log in.

    Example: mien user list
    """
    with Store(where, create=False) as store:
        codes = {subject.id: subject.code for subject in store.subjects.all()}
        found = [
            {"name": user.name, "role": user.role, "subject": codes.get(user.subject_id or -1)}
            for user in store.users.all()
        ]
    if as_json:
        print_json(found)
        return
    for each in found:
        typer.echo(f"{each['name']:24} {each['role']:10} {each['subject'] or ''}".rstrip())
    if not found:
        typer.echo("no users yet: anyone at the page sees the whole record")


@app.command()
def password(name: NameArgument, password_file: PasswordFileOption = None, where: StoreOption = None) -> None:
    """Change a user's password.

    Example: mien user password anna
    """
    with Store(where, create=False) as store:
        store.users.set_password(name, _password(name, password_file))
    typer.echo(f"the password of {name} was changed")


@app.command()
def remove(name: NameArgument, where: StoreOption = None) -> None:
    """Remove a user, who can then no longer log in.

    Example: mien user remove anna
    """
    with Store(where, create=False) as store:
        store.users.remove(name)
    typer.echo(f"removed {name}")


def _password(name: str, file: Path | None) -> str:
    if file is not None:
        from mien.web.settings import read_password

        return read_password(file)
    if not sys.stdin.isatty():
        raise ConfigError(f"there is no terminal to ask for the password of {name}: give --password-file")
    return str(typer.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True))
