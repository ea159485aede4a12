"""Measures frame by frame: each track's neutral face is remembered, and the columns are filled in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS, MEASURES, POSE, SHAPE
from mien.measures.neutral_shape import NeutralShape
from mien.measures.pose import Floats
from mien.measures.shape import measure
from mien.types import Faces

LEAST_NEUTRAL: Final = 0.5
"""A neutral face is learnt from frames in which `neutral` is at least so likely ..."""
LEAST_PRESENCE: Final = 0.5
"""... in which a face is at least so likely to be there at all, where the network can tell ..."""
MOST_AWAY_DEG: Final = 20.0
"""... and in which yaw and pitch are no larger than this."""

_FORGET_S = 60.0
_SHAPE = slice(len(POSE), len(POSE) + len(SHAPE))
_CHANGE = slice(_SHAPE.stop, len(MEASURES))
_NEUTRAL = EMOTIONS.index("neutral")


@dataclass(slots=True)
class _Person:
    seen_s: float
    neutral: NeutralShape = field(default_factory=NeutralShape)


class Measurer:
    """Measures the faces of one source, frame after frame, and remembers each track's neutral face.

    A track that has not been seen for a minute is forgotten, so that a long run takes no more memory.

    Example:
        >>> import mien
        >>> measurer = Measurer()
        >>> for frame, faces in mien.stream("camera:0"):  # doctest: +SKIP
        ...     faces = measurer.measure(faces, frame.time_s)
    """

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}

    def measure(self, faces: Faces, time_s: float) -> Faces:
        """Measure the faces of the next frame.

        Args:
            faces: with landmarks, tracks and shares.
            time_s: the frame's time, in rising order.

        Returns:
            The faces with their measures. Changes are NaN until the track's neutral face is known.
        """
        values = np.full((len(faces), len(MEASURES)), np.nan)
        values[:, : _SHAPE.stop] = measure(faces.landmarks)
        neutral = _is_neutral(faces, values)
        for index, track in enumerate(faces.track.tolist()):
            person = self._people.setdefault(track, _Person(time_s))
            person.seen_s = time_s
            if neutral[index]:
                person.neutral.learn(values[index, _SHAPE].copy(), time_s)
            if person.neutral.median is not None:
                values[index, _CHANGE] = values[index, _SHAPE] - person.neutral.median
        self._forget(time_s)
        return faces.fill(measures=values)

    def _forget(self, time_s: float) -> None:
        oldest_s = time_s - _FORGET_S
        self._people = {track: person for track, person in self._people.items() if person.seen_s >= oldest_s}


def _is_neutral(faces: Faces, values: Floats) -> NDArray[np.bool_]:
    """(n,) whether each face is one to learn from; a comparison with NaN is false."""
    shown = faces.shares[:, _NEUTRAL] >= LEAST_NEUTRAL
    there = ~(faces.presence < LEAST_PRESENCE)
    facing = (np.abs(values[:, :2]) <= MOST_AWAY_DEG).all(axis=1)
    return np.asarray(shown & there & facing)
