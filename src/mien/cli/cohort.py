"""`mien cohort`: how well recordings' measures tell two groups of people apart."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.console import print_json, progress_bar
from mien.cli.options import JsonOption
from mien.install import extras_command
from mien.wording import count

if TYPE_CHECKING:
    from mien.videos.cohort.study import CohortResult

_SHOWN = 8


def cohort(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE|RECORD",
            help="A table with a row for each recording (.csv, .tsv, .parquet), a table of `mien analyze`"
            " or a folder of such, or a record's store.",
        ),
    ],
    label: Annotated[
        str,
        typer.Option(
            help="The column to tell apart; of a record, remission or response by the PHQ-9.",
            metavar="COLUMN",
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Option(help="A table with the labels, by subject or by source.", metavar="FILE"),
    ] = None,
    positive: Annotated[
        str | None,
        typer.Option(help="The value that is predicted [yes, true, 1, or the rarer].", metavar="VALUE"),
    ] = None,
    negative: Annotated[
        str | None, typer.Option(help="The value that it is told from [the only other].", metavar="VALUE")
    ] = None,
    subject: Annotated[
        str, typer.Option(help="The column that says whose a recording is.", metavar="COLUMN")
    ] = "subject",
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Also tell the result by this column, such as age; may be repeated.", metavar="COLUMN"
        ),
    ] = None,
    nuisance: Annotated[
        list[str] | None,
        typer.Option(
            help="A column that says who, where or how, and is no measure; those with usual names (site,"
            " camera, length_s, age) are known; may be repeated.",
            metavar="COLUMN",
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="Use only this measure; may be repeated [all columns of numbers].", metavar="COLUMN"
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave this column out; may be repeated.", metavar="COLUMN"),
    ] = None,
    states: Annotated[
        bool, typer.Option("--states", help="The label is a recording's, and may differ within a subject.")
    ] = False,
    expect: Annotated[
        float,
        typer.Option(
            help="The area under the curve that would be worth finding; decides how many people it takes.",
            min=0.55,
            max=0.99,
            metavar="AUC",
        ),
    ] = 0.75,
    rounds: Annotated[
        int | None,
        typer.Option(
            help="How often labels are exchanged between people [500, from 5,000 people on 200].",
            metavar="N",
            min=100,
            max=10_000,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed.", metavar="N", min=0)] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Write cohort.json, cohort.html and cohort.pdf to this folder.",
            metavar="FOLDER",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how well recordings tell two groups of people apart, and what could fool you.

    Whole people are held out, never single recordings. A site, a camera, a length or an age that tells the
    label by itself is found and said; a cohort with too few people is refused, with the number that it would
    take. The result is about groups and says nothing of one person.

    Example: mien cohort cohort.csv --label remission --by age --out study
    """
    from mien.videos.cohort.report import FILES, check_free
    from mien.videos.cohort.study import cohort as study

    say = partial(typer.echo, err=True)
    if out is not None:
        check_free(out, overwrite=overwrite)
    with progress_bar("studying", 1, wanted=not as_json) as progress:
        found = study(
            table, label, by=by or (), circumstances=nuisance or (), labels=labels, expected=expect,
            seed=seed, rounds=rounds, progress=lambda _, done: progress(done),
            say=say, positive=positive, negative=negative,
            subject=subject, measures=measure or (), without=without or (), states=states,
        )  # fmt: skip
    written = found.save(out, overwrite=overwrite) if out is not None else []
    if as_json:
        from mien.videos.cohort.words import findings

        print_json(found.as_dict() | {"findings": findings(found)})
        return
    _say(found)
    for path in written:
        typer.echo(str(path))
    if out is not None and len(written) < len(FILES):
        say(f"note: for cohort.pdf, too, install the typst package: {extras_command('record')}")


def _say(found: CohortResult) -> None:
    from mien.videos.cohort.words import findings

    with_label, without = found.people
    typer.echo(
        f"{found.name}: {with_label:,} people with {found.label} {found.classes[0]}, {without:,} with"
        f" {found.classes[1]}; {count(found.recordings, 'recording')},"
        f" {count(len(found.measure_names), 'measure')}"
    )
    if found.simulated:
        typer.echo("simulated: a program made this cohort up")
    for line in findings(found):
        typer.echo(f"- {line}")
    typer.echo(f"\n{'measure':28} {'difference, SD':>22} {'AUC alone':>18} {'chosen':>7} {'AUC lost':>9}")
    for each in found.measures[:_SHOWN]:
        apart = f"{each.difference.value:+.2f} [{each.difference.low:+.2f}, {each.difference.high:+.2f}]"
        typer.echo(
            f"{each.name[:28]:28} {apart:>22} {each.alone!s:>18} {100 * each.selected:6.0f}%"
            f" {each.importance:+9.3f}"
        )
    if (left := len(found.measures) - _SHOWN) > 0:
        typer.echo(f"and {count(left, 'other measure')}")
    if found.groups:
        heads = f"{'people':>7} {found.label[:14]:>14} {'AUC':>18} {'predicted':>10} {'observed':>9}"
        typer.echo(f"\n{'group':28} {heads}")
    for part in found.groups:
        typer.echo(
            f"{f'{part.column} {part.value}'[:28]:28} {part.people:7,} {part.with_label:14,}"
            f" {part.area or 'too few'!s:>18} {100 * part.predicted:9.0f}% {100 * part.observed:8.0f}%"
        )
    typer.echo("\nanswered   right")
    for some in found.models[0].withheld:
        typer.echo(
            f"{100 * some.coverage:6.0f} %   {some.right}   (always the larger class:"
            f" {some.larger_class:.2f})"
        )
    for line in found.remarks:
        typer.echo(f"note: {line}")
