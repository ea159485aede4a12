"""Fitting the few numbers that turn a network's raw answers into probabilities that mean what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.model_selection import StratifiedKFold

from mien.expression.calibration import fit_temperature, logistic, softmax

Floats = NDArray[np.floating[Any]]
Index = NDArray[np.int64]

_FOLDS = 5
_PULL = 0.005
"""How strongly the biases are held at 0, so that a label with hardly any faces gets none."""
_RIDGE = 1e-4
"""How strongly a logistic regression is held at 0, so that classes that can be told apart don't run off."""


@dataclass(frozen=True)
class Scaling:
    """How logits become probabilities: softmax(logits / temperature + bias).

    Attributes:
        temperature: above 0.
        bias: one for each label; empty for none.
    """

    temperature: float = 1.0
    bias: tuple[float, ...] = ()

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Return the probabilities, (n, k) like the logits."""
        return softmax(logits, self.temperature, self.bias)


def choose_scaling(logits: Floats, targets: Index, seed: int = 0) -> Scaling:
    """Fit a temperature, and a bias for each label where that helps on faces which did not fit it.

    Args:
        logits: (n, k), of faces that the network was not trained on.
        targets: (n,) the right output of each.
        seed: of the five folds that decide.

    Returns:
        With biases where they lower the negative log-likelihood of the left-out folds. Source of the two:
        Guo et al. (2017), arXiv:1706.04599 (temperature scaling, and vector scaling with one slope for all).
    """
    if not _enough(targets):
        return fit_plain(logits, targets)
    plain, with_bias = (left_out_likelihood(logits, targets, fit, seed) for fit in (fit_plain, fit_with_bias))
    return fit_with_bias(logits, targets) if with_bias < plain else fit_plain(logits, targets)


def fit_plain(logits: Floats, targets: Index) -> Scaling:
    """Fit a temperature alone."""
    return Scaling(fit_temperature(logits, targets))


def fit_with_bias(logits: Floats, targets: Index) -> Scaling:
    """Fit a temperature and a bias for each label together; biases sum to 0, and are held near it."""
    labels = logits.shape[1]
    right = np.eye(labels)[targets]

    def loss(numbers: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, bias = np.exp(-numbers[0]), numbers[1:]
        p = softmax(logits * slope, bias=tuple(bias))
        wrong = (p - right) / len(p)
        surprise = -np.log(p[np.arange(len(p)), targets].clip(min=1e-12)).mean()
        gradient = np.append(-slope * (wrong * logits).sum(), wrong.sum(axis=0) + 2 * _PULL * bias)
        return float(surprise + _PULL * (bias**2).sum()), gradient

    start = np.append(np.log(fit_temperature(logits, targets)), np.zeros(labels))
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    bias = found[1:] - found[1:].mean()
    return Scaling(float(np.exp(found[0])), tuple(float(value) for value in bias))


def left_out_likelihood(
    logits: Floats, targets: Index, fit: Callable[[Floats, Index], Scaling], seed: int = 0
) -> float:
    """Return the negative log-likelihood of each fifth of the faces under what the others fitted."""
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    losses = np.empty(len(targets))
    for others, fold in folds.split(logits, targets):
        scaling = fit(logits[others], targets[others])
        p = scaling.probabilities(logits[fold])
        losses[fold] = -np.log(p[np.arange(len(p)), targets[fold]].clip(min=1e-12))
    return float(losses.mean())


def _enough(targets: Index) -> bool:
    counts = np.bincount(targets)
    return bool(counts[counts > 0].min() >= _FOLDS)


def fit_logistic(
    inputs: Floats, right: NDArray[np.bool_], signs: Sequence[int] | None = None
) -> tuple[float, NDArray[np.float64]]:
    """Fit a logistic regression.

    Args:
        inputs: (n, d).
        right: (n,) what it should give a high probability.
        signs: (d,) 1 where a coefficient may not be negative, -1 where it may not be positive, so that a
            chance of these faces can't turn the meaning of an input round; None leaves all free.

    Returns:
        The intercept and the d coefficients. With one input this is Platt's scaling (Platt 1999).
    """
    columns = np.column_stack([np.ones(len(inputs)), inputs])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = columns @ weights
        surprise = np.logaddexp(0, np.where(right, -score, score)).mean()
        gradient = columns.T @ (logistic(score) - right) / len(columns)
        return float(surprise + _RIDGE * (weights**2).sum()), gradient + 2 * _RIDGE * weights

    free = (-np.inf, np.inf)
    bounds = [free, *({1: (0.0, np.inf), -1: (-np.inf, 0.0)}[sign] for sign in signs)] if signs else None
    found = minimize(loss, np.zeros(columns.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), np.asarray(found[1:], np.float64)
