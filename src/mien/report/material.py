"""`Material`: what a report is written from, without the store it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Final

import pandas as pd

from mien.errors import ConfigError
from mien.mood.estimate import Measure
from mien.store.types import Annotation, SelfReport, StoredRecording

USUAL_DAYS: Final = 84
"""Without a chosen start, the report is about the last twelve weeks."""


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
