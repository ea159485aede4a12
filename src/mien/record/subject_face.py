"""Which face is the subject's: exactly one, and none where that is in doubt.

Faces are told apart by where they are, never by who they are. So where one face could have been taken for
another, nothing is sure any more, and nobody's readings are stored until somebody chooses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.geometry import iou_matrix
from mien.types import Faces

Box = NDArray[np.float64]
"""(4,) left, top, right, bottom in pixels."""

State = Literal["waiting", "following", "away", "choose"]
"""How things stand.

    waiting    nobody was there yet who could be taken for the subject
    following  the subject is in view
    away       the subject has just gone out of sight, and may come back by itself
    choose     somebody has to say which face is the subject
"""

Leading = tuple[int, float]
"""A track, and since when its face has been unmistakable."""

CLEARLY_LARGEST: Final = 2.0
"""The largest face is taken where it has at least so many times the area of the next one."""
_OTHER_SIZE: Final = 1.6
"""A face whose sides differ by more than this factor is not the same one."""
_FARTHEST: Final = 1.5
"""A face that is followed moves by no more than so many of its sides from one frame to the next."""
_RETURN: Final = 0.75
"""A face that was lost comes back within so many of its sides."""
_CONTACT: Final = 0.3
"""Two faces of one size that share this of the smaller one may have changed places."""
_TRAIL_S: Final = 3.0
"""A face that appears where the subject was in the last seconds may be the subject, uncovered."""
_SAME_PLACE_IOU: Final = 0.3
_EMPTY_S: Final = 0.2
"""Where a new face follows on one that was lost without such a pause, the film was cut."""
_EDGE: Final = 0.1
"""Nearer to the picture's edge than this share of its side, a face that was lost has left the picture."""


class FindsSubject(Protocol):
    """Finds the subject's face among those in view."""

    state: State

    @property
    def leading(self) -> Leading | None:
        """The face that becomes the subject's if it stays unmistakable; None where there is none."""

    def find(self, faces: Faces, time_s: float, size_wh: tuple[int, int]) -> int | None:
        """Return the index of the subject's face in the next frame; None where it isn't there or in doubt."""

    def choose(self, track: int) -> None:
        """Return which track is the subject; from any thread."""

    def cut(self) -> None:
        """Take note that the film was cut before the next frame."""

    def end(self) -> int | None:
        """Return the track that is the subject's after all, now that the film is over; None without."""


class SubjectFace:
    """Finds the subject by itself where that is beyond doubt, and else asks.

    At the start it takes the face that is alone, or clearly the largest, and keeps to that track; of a film
    that is too short for that, the only face. A new track
    is taken for the subject again only where the subject was alone in view, was lost inside the picture, and
    the new face, alone as well, comes up after a pause, soon, in the same place and of the same size.

    In doubt it is from then on when another face of about the same size covers the subject's or is covered by
    it; when a face appears where the subject was shortly before and is no more; and when the subject's own
    track leaps, or changes its size at once.

    Args:
        settle_s: at the start, a face has to be alone or clearly the largest for so long.
        max_gap_s: who was out of sight for longer is not taken for the subject again.
    """

    def __init__(self, *, settle_s: float = 0.5, max_gap_s: float = 3.0) -> None:
        self.state: State = "waiting"
        self._settle_s = settle_s
        self._max_gap_s = max_gap_s
        self._chosen: int | None = None
        self._track: int | None = None
        self._leading: Leading | None = None
        self._leading_box: Box = np.zeros(4)
        self._unclear_s: float | None = None
        self._trail: deque[tuple[float, Box]] = deque()
        self._known: frozenset[int] = frozenset()
        self._company_s = -np.inf
        self._size_wh = 0, 0

    @property
    def leading(self) -> Leading | None:
        """The face that becomes the subject's if it stays unmistakable; None where there is none."""
        return self._leading if self.state == "waiting" else None

    def choose(self, track: int) -> None:
        """Return which track is the subject, now or as soon as it is in view; from any thread."""
        self._chosen = track

    def cut(self) -> None:
        """Take note that the film was cut before the next frame: who is seen now may be somebody else."""
        self._leading = None
        if self.state in ("following", "away"):
            self.state = "choose"

    def end(self) -> int | None:
        """Take the only face of a film that was over before it was clear whose face is in it."""
        if self.leading is None or self._known != {self.leading[0]}:
            return None
        self.state, self._track = "following", self.leading[0]
        return self._track

    def find(self, faces: Faces, time_s: float, size_wh: tuple[int, int]) -> int | None:
        """Return the index of the subject's face in the next frame; None where it isn't there, or in doubt.

        Args:
            faces: with tracks.
            time_s: of the frame, rising.
            size_wh: of the picture.
        """
        index = self._find(faces, time_s)
        if index is not None:
            self._follow(faces, index, time_s)
        if len(faces) > (index is not None or self.state == "waiting"):
            self._company_s = time_s
        self._known |= frozenset(faces.track.tolist())
        self._size_wh = size_wh
        return index

    def _find(self, faces: Faces, time_s: float) -> int | None:
        chosen = self._chosen
        if chosen is not None and (index := index_of(faces, chosen)) is not None:
            self._chosen = None
            self._trail.clear()
            return index
        if chosen is not None:
            self.state = "choose"
            return None
        if self.state == "waiting":
            return self._first(faces, time_s)
        if self.state == "choose":
            return None
        index = index_of(faces, self._track)
        if index is None:
            return self._back_again(faces, time_s)
        if self._in_doubt(faces, index):
            self.state = "choose"
            return None
        return index

    def _follow(self, faces: Faces, index: int, time_s: float) -> None:
        self.state = "following"
        self._track = int(faces.track[index])
        self._trail.append((time_s, faces.xyxy[index].astype(np.float64)))
        while self._trail[0][0] < time_s - _TRAIL_S:
            self._trail.popleft()

    def _first(self, faces: Faces, time_s: float) -> int | None:
        """Take the first face that was unmistakable for long enough."""
        index = clearly_largest(faces)
        if index is None:
            self._leading = None
            if not len(faces) or self._unclear_s is None:
                self._unclear_s = time_s
            if time_s - self._unclear_s >= self._settle_s and len(faces):
                self.state = "choose"
            return None
        self._unclear_s = None
        track, box = int(faces.track[index]), faces.xyxy[index].astype(np.float64)
        if self._leading is None or self._leading[0] != track or not _near(self._leading_box, box, _FARTHEST):
            self._leading = track, time_s
        self._leading_box = box
        return index if time_s - self._leading[1] >= self._settle_s else None

    def _back_again(self, faces: Faces, time_s: float) -> int | None:
        """Take a new track for the subject, where that is beyond doubt."""
        self.state = "away"
        seen_s, last = self._trail[-1]
        boxes = faces.xyxy.astype(np.float64)
        if self._is_unmistakable(faces, boxes, time_s - seen_s):
            return 0
        if time_s - seen_s > self._max_gap_s or any(_in_contact(last, box) for box in boxes):
            self.state = "choose"
        return None

    def _is_unmistakable(self, faces: Faces, boxes: NDArray[np.float64], gap_s: float) -> bool:
        seen_s, last = self._trail[-1]
        return (
            len(faces) == 1
            and int(faces.track[0]) not in self._known
            and self._company_s < seen_s - _TRAIL_S
            and _EMPTY_S <= gap_s <= self._max_gap_s
            and not self._at_edge(last)
            and _near(last, boxes[0], _RETURN)
        )

    def _in_doubt(self, faces: Faces, index: int) -> bool:
        if not self._trail:
            return False
        boxes = faces.xyxy.astype(np.float64)
        own = boxes[index]
        if not _near(self._trail[-1][1], own, _FARTHEST):
            return True
        fresh = [track not in self._known for track in faces.track.tolist()]
        return any(
            _in_contact(own, box) or (new and self._was_there(box, own))
            for other, (box, new) in enumerate(zip(boxes, fresh, strict=True))
            if other != index
        )

    def _was_there(self, box: Box, own: Box) -> bool:
        """Return whether the subject was lately where another face comes up, and is there no more."""
        trail = np.array([earlier for _, earlier in self._trail])
        there = iou_matrix(trail, box[None])[:, 0] > _SAME_PLACE_IOU
        left = iou_matrix(trail, own[None])[:, 0] <= _SAME_PLACE_IOU
        return bool((there & left).any())

    def _at_edge(self, box: Box) -> bool:
        margin = _EDGE * _side(box)
        width, height = self._size_wh
        return bool((box[:2] < margin).any() or box[2] > width - margin or box[3] > height - margin)


