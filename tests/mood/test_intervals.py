from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from mien.mood.intervals import interval, spread_of
from mood.readings import ar1


def test_the_variance_is_the_power_of_the_slowest_waves() -> None:
    """By its definition, one cosine after the other, where no memory shows."""
    count = 600
    values = np.random.default_rng(2).normal(size=count) / count
    at = (np.arange(count) + 0.5) / count
    power = [2 * (values @ np.cos(np.pi * wave * at)) ** 2 for wave in range(1, 17)]
    assert np.mean(power[:4]) < np.mean(power[4:]), "no excess"
    spread = spread_of(values[:, None])
    assert spread.variance[0] == pytest.approx(np.mean(power[:4]))
    assert spread.freedom == 3


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_the_variance_is_that_of_the_mean(rho: float) -> None:
    """Of an AR(1) the mean's variance is (1 + rho) / (1 - rho) / n; the excess adds a little by chance."""
    count = 1800
    columns = np.column_stack([ar1(count, rho, seed) for seed in range(300)]) / count
    spread = spread_of(columns)
    truth = (1 + rho) / (1 - rho) / count
    assert truth <= spread.variance.mean() * 1.05
    assert spread.variance.mean() <= 1.2 * truth
    assert np.median(spread.pieces) == pytest.approx(count * (1 - rho) / (1 + rho), rel=0.2)


@pytest.mark.parametrize("count", [600, 1800])
def test_a_memory_of_a_minute_is_made_up_for(count: int) -> None:
    """exp(-t / 60 s), as of a face that changes its manner every two minutes; (2 tau / n) less the ends."""
    kept = np.exp(-1 / 60)
    columns = np.column_stack([ar1(count, kept, seed) for seed in range(600)])
    found = spread_of(columns / count).variance.mean()
    truth = np.var(columns.mean(axis=0))
    assert found == pytest.approx(truth, rel=0.25)


def test_what_does_not_move_has_no_variance() -> None:
    spread = spread_of(np.zeros((600, 2)))
    assert spread.variance.tolist() == [0, 0]
    assert spread.pieces.tolist() == [600, 600]


def test_a_plain_interval_is_students() -> None:
    low, high = interval(0.1, 0.04, 3, "plain", 600)
    assert (low, high) == pytest.approx(scipy.stats.t(3, 0.1, 0.2).interval(0.9))


@pytest.mark.parametrize(("scale", "value", "low", "high"), [
    ("positive", 0.2, 0, np.inf), ("bounded", 0.98, 0, 1), ("correlation", 0.9, -1, 1),
    ("rate", 0.3, 0, np.inf), ("share", 0.01, 0, 1), ("share", 0.99, 0, 1),
])  # fmt: skip
def test_an_interval_stays_where_figures_can_lie(scale: str, value: float, low: float, high: float) -> None:
    ends = interval(value, 0.0001, 2, scale, 600)  # type: ignore[arg-type]
    assert low <= ends[0] < value < ends[1] <= high
    small = interval(value, 1e-8, 20, scale, 1e9)  # type: ignore[arg-type]
    expected = scipy.stats.t(20, value, 1e-4).interval(0.9)
    assert small == pytest.approx(expected, abs=1e-5), "all are Student's where little is uncertain"


@pytest.mark.parametrize("scale", ["plain", "positive", "bounded", "correlation"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_what_does_not_vary_is_its_own_interval(scale: str, value: float) -> None:
    assert interval(value, 0.0, 3, scale, 600) == (value, value)  # type: ignore[arg-type]


def test_what_was_never_seen_has_the_rule_of_three() -> None:
    """One look in five seconds; e^-3 is about a twentieth."""
    assert interval(0.0, 0.0, 3, "rate", 600) == pytest.approx((0, 3 / 10), rel=0.01)
    assert interval(0.0, 0.0, 3, "share", 600) == pytest.approx((0, 3 / 120), rel=0.02)
    assert interval(1.0, 0.0, 3, "share", 600) == pytest.approx((1 - 3 / 120, 1), rel=0.001)


def test_seldom_events_are_held_as_often_as_promised() -> None:
    """Poisson counts of 2 to 20, with their own variance: the plain interval would miss the low ones."""
    for events in (2, 5, 20):
        counts = np.random.default_rng(events).poisson(events, 4000)
        ends = [interval(float(n), float(n), 1000, "rate", 60) for n in range(counts.max() + 1)]
        held = [ends[n][0] <= events <= ends[n][1] for n in counts]
        assert 0.85 <= np.mean(held) <= 0.96, events


@pytest.mark.parametrize("rho", [0.0, 0.8, 0.95])
def test_nine_of_ten_intervals_hold_the_mean(rho: float) -> None:
    """The whole table: benchmarks/mood_intervals.py."""
    runs, count = 400, 600
    columns = np.column_stack([ar1(count, rho, seed) for seed in range(runs)])
    spread = spread_of(columns / count)
    ends = [
        interval(float(mean), float(variance), spread.freedom, "plain", count)
        for mean, variance in zip(columns.mean(axis=0), spread.variance, strict=True)
    ]
    assert 0.86 <= np.mean([low <= 0 <= high for low, high in ends]) <= 0.96
