"""Figures of agreement, from sums over units: recordings, or blocks of time.

All of them are functions of sums: a table of counts for labels, six sums for numbers. So one unit is one row,
and a sample of the bootstrap is a product of matrices.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS: Final = 4000
"""Samples of the bootstrap."""
_Z95: Final = 1.959963984540054
_LEAST_KNOWN: Final = 0.9
"""A figure that too many samples don't have gets no interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: None where it can't be told, as of a column that never changes.
        low, high: None where there is too little for an interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "not known"
        if self.low is None or self.high is None:
            return f"{self.value:z.2f}"
        return f"{self.value:z.2f} [{self.low:z.2f}, {self.high:z.2f}]"


# --- labels


def kappa(counts: Floats, *, ordered: bool = False) -> Floats:
    """Return Cohen's kappa (1960) of tables of counts; with squared weights (Cohen 1968) where ordered.

    Args:
        counts: (..., k, k) how often the one said the row's label, the other the column's.
        ordered: whether a label is the nearer the smaller the step to it.

    Returns:
        (...) kappa; NaN where both always say the same one label, or nothing.
    """
    steps = np.arange(counts.shape[-1], dtype=np.float64)
    wrong = np.square(steps[:, None] - steps) if ordered else 1 - np.eye(len(steps))
    n = counts.sum(axis=(-2, -1))
    by_chance = counts.sum(axis=-1)[..., :, None] * counts.sum(axis=-2)[..., None, :]
    with np.errstate(divide="ignore", invalid="ignore"):
        kappas: Floats = 1 - (wrong * counts).sum(axis=(-2, -1)) * n / (wrong * by_chance).sum(axis=(-2, -1))
    return np.where(np.isfinite(kappas), kappas, np.nan)


def observed(counts: Floats) -> Floats:
    """Return the share on the diagonal of (..., k, k) tables of counts."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.trace(counts, axis1=-2, axis2=-1) / counts.sum(axis=(-2, -1)))


def count_pairs(a: Ints, b: Ints, unit: Ints, units: int, labels: int) -> Floats:
    """Return (units, k, k) how often each label met each other one."""
    counts = np.zeros((units, labels, labels))
    np.add.at(counts, (unit, a, b), 1)
    return counts


# --- numbers


def icc(targets: Floats, judges: Floats, left: Floats, n: Floats, k: int) -> tuple[Floats, Floats]:
    """Return ICC(2,1) and ICC(3,1) (Shrout & Fleiss 1979) from mean squares.

    Args:
        targets: mean square between targets.
        judges: between judges.
        left: of what is left.
        n: how many targets.
        k: how many judges.

    Returns:
        Absolute agreement, with judges as a sample of all judges; and consistency, where a constant
        difference between judges doesn't count.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        agreement = (targets - left) / (targets + (k - 1) * left + k * (judges - left) / n)
        consistency = (targets - left) / (targets + (k - 1) * left)
    return agreement, consistency


def sums(a: Floats, b: Floats, unit: Ints, units: int) -> Floats:
    """Return (units, 6) the sums of 1, a, b, a², b² and ab that the figures of two columns follow from.

    Args:
        a: (n,) finite, with the mean of both taken away, lest rounding eats what is left of large numbers.
        b: likewise.
        unit: (n,) to which unit each pair belongs.
        units: how many there are.
    """
    columns = (np.ones_like(a), a, b, a * a, b * b, a * b)
    return np.stack([np.bincount(unit, each, units) for each in columns], axis=1)


def of_sums(parts: Floats) -> dict[str, Floats]:
    """Return the figures of two columns of numbers.

    Args:
        parts: (..., 6) of `sums`.

    Returns:
        ICC(2,1), ICC(3,1), Lin's concordance (1989), Pearson's correlation; and of a - b the bias, its
        standard deviation, and the limits of agreement (Bland & Altman 1986).
    """
    n, a, b, aa, bb, ab = np.moveaxis(parts, -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_a, mean_b = a / n, b / n
        va, vb, cov = aa - n * mean_a**2, bb - n * mean_b**2, ab - n * mean_a * mean_b
        spread = va + vb - 2 * cov
        bias, deviation = mean_a - mean_b, np.sqrt(np.maximum(spread, 0) / (n - 1))
        # Sums of squares of two judges: between targets half of that of a + b, what is left half of a - b.
        targets, left, judges = (va + vb + 2 * cov) / 2 / (n - 1), spread / 2 / (n - 1), n * bias**2 / 2
        agreement, consistency = icc(targets, judges, left, n, 2)
        moves = np.minimum(va, vb) > 1e-12 * np.maximum(va, vb)
        concordance = 2 * cov / (va + vb + n * bias**2)
        pearson = cov / np.sqrt(np.maximum(va * vb, 0))
    known = {"icc_2_1": agreement, "icc_3_1": consistency, "concordance": concordance, "pearson": pearson}
    return {name: np.where(moves & (n > 2), values, np.nan) for name, values in known.items()} | {
        "bias": bias,
        "deviation": deviation,
        "low": bias - _Z95 * deviation,
        "high": bias + _Z95 * deviation,
    }


# --- intervals


def weights(units: int, seed: int) -> Floats:
    """Return (rounds, units) how often each unit is in each sample of the bootstrap."""
    shares = np.full(units, 1 / units)
    return np.random.default_rng(seed).multinomial(units, shares, ROUNDS).astype(np.float64)


def estimates(
    parts: Floats, figures: Callable[[Floats], dict[str, Floats]], drawn: Floats | None
) -> dict[str, Estimate]:
    """Return figures of the whole, each with the expanded percentile interval of the bootstrap over units.

    Args:
        parts: (units, ...) what can be summed over units.
        figures: what computes figures by name of (..., of one unit) sums.
        drawn: of `weights`; None gives no intervals.
    """
    whole = {name: float(value) for name, value in figures(parts.sum(axis=0)).items()}
    samples = {} if drawn is None else figures(np.tensordot(drawn, parts, axes=1))
    outside = 0.025 if drawn is None else expanded(drawn.shape[1])
    return {name: _estimate(value, samples.get(name), outside) for name, value in whole.items()}


def expanded(units: int) -> float:
    """Return the share outside either end of a percentile interval, so that 2.5 % of true values are.

    With few units the bootstrap's spread is too small, by the square root of (n - 1) / n, and its tails are
    too thin for an estimated spread: Hesterberg (2015), What teachers should know about the bootstrap. The
    American Statistician 69, 371-386 (the expanded percentile interval).

    Args:
        units: how many there are, 2 or more.
    """
    return float(ndtr(math.sqrt(units / (units - 1)) * stdtrit(units - 1, 0.025)))


def _estimate(value: float, samples: Floats | None, outside: float) -> Estimate:
    if not np.isfinite(value):
        return Estimate(None)
    known = samples[np.isfinite(samples)] if samples is not None else np.zeros(0)
    if samples is None or len(known) < _LEAST_KNOWN * len(samples):
        return Estimate(value)
    low, high = np.quantile(known, [outside, 1 - outside])
    return Estimate(value, float(low), float(high))
