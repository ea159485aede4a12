"""Frames that another thread pushes in, such as those of a browser's camera."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock

import numpy as np

from mien.errors import SourceError
from mien.source.base import Chooser, SourceReport
from mien.source.newest import Newest
from mien.types import Frame, Image, check_image

# Thirty million years: a difference of two such times is still a number.
_ENDLESS_S = 1e15


class PushedSource:
    """A source whose frames come from outside, by `push`.

    Args:
        name: what `Frame.source` says.
        every: consider each n-th frame that is pushed.
        fps: consider at most this many frames a second of the sender's time.
        dropped: is told the index of each frame that no reader will see, from the thread that pushes or
            closes; None tells nobody.

    Raises:
        ConfigError: `every` or `fps` is out of range.

    Example:
        >>> source = PushedSource("browser-1")
        >>> source.push(np.zeros((48, 64, 3), np.uint8), captured_s=12.5)
        0
        >>> next(source.frames()).time_s
        0.0
        >>> source.close()
    """

    live = True

    def __init__(
        self,
        name: str,
        *,
        every: int = 1,
        fps: float | None = None,
        dropped: Callable[[int], None] | None = None,
    ) -> None:
        self.name = name
        self.report = SourceReport()
        self._newest: Newest[Image] = Newest(self.report, Chooser(every, fps))
        self._dropped = dropped
        self._pushing = Lock()
        self._start_s: float | None = None
        self._time_s = 0.0

    def push(self, image: Image, captured_s: float) -> int:
        """Offer a frame; it takes the place of one that no reader has taken yet.

        Safe from any thread. After `close` a frame counts as one that no reader will see.

        Args:
            image: uint8 RGB, shape (height, width, 3); it must not change afterwards.
            captured_s: when it was taken, in seconds by the sender's clock. The first frame's is time 0, and
                a clock that runs backwards stands still here.

        Returns:
            The frame's index in this source, from 0.

        Raises:
            SourceError: the time is none: not a number, or beyond all clocks.
            ValueError: the array is no such image.
        """
        if not abs(captured_s) < _ENDLESS_S:  # so not a NaN either
            raise SourceError(f"{self.name}: expected a time in seconds, received {captured_s}")
        image = np.ascontiguousarray(image).view()
        image.flags.writeable = False
        check_image(image)
        size_wh = image.shape[1], image.shape[0]
        with self._pushing:
            self._start_s = captured_s if self._start_s is None else self._start_s
            self._time_s = max(self._time_s, captured_s - self._start_s)
            index, lost = self._newest.offer(image, self._time_s, size_wh)
        self._tell(lost)
        return index

    def frames(self) -> Iterator[Frame]:
        """Yield the newest frame each time; waits for the next one, until the source is closed."""
        while (taken := self._newest.take()) is not None:
            yield Frame(taken.picture, taken.index, taken.time_s, self.name)

    def close(self) -> None:
        """End the frames."""
        self._tell(self._newest.close())

    def _tell(self, index: int | None) -> None:
        if index is not None and self._dropped is not None:
            self._dropped(index)
