"""A record with marks in it."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from pathlib import Path

from mien.mood.simulated import simulate
from mien.record.simulated import write_simulated
from mien.store.store import Store


def marked_record(path: Path) -> Path:
    """Make the store of a person with recordings of a minute, and marks in two of them."""
    made = simulate(1, 3, start=date(2026, 3, 2), zone=UTC, minutes=1, missing=0)
    with Store(path) as store:
        write_simulated(store, "SIM-1", made)
        subject = store.subjects.get("SIM-1")
        for old in store.annotations.of(subject):
            store.annotations.remove(subject, old.id)
        first, second, *_ = store.recordings.of(subject)
        for recording, at_s, data in ((first, 10, {"source": "key"}), (first, 30, {}), (second, 20, {})):
            at = recording.started_at + timedelta(seconds=at_s)
            until = at + timedelta(seconds=3) if at_s == 30 else None
            store.annotations.add(
                subject, "event", f"Mark {at_s}", at=at, until=until, recording_id=recording.id, data=data
            )
        store.annotations.add(subject, "event", "of the day", at=first.started_at)
        store.annotations.add(subject, "note", "no stimulus", at=first.started_at, recording_id=first.id)
    return path
