"""Sources, a network and a clock for tests of what is live; nothing in them waits for real time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from threading import enumerate as threads

import numpy as np
from numpy.typing import NDArray

from mien.config import Settings
from mien.expression.network import Network, load_network
from mien.live.session import LiveSession
from mien.source import Source, SourceReport
from mien.types import Faces, Frame, Image
from patience import LIMIT_S

"""No test waits longer than this for an event."""


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class FakeSource:
    """Yields what it is fed: frames by `give`, a fault by `fail`, the end by `end`; tells when it is closed.

    Args:
        stuck: `frames` doesn't hear of `close`, like a driver that hangs, until `let_go`.
    """

    live = True

    def __init__(self, name: str = "fake", *, stuck: bool = False) -> None:
        self.name = name
        self.report = SourceReport()
        self.closed = Event()
        self._stuck = stuck
        self._todo: SimpleQueue[Frame | Exception | None] = SimpleQueue()

    def give(self, *times_s: float, light: int = 200) -> FakeSource:
        for time_s in times_s:
            self._todo.put(Frame(grey(light), self.report.frames_read, time_s, self.name))
            self.report.frames_read += 1
        return self

    def fail(self, error: Exception) -> FakeSource:
        self._todo.put(error)
        return self

    def end(self) -> FakeSource:
        self._todo.put(None)
        return self

    let_go = end

    def frames(self) -> Iterator[Frame]:
        while (what := self._todo.get(timeout=LIMIT_S)) is not None:
            if isinstance(what, Exception):
                raise what
            yield what

    def close(self) -> None:
        self.closed.set()
        if not self._stuck:
            self.end()


class Opener:
    """Opens one source after another; what is an exception is raised; counts along."""

    def __init__(self, *what: Source | Exception) -> None:
        self.opened = 0
        self._what = list(what)

    def __call__(self) -> Source:
        self.opened += 1
        source = self._what.pop(0)
        if isinstance(source, Exception):
            raise source
        return source


class LightDetector:
    """Finds one face, in the middle, in pictures that aren't black."""

    name = "light"

    def detect(self, image: Image) -> Faces:
        if not image.any():
            return Faces.empty()
        height, width = image.shape[:2]
        box = np.array([[width / 4, height / 4, width * 3 / 4, height * 3 / 4]], np.float32)
        return Faces(box, detection=np.ones(1, np.float32))

    def close(self) -> None:
        """Nothing to let go."""


def grey(value: int) -> Image:
    image: NDArray[np.uint8] = np.full((40, 40, 3), value, np.uint8)
    image.flags.writeable = False
    return image


def make_session(
    network: Path | Network,
    *,
    clock: Callable[[], float] | None = None,
    patience_s: float = 5.0,
    pauses_s: Iterable[float] = (0.5, 1, 2, 4, 8, 16, 30),
) -> LiveSession:
    """A session whose watchdog looks when the test says so, with a network and a detector of a few lines."""
    choices = {} if clock is None else {"clock": clock}
    return LiveSession(
        Settings(detector="haar"),
        network=load_network(network) if isinstance(network, Path) else network,
        detector=LightDetector,
        patience_s=patience_s,
        pauses_s=tuple(pauses_s),
        watch_every_s=None,
        **choices,
    )


def live_threads() -> list[Thread]:
    """The threads of sessions, which are called so; those of pages are called otherwise."""
    return [thread for thread in threads() if thread.name.startswith("mien ")]


def wait_for_end(name: str) -> None:
    """Wait until the threads of a source are gone."""
    for thread in live_threads():
        if thread.name == f"mien {name}":
            thread.join(LIMIT_S)
            assert not thread.is_alive()
