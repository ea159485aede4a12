"""The one place between the thread that takes frames in and their reader: the newest wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Event, Thread, current_thread
from typing import Generic, TypeVar

from mien.source.base import Chooser, SourceReport

Picture = TypeVar("Picture")


@dataclass(frozen=True, slots=True, eq=False)
class Taken(Generic[Picture]):
    """What a reader takes out.

    Attributes:
        picture: as it was offered.
        index: its number in the source.
        time_s: its time in the source.
    """

    picture: Picture
    index: int
    time_s: float


class Newest(Generic[Picture]):
    """Holds the newest picture until somebody takes it; keeps the report up to date.

    Args:
        report: gets what is read, given and dropped, the first picture's size, the time and the rate.
        chooser: says which pictures are wanted at all.

    Attributes:
        closed: is set by `close`; whoever feeds the place waits on this instead of sleeping.
        failure: what the feeding thread raised; None when nothing.
    """

    def __init__(self, report: SourceReport, chooser: Chooser) -> None:
        self.closed = Event()
        self.failure: Exception | None = None
        self._report = report
        self._chooser = chooser
        self._change = Condition()
        self._newest: Taken[Picture] | None = None
        self._ended = False
        self._thread: Thread | None = None

    def feed(self, work: Callable[[], None], name: str) -> Thread:
        """Run what offers the pictures in a thread of its own; what it raises becomes `failure`.

        Args:
            work: offers pictures until there are no more, or until `closed` is set.
            name: the thread's.
        """

        def run() -> None:
            try:
                work()
            except Exception as error:  # handed over to the thread that asks for frames
                self.failure = error
            finally:
                self._end()

        self._thread = Thread(target=run, name=name, daemon=True)
        self._thread.start()
        return self._thread

    def offer(
        self, picture: Picture, time_s: float, size_wh: tuple[int, int], *, index: int | None = None
    ) -> tuple[int, int | None]:
        """Put a picture in; one that nobody has taken yet makes room.

        Args:
            picture: anything.
            time_s: seconds in the source, rising.
            size_wh: its width and height in pixels.
            index: its number in the source, rising; the count of those before it when None.

        Returns:
            Its number, and the number of the picture that nobody will see for it: the one that made room, or
            this one if it isn't wanted or the place is closed; None where there is no such picture.
        """
        with self._change:
            report = self._report
            index = report.frames_read if index is None else index
            report.frames_read = index + 1
            report.size_wh = report.size_wh or size_wh
            report.duration_s = time_s
            report.frame_rate_hz = index / time_s if time_s > 0 else None
            if self.closed.is_set() or not self._chooser.wants(index, time_s):
                return index, index
            previous, self._newest = self._newest, Taken(picture, index, time_s)
            report.frames_dropped += previous is not None
            self._change.notify_all()
            return index, None if previous is None else previous.index

    def take(self, patience_s: float | None = None) -> Taken[Picture] | None:
        """Wait for the next picture.

        Args:
            patience_s: wait at most so long; for ever when None.

        Returns:
            The newest one; None when the place is closed, nothing more will come, or nothing came in time.
        """
        with self._change:
            self._change.wait_for(lambda: self._newest or self._ended or self.closed.is_set(), patience_s)
            taken, self._newest = self._newest, None
            if taken is None or self.closed.is_set():
                return None
            self._report.frames_given += 1
            return taken

    def close(self, join_s: float = 1.0) -> int | None:
        """Wake whoever waits and stop the feeding thread; safe twice, and from any thread.

        Args:
            join_s: wait at most so long for the thread, which may be stuck outside of our reach.

        Returns:
            The number of the picture that nobody will see now; None where there is none.
        """
        with self._change:
            self.closed.set()
            left, self._newest = self._newest, None
            self._report.frames_dropped += left is not None
            self._change.notify_all()
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join(join_s)
        return None if left is None else left.index

    def _end(self) -> None:
        with self._change:
            self._ended = True
            self._change.notify_all()
