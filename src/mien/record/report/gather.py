"""Gathers what a report is written from out of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, tzinfo
from typing import TYPE_CHECKING, Final

import mien
from mien.mood.change.charts import Chart, cusum, ewma, watchable
from mien.mood.change.conditions import unlike
from mien.mood.change.findings import WATCHED, Finding, findings
from mien.mood.definitions import MEASURES
from mien.mood.usual import NotReady, Usual, usable
from mien.record.baseline import standing, taken
from mien.record.changes import FALSE_ALARM_DAYS
from mien.record.days import days
from mien.record.report.daily import dates_of
from mien.record.report.material import ControlChart, Material, Told, choose_period
from mien.store.types import Annotation, SelfReport, Subject

if TYPE_CHECKING:
    import pandas as pd

    from mien.store.store import Store

_TEXTS: Final = ("phq9_safety", "report_footer")
_NINE_OF_TEN_SD: Final = 1.645
_KINDS: Final = {"cusum": "CUSUM", "ewma": "EWMA"}


def gather(
    store: Store,
    subject: Subject,
    *,
    start: date | None = None,
    end: date | None = None,
    zone: tzinfo | None = None,
    charts: bool = False,
) -> Material:
    """Gather what a report is written from.

    Args:
        store: the record.
        subject: whose report.
        start: the first day; see `choose_period` for its own.
        end: the last day; the same.
        zone: whose days marks and self-reports are counted to; None is the machine's own.
        charts: with the charts that watch some measures.

    Raises:
        ConfigError: the period ends before it starts.
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
    alarm_days = store.texts.setting(FALSE_ALARM_DAYS)
    found = findings(until_then, usual, false_alarm_days=alarm_days, crisis_text=store.texts.get("crisis"))
    watched = control_charts(until_then, usual, alarm_days) if charts else ()
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
        found=[Told(each.kind, each.text, each.advice) for each in found if _concerns(each, first)],
        usual=usual_ranges(usual),
        apart=days_apart(until_then, usual),
        texts={name: store.texts.get(name) for name in _TEXTS},
        measures=MEASURES,
        charts=watched,
    )


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


def usual_ranges(usual: Usual | NotReady) -> dict[str, tuple[float, float]]:
    """Give the ends between which nine of ten of a person's usual days lie, by measure."""
    if isinstance(usual, NotReady):
        return {}
    return {
        name: (each.median - _NINE_OF_TEN_SD * each.sd, each.median + _NINE_OF_TEN_SD * each.sd)
        for name, each in usual.measures.items()
    }


def days_apart(table: pd.DataFrame, usual: Usual | NotReady) -> frozenset[date]:
    """Give the days that were filmed unlike the baseline."""
    if isinstance(usual, NotReady):
        return frozenset()
    marks = unlike(table, usual)
    return frozenset(dates_of(marks.index[marks.any(axis=1)]))


def control_charts(
    table: pd.DataFrame, usual: Usual | NotReady, alarm_days: float | None
) -> Sequence[ControlChart]:
    """Give both charts of each measure that is watched, over the days that were filmed as the baseline was.

    Args:
        table: the days.
        usual: the person's baseline.
        alarm_days: days between false alarms, of all watched measures together; None: there are no charts.
    """
    if isinstance(usual, NotReady) or not usual.alarms_ready or not alarm_days:
        return ()
    alike = usable(table)
    alike = alike.loc[~alike.index.isin(list(days_apart(table, usual)))]
    names = [name for name in WATCHED if name in alike and watchable(name, usual)]
    drawn = [
        draw(alike[name], usual, false_alarm_days=alarm_days * len(names))
        for name in names
        for draw in (ewma, cusum)
    ]
    return [_control_chart(each) for each in drawn if each is not None]


def _control_chart(chart: Chart) -> ControlChart:
    return ControlChart(
        f"{_KINDS[chart.kind]} of {MEASURES[chart.measure].title.lower()}",
        chart.dates,
        chart.statistic.tolist(),
        chart.upper,
        [each.date for each in chart.alarms],
        f"Without a change, one alarm in {chart.false_alarm_days:.0f} days is to be expected of this chart.",
    )
