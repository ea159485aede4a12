"""Probabilities that mean what they say, and the point below which no label is given. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def softmax(logits: ArrayLike, temperature: float = 1.0, bias: Sequence[float] = ()) -> Floats:
    """Turn logits into probabilities.

    Args:
        logits: (n, k).
        temperature: the logits are divided by it first; above 1 makes the answer less sure.
        bias: k numbers that are added then, which make a label more or less likely; empty for none.

    Returns:
        (n, k) of which each row sums to 1.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    return np.asarray(np.exp(_log_softmax(scaled + np.array(bias) if bias else scaled)))


def logistic(x: ArrayLike) -> Floats:
    """Turn log-odds into probabilities, of any shape."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(x, np.float64) / 2)))


def log_odds(p: ArrayLike) -> Floats:
    """Turn probabilities into log-odds; 0 and 1 count as a millionth from there."""
    kept = np.asarray(p, np.float64).clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def certainty_inputs(
    confidence: ArrayLike, presence: ArrayLike, no_face: ArrayLike, quality: ArrayLike
) -> Floats:
    """Put together what tells a right label from a wrong one.

    Args:
        confidence: (n,) the highest calibrated probability.
        presence: (n,) probability that there is a face.
        no_face: (n,) share of the votes that go to unknown or not a face.
        quality: (n,) 0 to 1.

    Returns:
        (n, 4) log-odds of the first three, and the quality: the inputs of `Certainty`, in its order.
    """
    odds = (log_odds(values) for values in (confidence, presence, no_face))
    return np.column_stack((*odds, np.asarray(quality, np.float64)))


def negative_log_likelihood(logits: ArrayLike, targets: ArrayLike, temperature: float = 1.0) -> float:
    """Return the mean of -log of the probability that each face's own label gets; smaller is better.

    Args:
        logits: (n, k), n at least 1.
        targets: (n,) the right output of each, 0 to k - 1.
        temperature: as in `softmax`.
    """
    log_p = _log_softmax(np.asarray(logits, np.float64) / temperature)
    return float(-np.take_along_axis(log_p, np.asarray(targets)[:, None], axis=1).mean())


def fit_temperature(logits: ArrayLike, targets: ArrayLike) -> float:
    """Find the temperature under which the right labels are likeliest.

    Temperature scaling changes how sure the network is, never which label leads. Fit it on faces that the
    network was not trained on. Source: Guo et al. (2017), On calibration of modern neural networks,
    arXiv:1706.04599.

    Args:
        logits: (n, k), n at least 1.
        targets: (n,) the right output of each, 0 to k - 1.

    Returns:
        The temperature, from 0.05 to 20.
    """
    from scipy.optimize import minimize_scalar  # here, because reading faces doesn't need it

    best = minimize_scalar(
        lambda log_t: negative_log_likelihood(logits, targets, float(np.exp(log_t))),
        bounds=(np.log(0.05), np.log(20)),
        method="bounded",
    )
    return float(np.exp(best.x))


def expected_calibration_error(probabilities: ArrayLike, targets: ArrayLike, bins: int = 15) -> float:
    """Return how far confidence is from accuracy, on average.

    Faces are put in bins of equal width by their highest probability; the error is the mean over the bins of
    |accuracy - mean confidence|, weighted by the number of faces (Naeini et al. 2015; Guo et al. 2017).

    Args:
        probabilities: (n, k), n at least 1.
        targets: (n,) the right output of each, 0 to k - 1.
        bins: how many; a bin holds its upper edge.

    Returns:
        0 (calibrated) to 1.
    """
    p = np.asarray(probabilities, np.float64)
    confidence, correct = p.max(axis=1), p.argmax(axis=1) == np.asarray(targets)
    index = np.ceil(confidence * bins).astype(int).clip(1, bins) - 1
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(p))


def risk_coverage(confidence: ArrayLike, correct: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return what is gained by leaving the least sure faces without a label.

    Source: El-Yaniv & Wiener (2010), On the foundations of noise-free selective classification, JMLR 11.

    Args:
        confidence: (n,) highest probability of each face, n at least 1.
        correct: (n,) whether its label is right.

    Returns:
        Three arrays of one length, one point for each different confidence, coverage rising: the coverage
        (share of the faces that keep their label), the risk (share of wrong labels among those), and the
        threshold (a face keeps its label where its confidence is at least this).
    """
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    sure = np.asarray(confidence, np.float64)[order]
    wrong = np.cumsum(~np.asarray(correct, bool)[order])
    last_of_ties = np.append(sure[1:] != sure[:-1], True)
    kept = np.flatnonzero(last_of_ties) + 1
    return kept / len(sure), wrong[last_of_ties] / kept, sure[last_of_ties]


def threshold_for(confidence: ArrayLike, correct: ArrayLike, *, cost_of_silence: float = 0.5) -> float:
    """Choose the confidence below which a face is called `uncertain`.

    It is the point of the risk-coverage curve where errors and silence together cost least, if a wrong label
    costs 1 and `uncertain` costs `cost_of_silence`: the minimum of coverage x risk + cost x (1 - coverage);
    of equal points it is the one with the greatest coverage. With the default, a label that is more often
    wrong than right is better left out; for perfectly calibrated probabilities the threshold is
    1 - `cost_of_silence`. Source: Chow (1970), On optimum recognition error and reject tradeoff, IEEE
    Transactions on Information Theory 16(1), 41-46.

    Args:
        confidence: (n,) highest calibrated probability of each face of `validation`, n at least 1.
        correct: (n,) whether its label is right.
        cost_of_silence: from 0 (only the surest face keeps a label) to 1 (all do).

    Returns:
        The threshold for `Sidecar.uncertain_below`; 0 where leaving faces out gains nothing.
    """
    coverage, risk, threshold = risk_coverage(confidence, correct)
    cost = coverage * risk + cost_of_silence * (1 - coverage)
    best = np.flatnonzero(cost <= cost.min() + 1e-12)[-1]
    return 0.0 if best == len(cost) - 1 else float(threshold[best])


def _log_softmax(logits: NDArray[Any]) -> NDArray[Any]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
