"""The time of a film whose clock jumps, and of a stream that breaks off and comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FILM_GAP_S: Final = 3600.0
"""A film whose next frame comes later than this has set its clock anew; shorter gaps are kept."""

BROADCAST_GAP_S: Final = 10.0
"""The same in MPEG's streams, whose clock may be set anew: FFmpeg's `dts_delta_threshold`."""

_STEP_BACK_S: Final = 0.1
"""By more than this no frame precedes the one before unless the clock was set back: FFmpeg's limit too."""
_LEAST_STEP_S: Final = 0.001

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
        """Give a frame's time in seconds from the first frame.

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
        """Say how long to wait until a frame is due, in a stream that gives its frames too early.

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


class FilmTimes:
    """Gives the frames of a film times that rise with each one, also where its clock is set anew.

    That happens where two recordings were joined, a recorder lost its signal, or 33 bits ran over. From
    there, time goes on by the length of the frame before.

    Args:
        rate_hz: frames a second, for frames without time or length.
        gap_s: from one frame to the next the clock may go on by so much, beyond which it was set anew.

    Attributes:
        end_s: when the last frame ends.
        jumps_s: times of the first frames after the clock was set anew.
    """

    def __init__(self, rate_hz: float, gap_s: float = FILM_GAP_S) -> None:
        self._gap_s = gap_s
        self._length_s = self._step_s = 1 / rate_hz
        self._offset_s: float | None = None
        self._last_s: float | None = None
        self.end_s = 0.0
        self.jumps_s: list[float] = []

    def tell(self, film_s: float | None, length_s: float | None = None) -> float:
        """Give the next frame's time in seconds from the first one.

        Args:
            film_s: its time by the film; None where it has none.
            length_s: how long it is shown by the film; None or 0 where it doesn't say.
        """
        time_s = self._told(film_s)
        if self._last_s is not None and time_s - self._last_s > _LEAST_STEP_S:
            self._step_s = time_s - self._last_s
        self._last_s = time_s
        self._length_s = length_s if length_s and length_s <= self._gap_s else self._step_s
        self.end_s = time_s + self._length_s
        return time_s

    def _told(self, film_s: float | None) -> float:
        last_s = self._last_s
        due_s = 0.0 if last_s is None else last_s + self._length_s
        if film_s is None:
            return due_s
        if self._offset_s is None or last_s is None:
            self._offset_s = due_s - film_s
            return due_s
        step_s = film_s + self._offset_s - last_s
        if -_STEP_BACK_S <= step_s <= self._gap_s:
            return max(film_s + self._offset_s, last_s + _LEAST_STEP_S)
        self._offset_s = due_s - film_s
        self.jumps_s.append(due_s)
        return due_s
