"""People for the record's pages: days whose figures are there already, so that nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mien.mood.baseline import Baseline
from mien.mood.definitions import MEASURES
from mien.mood.episodes import episodes
from mien.mood.series import Series
from mien.mood.simulated_face import Moment, new_face, recording
from mien.record import days as record_days
from mien.signals.types import Figure
from mien.store.store import Store
from mien.store.types import FACE, SIGNALS, Event, StoredRecording, Subject

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2025, 5, 5)

_LEVELS = {
    "coverage": (0.78, 0.12, 0.0, 1.0),
    "valence_mean": (0.08, 0.09, -1.0, 1.0),
    "arousal_mean": (-0.05, 0.07, -1.0, 1.0),
    "expressivity": (0.32, 0.05, 0.0, 1.4),
    "smiles_per_min": (1.4, 0.5, 0.0, 9.0),
    "quality_mean": (0.7, 0.04, 0.0, 1.0),
    "light_mean": (0.75, 0.04, 0.0, 1.0),
    "sharpness_mean": (0.66, 0.05, 0.0, 1.0),
    "face_px": (210.0, 12.0, 60.0, 400.0),
}
"""Mean, spread and limits of a day's figure."""


def figures(
    days: int = 365, *, seed: int = 0, first: date = FIRST, flat_from: int | None = None
) -> pd.DataFrame:
    """Return days as `record.days.days` does: some missing, from a day on less pleasant and expressive."""
    rng = np.random.default_rng(seed)
    kept = [first + timedelta(each) for each in range(days) if rng.random() > 0.12]
    rows: dict[date, dict[str, Any]] = {}
    mood = 0.0
    for day in kept:
        mood = 0.6 * mood + rng.normal(0, 0.8)
        low = flat_from is not None and (day - first).days >= flat_from
        rows[day] = _figures(rng, mood - 2.2 * low)
    columns = ["minutes", "usable_minutes", "recordings", "camera", "simulated"]
    columns += [f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    numeric = [name for name in columns if name not in ("recordings", "camera", "simulated")]
    table[numeric] = table[numeric].astype(np.float64)
    table.index.name = "date"
    return table


def _figures(rng: np.random.Generator, mood: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "minutes": 10.0,
        "usable_minutes": 7.8,
        "recordings": 1,
        "camera": "camera",
        "simulated": True,
    }
    for name in MEASURES:
        mean, spread, least, most = _LEVELS.get(name, (0.2, 0.03, 0.0, 1.0))
        own = mood if name in ("valence_mean", "expressivity", "smiles_per_min") else rng.normal()
        value = float(np.clip(mean + spread * own, least, most))
        width = 0.35 * spread if MEASURES[name].interval else 0.0
        row |= {name: value, f"{name}_low": value - width, f"{name}_high": value + width}
    return row


def fill(
    store: Store, subject: Subject, table: pd.DataFrame, *, baseline_days: int | None = None
) -> list[StoredRecording]:
    """Write days into a store: a recording each without readings, and their figures as computed already."""
    usual = Baseline.of(table.iloc[:baseline_days]) if baseline_days else None
    made = []
    agree(store, subject)
    with store.transaction():
        if isinstance(usual, Baseline):
            store.baselines.add(subject, usual.to_json())
        stamp = record_days._stamp(usual if isinstance(usual, Baseline) else None)
        for day, row in table.iterrows():
            made.append(record(store, subject, datetime.combine(day, time(9, 30), BERLIN), minutes=10))
            version = record_days._digest([record_days._VERSION, [_facts(made[-1])], [None], stamp])
            value = {key: None if each != each else each for key, each in row.to_dict().items()}
            store.figures.put(subject, f"day:{day.isoformat()}", version, value)
    return made


def agree(store: Store, subject: Subject, signals: Sequence[str] = FACE) -> None:
    """Let a subject agree, from long ago on, who has not said anything yet."""
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    with store.audit.unlogged():
        if not store.consents.of(subject):
            store.consents.give(subject, given_by="x", purpose="y", signals=signals, given_at=long_ago)


def _facts(recording: StoredRecording) -> list[Any]:
    return [recording.uuid, recording.length_s, recording.frames, recording.state]


def record(
    store: Store,
    subject: Subject,
    started_at: datetime,
    *,
    minutes: float = 1.0,
    kind: str = "simulated",
    series: Series | None = None,
    coverage: float = 0.8,
    body: Sequence[Figure] = (),
) -> StoredRecording:
    """Write one recording, with readings or without, and what a body said beside it."""
    agree(store, subject, SIGNALS if body else FACE)
    begun = store.recordings.start(
        subject, kind=kind, source="camera", started_at=started_at,
        models={"network": {"name": "mien", "sha256": "c0ffee" * 10}}, settings={}, version="0.5",
    )  # fmt: skip
    length_s = 60.0 * minutes
    if series is not None:
        length_s = float(series.time_s[-1])
        store.readings.append(begun.id, columns(series))
        store.readings.set_events(begun.id, [Event(**asdict(each)) for each in episodes(series)])
    if body:
        store.signals.add(begun.id, body)
    return store.recordings.finish(
        begun.id, length_s=length_s, frames=round(10 * length_s), coverage=coverage
    )


def columns(series: Series) -> dict[str, Any]:
    """Return a series as the store takes it; frames without a face have no row there."""
    own = {name: getattr(series, name) for name in Series.__slots__}
    return {**own, "frame": np.arange(len(series))}


def readings(seconds: float = 180, *, seed: int = 0) -> Series:
    """Return readings at 10 Hz of somebody who smiles now and then, and looks away."""
    random = np.random.default_rng(seed)
    return recording(random, new_face(random), Moment(), length_s=seconds, rate_hz=10)


def body(seconds: float = 600.0, *, loose: tuple[float, float] = (200.0, 260.0)) -> list[Figure]:
    """Return what a body's sensors say, window by window; meanwhile an electrode comes loose.

    The wrist is taken off for the second half.
    """
    rng = np.random.default_rng(0)
    found = []
    for start in np.arange(0.0, seconds - 59, 10):
        end = start + 60
        bad = start < loose[1] and end > loose[0]
        rate, quality = 70 + 8 * np.sin(start / 90) + rng.normal(), 0.2 if bad else 0.95

        def add(
            signal: str, measure: str, unit: str, value: float | None, quality: float, *, at: float = start
        ) -> None:
            found.append(Figure(at, at + 60, signal, measure, unit, value, quality))

        add("ECG", "heart_rate", "1/min", None if bad else float(rate), quality)
        add("ECG", "rmssd_ms", "ms", None if bad else float(35 + rng.normal(0, 5)), quality)
        if end <= seconds / 2:
            add("wrist", "skin_level", "uS", 4 + 0.002 * start, 0.95)
            add("wrist", "skin_responses", "1/min", 3.0, 0.95)
        add("belt", "breathing_rate", "1/min", float(14 + rng.normal()), 0.8)
        add("smile", "muscle_activity", "uV", float(8 + abs(rng.normal(0, 3))), 0.9)
        add("brow", "muscle_activity", "uV", float(5 + abs(rng.normal())), 0.9)
        for place, electrode in enumerate(("F3", "F4", "Cz")):
            add(electrode, "eeg_alpha", "uV2", float(10 + place + rng.normal()), 0.6)
        add("F4-F3", "frontal_asymmetry", "", float(rng.normal(0, 0.1)), 0.6)
    return found
