"""Any daily series from a CSV file, watched and drawn by the charts that faces have; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from mien.errors import ConfigError, SourceError
from mien.mood.baseline import LEAST_DAY_MINUTES, Baseline, NotReady
from mien.mood.change.findings import Finding, findings
from mien.mood.change.monitoring import charts
from mien.record.simulated import BASELINE_DAYS
from mien.textfile import encoding_of
from mien.wording import reason

if TYPE_CHECKING:
    from mien.mood.change.charts import Alarm, Chart

_DATE_NAMES: Final = ("date", "day", "datum", "fecha")
_MOST_MEASURES: Final = 8
"""Measures that are watched together, where none are named: each more makes the limits of all wider."""

PICTURES: Final = (".png", ".svg", ".pdf", ".webp")

_DAYS, _USUAL, _TOLD, _MARK = "#33506b", "#d5e3dc", "#c8553d", "#666666"


@dataclass(frozen=True, eq=False)
class WatchedSeries:
    """A daily series, and what the charts say of it.

    Attributes:
        days: (days, measures) the mean of each day, by rising `datetime.date`.
        baseline: the series' own, or why there is none.
        found: what changed, in words.
        charts: one of each measure that can be watched.
    """

    days: pd.DataFrame
    baseline: Baseline | NotReady
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
        raise SourceError(f"{path}: can't be read as CSV ({reason(error)})") from error
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
            f" with --date-format, such as %d/%m/%y ({reason(error)})"
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
    table = days.assign(usable_minutes=LEAST_DAY_MINUTES * 5)
    begun = table.loc[table.index >= (start or date.min)]
    last = end or begun.index[min(BASELINE_DAYS, len(begun)) - 1] if len(begun) else date.max
    baseline = Baseline.of(table, start=start, end=last)
    names = tuple(str(name) for name in days.columns)
    found = findings(table, baseline, false_alarm_days=false_alarm_days, watched=names)
    drawn = (
        [] if isinstance(baseline, NotReady)
        else charts(table, baseline, false_alarm_days=false_alarm_days, watched=names)
    )  # fmt: skip
    return WatchedSeries(days, baseline, tuple(found), tuple(drawn))


def draw_series(
    watched: WatchedSeries, path: Path, *, marks: Sequence[tuple[date, str]] = (), source: str = ""
) -> Path:
    """Draw a strip for each measure.

    Args:
        watched: from `watch`.
        path: where to; its ending is one of `PICTURES`.
        marks: days on which something is known to have happened, with a few words.
        source: whose data it is, written below.

    Raises:
        ConfigError: another ending.
    """
    if path.suffix.lower() not in PICTURES:
        raise ConfigError(f"{path}: expected a picture that ends in one of {', '.join(PICTURES)}")
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = list(watched.days.columns)
    figure = Figure(figsize=(9, 1.1 + 1.45 * len(names)), layout="constrained")
    strips = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for strip, name in zip(strips, names, strict=True):
        _strip(strip, watched, str(name))
        for day, _ in marks:
            strip.axvline(day, color=_MARK, linewidth=1, linestyle="--")
    for index, (day, words) in enumerate(sorted(marks)):
        strips[0].annotate(
            words,
            (day, 1.03 + 0.2 * (index % 2)),
            xycoords=("data", "axes fraction"),
            fontsize=8,
            color=_MARK,
            parse_math=False,
        )
    strips[-1].xaxis.set_major_formatter(_months())
    strips[-1].set_xlabel(source, fontsize=7, loc="left", parse_math=False)
    with rc_context({"svg.fonttype": "none"}):  # so that its text is text
        figure.savefig(path, dpi=110)
    return path


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


def _strip(strip: Any, watched: WatchedSeries, name: str) -> None:
    values = watched.days[name].dropna()
    strip.plot(list(values.index), values.to_numpy(), ".", color=_DAYS, markersize=3)
    words = name.replace("_", " ")
    strip.set_ylabel(words, fontsize=8, rotation=0, ha="right", va="center", parse_math=False)
    strip.tick_params(labelsize=7)
    strip.spines[["top", "right"]].set_visible(False)
    own = getattr(watched.baseline, "measures", {}).get(name)
    if own is not None:
        strip.axhspan(*own.range, color=_USUAL, zorder=0, linewidth=0)
        first, last = own.dates[0], own.dates[-1]
        strip.axvspan(first, last, color="#000000", alpha=0.06, linewidth=0)
    newest = values.index[-1] if len(values) else None
    for chart in watched.charts:
        if chart.measure == name:
            for alarm in chart.alarms:
                _told(strip, alarm, newest)


def _told(strip: Any, alarm: Alarm, last: Any) -> None:
    """Shade a change; below the interval of its first day, above the day on which it was told."""
    end = alarm.over or last + timedelta(1)
    strip.axvspan(alarm.since, end, color=_TOLD, alpha=0.22, linewidth=0, zorder=0)
    strip.plot(
        [alarm.since_low, alarm.since_high], [0.03, 0.03], color=_TOLD, linewidth=2.5,
        transform=strip.get_xaxis_transform(), solid_capstyle="butt",
    )  # fmt: skip
    strip.plot(
        [alarm.date], [0.97], marker="v", color=_TOLD, markersize=6, transform=strip.get_xaxis_transform(),
        linestyle="none",
    )  # fmt: skip


def _months() -> Any:
    from matplotlib.dates import DateFormatter

    return DateFormatter("%d %b %Y")  # type: ignore[no-untyped-call]
