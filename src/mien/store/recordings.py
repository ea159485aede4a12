"""The recordings: started, finished, found again when their writer went away."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from mien.errors import MissingError, StoreError
from mien.store.codec import UnreadableError
from mien.store.figures import forget
from mien.store.ledger import Part, find_recording
from mien.store.readings import pack_chunks, usable_share
from mien.store.schema import AnnotationRow, RecordingRow, value_of
from mien.store.signals import pack_signals
from mien.store.types import RecordingState, SourceKind, StoredRecording, Subject
from mien.store.validation import checked_time, require_subject

GONE_S: Final = 30.0
"""A writer that has not said for so long that it lives is gone."""


class Recordings(Part):
    """All recordings, without their readings."""

    def start(
        self,
        subject: Subject,
        *,
        kind: SourceKind,
        source: str,
        started_at: datetime,
        models: dict[str, Any],
        settings: dict[str, Any],
        version: str,
        uuid: str | None = None,
    ) -> StoredRecording:
        """Begin a recording; it is open.

        Args:
            subject: whose.
            kind: where the frames come from.
            source: the file's or camera's name.
            started_at: when the first frame was taken, in the zone where it was made.
            models: names and SHA-256 of the networks and detector.
            settings: of the run.
            version: of Mien.
            uuid: 32 hexadecimal digits; new ones when left out.

        Raises:
            ConsentError: no consent to be recorded held then, or it was withdrawn.
            StoreError: the time has no zone or is far away, the uuid is there already, or it can't be
                written.
        """
        checked_time("recording", started_at)
        row = RecordingRow(
            subject_id=subject.id, uuid=uuid or uuid4().hex, kind=kind, source=source,
            started_at=started_at, utc_offset_s=_offset_s(started_at),
            length_s=0.0, frames=0, coverage=None, state="open", heartbeat_at=self._database.now(),
            models=models, settings=settings, version=version,
        )  # fmt: skip
        with self._database.transaction() as session:
            if uuid is not None and _by_uuid(session, uuid) is not None:
                raise StoreError(f"recording {uuid} is already in the store")
            require_subject(session, subject)
            self._ledger.add(session, row, "recording", started_at, "expression")
            forget(session, row)
            return _stored(row)

    def finish(
        self,
        recording_id: int,
        *,
        length_s: float | None = None,
        frames: int | None = None,
        coverage: float | None = None,
        state: RecordingState = "finished",
        finalized: bool = True,
    ) -> StoredRecording:
        """End a recording; what isn't given of length, frames and coverage is what its readings say.

        Args:
            recording_id: which.
            length_s: seconds from the first frame to the last.
            frames: analysed frames.
            coverage: share of the length with a usable reading.
            state: "finished", or "interrupted".
            finalized: nothing is left to do, such as looking for episodes; else `recover` returns the
                recording until `mark_finalized` is called.

        Raises:
            StoreError: there is no such recording, or it can't be written.
        """
        with self._database.transaction() as session:
            row = find_recording(session, recording_id, lock=True)
            with self._ledger.changing(session, row, what="recording", number=row.id, state=state):
                row.length_s = row.length_s if length_s is None else length_s
                row.frames = row.frames if frames is None else frames
                row.coverage = usable_share(session, recording_id) if coverage is None else coverage
                row.state, row.heartbeat_at = state, None if finalized else self._database.now()
            forget(session, row)
            return _stored(row)

    def get(self, recording: int | str) -> StoredRecording:
        """Return a recording by its number or its uuid.

        Raises:
            StoreError: there is none.
        """
        with self._database.reading() as session:
            if isinstance(recording, int):
                found = _stored(find_recording(session, recording))
            else:
                row = _by_uuid(session, recording)
                if row is None:
                    raise StoreError(f"recording {recording} is not in the store; it may have been erased")
                found = _stored(row)
        self._audit.read(found.subject_id, "recordings")
        return found

    def find(self, uuid: str) -> StoredRecording | None:
        """Return a recording by its uuid, None where there is none."""
        with self._database.reading() as session:
            row = _by_uuid(session, uuid)
            return None if row is None else _stored(row)

    def of(
        self, subject: Subject, start: datetime | None = None, end: datetime | None = None
    ) -> list[StoredRecording]:
        """Return a subject's recordings, in the order in which they were started.

        Args:
            subject: whose.
            start: only those that were started from then on.
            end: only those that were started before then.
        """
        self._audit.read(subject.id, "recordings")
        query = select(RecordingRow).where(RecordingRow.subject_id == subject.id)
        if start is not None:
            query = query.where(RecordingRow.started_at >= start)
        if end is not None:
            query = query.where(RecordingRow.started_at < end)
        with self._database.reading() as session:
            rows = session.scalars(query.order_by(RecordingRow.started_at, RecordingRow.id)).all()
            return [_stored(row) for row in rows]

    def remove(self, subject: Subject, recording_id: int) -> StoredRecording:
        """Take a recording of a subject away, with its readings, events and marks.

        Its traces in the file go with `Store.remove_recording`.

        Returns:
            What it was.

        Raises:
            MissingError: the subject has no such recording.
        """
        with self._database.transaction() as session:
            row = session.get(RecordingRow, recording_id, with_for_update=True)
            if row is None or row.subject_id != subject.id:
                raise MissingError(
                    f"{subject.code} has no recording {recording_id}: mien recording list {subject.code}"
                )
            forget(session, row)
            gone = _stored(row)
            self._ledger.remove_recordings(session, [row], what="recording", number=recording_id)
            return gone

    def replace(self, earlier_id: int, recording_id: int) -> None:
        """Put a recording in an earlier one's place: its uuid and its notes; the earlier one goes.

        Raises:
            StoreError: one of them isn't there, or it can't be written.
        """
        with self._database.transaction() as session:
            earlier = find_recording(session, earlier_id, lock=True)
            row = find_recording(session, recording_id, lock=True)
            marks = session.scalars(
                select(AnnotationRow).where(AnnotationRow.recording_id == earlier_id)
            ).all()
            uuid = earlier.uuid
            with self._ledger.changing(session, row, *marks, what="recording", number=row.id, of=earlier_id):
                for mark in marks:
                    mark.recording_id = recording_id
                session.flush()
                forget(session, earlier)
                self._ledger.remove_recordings(session, [earlier], what="recording", number=earlier_id)
                row.uuid = uuid
            forget(session, row)

    def mark_finalized(self, recording_id: int) -> None:
        """Note that nothing is left to do for a recording that has ended.

        Raises:
            StoreError: there is no such recording, or it can't be written.
        """
        with self._database.transaction() as session:
            find_recording(session, recording_id, lock=True).heartbeat_at = None

    def recover(self) -> list[StoredRecording]:
        """End the recordings whose writer is gone.

        What was open is interrupted now, and packed; its length, frames and coverage are what was written.

        Returns:
            All recordings that have ended and are not finalized, by their number; without those whose
            readings are damaged.

        Raises:
            StoreError: it can't be written.
        """
        unfinished = select(RecordingRow.id).where(RecordingRow.heartbeat_at.is_not(None))
        with self._database.reading() as session:
            numbers = session.scalars(unfinished.order_by(RecordingRow.id)).all()
        return [found for number in numbers if (found := self._recovered(number)) is not None]

    def _recovered(self, recording_id: int) -> StoredRecording | None:
        with self._database.transaction() as session:
            row = session.get(RecordingRow, recording_id, with_for_update=True)
            if row is None or row.heartbeat_at is None or self._lives(row.heartbeat_at):
                return None
            with self._ledger.changing(session, row, what="recording", number=row.id, state="interrupted"):
                if row.state == "open":
                    row.state = "interrupted"
                    forget(session, row)
                try:
                    pack_chunks(session, self._ledger, row)
                    pack_signals(session, self._ledger, row)
                    if row.coverage is None:
                        row.coverage = usable_share(session, recording_id)
                except UnreadableError:
                    # Whoever loads it hears of it; the others must not wait for that.
                    row.heartbeat_at = None
                    return None
            return _stored(row)

    def _lives(self, beat_at: datetime) -> bool:
        # One from the future is too old as well: the clock was set back, and who lives has beaten since.
        return abs(self._database.now() - beat_at) <= timedelta(seconds=GONE_S)


def _by_uuid(session: Session, uuid: str) -> RecordingRow | None:
    return session.scalars(select(RecordingRow).where(RecordingRow.uuid == uuid)).one_or_none()


def _stored(row: RecordingRow) -> StoredRecording:
    return value_of(StoredRecording, row, started_at=row.local_start)


def _offset_s(moment: datetime) -> int:
    """Return how far a moment's zone is ahead of UTC, in whole seconds; `moment` has one."""
    return round((moment.utcoffset() or timedelta()).total_seconds())
