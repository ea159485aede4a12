"""Instability (MSSD), inertia (lag-1 autocorrelation) and the variance that ties them together.

All three come from the same pairs of neighbours (x, y), so that MSSD = 2 variance (1 - autocorrelation)
holds exactly, and not only in long series.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Pairs(NamedTuple):
    """Sums over pairs of neighbours, of one series or of several.

    Attributes:
        number: of pairs.
        total: sum of x + y.
        squares: sum of x^2 + y^2.
        products: sum of x y.
        parts: how many series they come from, each around a mean of its own.
    """

    number: Floats
    total: Floats
    squares: Floats
    products: Floats
    parts: Floats

    @property
    def mssd(self) -> Floats:
        """Mean square of successive differences (von Neumann, Kent, Bellinson & Hart 1941)."""
        return (self.squares - 2 * self.products) / self.number

    @property
    def variance(self) -> Floats:
        """Variance of the pairs' members around their common mean."""
        return self.squares / (2 * self.number) - self._mean**2

    @property
    def autocorrelation(self) -> Floats:
        """Lag-1 autocorrelation as it is: too low in short series; NaN where nothing moves."""
        covariance = self.products / self.number - self._mean**2
        return np.where(self.variance > 1e-12, covariance / self.variance, np.nan)

    @property
    def inertia(self) -> Floats:
        """Lag-1 autocorrelation with its small-sample bias taken out.

        The expectation of the plain one is r - (1 + 3 r) / n to first order (Kendall 1954; Marriott & Pope
        1954, Biometrika 41, 390-404): 1 + r for the mean, which is not known, and 2 r for the ratio. Of k
        series each has its mean, so that it is r - (k (1 + r) + 2 r) / n, which is solved for r.
        """
        left = self.number - self.parts - 2
        corrected = (self.number * self.autocorrelation + self.parts) / np.where(left > 0, left, np.nan)
        return np.clip(corrected, -1, 1)

    @property
    def _mean(self) -> Floats:
        return self.total / (2 * self.number)


def pairs(values: Floats, next_in_time: NDArray[np.bool_]) -> Pairs:
    """Return each value's pair with the next one, as columns to sum.

    Args:
        values: (n,) at even steps, NaN where not known.
        next_in_time: (n - 1,) whether a value's follower is one step later, and not behind a gap.

    Returns:
        Columns (n,): 0 where there is no pair.
    """
    first, second = values, np.append(values[1:], np.nan)
    paired = np.append(next_in_time, False) & ~np.isnan(first) & ~np.isnan(second)
    x, y = np.where(paired, first, 0), np.where(paired, second, 0)
    number = paired.astype(np.float64)
    return Pairs(number, x + y, x**2 + y**2, x * y, number / max(1, paired.sum()))
