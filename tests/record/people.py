"""Subjects with a full record, for the tests of export and import."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from mien.mood.baseline import Baseline
from mien.signals.types import Figure
from mien.store.store import Store
from mien.store.types import SIGNALS, Event, Subject
from store_series import readings

START = datetime(2026, 5, 3, 14, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)
"""After the last of the recordings."""
ODD = 'two\nlines, "quotes"; =1+1 \u2028 \U0001f600 e\u0301'


def fill(store: Store, code: str = "P-017") -> Subject:
    """Add a subject who has something of everything: odd texts, an empty recording, an interrupted one."""
    subject = store.subjects.add(code, birth_year=1980, notes=ODD, retention_days=3650)
    store.consents.give(
        subject, given_by="a guardian", purpose=ODD, signals=["expression"], given_at=START - timedelta(9)
    )
    store.consents.withdraw(subject, at=START - timedelta(1))
    store.consents.give(
        subject, given_by="the subject", purpose="following my mood", signals=SIGNALS, given_at=START
    )
    first = record(store, subject, START, 300, sensed=body(2))
    record(store, subject, START + timedelta(1), 0)
    record(store, subject, START + timedelta(2), 2500, state="interrupted")
    store.annotations.add(subject, "medication", "sertraline 50 mg", at=START - timedelta(2))
    store.annotations.add(
        subject, "prompt", ODD, at=START, until=START + timedelta(seconds=9), recording_id=first,
        data={"valence": 0.8, "expression": "happiness"},
    )  # fmt: skip
    store.annotations.add(
        subject, "speaking", "", at=START, until=START + timedelta(seconds=5), recording_id=first
    )
    store.self_reports.add(subject, "phq9", items=[0, 1, 2, 3, 0, 1, 2, 3, 1], at=START, note=ODD)
    store.self_reports.add(subject, "gad7", total=7, at=START)
    store.self_reports.add(subject, "mood", total=6, at=START)
    store.self_reports.add(subject, "WHO-5", total=12.5, at=START, limits=(0, 25))
    usual = Baseline(date(2026, 4, 1), date(2026, 4, 9), days=9, minutes=120.5, measures={})
    store.baselines.add(subject, usual.to_json())
    store.neutral_faces.add(subject, '{"network": "ab", "logits": [0.5, -1.25]}', START)
    return subject


def body(minutes: int) -> list[Figure]:
    """What sensors said over some minutes: windows of a minute every ten seconds; some without a reading."""
    found = []
    for place in range(6 * minutes - 5):
        start, known = 10.0 * place, place % 7 != 3
        for signal, measure, unit, value in (
            ("BVP", "heart_rate", "1/min", 61.5 + place),
            ("BVP", "rmssd_ms", "ms", 40.25 - place / 8),
            ("=HYPERLINK(eda)", "skin_level", "uS", 2.125 + place / 8),
            ("-1, \"Brustgürtel\"\n%41", "breathing_rate", "1/min", 14.0),
        ):  # fmt: skip
            figure = Figure(start, start + 60, signal, measure, unit, value if known else None, 0.875 * known)
            found.append(figure)
    return found


def record(
    store: Store,
    subject: Subject,
    at: datetime,
    frames: int,
    *,
    state: str = "finished",
    sensed: Sequence[Figure] = (),
) -> int:
    """Add a recording of so many frames at ten a second, and of what sensors said."""
    started = store.recordings.start(
        subject, kind="camera", source="=HYPERLINK(cam)", started_at=at,
        models={"network": {"name": "mien", "sha256": "ab"}, "detector": {"name": "yunet"}},
        settings={"fps": 10, "a": {"z": 1.5, "b": None}}, version="0.1.0",
    )  # fmt: skip
    if frames:
        store.readings.append(started.id, readings(frames, seed=frames))
        store.readings.pack(started.id)
        store.readings.add_events(
            started.id,
            [Event("episode", "happiness", 1.0, 1.25, 2.1, 0.91234), Event("smile", "", 1.0, 1.3, 2.0, 0.9)],
        )
    store.signals.add(started.id, sensed)
    store.recordings.finish(started.id, state=state)  # type: ignore[arg-type]
    return started.id


def contents(path: Path) -> dict[str, bytes]:
    """Every file of a zip, by name."""
    with zipfile.ZipFile(path) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def rewrite(path: Path, files: dict[str, bytes]) -> Path:
    """Write a zip of these files as they are, whatever its manifest says."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return path


def utc(at: datetime) -> str:
    """A moment as JSON says it in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
