"""Boxes: pure NumPy, in pixels, as left, top, right, bottom (`xyxy`)."""

from __future__ import annotations

from typing import TypeAlias

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


Window: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels; right and bottom are just outside."""


def windows(size_wh: tuple[int, int], longest_px: int, overlap_px: int) -> list[Window]:
    """Return windows, as even as can be, that cover a picture and overlap.

    Args:
        size_wh: width and height of the picture.
        longest_px: no side of a window is longer; more than the overlap.
        overlap_px: what neighbours share at the least.
    """
    across, down = (_spans(side, longest_px, overlap_px) for side in size_wh)
    return [(left, top, right, bottom) for top, bottom in down for left, right in across]


def _spans(side: int, longest: int, overlap: int) -> list[tuple[int, int]]:
    count = max(1, -(-(side - overlap) // (longest - overlap)))
    length = -(-(side + (count - 1) * overlap) // count)
    starts = [round(place * (side - length) / max(1, count - 1)) for place in range(count)]
    return [(start, min(side, start + length)) for start in starts]
