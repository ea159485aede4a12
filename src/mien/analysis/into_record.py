"""What is analysed goes into a subject's record as well."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mien.analysis.recorded import Kept, Recorded
from mien.analysis.summary import describe_models
from mien.analysis.task import Task
from mien.config import Settings
from mien.errors import ConfigError, StoreError
from mien.files import sha256_of
from mien.pipeline import Tally
from mien.record.body import face_pulse
from mien.record.finalize import recover
from mien.record.origin import require_person
from mien.record.subject_face import FindsSubject, GivenTracks, SubjectFace
from mien.record.writer import RecordWriter
from mien.source import Source
from mien.source.recorded_at import RecordedAt, recorded_at
from mien.store.store import Store
from mien.store.types import BODY, StoredRecording, Subject
from mien.types import Faces, Frame
from mien.wording import count

if TYPE_CHECKING:
    from mien.analysis.signals import BodyBesideFace
    from mien.signals.face_pulse import PulseReading
    from mien.signals.types import Figure

_UUID_DIGITS: Final = 32
_MOST_TRACKS: Final = 20


class Taker:
    """Takes one input's frames, and what is told of the body beside them.

    Args:
        writer: of the recording.
        tally: tells of cuts.
        agreed: which of `store.types.BODY` a consent names.

    Attributes:
        tracks: all faces that were seen.
    """

    def __init__(self, writer: RecordWriter, tally: Tally, agreed: frozenset[str]) -> None:
        self.tracks: set[int] = set()
        self._writer, self._tally, self._agreed = writer, tally, agreed
        self._cuts = 0
        self._own: set[int | None] = set()
        self._pulse: list[PulseReading] = []
        self._first_s: float | None = None
        self._last_s = 0.0

    def take(self, frame: Frame, faces: Faces, pulse: Sequence[PulseReading] = ()) -> None:
        """Take the next frame: its faces, and what was read of their pulse, if that is to be recorded.

        Raises:
            StoreError: nothing can be stored any more.
        """
        if self._tally.cuts > self._cuts:
            self._cuts = self._tally.cuts
            self._writer.cut()
        self.tracks.update(faces.track.tolist())
        if self._first_s is None:
            self._first_s = frame.time_s
        self._last_s = frame.time_s
        self._own.add(self._writer.take(frame, faces))
        self._pulse += pulse
        self._writer.check()

    def end(self, body: BodyBesideFace | None) -> None:
        """Take what sensors said meanwhile, once the film is over, and the pulse of the subject's face."""
        told = set() if body is None else set(body.signals)
        told |= {"heart"} if self._pulse else set()
        self._writer.leave_out(told - self._agreed)
        first_s = self._first_s or 0.0
        figures: list[Figure] = []
        if body is not None:
            figures += body.recorded(self._agreed, first_s, self._last_s)
        if "heart" in self._agreed and self._pulse:
            own = (self._own | {self._writer.settle()}) - {None}
            pulse = [replace(each, time_s=each.time_s - first_s) for each in self._pulse if each.track in own]
            figures += face_pulse(pulse, self._last_s - first_s)
        self._writer.take_figures(figures)
        if not figures:
            self._writer.note_too_short(told & self._agreed)


def check_recorded(wanted: Recorded, tasks: Sequence[Task]) -> None:
    """Check before anything is read; ends what a writer has left open as well.

    Raises:
        StoreError: there is no such subject, they have not agreed, or the store can't be used.
        ConfigError: one time is given for several inputs.
    """
    if wanted.at is not None and len(tasks) > 1:
        raise ConfigError(f"recorded at: expected one input, received {len(tasks)}; read them one by one")
    with Store(wanted.store, create=False) as store:
        subject = store.subjects.get(wanted.subject)
        if wanted.at is None:
            store.consents.require_any(subject, "expression")
        else:
            store.consents.require(subject, "expression", datetime.fromisoformat(wanted.at))
        require_person(store, subject)
        recover(store)


