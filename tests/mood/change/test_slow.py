from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from mien.mood.change.ar1 import design
from mien.mood.change.slow import QUICK, Course, next_day, slowness, weights
from mien.mood.simulated import simulate_days

Floats = NDArray[np.float64]


def restricted(course: Course, days: NDArray[np.int64], values: Floats) -> float:
    """Likelihood of what is orthogonal to the mean, with its spread profiled."""
    count = len(days)
    covariance = course.correlation(np.abs(days[:, None] - days[None, :]))
    contrasts = np.linalg.svd(np.ones((1, count)))[2][1:]
    seen, inner = contrasts @ values, contrasts @ covariance @ contrasts.T
    variance = seen @ np.linalg.solve(inner, seen) / (count - 1)
    return float(multivariate_normal.logpdf(seen, cov=variance * inner))


def test_courses_are_weighed_by_the_restricted_likelihood() -> None:
    rng = np.random.default_rng(0)
    days = np.sort(rng.choice(np.arange(1, 60), 40, replace=False)).astype(np.int64)
    values = simulate_days(rng, 2, 60, carry=0.5, noise=0)[:, days - 1]
    found = weights(days, 7 + 3 * values, design(days, weekly=False))
    for row, person in zip(found, values, strict=True):
        logs = np.array([restricted(course, days, person) for course in QUICK])
        chances = np.exp(logs - logs.max()) * [course.weight for course in QUICK]
        np.testing.assert_allclose(row, chances / chances.sum(), rtol=1e-6)


@pytest.mark.parametrize("phi", [0.0, 0.4])
@pytest.mark.exhaustive
def test_many_days_show_how_they_hang_together(phi: float) -> None:
    days = np.arange(1, 301, dtype=np.int64)
    values = simulate_days(np.random.default_rng(1), 40, 300, carry=phi, noise=0)
    found = [next_day(row) for row in weights(days, values, design(days, weekly=False))]
    assert np.mean(found) == pytest.approx(phi, abs=0.05)


@pytest.mark.exhaustive
def test_a_change_that_was_told_is_no_slow_mood() -> None:
    rng = np.random.default_rng(2)
    days = np.arange(1, 201, dtype=np.int64)
    told, untold = [], []
    for _ in range(10):
        far = simulate_days(rng, 1, 200, carry=0.3, noise=0)[0]
        far[120:] -= 2.0
        told.append(slowness(days, far, [(120, 200)]))
        untold.append(slowness(days, far, []))
    assert np.median(told) < 0.2 < np.median(untold)


@pytest.mark.exhaustive
def test_a_slow_mood_shows() -> None:
    days = np.arange(1, 251, dtype=np.int64)
    far = simulate_days(np.random.default_rng(3), 10, 250, carry=0.95, noise=0.3)
    assert np.median([slowness(days, each, []) for each in far]) > 0.9
