"""`Material`: what a report is written from, gathered out of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import pandas as pd

import mien
from mien.errors import ConfigError
from mien.mood.baseline import Baseline, NotReady
from mien.mood.change.charts import Chart
from mien.mood.change.conditions import days_apart
from mien.mood.change.findings import Finding, verdict
from mien.mood.change.monitoring import charts as watched_charts
from mien.mood.definitions import MEASURES
from mien.mood.estimate import Measure
from mien.record.baseline import standing, taken
from mien.record.changes import findings_of
from mien.record.days import days
from mien.record.scales import OUTCOMES, title_of
from mien.store.audit import as_one_reading
from mien.store.types import FALSE_ALARM_DAYS, Annotation, SelfReport, StoredRecording, Subject

if TYPE_CHECKING:
    from mien.signals.types import Figure
    from mien.store.store import Store

USUAL_DAYS: Final = 84
"""Without a chosen start, the report is about the last twelve weeks."""

MOST_BODIES: Final = 12
"""So many recordings are shown with what sensors on the body said."""

_TEXTS: Final = ("phq9_safety", "report_footer")
_KINDS: Final = {"cusum": "CUSUM", "ewma": "EWMA"}


@dataclass(frozen=True, slots=True)
class Told:
    """Something that was found, as a sentence.

    Attributes:
        kind: "network", "light", "camera", "coverage", "promise", "change" or "not_ready".
        text: the sentence.
        advice: the clinic's own text beside a change that lasts; else "".
    """

    kind: str
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class ControlChart:
    """A chart that watches one measure.

    Attributes:
        title: which chart, of which measure.
        dates: rising.
        statistic: one value for each date, above 0 for higher than usual.
        limit: above it, or below its negative, the chart alarms.
        alarms: days on which the limit was crossed.
        words: the expected days between false alarms, and what the chart's figures are.
    """

    title: str
    dates: Sequence[date]
    statistic: Sequence[float]
    limit: float
    alarms: Sequence[date]
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class RecordedBody:
    """What sensors on the body said in one recording.

    Attributes:
        started_at: the recording's start.
        length_s: of the recording.
        figures: of its windows, in seconds from the start.
    """

    started_at: datetime
    length_s: float
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a report is written from; everything lies inside the period.

    Attributes:
        code: the subject's.
        start, end: the period, both days belonging to it.
        made_at: now, aware.
        version: of Mien.
        days: one row for each day with a recording, by rising `datetime.date`; columns as in `record.days`.
        recordings, reports, annotations: in order of time.
        found: findings, in the order in which they are to be told.
        usual: the ends of the person's own usual range, by measure.
        texts: "phq9_safety", "report_footer".
        measures: what the figures are, by name.
        charts: for the long report.
        apart: days that can't be compared: filmed unlike the baseline, or with too little that could be read.
        starting_points: by scale, the report that response is counted from, where one was chosen; it may lie
            before the period.
        verdict: what the findings mean beside chance, with the chosen days between false alarms; or empty.
        bodies: what sensors on the body said in the newest recordings that have any, in order of time; in a
            short report only where there is one recording.
        more_bodies: how many other recordings have any.
    """

    code: str
    start: date
    end: date
    made_at: datetime
    version: str
    days: pd.DataFrame
    recordings: Sequence[StoredRecording] = ()
    reports: Sequence[SelfReport] = ()
    annotations: Sequence[Annotation] = ()
    found: Sequence[Told] = ()
    usual: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    texts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    measures: Mapping[str, Measure] = field(default_factory=lambda: MappingProxyType({}))
    charts: Sequence[ControlChart] = ()
    apart: frozenset[date] = frozenset()
    verdict: str = ""
    starting_points: Mapping[str, SelfReport] = field(default_factory=lambda: MappingProxyType({}))
    bodies: Sequence[RecordedBody] = ()
    more_bodies: int = 0


def choose_period(
    start: date | None, end: date | None, seen: Sequence[date], today: date
) -> tuple[date, date]:
    """Choose the report's days where they are not given.

    Args:
        start: as the user chose it; None for its own.
        end: the same.
        seen: days on which something was recorded, said or noted.
        today: what the period ends with where nothing was.

    Returns:
        The first and the last day. By itself it ends with the last day seen, and goes back twelve weeks at
        most.

    Raises:
        ConfigError: the start lies after the end.
    """
    if start and end and start > end:
        raise ConfigError(f"expected a period that starts before it ends, received {start} to {end}")
    chosen_end = end or max([*seen, *([start] if start else [])], default=today)
    if start:
        return start, chosen_end
    before = [each for each in seen if each <= chosen_end]
    earliest = chosen_end - timedelta(days=USUAL_DAYS - 1)
    return max(min(before, default=chosen_end), earliest), chosen_end


