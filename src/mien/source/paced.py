"""A file at its own speed, as if it were a camera."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event

from mien.source.base import Chooser, Source, SourceReport
from mien.source.newest import Newest
from mien.types import Frame

# How long one round with a photograph lasts, which has no length of its own.
_STILL_S = 1.0


class PacedSource:
    """A source that gives each frame when its time has come; a reader that is slow misses some.

    Args:
        source: a file, or the portrait; it is read in a thread of its own, and closed at the end.
        again: makes it anew at its end, to begin again for ever; times and numbers go on. None ends there.
        clock: gives seconds that never run backwards.
        wait: waits for an event for so many seconds; True if it was set.

    Example:
        >>> from mien.source.portrait import PortraitSource
        >>> with closing(PacedSource(PortraitSource(duration_s=0.1))) as source:
        ...     first = next(source.frames())
        >>> first.source
        'portrait'
    """

    live = True

    def __init__(
        self,
        source: Source,
        *,
        again: Callable[[], Source] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[Event, float], bool] = Event.wait,
    ) -> None:
        self.name = source.name
        self.report = SourceReport()
        self._newest: Newest[Frame] = Newest(self.report, Chooser())
        self._again = again
        self._clock = clock
        self._wait = wait
        self._start_s = clock()
        self._newest.feed(lambda: self._rounds(source), self.name)

    def frames(self) -> Iterator[Frame]:
        """Yield the frame whose time has come; waits for the next one, until the end or until it is closed.

        Raises:
            SourceError: the file broke off in a way that left nothing to read.
        """
        while (taken := self._newest.take()) is not None:
            yield Frame(taken.picture.image, taken.index, taken.time_s, self.name)
        if self._newest.failure is not None:
            raise self._newest.failure

    def close(self) -> None:
        """Stop the thread, which closes the file."""
        self._newest.close()

    def _rounds(self, source: Source) -> None:
        first_index, first_s = 0, 0.0
        while True:
            with closing(source):
                self._play(source, first_index, first_s)
            self.report.note = source.report.note
            if self._again is None or self._newest.closed.is_set() or not source.report.frames_read:
                return
            first_index += source.report.frames_read
            first_s += source.report.duration_s or _STILL_S
            source = self._again()

    def _play(self, source: Source, first_index: int, first_s: float) -> None:
        for frame in source.frames():
            time_s = first_s + frame.time_s
            early_s = self._start_s + time_s - self._clock()
            if self._wait(self._newest.closed, max(early_s, 0.0)):
                return
            self._newest.offer(frame, time_s, frame.size_wh, index=first_index + frame.index)
