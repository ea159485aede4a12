"""A subject's days: the figures of each, computed once and kept."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.mood.body import of_body
from mien.mood.definitions import MEASURES
from mien.mood.episodes import Episode
from mien.mood.figures import figures
from mien.mood.series import Series
from mien.record.finalize import load_series
from mien.store.audit import as_one_reading
from mien.store.types import Annotation, StoredRecording, Subject

if TYPE_CHECKING:
    import pandas as pd

    from mien.mood.baseline import Baseline
    from mien.store.store import Store

_VERSION: Final = 3
"""Rises when a measure's formula changes, so that what is kept is computed anew."""

Span = tuple[float, float]


@as_one_reading
def days(
    store: Store, subject: Subject, *, baseline: Baseline | None = None, keep: bool = True
) -> pd.DataFrame:
    """Return the figures of each day with a recording.

    A day's figures are computed from all its recordings at once, never across the gap between two. They are
    kept in the store until one of its recordings, its marks of speaking or the baseline changes.

    Args:
        store: the record.
        subject: whose days.
        baseline: what expressivity and flatness are measured against; see `baseline.taken`.
        keep: keep what is computed; not for a baseline that is only tried.

    Returns:
        One row a day, by rising `datetime.date`: `minutes` and `usable_minutes` recorded, `recordings` (how
        many), `camera` (names of the sources), `network` (what gave the readings, see
        `StoredRecording.network`), `simulated`; and for each measure of `mood.definitions`
        its value, `NAME_low` and `NAME_high`, NaN below its least data. A day without a recording has no row.
    """
    import pandas as pd

    by_day: dict[date, list[StoredRecording]] = defaultdict(list)
    for recording in store.recordings.of(subject):
        if recording.state != "open":
            by_day[recording.day].append(recording)
    marks, stamp = _speaking(store, subject), _stamp(baseline)
    kept = store.figures.of(subject, "day:") if keep else {}
    rows: dict[date, dict[str, Any]] = {}
    for day, recordings in sorted(by_day.items()):
        speaking = [_spans(recording, marks.get(recording.id)) for recording in recordings]
        key, version = f"day:{day.isoformat()}", _version(recordings, speaking, stamp)
        row = kept.get(key, {}).get(version)
        if row is None:
            row = _computed(store, recordings, speaking, baseline)
            if keep:
                store.figures.put(subject, key, version, row)
        rows[day] = row
    columns = ["minutes", "usable_minutes", "recordings", "camera", "network", "simulated"]
    columns += [f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    numbers = [name for name in columns if name not in ("recordings", "camera", "network", "simulated")]
    table[numbers] = table[numbers].astype(np.float64)
    table.index.name = "date"
    return table


def _version(
    recordings: Sequence[StoredRecording], speaking: Sequence[Sequence[Span] | None], stamp: str
) -> str:
    """Return what changes when a day's figures have to be computed anew."""
    facts = [[each.uuid, each.length_s, each.frames, each.state] for each in recordings]
    return _digest([_VERSION, facts, speaking, stamp])


def _computed(
    store: Store,
    recordings: Sequence[StoredRecording],
    speaking: Sequence[Sequence[Span] | None],
    baseline: Baseline | None,
) -> dict[str, Any]:
    parts = [load_series(store, each.id) for each in recordings]
    events = [
        [
            Episode(each.kind, each.label, each.onset_s, each.apex_s, each.offset_s, each.peak)
            for each in store.readings.events(recording.id)
            if each.kind != "blink"
        ]
        for recording in recordings
    ]
    found = figures(parts, events=events, baseline=baseline, speaking=speaking)
    found |= of_body([store.signals.of(each.id) for each in recordings])
    row: dict[str, Any] = {
        "minutes": sum(_length_s(part) for part in parts) / 60,
        "usable_minutes": sum(float(part.step_s[part.usable].sum()) for part in parts) / 60,
        "recordings": len(recordings),
        "camera": ", ".join(sorted({each.source for each in recordings if each.source})),
        "network": ", ".join(sorted({each.network for each in recordings if each.network})),
        "simulated": any(each.kind == "simulated" for each in recordings),
    }
    for name, estimate in found.items():
        row[name] = estimate and estimate.value
        row[f"{name}_low"] = estimate and estimate.low
        row[f"{name}_high"] = estimate and estimate.high
    return row


def _length_s(part: Series) -> float:
    return float(part.time_s[-1] - part.time_s[0] + part.step_s[-1]) if len(part) else 0.0


def _speaking(store: Store, subject: Subject) -> dict[int, list[Annotation]]:
    """Return the marks of speaking of each recording that has some."""
    marks: dict[int, list[Annotation]] = defaultdict(list)
    for each in store.annotations.of(subject):
        if each.kind == "speaking" and each.recording_id is not None:
            marks[each.recording_id].append(each)
    return dict(marks)


def _spans(recording: StoredRecording, marks: Sequence[Annotation] | None) -> list[Span] | None:
    """Return the marked stretches in seconds from the recording's start; None where nobody has marked any."""
    if marks is None:
        return None
    return [
        (
            (mark.at - recording.started_at).total_seconds(),
            ((mark.until or mark.at) - recording.started_at).total_seconds(),
        )
        for mark in marks
    ]


def _stamp(baseline: Baseline | None) -> str:
    if baseline is None:
        return ""
    own = None if baseline.neutral is None else np.round(baseline.neutral, 9).tolist()
    expressivity = baseline.measures.get("expressivity")
    return _digest([own, expressivity and [round(expressivity.median, 9), round(expressivity.mad, 9)]])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
