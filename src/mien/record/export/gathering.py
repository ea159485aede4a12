"""What the store holds of a subject, as the documents of the zip."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mien.record.documents import (
    AnnotationDocument,
    BaselineDocument,
    ConsentDocument,
    NeutralFaceDocument,
    Record,
    RecordingDocument,
    SelfReportDocument,
    SubjectDocument,
)
from mien.store.store import Store
from mien.store.types import Subject


@dataclass(frozen=True, slots=True)
class Gathered:
    """A subject's record, without readings and events.

    Attributes:
        record: the documents.
        ids: of the recordings in this store, in the documents' order.
        open: how many recordings were left out, as they are being written.
    """

    record: Record
    ids: list[int]
    open: int


def gather(store: Store, subject: Subject) -> Gathered:
    """Gather a subject's record.

    A recording that is being written is left out, and so are the annotations in it.
    """
    # First the annotations: a recording that one belongs to is there by then.
    annotations = store.annotations.of(subject)
    recordings = store.recordings.of(subject)
    written = [each for each in recordings if each.state != "open"]
    uuids = {None: None} | {each.id: each.uuid for each in written}
    record = Record(
        subject=SubjectDocument.model_validate(subject),
        consents=[ConsentDocument.model_validate(each) for each in store.consents.of(subject)],
        recordings=[RecordingDocument.model_validate(each) for each in written],
        annotations=[
            AnnotationDocument(
                recording=uuids[each.recording_id],
                kind=each.kind,
                at=each.at,
                until=each.until,
                text=each.text,
                data=each.data,
            )
            for each in annotations
            if each.recording_id in uuids
        ],
        self_reports=[SelfReportDocument.model_validate(each) for each in store.self_reports.of(subject)],
        baselines=[
            BaselineDocument(made_at=each.made_at, value=json.loads(each.value))
            for each in store.baselines.of(subject)
        ],
        neutral_faces=[
            NeutralFaceDocument(made_at=each.made_at, value=json.loads(each.value))
            for each in store.neutral_faces.of(subject)
        ],
    )
    return Gathered(record, [each.id for each in written], len(recordings) - len(written))