class GivenTracks:
    """The subject is who somebody has said: some of the tracks of a film that was looked at before.

    Args:
        tracks: their numbers; where two are in view at once, neither is taken.
    """

    leading: Leading | None = None

    def __init__(self, tracks: Iterable[int]) -> None:
        self.state: State = "waiting"
        self._tracks = frozenset(tracks)

    def choose(self, track: int) -> None:
        """Take another track for the subject too; from any thread."""
        self._tracks |= {track}

    def cut(self) -> None:
        """Nothing: the tracks after the cut were given too."""

    def end(self) -> None:
        """Nothing: who is the subject was said."""

    def find(self, faces: Faces, time_s: float, size_wh: tuple[int, int]) -> int | None:
        """Return the index of the one track that is in view; None where there is none, or more."""
        indices = [index for index, track in enumerate(faces.track.tolist()) if track in self._tracks]
        self.state = "following" if len(indices) == 1 else "away"
        return indices[0] if len(indices) == 1 else None


def clearly_largest(faces: Faces) -> int | None:
    """Return the index of the face that is alone, or by far the largest; None where there is none."""
    if not len(faces):
        return None
    areas = faces.size_wh.prod(axis=1)
    order = np.argsort(-areas)
    if len(faces) > 1 and areas[order[0]] < CLEARLY_LARGEST * areas[order[1]]:
        return None
    return int(order[0])


def index_of(faces: Faces, track: int | None) -> int | None:
    """Return the index of a track's face; None where it isn't in view."""
    indices = np.flatnonzero(faces.track == track)
    return int(indices[0]) if len(indices) else None


def _side(box: Box) -> float:
    return float(np.sqrt((box[2] - box[0]) * (box[3] - box[1])))


def _alike(first: Box, second: Box) -> bool:
    ratio = _side(first) / _side(second)
    return max(ratio, 1 / ratio) <= _OTHER_SIZE


def _near(first: Box, second: Box, sides: float) -> bool:
    """Return whether two boxes could show one face: of about one size, and not far apart."""
    away = (second[:2] + second[2:] - first[:2] - first[2:]) / 2
    return _alike(first, second) and float(np.hypot(*away)) <= sides * _side(first)


def _in_contact(first: Box, second: Box) -> bool:
    shared = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    smaller = min(_side(first), _side(second)) ** 2
    return _alike(first, second) and bool((shared > 0).all()) and float(shared.prod()) > _CONTACT * smaller
