"""What has changed in a subject's days, told against the baseline that was taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mien.mood.change.findings import Finding, findings
from mien.record.baseline import preview, taken
from mien.record.days import days
from mien.store.types import Subject

if TYPE_CHECKING:
    from mien.store.store import Store

FALSE_ALARM_DAYS: Final = "false_alarm_days"
"""The setting of a store: days from one false alarm to the next; nobody has chosen it before it is set."""


def changes(store: Store, subject: Subject) -> list[Finding]:
    """Say what has changed, in words; what makes days unlike the baseline comes first.

    Without a baseline that somebody took, it says what is missing for one, or that none was taken.

    Args:
        store: the record.
        subject: whose days.
    """
    usual = taken(store, subject) or preview(store, subject)
    return findings(
        days(store, subject, baseline=taken(store, subject)),
        usual,
        false_alarm_days=store.texts.setting(FALSE_ALARM_DAYS),
        crisis_text=store.texts.get("crisis"),
    )
