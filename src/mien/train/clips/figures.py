"""How well something tells a label from the others on clips: over people, and by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000


@dataclass(frozen=True)
class ClipFigures:
    """Figures over n clips; None where a figure needs both classes, or several people.

    Attributes:
        count, people: how many.
        accuracy: share of clips that are right by a threshold.
        accuracy_interval: 95 %, by drawing people again.
        auc: area under the ROC curve.
        auc_interval: likewise.
    """

    count: int
    people: int
    accuracy: float
    accuracy_interval: tuple[float, float] | None
    auc: float | None
    auc_interval: tuple[float, float] | None

    @classmethod
    def of(
        cls, score: NDArray[np.float64], truth: NDArray[np.bool_], person: NDArray[np.str_], threshold: float
    ) -> ClipFigures:
        """Measure a score against what is true, with intervals over people."""
        right = (score >= threshold) == truth
        who = np.unique(person)
        random = np.random.default_rng(0)
        places = [np.flatnonzero(person == each) for each in who]
        drawn = [
            np.concatenate([places[number] for number in random.integers(len(who), size=len(who))])
            for _ in range(_RESAMPLES if len(who) > 1 else 0)
        ]
        accuracies = [float(right[each].mean()) for each in drawn]
        areas = [value for each in drawn if (value := auc(score[each], truth[each])) is not None]
        whole = auc(score, truth)
        return cls(len(score), len(who), float(right.mean()), _interval(accuracies), whole, _interval(areas))


def auc(score: NDArray[np.floating], truth: NDArray[np.bool_]) -> float | None:
    """Return how often a clip with the label has a higher score than one without; ties count half."""
    with_label, without = score[truth], score[~truth]
    if not len(with_label) or not len(without):
        return None
    order = np.sort(without)
    below = np.searchsorted(order, with_label, "left") + np.searchsorted(order, with_label, "right")
    return float(below.mean() / 2 / len(without))


def best_threshold(score: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Return the threshold with the highest accuracy, between two scores (for validation)."""
    levels = np.unique(score)
    candidates = np.concatenate([(levels[1:] + levels[:-1]) / 2, [0.5]])
    right = [float(((score >= each) == truth).mean()) for each in candidates]
    return float(candidates[int(np.argmax(right))])


def _interval(values: list[float]) -> tuple[float, float] | None:
    if not values:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
