"""How good a network's answers are: figures against one label a face, and against the votes of ten people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr

from mien.errors import DatasetError
from mien.expression.calibration import expected_calibration_error
from mien.labels import EMOTIONS, FERPLUS_VOTES, standard_label

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Interval = tuple[float, float]
VoteRule = Literal["ferplus", "all"]

CALIBRATION_BINS: Final = 15
_SMALLEST: Final = 1e-12
"""A probability of 0 counts as this much, so that one sure mistake does not make a mean infinite."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Figures of one network on one part of one data set.

    Attributes:
        labels: the k classes.
        count: n, how many faces.
        accuracy: share of the faces whose most likely label is right, 0 to 1.
        macro_f1: mean of the F1 of the classes that occur among the faces, 0 to 1.
        precision: (k,) share of the answers of a class that are right; 0 where it is never answered.
        recall: (k,) share of the faces of a class that are found; 0 where it does not occur.
        f1: (k,) harmonic mean of the two.
        support: (k,) faces of each class.
        confusion: (k, k) counts; the row is the true class, the column the answer.
        negative_log_likelihood: mean of -log of the probability of the right label, in nats.
        calibration_error: expected calibration error with `CALIBRATION_BINS` bins, 0 to 1.
        accuracy_interval: 95 % bootstrap interval, low and high.
        macro_f1_interval: the same.
    """

    labels: tuple[str, ...]
    count: int
    accuracy: float
    macro_f1: float
    precision: Floats
    recall: Floats
    f1: Floats
    support: Index
    confusion: Index
    negative_log_likelihood: float
    calibration_error: float
    accuracy_interval: Interval
    macro_f1_interval: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return everything as a dictionary for JSON."""
        return {
            "count": self.count,
            "accuracy": self.accuracy,
            "accuracy_interval_95": list(self.accuracy_interval),
            "macro_f1": self.macro_f1,
            "macro_f1_interval_95": list(self.macro_f1_interval),
            "negative_log_likelihood": self.negative_log_likelihood,
            "calibration_error": self.calibration_error,
            "classes": self.class_rows(),
            "confusion": self.confusion.tolist(),
        }

    def class_rows(self) -> list[dict[str, Any]]:
        """Return one row for each class: label, precision, recall, f1, support."""
        columns = zip(self.labels, self.precision, self.recall, self.f1, self.support, strict=True)
        return [
            {"label": label, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for label, p, r, f, n in columns
        ]


def score(
    probabilities: NDArray[np.floating[Any]],
    targets: Index,
    labels: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Scores:
    """Measure a network's answers.

    Args:
        probabilities: (n, k), each row sums to 1.
        targets: (n,) the right class of each face, 0 to k - 1.
        labels: the k classes.
        resamples: how many bootstrap samples the intervals are taken from.
        seed: of the bootstrap.

    Raises:
        DatasetError: there is no face.
        ValueError: the shapes don't fit, or a target is no class.
    """
    p, places = np.asarray(probabilities, np.float64), np.asarray(targets, np.int64)
    if p.shape != (len(places), len(labels)):
        raise ValueError(f"expected probabilities of shape {(len(places), len(labels))}, received {p.shape}")
    if not len(places):
        raise DatasetError("no face to measure on; expected at least one in this part of the data")
    matrix = confusion_matrix(p.argmax(axis=1), places, len(labels))
    precision, recall, f1 = per_class(matrix)
    return Scores(
        labels=tuple(labels),
        count=len(places),
        accuracy=float(accuracy(matrix)),
        macro_f1=float(macro_f1(matrix)),
        precision=precision,
        recall=recall,
        f1=f1,
        support=matrix.sum(axis=1),
        confusion=matrix,
        negative_log_likelihood=float(-np.log(p[np.arange(len(p)), places].clip(min=_SMALLEST)).mean()),
        calibration_error=expected_calibration_error(p, places, CALIBRATION_BINS),
        accuracy_interval=bootstrap_interval(accuracy, matrix, resamples, seed),
        macro_f1_interval=bootstrap_interval(macro_f1, matrix, resamples, seed),
    )


def confusion_matrix(predicted: Index, targets: Index, classes: int) -> Index:
    """Count the faces of each true class (row) that got each answer (column).

    Raises:
        ValueError: a prediction or target is not in 0 to classes - 1.
    """
    both = np.concatenate([predicted, targets])
    if len(both) and not 0 <= both.min() <= both.max() < classes:
        raise ValueError(f"expected classes 0 to {classes - 1}, received {both.min()} to {both.max()}")
    return np.bincount(targets * classes + predicted, minlength=classes**2).reshape(classes, classes)


def accuracy(confusion: NDArray[Any]) -> Floats:
    """Return the share of right answers, for one or many confusion matrices, (..., k, k) to (...)."""
    right = np.trace(confusion, axis1=-2, axis2=-1)
    return np.asarray(right / confusion.sum(axis=(-2, -1)))


def macro_f1(confusion: NDArray[Any]) -> Floats:
    """Return the mean F1 over the classes that occur, for one or many matrices, (..., k, k) to (...)."""
    occurs = confusion.sum(axis=-1) > 0
    return np.asarray((per_class(confusion)[2] * occurs).sum(axis=-1) / occurs.sum(axis=-1))


def per_class(confusion: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Return precision, recall and F1 of each class, each (..., k); what would be 0 / 0 is 0."""
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    answered, occur = confusion.sum(axis=-2), confusion.sum(axis=-1)
    return _ratio(right, answered), _ratio(right, occur), _ratio(2 * right, answered + occur)


def bootstrap_interval(
    statistic: Callable[[NDArray[Any]], Floats], confusion: Index, n: int = 1000, seed: int = 0
) -> Interval:
    """Return the 95 % percentile bootstrap interval of a statistic of the confusion matrix.

    Drawing n faces with replacement draws the cells of their confusion matrix from a multinomial
    distribution, so the faces themselves need not be drawn. Source: Efron & Tibshirani (1993), An
    introduction to the bootstrap, chapter 13.

    Args:
        statistic: from many matrices (n, k, k) to (n,), such as `accuracy`.
        confusion: (k, k) counts.
        n: how many samples.
        seed: of the samples.

    Returns:
        The 2.5th and the 97.5th percentile.
    """
    faces = int(confusion.sum())
    samples = np.random.default_rng(seed).multinomial(faces, confusion.ravel() / faces, size=n)
    low, high = np.percentile(statistic(samples.reshape(n, *confusion.shape)), [2.5, 97.5])
    return float(low), float(high)


def ferplus_targets(
    votes: NDArray[np.integer[Any]], rule: VoteRule = "ferplus"
) -> tuple[Index, NDArray[np.bool_]]:
    """Turn FER+ votes into one label a face (Barsoum et al. 2016, arXiv:1608.01041).

    `ferplus` is the data set's own rule: votes of 0 or 1 are dropped, and a face has a label where one of
    the eight emotions has more than half of what is left. `all` takes the most-voted of the ten columns, the
    first of equals, and leaves out faces where that is unknown or not-a-face.

    Args:
        votes: (n, 10) in the order of `labels.FERPLUS_VOTES`.
        rule: which.

    Returns:
        (n,) places in `labels.EMOTIONS`, -1 for a face without a label, and (n,) whether it has one.

    Raises:
        DatasetError: the rule is unknown, or there are no ten votes a face.
    """
    if rule not in get_args(VoteRule):
        raise DatasetError(f"no FER+ rule named {rule}; there are: {', '.join(get_args(VoteRule))}")
    counted = _checked(votes)
    if rule == "ferplus":
        counted = np.where(counted > 1, counted, 0)
    leading = counted.argmax(axis=1)
    mask = leading < len(EMOTIONS)
    if rule == "ferplus":
        mask &= 2 * counted.max(axis=1) > counted.sum(axis=1)
    return np.where(mask, leading, -1), mask


def kl_to_votes(probabilities: NDArray[np.floating[Any]], votes: NDArray[np.integer[Any]]) -> float:
    """Return how far a network's answers are from the shares of people's votes.

    It is the mean Kullback-Leibler divergence KL(votes || answer) in nats, with the votes renormalised over
    the eight emotions; faces without a vote for any of them don't count.

    Args:
        probabilities: (n, 8) in the order of `labels.EMOTIONS`; see `in_emotion_order`.
        votes: (n, 10) in the order of `labels.FERPLUS_VOTES`.

    Returns:
        0 (the same) or more. A probability of 0, as of a label that the network does not know, counts as
        1e-12, so that it costs 27.6 for a face with nothing but votes for it.

    Raises:
        DatasetError: there are no ten votes a face, or no vote at all.
    """
    return float(kl_of_faces(probabilities, votes)[0].mean())


def kl_of_faces(
    probabilities: NDArray[np.floating[Any]], votes: NDArray[np.integer[Any]]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return what `kl_to_votes` is the mean of.

    Returns:
        (m,) the divergence of each face that counts, and (n,) which count.

    Raises:
        DatasetError: as `kl_to_votes`.
    """
    counted = _checked(votes)[:, : len(EMOTIONS)]
    voted = counted.sum(axis=1) > 0
    if not voted.any():
        raise DatasetError("no face has a vote for one of the eight emotions; expected FER+ votes")
    shares = counted[voted] / counted[voted].sum(axis=1, keepdims=True)
    answers = np.asarray(probabilities, np.float64)[voted].clip(min=_SMALLEST)
    return rel_entr(shares, answers).sum(axis=1), voted


def in_emotion_order(probabilities: NDArray[np.floating[Any]], labels: Sequence[str]) -> Floats:
    """Bring a network's answers to the order of `labels.EMOTIONS`.

    Args:
        probabilities: (n, k).
        labels: the k labels, in any of the spellings that `labels.standard_label` knows.

    Returns:
        (n, 8), with 0 where the network has no such label.

    Raises:
        DatasetError: a label is not one of the eight.
    """
    names = [standard_label(label) for label in labels]
    if odd := [name for name in names if name not in EMOTIONS]:
        raise DatasetError(f"FER+ has no label {', '.join(odd)}; expected labels from {', '.join(EMOTIONS)}")
    ordered = np.zeros((len(probabilities), len(EMOTIONS)))
    ordered[:, [EMOTIONS.index(name) for name in names]] = probabilities
    return ordered


def _checked(votes: NDArray[np.integer[Any]]) -> NDArray[Any]:
    counted = np.asarray(votes)
    if counted.ndim != 2 or counted.shape[1] != len(FERPLUS_VOTES):
        raise DatasetError(
            f"expected FER+ votes of shape (n, {len(FERPLUS_VOTES)}), received {counted.shape}"
        )
    return counted


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.zeros(whole.shape), where=whole > 0))
