"""The time of a stream that breaks off and comes back."""

from __future__ import annotations

from collections.abc import Callable

# A stream whose times stray from the clock by more than this has set its own anew.
_JUMP_S = 5.0


class Times:
    """Joins the times of one connection after another into one course that never runs backwards.

    Args:
        clock: gives seconds that never run backwards; it measures the gaps.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start_s: float | None = None
        self._offset_s: float | None = None
        self._last_s = 0.0

    def connect(self) -> None:
        """A new connection: its times begin anew."""
        self._offset_s = None

    def tell(self, stream_s: float | None) -> float:
        """Return a frame's time in seconds from the first frame.

        Args:
            stream_s: its time by the stream; None where it has none, and the clock's counts.
        """
        now_s = self._now_s()
        if stream_s is None:
            time_s = now_s
        else:
            if self._offset_s is None or abs(stream_s + self._offset_s - now_s) > _JUMP_S:
                self._offset_s = now_s - stream_s
            time_s = stream_s + self._offset_s
        self._last_s = max(self._last_s, time_s)
        return self._last_s

    def ahead_s(self, stream_s: float | None) -> float:
        """Return how long to wait until a frame is due, in a stream that gives its frames too early.

        A late frame moves all that follow, as a player does that ran dry.
        """
        if stream_s is None:
            return 0.0
        now_s = self._now_s()
        if self._offset_s is None:
            self._offset_s = now_s - stream_s
        ahead_s = stream_s + self._offset_s - now_s
        if ahead_s < 0 or ahead_s > _JUMP_S:
            self._offset_s = now_s - stream_s
            return 0.0
        return ahead_s

    def _now_s(self) -> float:
        now_s = self._clock()
        self._start_s = now_s if self._start_s is None else self._start_s
        return now_s - self._start_s
