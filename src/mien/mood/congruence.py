"""Whether expression goes with what should have called it up, and with what the person says of themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from mien.labels import EMOTIONS
from mien.mood.estimate import Estimate
from mien.mood.intervals import LEVEL
from mien.mood.series import Series

Floats = NDArray[np.float64]

LONGEST_LAG_S: Final = 3.0
"""An answer that comes later than this after a prompt isn't taken for one."""
STEP_S: Final = 0.25
"""The grain of lags."""
LEAST_PROMPTS: Final = 3
LEAST_KNOWN_S: Final = 60.0
"""Congruence with prompts needs so many of them, and so much known time."""
LEAST_PAIRS: Final = 10
"""Congruence with self-report needs so many answers with a figure."""
_ALMOST: Final = 0.999
"""Fisher's z of a perfect correlation is infinite; that of this one isn't."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something shown or said that should call up an expression.

    Attributes:
        start_s, end_s: seconds from the part's start.
        valence: what it should call up, -1 to 1; None where it asks for an expression.
        expression: one of `labels.EMOTIONS`; None where it asks for a valence.
    """

    start_s: float
    end_s: float
    valence: float | None = None
    expression: str | None = None


@dataclass(frozen=True, slots=True)
class Congruence:
    """How an expression followed its prompts.

    Attributes:
        correlation: Pearson's, between what was asked and what was shown, at the lag where it is highest.
        lag_s: that lag, 0 to `LONGEST_LAG_S`.
        p: how often the same series gives as high a correlation when it is shifted in a circle, so that it
            has nothing to do with the prompts; the search for the lag is repeated in each shift.
        prompts: how many.
    """

    correlation: float
    lag_s: float
    p: float
    prompts: int


def with_prompts(
    parts: Sequence[Series], prompts: Sequence[Sequence[Prompt]]
) -> dict[str, Congruence | None]:
    """Return how expression followed prompts, for valence and for each expression that was asked for.

    What is asked for is a course of steps: a prompt's valence (or 1, for an expression) while it lasts, 0 in
    between; it is held against valence (or the expression's probability).

    Args:
        parts: the recordings of one day.
        prompts: of each part.

    Returns:
        "valence" or an expression's name -> result; None below the least data, or where nothing moves.
    """
    asked = {prompt.expression or "valence" for each in prompts for prompt in each}
    return {target: _followed(parts, prompts, target) for target in sorted(asked)}


