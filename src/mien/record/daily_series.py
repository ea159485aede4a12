"""Any daily series from a CSV file, watched by the same charts as faces are; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from mien.errors import ConfigError, SourceError
from mien.mood.change.findings import Finding, findings
from mien.mood.change.watched import charts
from mien.mood.usual import LEAST_DAY_MINUTES, NotReady, Usual
from mien.textfile import encoding_of

if TYPE_CHECKING:
    from mien.mood.change.charts import Chart

_DATE_NAMES: Final = ("date", "day", "datum", "fecha")
_MOST_MEASURES: Final = 8
"""Measures that are watched together, where none are named: each more makes the limits of all wider."""


@dataclass(frozen=True, eq=False)
class WatchedSeries:
    """A daily series, and what the charts say of it.

    Attributes:
        days: (days, measures) the mean of each day, by rising `datetime.date`.
        usual: the baseline, or why there is none.
        found: what changed, in words.
        charts: one of each measure that can be watched.
    """

    days: pd.DataFrame
    usual: Usual | NotReady
    found: tuple[Finding, ...]
    charts: tuple[Chart, ...]


def read_series(
    path: Path,
    *,
    date_column: str | None = None,
    date_format: str | None = None,
    measures: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a series with a date column; several rows of a day become their mean.

    Args:
        path: of the CSV file.
        date_column: its name; where left out the one that is called date or day.
        date_format: as in `datetime.strptime`, such as %d/%m/%y; ISO 8601 where left out.
        measures: the columns to watch; all columns of numbers where left out, if there are few.

    Returns:
        One row for each day that has one, by rising date; a column for each measure, NaN without a figure.

    Raises:
        SourceError: the file can't be read.
        ConfigError: a column isn't there or holds no numbers, or a date isn't one.
    """
    try:
        table = pd.read_csv(path, encoding=encoding_of(path))
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: can't be read as CSV ({error})") from error
    named = _date_column(table, date_column, path)
    try:
        # As texts, as 20260501 is a number to pandas; and whole, as "2026" would be its first of January.
        written = table[named].astype("string").str.strip()
        if date_format is None and (short := written[written.str.len() < len("20260501")]).size:
            raise ValueError(f"{short.iloc[0]!r} names no day")
        dates = pd.to_datetime(written, format=date_format or "ISO8601")
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{path}: column {named!r} holds no dates of the form {date_format or '2026-05-01'}; name theirs"
            f" with --date-format, such as %d/%m/%y ({error})"
        ) from error
    if dates.isna().any():
        raise ConfigError(f"{path}: row {int(dates.isna().to_numpy().argmax()) + 2} has no date")
    chosen = (
        [_numbers(table, name, path) for name in measures] if measures else _all_numbers(table, named, path)
    )
    return pd.concat(chosen, axis=1).groupby(pd.Index(dates.dt.date, name="date")).mean()


def watch(
    days: pd.DataFrame, *, false_alarm_days: float, start: date | None = None, end: date | None = None
) -> WatchedSeries:
    """Watch each measure of a series against its own baseline.

    Args:
        days: from `read_series`.
        false_alarm_days: days from one false alarm to the next, of all measures together.
        start: the baseline's first day; the first there is where left out.
        end: the baseline's last day; where left out, the day on which 42 have a row.
    """
    from mien.record.simulated import BASELINE_DAYS

    table = days.assign(usable_minutes=LEAST_DAY_MINUTES * 5)
    begun = table.loc[table.index >= (start or date.min)]
    last = end or begun.index[min(BASELINE_DAYS, len(begun)) - 1] if len(begun) else date.max
    usual = Usual.of(table, start=start, end=last)
    names = tuple(str(name) for name in days.columns)
    found = findings(table, usual, false_alarm_days=false_alarm_days, watched=names)
    drawn = (
        [] if isinstance(usual, NotReady)
        else charts(table, usual, false_alarm_days=false_alarm_days, watched=names)
    )  # fmt: skip
    return WatchedSeries(days, usual, tuple(found), tuple(drawn))


def _date_column(table: pd.DataFrame, chosen: str | None, path: Path) -> str:
    columns = [str(each) for each in table.columns]
    found = chosen or next((each for each in columns if each.strip().lower() in _DATE_NAMES), None)
    if found is None or found not in columns:
        raise ConfigError(
            f"{path}: expected a column of dates, named with --date-column, received"
            f" {', '.join(columns[:12])}"
        )
    return found


def _numbers(table: pd.DataFrame, name: str, path: Path) -> pd.Series[float]:
    if name not in table:
        raise ConfigError(f"{path}: there is no column {name!r}")
    try:
        return pd.to_numeric(table[name]).astype(np.float64)
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{path}: column {name!r} holds something that is not a number ({error})"
        ) from error


def _all_numbers(table: pd.DataFrame, dates: str, path: Path) -> list[pd.Series[float]]:
    names = [
        str(each) for each in table.columns if each != dates and pd.api.types.is_numeric_dtype(table[each])
    ]
    if not 0 < len(names) <= _MOST_MEASURES:
        raise ConfigError(f"{path}: {len(names)} columns hold numbers; choose those to watch with --measure")
    return [_numbers(table, name, path) for name in names]
