"""What faces show, from their landmarks: pure functions; `docs/measures.md` has definitions and sources."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import POSE, SHAPE
from mien.measures.pose import Floats, frontal, solve_pose

MOST_TURNED_DEG: Final = 45.0
"""The shape of a face that looks further away from the camera than this is not measured."""

_LENGTHS = np.array([(36, 45), (48, 54), (36, 39), (42, 45), (37, 41), (38, 40), (43, 47), (44, 46)]).T
"""Between which points lengths are taken: outer corners, mouth, widths of the eyes, heights of the eyes."""


def _weights() -> Floats:
    """(3, 68, 2) how much each coordinate counts in the measures that are means of heights and widths."""
    weights = np.zeros((3, 68, 2))
    for index, plus, minus, axis in (
        (0, [22], [21], 0),
        (1, [65, 66, 67], [61, 62, 63], 1),
        (2, range(31, 36), [48, 54], 1),
    ):
        weights[index, list(plus), axis] += 1 / len(plus)
        weights[index, list(minus), axis] -= 1 / len(minus)
    return weights


_MEANS: Final = _weights().reshape(3, -1).T


def measure(landmarks: NDArray[np.floating]) -> Floats:
    """Measure faces.

    Args:
        landmarks: (n, 68, 2) in pixels, iBUG's order; NaN where there are none.

    Returns:
        (n, 8) in the order of `labels.POSE` and `labels.SHAPE`; NaN for a face without landmarks,
        and for the shape of one that looks further away than `MOST_TURNED_DEG`.
    """
    values = np.full((len(landmarks), len(POSE) + len(SHAPE)), np.nan)
    usable = np.flatnonzero((np.ptp(landmarks, axis=1) > 0).all(axis=1))
    if not len(usable):
        return values
    pose = solve_pose(landmarks[usable])
    values[usable, : len(POSE)] = pose.angles_deg
    seen = pose.turned_deg <= MOST_TURNED_DEG
    values[usable[seen], len(POSE) :] = shape_of(frontal(landmarks[usable], pose)[seen])
    return values


def shape_of(faces: Floats) -> Floats:
    """Measure what faces show that have been turned to the front.

    Args:
        faces: (n, 68, 2) as `pose.frontal` gives them.

    Returns:
        (n, 5) in the order of `labels.SHAPE`.
    """
    one, other = faces[:, _LENGTHS[0]], faces[:, _LENGTHS[1]]
    lengths = np.sqrt(((one - other) ** 2).sum(axis=2))
    interocular, mouth, widths, heights = lengths[:, :1], lengths[:, 1:2], lengths[:, 2:4], lengths[:, 4:]
    # Height by width of each eye (Soukupova & Cech 2016, equation 1), the mean of both.
    openness = (heights.reshape(-1, 2, 2).sum(axis=2) / (2 * widths)).mean(axis=1, keepdims=True)
    means = faces.reshape(-1, 136) @ _MEANS
    in_order = (means[:, :2], mouth, means[:, 2:])
    return np.concatenate([openness, np.concatenate(in_order, axis=1) / interocular], axis=1)
