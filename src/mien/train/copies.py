"""Leaving out copies of faces as they come, one after the other, without keeping the images."""

from __future__ import annotations

import hashlib
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from mien.train.cleaning import signatures


class Verdict(Enum):
    """What a face is, compared with those before it."""

    NEW = "new"
    CONSTANT = "constant"
    EXACT = "exact copy"
    NEAR = "near copy"


class CopyFilter:
    """Says of each face whether one that was kept shows the same.

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
