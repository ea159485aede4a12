"""The person's own baseline: taken deliberately from chosen days, and kept until it is taken anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

from mien.errors import StoreError
from mien.mood.expressivity import Floats, UsualMeasure, own_neutral
from mien.mood.usual import NotReady, Usual
from mien.record.days import days
from mien.record.finalize import load_series
from mien.store.audit import as_one_reading
from mien.store.types import Subject

if TYPE_CHECKING:
    from mien.store.store import Store


@dataclass(frozen=True)
class _NeutralOnly:
    """What days are measured against while a baseline is being taken."""

    neutral: Floats | None
    measures: Mapping[str, UsualMeasure] = field(default_factory=lambda: MappingProxyType({}))


def taken(store: Store, subject: Subject) -> Usual | None:
    """Give the baseline that was taken last; None where there is none."""
    last = store.baselines.latest(subject)
    return None if last is None else Usual.from_json(last.value)


def standing(store: Store, subject: Subject) -> Usual | NotReady:
    """Give the baseline that was taken, or say why there is none: too little for it, or nobody took it."""
    kept = taken(store, subject)
    if kept is not None:
        return kept
    found = Usual.of(days(store, subject))
    if isinstance(found, NotReady):
        return found
    reason = (
        f"there are {found.days} usable days with {found.minutes:.0f} usable minutes, but no one has"
        f" confirmed yet that they are usual for {subject.code}: take them as the baseline, on the"
        f" subject's page or with `mien usual {subject.code} --take`"
    )
    return NotReady(reason, found.days, found.minutes)


@as_one_reading
def preview(
    store: Store, subject: Subject, *, start: date | None = None, end: date | None = None
) -> Usual | NotReady:
    """Say what the baseline of a stretch of days would be, without taking it.

    Args:
        store: the record.
        subject: whose baseline.
        start: the first day; the very first where left out.
        end: the last day; the very last where left out.
    """
    chosen = [
        each
        for each in store.recordings.of(subject)
        if each.state != "open" and (start or date.min) <= each.day <= (end or date.max)
    ]
    # Of one network, as `Usual.of` takes the days: that of the last recording.
    network = chosen[-1].network if chosen else ""
    neutral = own_neutral([load_series(store, each.id) for each in chosen if each.network == network])
    own = None if neutral is None else neutral.probabilities
    table = days(store, subject, baseline=_NeutralOnly(own), keep=False)
    return Usual.of(table, start=start, end=end, neutral=own)


def take(store: Store, subject: Subject, *, start: date | None = None, end: date | None = None) -> Usual:
    """Take a stretch of days as what is usual for a person, from now on.

    Args:
        store: the record.
        subject: whose baseline.
        start: the first day; the very first where left out.
        end: the last day; the very last where left out.

    Raises:
        StoreError: there is too little in these days, with what is missing.
    """
    found = preview(store, subject, start=start, end=end)
    if isinstance(found, NotReady):
        raise StoreError(f"{subject.code}: {found.reason}")
    store.baselines.add(subject, found.to_json())
    return found
