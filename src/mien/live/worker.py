"""One live source in a thread of its own: opened, read, analysed and published there, from start to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Lock, Thread

from mien.live.live_neutral import LiveNeutral
from mien.live.reading import Reading
from mien.live.status import Pace
from mien.mood.smoothing import HalfLife
from mien.pipeline import Pipeline, Tally
from mien.source import Source, SourceReport
from mien.types import Faces, Frame


@dataclass(frozen=True)
class ResumePoint:
    """What a source had given before it was started again.

    Attributes:
        frames: frame numbers given out.
        tracks: track numbers given out.
        time_s: time of the last frame.
        since_s: when the first frame came, by the session's clock; None before it.
        read: frames that came.
        analysed: frames analysed.
        dropped: frames that gave way to a newer one.
    """

    frames: int = 0
    tracks: int = 0
    time_s: float = 0.0
    since_s: float | None = None
    read: int = 0
    analysed: int = 0
    dropped: int = 0


class ResumedSource:
    """A source whose numbers and times go on from where it was; it tells when each frame came.

    Args:
        source: opened anew.
        name: what `Frame.source` says.
        resume_point: what it gave before.
        clock: gives seconds that never run backwards.
        heard: is called with the clock's time when a frame came.

    Attributes:
        taken_s: when the last frame came, by the clock.
    """

    def __init__(
        self,
        source: Source,
        name: str,
        resume_point: ResumePoint,
        *,
        clock: Callable[[], float],
        heard: Callable[[float], None],
    ) -> None:
        self.name, self.live = name, source.live
        self.taken_s = 0.0
        self._source = source
        self._resume_point = resume_point
        self._clock = clock
        self._heard = heard

    @property
    def report(self) -> SourceReport:
        """What the source says of itself."""
        return self._source.report

    def frames(self) -> Iterator[Frame]:
        """Yield the source's frames, with their numbers and times going on."""
        offset_s: float | None = None
        for frame in self._source.frames():
            self.taken_s = self._clock()
            self._heard(self.taken_s)
            offset_s = self._offset_s(frame) if offset_s is None else offset_s
            index, time_s = self._resume_point.frames + frame.index, offset_s + frame.time_s
            if (index, time_s, self.name) == (frame.index, frame.time_s, frame.source):
                yield frame
            else:
                yield replace(frame, index=index, time_s=time_s, source=self.name)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _offset_s(self, first: Frame) -> float:
        resume_point = self._resume_point
        if resume_point.since_s is None:
            return 0.0
        return max(resume_point.time_s, self.taken_s - resume_point.since_s) - first.time_s


class Worker:
    """Reads one source in its own thread, with its own detector and tracker.

    What goes wrong in it is its `error`, and nobody else's.

    Args:
        name: of the source in the session.
        opener: opens the source; called in the thread, when the stages are ready.
        pipeline: makes the stages; called in the thread.
        publish: takes each reading, in the thread.
        clock: gives seconds that never run backwards.
        epoch_s: POSIX seconds at which the clock was 0.
        resume_point: what the source gave before.
        neutral: reads the person by their own neutral face, where that is known.

    Attributes:
        pace: of its readings.
        tally: what it analysed.
        error: what ended it; None while nothing has.
        heard_s: when something came last, by the clock; None before it is ready for the first frame.
    """

    def __init__(
        self,
        name: str,
        opener: Callable[[], Source],
        pipeline: Callable[[], Pipeline],
        publish: Callable[[Reading], None],
        *,
        clock: Callable[[], float],
        epoch_s: float,
        resume_point: ResumePoint,
        neutral: LiveNeutral | None = None,
    ) -> None:
        self.pace = Pace()
        self.tally = Tally()
        self.error: Exception | None = None
        self.heard_s: float | None = None
        self._name = name
        self._opener = opener
        self._pipeline = pipeline
        self._publish = publish
        self._clock = clock
        self._epoch_s = epoch_s
        self._before = self._now = resume_point
        self._neutral = neutral or LiveNeutral()
        self._first_s: float | None = None
        self._lock = Lock()
        self._stopped = False
        self._source: Source | None = None
        self._closer: Thread | None = None
        self._thread = Thread(target=self._work, name=f"mien {name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    @property
    def report(self) -> SourceReport:
        """What the source says of itself; empty before it is open."""
        return self._source.report if self._source is not None else SourceReport()

    @property
    def resume_point(self) -> ResumePoint:
        """What the source has given so far, before this worker and in it."""
        before, report = self._before, self.report
        return replace(
            self._now,
            since_s=self._first_s if before.since_s is None else before.since_s,
            read=before.read + report.frames_read,
            analysed=before.analysed + self.tally.frames,
            dropped=before.dropped + report.frames_dropped,
        )

    @property
    def coverage(self) -> float | None:
        """Share of the time with a face read, 0 to 1; None before any frame."""
        return self.tally.coverage

    @property
    def ran_s(self) -> float:
        """Seconds from its first frame to when something came last; 0 before the first frame."""
        return 0.0 if self._first_s is None or self.heard_s is None else self.heard_s - self._first_s

    @property
    def has_frames(self) -> bool:
        """Whether its first frame has come."""
        return self._first_s is not None

    def stop(self) -> None:
        """Publish nothing any more and close the source; doesn't wait, safe twice and from any thread."""
        with self._lock:
            already, self._stopped = self._stopped, True
            if already or self._source is None:
                return
            # Closing may wait for a device that is stuck, and whoever stops has others to look after.
            self._closer = Thread(target=self._source.close, name=f"mien closes {self._name}", daemon=True)
            self._closer.start()

    def join(self, timeout_s: float) -> None:
        """Wait until its threads are gone, each no longer than this; what is stuck in a driver stays."""
        for thread in (self._thread, self._closer):
            if thread is not None:
                thread.join(timeout_s)

    def _work(self) -> None:
        try:
            # The stages first: a camera is not on, and a film does not run, while networks are being loaded.
            with self._pipeline() as pipeline:
                if not self._stopped:
                    self._read(pipeline)
        except Exception as error:  # the thread's border: it becomes the source's status
            self.error = error

    def _read(self, pipeline: Pipeline) -> None:
        with closing(self._opener()) as source:
            with self._lock:
                self._source = source
                if self._stopped:
                    return
            smoothing = HalfLife(pipeline.settings.smooth_half_life_s)
            going_on = ResumedSource(source, self._name, self._before, clock=self._clock, heard=self._hear)
            self.heard_s = self._clock()
            for frame, faces in pipeline.stream(going_on, self.tally):
                faces = faces.fill(track=faces.track + self._before.tracks)
                faces = self._neutral.read(pipeline, frame, faces, self.tally.cuts)
                shown = smoothing.smooth(faces, frame.time_s)
                if not self._tell(frame, faces, shown, going_on.taken_s):
                    return

    def _hear(self, now_s: float) -> None:
        self._first_s = now_s if self._first_s is None else self._first_s
        self.heard_s = now_s

    def _tell(self, frame: Frame, faces: Faces, shown: Faces, taken_s: float) -> bool:
        """Publish what a frame shows; return whether to go on."""
        now_s = self._clock()
        took_ms = 1000 * (now_s - taken_s)
        reading = Reading(frame, faces, shown, self._epoch_s + taken_s, took_ms)
        with self._lock:
            if self._stopped:
                return False
            self._publish(reading)
        self.pace.add(now_s, took_ms)
        self.heard_s = now_s
        tracks = max(self._now.tracks, int(faces.track.max(initial=-1)) + 1)
        self._now = ResumePoint(frame.index + 1, tracks, frame.time_s)
        return True
