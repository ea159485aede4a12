from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.stats import multivariate_normal

from mien.mood.baseline import BaselineMeasure
from mien.mood.change.ar1 import REACH_SD, Ar1, design, fit, fit_many, has_weeks, information, ordinals
from mien.mood.simulated import simulate_days

Floats = NDArray[np.float64]


def gappy(rng: np.random.Generator, count: int, span: int) -> NDArray[np.int64]:
    inner = rng.choice(np.arange(2, span), count - 2, replace=False)
    return np.sort(np.concatenate([[1], inner, [span]])).astype(np.int64)


def restricted_likelihood(phi: float, days: NDArray[np.int64], values: Floats, columns: Floats) -> float:
    """By the textbook: the full covariance, profiled over level and spread (Harville 1974)."""
    covariance = phi ** np.abs(days[:, None] - days[None, :]).astype(float)
    inverse = np.linalg.inv(covariance)
    middle = columns.T @ inverse @ columns
    far = values - columns @ np.linalg.solve(middle, columns.T @ inverse @ values)
    spare = len(days) - columns.shape[1]
    variance = far @ inverse @ far / spare
    logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(middle)[1] + spare * np.log(variance)
    return float(-0.5 * logs)


@pytest.mark.parametrize("weekly", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_the_fit_is_the_top_of_the_restricted_likelihood(seed: int, weekly: bool) -> None:
    rng = np.random.default_rng(seed)
    days = gappy(rng, 60, 80)
    values = simulate_days(rng, 1, 80, carry=0.5, noise=0)[:, days - 1]
    values = np.clip(values, -2, 2)  # nothing left to draw in
    columns = design(days, weekly)
    best = minimize_scalar(
        lambda phi: -restricted_likelihood(phi, days, values[0], columns),
        bounds=(0.01, 0.9),
        method="bounded",
    )
    found = fit_many(days, values, columns)
    assert found.phi[0] / (1 + 2 / 60) == pytest.approx(max(best.x, 0.01), abs=0.02)


def test_the_level_and_spread_are_those_of_generalised_least_squares() -> None:
    rng = np.random.default_rng(1)
    days = gappy(rng, 40, 55)
    values = np.clip(3 + 2 * simulate_days(rng, 1, 55, carry=0.5, noise=0)[:, days - 1], 0, 6)
    found = fit_many(days, values, design(days, weekly=False))
    phi = found.phi[0] / (1 + 2 / 40)
    inverse = np.linalg.inv(phi ** np.abs(days[:, None] - days[None, :]).astype(float))
    level = inverse.sum(axis=0) @ values[0] / inverse.sum()
    sd = np.sqrt((values[0] - level) @ inverse @ (values[0] - level) / 39)
    assert found.levels[0, 0] == pytest.approx(level, abs=0.02)
    assert found.sd[0] == pytest.approx(sd, rel=0.02)


@pytest.mark.parametrize("phi", [0.0, 0.4, 0.7])
def test_known_values_are_recovered_with_gaps(phi: float) -> None:
    rng = np.random.default_rng(2)
    days = gappy(rng, 28, 35)
    values = simulate_days(rng, 2000, 35, carry=phi, noise=0)[:, days - 1]
    found = fit_many(days, values, design(days, weekly=False))
    assert found.phi.mean() == pytest.approx(phi, abs=0.03)
    assert found.sd.mean() == pytest.approx(1, abs=0.05)
    assert found.levels.mean() == pytest.approx(0, abs=0.03)


def test_plain_maximum_likelihood_would_be_further_off() -> None:
    rng = np.random.default_rng(3)
    days = gappy(rng, 28, 28)
    values = simulate_days(rng, 300, 28, carry=0.4, noise=0)

    def likelihood(phi: float, row: Floats) -> float:
        covariance = phi ** np.abs(days[:, None] - days[None, :]).astype(float)
        inverse = np.linalg.inv(covariance)
        far = row - inverse.sum(axis=0) @ row / inverse.sum()
        variance = far @ inverse @ far / 28
        return float(multivariate_normal.logpdf(far, cov=variance * covariance))

    grid = np.arange(0.0, 0.9, 0.05)
    plain = [grid[np.argmax([likelihood(float(phi), row) for phi in grid])] for row in values[:60]]
    ours = fit_many(days, values, design(days, weekly=False)).phi
    assert abs(ours.mean() - 0.4) < abs(np.mean(plain) - 0.4)


def test_odd_days_are_drawn_in() -> None:
    rng = np.random.default_rng(4)
    days = np.arange(1, 41, dtype=np.int64)
    values = rng.standard_normal((1, 40))
    odd = values.copy()
    odd[0, 7] = 500.0
    plain, robust = (fit_many(days, each, design(days, weekly=False)) for each in (values, odd))
    assert robust.sd[0] < 1.5 * plain.sd[0]
    assert robust.levels[0, 0] == pytest.approx(plain.levels[0, 0], abs=0.2)


def measure(values: Floats, first: dt.date = dt.date(2026, 1, 5)) -> BaselineMeasure:
    return BaselineMeasure(tuple(first + dt.timedelta(day) for day in range(len(values))), values)


def test_a_weekly_rhythm_is_fitted_from_eight_weeks() -> None:
    rng = np.random.default_rng(5)
    weekend = np.array([0, 0, 0, 0, 0, 3, 3.0])
    short = fit(measure(np.tile(weekend, 4) + rng.normal(0, 0.1, 28)))
    long = fit(measure(np.tile(weekend, 8) + rng.normal(0, 0.1, 56)))
    assert short is not None
    assert long is not None
    assert not short.weekly
    assert len(set(short.levels)) == 1
    assert long.weekly
    np.testing.assert_allclose(long.levels, weekend, atol=0.15)
    assert long.sd < 0.2


def test_weeks_need_days_of_each_weekday() -> None:
    only_workdays = [dt.date(2026, 1, 5) + dt.timedelta(day) for day in range(200) if day % 7 < 5]
    assert not has_weeks(ordinals(only_workdays))


def test_days_that_are_all_alike_have_no_fit() -> None:
    assert fit(measure(np.full(30, 0.5))) is None
    assert fit(measure(np.array([0.0] * 20 + [1.0] * 10))) is None


def test_residuals_are_independent_while_nothing_changes() -> None:
    rng = np.random.default_rng(6)
    days = gappy(rng, 4000, 5000)
    values = simulate_days(rng, 1, 5000, carry=0.5, noise=0)[0, days - 1]
    known = Ar1(levels=(0.0,) * 7, sd=1.0, phi=0.5, days=28, weekly=False)
    dates = [dt.date.fromordinal(int(day) + 700000) for day in days]
    residuals = known.residuals(dates, values)
    assert residuals.std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(residuals[1:], residuals[:-1])[0, 1] == pytest.approx(0, abs=0.04)


def test_a_day_counts_for_no_more_than_its_reach() -> None:
    known = Ar1(levels=tuple(float(day) for day in range(7)), sd=2.0, phi=0.5, days=28, weekly=True)
    monday = dt.date(2026, 1, 5)
    far = known.deviations([monday, monday + dt.timedelta(1)], np.array([1000.0, 2.0]))
    np.testing.assert_allclose(far, [REACH_SD, 0.5])


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_information_is_that_of_the_mean(phi: float) -> None:
    days = gappy(np.random.default_rng(7), 12, 30)
    covariance = phi ** np.abs(days[:, None] - days[None, :]).astype(float)
    assert information(days, phi) == pytest.approx(np.linalg.inv(covariance).sum())
