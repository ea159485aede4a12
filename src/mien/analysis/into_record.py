"""What is analysed goes into a subject's record as well."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from mien.analysis.models import describe_models
from mien.analysis.recorded import Kept, Recorded
from mien.analysis.task import Task
from mien.config import Settings
from mien.errors import ConfigError, StoreError
from mien.files import sha256_of
from mien.pipeline import Tally
from mien.record.subject_face import FindsSubject, GivenTracks, SubjectFace
from mien.record.take import recover
from mien.record.writer import RecordWriter
from mien.source import Source
from mien.source.recorded_at import recorded_at
from mien.store.store import Store
from mien.store.types import Subject
from mien.types import Faces, Frame

_UUID_DIGITS: Final = 32

Take = Callable[[Frame, Faces], None]


def check_recorded(wanted: Recorded, tasks: Sequence[Task]) -> None:
    """Check before anything is read; ends what a writer has left open as well.

    Raises:
        StoreError: there is no such subject, they have not agreed, or the store can't be used.
        ConfigError: one time is given for several inputs.
    """
    if wanted.at is not None and len(tasks) > 1:
        raise ConfigError(f"recorded at: expected one input, received {len(tasks)}; read them one by one")
    with Store(wanted.store, create=False) as store:
        store.consents.require(store.subjects.get(wanted.subject), "expression")
        recover(store)


@contextmanager
def recording(
    wanted: Recorded, task: Task, source: Source, settings: Settings, tally: Tally, kept: Kept
) -> Iterator[Take]:
    """Store one input's readings of the subject while the block runs.

    Args:
        wanted: into whose record.
        task: the input.
        source: opened.
        settings: of the run.
        tally: tells of cuts.
        kept: is filled in.

    Yields:
        What takes each frame.

    Raises:
        StoreError: it is in the record already, the subject does not agree any more, or it can't be written.
    """
    with Store(wanted.store, create=False) as store:
        subject = store.subjects.get(wanted.subject)
        uuid = _free_uuid(store, subject, task, wanted.again)
        writer = RecordWriter(
            store, subject, kind=task.kind, source=task.name, uuid=uuid,
            started_at=_started_at(wanted, task, source),
            models=describe_models(settings), settings=settings.model_dump(mode="json"),
            face=_face(wanted, task), waits=True,
        )  # fmt: skip
        with writer:
            yield _taker(writer, tally)
        writer.check()
        kept.status = writer.status


def _taker(writer: RecordWriter, tally: Tally) -> Take:
    cuts = 0

    def take(frame: Frame, faces: Faces) -> None:
        nonlocal cuts
        if tally.cuts > cuts:
            cuts = tally.cuts
            writer.cut()
        writer.take(frame, faces)
        writer.check()

    return take


def _face(wanted: Recorded, task: Task) -> FindsSubject:
    if wanted.tracks:
        return GivenTracks(wanted.tracks)
    return SubjectFace(settle_s=0.0) if task.kind == "photograph" else SubjectFace()


def _started_at(wanted: Recorded, task: Task, source: Source) -> datetime:
    if wanted.at is not None:
        return datetime.fromisoformat(wanted.at)
    path = Path(task.where)
    if not path.exists():  # the portrait
        return datetime.now().astimezone()
    return recorded_at(path, source.report.duration_s or 0.0)


def _free_uuid(store: Store, subject: Subject, task: Task, again: bool) -> str:
    """Give the recording's uuid, which follows from the file and the subject, so that it can't count twice.

    What was interrupted makes room.
    """
    path = Path(task.where)
    content = sha256_of(path) if path.exists() else task.where
    uuid = hashlib.sha256(f"{subject.code}\n{content}".encode()).hexdigest()[:_UUID_DIGITS]
    earlier = store.recordings.find(uuid)
    if earlier is None:
        return uuid
    if earlier.state == "open":
        raise StoreError(f"{task.where}: another program is writing it into the record; wait half a minute")
    if earlier.state == "finished" and not again:
        raise StoreError(
            f"{task.where} is in the record of {subject.code} already, as of"
            f" {earlier.started_at:%Y-%m-%d %H:%M}; --again puts it there anew"
        )
    store.recordings.remove(earlier.id)
    return uuid
