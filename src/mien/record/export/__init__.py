"""Giving a subject's whole record away, as one zip of open files; docs/export.md describes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mien.record.documents import EventDocument, Events, RecordingDocument, schemas
from mien.record.export.archive import ArchiveWriter, new_archive
from mien.record.export.gathering import Gathered, gather
from mien.record.export.readings import csv_bytes, parquet_bytes, readings_table
from mien.record.export.words import readme
from mien.record.scales import ninth_is_unknown, safety_text

if TYPE_CHECKING:
    from mien.mood.usual import Usual
    from mien.record.export.fhir import FhirVersion, Figures
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
    """

    path: Path
    recordings: int
    annotations: int
    self_reports: int
    consents: int
    open_recordings: int
    safety_text: str | None = None
    ninth_unknown: int = 0


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
    from mien.record.baseline import taken
    from mien.record.take import recover

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
        archive.add("README.txt", readme(safety, unknown).encode())
        archive.add_json("record.json", record.model_dump(mode="json"))
        for name, schema in schemas().items():
            archive.add_json(name, schema)
        for place, (recording, id) in enumerate(zip(record.recordings, gathered.ids, strict=True)):
            _add_recording(archive, store, recording, id)
            progress((place + 1) / (len(gathered.ids) + 1))
        baseline = taken(store, subject)
        _add_days(archive, store, subject, baseline)
        if fhir != "none":
            _add_fhir(archive, store, gathered, baseline, fhir, safety or "")
        store.subjects.get(code)  # who may have been erased meanwhile
        # Before the file is there: none is ever given away without its line.
        store.audit.log("export", subject, **counts)
    progress(1.0)
    return Exported(path, **counts, open_recordings=gathered.open, safety_text=safety, ninth_unknown=unknown)


def _add_recording(archive: ArchiveWriter, store: Store, recording: RecordingDocument, id: int) -> None:
    events = [EventDocument.model_validate(each) for each in store.readings.events(id)]
    archive.add_json(f"{recording.folder}/events.json", Events.dump_python(events, mode="json"))
    table = readings_table(store.readings.load(id))
    archive.add(f"{recording.folder}/readings.csv", csv_bytes(table))
    archive.add(f"{recording.folder}/readings.parquet", parquet_bytes(table), pack=False)


def _add_days(archive: ArchiveWriter, store: Store, subject: Subject, baseline: Usual | None) -> None:
    from mien.record.days import days

    # The cameras' and networks' names stand in record.json: no text that somebody chose gets into a CSV file.
    table = days(store, subject, baseline=baseline).drop(columns=["camera", "network"])
    archive.add("days.csv", table.to_csv(lineterminator="\n").encode())


def _add_fhir(
    archive: ArchiveWriter,
    store: Store,
    gathered: Gathered,
    baseline: Usual | None,
    version: FhirVersion,
    safety: str,
) -> None:
    from mien.mood.definitions import MEASURES
    from mien.record.export.fhir import bundle

    figures = {
        recording.uuid: _figures(store, id, baseline)
        for recording, id in zip(gathered.record.recordings, gathered.ids, strict=True)
    }
    text = bundle(gathered.record, figures, MEASURES, version, safety=safety)
    archive.add(f"fhir-{version.lower()}.json", text.encode())


def _figures(store: Store, recording_id: int, baseline: Usual | None) -> Figures:
    from mien.mood.episodes import Episode
    from mien.mood.figures import figures
    from mien.record.take import load_series

    found = [Episode(**asdict(each)) for each in store.readings.events(recording_id)]
    return figures([load_series(store, recording_id)], events=[found], usual=baseline)
