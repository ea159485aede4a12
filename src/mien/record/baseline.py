"""The person's own baseline: taken deliberately from chosen days, and kept until it is taken anew."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from mien.errors import StoreError
from mien.mood.baseline import Baseline, NotReady
from mien.mood.expressivity import own_neutral
from mien.record.days import days
from mien.record.finalize import load_series
from mien.store.audit import as_one_reading
from mien.store.types import Subject

if TYPE_CHECKING:
    from mien.store.store import Store


def taken(store: Store, subject: Subject) -> Baseline | None:
    """Return the baseline that was taken last; None where there is none."""
    last = store.baselines.latest(subject)
    return None if last is None else Baseline.from_json(last.value)


def standing(store: Store, subject: Subject) -> Baseline | NotReady:
    """Return the baseline that was taken, or say why there is none: too little for it, or nobody took it."""
    kept = taken(store, subject)
    if kept is not None:
        return kept
    found = Baseline.of(days(store, subject))
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
) -> Baseline | NotReady:
    """Return what the baseline of a stretch of days would be, without taking it.

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
    # Of one network, as `Baseline.of` takes the days: that of the last recording.
    network = chosen[-1].network if chosen else ""
    neutral = own_neutral([load_series(store, each.id) for each in chosen if each.network == network])
    own = None if neutral is None else neutral.probabilities
    # Expressivity is measured from the new neutral face; what is usual follows from these very days.
    only_neutral = Baseline(start or date.min, end or date.max, 0, 0.0, {}, own)
    table = days(store, subject, baseline=only_neutral, keep=False)
    return Baseline.of(table, start=start, end=end, neutral=own)


def take(store: Store, subject: Subject, *, start: date | None = None, end: date | None = None) -> Baseline:
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
