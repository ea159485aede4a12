"""How far a face goes from its own neutral, and how flat that is beside the person's own days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS
from mien.mood.estimate import Estimate
from mien.mood.series import Series

if TYPE_CHECKING:
    from mien.mood.baseline import Baseline

Floats = NDArray[np.float64]

PLAIN_NEUTRAL: Final = np.eye(len(EMOTIONS))[EMOTIONS.index("neutral")]
"""(8,) a face that is neutral beyond doubt: stands in where a person's own neutral isn't known."""

LEAST_NEUTRAL_S: Final = 30.0
"""Own neutral is known from so many seconds of a face read as neutral."""


class OwnNeutral(NamedTuple):
    """A person's own neutral face.

    Attributes:
        probabilities: (8,) they sum to 1.
        seconds: how long it was seen.
    """

    probabilities: Floats
    seconds: float


def own_neutral(parts: Sequence[Series]) -> OwnNeutral | None:
    """Return the mean probabilities while the face was read as neutral.

    It isn't the mean over all time: neutral need not be what a person shows most.

    Args:
        parts: readings of one person, of as many recordings as there are.

    Returns:
        None below `LEAST_NEUTRAL_S`.
    """
    seconds, total = 0.0, np.zeros(len(EMOTIONS))
    for part in parts:
        weight = np.where(part.expression == EMOTIONS.index("neutral"), part.step_s, 0)
        seconds += float(weight.sum())
        total += weight @ np.nan_to_num(part.probabilities)
    return OwnNeutral(total / total.sum(), seconds) if seconds >= LEAST_NEUTRAL_S else None


def distance(probabilities: Floats, neutral: Floats) -> Floats:
    """Return the total variation distance from neutral: half the sum of the absolute differences.

    It is the probability that lies elsewhere than on the neutral face. Linear in the probabilities, so that
    small noise of a face at rest counts for little (the Hellinger distance's root blows it up); and no two
    expressions cancel out or look alike, as they may between places of valence and arousal.

    Args:
        probabilities: (n, 8); NaN (no such label) counts as 0.
        neutral: (8,) that sum to 1.

    Returns:
        (n,) from 0 to 1.
    """
    return np.asarray(0.5 * np.abs(np.nan_to_num(probabilities) - neutral).sum(axis=1))


def flatness(expressivity: Estimate | None, baseline: Baseline | None) -> Estimate | None:
    """Return how far expressivity lies below what it usually is, in standard deviations of own days.

    The deviation is 1.4826 MAD, which is the standard deviation where days are normally distributed. The
    interval is expressivity's own; that of the baseline isn't in it.

    Args:
        expressivity: from the same neutral face as the baseline's.
        baseline: the person's own; None where it isn't known.

    Returns:
        Above 0 is flatter than usual; None without a baseline, or where all of its days are alike.
    """
    own = baseline.measures.get("expressivity") if baseline else None
    if expressivity is None or own is None or not own.mad > 0:
        return None
    sd = 1.4826 * own.mad

    def below(figure: float) -> float:
        return (own.median - figure) / sd

    low = None if expressivity.high is None else below(expressivity.high)
    high = None if expressivity.low is None else below(expressivity.low)
    return Estimate(below(expressivity.value), low, high, expressivity.n)
