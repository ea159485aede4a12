"""`mien venue report`, `compare`, `export`: a venue's cells on paper, at the terminal and in tables."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from mien.cli.console import print_json
from mien.cli.options import JsonOption, StoreOption
from mien.store.store import Store

VenueArgument = Annotated[str, typer.Argument(metavar="VENUE", help="The venue's name.")]
StationOption = Annotated[
    str | None, typer.Option("--station", help="Only this station [all together].", metavar="STATION")
]
DayOption = Annotated[
    datetime | None,
    typer.Option("--day", formats=["%Y-%m-%d"], help="The last day [the last with visits].", metavar="DATE"),
]
FirstOption = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="The first day [eight weeks before].", metavar="DATE"),
]
LastOption = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], help="The last day [the last with visits].", metavar="DATE"),
]


def report(
    venue: VenueArgument,
    span: Annotated[
        Literal["day", "week"], typer.Option("--span", help="A day, or the seven days up to it.")
    ] = "week",
    last: DayOption = None,
    station: StationOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file, .pdf or .html [VENUE-SPAN.pdf].", metavar="FILE"),
    ] = None,
    where: StoreOption = None,
) -> None:
    """Write a venue's report of a day or a week, as a PDF or an HTML page.

    Coverage comes first, each figure has its interval, and nothing is finer than an hour. What was changed
    (`mien venue mark`) is compared with the days before it, once there are ten days on both sides.

    Example: mien venue report cafe --span day --out today.pdf
    """
    from mien.places.venue_report import save_venue_report

    path = out or Path(f"{venue}-{span}.pdf")
    with Store(where, create=False) as store:
        save_venue_report(store, venue, path, span=span, last=_day(last), station=station)
    typer.echo(str(path))


_COMPARED: Final = ("venue", "station", "last", "usual", "levels", "marks", "agreement")


def compare(
    venue: VenueArgument,
    last: DayOption = None,
    station: StationOption = None,
    where: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a day with the same weekday and hours before, and the days before and after each change.

    Also says what has left its usual level by itself over the last weeks, by more than chance explains.

    Example: mien venue compare cafe
    """
    from mien.mood.congruence import LEAST_PAIRS
    from mien.places.effects import LEAST_DAYS, LEAST_SAME
    from mien.places.venue_summary import read_summary
    from mien.places.venue_words import DAYS, agreement_words, comparison_words, effect_words, level_words

    with Store(where, create=False) as store:
        found = read_summary(store, venue, last=_day(last), station=station)
    if as_json:
        told = found.as_dict()
        print_json({name: told[name] for name in _COMPARED})
        return
    typer.echo(f"{DAYS[found.last.weekday()]} {found.last}, against the weeks before")
    for comparison in found.usual:
        typer.echo(f"  {comparison_words(comparison)}")
    if not found.usual:
        typer.echo(
            f"  can't be compared yet: that needs visits on {LEAST_SAME} earlier days of this weekday at the"
            f" same hours, and on {LEAST_DAYS} days in all"
        )
    typer.echo("Over the weeks")
    for words in level_words(found.levels):
        typer.echo(f"  {words}")
    for each in found.marks:
        days = f"{each.days_before} days before, {each.days_after} after"
        typer.echo(f"{each.mark.at.astimezone():%Y-%m-%d} {each.mark.text} ({days})")
        for line in map(effect_words, each.effects):
            typer.echo(f"  {line}")
        if each.missing:
            typer.echo(f"  {each.missing}")
    if found.answers is not None:
        typer.echo(agreement_words(found.agreement, found.agreement_days, LEAST_PAIRS))


def export(
    venue: VenueArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file, .csv or .parquet [VENUE.csv].", metavar="FILE"),
    ] = None,
    first: FirstOption = None,
    last: LastOption = None,
    by: Annotated[Literal["hour", "day", "week"], typer.Option("--by", help="What a row is of.")] = "day",
    station: StationOption = None,
    epsilon: Annotated[
        float | None,
        typer.Option(
            help="Add differential privacy, 0.01 (most) to 10 (least), such as 1; needs the extra privacy.",
            metavar="EPSILON",
        ),
    ] = None,
    where: StoreOption = None,
) -> None:
    """Export a venue's figures as CSV or Parquet, each of at least ten visits.

    With --epsilon, noise is added to each row's sums, so that the table hardly depends on any one visit; use
    it for what is published, best by week. Each further table of the same days spends as much again.

    Example: mien venue export cafe --by hour --out cafe.parquet
    """
    from mien.places.effects import USUAL_DAYS
    from mien.places.venue_export import check_suffix, save_table, table_of
    from mien.places.venue_summary import last_day

    path = out or Path(f"{venue}.csv")
    check_suffix(path)
    with Store(where, create=False) as store:
        end = _day(last) or last_day(store, venue, station)
        begin = _day(first) or end - timedelta(USUAL_DAYS - 1)
        table = table_of(store, venue, first=begin, last=end, station=station, by=by, epsilon=epsilon)
    save_table(table, path)
    typer.echo(f"{path}: {len(table)} rows, {begin} to {end}")
    if epsilon is not None:
        typer.echo(f"with differential privacy, epsilon {epsilon:g} for one visit", err=True)


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()
