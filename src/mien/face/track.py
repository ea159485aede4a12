"""Following faces: each keeps its number while it is seen, by where it is and never by who it is.

A face is expected where its own steady motion takes it, in seconds, so uneven frame rates do no harm; what is
found is given to the faces that are expected by optimal assignment (Kuhn 1955), as in SORT (Bewley et al.
2016). Hidden faces and seen ones compete on equal terms: when two cross and one hides the other, what is seen
goes to the face whose motion it fits, and the hidden one comes out on its other side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.detect.base import Detector, Refiner
from mien.geometry import distinct
from mien.types import Faces, Frame, Image

Vector = NDArray[np.float64]

_REACH, _REACH_PER_S, _MAX_REACH = 0.6, 2.0, 1.5
"""How far from where it is expected a face may be, in sides of it: at once, more per second, at most."""
_MEMORY_S: Final = 0.15
"""Half-life of the memory for speed and size: longer than jitter, shorter than a change of direction."""
_STEADY_S: Final = 0.5
"""A face that is out of sight is expected to go on moving for this long, and then to stay."""
_SAME_FACE_IOU: Final = 0.5
"""Boxes that overlap more than this show one face."""


@dataclass(slots=True)
class _Track:
    """One face that is followed; positions in pixels, speed in pixels a second."""

    number: int
    centre: Vector
    size_wh: Vector
    first_s: float
    seen_s: float
    speed: Vector = field(default_factory=lambda: np.zeros(2))
    missed: bool = False

    def expected_xyxy(self, now_s: float) -> Vector:
        """Give the box where steady motion has taken the face; its size stays."""
        centre = self.centre + self.speed * min(now_s - self.seen_s, _STEADY_S)
        return np.concatenate([centre - self.size_wh / 2, centre + self.size_wh / 2])

    def reach(self, now_s: float) -> float:
        """Give how far from there it may be, in sides; where a face seen once is going, nobody knows yet."""
        if self.seen_s == self.first_s:
            return _MAX_REACH
        return min(_REACH + _REACH_PER_S * (now_s - self.seen_s), _MAX_REACH)

    def see(self, xyxy: Vector, now_s: float) -> None:
        """Take in where the face has been seen."""
        centre, size_wh = (xyxy[:2] + xyxy[2:]) / 2, xyxy[2:] - xyxy[:2]
        if now_s > self.seen_s:
            news = _share_of_news(now_s - self.seen_s, now_s - self.first_s)
            self.speed += news * ((centre - self.centre) / (now_s - self.seen_s) - self.speed)
            self.size_wh += news * (size_wh - self.size_wh)
        self.centre, self.seen_s, self.missed = centre, now_s, False


class Tracker:
    """Finds and follows the faces of one source.

    A full detection runs when there is nothing to follow, when a face is not found again, and every
    `redetect_s`; in between, a detector that is a `Refiner` looks only where the faces are expected. A number
    that has ended never comes again.

    Attributes:
        detections: how often the full detection has run.
    """

    def __init__(self, detector: Detector, *, redetect_s: float = 1.0, max_gap_s: float = 1.0) -> None:
        """Start with nothing to follow.

        Args:
            detector: finds faces; it stays the caller's, to close.
            redetect_s: look for new faces this often, in seconds.
            max_gap_s: a face that has not been found for longer than this ends its track, in seconds. Frames
                further apart than that are no gap: what counts is having looked and not found.
        """
        self._detector = detector
        self._redetect_s = redetect_s
        self._max_gap_s = max_gap_s
        self._tracks: list[_Track] = []
        self._next_number = 0
        self._now_s = 0.0
        self._frame_s = 0.0
        self._detected_s = -np.inf
        self.detections = 0

    def follow(self, frame: Frame) -> Faces:
        """Find the faces of the next frame.

        A time that goes back, or stands still, counts as no time at all.

        Args:
            frame: the next frame of the source.

        Returns:
            The faces seen in it, by ascending track number; a followed face that can't be seen has no row.
        """
        self._now_s += max(0.0, frame.time_s - self._frame_s)
        self._frame_s = frame.time_s
        self._tracks = [track for track in self._tracks if not self._is_over(track)]
        faces = self._look(frame.image)
        numbers = self._assign(faces)
        return faces.fill(track=numbers)[np.argsort(numbers)]

    def _is_over(self, track: _Track) -> bool:
        return track.missed and self._now_s - track.seen_s > self._max_gap_s

    def _look(self, image: Image) -> Faces:
        """Look where the faces are expected, and all over when that is due or one is not there."""
        found = self._refine(image)
        due = self._now_s - self._detected_s >= self._redetect_s
        if self._tracks and not due and len(found) == len(self._tracks):
            return found
        self.detections += 1
        self._detected_s = self._now_s
        both = _joined(self._detector.detect(image), found)
        return both[distinct(both.xyxy, _SAME_FACE_IOU)]

    def _refine(self, image: Image) -> Faces:
        if not self._tracks or not isinstance(self._detector, Refiner):
            return Faces.empty()
        return self._detector.refine(image, self._expected().astype(np.float32))

    def _expected(self) -> Vector:
        """(tracks, 4) the boxes where the faces are expected now."""
        return np.array([track.expected_xyxy(self._now_s) for track in self._tracks]).reshape(-1, 4)

    def _assign(self, faces: Faces) -> NDArray[np.int64]:
        """Tell every track what has been seen of it; start tracks for the rest. Gives (n,) track numbers."""
        boxes = faces.xyxy.astype(np.float64)
        reach = np.array([track.reach(self._now_s) for track in self._tracks]).reshape(-1, 1)
        distance = _distances(self._expected(), boxes)
        cost = np.where(distance < reach, distance, _MAX_REACH)
        numbers = np.full(len(faces), -1, np.int64)
        for track in self._tracks:
            track.missed = True
        for row, place in _pairs(cost):
            if cost[row, place] < _MAX_REACH:
                self._tracks[row].see(boxes[place], self._now_s)
                numbers[place] = self._tracks[row].number
        for place in np.flatnonzero(numbers < 0).tolist():
            numbers[place] = self._start(boxes[place])
        return numbers

    def _start(self, xyxy: Vector) -> int:
        number, now_s = self._next_number, self._now_s
        self._tracks.append(_Track(number, (xyxy[:2] + xyxy[2:]) / 2, xyxy[2:] - xyxy[:2], now_s, now_s))
        self._next_number += 1
        return number


def _pairs(cost: Vector) -> Iterable[tuple[int, int]]:
    """Give the optimal assignment of rows to columns."""
    if 0 in cost.shape:
        return ()
    # Imported here: it takes a quarter of a second, and a photograph has nothing to follow.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return zip(rows.tolist(), columns.tolist(), strict=True)


def _share_of_news(step_s: float, age_s: float) -> float:
    """Weigh the newest step against all before: by half-life, as a plain mean while the track is young."""
    return float(np.expm1(-step_s / _MEMORY_S * np.log(2)) / np.expm1(-age_s / _MEMORY_S * np.log(2)))


def _distances(a_xyxy: Vector, b_xyxy: Vector) -> Vector:
    """Give how unlike boxes are: centres apart, in sides, plus the logarithm of how many times larger one is.

    Unlike overlap, it still tells near from far when a small face moves by more than its own size.

    Returns:
        (n, m) values from 0.
    """
    centres = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (a_xyxy, b_xyxy)]
    sides = [np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1)) for boxes in (a_xyxy, b_xyxy)]
    apart = np.linalg.norm(centres[0][:, None] - centres[1], axis=-1)
    larger = np.abs(np.log(sides[0][:, None] / sides[1]))
    return np.asarray(apart / ((sides[0][:, None] + sides[1]) / 2) + larger)


def _joined(first: Faces, second: Faces) -> Faces:
    return Faces(
        xyxy=np.concatenate([first.xyxy, second.xyxy]),
        detection=np.concatenate([first.detection, second.detection]),
        points=np.concatenate([first.points, second.points]),
    )
