"""A source that was started again goes on: its frame numbers, tracks and times never start anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from mien.source import Source, SourceReport
from mien.types import Frame


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
        """Give the source's frames, with their numbers and times going on."""
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
