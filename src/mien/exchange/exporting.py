"""Giving a subject's whole record away, as one zip of open files; docs/export.md describes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from mien.exchange.archive import ArchiveWriter, new_archive
from mien.exchange.documents import (
    AnnotationDocument,
    BaselineDocument,
    ConsentDocument,
    EventDocument,
    Events,
    NeutralFaceDocument,
    Record,
    RecordingDocument,
    SelfReportDocument,
    SubjectDocument,
    schemas,
)
from mien.exchange.fhir import FhirVersion, Figures, bundle
from mien.exchange.readings import csv_bytes, parquet_bytes, readings_table
from mien.exchange.signals import figures_csv, figures_table, signals_edf
from mien.mood.body import of_body
from mien.mood.definitions import MEASURES
from mien.mood.episodes import Episode
from mien.mood.figures import figures
from mien.record.baseline import taken
from mien.record.days import days
from mien.record.finalize import load_series, recover
from mien.record.scales import ninth_is_unknown, safety_text
from mien.signals.types import Mark
from mien.wording import count

if TYPE_CHECKING:
    from mien.mood.baseline import Baseline
    from mien.store.store import Store
    from mien.store.types import Subject

Fhir = Literal["R5", "R4B", "none"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was given away.

    Attributes:
        path: of the zip.
        recordings, annotations, self_reports, consents: how many there are in it.
        open_recordings: how many were left out because they are being written.
        safety_text: the clinic's, where the PHQ-9's ninth question was answered above 0; None where not.
        ninth_unknown: of so many PHQ-9s it isn't known how that question was answered.
        without_edf: so many recordings have figures of the body and no EDF, as edfio is not installed.
    """

    path: Path
    recordings: int
    annotations: int
    self_reports: int
    consents: int
    open_recordings: int
    safety_text: str | None = None
    ninth_unknown: int = 0
    without_edf: int = 0


def export_record(
    store: Store,
    code: str,
    path: Path,
    *,
    fhir: Fhir = "R5",
    progress: Callable[[float], None] = lambda done: None,
) -> Exported:
    """Write everything that the store holds of a subject into a zip.

    The same record always gives the same bytes. The zip can be read by its owner alone, and the store's audit
    log has a line of it.

    Args:
        store: with the record.
        code: the subject's.
        path: of the zip.
        fhir: version of the FHIR bundle.
        progress: takes the share that is done.

    Raises:
        StoreError: there is no such subject, or the store can't be read.
        OutputError: the zip can't be written.
    """
    with store.audit.unlogged():  # the line of the export says that all was read
        return _exported(store, code, path, fhir, progress)


def _exported(store: Store, code: str, path: Path, fhir: Fhir, progress: Callable[[float], None]) -> Exported:
    subject = store.subjects.get(code)
    recover(store)
    gathered = gather(store, subject)
    record = gathered.record
    counts = {
        "recordings": len(record.recordings),
        "annotations": len(record.annotations),
        "self_reports": len(record.self_reports),
        "consents": len(record.consents),
    }
    safety = safety_text(store, record.self_reports)
    unknown = sum(map(ninth_is_unknown, record.self_reports))
    with new_archive(path) as archive:
        archive.add("README.txt", _readme(safety, unknown).encode())
        archive.add_json("record.json", record.model_dump(mode="json"))
        for name, schema in schemas().items():
            archive.add_json(name, schema)
        without_edf = 0
        for index, (recording, id) in enumerate(zip(record.recordings, gathered.ids, strict=True)):
            _add_recording(archive, store, recording, id)
            without_edf += not _add_signals(archive, store, record, recording, id)
            progress((index + 1) / (len(gathered.ids) + 1))
        baseline = taken(store, subject)
        _add_days(archive, store, subject, baseline)
        if fhir != "none":
            _add_fhir(archive, store, gathered, baseline, fhir, safety or "")
        store.subjects.get(code)  # who may have been erased meanwhile
        # Before the file is there: none is ever given away without its line.
        store.audit.log("export", subject, **counts)
    progress(1.0)
    return Exported(
        path, **counts, open_recordings=gathered.open, safety_text=safety, ninth_unknown=unknown,
        without_edf=without_edf,
    )  # fmt: skip


def _add_recording(archive: ArchiveWriter, store: Store, recording: RecordingDocument, id: int) -> None:
    events = [EventDocument.model_validate(each) for each in store.readings.events(id)]
    archive.add_json(f"{recording.folder}/events.json", Events.dump_python(events, mode="json"))
    table = readings_table(store.readings.load(id))
    archive.add(f"{recording.folder}/readings.csv", csv_bytes(table))
    archive.add(f"{recording.folder}/readings.parquet", parquet_bytes(table), pack=False)


