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
