"""Steadying points: the One-Euro filter (Casiez, Roussel and Vogel 2012, doi:10.1145/2207676.2208639).

A low-pass filter whose cut-off rises with speed: what stands still is held still, what moves is let through.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_STILL_HZ: Final = 3.0
"""Cut-off for a point that stands still."""
_PER_SPEED: Final = 60.0
"""How many Hz the cut-off rises for each inter-ocular distance a second."""
_SPEED_HZ: Final = 3.0
"""Cut-off for the speed itself."""
_LONGEST_S: Final = 0.5
"""What was seen longer ago says nothing of where a point is now."""


@dataclass(slots=True)
class OneEuro:
    """Steadies points, each by its own speed, in all directions alike."""

    _points: Points = field(default_factory=lambda: np.empty((0, 2)))
    _raw: Points = field(default_factory=lambda: np.empty((0, 2)))
    _speed: Points = field(default_factory=lambda: np.empty((0, 2)))
    _time_s: float = -np.inf

    def steady(self, points: Points, time_s: float, unit_px: float) -> Points:
        """Add the next points and return them stabilised.

        Args:
            points: (k, 2) in pixels.
            time_s: of the frame, by the source's own clock. Points of the same time, or after a long gap,
                come back as they are, and the filter begins anew.
            unit_px: the unit of speed: the face's inter-ocular distance.

        Returns:
            (k, 2) in pixels.
        """
        step_s, self._time_s = time_s - self._time_s, time_s
        if not 0 < step_s <= _LONGEST_S:
            self._points, self._raw, self._speed = points, points, np.zeros_like(points)
            return points
        speed = (points - self._raw) / (step_s * unit_px)
        self._speed += _weight(_SPEED_HZ, step_s) * (speed - self._speed)
        cutoff_hz = _STILL_HZ + _PER_SPEED * np.linalg.norm(self._speed, axis=1, keepdims=True)
        self._raw = points
        self._points = self._points + _weight(cutoff_hz, step_s) * (points - self._points)
        return self._points


def _weight(cutoff_hz: Points | float, step_s: float) -> Points:
    """Return the newest value's weight in a first-order low-pass filter."""
    turn = np.asarray(2 * np.pi * step_s * cutoff_hz)
    return np.asarray(turn / (turn + 1))
