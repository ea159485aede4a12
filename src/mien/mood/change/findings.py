"""What changed, in words: first how the days were filmed, then whether expression is as usual."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from mien.mood.baseline import LEAST_DAYS_FOR_ALARM, Baseline, NotReady, usable
from mien.mood.change.ar1 import information, ordinals
from mien.mood.change.charts import Alarm, Chart, watchable
from mien.mood.change.conditions import TITLES, Stretch, alike, stretches, unlike
from mien.mood.change.monitoring import WATCHED, WORN, charts
from mien.mood.definitions import MEASURES
from mien.wording import count

FindingKind = Literal["not_ready", "network", "camera", "light", "coverage", "promise", "change"]

LEAST_COVERAGE: Final = 0.5
"""Below this share of the time, what is said stands on little."""

RECENT_DAYS: Final = 28
"""The days whose coverage counts."""

LASTING_DAYS: Final = 7
"""Days of other light or another camera after which a new baseline is proposed."""

LEAST_YEAR_DAYS: Final = 330
"""A baseline of fewer days knows no whole year: a season then looks like a change."""

_TOGETHER_DAYS: Final = 7
"""Changes of several measures are one where the intervals of their dates lie no further apart."""

_Z_90: Final = 1.645
_SHORT: Final = {"expressivity": "flatness", "valence_mean": "valence", "smiles_per_min": "smiles"}

_LASTING: Final = {
    ("expressivity", 1): "the face has moved more than it usually does",
    ("expressivity", -1): "the face has moved less than it usually does",
    ("flatness", 1): "the face has moved less than it usually does",
    ("flatness", -1): "the face has moved more than it usually does",
    ("valence_mean", 1): "the expression has been more pleasant than usual",
    ("valence_mean", -1): "the expression has been less pleasant than usual",
    ("smiles_per_min", 1): "there have been more smiles than usual",
    ("smiles_per_min", -1): "there have been fewer smiles than usual",
    ("resting_heart_rate", 1): "the heart at rest has beaten faster than usual",
    ("resting_heart_rate", -1): "the heart at rest has beaten slower than usual",
    ("body_arousal", 1): "the body has been more aroused than usual after its first minutes",
    ("body_arousal", -1): "the body has been less aroused than usual after its first minutes",
}
_OVER: Final = {
    words: words.replace("has moved", "moved")
    .replace("has been", "was")
    .replace("have been", "were")
    .replace("has beaten", "beat")
    for words in _LASTING.values()
}
_SEASON: Final = " A change of season would look the same: the baseline covers less than a year."


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to be said of a person's days.

    Attributes:
        kind: what it is about; they come in the order not_ready, network, camera, light, coverage, promise,
            change. "promise" says that the chosen interval of false alarms can't be kept for this person.
        measure: its name; of a change that several measures show, the one that changed most; "" where it is
            about none.
        since: from when, most likely; None where it has no date.
        until: the last day; None where it lasts, or has no date.
        size_sd: how large a change is, in standard deviations of own days; above 0 for higher values of the
            measure. None for what is no change.
        low, high: its 90 % interval.
        coverage: share of the time with a usable reading over the days that it is about; None where not
            known.
        text: what is to be said: of a change one sentence in plain words, then its figures.
        advice: the clinic's text, beside the first change that lasts; else "".
        plain: of a change, its first sentence; else "".
        since_low, since_high: the 90 % interval of the first day of a change; None for what is none.
        over: the first day on which a change was over, most likely; None while it lasts.
        measures: of a change, all measures that show it, the one that changed most first.
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
    plain: str = ""
    since_low: dt.date | None = None
    since_high: dt.date | None = None
    over: dt.date | None = None
    measures: tuple[str, ...] = ()


def nothing_told(false_alarm_days: float | None = None) -> str:
    """Return that no change was found, and not that there is none.

    Args:
        false_alarm_days: as in `findings`, to be said too; None leaves it out.
    """
    chance = f" (a false alarm about once in {false_alarm_days:g} days)" if false_alarm_days else ""
    return f"No change could be told apart from chance{chance}. This does not mean that nothing has changed."


def verdict(found: Sequence[Finding], false_alarm_days: float | None) -> str:
    """Return what findings mean beside chance: nothing was told, or how often chance alone tells a change.

    Args:
        found: from `findings`.
        false_alarm_days: as in `findings`.

    Returns:
        A sentence; "" where nobody watches for changes, or where it was said that nothing can be promised.
    """
    kinds = {each.kind for each in found}
    idle = any(each.kind == "not_ready" and not each.measure for each in found)
    if not false_alarm_days or idle:
        return ""
    if "change" not in kinds:
        return nothing_told(false_alarm_days)
    if "promise" in kinds:
        return ""
    return f"By chance alone, a change is reported about once in {false_alarm_days:g} days."


def findings(
    days: pd.DataFrame,
    baseline: Baseline | NotReady,
    *,
    false_alarm_days: float | None,
    crisis_text: str = "",
    watched: tuple[str, ...] = WATCHED,
) -> list[Finding]:
    """Return what changed against a person's own usual.

    Args:
        days: one row a day, by date; columns `usable_minutes`, the measures, and where they are known
            `coverage` and `camera`.
        baseline: the person's own, or why there is none.
        false_alarm_days: days from one false alarm to the next that are to be expected of all watched
            measures together; None: nobody has chosen, and no change is told.
        crisis_text: what a clinic wants said beside a change that lasts; "" for nothing.
        watched: the measures to watch.

    Returns:
        In the order in which they should be read: what makes days unlike the baseline comes before any talk
        of expression.
    """
    if isinstance(baseline, NotReady):
        return [_plain("not_ready", baseline.reason)]
    marks = unlike(days, baseline)
    found = (
        [_not_ready(baseline, false_alarm_days)] if not baseline.alarms_ready or not false_alarm_days else []
    )
    found += [_conditions(each, usable(days)) for each in stretches(days, marks, baseline)]
    found += _low_coverage(usable(days))
    if baseline.alarms_ready and false_alarm_days:
        found += [_unwatched(name) for name in watched if _told(name, days) and not watchable(name, baseline)]
        found += changes(days, baseline, false_alarm_days, crisis_text, watched)
    order = ("not_ready", "network", "camera", "light", "coverage", "promise", "change")
    return sorted(found, key=lambda each: order.index(each.kind))


def changes(
    days: pd.DataFrame,
    baseline: Baseline,
    false_alarm_days: float,
    crisis_text: str,
    watched: tuple[str, ...],
) -> list[Finding]:
    """Watch each measure by an EWMA over the days filmed as the baseline was; see `monitoring.charts`.

    One change is told once, with all measures that show it.

    Args:
        days: one row a day, by date.
        baseline: the person's own.
        false_alarm_days: of all watched measures together.
        crisis_text: to be said beside the first change that lasts.
        watched: the measures' names.

    Returns:
        By date, behind what is to be said of the promise about false alarms.
    """
    kept = alike(days, baseline)
    drawn = charts(days, baseline, false_alarm_days=false_alarm_days, watched=watched)
    shown = [
        _Shown(chart, alarm, *size(alarm, chart, kept[chart.measure], baseline))
        for chart in drawn
        for alarm in chart.alarms
    ]
    found = [_change(together, kept) for together in _together(shown)]
    first = next((place for place, each in enumerate(found) if each.until is None), None)
    if first is not None:
        found[first] = replace(found[first], advice=crisis_text)
    if found and (baseline.end - baseline.start).days < LEAST_YEAR_DAYS:
        found[0] = replace(found[0], text=found[0].text + _SEASON)
    return [*_doubts(drawn, false_alarm_days), *found]


@dataclass(frozen=True, slots=True)
class _Shown:
    """A change as one measure shows it, with its size and the interval of that."""

    chart: Chart
    alarm: Alarm
    size_sd: float
    low: float
    high: float

    def goes_with(self, other: _Shown) -> bool:
        """Return whether both may be one change: begun at the same time, as far as that is known."""
        mine, theirs = self.alarm, other.alarm
        slack = dt.timedelta(_TOGETHER_DAYS)
        return (
            self.chart.measure != other.chart.measure
            and mine.since_low - slack <= theirs.since_high
            and theirs.since_low - slack <= mine.since_high
        )


def _together(shown: Sequence[_Shown]) -> list[list[_Shown]]:
    """Put together what is one change, by date; in each the measure that changed most comes first."""
    groups: list[list[_Shown]] = []
    for each in sorted(shown, key=lambda each: each.alarm.since):
        group = next((group for group in groups if all(each.goes_with(other) for other in group)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return [sorted(group, key=lambda each: -abs(each.size_sd)) for group in groups]


def _doubts(drawn: Sequence[Chart], false_alarm_days: float) -> list[Finding]:
    """Return of whom, and why, the chosen interval can't be promised: once for each reason."""
    reasons = dict.fromkeys(each.doubt for each in drawn if each.doubt)
    return [
        _plain(
            "promise",
            f"for this person, one false alarm in {false_alarm_days:g} days can't be guaranteed: {reason} "
            f"({', '.join(_short(each.measure) for each in drawn if each.doubt == reason)})",
        )
        for reason in reasons
    ]


