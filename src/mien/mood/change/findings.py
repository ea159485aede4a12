"""What changed, in words: first how the days were filmed, then whether expression is as usual."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from mien.mood.change.ar1 import information, ordinals
from mien.mood.change.charts import Alarm, Chart, watchable
from mien.mood.change.conditions import TITLES, Stretch, stretches, unlike
from mien.mood.change.watched import WATCHED, alike, charts
from mien.mood.definitions import MEASURES
from mien.mood.usual import LEAST_DAYS_FOR_ALARM, NotReady, Usual, usable
from mien.wording import count

FindingKind = Literal["not_ready", "network", "camera", "light", "coverage", "change"]

LEAST_COVERAGE: Final = 0.5
"""Below this share of the time, what is said stands on little."""

RECENT_DAYS: Final = 28
"""The days whose coverage counts."""

LASTING_DAYS: Final = 7
"""Days of other light or another camera after which a new baseline is proposed."""

_Z_90: Final = 1.645
_WORDS: Final = {
    ("expressivity", 1): "more expressive than usual",
    ("expressivity", -1): "less expressive than usual",
    ("flatness", 1): "less expressive than usual",
    ("flatness", -1): "more expressive than usual",
    ("valence_mean", 1): "expression more pleasant than usual",
    ("valence_mean", -1): "expression less pleasant than usual",
    ("smiles_per_min", 1): "more smiles than usual",
    ("smiles_per_min", -1): "fewer smiles than usual",
}
_SHORT: Final = {"valence_mean": "valence", "smiles_per_min": "smiles"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be said of a person's days.

    Attributes:
        kind: what it is about; they come in the order not_ready, network, camera, light, coverage,
            change.
        measure: its name; "" where it is about none.
        since: from when; None where it has no date.
        until: the last day; None where it lasts, or has no date.
        size_sd: how large a change is, in standard deviations of own days; above 0 for higher values of the
            measure. None for what is no change.
        low, high: its 90 % interval.
        coverage: share of the time with a usable reading over the days that it is about; None where not
            known.
        text: the sentence.
        advice: the clinic's text, beside the first change that lasts; else "".
    """

    kind: FindingKind
    measure: str
    since: dt.date | None
    until: dt.date | None
    size_sd: float | None
    low: float | None
    high: float | None
    coverage: float | None
    text: str
    advice: str = ""


def nothing_told(false_alarm_days: float | None = None) -> str:
    """Say that no change was found, and not that there is none.

    Args:
        false_alarm_days: as in `findings`, to be said too; None leaves it out.
    """
    chance = f" (a false alarm about once in {false_alarm_days:g} days)" if false_alarm_days else ""
    return f"No change could be told from chance{chance}. This does not say that nothing has changed."


def findings(
    days: pd.DataFrame,
    usual: Usual | NotReady,
    *,
    false_alarm_days: float | None,
    crisis_text: str = "",
    watched: tuple[str, ...] = WATCHED,
) -> list[Finding]:
    """Say what changed against a person's own usual.

    Args:
        days: one row a day, by date; columns `usable_minutes`, the measures, and where they are known
            `coverage` and `camera`.
        usual: the person's baseline, or why there is none.
        false_alarm_days: days from one false alarm to the next that are to be expected of all watched
            measures together; None: nobody has chosen, and no change is told.
        crisis_text: what a clinic wants said beside a change that lasts; "" for nothing.
        watched: the measures to watch.

    Returns:
        In the order in which they should be read: what makes days unlike the baseline comes before any talk
        of expression.
    """
    if isinstance(usual, NotReady):
        return [_plain("not_ready", usual.reason)]
    marks = unlike(days, usual)
    found = [_not_ready(usual, false_alarm_days)] if not usual.alarms_ready or not false_alarm_days else []
    found += [_conditions(each, usable(days)) for each in stretches(days, marks, usual)]
    found += _low_coverage(usable(days))
    if usual.alarms_ready and false_alarm_days:
        found += [_unwatched(name) for name in watched if name in days and not watchable(name, usual)]
        found += changes(days, usual, false_alarm_days, crisis_text, watched)
    order = ("not_ready", "network", "camera", "light", "coverage", "change")
    return sorted(found, key=lambda each: order.index(each.kind))


def changes(
    days: pd.DataFrame,
    usual: Usual,
    false_alarm_days: float,
    crisis_text: str,
    watched: tuple[str, ...],
) -> list[Finding]:
    """Watch each measure by an EWMA over the days that were filmed as the baseline was; see `watched.charts`.

    Args:
        days: one row a day, by date.
        usual: the person's baseline.
        false_alarm_days: of all watched measures together.
        crisis_text: to be said beside the first change that lasts.
        watched: the measures' names.

    Returns:
        By date.
    """
    kept = alike(days, usual)
    drawn = charts(days, usual, false_alarm_days=false_alarm_days, watched=watched)
    found = [_change(each, chart, kept, usual) for chart in drawn for each in chart.alarms]
    found.sort(key=lambda each: (each.since or dt.date.min, each.measure))
    first = next((place for place, each in enumerate(found) if each.until is None), None)
    return [_with_advice(each, crisis_text if place == first else "") for place, each in enumerate(found)]


