from __future__ import annotations

import numpy as np
import pytest

from mien.mood.change.limits import CUSUM_SLACK, EWMA_WEIGHT, Kind, Plan, advance, limit, limits
from mien.mood.change.slow import QUICK

DAYS = tuple(range(1, 29))
INDEPENDENT = next(place for place, each in enumerate(QUICK) if each.carry == 0)
KNOWN = np.eye(len(QUICK))


def plan(kind: Kind = "ewma", days: tuple[int, ...] = DAYS) -> Plan:
    return Plan(kind, days, weekly=False)


def siegmund(height: float) -> float:
    """Days to an alarm of a CUSUM with two sides (Siegmund 1985), for independent days and a known usual."""
    b = height + 1.166
    one = (np.exp(2 * CUSUM_SLACK * b) - 2 * CUSUM_SLACK * b - 1) / (2 * CUSUM_SLACK**2)
    return float(one / 2)


@pytest.mark.exhaustive
def test_with_a_long_baseline_it_is_near_the_textbooks() -> None:
    # A little wider: 500 days leave a little open, and a change that is told takes days from the next.
    long = tuple(range(1, 501))
    height = limit(plan("cusum", long), KNOWN[INDEPENDENT], 365.0)
    assert siegmund(height) == pytest.approx(365, rel=0.35)
    # Lucas & Saccucci 1990: a weight of 0.1 and 2.814 standard deviations give about 500 days.
    ewma = limit(plan("ewma", long), KNOWN[INDEPENDENT], 500.0)
    assert ewma / np.sqrt(EWMA_WEIGHT / (2 - EWMA_WEIGHT)) == pytest.approx(2.814, abs=0.25)


@pytest.mark.parametrize("kind", ["cusum", "ewma"])
@pytest.mark.exhaustive
def test_a_shorter_baseline_needs_a_wider_limit(kind: Kind) -> None:
    shares = np.full(len(QUICK), 1 / len(QUICK))
    long, short = (limit(plan(kind, tuple(range(1, count))), shares, 365.0) for count in (200, 29))
    assert short > long


def test_rarer_false_alarms_need_a_wider_limit() -> None:
    shares = np.full(len(QUICK), 1 / len(QUICK))
    heights = [limit(plan(), shares, days) for days in (30.0, 90.0, 365.0, 1095.0)]
    assert heights == sorted(heights)


def test_days_that_hang_together_need_a_wider_limit() -> None:
    found = limits(plan(days=tuple(range(1, 61))), 365.0)
    plain = [height for height, course in zip(found, QUICK, strict=True) if course.share == 1]
    assert plain == sorted(plain)


def test_a_limit_is_the_mean_of_what_the_baseline_allows() -> None:
    shares = np.linspace(0, 1, len(QUICK)) / np.linspace(0, 1, len(QUICK)).sum()
    assert limit(plan(), shares, 365.0) == pytest.approx(float(shares @ limits(plan(), 365.0)))


def test_the_same_plan_has_the_same_limits() -> None:
    first = limits(plan(), 365.0)
    limits.cache_clear()
    np.testing.assert_array_equal(limits(plan(), 365.0), first)


def test_a_plan_is_the_same_for_the_same_days_in_another_year() -> None:
    days = np.array([*range(1, 20), *range(30, 39)], np.int64)
    assert Plan.of("ewma", days + 7000, weekly=False) == Plan.of("ewma", days + 7003, weekly=False)


def test_a_plan_with_a_weekly_rhythm_keeps_the_weekday() -> None:
    days = np.arange(700001, 700061, dtype=np.int64)
    made = Plan.of("ewma", days, weekly=True)
    assert (made.days[0] - 1) % 7 == (700001 - 1) % 7
    assert made.days[0] <= 7


def test_charts_advance_by_their_formulas() -> None:
    up, down, error = np.array([1.0]), np.array([2.0]), np.array([0.7])
    np.testing.assert_allclose(advance("cusum", up, down, error), ([1.2], [0.8]))
    np.testing.assert_allclose(advance("ewma", up, down, error), ([0.97], [-0.97]))
