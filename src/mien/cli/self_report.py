"""`mien self-report`: what subjects say of themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mien.cli.commands import AddsByDefault, group
from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption, number_argument
from mien.cli.subject import CodeArgument
from mien.cli.times import read_moment, shown
from mien.errors import ConfigError
from mien.record import scales
from mien.record.scales import LANGUAGES, in_language, ninth_is_unknown, safety_text, title_of
from mien.store.scales import SCALES, known
from mien.store.store import Store
from mien.store.types import Mistyped, SelfReport
from mien.subject_record import subject

app = group("What subjects say about themselves: mood and questionnaires.", AddsByDefault)

OtherScaleOption = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--other-scale",
        help="The scale is one that Mien does not know, with totals from LOWEST to HIGHEST.",
        metavar="LOWEST HIGHEST",
    ),
]
ScaleArgument = Annotated[
    str,
    typer.Argument(metavar="SCALE", help="mood (0 to 10), phq9, gad7, or any other with --other-scale."),
]


@app.command()
def add(
    code: CodeArgument,
    scale: ScaleArgument,
    answers: Annotated[
        list[str],
        typer.Argument(
            metavar="ANSWER...",
            help="The answers in order (0 to 3 each, or - for one not given), or only the total.",
        ),
    ],
    at: Annotated[
        str | None, typer.Option(help="When: 14:30 or 2026-05-03T14:30 [now].", metavar="TIME")
    ] = None,
    note: Annotated[str, typer.Option(help="Free text.", metavar="TEXT")] = "",
    difficulty: Annotated[
        int | None,
        typer.Option(help="PHQ-9: how difficult the problems have made things, 0 to 3.", metavar="N"),
    ] = None,
    other_scale: OtherScaleOption = None,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a self-report.

    A tenth answer to the PHQ-9 answers its question about difficulty.

    Example: mien self-report P-017 mood 6

    Example: mien self-report P-017 phq9 1 0 2 1 0 0 1 0 0

    Example: mien self-report P-017 WHO-5 52 --other-scale 0 100
    """
    items, total = _read(answers)
    with Store(where, create=False) as store:
        report = store.self_reports.add(
            store.subjects.get(code),
            scale,
            items=items,
            total=total,
            at=read_moment("--at", at, store.now()) if at is not None else None,
            note=note,
            difficulty=difficulty,
            limits=other_scale,
        )
        safety = scales.safety_text(store, [report])
        if safety is None and scales.may_be_the_ninth(report, items):
            safety = store.texts.get("phq9_safety")
    unknown = scales.ninth_is_unknown(report)
    if as_json:
        print_json({"self_report": report, **_said_of(report), "safety_text": safety})
        return
    title = scales.title_of(report.scale)
    typer.echo(f"{title} {scales.told_total(report)}, {shown(report.at)} (number {report.id})")
    if items is not None and report.items is not None and len(items) < len(report.items):
        typer.echo(
            f"The {len(items)} answers are taken as those to questions 1 to {len(items)}. If one between them"
            f" was not given, remove number {report.id} and write - in its place."
        )
    if unknown:
        typer.echo(scales.NINTH_UNKNOWN)
    if safety:
        typer.echo(f"\n{safety}")


@app.command("list")
def list_reports(code: CodeArgument, where: StoreOption = None, as_json: JsonOption = False) -> None:
    """List a subject's self-reports, by time.

    Example: mien self-report list P-017
    """
    with subject(code, where) as record:
        reports = record.self_reports()
        safety = scales.safety_text(record.store, reports)
    if as_json:
        print_json(
            {"self_reports": [asdict(each) | _said_of(each) for each in reports], "safety_text": safety}
        )
        return
    for each in reports:
        typer.echo(f"{each.id:4}  {shown(each.at)}  {scales.title_of(each.scale):8} {_said(each)}")
    if any(map(scales.ninth_is_unknown, reports)):
        typer.echo(f"\n*  {scales.NINTH_UNKNOWN}")
    if safety:
        typer.echo(f"\n{safety}")


@app.command()
def remove(
    code: CodeArgument,
    number: Annotated[int, number_argument("As `mien self-report list` shows it.")],
    where: StoreOption = None,
) -> None:
    """Remove a self-report.

    Example: mien self-report remove P-017 3
    """
    with Store(where, create=False) as store:
        store.self_reports.remove(store.subjects.get(code), number)
    typer.echo(f"removed {number}")


