"""Whether a body answers to what a face shows: its change after onsets, against onsets moved in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

AFTER_S: Final = 10.0
BEFORE_S: Final = 5.0
"""The body's mean over so many seconds after an onset is compared with that before it."""
LEAST_ONSETS: Final = 3
_LEAST_SHIFTS: Final = 39
"""Fewer can't give a p of 0.025."""
_LEAST_KNOWN: Final = 0.5


@dataclass(frozen=True, slots=True)
class Responses:
    """How a body changed after onsets.

    Attributes:
        changes: after each onset; None where too little is known around it.
        mean: of those that are known; None with fewer than three.
        p: how often the same onsets, moved round in time together, give as large a mean; None where the time
            is too short to tell.
        chance: the size that chance exceeds in 5 of 100; None as `p`.
    """

    changes: tuple[float | None, ...]
    mean: float | None
    p: float | None
    chance: float | None


def responses(
    course: tuple[ArrayLike, ArrayLike], onsets_s: Sequence[float], span_s: tuple[float, float]
) -> Responses:
    """Return how a course changes after onsets.

    Moved round together, onsets keep their distances, and the course all that makes it slow: only what ties
    one to the other is broken.

    Args:
        course: times in seconds and values; NaN where nothing is known.
        onsets_s: by the same clock.
        span_s: the time in which there could have been onsets.
    """
    seconds = int(span_s[1] - span_s[0])
    times, values = (np.asarray(each, np.float64) for each in course)
    known = np.isfinite(values) & (times >= span_s[0]) & (times < span_s[0] + seconds)
    at = (times[known] - span_s[0]).astype(np.intp)
    counts = np.bincount(at, minlength=seconds)
    means = np.full(seconds, np.nan)
    np.divide(np.bincount(at, values[known], seconds), counts, out=means, where=counts > 0)
    changes = _changes(means, np.asarray(onsets_s, np.float64) - span_s[0])
    told = tuple(None if np.isnan(each) else float(each) for each in changes)
    if np.isfinite(changes).sum() < LEAST_ONSETS:
        return Responses(told, None, None, None)
    mean, around = float(np.nanmean(changes)), int(AFTER_S + BEFORE_S)
    null = []
    for shift in range(around, seconds - around + 1):
        moved = _changes(means, (np.asarray(onsets_s) - span_s[0] + shift) % seconds)
        if np.isfinite(moved).sum() >= LEAST_ONSETS:
            null.append(abs(float(np.nanmean(moved))))
    if len(null) < _LEAST_SHIFTS:
        return Responses(told, mean, None, None)
    p = float((1 + (np.array(null) >= abs(mean)).sum()) / (1 + len(null)))
    return Responses(told, mean, p, float(np.quantile(null, 0.95)))


def _changes(means: NDArray[np.float64], onsets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean after each onset less that before it; NaN where half of either isn't known."""
    changes = np.full(len(onsets), np.nan)
    for number, onset in enumerate(np.rint(onsets).astype(int).tolist()):
        before, after = means[max(0, onset - int(BEFORE_S)) : onset], means[onset : onset + int(AFTER_S)]
        enough = np.isfinite(before).sum() >= _LEAST_KNOWN * BEFORE_S
        if enough and np.isfinite(after).sum() >= _LEAST_KNOWN * AFTER_S:
            changes[number] = np.nanmean(after) - np.nanmean(before)
    return changes
