"""Smoothing over time, by half-life in seconds: for the eye only, and only of what is live.

It trails behind the face. What is stored stays raw, and so is what is drawn of a file, whose future is known.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.labels import EMOTIONS
from mien.types import Faces

_FORGOTTEN: Final = 10
"""After so many half-lives the past weighs less than a thousandth: a track unseen so long is dropped."""


def blend(
    before: ArrayLike, value: ArrayLike, *, elapsed_s: float, half_life_s: float
) -> NDArray[np.float64]:
    """Move from an old value towards a new one, half of the way in each half-life.

    This is exponential smoothing of a value that holds for the whole step, so the number of steps doesn't
    matter, only their time: s + (x - s) (1 - 2^(-t / h)).

    Args:
        before: the smoothed value so far, of any shape; where it is NaN, the new value is taken as it is.
        value: the new value, of the same shape; NaN stays NaN.
        elapsed_s: seconds between the two, at least 0.
        half_life_s: seconds in which half of the old is gone; 0 gives the new value.

    Returns:
        The smoothed value.
    """
    new = np.asarray(value, np.float64)
    old = np.where(np.isnan(before), new, before)
    kept = 0.5 ** (elapsed_s / half_life_s) if half_life_s > 0 else 0.0
    return np.asarray(new + kept * (old - new))


class HalfLife:
    """Smooths what is shown of each track; 5 and 30 frames a second look the same."""

    def __init__(self, half_life_s: float) -> None:
        """Start with nothing remembered.

        Args:
            half_life_s: seconds in which half of the old is gone; 0 switches smoothing off.
        """
        self._half_life_s = half_life_s
        self._past: dict[int, tuple[float, NDArray[np.float64]]] = {}

    @property
    def followed(self) -> int:
        """How many tracks are remembered."""
        return len(self._past)

    def smooth(self, faces: Faces, time_s: float) -> Faces:
        """Smooth probabilities, confidence, valence and arousal, and name the expression anew.

        The label is "uncertain" where less than half of the recent readings, weighed alike, had a label.

        Faces that are not read yet, or not tracked, come back as they are.

        Args:
            faces: the faces of the next frame, read and tracked.
            time_s: the frame's time; going back counts as no time.

        Returns:
            The same faces with smoothed values; the probabilities sum to 1.
        """
        labelled = faces.expression >= 0
        values = np.column_stack(
            [faces.probabilities, faces.valence, faces.arousal, faces.confidence, labelled]
        )
        values = values.astype(np.float64)
        count = len(EMOTIONS)
        chosen = (faces.track >= 0) & ~np.isnan(faces.probabilities).all(axis=1)
        for index in np.flatnonzero(chosen):
            values[index] = self._follow(int(faces.track[index]), values[index], time_s)
            values[index, :count] /= np.nansum(values[index, :count])
        self._forget(time_s)
        smoothed = faces.fill(
            probabilities=values[:, :count], valence=values[:, count], arousal=values[:, count + 1],
            confidence=values[:, count + 2],
        )  # fmt: skip
        named = np.where(values[:, -1] >= 0.5, _likeliest(smoothed), -1)
        return smoothed.fill(expression=np.where(chosen, named, faces.expression))

    def _follow(self, track: int, value: NDArray[np.float64], time_s: float) -> NDArray[np.float64]:
        then_s, before = self._past.get(track, (time_s, value))
        elapsed_s = max(0.0, time_s - then_s)
        smoothed = blend(before, value, elapsed_s=elapsed_s, half_life_s=self._half_life_s)
        self._past[track] = time_s, smoothed
        return smoothed

    def _forget(self, time_s: float) -> None:
        """Drop the tracks that weigh nothing any more: a long run takes no more memory than a short one."""
        oldest_s = time_s - _FORGOTTEN * self._half_life_s
        self._past = {track: past for track, past in self._past.items() if past[0] >= oldest_s}


def _likeliest(faces: Faces) -> NDArray[np.int64]:
    """(n,) the most likely label of each face."""
    known = np.where(np.isnan(faces.probabilities), -1.0, faces.probabilities)
    return np.asarray(known.argmax(axis=1), np.int64)
