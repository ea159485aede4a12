"""Finding what spoils a data set: images that show nothing, and the same photograph twice."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mien.errors import DatasetError
from mien.train.data.faces import FaceSet

NEAR_COPY = 0.97
"""Correlation at 24x24 above which two faces count as the same photograph (docs/training.md shows why)."""

_THUMBNAIL_PX = 24
_BLOCK = 2048


@dataclass(frozen=True)
class CleaningReport:
    """What cleaning found, in numbers.

    Attributes:
        read: faces with a readable image and a label.
        unreadable: rows or files without a readable image.
        unlabelled: rows or files without a label.
        constant: faces left out because all their pixels are alike (an empty image).
        exact_copies: faces that equal an earlier one pixel by pixel.
        near_copies: further faces that correlate with another above the threshold.
        groups: groups of two or more copies, exact or near; a group never stands on both sides of a split.
        kept: faces that are left.
    """

    read: int
    unreadable: int
    unlabelled: int
    constant: int
    exact_copies: int
    near_copies: int
    groups: int
    kept: int

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers as a dictionary for JSON."""
        return asdict(self)


def clean(faces: FaceSet, near_copy: float = NEAR_COPY) -> tuple[FaceSet, NDArray[np.int64], CleaningReport]:
    """Leave out constant images, and number the groups of copies.

    Args:
        faces: the data set as read.
        near_copy: correlation at 24x24 above which two faces count as copies.

    Returns:
        The faces that are left, the group of each (n,), and the numbers to report.

    Raises:
        DatasetError: every image is constant.
    """
    shows_something = faces.images.max(axis=(1, 2)) > faces.images.min(axis=(1, 2))
    if not shows_something.any():
        raise DatasetError("expected images that show something, received only images of one grey value")
    kept = faces.take(shows_something)
    exact = exact_groups(kept.images)
    pairs = near_copy_pairs(kept.images, near_copy)
    groups = join_groups(exact, pairs[:, :2].astype(np.int64))
    sizes = np.bincount(groups)
    distinct = int(exact.max(initial=-1)) + 1
    report = CleaningReport(
        read=len(faces),
        unreadable=len(faces.rejects.unreadable),
        unlabelled=len(faces.rejects.unlabelled),
        constant=int((~shows_something).sum()),
        exact_copies=len(kept) - distinct,
        near_copies=distinct - len(sizes),
        groups=int((sizes > 1).sum()),
        kept=len(kept),
    )
    return kept, groups, report


def exact_groups(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Number the images so that equal ones share a number; (n,) int64 from 0."""
    numbers: dict[bytes, int] = {}
    return np.array([numbers.setdefault(image.tobytes(), len(numbers)) for image in images], np.int64)


def near_copy_pairs(images: NDArray[np.uint8], threshold: float) -> NDArray[np.float64]:
    """Find the pairs of images that correlate above a threshold once shrunk to 24x24.

    Args:
        images: (n, h, w) uint8.
        threshold: Pearson's correlation of the grey values, -1 to 1.

    Returns:
        (m, 3) rows of first place, second place (first < second) and correlation.
    """
    rows = signatures(images)
    found = [np.empty((0, 3))]
    for start in range(0, len(rows), _BLOCK):
        correlation = rows[start : start + _BLOCK] @ rows[start:].T
        row, column = np.nonzero(correlation > threshold)
        later = column > row
        row, column = row[later], column[later]
        found.append(np.column_stack([row + start, column + start, correlation[row, column]]))
    return np.concatenate(found)


def join_groups(groups: NDArray[np.int64], pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge the groups that a pair connects; returns (n,) new numbers from 0."""
    count = int(groups.max(initial=-1)) + 1
    if count == 0:
        return groups
    first, second = groups[pairs[:, 0]], groups[pairs[:, 1]]
    graph = coo_array((np.ones(len(pairs), np.int64), (first, second)), shape=(count, count))
    _, merged = connected_components(graph, directed=False)
    return np.asarray(merged, np.int64)[groups]


def signatures(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (n, 576) rows of mean 0 and length 1: their products are the images' correlations at 24x24."""
    size = (_THUMBNAIL_PX, _THUMBNAIL_PX)
    small = np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])
    rows = small.reshape(len(small), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(norm, 1e-6), np.float32)


class Verdict(Enum):
    """What a face is, compared with those before it."""

    NEW = "new"
    CONSTANT = "constant"
    EXACT = "exact copy"
    NEAR = "near copy"


class CopyFilter:
    """Finds faces of which one that was kept shows the same.

    Unlike the groups of `cleaning`, copies are not followed from one to the next: in a video each frame is a
    near copy of the one before, also while a neutral face turns into a smile. A face counts as a copy only of
    a face that was kept, so that the smile is kept too.

    Args:
        threshold: correlation at 24x24 above which two faces count as copies; see `cleaning.near_copy_pairs`.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._seen: set[bytes] = set()
        self._rows = np.empty((64, 0), np.float32)
        self._kept = 0

    def judge(self, image: NDArray[np.uint8]) -> Verdict:
        """Judge a face, (h, w) uint8; where it is new, it is remembered as kept."""
        if image.min() == image.max():
            return Verdict.CONSTANT
        content = hashlib.sha256(image.tobytes()).digest()
        if content in self._seen:
            return Verdict.EXACT
        self._seen.add(content)
        (row,) = signatures(image[None])
        if self._kept and (self._rows[: self._kept] @ row).max() > self._threshold:
            return Verdict.NEAR
        self._keep(row)
        return Verdict.NEW

    def _keep(self, row: NDArray[np.float32]) -> None:
        if self._kept == 0:
            self._rows = np.empty((64, len(row)), np.float32)
        elif self._kept == len(self._rows):
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._kept] = row
        self._kept += 1
