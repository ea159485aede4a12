"""Gathers what a report is written from out of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Final

import mien
from mien.errors import ConfigError
from mien.mood.change import watched
from mien.mood.change.charts import Chart
from mien.mood.change.findings import Finding, verdict
from mien.mood.change.watched import days_apart
from mien.mood.definitions import MEASURES
from mien.mood.usual import NotReady, Usual
from mien.record.baseline import standing, taken
from mien.record.changes import findings_of
from mien.record.days import days
from mien.record.scales import OUTCOMES, title_of
from mien.report.material import ControlChart, Material, Told, choose_period
from mien.store.audit import as_one_reading
from mien.store.types import FALSE_ALARM_DAYS, Annotation, SelfReport, Subject

if TYPE_CHECKING:
    import pandas as pd

    from mien.store.store import Store

_TEXTS: Final = ("phq9_safety", "report_footer")
_KINDS: Final = {"cusum": "CUSUM", "ewma": "EWMA"}


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
    usual = standing(store, subject)
    found = [each for each in findings_of(store, until_then, usual) if _concerns(each, first)]
    return Material(
        code=subject.code,
        start=first,
        end=last,
        made_at=now,
        version=mien.__version__,
        days=until_then.loc[until_then.index >= first],
        recordings=[each for each in recordings if first <= each.day <= last],
        reports=[each for each in reports if first <= each.at.date() <= last],
        annotations=[each for each in annotations if _touches(each, first, last)],
        found=[Told(each.kind, each.text, each.advice) for each in found],
        usual={} if isinstance(usual, NotReady) else {n: m.range for n, m in usual.measures.items()},
        apart=frozenset(days_apart(until_then, usual)),
        verdict=verdict(found, store.texts.setting(FALSE_ALARM_DAYS)),
        texts={name: store.texts.get(name) for name in _TEXTS},
        measures=MEASURES,
        charts=_drawn(store, until_then, usual) if charts else (),
        starting_points=_starting_points(reports, starting_point) if starting_point else {},
    )


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


def _drawn(store: Store, table: pd.DataFrame, usual: Usual | NotReady) -> list[ControlChart]:
    """Give both charts of each measure that is watched."""
    if isinstance(usual, NotReady):
        return []
    chosen = store.texts.setting(FALSE_ALARM_DAYS)
    drawn = watched.charts(table, usual, false_alarm_days=chosen, kinds=("ewma", "cusum"))
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
