"""How much a head moves, from its pose."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import MEASURES, POSE
from mien.mood.series import Series

Floats = NDArray[np.float64]

HEAD_STEP_S: Final = 0.5
"""Pose is averaged over half a second before movement is taken: a still head's noise counts for little."""

_POSE: Final = [MEASURES.index(name) for name in POSE]


def head_turns(series: Series) -> tuple[Floats, Floats]:
    """Return how far the head turned from each half second to the next.

    The root of the summed squares of the changes of yaw, pitch and roll: near enough to the angle of the
    turn, as a head moves little in half a second.

    Args:
        series: with measures; without them nothing is known.

    Returns:
        at_s (m,), when each turn began, in seconds from the first row; degrees (m,). Only half seconds that
        follow upon each other and are both known.
    """
    pose = series.measures[:, _POSE]
    known = ~np.isnan(pose).any(axis=1)
    if not known.any():
        return np.empty(0), np.empty(0)
    cell = np.floor((series.time_s[known] - series.time_s[0]) / HEAD_STEP_S + 1e-9).astype(np.int64)
    index, first = np.unique(cell, return_index=True)
    rows = np.diff(np.append(first, len(cell)))
    mean = np.add.reduceat(pose[known], first, axis=0) / rows[:, None]
    near = np.diff(index) == 1
    degrees = np.linalg.norm(np.diff(mean, axis=0), axis=1)
    return index[:-1][near] * HEAD_STEP_S, degrees[near]
