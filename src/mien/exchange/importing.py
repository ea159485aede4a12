"""Putting an exported record back into a store: all of it, or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from mien.errors import ConsentError, StoreError
from mien.exchange.archive import ArchiveReader, open_archive
from mien.exchange.documents import Events, Record, RecordingDocument
from mien.exchange.readings import read_csv
from mien.exchange.signals import read_figures
from mien.record.scales import ninth_is_unknown, safety_text
from mien.store.types import Event, SelfReport, StoredRecording, Subject

if TYPE_CHECKING:
    from mien.store.store import Store

_NEED_CONSENT: Final = ("recordings", "annotations", "self_reports", "baselines", "neutral_faces")


@dataclass(frozen=True, slots=True)
class Imported:
    """What was put into the store.

    Attributes:
        subject: under which it is there now.
        recordings, annotations, self_reports, consents: how many.
        safety_text: the clinic's, where the PHQ-9's ninth question was answered above 0, in what was left out
            too; None where not.
        ninth_unknown: of so many PHQ-9s it isn't known how that question was answered.
        left_out: what was not put in as no consent held when it was recorded; a line each.
    """

    subject: Subject
    recordings: int
    annotations: int
    self_reports: int
    consents: int
    safety_text: str | None
    ninth_unknown: int
    left_out: tuple[str, ...]


def import_record(
    store: Store,
    path: Path,
    *,
    code: str | None = None,
    leave_out: bool = False,
    progress: Callable[[float], None] = lambda done: None,
) -> Imported:
    """Read an exported zip back, to the identical record.

    Everything is checked first, and written in one transaction. The consents in the zip come first, and have
    to cover the rest. What is new is what belongs to the store and not to the record: the ids, and the random
    number that stands for the subject in the audit log. Readings are taken from the CSV files; Parquet, the
    days and FHIR are for others to read.

    Args:
        store: to put it in.
        path: of the zip.
        code: another code for the subject, where theirs is taken.
        leave_out: leave out what no consent in the zip covers, instead of refusing all of it.
        progress: takes the share that is done.

    Raises:
        SourceError: the zip is damaged, was changed, or is none that Mien wrote.
        ConsentError: the subject has withdrawn their consent, or something in it was recorded without one.
        StoreError: the subject or a recording is in the store already, or it can't be written.
    """
    with open_archive(path) as zipped:
        record = zipped.read("record.json", TypeAdapter(Record))
        chosen = code or record.subject.code
        _check_fits(zipped, record)
        _check_new(store, record, chosen)
        with store.transaction():
            subject = _add_subject(store, record, chosen)
            if any(getattr(record, each) for each in _NEED_CONSENT):
                store.consents.require_any(subject)
            refusals = _Refusals(store, leave_out)
            ids = {}
            for index, recording in enumerate(record.recordings):
                with refusals.piece("recording", recording.started_at):
                    ids[recording.uuid] = _add_recording(store, subject, recording, zipped, refusals)
                progress((index + 1) / (len(record.recordings) + 1))
            counts = {
                "recordings": len(ids),
                "annotations": _add_marks(store, subject, record, ids, refusals),
                "self_reports": _add_self_reports(store, subject, record, refusals),
                "consents": len(record.consents),
            }
            _add_baselines(store, subject, record, refusals)
            store.audit.log("import", subject, **counts, left_out=len(refusals.left_out))
    progress(1.0)
    return Imported(
        subject,
        **counts,
        safety_text=safety_text(store, record.self_reports),
        ninth_unknown=sum(map(ninth_is_unknown, record.self_reports)),
        left_out=tuple(refusals.left_out),
    )


def import_recording(store: Store, path: Path, subject: Subject) -> StoredRecording:
    """Put the one recording of an exported zip under a subject of the store, whose consent has to cover it.

    Args:
        store: to put it in.
        path: of the zip; what else is in it is left out.
        subject: whose record it goes into.

    Raises:
        SourceError: the zip is damaged, was changed, is none that Mien wrote, or has not just one recording.
        ConsentError: no consent covers the recording.
        StoreError: the recording is in the store already, or it can't be written.
    """
    with open_archive(path) as zipped:
        record = zipped.read("record.json", TypeAdapter(Record))
        _check_fits(zipped, record)
        if len(record.recordings) != 1:
            raise zipped.error(f"expected one recording, received {len(record.recordings)}")
        recording = record.recordings[0]
        if store.recordings.find(recording.uuid):
            raise StoreError(f"{recording.source} is already in the record of {subject.code}")
        with store.transaction():
            number = _add_recording(store, subject, recording, zipped, _Refusals(store, leave_out=False))
    return store.recordings.get(number)


class _Refusals:
    """What the store refuses for want of a consent: raised, or collected where the rest is wanted.

    Args:
        store: within a transaction.
        leave_out: note what is refused, and go on.
    """

    def __init__(self, store: Store, leave_out: bool) -> None:
        self._store, self._leave_out = store, leave_out
        self.left_out: list[str] = []

    @contextmanager
    def piece(self, what: str, at: datetime) -> Iterator[None]:
        """Put in one piece, all of it or nothing."""
        name = f"{what} of {at:%Y-%m-%d %H:%M}"
        with self._store.transaction() as session:
            try:
                with session.begin_nested():
                    yield
            except ConsentError as error:
                if not self._leave_out:
                    raise ConsentError(f"{name}: {error}; --leave-out imports the rest") from error
                self.left_out.append(f"{name}: {error}")


def _check_fits(zipped: ArchiveReader, record: Record) -> None:
    """Check that the files are those of the recordings, and the annotations belong to them."""
    uuids = {each.uuid for each in record.recordings}
    if len(uuids) != len(record.recordings):
        raise zipped.error("record.json: it holds the same recording twice")
    if any(each.recording not in uuids | {None} for each in record.annotations):
        raise zipped.error("record.json: an annotation belongs to a recording that is not in it")
    expected = {each.folder for each in record.recordings}
    found = {name.rpartition("/")[0] for name in zipped.manifest.files if name.startswith("recordings/")}
    if strange := found - expected:
        raise zipped.error(f"{strange.pop()} is of no recording in record.json")


def _check_new(store: Store, record: Record, code: str) -> None:
    for recording in record.recordings:
        if store.recordings.find(recording.uuid):
            raise StoreError(
                f"the recording of {recording.started_at:%Y-%m-%d %H:%M} is already in the store: a record"
                " can be imported only once; first erase the subject that has it"
            )
    if store.subjects.find(code):
        raise StoreError(
            f"there is already a subject {code}: erase it first, or import this record under another code"
            " with --as NEW-CODE"
        )


def _add_subject(store: Store, record: Record, code: str) -> Subject:
    document = record.subject
    subject = store.subjects.add(
        code,
        birth_year=document.birth_year,
        notes=document.notes,
        retention_days=document.retention_days,
        created_at=document.created_at,
    )
    for consent in record.consents:
        given = store.consents.give(
            subject,
            given_by=consent.given_by,
            purpose=consent.purpose,
            signals=consent.signals,
            given_at=consent.given_at,
            valid_until=consent.valid_until,
        )
        if consent.withdrawn_at:
            store.consents.withdraw(subject, given.id, consent.withdrawn_at)
    return subject


def _add_recording(
    store: Store,
    subject: Subject,
    recording: RecordingDocument,
    zipped: ArchiveReader,
    refusals: _Refusals,
) -> int:
    started = store.recordings.start(
        subject,
        kind=recording.kind,
        source=recording.source,
        started_at=recording.started_at,
        models=recording.models,
        settings=recording.settings,
        version=recording.version,
        uuid=recording.uuid,
    )
    with zipped.open(f"{recording.folder}/readings.csv") as file:
        for columns in read_csv(file):
            store.readings.append(started.id, columns)
    store.readings.pack(started.id)
    events = zipped.read(f"{recording.folder}/events.json", Events)
    store.readings.add_events(started.id, [Event(**each.model_dump()) for each in events])
    if f"{recording.folder}/signals.csv" in zipped.manifest.files:
        with zipped.open(f"{recording.folder}/signals.csv") as file:
            figures = read_figures(file)
        with refusals.piece("what sensors said", recording.started_at):
            store.signals.add(started.id, figures)
    store.recordings.finish(
        started.id,
        length_s=recording.length_s,
        frames=recording.frames,
        coverage=recording.coverage,
        state=recording.state,
    )
    return started.id


def _add_baselines(store: Store, subject: Subject, record: Record, refusals: _Refusals) -> None:
    for baseline in record.baselines:
        with refusals.piece("baseline", baseline.made_at):
            store.baselines.add(subject, json.dumps(baseline.value), baseline.made_at)
    for face in record.neutral_faces:
        with refusals.piece("neutral face", face.made_at):
            store.neutral_faces.add(subject, json.dumps(face.value), face.made_at)


def _add_marks(
    store: Store, subject: Subject, record: Record, ids: dict[str, int], refusals: _Refusals
) -> int:
    """Add the marks, but those in a recording that was left out; return how many."""
    added = 0
    for mark in record.annotations:
        if mark.recording is not None and mark.recording not in ids:
            continue
        with refusals.piece("mark", mark.at):
            store.annotations.add(
                subject,
                mark.kind,
                mark.text,
                at=mark.at,
                until=mark.until,
                recording_id=ids[mark.recording] if mark.recording else None,
                data=mark.data,
            )
            added += 1
    return added


def _add_self_reports(store: Store, subject: Subject, record: Record, refusals: _Refusals) -> int:
    added = 0
    for report in record.self_reports:
        items = None if report.items is None else tuple(report.items)
        kept = SelfReport(**{**report.model_dump(), "id": 0, "subject_id": subject.id, "items": items})
        with refusals.piece("self-report", report.at):
            store.self_reports.restore(subject, kept)
            added += 1
    return added