def size(
    alarm: Alarm, chart: Chart, figures: pd.Series[Any], baseline: Baseline
) -> tuple[float, float, float]:
    """Return a change's size, in standard deviations of own days, with its 90 % interval.

    The mean of the days since the change, weighed for their autocorrelation. The interval holds what these
    days, the baseline's level and its spread leave open.

    Args:
        alarm: the change.
        chart: that told it.
        figures: the measure's, by date.
        baseline: the person's own.
    """
    known = figures.dropna()
    kept = known[(known.index >= alarm.since) & (known.index <= (alarm.until or dt.date.max))]
    dates = list(kept.index)
    far = chart.fit.deviations(dates, kept.to_numpy(np.float64))
    numbers, phi = ordinals(dates), chart.fit.phi
    weights = 1 - phi ** np.diff(numbers, prepend=numbers[0] - 30, append=numbers[-1] + 30).astype(np.float64)
    pull = weights[:-1] + weights[1:]
    value = float(pull @ far / pull.sum())
    own = baseline.measures[chart.measure]
    variance = 1 / information(numbers, phi) + 1 / information(ordinals(own.dates), phi)
    reach = _Z_90 * float(np.sqrt(variance + value**2 / (2 * (own.days - 1))))
    return value, value - reach, value + reach


def _change(shown: Sequence[_Shown], days: pd.DataFrame) -> Finding:
    """Return one change, with all measures that show it."""
    lead, today = shown[0], days.index[-1]
    dated = min((each.alarm for each in shown), key=lambda each: each.since_high - each.since_low)
    lasts = any(each.alarm.until is None for each in shown)
    until = None if lasts else max(each.alarm.until for each in shown if each.alarm.until)
    over = None if lasts else max(each.alarm.over for each in shown if each.alarm.over)
    coverage = _coverage(_between(days, dated.since, until))
    plain = _sentence(shown, dated.since, until, today)
    ended = f", over since {_day(over, today)}" if over else ""
    figures = [_measured(each, None if over else each.alarm.over, today) for each in shown]
    figures += [] if coverage is None else [f"coverage {100 * coverage:.0f} %"]
    begun = f"{_day(dated.since, today)} ({_range(dated.since_low, dated.since_high, today)})"
    text = f"{plain} Since {begun}{ended}: {'; '.join(figures)}."
    return Finding(
        "change", lead.chart.measure, dated.since, until, lead.size_sd, lead.low, lead.high, coverage, text,
        plain=plain, since_low=dated.since_low, since_high=dated.since_high, over=over,
        measures=tuple(each.chart.measure for each in shown),
    )  # fmt: skip


