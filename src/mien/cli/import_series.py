"""`mien import-series`: any daily series from a CSV file, watched by the same charts."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.console import print_json
from mien.cli.options import JsonOption
from mien.errors import ConfigError

if TYPE_CHECKING:
    from mien.record.daily_series import WatchedSeries


def import_series(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A table with a date column.")],
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="A column to watch; may be repeated [all columns of numbers].", metavar="COLUMN"
        ),
    ] = None,
    date_column: Annotated[
        str | None,
        typer.Option(help="The column of dates [date].", metavar="COLUMN"),
    ] = None,
    date_format: Annotated[
        str | None, typer.Option(help="How dates are written, such as %d/%m/%y.", metavar="FORMAT")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="The baseline's first day.", metavar="DATE"),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], help="The baseline's last day [42 days after the"
            " first].", metavar="DATE"
        ),
    ] = None,
    false_alarm_days: Annotated[
        int,
        typer.Option(help="Average days between false alarms, over all columns together.", metavar="DAYS"),
    ] = 365,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the series to this file: .png, .svg, .pdf or"
        " .webp.", metavar="FILE")
    ] = None,
    mark: Annotated[
        list[str] | None,
        typer.Option(help="A day to mark in the picture; may be repeated.", metavar="DATE=WORDS"),
    ] = None,
    source: Annotated[
        str, typer.Option(help="Whose data they are, written below the picture.", metavar="TEXT")
    ] = "",
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Watch any daily series with the charts used for faces: sleep, steps, answers in a diary.

    Several rows for one day are averaged. The first 42 days are the baseline unless you choose others.
    Nothing is stored, and the file is not changed.

    Example: mien import-series diary.csv --measure mood --measure sleep --picture diary.svg
    """
    from mien.record.daily_series import draw_series, read_series, watch

    marks = [_mark(each) for each in mark or ()]
    days = read_series(file, date_column=date_column, date_format=date_format, measures=measure or ())
    watched = watch(
        days, false_alarm_days=false_alarm_days, start=start and start.date(), end=end and end.date()
    )
    if picture is not None:
        draw_series(watched, picture, marks=marks, source=source)
    print_json(_as_json(watched)) if as_json else _say(watched, false_alarm_days)
    if picture is not None and not as_json:
        typer.echo(f"picture: {picture}")


def _mark(text: str) -> tuple[date, str]:
    day, _, words = text.partition("=")
    try:
        return date.fromisoformat(day.strip()), words.strip()
    except ValueError:
        raise ConfigError(
            f"--mark: expected DATE=WORDS such as 2026-05-01=holiday, received {text!r}"
        ) from None


def _as_json(watched: WatchedSeries) -> dict[str, Any]:
    from mien.mood.baseline import NotReady

    own = watched.baseline
    return {
        "days": len(watched.days),
        "baseline": None if isinstance(own, NotReady) else {"start": own.start, "end": own.end},
        "found": list(watched.found),
        "alarms": {
            chart.measure: {"limit": chart.upper, "doubt": chart.doubt, "alarms": list(chart.alarms)}
            for chart in watched.charts
        },
    }


def _say(watched: WatchedSeries, false_alarm_days: int) -> None:
    from mien.mood.baseline import NotReady
    from mien.mood.change.findings import verdict

    first, last = watched.days.index[0], watched.days.index[-1]
    typer.echo(f"{first} to {last}: {len(watched.days)} days with a row")
    if not isinstance(own := watched.baseline, NotReady):
        typer.echo(f"baseline: {own.start} to {own.end}, {own.days} days")
    for each in watched.found:
        typer.echo(each.text)
    if said := verdict(watched.found, false_alarm_days):
        typer.echo(said)
