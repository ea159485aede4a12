"""A subject's record, kept from the sources of a session: from one of them at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from mien.errors import ConfigError, StoreError
from mien.live.inputs import PORTRAIT
from mien.live.reading import Reading
from mien.record.origin import require_person
from mien.record.spool import spool_folder
from mien.record.writer import RecordStatus, RecordWriter
from mien.signals.stream.types import SignalReading
from mien.source.address import is_address, is_camera
from mien.store.store import Store
from mien.store.types import RecordingState, SourceKind, Subject


class Recorder:
    """Records one subject; the first source that gives a frame is recorded, until it is over.

    Then the next one that gives a frame begins another recording: a browser's camera that is switched on
    again is another source. What others give meanwhile is shown, and not stored. All is safe from any thread.

    Args:
        store: where to write.
        subject: whose.
        models: names and SHA-256 of the networks and detector.
        settings: of the run.
        only: the one source that is recorded; None takes the first that gives a frame.

    Attributes:
        subject: as given.
        refused: why the last recording could not be begun, or a mark not be set; None where all is well.

    Raises:
        StoreError: the subject has not agreed, or is simulated.
    """

    def __init__(
        self,
        store: Store,
        subject: Subject,
        *,
        models: dict[str, Any],
        settings: dict[str, Any],
        only: str | None = None,
    ) -> None:
        store.consents.require(subject, "expression")
        require_person(store, subject)
        self.subject = subject
        self.refused: str | None = None
        self._store, self._models, self._settings = store, models, settings
        self._only, self._waiting = only, spool_folder(store)
        self._lock = Lock()
        self._source: str | None = None
        self._writer: RecordWriter | None = None
        self._ending: list[RecordWriter] = []
        self._closed = False

    @property
    def source(self) -> str | None:
        """What is being recorded now, or will be with its next frame; None where nothing is."""
        with self._lock:
            return None if self._closed else self._source or self._only

    @property
    def status(self) -> RecordStatus | None:
        """How the recording is going, or how the last one went; None before the first."""
        with self._lock:
            writer = self._writer or (self._ending[-1] if self._ending else None)
        return None if writer is None else writer.status

    def statuses(self) -> list[RecordStatus]:
        """Return how all recordings went, in the order in which they began."""
        with self._lock:
            writers = [*self._ending, *([] if self._writer is None else [self._writer])]
        return [writer.status for writer in writers]

    def take(self, where: str, reading: Reading) -> None:
        """Take a source's next reading; what is wrong with the store is no fault of the source.

        Args:
            where: the camera, address or file.
            reading: its next one.
        """
        with self._lock:
            if self._closed or (self._source or self._only or reading.source) != reading.source:
                return
            if self._source is None:
                self._begin(where, reading)
            writer = self._writer
        if writer is not None:
            writer.take(reading.frame, reading.faces)

    def take_signals(self, reading: SignalReading) -> None:
        """Take what a sensor says of the subject's body; it goes into the recording that runs now, if any."""
        with self._lock:
            writer = self._writer
        if writer is not None:
            writer.take_signals(reading)

    def mark(self, text: str, *, at_s: float, source: str) -> bool:
        """Set a mark in the recording that runs now; doesn't wait for the store.

        Args:
            text: what happened; without words nothing is set.
            at_s: when, in POSIX seconds.
            source: where it came from: "key", or a sensor's name.

        Returns:
            Whether it is set: not where nothing was being recorded then, or its text can't be stored, which
            `refused` says.
        """
        with self._lock:
            writer = self._writer
        if writer is None:
            return False
        try:
            return writer.mark(text, datetime.fromtimestamp(at_s, UTC).astimezone(), source)
        except StoreError as error:
            self.refused = str(error)
            return False

    def choose(self, source: str, track: int) -> None:
        """Return which face is the subject.

        Args:
            source: in which it is seen.
            track: its number in the source's readings.

        Raises:
            ConfigError: this source is not being recorded.
        """
        with self._lock:
            writer = self._writer if source == self._source else None
        if writer is None:
            raise ConfigError(f"{source} is not being recorded, {self._source or 'nothing'} is")
        writer.choose(track)

    def left(self, source: str, state: RecordingState = "finished") -> None:
        """End a source's recording, if it has one; doesn't wait.

        Args:
            source: which one is over.
            state: "interrupted" where it broke off.
        """
        with self._lock:
            if source != (self._source or self._only):
                return
            self._source = None
            # Whoever chose this one source has not chosen what comes after it.
            self._closed = self._closed or self._only is not None
            if self._writer is not None:
                self._writer.end(state)
                self._ending.append(self._writer)
                self._writer = None

    def close(self, timeout_s: float) -> bool:
        """End the recording, and record nothing any more.

        Args:
            timeout_s: wait no longer than this until everything is written.

        Returns:
            Whether it is; what isn't goes on, and may be waited for again.
        """
        with self._lock:
            self._closed = True
            source = self._source
        if source is not None:
            self.left(source)
        deadline_s = monotonic() + timeout_s
        done = [writer.finish(timeout_s=max(0.0, deadline_s - monotonic())) for writer in self._ending]
        return all(done)

    def _begin(self, where: str, reading: Reading) -> None:
        self._source = reading.source
        try:
            self._writer = RecordWriter(
                self._store, self.subject, kind=kind_of(where), source=reading.source,
                # In the zone of this machine, which is where the camera is watched.
                started_at=datetime.fromtimestamp(reading.at_s, UTC).astimezone(),
                models=self._models, settings=self._settings, waiting=self._waiting,
            )  # fmt: skip
            self.refused = None
        except StoreError as error:
            self.refused = str(error)


def kind_of(where: str) -> SourceKind:
    """Return what kind of source is at a place."""
    if is_camera(where) or where.startswith("/dev/"):
        return "camera"
    if is_address(where):
        return "stream"
    return "video" if where == PORTRAIT or Path(where).exists() else "browser"
