"""PELT by ruptures, for days of unequal weight; imported only where it is used, as ruptures is an extra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ruptures.base import BaseCost  # type: ignore[import-untyped]
from ruptures.detection import Pelt  # type: ignore[import-untyped]

Floats = NDArray[np.float64]


class _Level(BaseCost):  # type: ignore[misc]
    """Sum of squares around one level per stretch: values are the level times their weight, plus noise."""

    model = "weighted level"
    min_size = 1

    def fit(self, signal: Floats) -> _Level:
        """Take (n, 2): values and weights."""
        value, weight = signal.T
        parts = np.column_stack([value**2, value * weight, weight**2])
        self.signal = signal
        self._sums = np.vstack([np.zeros(3), parts.cumsum(axis=0)])
        return self

    def error(self, start: int, end: int) -> float:
        """Return the sum of squares over [start, end)."""
        squares, products, weights = self._sums[end] - self._sums[start]
        return float(squares - products**2 / weights)


def segment(values: Floats, weights: Floats, least: int, penalty: float) -> list[int]:
    """Return the end of each stretch, the last one's too.

    Args:
        values: (n,) independent, with a variance of 1.
        weights: (n,) what a level of 1 adds to each value.
        least: the shortest stretch.
        penalty: what each further stretch costs, in squares.
    """
    finder = Pelt(custom_cost=_Level(), min_size=least, jump=1)
    return [int(end) for end in finder.fit_predict(np.column_stack([values, weights]), penalty)]
