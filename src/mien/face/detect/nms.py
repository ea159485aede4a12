"""Non-maximum suppression: of boxes that mean the same face, only the surest stays."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def suppress(
    xyxy: NDArray[np.float32],
    score: NDArray[np.float32],
    threshold: float,
    *,
    group: NDArray[np.int64] | None = None,
) -> Indices:
    """Go from the surest box down; drop each that overlaps a kept one by more than `threshold`.

    Args:
        xyxy: (n, 4) left, top, right, bottom.
        score: (n,) the higher the surer.
        threshold: intersection over union, 0 to 1, that is still allowed.
        group: (n,) boxes of different groups leave each other alone; without it there is one group.

    Returns:
        (k,) indices of the kept boxes.
    """
    if not len(xyxy):
        return np.empty(0, np.int64)
    xywh: Any = np.hstack([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]]).astype(np.float64)
    if group is None:
        kept = cv2.dnn.NMSBoxes(xywh, score.tolist(), 0.0, threshold)
    else:
        kept = cv2.dnn.NMSBoxesBatched(xywh, score.tolist(), group.tolist(), 0.0, threshold)
    return np.asarray(kept, np.int64).reshape(-1)


def suppress_nested(xyxy: NDArray[np.float32], score: NDArray[np.float32], threshold: float) -> Indices:
    """Do the same with the overlap as a share of the smaller box, so that a box inside another goes too.

    Args:
        xyxy: (n, 4) left, top, right, bottom; meant for few boxes, as it compares all pairs.
        score: (n,) the higher the surer.
        threshold: intersection over the smaller area, 0 to 1, that is still allowed.

    Returns:
        (k,) indices of the kept boxes, the surest first.
    """
    order = np.argsort(-score, kind="stable")
    boxes = xyxy[order]
    a, b = boxes[:, None], boxes[None]
    shared_wh = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    clash = shared_wh.clip(min=0).prod(axis=2) > threshold * np.minimum(area[:, None], area)
    kept: list[int] = []
    for index in range(len(boxes)):
        if not clash[index, kept].any():
            kept.append(index)
    return order[np.array(kept, np.int64)]
