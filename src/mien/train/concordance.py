"""How well two series agree: Lin's concordance correlation coefficient (CCC), as a figure and as a loss.

    Lin, L. I.-K. (1989). A concordance correlation coefficient to evaluate reproducibility. Biometrics,
    45(1), 255-268.

    CCC = 2 cov(x, y) / (var(x) + var(y) + (mean(x) - mean(y)) ** 2)

It is 1 only where x equals y; unlike Pearson's correlation it falls where one is shifted or stretched.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.train.backend import load_keras

_TINY = 1e-6


def concordance(answers: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
    """Give the concordance of each column.

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
