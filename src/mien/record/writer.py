"""Writing a subject's readings to the store while a source is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

import mien
from mien.errors import StoreError
from mien.face.quality import quality_parts
from mien.measures.measurer import Measurer
from mien.mood.episodes import episodes
from mien.mood.reading_rate import pauses_s, read_too_rarely
from mien.mood.running import Running
from mien.record.batch_writer import BatchWriter, Row
from mien.record.body import BodyWindows, not_recorded, storable
from mien.record.finalize import FindEpisodes
from mien.record.subject_face import FindsSubject, Leading, State, SubjectFace, index_of
from mien.signals.stream.types import SignalReading
from mien.signals.types import Figure
from mien.store.codec import COLUMNS, SLICES
from mien.store.store import Store
from mien.store.types import BODY, RecordingState, SourceKind, StoredRecording, Subject
from mien.store.validation import checked_text
from mien.table import DECIMALS
from mien.types import Faces, Frame

FIGURES_EVERY_S: Final = 1.0
"""The figures so far are for the eye, which needs them no more often than this."""

LIGHT_EVERY_S: Final = 1.0
"""Light and sharpness change slowly, so they are looked at this often."""


@dataclass(frozen=True)
class RecordStatus:
    """How a recording is going.

    Attributes:
        subject: the code.
        recording: its number in the store.
        uuid: of the recording.
        source: what is recorded.
        state: of the search for the subject's face; see `subject_face.State`.
        track: the subject's track in the last frame; None where the subject wasn't in view.
        length_s: seconds from the first frame to the last.
        frames: frames that came in.
        with_subject: how many of them had the subject in view.
        others: other people's faces in them, which are not stored.
        stored: frames that are safe in the store.
        lost: frames that could not be stored, or came after it had stopped.
        trouble: why nothing can be stored now; it is tried again. None where nothing is wrong.
        stopped: why nothing is stored any more; None while it is.
        figures: of `mood.running` so far, renewed once a second: coverage, mean valence, smiles a minute;
            None below their least data.
        too_rarely: says that it is read too rarely so far; "" where it isn't. See `mood.reading_rate`.
        signals: what of the body is recorded beside the face, of `store.types.BODY`.
        signals_refused: says what sensors tell and is not recorded, and why; else "".
    """

    subject: str
    recording: int
    uuid: str
    source: str
    state: State
    track: int | None
    length_s: float
    frames: int
    with_subject: int
    others: int
    stored: int
    lost: int
    trouble: str | None
    stopped: str | None
    figures: dict[str, float | None]
    too_rarely: str
    signals: tuple[str, ...] = ()
    signals_refused: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class PendingFrame:
    """A frame that came in.

    Attributes:
        frame: as it came.
        time_s: from the recording's first frame.
        faces: what was read in it.
    """

    frame: Frame
    time_s: float
    faces: Faces


class PendingFrames:
    """A film's first frames, held as long as one face leads in them without being the subject's for sure.

    Once that is clear, they are the subject's too.
    """

    def __init__(self) -> None:
        self._leading: Leading | None = None
        self._held: list[PendingFrame] = []

    def hold(self, pending: PendingFrame) -> None:
        """Hold a frame; a picture that nobody will look at is let go, as films can be large."""
        if self._held and pending.time_s - self._held[0].time_s < LIGHT_EVERY_S:
            pixel = pending.frame.image[:1, :1].copy()
            pending = replace(pending, frame=replace(pending.frame, image=pixel))
        self._held.append(pending)

    def release(self, leading: Leading | None, track: int | None) -> list[tuple[PendingFrame, int | None]]:
        """Return what need not be held any more, each frame with the index of the subject's face in it.

        Args:
            leading: the face that leads from now on.
            track: the subject's, where that is clear now.
        """
        if leading is not None and leading == self._leading:
            return []
        led = None if self._leading is None else self._leading[0]
        given = [(each, index_of(each.faces, track) if led == track else None) for each in self._held]
        self._leading, self._held = leading, []
        return given


class RecordWriter:
    """Writes one recording of one subject; a context manager.

    Each frame that it takes becomes a row, in which nobody but the subject is described. What was taken is
    safe a second later, or two on a slow disk. Whether the subject still agrees is looked at as often: where
    not, or where the recording was erased meanwhile, nothing more is written, and `status.stopped` says why.

    Args:
        store: where to write.
        subject: whose.
        kind: where the frames come from.
        source: the file's or camera's name.
        started_at: when the first frame was taken, in the zone where it was made.
        models: names and SHA-256 of the networks and detector.
        settings: of the run.
        uuid: where it is known beforehand.
        face: says which face is the subject's.
        waits: `take` waits for a slow disk, as is right for a file; else what the disk can't keep up with is
            lost and counted, so that a camera's readings go on. A file's first frames wait too, until it is
            clear whose face is in them.
        commit_s: seconds between two commits.
        find: finds the episodes at the end.
        waiting: where readings wait while a server is away, see `spool.spool_folder`; None keeps a minute of
            them in memory.
        clock: gives seconds that never run backwards.

    Attributes:
        recording: as it was started.

    Raises:
        ConsentError: the subject had not agreed when it was recorded, or does not agree any more.
        StoreError: the store can't be written.

    Example:
        >>> with RecordWriter(store, subject, kind="video", source="session.mp4", ...) as writer:
        ...     for frame, faces in mien.stream("session.mp4"):
        ...         writer.take(frame, faces)
    """

    def __init__(
        self,
        store: Store,
        subject: Subject,
        *,
        kind: SourceKind,
        source: str,
        started_at: datetime,
        models: dict[str, Any],
        settings: dict[str, Any],
        uuid: str | None = None,
        face: FindsSubject | None = None,
        waits: bool = False,
        commit_s: float = 1.0,
        find: FindEpisodes = episodes,
        waiting: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.recording: StoredRecording = store.recordings.start(
            subject, kind=kind, source=source, started_at=started_at, models=models, settings=settings,
            version=mien.__version__, uuid=uuid,
        )  # fmt: skip
        self._subject = subject
        self._face = face or SubjectFace()
        self._measurer = Measurer() if store.consents.valid(subject, "measures", started_at) else None
        self._first_s: float | None = None
        self._last_s = self._light_s = -np.inf
        self._track: int | None = None
        self._frames = self._with_subject = self._others = 0
        self._paused_s = 0.0
        self._too_short: frozenset[str] = frozenset()
        self._waits, self._pending = waits, PendingFrames()
        self._running = Running()
        self._figures: dict[str, float | None] = {}
        self._figures_s = -np.inf
        self._body = BodyWindows(self.recording.started_at)
        self._batches = BatchWriter(
            store, subject, self.recording,
            commit_s=commit_s, waits=waits, find=find, waiting=waiting, clock=clock,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.finish("finished" if error is None else "interrupted")

    @property
    def status(self) -> RecordStatus:
        """How it is going; from any thread."""
        batches = self._batches
        return RecordStatus(
            self._subject.code, self.recording.id, self.recording.uuid, self.recording.source,
            self._face.state, self._track,
            max(0.0, self._last_s), self._frames, self._with_subject, self._others,
            batches.stored, batches.lost, batches.trouble, batches.stopped, self._figures,
            read_too_rarely(self._frames, max(0.0, self._last_s), self._paused_s),
            tuple(each for each in BODY if each in batches.signals),
            not_recorded(batches.left_out, self._too_short),
        )  # fmt: skip

    def take(self, frame: Frame, faces: Faces) -> int | None:
        """Take the next frame of the source.

        A frame that is not a microsecond later than the one before is left out.

        Args:
            frame: for its time, and now and then its picture, which is not kept.
            faces: what was read in it.

        Returns:
            The subject's track; None where the subject isn't in view, or it is in doubt who it is.
        """
        self._first_s = frame.time_s if self._first_s is None else self._first_s
        time_s = round(frame.time_s - self._first_s, DECIMALS["time_s"])
        index = self._face.find(faces, frame.time_s, frame.size_wh)
        self._track = None if index is None else int(faces.track[index])
        if time_s > self._last_s:
            self._paused_s += pauses_s(np.array([max(0.0, self._last_s), time_s]))
            self._last_s = time_s
            self._frames += 1
            self._hold_or_enter(PendingFrame(frame, time_s, faces), index)
        return self._track

    def take_signals(self, reading: SignalReading) -> None:
        """Take what a running sensor says; what no consent names is let go, and `status` says so.

        A window of a minute is stored every ten seconds, from the recording's first minute on.
        """
        if figures := self._body.choose(reading):
            self._batches.put_figures(figures)

    def mark(self, text: str, at: datetime, source: str) -> bool:
        """Take a mark; from any thread, waits for nothing.

        Args:
            text: what happened.
            at: when; before the recording nothing can be marked.
            source: where it came from: "key", or a sensor's name.

        Returns:
            Whether it goes into the recording.

        Raises:
            StoreError: the text can't be stored.
        """
        text = checked_text("mark", text)
        return bool(text) and at >= self.recording.started_at and self._batches.put_mark(at, text, source)

    def take_figures(self, figures: Sequence[Figure]) -> None:
        """Take what a file says of the body during the recording, in seconds from its first frame."""
        self._batches.put_figures(storable(figures))

    def leave_out(self, signals: Collection[str]) -> None:
        """Note which of `store.types.BODY` a file has that isn't recorded, as no consent names it."""
        self._batches.left_out |= frozenset(signals)

    def note_too_short(self, signals: Collection[str]) -> None:
        """Note of which of `store.types.BODY` no whole minute lies in the recording."""
        self._too_short = frozenset(signals)

    def settle(self) -> int | None:
        """Return the subject's track, where a film that is over leaves no doubt whose it is."""
        if self._waits and (only := self._face.end()) is not None:
            self._track = only
        return self._track

    def choose(self, track: int) -> None:
        """Return which track is the subject; from any thread."""
        self._face.choose(track)

    def cut(self) -> None:
        """Take note that the film was cut before the next frame: who is seen now may be somebody else."""
        self._face.cut()

    def end(self, state: RecordingState = "finished") -> None:
        """Finish it without waiting; from any thread, and only the first call counts."""
        self._batches.end(state)

    def finish(self, state: RecordingState = "finished", timeout_s: float | None = None) -> bool:
        """Write what is left, find the episodes, pack the readings.

        Args:
            state: "finished", or "interrupted".
            timeout_s: wait no longer than this; what isn't done then goes on, and what isn't done when the
                program ends is done by the next `record.finalize.recover`.

        Returns:
            Whether all is done.
        """
        if state == "finished":
            self.settle()
        self._release(None)
        self.end(state)
        return self._batches.join(timeout_s)

    def check(self) -> None:
        """Raise unless everything could be stored.

        Raises:
            StoreError: it stopped; says why.
        """
        if self._batches.stopped is not None:
            raise StoreError(self._batches.stopped)

    def _hold_or_enter(self, pending: PendingFrame, index: int | None) -> None:
        """Let a film's frames wait for the subject; a live source's never do."""
        leading = self._face.leading if self._waits and index is None else None
        self._release(leading)
        if leading is None:
            self._enter(pending, index)
        else:
            self._pending.hold(pending)

    def _release(self, leading: Leading | None) -> None:
        for pending, index in self._pending.release(leading, self._track):
            self._enter(pending, index)

    def _enter(self, pending: PendingFrame, index: int | None) -> None:
        faces = pending.faces
        self._with_subject += index is not None
        self._others += len(faces) - (index is not None)
        row = self._row(pending.frame, pending.time_s, None if index is None else faces[[index]])
        self._batches.put(row)
        self._count(row)

    def _row(self, frame: Frame, time_s: float, face: Faces | None) -> Row:
        row = np.full(len(COLUMNS), np.nan)
        row[SLICES["frame"]], row[SLICES["time_s"]] = frame.index, time_s
        if face is None:
            return row
        # Shares are what is recorded: no mix that somebody expects changes them.
        face = face.by_shares()
        size_wh = face.size_wh[0].astype(np.float64)
        values: dict[str, Any] = {
            "x": face.xyxy[0, 0], "y": face.xyxy[0, 1], "width": size_wh[0], "height": size_wh[1],
            "face_px": np.sqrt(size_wh.prod()), "detection": face.detection[0], "quality": face.quality[0],
            "probabilities": face.probabilities[0], "expression": face.expression[0],
            "confidence": face.confidence[0], "valence": face.valence[0], "arousal": face.arousal[0],
            "measures": self._measured(face, frame.time_s).measures[0],
        }  # fmt: skip
        if time_s - self._light_s >= LIGHT_EVERY_S:
            self._light_s = time_s
            parts = quality_parts(frame.image, face)
            values |= {"light": parts.light[0], "sharpness": parts.sharpness[0]}
        for name, value in values.items():
            row[SLICES[name]] = value
        return row

    def _count(self, row: Row) -> None:
        """Keep the figures so far; a whole dictionary at a time, as other threads read it."""
        time_s, expression = float(row[SLICES["time_s"]][0]), row[SLICES["expression"]][0]
        self._running.push(
            time_s,
            row[SLICES["probabilities"]],
            -1 if np.isnan(expression) else int(expression),
            float(row[SLICES["valence"]][0]),
            float(row[SLICES["arousal"]][0]),
        )
        if time_s - self._figures_s >= FIGURES_EVERY_S:
            self._figures, self._figures_s = self._running.figures(), time_s

    def _measured(self, face: Faces, time_s: float) -> Faces:
        if self._measurer is None or np.isfinite(face.measures).any() or np.isnan(face.landmarks).any():
            return face
        # One number for whichever track the subject has: the neutral face that was learnt stays.
        return self._measurer.measure(face.fill(track=[0]), time_s)
