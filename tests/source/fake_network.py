"""A network on which connections are made, give frames and break as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from queue import SimpleQueue

import numpy as np
from av.video.frame import VideoFrame

from mien.errors import SourceError
from mien.source.connection import ConnectionLost

END = "end"


def picture(grey: int, time_s: float | None) -> VideoFrame:
    """A decoded frame (64x48) with its time by the stream."""
    frame = VideoFrame.from_ndarray(np.full((48, 64, 3), grey % 256, np.uint8), format="rgb24")
    if time_s is not None:
        frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
    return frame


class FakeNetwork:
    """Makes connections; all of them give what `show` says.

    Args:
        refusals: how many attempts fail before each one that succeeds; then all succeed.
        pixel_shape: width by height of the pixels.
        on_attempt: is called at each attempt.
    """

    def __init__(
        self,
        refusals: Iterable[int] = (),
        *,
        has_times: bool = True,
        hurries: bool = False,
        pixel_shape: Fraction = Fraction(1),
        on_attempt: Callable[[], None] = lambda: None,
    ) -> None:
        self.has_times, self.hurries = has_times, hurries
        self.pixel_shape = pixel_shape
        self.made = self.closed = 0
        self._fails = [fails for count in refusals for fails in [True] * count + [False]]
        self._on_attempt = on_attempt
        self._coming: SimpleQueue[float | str | Exception | None] = SimpleQueue()
        self._shown = 0

    def __call__(self, address: str, patience_s: float) -> FakeNetwork:
        self._on_attempt()
        if self._fails and self._fails.pop(0):
            raise SourceError("rtsp://***@camera/live: Connection refused; check the address")
        self.made += 1
        return self

    def show(self, *script: float | str | Exception | None) -> None:
        """Return a frame of this time by the stream (None: without), an exception to raise, or END."""
        for what in script:
            self._coming.put(what)

    def frames(self) -> Iterator[VideoFrame]:
        while (what := self._coming.get()) != END:
            if isinstance(what, Exception):
                raise what
            assert not isinstance(what, str)
            self._shown += 1
            yield picture(self._shown, what)

    def close(self) -> None:
        self.closed += 1


def lost() -> ConnectionLost:
    return ConnectionLost("the other side closed the connection")
