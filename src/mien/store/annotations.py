"""Annotations: marks that people set beside the record."""

from __future__ import annotations

from datetime import datetime
from typing import Any, get_args

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mien.errors import MissingError, StoreError
from mien.store.ledger import Part
from mien.store.schema import AnnotationRow, RecordingRow, value_of
from mien.store.types import Annotation, AnnotationKind, Subject
from mien.store.validation import checked_choice, checked_span, checked_text, require_subject


class Annotations(Part):
    """The annotations of a store's subjects."""

    def add(
        self,
        subject: Subject,
        kind: AnnotationKind,
        text: str,
        *,
        at: datetime,
        until: datetime | None = None,
        recording_id: int | None = None,
        data: dict[str, Any] | None = None,
    ) -> Annotation:
        """Set a mark.

        Args:
            subject: beside whose record.
            kind: see `AnnotationKind`.
            text: in words; only a stretch of speaking may go without.
            at: when, or from when.
            until: when it ended; None for a moment.
            recording_id: the recording that it belongs to; None for the day.
            data: for a prompt, what it should call up.

        Raises:
            ConsentError: no consent held then, or it was withdrawn.
            StoreError: the subject or recording is gone, or a value can't be.
        """
        checked_span("annotation", at, until)
        row = AnnotationRow(
            subject_id=subject.id,
            recording_id=recording_id,
            kind=checked_choice("kind", kind, get_args(AnnotationKind)),
            at=at,
            until=until,
            text=checked_text("text", text, blank=kind == "speaking"),
            data=data or {},
        )
        with self._database.transaction() as session:
            require_subject(session, subject)
            _require_recording(session, subject, recording_id)
            self._ledger.add(session, row, "mark", row.at)
            return _annotation(row)

    def of(
        self, subject: Subject, start: datetime | None = None, end: datetime | None = None
    ) -> list[Annotation]:
        """Return a subject's annotations that touch the time from `start` up to `end`, by time."""
        self._audit.read(subject.id, "marks")
        chosen = select(AnnotationRow).where(AnnotationRow.subject_id == subject.id)
        if start is not None:
            chosen = chosen.where(func.coalesce(AnnotationRow.until, AnnotationRow.at) >= start)
        if end is not None:
            chosen = chosen.where(AnnotationRow.at < end)
        with self._database.reading() as session:
            rows = session.scalars(chosen.order_by(AnnotationRow.at, AnnotationRow.id)).all()
            return [_annotation(row) for row in rows]

    def remove(self, subject: Subject, annotation_id: int) -> None:
        """Take a mark of a subject away.

        Raises:
            MissingError: the subject has none with that id.
        """
        with self._database.transaction() as session:
            row = session.get(AnnotationRow, annotation_id)
            if row is None or row.subject_id != subject.id:
                raise MissingError(
                    f"{subject.code} has no note {annotation_id}: mien note list {subject.code}"
                )
            self._ledger.remove(session, row, what="mark", number=annotation_id)


def _require_recording(session: Session, subject: Subject, recording_id: int | None) -> None:
    if recording_id is None:
        return
    recording = session.get(RecordingRow, recording_id)
    if recording is None or recording.subject_id != subject.id:
        raise StoreError(f"{subject.code} has no recording {recording_id}")


def _annotation(row: AnnotationRow) -> Annotation:
    return value_of(Annotation, row)
