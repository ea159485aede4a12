"""A simulated person put into the store, for demonstrations and for learning how to read a record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

import mien
from mien.mood.baseline import Baseline
from mien.mood.series import Series
from mien.mood.simulated import SimulatedPerson, SimulatedRecording, simulate
from mien.mood.simulated_body import body
from mien.record import baseline
from mien.record.changes import choose_false_alarms
from mien.record.finalize import finalize
from mien.store.types import FACE, FALSE_ALARM_DAYS, Subject

if TYPE_CHECKING:
    from mien.store.store import Store

BASELINE_DAYS: Final = 42
"""The first days of a simulated person, whose recordings are taken as usual."""

Progress = Callable[[float], None]


DEMONSTRATION_WEEKS: Final = 12


def write_demonstration(store: Store, code: str, *, progress: Progress = lambda done: None) -> Subject:
    """Add a person of twelve weeks: usual ones, days in poor light, and a flatter face at the end.

    Where nobody has chosen yet, changes are told at one false alarm a year from then on.

    Args:
        store: the record.
        code: of the new subject.
        progress: told how much is done, 0 to 1.

    Raises:
        StoreError: as in `write_simulated`.
    """
    # From a Monday on, so that the same person has the same weeks whenever it is shown.
    today = store.now().astimezone().date()
    start = today - timedelta(days=today.weekday(), weeks=DEMONSTRATION_WEEKS)
    person = simulate(
        DEMONSTRATION_WEEKS, 4, start=start, flat_from=58, flat_size=3.0, light_change=49, light_days=4
    )
    subject = write_simulated(store, code, person, progress=progress)
    if store.texts.setting(FALSE_ALARM_DAYS) is None:  # a clinic's own choice is left alone
        choose_false_alarms(store, 365)
    return subject


def write_simulated(
    store: Store, code: str, person: SimulatedPerson, *, progress: Progress = lambda done: None
) -> Subject:
    """Add a simulated person to a store, as a subject of their own; everything of it is marked as simulated.

    The first `BASELINE_DAYS` become the baseline, where they are enough for one.

    Args:
        store: the record.
        code: of the new subject.
        person: from `mood.simulated.simulate`.
        progress: told how much is done, 0 to 1.

    Returns:
        The subject.

    Raises:
        StoreError: there is a subject of this code, or it can't be written.
    """
    subject = store.subjects.add(code, notes="Simulated: there is no real person behind this code.")
    store.consents.give(
        subject, given_by="simulated", purpose="to show what a record looks like",
        signals=(*FACE, "heart", "skin"),
        given_at=datetime.combine(person.start, time(), person.recordings[0].started_at.tzinfo),
    )  # fmt: skip
    # Apart from what the face is drawn from: the same person has the same face as before they had a body.
    random = np.random.default_rng(len(person.mood))
    felt = person.mood - 0.5 * person.flatness
    for index, each in enumerate(person.recordings):
        day = (each.started_at.date() - person.start).days
        with store.transaction():  # one of each: it is several times as fast, and nobody else waits for long
            _write(store, subject, each, random, float(felt[day]))
        progress((index + 1) / len(person.recordings))
    for report in person.reports:
        values = {"items": report.items} if report.items is not None else {"total": report.total}
        store.self_reports.add(subject, report.scale, at=report.at, **values)
    for note in person.notes:
        store.annotations.add(subject, note.kind, note.text, at=note.at, until=note.until)
    end = person.start + timedelta(days=BASELINE_DAYS - 1)
    _take_baseline(store, subject, end)
    return subject


def _write(
    store: Store, subject: Subject, each: SimulatedRecording, random: np.random.Generator, felt: float
) -> None:
    recording = store.recordings.start(
        subject, kind="simulated", source=each.camera, started_at=each.started_at,
        models={"network": "simulated"}, settings={}, version=mien.__version__,
    )  # fmt: skip
    columns = {field.name: getattr(each.series, field.name) for field in fields(Series)}
    store.readings.append(recording.id, columns)
    store.signals.add(recording.id, body(random, felt, float(each.series.time_s[-1])))
    store.recordings.finish(recording.id)
    finalize(store, recording.id)


def _take_baseline(store: Store, subject: Subject, end: date) -> None:
    found = baseline.preview(store, subject, end=end)
    if isinstance(found, Baseline):
        store.baselines.add(subject, found.to_json())