def size(alarm: Alarm, chart: Chart, figures: pd.Series[Any], usual: Usual) -> tuple[float, float, float]:
    """Give a change's size, in standard deviations of own days, with its 90 % interval.

    The mean of the days since the change, weighed for their autocorrelation. The interval holds what these
    days, the baseline's level and its spread leave open.

    Args:
        alarm: the change.
        chart: that told it.
        figures: the measure's, by date.
        usual: the person's baseline.
    """
    known = figures.dropna()
    kept = known[(known.index >= alarm.since) & (known.index <= (alarm.until or dt.date.max))]
    dates = list(kept.index)
    far = chart.fit.deviations(dates, kept.to_numpy(np.float64))
    numbers, phi = ordinals(dates), chart.fit.phi
    weights = 1 - phi ** np.diff(numbers, prepend=numbers[0] - 30, append=numbers[-1] + 30).astype(np.float64)
    pull = weights[:-1] + weights[1:]
    value = float(pull @ far / pull.sum())
    own = usual.measures[chart.measure]
    variance = 1 / information(numbers, phi) + 1 / information(ordinals(own.dates), phi)
    reach = _Z_90 * float(np.sqrt(variance + value**2 / (2 * (own.days - 1))))
    return value, value - reach, value + reach


def _change(alarm: Alarm, chart: Chart, days: pd.DataFrame, usual: Usual) -> Finding:
    value, low, high = size(alarm, chart, days[chart.measure], usual)
    coverage = _coverage(_between(days, alarm.since, alarm.until))
    words = _WORDS.get((chart.measure, alarm.direction))
    if words is None:
        words = f"{_name(chart.measure)} {'higher' if alarm.direction > 0 else 'lower'} than usual"
    # A less expressive face is a flatter one: it is told as flatness, so that more of it is more.
    told = (-value, -high, -low) if chart.measure == "expressivity" else (value, low, high)
    name = "flatness" if chart.measure == "expressivity" else _SHORT.get(chart.measure, _name(chart.measure))
    text = (
        f"{words} {_when(alarm.since, alarm.until, days.index[-1])} "
        f"({name} {told[0]:+.1f} SD of own days, 90 % interval {told[1]:.1f} to {told[2]:.1f}"
        f"{'' if coverage is None else f', coverage {100 * coverage:.0f} %'})"
    )
    return Finding("change", chart.measure, alarm.since, alarm.until, value, low, high, coverage, text)


def _with_advice(finding: Finding, advice: str) -> Finding:
    return replace(finding, advice=advice)


def _conditions(run: Stretch, days: pd.DataFrame) -> Finding:
    when = _when(run.since, run.until, days.index[-1])
    if run.kind == "camera":
        what = f"another camera {when}"
    elif run.kind == "network":
        what = f"read by another network, or by one that was calibrated otherwise, {when}"
    else:
        change = f"{_figure(run.now)}, usually {_figure(run.before)}"
        what = f"{TITLES[run.condition]} unlike the baseline's {when} ({change})"
    number = count(run.days, "day")
    text = f"{what}: {number} left out, as expression can't be compared with usual"
    if run.until is None and run.days >= LASTING_DAYS:
        text += "; if it stays so, take a new baseline"
    coverage = _coverage(_between(days, run.since, run.until))
    return Finding(run.kind, run.condition, run.since, run.until, None, None, None, coverage, text)


def _low_coverage(days: pd.DataFrame) -> list[Finding]:
    if not len(days):
        return []
    since = days.index[-1] - dt.timedelta(RECENT_DAYS - 1)
    share = _coverage(days.loc[days.index >= since])
    if share is None or share >= LEAST_COVERAGE:
        return []
    text = f"low coverage: in the last {RECENT_DAYS} days {100 * share:.0f} % of the time could be read"
    return [Finding("coverage", "coverage", since, None, None, None, None, share, text)]


def _not_ready(usual: Usual, false_alarm_days: float | None) -> Finding:
    reason = usual.missing_for_alarms
    if not reason and not false_alarm_days:
        reason = "changes aren't told: nobody has chosen how many days may lie between false alarms"
    return _plain("not_ready", reason)


def _unwatched(measure: str) -> Finding:
    name = _SHORT.get(measure, _name(measure))
    reason = (
        f"has a figure on fewer than {LEAST_DAYS_FOR_ALARM} days of the baseline, or the same on most of them"
    )
    return replace(_plain("not_ready", f"{name} can't be watched: it {reason}"), measure=measure)


def _plain(kind: FindingKind, text: str) -> Finding:
    return Finding(kind, "", None, None, None, None, None, None, text)


def _between(days: pd.DataFrame, since: dt.date, until: dt.date | None) -> pd.DataFrame:
    return days.loc[(days.index >= since) & (days.index <= (until or dt.date.max))]


def _coverage(days: pd.DataFrame) -> float | None:
    """The days' coverage, weighed by their minutes where these are known."""
    if "coverage" not in days or not days["coverage"].notna().any():
        return None
    known = days.loc[days["coverage"].notna()]
    return float(np.average(known["coverage"], weights=known.get("minutes")))


def _when(since: dt.date, until: dt.date | None, today: dt.date) -> str:
    if until is None:
        return f"since {_day(since, today)}"
    return (
        f"on {_day(since, today)}" if since == until else f"from {_day(since, today)} to {_day(until, today)}"
    )


def _day(day: dt.date, today: dt.date) -> str:
    return f"{day.day} {day:%B}" if day.year == today.year else f"{day.day} {day:%B %Y}"


def _name(measure: str) -> str:
    return MEASURES[measure].title.lower() if measure in MEASURES else measure.replace("_", " ")


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"