def with_self_report(figure: Sequence[float], report: Sequence[float]) -> Estimate | None:
    """Return the rank correlation of a figure with self-reports about the same time.

    Spearman's; its interval by Fisher's z with the variance (1 + r^2 / 2) / (m - 3) (Bonett & Wright 2000,
    Psychometrika 65, 23-28). Neighbouring answers are alike, so m is how many independent pairs there are:
    with the autocorrelations a and b of both, n / (1 + 2 sum a(k) b(k)) over lags up to n / 5 (Pyper &
    Peterman 1998, Canadian Journal of Fisheries and Aquatic Sciences 55, 2127-2140).

    Args:
        figure: (n,) one for each answer, in order; NaN where there is none.
        report: (n,) the answers.

    Returns:
        None below `LEAST_PAIRS` answers with a figure, or where either is always the same.
    """
    both = np.column_stack([figure, report]).astype(np.float64)
    both = both[~np.isnan(both).any(axis=1)]
    if len(both) < LEAST_PAIRS or (np.ptp(both, axis=0) == 0).any():
        return None
    from scipy.stats import rankdata  # slow to import

    ranks = rankdata(both, axis=0)
    ranks -= ranks.mean(axis=0)
    ranks /= np.linalg.norm(ranks, axis=0)
    value = float(np.clip(ranks[:, 0] @ ranks[:, 1], -1, 1))
    alike = sum(
        float(np.prod((ranks[lag:] * ranks[:-lag]).sum(axis=0))) for lag in range(1, len(both) // 5 + 1)
    )
    independent = len(both) / max(1.0, 1 + 2 * alike)
    error = math.sqrt((1 + value**2 / 2) / max(1.0, independent - 3))
    width = float(ndtri((1 + LEVEL) / 2)) * error
    middle = math.atanh(min(max(value, -_ALMOST), _ALMOST))
    low, high = math.tanh(middle - width), math.tanh(middle + width)
    return Estimate(value, min(value, low), max(value, high), len(both))


def _followed(parts: Sequence[Series], prompts: Sequence[Sequence[Prompt]], target: str) -> Congruence | None:
    wanted = [[each for each in of_part if (each.expression or "valence") == target] for of_part in prompts]
    shown = [_shown(part, target) for part in parts]
    count = sum(map(len, wanted))
    known = sum(int(np.count_nonzero(~np.isnan(each))) for each in shown)
    if count < LEAST_PROMPTS or known * STEP_S < LEAST_KNOWN_S:
        return None
    asked = [_asked(len(course), of_part) for course, of_part in zip(shown, wanted, strict=True)]
    lags = round(LONGEST_LAG_S / STEP_S)
    by_lag = np.stack([_shifted_correlations(shown, asked, lag) for lag in range(lags + 1)])
    if np.isnan(by_lag[:, 0]).all():
        return None
    best = np.nan_to_num(by_lag, nan=-1.0).max(axis=0)
    # What is shifted by less than the longest lag may still follow its prompts.
    null = best[lags + 1 : -lags - 1]
    lag = int(np.nanargmax(by_lag[:, 0]))
    p = (1 + np.count_nonzero(null >= best[0] - 1e-12)) / (1 + len(null))
    return Congruence(float(best[0]), lag * STEP_S, float(p), count)


def _shown(part: Series, target: str) -> Floats:
    """(m,) mean over each step, NaN where the person wasn't seen."""
    if not len(part):
        return np.empty(0)
    values = part.valence if target == "valence" else part.probabilities[:, EMOTIONS.index(target)]
    known = ~np.isnan(values)
    cell = np.floor((part.time_s - part.time_s[0]) / STEP_S + 1e-9).astype(np.int64)
    steps = int(cell[-1]) + 1
    rows = np.bincount(cell[known], minlength=steps)
    totals = np.bincount(cell[known], values[known], minlength=steps)
    return np.where(rows > 0, totals / np.maximum(rows, 1), np.nan)


def _asked(steps: int, prompts: Sequence[Prompt]) -> Floats:
    course = np.zeros(steps)
    middle_s = (np.arange(steps) + 0.5) * STEP_S
    for prompt in prompts:
        level = 1.0 if prompt.valence is None else prompt.valence
        course[(middle_s >= prompt.start_s) & (middle_s < prompt.end_s)] = level
    return course


def _shifted_correlations(shown: Sequence[Floats], asked: Sequence[Floats], lag: int) -> Floats:
    """(n,) correlation for every circular shift of what was shown, place 0 being no shift.

    Sums over the known steps, for all shifts at once by the Fourier transform. The lag itself is laid within
    each part.
    """
    x = np.concatenate(shown)
    y = np.concatenate([np.concatenate([np.zeros(lag), each])[: len(each)] for each in asked])
    known = ~np.isnan(x)
    x, weight, count = np.nan_to_num(x), known.astype(np.float64), np.count_nonzero(known)

    def over_shifts(first: Floats, second: Floats) -> Floats:
        return np.fft.irfft(np.fft.rfft(first) * np.conj(np.fft.rfft(second)), len(first))

    y_sum = over_shifts(weight, y)
    y_squares = over_shifts(weight, y**2) - y_sum**2 / count
    x_squares = (x**2).sum() - x.sum() ** 2 / count
    together = over_shifts(x, y) - x.sum() * y_sum / count
    spread = np.sqrt(np.clip(x_squares * y_squares, 0, None))
    return np.where(spread > 1e-9 * math.sqrt(count), together / np.maximum(spread, 1e-300), np.nan)
