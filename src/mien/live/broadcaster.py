"""Where readings go from and to: any number of sources publish, any number of readers take, nobody waits.

A reader that is slow loses readings, never the newest one, and they are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from threading import Condition, Lock
from types import TracebackType
from typing import Generic, Protocol, TypeVar


class Sourced(Protocol):
    """What is handed on: a face's reading, or a sensor's."""

    @property
    def source(self) -> str:
        """The name of the source in the session."""
        ...


T = TypeVar("T", bound=Sourced)


class Mailbox(Generic[T]):
    """One reader's box, with room for the newest reading of each source; close it, or use it in `with`.

    Attributes:
        dropped: readings that a newer one of the same source replaced before they were taken.
        closed: nothing comes any more.
    """

    def __init__(
        self,
        sources: Collection[str] | None,
        wake: Callable[[], None] | None,
        on_close: Callable[[Mailbox[T]], None],
    ) -> None:
        self.dropped = 0
        self.closed = False
        self._sources = None if sources is None else frozenset(sources)
        self._wake = wake
        self._on_close = on_close
        self._change = Condition()
        self._waiting: dict[str, T] = {}

    def __enter__(self) -> Mailbox[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Take the newest reading of the source that has waited longest.

        Args:
            timeout_s: how long to wait for one; None waits until there is one, 0 doesn't wait.

        Returns:
            The reading; None when the time is over or the box is closed.
        """
        with self._change:
            self._change.wait_for(lambda: self._waiting or self.closed, timeout_s)
            if self.closed or not self._waiting:
                return None
            return self._waiting.pop(next(iter(self._waiting)))

    def put(self, reading: T) -> None:
        """Put a reading in, if its source is followed; for the broadcaster."""
        if self._sources is not None and reading.source not in self._sources:
            return
        with self._change:
            if self.closed:
                return
            self.dropped += reading.source in self._waiting
            self._waiting[reading.source] = reading
            self._change.notify()
        if self._wake is not None:
            self._call(self._wake)

    def close(self) -> None:
        """Let what waits in `take` go, and get nothing more; safe twice and from any thread."""
        with self._change:
            if self.closed:
                return
            self.closed = True
            self._waiting.clear()
            self._change.notify_all()
        self._on_close(self)
        if self._wake is not None:
            self._call(self._wake)

    def _call(self, wake: Callable[[], None]) -> None:
        try:
            wake()
        except Exception:  # another thread's: its event loop may be gone, which is no fault of the source
            self.close()


class Broadcaster(Generic[T]):
    """Takes readings from the sources' threads and hands them to all mailboxes; safe from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._boxes: list[Mailbox[T]] = []
        self._latest: dict[str, T] = {}
        self._closed = False

    def publish(self, reading: T) -> None:
        """Hand a reading to all who follow its source; never waits for them."""
        with self._lock:
            if self._closed:
                return
            self._latest[reading.source] = reading
            boxes = tuple(self._boxes)
        for box in boxes:
            box.put(reading)

    def subscribe(
        self, sources: Collection[str] | None = None, wake: Callable[[], None] | None = None
    ) -> Mailbox[T]:
        """Make a mailbox for what is published from now on.

        Args:
            sources: names of those to follow; None follows all, also those that come later.
            wake: is called from the publisher's thread when something new is there, and when the box is
                closed; it must not block. With asyncio: `lambda: loop.call_soon_threadsafe(event.set)`.
        """
        box: Mailbox[T] = Mailbox(sources, wake, self._leave)
        with self._lock:
            closed = self._closed
            self._boxes.append(box)
        if closed:
            box.close()
        return box

    def latest(self) -> dict[str, T]:
        """Return the newest reading of each source by its name."""
        with self._lock:
            return dict(self._latest)

    def forget(self, source: str) -> None:
        """Drop the newest reading of a source that is gone."""
        with self._lock:
            self._latest.pop(source, None)

    def close(self) -> None:
        """Close all mailboxes, and those asked for later; what is still published is dropped."""
        with self._lock:
            self._closed = True
            self._latest.clear()
            boxes = tuple(self._boxes)
        for box in boxes:
            box.close()

    def _leave(self, box: Mailbox[T]) -> None:
        with self._lock:
            if box in self._boxes:
                self._boxes.remove(box)
