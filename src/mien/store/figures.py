"""What was computed from the record and need not be computed again: a cache, never the truth."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, not_, or_, select
from sqlalchemy.orm import Session

from mien.store.ledger import Part
from mien.store.schema import FigureRow, RecordingRow
from mien.store.types import Subject


class Figures(Part):
    """Figures by subject and key: "recording:12" for a recording's, "day:2026-05-01" for a day's.

    They go by themselves with what they came from: a recording that is written, changed or removed takes its
    own, its day's, and all that stand on more than one day.
    """

    def of(self, subject: Subject, prefix: str) -> dict[str, dict[str, dict[str, Any]]]:
        """Return all figures whose key begins so: by key, then by version, at one question.

        Args:
            subject: whose.
            prefix: the beginning of the keys.
        """
        self._audit.read(subject.id, "figures")
        chosen = select(FigureRow).where(
            FigureRow.subject_id == subject.id, FigureRow.key.startswith(prefix, autoescape=True)
        )
        with self._database.reading() as session:
            return {row.key: {row.version: row.value} for row in session.scalars(chosen)}

    def put(self, subject: Subject, key: str, version: str, value: dict[str, Any]) -> None:
        """Keep a figure, in place of an older one.

        Args:
            subject: whose.
            key: which; up to 64 characters.
            version: of that which has computed it.
            value: ready for JSON.

        Raises:
            StoreError: the subject is gone, or it can't be written.
        """
        with self._database.transaction() as session:
            session.merge(FigureRow(subject_id=subject.id, key=key, version=version, value=value))


def forget_all(session: Session, subject_id: int) -> None:
    """Drop all that was computed for a subject, within a transaction."""
    session.execute(delete(FigureRow).where(FigureRow.subject_id == subject_id))


def forget(session: Session, recording: RecordingRow) -> None:
    """Drop what came from a recording, within a transaction."""
    day = recording.local_start.date()
    elsewhere = or_(FigureRow.key.like("recording:%"), FigureRow.key.like("day:%"))
    gone = or_(FigureRow.key.in_((f"recording:{recording.id}", f"day:{day}")), not_(elsewhere))
    session.execute(delete(FigureRow).where(FigureRow.subject_id == recording.subject_id, gone))
