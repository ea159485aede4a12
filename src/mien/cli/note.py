"""`mien note`: marks beside the record: events, medication, notes, prompts, speaking."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mien.cli.commands import AddsByDefault, group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption, number_argument
from mien.cli.subject import CodeArgument
from mien.cli.times import read_moment, shown
from mien.errors import ConfigError
from mien.labels import EMOTIONS
from mien.store.store import Store
from mien.store.types import AnnotationKind
from mien.subject_record import subject

app = group("Notes in the record: events, medication, prompts.", AddsByDefault)


@app.command()
def add(
    code: CodeArgument,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The note's text, such as 'sertraline 50 mg'.")
    ] = "",
    kind: Annotated[AnnotationKind, typer.Option(help="What it is about.")] = "note",
    at: Annotated[
        str | None, typer.Option(help="When: 14:30 or 2026-05-03T14:30 [now].", metavar="TIME")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Its end.", metavar="TIME")] = None,
    recording: Annotated[
        int | None, typer.Option(help="The recording that it belongs to.", metavar="N")
    ] = None,
    expression: Annotated[
        str | None,
        typer.Option(help="The expression a prompt should elicit, such as happiness.", metavar="NAME"),
    ] = None,
    valence: Annotated[
        float | None,
        typer.Option(help="The valence a prompt should elicit, -1 to 1.", metavar="N", min=-1, max=1),
    ] = None,
    where: StoreOption = None,
) -> None:
    """Add a note.

    Example: mien note P-017 "sertraline 50 mg" --kind medication --at 08:00
    """
    data = _data(kind, expression, valence)
    with Store(where, create=False) as store:
        now = store.now()
        mark = store.annotations.add(
            store.subjects.get(code),
            kind,
            text,
            at=read_moment("--at", at, now) if at is not None else now,
            until=read_moment("--until", until, now) if until is not None else None,
            recording_id=recording,
            data=data,
        )
    typer.echo(f"{mark.kind} {mark.id}, {shown(mark.at)}")


@app.command("list")
def list_notes(code: CodeArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List a subject's notes, by time.

    Example: mien note list P-017
    """
    with subject(code, where) as record:
        marks = record.annotations()
    if as_json:
        print_json(marks)
        return
    for each in marks:
        time = shown(each.at) + (f" to {shown(each.until)}" if each.until else "")
        typer.echo(f"{each.id:4}  {time}  {each.kind:10}  {each.text}")


@app.command()
def remove(
    code: CodeArgument,
    number: Annotated[int, number_argument("The number that `mien note list` shows.")],
    where: StoreOption = None,
) -> None:
    """Remove a note.

    Example: mien note remove P-017 12
    """
    with Store(where, create=False) as store:
        store.annotations.remove(store.subjects.get(code), number)
    typer.echo(f"removed {number}")


def _data(kind: str, expression: str | None, valence: float | None) -> dict[str, Any]:
    data = {"expression": expression, "valence": valence}
    chosen = {name: value for name, value in data.items() if value is not None}
    if chosen and kind != "prompt":
        raise ConfigError("--expression and --valence say what a prompt should elicit: use --kind prompt")
    if expression is not None and expression not in EMOTIONS:
        raise ConfigError(f"--expression: expected {', '.join(EMOTIONS)}, received {expression!r}")
    return chosen
