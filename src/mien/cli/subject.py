"""`mien subject`, `mien recording` and `mien erase`: the people whose record is kept, each under a code."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from mien.cli.commands import group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption, number_argument
from mien.cli.times import shown
from mien.errors import ConfigError
from mien.store.ledger import consent_command
from mien.store.store import Store
from mien.store.types import SIGNALS, Subject
from mien.subject_record import subject
from mien.wording import count

app = group(help="The people whose records are kept, each under a code.")

CodeArgument = Annotated[str, typer.Argument(metavar="CODE", help="The subject's code, such as P-017.")]
BirthYearOption = Annotated[int | None, typer.Option(help="Year of birth.", metavar="YEAR")]
NotesOption = Annotated[str | None, typer.Option(help="Free text.", metavar="TEXT")]


@app.command()
def add(
    code: CodeArgument,
    birth_year: BirthYearOption = None,
    notes: NotesOption = None,
    retention_days: Annotated[
        int | None, typer.Option(help="Erase recordings older than N days.", metavar="N")
    ] = None,
    where: StoreOption = None,
) -> None:
    """Add a subject. Choose a code, not a name.

    Example: mien subject add P-017 --birth-year 1980
    """
    with Store(where) as store:
        subject = store.subjects.add(
            code, birth_year=birth_year, notes=notes or "", retention_days=retention_days
        )
        typer.echo(f"added {subject.code}. Before anything is recorded: {consent_command(subject.code)}")


@app.command("list")
def list_subjects(where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the subjects, with their consent and last recording.

    Example: mien subject list
    """
    with Store(where, create=False) as store, store.reading():
        found = [_state(store, subject) for subject in store.subjects.all()]
    if as_json:
        print_json(found)
        return
    for each in found:
        consent = ", ".join(each["consent"]) or "no consent"
        last = shown(each["last_recording"]) if each["last_recording"] else "nothing recorded"
        typer.echo(f"{each['code']:16} {consent:24} {each['recordings']:6}  {last}")
    if not found:
        typer.echo("no subjects yet: mien subject add CODE")


@app.command()
def show(code: CodeArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """Show what is stored about a subject.

    Example: mien subject show P-017
    """
    with Store(where, create=False) as store:
        subject = store.subjects.get(code)
        with store.reading():
            state = _state(store, subject)
            counts = {
                "annotations": len(store.annotations.of(subject)),
                "self_reports": len(store.self_reports.of(subject)),
            }
    if as_json:
        print_json({**state, **counts, "subject": subject})
        return
    typer.echo(f"{subject.code}, since {shown(subject.created_at)}")
    lines = {
        "born": subject.birth_year,
        "notes": subject.notes or None,
        "kept for": subject.retention_days and count(subject.retention_days, "day"),
        "consent": ", ".join(state["consent"]) or "none that is valid",
        "recordings": state["recordings"],
        "last one": state["last_recording"] and shown(state["last_recording"]),
        "notes set": counts["annotations"],
        "self-reports": counts["self_reports"],
        "in the log": subject.number,
    }
    for name, value in lines.items():
        if value is not None:
            typer.echo(f"{name:13} {value}")


@app.command()
def change(
    code: CodeArgument,
    to: Annotated[str | None, typer.Option("--code", help="Another code.", metavar="CODE")] = None,
    birth_year: BirthYearOption = None,
    notes: NotesOption = None,
    retention_days: Annotated[
        int | None,
        typer.Option(help="Erase recordings older than N days; 0 keeps all.", metavar="N", min=0),
    ] = None,
    where: StoreOption = None,
) -> None:
    """Change a subject's details; those you don't name are kept.

    Example: mien subject change P-017 --retention-days 365
    """
    wanted: dict[str, Any] = {"code": to, "birth_year": birth_year, "notes": notes}
    chosen = {name: value for name, value in wanted.items() if value is not None}
    if retention_days is not None:
        chosen["retention_days"] = retention_days or None
    if not chosen:
        raise typer.BadParameter("say what to change: --code, --birth-year, --notes, --retention-days")
    with Store(where, create=False) as store:
        subject = store.subjects.change(code, **chosen)
        erased = store.enforce_retention().get(subject.code, 0)
    typer.echo(f"changed {subject.code}" + (f"; {erased} older recordings erased" if erased else ""))


def _state(store: Store, subject: Subject) -> dict[str, Any]:
    recordings = store.recordings.of(subject)
    return {
        "code": subject.code,
        "consent": [signal for signal in SIGNALS if store.consents.valid(subject, signal)],
        "recordings": len(recordings),
        "last_recording": recordings[-1].started_at if recordings else None,
    }


recordings = group(help="A subject's recordings.")


@recordings.command("list")
def list_recordings(code: CodeArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List a subject's recordings, by time.

    Example: mien recording list P-017
    """
    with subject(code, where) as record:
        recordings = record.recordings()
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


@recordings.command()
def remove(
    code: CodeArgument,
    number: Annotated[int, number_argument("The number that `mien recording list` shows.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    where: StoreOption = None,
) -> None:
    """Erase one recording, with its readings and notes. This can't be undone.

    Example: mien recording remove P-017 12
    """
    with Store(where, create=False) as store:
        subject = store.subjects.get(code)
        _confirm_removal(number, code, yes)
        gone = store.remove_recording(subject, number)
    typer.echo(f"removed {number}, of {shown(gone.started_at)}")


def _confirm_removal(number: int, code: str, yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise ConfigError("there is no terminal to ask at: confirm with --yes")
    if not yes and not typer.confirm(f"This can't be undone. Erase recording {number} of {code}?"):
        raise ConfigError("nothing was erased")


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
    with Store(where, create=False) as store:
        subject = store.subjects.get(code)
        _confirm_erasing(subject.code, yes)
        erased = store.erase(subject)
        elsewhere = _ELSEWHERE + (_SERVER if store.engine.dialect.name == "postgresql" else "")
    if as_json:
        print_json({"erased": erased, "not_erased": elsewhere})
        return
    counts = ", ".join(
        count(many, name.replace("_", "-").removesuffix("s")) for name, many in erased.items() if many
    )
    typer.echo(f"erased {code}: {counts or 'there was only the code'}")
    typer.echo(elsewhere)


def _confirm_erasing(code: str, yes: str | None) -> None:
    if yes is None and not sys.stdin.isatty():
        raise ConfigError(f"there is no terminal to ask at: confirm with --yes-erase {code}")
    typed = yes if yes is not None else typer.prompt(f"This can't be undone. Type {code} to erase it")
    if typed.strip() != code:
        raise ConfigError(f"nothing was erased: expected {code}, received {typed!r}")
