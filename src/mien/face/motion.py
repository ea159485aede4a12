"""One followed face: where it was seen, how it moves, and so where it is to be expected."""

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
    """Steadies points, each by its own speed, in all directions alike: the One-Euro filter.

    A low-pass filter whose cut-off rises with speed: what stands still is held still, what moves is let
    through (Casiez, Roussel and Vogel 2012, doi:10.1145/2207676.2208639).
    """

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


Vector = NDArray[np.float64]

MAX_REACH: Final = 1.5
_REACH, _REACH_PER_S = 0.6, 2.0
"""How far from where it is expected a face may be, in sides of it: at once, more per second, at most."""
CROWDED_REACH: Final = 0.25
"""The same for what a look at a face has found that another one may hide."""
_CROWDED_NEWS: Final = 0.3
"""How far the place of such a face follows what is seen of it."""
_MEMORY_S: Final = 0.15
"""Half-life of the memory for speed and size: longer than jitter, shorter than a change of direction."""
_STEADY_S: Final = 0.5
"""A face that is out of sight is expected to go on moving for this long, and then to stay."""


@dataclass(slots=True)
class Track:
    """One face that is followed; positions in pixels, speed in pixels a second.

    Attributes:
        number: which face.
        centre, size_wh: of its box when it was last seen.
        points: (5, 2) its points then; NaN where there are none.
        presence: as it was then.
        first_s, seen_s: when it was seen first and last.
        speed: of its centre.
        missed: it was looked for in the last frame, and not found.
        doubted: the detector, when it ran last, didn't find it.
        crowded: another face is expected where this one is, and may hide it.
        steadier: of its landmarks.
    """

    number: int
    centre: Vector
    size_wh: Vector
    points: Vector
    presence: float
    first_s: float
    seen_s: float
    speed: Vector = field(default_factory=lambda: np.zeros(2))
    missed: bool = False
    doubted: bool = False
    crowded: bool = False
    steadier: OneEuro = field(default_factory=OneEuro)

    @property
    def trust(self) -> float:
        """Its presence; none where it was missed or is doubted."""
        return 0.0 if self.missed or self.doubted else self.presence

    def shift(self, now_s: float, size_wh: tuple[int, int]) -> Vector:
        """Return how far steady motion has taken the face since it was seen: at most to the picture's edge.

        Who leaves the picture comes back into it, if at all, where it was left.
        """
        moved = self.centre + self.speed * min(now_s - self.seen_s, _STEADY_S)
        return np.asarray(moved.clip(0, size_wh) - self.centre)

    def expected_xyxy(self, now_s: float, size_wh: tuple[int, int]) -> Vector:
        """Return the box where it is to be expected; its size stays."""
        centre = self.centre + self.shift(now_s, size_wh)
        return np.concatenate([centre - self.size_wh / 2, centre + self.size_wh / 2])

    def reach(self, now_s: float) -> float:
        """Return how far from there it may be, in sides; the motion of a face seen once is unknown."""
        if self.seen_s == self.first_s:
            return MAX_REACH
        return min(_REACH + _REACH_PER_S * (now_s - self.seen_s), MAX_REACH)

    def see(self, xyxy: Vector, points: Vector, presence: float, now_s: float) -> None:
        """Record where the face has been seen.

        What can be seen of a face that another one hides moves with the other's edge. So in a crowd its speed
        stays as it was, and its place follows what is seen only in part.
        """
        centre, size_wh = (xyxy[:2] + xyxy[2:]) / 2, xyxy[2:] - xyxy[:2]
        if now_s > self.seen_s:
            news = _share_of_news(now_s - self.seen_s, now_s - self.first_s)
            if self.crowded:
                expected = self.centre + self.speed * (now_s - self.seen_s)
                correction = (_CROWDED_NEWS - 1) * (centre - expected)
                centre, points = centre + correction, points + correction
            else:
                self.speed += news * ((centre - self.centre) / (now_s - self.seen_s) - self.speed)
            self.size_wh += news * (size_wh - self.size_wh)
        self.centre, self.points, self.presence = centre, points, presence
        self.seen_s, self.missed = now_s, False


def distances(a_xyxy: Vector, b_xyxy: Vector) -> Vector:
    """Return how different boxes are: distance of centres, in sides, plus the log of the size ratio.

    Unlike overlap, it still tells near from far when a small face moves by more than its own size.

    Returns:
        (n, m) values from 0.
    """
    centres = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (a_xyxy, b_xyxy)]
    sides = [np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) for boxes in (a_xyxy, b_xyxy)]
    apart = np.linalg.norm(centres[0][:, None] - centres[1], axis=-1)
    larger = np.abs(np.log(sides[0][:, None] / sides[1]))
    return np.asarray(apart / ((sides[0][:, None] + sides[1]) / 2) + larger)


def _share_of_news(step_s: float, age_s: float) -> float:
    """Weigh the newest step against all before: by half-life, as a plain mean while the track is young."""
    return float(np.expm1(-step_s / _MEMORY_S * np.log(2)) / np.expm1(-age_s / _MEMORY_S * np.log(2)))