def _sentence(shown: Sequence[_Shown], since: dt.date, until: dt.date | None, today: dt.date) -> str:
    """Return a change in plain words."""
    words = list(dict.fromkeys(_words(each, lasts=until is None) for each in shown))
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    when = f"since about {_day(since, today)}"
    if until is not None:
        when = f"from about {_day(since, today)} to about {_day(until, today)}; that is over"
    return f"{listed[:1].upper()}{listed[1:]} {when}."


def _words(each: _Shown, *, lasts: bool) -> str:
    measure, direction = each.chart.measure, each.alarm.direction
    verb = "has been" if lasts else "was"
    other = f"{_name(measure)} {verb} {'higher' if direction > 0 else 'lower'} than usual"
    words = _LASTING.get((measure, direction), other)
    return words if lasts else _OVER.get(words, words)


def _measured(each: _Shown, over: dt.date | None, today: dt.date) -> str:
    """Return the size of a change in one measure."""
    # A less expressive face is a flatter one: it is told as flatness, so that more of it is more.
    value, low, high = each.size_sd, each.low, each.high
    if each.chart.measure == "expressivity":
        value, low, high = -value, -high, -low
    ended = f", over since {_day(over, today)}" if over else ""
    name = _short(each.chart.measure)
    return f"{name} {value:+z.1f} SD of own days, 90 % interval {low:.1f} to {high:.1f}{ended}"


def _range(low: dt.date, high: dt.date, today: dt.date) -> str:
    """Name the days from which to which a change may have begun."""
    if low == high:
        return "that day"
    first = f"{low.day}" if (low.month, low.year) == (high.month, high.year) else _day(low, today)
    return f"{first} to {_day(high, today)}"


def _short(measure: str) -> str:
    return _SHORT.get(measure, _name(measure))


def _conditions(run: Stretch, days: pd.DataFrame) -> Finding:
    when = _when(run.since, run.until, days.index[-1])
    if run.kind == "camera":
        what = f"another camera {when}"
    elif run.kind == "network":
        what = f"read by another network, or by one that was calibrated differently, {when}"
    else:
        change = f"{_figure(run.now)}, usually {_figure(run.before)}"
        what = f"{TITLES[run.condition]} different from the baseline {when} ({change})"
    number = count(run.days, "day")
    text = f"{what}: {number} left out, because expression can't be compared with usual"
    if run.until is None and run.days >= LASTING_DAYS:
        text += "; if this lasts, take a new baseline"
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


def _not_ready(baseline: Baseline, false_alarm_days: float | None) -> Finding:
    reason = baseline.missing_for_alarms
    if not reason and not false_alarm_days:
        reason = "changes are not reported: first choose how often a false alarm is acceptable"
    return _plain("not_ready", reason)


def _told(measure: str, days: pd.DataFrame) -> bool:
    """Return whether days tell of a measure at all; those of a body only where sensors were worn."""
    return measure in days and (measure not in WORN or bool(days[measure].notna().any()))


def _unwatched(measure: str) -> Finding:
    reason = (
        f"has values on fewer than {LEAST_DAYS_FOR_ALARM} days of the baseline,"
        " or the same value on most of them"
    )
    return replace(_plain("not_ready", f"{_short(measure)} can't be watched: it {reason}"), measure=measure)


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