@contextmanager
def recording(
    wanted: Recorded, task: Task, source: Source, settings: Settings, tally: Tally, kept: Kept
) -> Iterator[Taker]:
    """Store one input's readings of the subject while the block runs.

    An earlier recording of the same input makes room when the new one is finished, and not before.

    Args:
        wanted: into whose record.
        task: the input.
        source: opened.
        settings: of the run.
        tally: tells of cuts.
        kept: is filled in.

    Yields:
        What takes each frame, and at the end what goes with them.

    Raises:
        StoreError: it is in the record already, the subject is in none of its frames or does not agree any
            more, or it can't be written. What was in the record before stays.
    """
    with Store(wanted.store, create=False) as store:
        subject = store.subjects.get(wanted.subject)
        uuid = _uuid(subject, task)
        earlier = _earlier(store, subject, task, uuid, wanted.again)
        kept.recorded = _recorded_at(wanted, task, source)
        writer = RecordWriter(
            store, subject, kind=task.kind, source=task.name,
            uuid=uuid if earlier is None else _stand_in(uuid),
            started_at=kept.recorded.at,
            models=describe_models(settings), settings=settings.model_dump(mode="json"),
            face=_face(wanted, task), waits=True,
        )  # fmt: skip
        at = kept.recorded.at
        agreed = frozenset(each for each in BODY if store.consents.refusal(subject, each, at) is None)
        taker = Taker(writer, tally, agreed)
        try:
            with writer:
                yield taker
            writer.check()
            _check_subject(wanted, task, writer.status.with_subject, sorted(taker.tracks))
            if earlier is not None:
                store.recordings.replace(earlier.id, writer.recording.id)
        except BaseException as error:
            if earlier is not None or isinstance(error, _NobodyError):
                _drop(store, subject, writer.recording.uuid)
            raise
        kept.status = replace(writer.status, uuid=uuid)


def _drop(store: Store, subject: Subject, uuid: str) -> None:
    """Take away a recording that came to nothing, if it is still there."""
    found = store.recordings.find(uuid)
    if found is not None:
        store.recordings.remove(subject, found.id)


class _NobodyError(StoreError):
    """The subject is in none of an input's frames, or nobody can tell who it is."""


def _check_subject(wanted: Recorded, task: Task, with_subject: int, tracks: list[int]) -> None:
    """Make sure that there is something to store.

    Raises:
        _NobodyError: there is not; it says which faces there are.
    """
    there = ", ".join(str(each) for each in tracks[:_MOST_TRACKS]) + (", ..." * (len(tracks) > _MOST_TRACKS))
    nothing = f"nothing is stored for {wanted.subject}"
    unknown = ", ".join(str(each) for each in wanted.tracks if each not in tracks)
    if not tracks:
        raise _NobodyError(f"{task.where} has no face; {nothing}")
    if unknown:
        raise _NobodyError(f"{task.where} has no face {unknown}, only {there}; {nothing}")
    if with_subject:
        return
    if wanted.tracks:
        raise _NobodyError(f"{task.where} shows the chosen faces at the same time; {nothing}")
    many = count(len(tracks), "face")
    raise _NobodyError(
        f"{task.where} has {many}, and it is unclear which is the subject's; {nothing}."
        f" Choose one of {there} with --face; --annotate writes these numbers into the picture"
    )


def _face(wanted: Recorded, task: Task) -> FindsSubject:
    if wanted.tracks:
        return GivenTracks(wanted.tracks)
    return SubjectFace(settle_s=0.0) if task.kind == "photograph" else SubjectFace()


def _recorded_at(wanted: Recorded, task: Task, source: Source) -> RecordedAt:
    if wanted.at is not None:
        return RecordedAt(datetime.fromisoformat(wanted.at), True)
    path = Path(task.where)
    if not path.exists():  # the portrait
        return RecordedAt(datetime.now().astimezone(), True)
    return recorded_at(path, source.report.duration_s or 0.0)


def _uuid(subject: Subject, task: Task) -> str:
    """Return the recording's uuid: it follows from the file and the subject, so that it can't count twice."""
    path = Path(task.where)
    content = sha256_of(path) if path.exists() else task.where
    return hashlib.sha256(f"{subject.code}\n{content}".encode()).hexdigest()[:_UUID_DIGITS]


def _stand_in(uuid: str) -> str:
    """Return the uuid under which a recording is written as long as an earlier one has its own."""
    return hashlib.sha256(f"{uuid}\nagain".encode()).hexdigest()[:_UUID_DIGITS]


def _earlier(store: Store, subject: Subject, task: Task, uuid: str, again: bool) -> StoredRecording | None:
    """Return the recording whose place the new one takes when it is finished; None where there is none.

    Raises:
        StoreError: it is not to be replaced, or another program is writing.
    """
    earlier, unfinished = store.recordings.find(uuid), store.recordings.find(_stand_in(uuid))
    if any(each is not None and each.state == "open" for each in (earlier, unfinished)):
        raise StoreError(f"{task.where}: another program is writing it into the record; wait half a minute")
    if unfinished is not None:
        store.recordings.remove(subject, unfinished.id)
    if earlier is not None and earlier.state == "finished" and not again:
        raise StoreError(
            f"{task.where} is already in the record of {subject.code}, as of"
            f" {earlier.started_at:%Y-%m-%d %H:%M}; --again puts it there anew"
        )
    return earlier
