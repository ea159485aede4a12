"""A subject with something in every table."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import insert

from mien.store.schema import ChunkRow, EventRow, FigureRow, RecordingRow, SegmentRow, SignalRow
from mien.store.store import Store
from mien.store.types import Subject


def add_recording(store: Store, subject: Subject, at: datetime, uuid: str, mark: str = "camera") -> int:
    """Add a recording with readings and an event, straight into the tables."""
    row = RecordingRow(
        subject_id=subject.id,
        uuid=uuid,
        kind="camera",
        source=mark,
        started_at=at,
        utc_offset_s=7200,
        length_s=60.0,
        frames=600,
        coverage=0.9,
        state="finished",
        heartbeat_at=None,
        models={"network": mark},
        settings={},
        version="0",
    )
    piece = {"start_s": 0.0, "end_s": 60.0, "rows": 300, "data": mark.encode() * 500}
    with store.transaction() as session:
        session.add(row)
        session.flush()
        owned = {"recording_id": row.id, "number": 0}
        session.execute(insert(ChunkRow).values(**owned, **piece))
        session.execute(insert(SegmentRow).values(**owned, **piece, format="x"))
        session.execute(insert(SignalRow).values(**owned, **piece, signal="heart", packed=True))
        session.add(
            EventRow(recording_id=row.id, kind="smile", label=mark, onset_s=0, apex_s=1, offset_s=2, peak=0.9)
        )
        session.merge(
            FigureRow(subject_id=subject.id, key=f"recording:{row.id}", version="1", value={"mark": mark})
        )
        return row.id


def add_filled(store: Store, code: str, mark: str) -> Subject:
    """Add a subject with something in every table, and a mark in every text and blob."""
    subject = store.subjects.add(code, notes=f"{mark} " * 300)
    store.consents.give(subject, given_by=mark, purpose=mark)
    recording = add_recording(store, subject, store.now(), (code + "0" * 32)[:32], mark)
    store.annotations.add(subject, "note", mark, at=store.now(), recording_id=recording, data={"mark": mark})
    store.annotations.add(subject, "medication", mark, at=store.now())
    store.self_reports.add(subject, "mood", total=3, note=mark)
    if not store.users.all():
        store.users.add("keeper", "1234567890", "admin")
    store.users.add(mark.lower(), "1234567890", "self", subject)
    return subject
