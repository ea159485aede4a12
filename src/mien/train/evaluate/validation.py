"""The figures of one epoch, on faces that taught nothing; and concordance, which is a loss as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax

from mien.expression.calibration import softmax
from mien.labels import EMOTIONS
from mien.train.backend import load_keras
from mien.train.data import FaceSet
from mien.train.data.negatives import Negatives
from mien.train.evaluate.metrics import ferplus_targets, kl_to_votes
from mien.train.networks.scep import AFFECT
from mien.train.targets import Arrays, affect_targets

OUTER_EYE_CORNERS = (36, 45)
"""Places among the 68 points between which the inter-ocular distance is taken, as iBUG's challenge does."""

_NEGATIVES = 500
_TINY = 1e-6


def concordance(answers: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Compute the concordance correlation coefficient (CCC) of each column.

    CCC = 2 cov(x, y) / (var(x) + var(y) + (mean(x) - mean(y)) ** 2): it is 1 only where x equals y; unlike
    Pearson's correlation it falls where one is shifted or stretched. Source: Lin (1989), A concordance
    correlation coefficient to evaluate reproducibility, Biometrics 45(1), 255-268.

    Args:
        answers: (n, k), n at least 1.
        targets: (n, k).

    Returns:
        (k,) from -1 to 1; 0 where both columns are one and the same constant.
    """
    x, y = np.asarray(answers, np.float64), np.asarray(targets, np.float64)
    together = ((x - x.mean(axis=0)) * (y - y.mean(axis=0))).mean(axis=0)
    apart = x.var(axis=0) + y.var(axis=0) + (x.mean(axis=0) - y.mean(axis=0)) ** 2
    return np.asarray(np.divide(2 * together, apart, out=np.zeros_like(apart), where=apart > 0))


def concordance_loss() -> Any:
    """Make the loss 1 - CCC, on average over the columns, of one batch.

    The targets are (n, k + 1): the last column is a weight, 0 for rows that have no target. All rows together
    have one loss, so each of them gives the same number.
    """
    ops = load_keras().ops

    def loss(targets: Any, answers: Any) -> Any:
        y, weight = targets[:, :-1], targets[:, -1:]
        share = weight / (ops.sum(weight) + _TINY)

        def mean(values: Any) -> Any:
            return ops.sum(values * share, axis=0)

        x_mean, y_mean = mean(answers), mean(y)
        together = mean((answers - x_mean) * (y - y_mean))
        apart = mean(ops.square(answers - x_mean)) + mean(ops.square(y - y_mean)) + (x_mean - y_mean) ** 2
        of_batch = ops.mean(1 - 2 * together / (apart + _TINY))
        return of_batch * ops.ones_like(answers[:, 0])

    return loss


def validation_figures(
    answer: Callable[[NDArray[np.uint8]], Arrays], faces: FaceSet, negatives: Negatives | None = None
) -> dict[str, float]:
    """Measure a network as it stands.

    Args:
        answer: runs the network.
        faces: validation's faces.
        negatives: makes validation's pictures without faces, for a joint network; None for one label set.

    Returns:
        `validation_accuracy` and `validation_loss`, the cross-entropy, of the data's classes; with `affect`
        and votes what `affect_figures` gives. Of a joint network with votes `ferplus`, `ferplus_all` and
        `kl`; with landmarks their median error; `presence`, the mean of the shares of faces and of pictures
        without one that are told right.
    """
    got = answer(faces.images)
    surprise = -log_softmax(got["logits" if "logits" in got else "fer2013"], axis=1)
    figures = {
        "validation_accuracy": float((surprise.argmin(axis=1) == faces.targets).mean()),
        "validation_loss": float(surprise[np.arange(len(faces)), faces.targets].mean()),
    }
    if AFFECT in got:
        found = affect_figures(got[AFFECT], faces)
        figures |= {f"validation_{name}": value for name, value in found.items()}
    if negatives is None:
        return figures
    if faces.votes is not None:
        emotions = softmax(got["votes"][:, : len(EMOTIONS)])
        for name, rule in (("ferplus", "ferplus"), ("ferplus_all", "all")):
            targets, mask = ferplus_targets(faces.votes, rule)  # type: ignore[arg-type]
            figures[name] = float((emotions[mask].argmax(axis=1) == targets[mask]).mean())
        figures["kl"] = kl_to_votes(emotions, faces.votes)
    if faces.landmarks is not None and "landmarks" in got:
        figures["landmarks"] = float(np.median(landmark_errors(got["landmarks"], faces.landmarks)))
    nothing = negatives.make(_NEGATIVES, faces.images, np.random.default_rng(0))
    right = [(got["presence"] > 0).mean(), (answer(nothing)["presence"] <= 0).mean()]
    figures["presence"] = float(np.mean(right))
    return figures


def affect_figures(affect: NDArray[np.float32], faces: FaceSet) -> dict[str, float]:
    """Compute how well valence and arousal agree with what the votes make of them.

    Args:
        affect: (n, 2) a network's answers.
        faces: the n faces; those without votes count for nothing, and without any there are no figures.

    Returns:
        `ccc_valence` and `ccc_arousal`, -1 to 1.
    """
    if faces.votes is None:
        return {}
    votes = faces.votes[:, : len(EMOTIONS)]
    known = votes.sum(axis=1) > 0
    if not known.any():
        return {}
    targets = affect_targets(votes, known)[known, :2]
    agreement = concordance(affect[known], targets)
    return dict(zip(("ccc_valence", "ccc_arousal"), map(float, agreement), strict=True))


def landmark_errors(answered: NDArray[np.float32], landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the mean distance from the teacher's points, as a share of the inter-ocular distance.

    Args:
        answered: (n, 136) or (n, 68, 2).
        landmarks: (n, 68, 2), in the same unit; NaN where there are none.

    Returns:
        (m,) for the faces that have landmarks.
    """
    known = ~np.isnan(landmarks).any(axis=(1, 2))
    there, said = landmarks[known].astype(np.float64), answered.reshape(-1, 68, 2)[known]
    left, right = OUTER_EYE_CORNERS
    interocular = np.linalg.norm(there[:, left] - there[:, right], axis=1)
    return np.asarray(np.linalg.norm(said - there, axis=2).mean(axis=1) / interocular)
