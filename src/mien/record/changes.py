"""What has changed in a subject's days, told against the baseline that was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mien.errors import ConfigError
from mien.mood.change.findings import Finding, findings
from mien.record.baseline import standing, taken
from mien.record.days import days
from mien.store.types import Subject

if TYPE_CHECKING:
    from mien.store.store import Store

FALSE_ALARM_DAYS: Final = "false_alarm_days"
"""The setting of a store: days from one false alarm to the next; nobody has chosen it before it is set."""


LEAST_FALSE_ALARM_DAYS: Final = 30
"""More false alarms than one a month help nobody."""


def choose_false_alarms(store: Store, days: int | None) -> None:
    """Choose how many days are to lie between two false alarms; None tells no changes.

    Args:
        store: the record, for all of its subjects.
        days: at least `LEAST_FALSE_ALARM_DAYS`.

    Raises:
        ConfigError: fewer days.
    """
    if days is not None and days < LEAST_FALSE_ALARM_DAYS:
        raise ConfigError(f"false alarms: expected at least {LEAST_FALSE_ALARM_DAYS} days, received {days}")
    store.texts.set_setting(FALSE_ALARM_DAYS, days)


def changes(store: Store, subject: Subject) -> list[Finding]:
    """Say what has changed, in words; what makes days unlike the baseline comes first.

    Without a baseline that somebody took, it says what is missing for one, or that none was taken.

    Args:
        store: the record.
        subject: whose days.
    """
    return findings(
        days(store, subject, baseline=taken(store, subject)),
        standing(store, subject),
        false_alarm_days=store.texts.setting(FALSE_ALARM_DAYS),
        crisis_text=store.texts.get("crisis"),
    )