@app.command()
def mistyped(
    repair: Annotated[
        bool, typer.Option("--repair", help="Correct those whose scale is clear and whose total fits it.")
    ] = False,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all subjects' self-reports stored under a mistyped name, such as "PHQ9 " or "gad-7".

    Earlier versions of Mien stored these as unknown scales, without checking the ninth answer. Unclear cases
    are left for `mien self-report rename`.

    Example: mien self-report mistyped --repair
    """
    with Store(where, create=False) as store:
        found = store.self_reports.mistyped()
        repaired = [each for each in found if repair and each.certain and each.fits]
        for each in repaired:
            store.self_reports.repair(store.subjects.get(each.code), each.report.id, each.meant)
        safety = safety_text(store, [each.report for each in found])
    if as_json:
        numbers = [each.report.id for each in repaired]
        print_json({"mistyped": found, "repaired": numbers, "safety_text": safety})
        return
    for each in found:
        typer.echo(_told(each, repaired=each in repaired))
    if not found:
        typer.echo("none")
    if safety:
        typer.echo(f"\n{safety}")


@app.command()
def rename(
    code: CodeArgument,
    number: Annotated[int, number_argument("As `mien self-report list` shows it.")],
    scale: ScaleArgument,
    other_scale: OtherScaleOption = None,
    where: StoreOption = None,
) -> None:
    """Move a self-report to the scale that was meant; the audit log keeps the old name.

    Example: mien self-report rename P-017 3 phq9
    """
    with Store(where, create=False) as store:
        report = store.self_reports.repair(store.subjects.get(code), number, scale, limits=other_scale)
        safety = scales.safety_text(store, [report])
    typer.echo(f"{scales.title_of(report.scale)} {scales.told_total(report)}, {shown(report.at)}")
    if scales.ninth_is_unknown(report):
        typer.echo(scales.NINTH_UNKNOWN)
    if safety:
        typer.echo(f"\n{safety}")


@app.command()
def questions(
    scale: Annotated[str, typer.Argument(metavar="SCALE", help="mood, phq9 or gad7.")],
    language: Annotated[str, typer.Option(help="en, de or es.", metavar="LANGUAGE")] = "en",
) -> None:
    """Print a scale's questions and answers in their published wording, to read out or hand out.

    Example: mien self-report questions phq9 --language de
    """
    if known(scale) is None:
        raise ConfigError(f"expected a scale of {', '.join(SCALES)}, received {scale!r}")
    if language not in LANGUAGES:
        raise ConfigError(f"--language: expected {', '.join(LANGUAGES)}, received {language!r}")
    words = in_language(scale, language)
    typer.echo(f"{words.title}\n\n{words.question}\n")
    for number, item in enumerate(words.items, start=1):
        typer.echo(f"{number:2}. {item}")
    _print_answers(words.answers)
    if words.difficulty:
        typer.echo(f"10. {words.difficulty}")
        _print_answers(words.difficulty_answers)
    typer.echo(words.source)


def _print_answers(answers: tuple[str, ...]) -> None:
    if answers:
        typer.echo("\n" + ", ".join(f"{value} {words}" for value, words in enumerate(answers)) + "\n")


def _read(answers: list[str]) -> tuple[list[int | None] | None, float | None]:
    """Return the items or, where there is one number alone, the total."""
    try:
        if len(answers) == 1:
            return None, float(answers[0])
        return [None if each == "-" else int(each) for each in answers], None
    except ValueError as error:
        raise ConfigError(f"expected numbers, received {' '.join(answers)}") from error


def _said_of(report: SelfReport) -> dict[str, object]:
    return {
        "prorated": scales.prorated(report),
        "ninth_unknown": scales.ninth_is_unknown(report),
        "safety": scales.needs_safety_text(report),
    }


def _said(report: SelfReport) -> str:
    items = " ".join("-" if each is None else str(each) for each in report.items or ())
    total = f"{report.total:5g}" if report.total is not None else scales.told_total(report)
    parts = [
        total,
        f"({items})" if items else "",
        f"difficulty {report.difficulty}" if report.difficulty is not None else "",
        "*" if scales.ninth_is_unknown(report) else "",
    ]
    return " ".join(part for part in parts if part) + (f"  {report.note}" if report.note else "")


def _told(each: Mistyped, *, repaired: bool) -> str:
    report = each.report
    line = f"{each.code} {report.id:4}  {shown(report.at)}  {report.scale} {report.total:g}: "
    if repaired:
        line += f"now {title_of(each.meant)}"
    elif not each.fits:
        line += f"no total of {title_of(each.meant)}; mien self-report remove {each.code} {report.id}"
    elif each.certain:
        line += f"{title_of(each.meant)}; mien self-report mistyped --repair"
    else:
        line += (
            f"{title_of(each.meant)}? mien self-report rename {each.code} {report.id} {each.meant}, or"
            f" {report.scale} --other-scale LOWEST HIGHEST"
        )
    return line + (" (ninth answer unknown)" if ninth_is_unknown(report) else "")