def _add_signals(
    archive: ArchiveWriter, store: Store, record: Record, recording: RecordingDocument, id: int
) -> bool:
    """Add what body sensors said, if anything; return whether nothing is missing."""
    figures = store.signals.of(id)
    if not figures:
        return True
    table = figures_table(figures)
    archive.add(f"{recording.folder}/signals.csv", figures_csv(table))
    archive.add(f"{recording.folder}/signals.parquet", parquet_bytes(table), pack=False)
    if find_spec("edfio") is None:
        return False
    readings = store.readings.load(id)
    marks = _marks(record, recording)
    edf = signals_edf(figures, readings, code=record.subject.code, start=recording.started_at, marks=marks)
    archive.add(f"{recording.folder}/signals.edf", edf)
    return True


def _marks(record: Record, recording: RecordingDocument) -> list[Mark]:
    """Return the marks that were set in a recording, in seconds from its start."""
    return [
        Mark((each.at - recording.started_at).total_seconds(), f"{each.kind}: {each.text}".rstrip(": "))
        for each in record.annotations
        if each.recording == recording.uuid
    ]


def _add_days(archive: ArchiveWriter, store: Store, subject: Subject, baseline: Baseline | None) -> None:
    # The cameras' and networks' names stand in record.json: no text that somebody chose gets into a CSV file.
    table = days(store, subject, baseline=baseline).drop(columns=["camera", "network"])
    archive.add("days.csv", table.to_csv(lineterminator="\n").encode())


def _add_fhir(
    archive: ArchiveWriter,
    store: Store,
    gathered: Gathered,
    baseline: Baseline | None,
    version: FhirVersion,
    safety: str,
) -> None:
    by_recording = {
        recording.uuid: _figures(store, id, baseline)
        for recording, id in zip(gathered.record.recordings, gathered.ids, strict=True)
    }
    signals = {
        recording.uuid: store.signals.of(id)
        for recording, id in zip(gathered.record.recordings, gathered.ids, strict=True)
    }
    text = bundle(gathered.record, by_recording, MEASURES, version, safety=safety, signals=signals)
    archive.add(f"fhir-{version.lower()}.json", text.encode())


def _figures(store: Store, recording_id: int, baseline: Baseline | None) -> Figures:
    found = [Episode(**asdict(each)) for each in store.readings.events(recording_id)]
    of_face = figures([load_series(store, recording_id)], events=[found], baseline=baseline)
    return of_face | of_body([store.signals.of(recording_id)])


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


_SAFETY: Final = """
The PHQ-9's ninth question, about thoughts of being better off dead or of hurting oneself, was answered above
"not at all" in this record:

{text}
"""


_UNKNOWN: Final = """
In {many} in this record it is not known how the ninth question was answered. Please ask.
"""

_README: Final = """\
A mood record, exported by Mien
===============================

This zip holds one subject's whole record. It is personal data about health: keep it where only
those who may see it can, and delete it when it is no longer needed.

record.json            the subject, consents, recordings, annotations and self-reports
recordings/DAY_ID/     one folder for each recording:
    readings.csv       one row for each frame that was read; empty cells where the subject was not seen
    readings.parquet   the same table, for programs
    events.json        episodes of expression, smiles and blinks
    signals.csv        only where the body was measured too: heart rate, skin, ... in windows of a minute
    signals.parquet    the same table, for programs
    signals.edf        the same beside valence and arousal of the face, second by second, for programs
                       that show body signals; the lowest value of each signal means no reading
days.csv               one row for each day, with the figures of that day; computed from the rest
fhir-r5.json           for clinical systems (or fhir-r4b.json); computed from the rest
schema/                what each JSON file looks like, as JSON Schema
manifest.json          every file with its size and SHA-256

Times carry their time zone: a recording's start is by the clock of the place where it was made,
other times are in UTC (Z). Seconds in a recording count from its start.

Mien reads expressions, not feelings, and it makes no diagnosis. Look at the coverage before anything
else: it says for how much of the time there is a usable reading. A flat face is not a low mood:
medicine, palsy and parkinsonism flatten faces too.

    mien import FILE.zip     puts the record back into a store, exactly as it was

docs/export.md in Mien's documentation describes every file and column.
"""


def _readme(safety_text: str | None, ninth_unknown: int = 0) -> str:
    """Return the zip's README.

    Args:
        safety_text: the clinic's, where an answer in the record needs it.
        ninth_unknown: of so many PHQ-9s the ninth answer isn't known.
    """
    safety = _SAFETY.format(text=safety_text) if safety_text is not None else ""
    unknown = _UNKNOWN.format(many=count(ninth_unknown, "PHQ-9")) if ninth_unknown else ""
    return _README + safety + unknown
