from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import multivariate_normal

from mien.mood.change.steps import SURE, Whitened, ending, onset

Floats = NDArray[np.float64]
PHI = 0.4


def gappy(seed: int, count: int) -> tuple[NDArray[np.int64], Floats]:
    """Days with gaps, and deviations of an autoregression; the first is the baseline's last."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.choice(np.arange(1, 2 * count), count, replace=False)).astype(np.int64)
    covariance = PHI ** np.abs(days[:, None] - days[None, :]).astype(float)
    return days, np.linalg.cholesky(covariance) @ rng.standard_normal(count)


def best_fit(days: NDArray[np.int64], far: Floats, step: Floats, direction: int = 0) -> float:
    """By the textbook: the log-likelihood of a step of the best size, with the full covariance."""
    covariance = PHI ** np.abs(days[:, None] - days[None, :]).astype(float)
    inverse = np.linalg.inv(covariance)
    size = (step @ inverse @ far) / (step @ inverse @ step)
    if direction and direction * size < 0:
        size = 0.0
    return float(multivariate_normal.logpdf(far - size * step, cov=covariance))


def information(days: NDArray[np.int64], step: Floats) -> float:
    covariance = PHI ** np.abs(days[:, None] - days[None, :]).astype(float)
    return float(step @ np.linalg.solve(covariance, step))


@pytest.mark.parametrize("seed", range(8))
def test_the_date_is_that_of_the_greatest_likelihood(seed: int) -> None:
    days, far = gappy(seed, 40)
    far[20:] -= 1.5
    found = onset(Whitened.of(far, days, PHI), 0, 39, -1)
    steps = [(np.arange(40) > place).astype(float) for place in range(39)]
    by_hand = [best_fit(days, far, each, -1) - np.log(information(days, each)) for each in steps]
    assert found.place == int(np.argmax(by_hand))


@pytest.mark.parametrize("seed", range(8))
def test_the_end_is_that_of_the_greatest_likelihood_and_so_is_its_gain(seed: int) -> None:
    days, far = gappy(seed, 40)
    far[10:30] -= 2.0
    places = np.arange(40)

    def step(end: int) -> Floats:
        return ((places > 9) & (places <= end)).astype(float)

    found = ending(Whitened.of(far, days, PHI), 9, 39, -1)
    assert found is not None
    ends = range(10, 37)
    by_hand = [best_fit(days, far, step(end), -1) for end in ends]
    assert found[0] == ends[int(np.argmax(by_hand))]
    assert found[1] == pytest.approx(max(by_hand) - best_fit(days, far, step(40), -1))


def test_too_few_days_end_no_change() -> None:
    days, far = gappy(0, 12)
    assert ending(Whitened.of(far, days, PHI), 8, 11, -1) is None


def test_the_interval_holds_the_date_as_often_as_it_says() -> None:
    held = []
    for seed in range(400):
        days, far = gappy(seed, 60)
        true = 15 + seed % 25
        far[true + 1 :] += 1.5
        found = onset(Whitened.of(far, days, PHI), 0, 59, 1)
        assert found.low <= found.place <= found.high
        held.append(found.low <= true <= found.high)
    assert SURE - 0.05 <= np.mean(held) <= 0.99


def test_without_days_on_the_side_of_the_alarm_nothing_is_known() -> None:
    white = Whitened.of(np.array([0.0, 1.0, 1.0, 1.0]), np.arange(4), 0.0)
    assert onset(white, 0, 3, -1) == (0, 0, 2)