@as_one_reading
def gather(
    store: Store,
    subject: Subject,
    *,
    start: date | None = None,
    end: date | None = None,
    zone: tzinfo | None = None,
    charts: bool = False,
    starting_point: date | None = None,
) -> Material:
    """Gather what a report is written from.

    Args:
        store: the record.
        subject: whose report.
        start: the first day; see `choose_period` for its own.
        end: the last day; the same.
        zone: whose days marks and self-reports are counted to; None is the machine's own.
        charts: with the charts that watch some measures.
        starting_point: the day from which on the first whole total of a questionnaire is what response is
            counted from; None takes the first in the period.

    Raises:
        ConfigError: the period ends before it starts, or there is no whole total from the starting point on.
    """
    now = store.now().astimezone(zone)
    table = days(store, subject, baseline=taken(store, subject))
    recordings = [each for each in store.recordings.of(subject) if each.state != "open"]
    annotations = _marks(store, subject, zone)
    reports = _reports(store, subject, zone)
    seen = [*table.index, *(each.at.date() for each in annotations), *(each.at.date() for each in reports)]
    first, last = choose_period(start, end, seen, now.date())
    until_then = table.loc[table.index <= last]
    baseline = standing(store, subject)
    found = [each for each in findings_of(store, until_then, baseline) if _concerns(each, first)]
    inside = [each for each in recordings if first <= each.day <= last]
    bodies, more_bodies = _bodies(store, inside) if charts or len(inside) == 1 else ((), 0)
    return Material(
        code=subject.code,
        start=first,
        end=last,
        made_at=now,
        version=mien.__version__,
        days=until_then.loc[until_then.index >= first],
        recordings=inside,
        reports=[each for each in reports if first <= each.at.date() <= last],
        annotations=[each for each in annotations if _touches(each, first, last)],
        found=[Told(each.kind, each.text, each.advice) for each in found],
        usual={} if isinstance(baseline, NotReady) else {n: m.range for n, m in baseline.measures.items()},
        apart=frozenset(days_apart(until_then, baseline)),
        verdict=verdict(found, store.texts.setting(FALSE_ALARM_DAYS)),
        texts={name: store.texts.get(name) for name in _TEXTS},
        measures=MEASURES,
        charts=_drawn(store, until_then, baseline) if charts else (),
        starting_points=_starting_points(reports, starting_point) if starting_point else {},
        bodies=bodies,
        more_bodies=more_bodies,
    )


def _bodies(store: Store, recordings: Sequence[StoredRecording]) -> tuple[list[RecordedBody], int]:
    """Return what sensors said in the newest recordings that have any, and how many others have."""
    sensed = [each for each in recordings if store.signals.kept(each.id)]
    shown = sensed[-MOST_BODIES:]
    bodies = [RecordedBody(each.started_at, each.length_s, store.signals.of(each.id)) for each in shown]
    return bodies, len(sensed) - len(shown)


def _starting_points(reports: Sequence[SelfReport], since: date) -> dict[str, SelfReport]:
    found: dict[str, SelfReport] = {}
    for each in reports:
        if each.scale in OUTCOMES and each.total is not None and each.at.date() >= since:
            found.setdefault(each.scale, each)
    if not found:
        titles = " or ".join(title_of(name) for name in OUTCOMES)
        raise ConfigError(f"expected a starting point with a {titles} on it or after it, received {since}")
    return found


def _marks(store: Store, subject: Subject, zone: tzinfo | None) -> list[Annotation]:
    return [
        replace(each, at=each.at.astimezone(zone), until=each.until and each.until.astimezone(zone))
        for each in store.annotations.of(subject)
    ]


def _reports(store: Store, subject: Subject, zone: tzinfo | None) -> list[SelfReport]:
    return [replace(each, at=each.at.astimezone(zone)) for each in store.self_reports.of(subject)]


def _touches(mark: Annotation, first: date, last: date) -> bool:
    return mark.at.date() <= last and (mark.until or mark.at).date() >= first


def _concerns(finding: Finding, first: date) -> bool:
    return finding.until is None or finding.until >= first


def _drawn(store: Store, table: pd.DataFrame, baseline: Baseline | NotReady) -> list[ControlChart]:
    """Return both charts of each measure that is watched."""
    if isinstance(baseline, NotReady):
        return []
    chosen = store.texts.setting(FALSE_ALARM_DAYS)
    drawn = watched_charts(table, baseline, false_alarm_days=chosen, kinds=("ewma", "cusum"))
    return [_control_chart(each) for each in drawn]


def _promise(chart: Chart) -> str:
    days = f"{chart.false_alarm_days:.0f} days"
    if chart.doubt:
        return f"One false alarm in {days} was chosen for this chart, and can't be guaranteed: {chart.doubt}."
    return f"Without a change, this chart is expected to raise one alarm in {days}."


def _control_chart(chart: Chart) -> ControlChart:
    return ControlChart(
        f"{_KINDS[chart.kind]} of {MEASURES[chart.measure].title.lower()}",
        chart.dates,
        chart.statistic.tolist(),
        chart.upper,
        [each.date for each in chart.alarms],
        _promise(chart),
    )
