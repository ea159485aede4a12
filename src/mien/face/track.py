"""Following faces: each keeps its number while it is seen, by where it is and never by who it is.

A face is expected where its own steady motion takes it, in seconds, so uneven frame rates do no harm; what is
found is given to the faces that are expected by optimal assignment (Kuhn 1955), as in SORT (Bewley et al.
2016). Hidden faces and seen ones compete on equal terms: when two cross and one hides the other, what is seen
goes to the face whose motion it fits, and the hidden one comes out on its other side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face.cut import CutFinder
from mien.face.detect.base import Detector, Refiner
from mien.face.detect.nms import suppress_nested
from mien.face.landmarks import face_boxes, five_points, interocular_px
from mien.face.motion import CROWDED_REACH, MAX_REACH, Track, Vector, distances
from mien.face.turned import QUARTERS, SURE, detect_turned
from mien.geometry import iou_matrix
from mien.types import Faces, Frame

_SAME_FACE: Final = 0.67
"""Boxes that share more than this of the smaller one show one face."""
_SEEN_AGAIN_IOU: Final = 0.3
"""A detection that overlaps a followed face by this speaks for it."""
_CROWDED_IOU: Final = 0.05
"""Faces that overlap by this may hide each other."""
_FIRST_PAUSE_S: Final = 0.1
"""A lost face is searched for at once; then after this pause, twice as long, and so on."""


class Tracker:
    """Finds and follows the faces of one source.

    A full detection runs when there is nothing to follow, after a cut, every `redetect_s`, and for a face
    that was lost: at once, and then with pauses that double from a tenth of a second to `redetect_s`. In
    between, the refiner looks only where the faces are expected. A number that has ended never comes again.

    Attributes:
        detections: how often the full detection has run.
        cuts: how many cuts were noticed.
    """

    def __init__(
        self,
        detector: Detector,
        refiner: Refiner | None = None,
        *,
        redetect_s: float = 1.0,
        max_gap_s: float = 1.0,
    ) -> None:
        """Start with nothing to follow.

        Args:
            detector: finds faces; it stays the caller's, to close.
            refiner: looks where faces are expected, and at what the detector has found. Without one the
                detector does it, where it can; where it can't, it runs in every frame.
            redetect_s: look for new faces this often, in seconds.
            max_gap_s: a face that has not been found for longer than this ends its track, in seconds. Frames
                further apart than that are no gap: what counts is having looked and not found.
        """
        self._detector = detector
        self._refiner = refiner or (detector if isinstance(detector, Refiner) else None)
        self._confirms = refiner is not None
        self._redetect_s = redetect_s
        self._max_gap_s = max_gap_s
        self._tracks: list[Track] = []
        self._next_number = 0
        self._cut_finder = CutFinder()
        self._now_s = 0.0
        self._frame_s = 0.0
        self._held_s = 0.0
        self._size_wh = 0, 0
        self._detected_s = -np.inf
        self._searches = 0
        self.detections = 0
        self.cuts = 0

    def follow(self, frame: Frame) -> Faces:
        """Find the faces of the next frame.

        A time that goes back, or stands still, counts as no time at all.

        Args:
            frame: the next frame of the source.

        Returns:
            The faces seen in it, by ascending track number; a followed face that can't be seen has no row.
            Landmarks are steadied, and points and box follow from them.
        """
        # No sum of steps: that would depend, by its rounding, on where in a film one begins.
        self._held_s += max(0.0, self._frame_s - frame.time_s)
        self._now_s = frame.time_s + self._held_s
        self._frame_s = frame.time_s
        self._size_wh = frame.size_wh
        if self._cut_finder.is_cut(frame.image):
            self.cuts += 1
            self._tracks = []
        self._tracks = [track for track in self._tracks if not self._is_over(track)]
        faces = self._given(self._look(frame))
        self._count_searches()
        # Who was seen goes first: what is then found twice is theirs.
        self._tracks.sort(key=lambda track: track.missed)
        return faces

    def _is_over(self, track: Track) -> bool:
        return track.missed and self._now_s - track.seen_s > self._max_gap_s

    def _look(self, frame: Frame) -> Faces:
        """Look where the faces are expected, and all over when that is due or one is not there."""
        self._mark_crowds()
        expected = self._expected()
        due = self._refiner is None or not self._tracks or self._now_s - self._detected_s >= self._pause_s
        found = self._confirmed(frame, expected, self._detect(frame) if due else Faces.empty())
        if len(found) < len(expected) and not due and not self._searches:
            found = self._confirmed(frame, expected, self._detect(frame))
        return found if len(found) or not frame.still else self._look_turned(frame)

    def _look_turned(self, frame: Frame) -> Faces:
        """Look for faces on their heads or sides; only who sees that they are faces can tell."""
        for quarters in QUARTERS if self._confirms else ():
            found = self._confirmed(
                frame, Faces.empty(), detect_turned(self._detector, frame.image, quarters)
            )
            if (found.presence >= SURE).any():
                return found[found.presence >= SURE]
        return Faces.empty()

    @property
    def _pause_s(self) -> float:
        """How long to wait before the next detection."""
        if not self._searches:
            return self._redetect_s
        return min(_FIRST_PAUSE_S * 2.0 ** (self._searches - 1), self._redetect_s)

    def _count_searches(self) -> None:
        if not any(track.missed for track in self._tracks):
            self._searches = 0
        elif self._detected_s == self._now_s:
            self._searches += 1

    def _detect(self, frame: Frame) -> Faces:
        """Look all over; what is followed and not seen now is doubted until the detector sees it again."""
        self.detections += 1
        self._detected_s = self._now_s
        fresh = self._detector.detect(frame.image)
        overlap = iou_matrix(self._boxes(), fresh.xyxy)
        for track, shares in zip(self._tracks, overlap, strict=True):
            track.doubted = not (shares > _SEEN_AGAIN_IOU).any()
        return fresh

    def _confirmed(self, frame: Frame, expected: Faces, fresh: Faces) -> Faces:
        """Return what the refiner confirms, each face once; fresh detections need no confirming."""
        if self._refiner is None:
            found = fresh
        elif self._confirms:
            found = self._refiner.refine(frame.image, joined(expected, fresh))
        else:
            again = self._refiner.refine(frame.image, expected) if len(expected) else expected
            found = joined(fresh, again)
        if len(found) < 2:
            return found
        # The first go first: those that are followed have the better landmarks.
        return found[
            np.sort(suppress_nested(found.xyxy, -np.arange(len(found), dtype=np.float32), _SAME_FACE))
        ]

    def _boxes(self) -> Vector:
        """(tracks, 4) the boxes where the faces are expected now."""
        return np.array([track.expected_xyxy(self._now_s, self._size_wh) for track in self._tracks]).reshape(
            -1, 4
        )

    def _expected(self) -> Faces:
        """Return the followed faces where they are expected; without presence if missed or doubted."""
        tracks = self._tracks
        return Faces(
            xyxy=self._boxes().astype(np.float32),
            points=np.array(
                [track.points + track.shift(self._now_s, self._size_wh) for track in tracks], np.float32
            ),
            presence=np.array([track.trust for track in tracks], np.float32),
            track=np.array([track.number for track in tracks], np.int64),
        )

    def _given(self, faces: Faces) -> Faces:
        """Show every track what has been seen of it, start tracks for the rest, and steady landmarks."""
        owners = self._owners(faces)
        indices = sorted(owners, key=lambda index: owners[index].number)
        if indices != list(range(len(faces))):
            faces = faces[indices]
        tracks = [owners[index] for index in indices]
        faces = faces.fill(track=[track.number for track in tracks], **self._steadied(faces, tracks))
        boxes, points = faces.xyxy.astype(np.float64), faces.points.astype(np.float64)
        for index, track in enumerate(tracks):
            track.see(boxes[index], points[index], float(faces.presence[index]), self._now_s)
        return faces

    def _steadied(self, faces: Faces, tracks: list[Track]) -> dict[str, NDArray[np.float64]]:
        landmarks = faces.landmarks.astype(np.float64)
        if not len(faces) or np.isnan(landmarks).any():
            return {}
        for track, points in zip(tracks, landmarks, strict=True):
            # The whole face's motion goes through: it has hardly any noise, and lag is seen at once.
            middle = points.mean(axis=0)
            points[:] = middle + track.steadier.steady(points - middle, self._now_s, interocular_px(points))
        return {
            "landmarks": landmarks,
            "points": five_points(landmarks),
            "xyxy": face_boxes(landmarks, self._size_wh),
        }

    def _mark_crowds(self) -> None:
        """Set for each track whether another face is expected where it is."""
        boxes = self._boxes()
        overlap = iou_matrix(boxes, boxes) > _CROWDED_IOU
        for track, others in zip(self._tracks, overlap.sum(axis=1).tolist(), strict=True):
            track.crowded = others > 1

    def _owners(self, faces: Faces) -> dict[int, Track]:
        """Return the track of each face that has one, by the face's index; all other tracks are missed.

        What was seen where a followed face had been expected, but is not where it can be, has none: halfway
        between two faces that cross, landmarks may be those of neither. A new track takes a detection.
        """
        boxes = faces.xyxy.astype(np.float64)
        reach = np.array([track.reach(self._now_s) for track in self._tracks]).reshape(-1, 1)
        crowded = np.array([track.crowded for track in self._tracks], bool).reshape(-1, 1)
        reach = np.where(crowded & (faces.track >= 0), CROWDED_REACH, reach)
        distance = distances(self._boxes(), boxes)
        cost = np.where(distance < reach, distance, MAX_REACH)
        owners: dict[int, Track] = {}
        for track in self._tracks:
            track.missed = True
        for row, index in _pairs(cost):
            if cost[row, index] < MAX_REACH:
                owners[index] = self._tracks[row]
        for index in range(len(faces)):
            if index not in owners and faces.track[index] < 0:
                owners[index] = self._start(boxes[index])
        return owners

    def _start(self, xyxy: Vector) -> Track:
        track = Track(
            self._next_number,
            (xyxy[:2] + xyxy[2:]) / 2,
            xyxy[2:] - xyxy[:2],
            points=np.full((5, 2), np.nan),
            presence=np.nan,
            first_s=self._now_s,
            seen_s=self._now_s,
        )
        self._tracks.append(track)
        self._next_number += 1
        return track


def _pairs(cost: Vector) -> Iterable[tuple[int, int]]:
    """Yield the optimal assignment of rows to columns."""
    if 0 in cost.shape:
        return ()
    nearest = cost.argmin(axis=1).tolist()
    if len(set(nearest)) == len(nearest):
        return enumerate(nearest)
    # Imported here: it takes a quarter of a second, and most of the time every face has a nearest of its own.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return zip(rows.tolist(), columns.tolist(), strict=True)


def joined(first: Faces, second: Faces) -> Faces:
    """Put the faces of two lists into one."""
    if not len(first) or not len(second):
        return first if len(first) else second
    names = (field.name for field in fields(Faces))
    return Faces(**{name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names})
