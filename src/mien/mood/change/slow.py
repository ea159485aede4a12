"""How days hang together: which autoregressions their figures allow, and whether a slow mood fits better.

From a few weeks nobody can know how long a person's ups and downs last. So a handful of candidates stands
for what there may be, each weighed by its restricted likelihood (Harville 1974) over the baseline's days. The
limits of the charts are drawn to the mean of what the baseline allows. Nothing can be promised of moods that
carry over for weeks: for them the likelihood of all days so far is asked, with the changes that were told as
the other explanation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Course(NamedTuple):
    """How a person's days may hang together.

    Attributes:
        carry: how much of a day's mood is left on the next.
        share: of the variance of days' figures that is mood; the rest is new each day.
        weight: how much it counts before the days are seen.
    """

    carry: float
    share: float
    weight: float

    def correlation(self, lags: Ints) -> Floats:
        """Return the correlation of days so far apart."""
        return np.where(lags == 0, 1.0, self.share * self.carry ** lags.astype(np.float64))


QUICK: Final = (
    Course(-0.2, 1.0, 0.5),
    Course(0.0, 1.0, 1.0),
    Course(0.2, 1.0, 1.0),
    Course(0.4, 1.0, 1.0),
    Course(0.6, 1.0, 1.0),
    Course(0.8, 1.0, 0.7),
    Course(0.6, 0.6, 2.0),
)
"""Ups and downs of days: limits can be drawn for them."""

SLOW: Final = tuple(
    Course(carry, share, 1.0) for carry, share in ((0.9, 0.5), (0.95, 0.3), (0.95, 0.6), (0.97, 0.5))
)
"""Moods that carry over for weeks: an ordinary low of theirs looks like a change."""

SLOW_BEFORE: Final = 0.2
"""How likely a slow mood is taken to be before any day is seen."""

_SIZE_VARIANCE: Final = 4.0
_MOST_DAYS: Final = 250
_DATE_DAYS: Final = 7.0
"""A beginning or an end is known to about so many days: each costs the odds of finding it among all."""


def weights(days: Ints, values: Floats, columns: Floats) -> Floats:
    """Weigh the quick courses by what days say.

    Args:
        days: (n,) rising whole numbers.
        values: (b, n) of b series, in any unit.
        columns: (n, p) whose coefficients are the levels; see `ar1.design`.

    Returns:
        (b, courses) that sum to 1, in the order of `QUICK`.
    """
    return _shares(np.stack(_likelihoods(QUICK, days, values, columns), axis=1))


def next_day(shares: Floats) -> float:
    """Return the correlation from one day to the next, as the mean of what the baseline allows.

    Fitted to a few weeks alone it is too unsure to date a change by.

    Args:
        shares: (courses,) from `weights`.
    """
    return float(shares @ [each.share * each.carry for each in QUICK])


def slowness(days: Ints, far: Floats, steps: Sequence[tuple[int, int]]) -> float:
    """Return how likely it is that a mood is slow, rather than quick with the changes that were told.

    Args:
        days: (n,) all days so far, the baseline's too; of more than `_MOST_DAYS` the newest.
        far: (n,) their deviations from usual.
        steps: the first place of each change that was told, and that behind its last.

    Returns:
        The probability, with `SLOW_BEFORE` before the days are seen.
    """
    first = max(0, len(days) - _MOST_DAYS)
    places = np.arange(first, len(days))
    inside = [((places >= begin) & (places < end)).astype(np.float64) for begin, end in steps]
    inside = [each for each in inside if 0 < each.sum() < len(each)]
    edges = sum(int(np.abs(np.diff(each)).sum()) for each in inside)
    level, values, when = np.ones((len(places), 1)), far[np.newaxis, first:], days[first:]
    quick = np.array(_likelihoods(QUICK, when, values, level, inside))[:, 0] - edges * np.log(
        len(when) / _DATE_DAYS
    )
    slow = np.array(_likelihoods(SLOW, when, values, level))[:, 0]
    shares = _shares(np.concatenate([quick, slow])[np.newaxis], SLOW_BEFORE)
    return float(shares[0, len(QUICK) :].sum())


def _likelihoods(
    courses: Sequence[Course], days: Ints, values: Floats, columns: Floats, steps: Sequence[Floats] = ()
) -> list[Floats]:
    """The logarithm of the restricted likelihood, profiled over the spread; changes of unknown size added."""
    lags, spare = np.abs(days[:, np.newaxis] - days), len(days) - columns.shape[1]
    stacked, found = np.hstack([columns, values.T]), []
    for course in courses:
        covariance = course.correlation(lags)
        for step in steps:
            covariance = covariance + _SIZE_VARIANCE * np.outer(step, step)
        root = np.linalg.cholesky(covariance)
        white = solve_triangular(root, stacked, lower=True, check_finite=False)
        regressors, rest = white[:, : columns.shape[1]], white[:, columns.shape[1] :]
        information = regressors.T @ regressors
        left = rest - regressors @ np.linalg.solve(information, regressors.T @ rest)
        size = np.log(np.diag(root)).sum() + np.linalg.slogdet(information)[1] / 2
        found.append(-spare / 2 * np.log((left**2).sum(axis=0)) - size)
    return found


def _shares(likelihoods: Floats, slow: float | None = None) -> Floats:
    """(b, courses) posterior probabilities."""
    before = np.array([each.weight for each in QUICK]) / sum(each.weight for each in QUICK)
    if slow is not None:
        before = np.concatenate([(1 - slow) * before, np.full(len(SLOW), slow / len(SLOW))])
    chances = np.exp(likelihoods - likelihoods.max(axis=1, keepdims=True)) * before
    return np.asarray(chances / chances.sum(axis=1, keepdims=True))
