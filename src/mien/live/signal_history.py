"""The last minutes of each sensor: what pages that come later draw first."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mien.signals.stream.types import SignalReading

MOST_SENSORS: Final = 32
"""Of more, those that have been silent for longest are forgotten."""
_MOST: Final = 4096


class SignalHistory:
    """Keeps the readings of the last minutes; in memory only, and safe from any thread.

    Args:
        minutes: how far back the figures go.
        waves_s: how far back the waves go, in seconds: they are what takes memory.
    """

    def __init__(self, minutes: float = 10.0, waves_s: float = 30.0) -> None:
        self._kept_s, self._waves_s = 60 * minutes, waves_s
        self._lock = Lock()
        self._recent: dict[str, deque[SignalReading]] = {}
        self._fresh: dict[str, deque[SignalReading]] = {}

    def add(self, reading: SignalReading) -> None:
        """Keep a reading, and drop what is too old."""
        with self._lock:
            recent = self._recent.pop(reading.source, None) or deque(maxlen=_MOST)
            fresh = self._fresh.pop(reading.source, None) or deque(maxlen=_MOST)
            self._recent[reading.source], self._fresh[reading.source] = recent, fresh
            if len(self._recent) > MOST_SENSORS:
                silent = next(iter(self._recent))
                del self._recent[silent], self._fresh[silent]
            if recent and reading.at_s < recent[-1].at_s:  # its clock was set back
                recent.clear()
                fresh.clear()
            recent.append(reading)
            if reading.fresh or reading.notes or reading.marks:
                fresh.append(replace(reading, waves=()))
            _drop_before(recent, reading.at_s - self._waves_s)
            _drop_before(fresh, reading.at_s - self._kept_s)

    def forget(self, source: str) -> None:
        """Drop all that is kept of a sensor."""
        with self._lock:
            self._recent.pop(source, None)
            self._fresh.pop(source, None)

    def recent(self, source: str) -> list[SignalReading]:
        """Return all readings of the last seconds, with their waves; none of a sensor that isn't known."""
        with self._lock:
            return list(self._recent.get(source, ()))

    def fresh(self, source: str, since_s: float = float("-inf")) -> list[SignalReading]:
        """Return the readings of the last minutes with new figures, notes or marks, without their waves.

        Args:
            source: the sensor's name.
            since_s: only what came after these POSIX seconds.
        """
        with self._lock:
            return [each for each in self._fresh.get(source, ()) if each.at_s > since_s]


def _drop_before(kept: deque[SignalReading], at_s: float) -> None:
    while kept and kept[0].at_s < at_s:
        kept.popleft()
