"""Boxes: pure NumPy, in pixels, as left, top, right, bottom (`xyxy`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def iou_matrix(a_xyxy: ArrayLike, b_xyxy: ArrayLike) -> NDArray[np.float64]:
    """Return the overlap of every box of one list with every box of another.

    Overlap is intersection over union (the Jaccard index): 0 apart, 1 the same.

    Args:
        a_xyxy: (n, 4) boxes with right > left and bottom > top.
        b_xyxy: (m, 4) boxes, the same.

    Returns:
        (n, m) values from 0 to 1.
    """
    a = np.asarray(a_xyxy, np.float64).reshape(-1, 1, 4)
    b = np.asarray(b_xyxy, np.float64).reshape(1, -1, 4)
    shared_wh = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = shared_wh.clip(min=0).prod(axis=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).prod(axis=-1) for boxes in (a, b)]
    return np.asarray(shared / (areas[0] + areas[1] - shared))


def distinct(xyxy: ArrayLike, max_iou: float) -> NDArray[np.intp]:
    """Return which boxes stay when each one that overlaps an earlier one too much goes.

    This is non-maximum suppression for boxes that come in order of preference.

    Args:
        xyxy: (n, 4) boxes, the preferred first.
        max_iou: a box stays while it overlaps every earlier one that stays by at most this.

    Returns:
        The places of the boxes that stay, ascending.
    """
    overlap = iou_matrix(xyxy, xyxy) > max_iou
    kept: list[int] = []
    for place in range(len(overlap)):
        if not overlap[place, kept].any():
            kept.append(place)
    return np.array(kept, np.intp)
