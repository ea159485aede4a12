"""What has changed in a subject's days, told against the baseline that was taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from mien.errors import ConfigError, StoreError
from mien.mood.baseline import Baseline, NotReady
from mien.mood.change.charts import SHORTEST_FALSE_ALARM_DAYS
from mien.mood.change.findings import Finding, findings
from mien.mood.change.points import Point, change_points, run_lengths
from mien.mood.definitions import MEASURES
from mien.record.baseline import standing, taken
from mien.record.days import days
from mien.store.types import FALSE_ALARM_DAYS, Subject

if TYPE_CHECKING:
    import pandas as pd

    from mien.store.store import Store

_USUAL_FALSE_ALARM_DAYS: Final = 365


def choose_false_alarms(store: Store, days: int | None) -> None:
    """Choose how many days are to lie between two false alarms; None tells no changes.

    Args:
        store: the record, for all of its subjects.
        days: at least `SHORTEST_FALSE_ALARM_DAYS`: more than one a month helps nobody.

    Raises:
        ConfigError: fewer days.
    """
    if days is not None and days < SHORTEST_FALSE_ALARM_DAYS:
        least = f"{SHORTEST_FALSE_ALARM_DAYS:.0f}"
        raise ConfigError(f"false alarms: expected at least {least} days between two, received {days}")
    store.texts.set_setting(FALSE_ALARM_DAYS, days)


def changes(store: Store, subject: Subject) -> list[Finding]:
    """Return what has changed, in words; what makes days unlike the baseline comes first.

    Without a baseline that somebody took, it says what is missing for one, or that none was taken.

    Args:
        store: the record.
        subject: whose days.
    """
    table = days(store, subject, baseline=taken(store, subject))
    return findings_of(store, table, standing(store, subject))


def findings_of(store: Store, table: pd.DataFrame, baseline: Baseline | NotReady) -> list[Finding]:
    """Return what has changed in some days, with what the clinic has chosen and wants said.

    Args:
        store: the record.
        table: the days, as `days.days` gives them.
        baseline: from `baseline.standing`.
    """
    return findings(
        table,
        baseline,
        false_alarm_days=store.texts.setting(FALSE_ALARM_DAYS),
        crisis_text=store.texts.get("crisis"),
    )


@dataclass(frozen=True)
class LookBack:
    """What two other ways say of one measure; they raise no alarm, as nothing is promised of them.

    Attributes:
        points: change points behind the baseline, looking back over all days (PELT).
        since: when the present level most likely began, day by day (Bayesian); None while it most likely is
            the baseline's.
        changed: the probability that the level is no longer the baseline's; None without days behind it.
    """

    points: list[Point]
    since: date | None
    changed: float | None


def look_back(store: Store, subject: Subject, measure: str) -> LookBack:
    """Look for change points of one measure behind the baseline.

    Args:
        store: the record.
        subject: whose days.
        measure: a name of `mood.definitions.MEASURES`.

    Raises:
        ConfigError: no such measure.
        StoreError: there is no baseline, or it can't carry this measure.
        ModuleNotFoundError: without ruptures, which comes with `mien[record]`.
    """
    if measure not in MEASURES:
        raise ConfigError(f"measure: expected one of {', '.join(MEASURES)}, received {measure!r}")
    baseline = standing(store, subject)
    if isinstance(baseline, NotReady):
        raise StoreError(f"{subject.code}: {baseline.reason}")
    values = days(store, subject, baseline=baseline)[measure]
    points = change_points(values, baseline)
    if points is None:
        raise StoreError(f"{subject.code}: the baseline has too few days with {measure}")
    chosen = store.texts.setting(FALSE_ALARM_DAYS) or _USUAL_FALSE_ALARM_DAYS
    runs = run_lengths(values, baseline, false_alarm_days=chosen)
    known = runs is not None and len(runs.dates) > 0
    return LookBack(
        points, runs.since if runs and known else None, float(runs.changed[-1]) if runs and known else None
    )
