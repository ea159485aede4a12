from __future__ import annotations

import numpy as np
import pytest

from mien.mood.change.ar1 import Ar1
from mien.mood.change.limits import CUSUM_SLACK, EWMA_WEIGHT, Kind, Plan, advance, limit

DAYS = tuple(range(1, 29))


def plan(kind: Kind = "ewma", **changes: object) -> Plan:
    given = {"days": DAYS, "weekly": False, "phi": 0.4, "false_alarm_days": 365.0} | changes
    return Plan(kind=kind, **given)  # type: ignore[arg-type]


def siegmund(height: float) -> float:
    """Days to an alarm of a CUSUM with two sides (Siegmund 1985), for independent days and a known usual."""
    b = height + 1.166
    one = (np.exp(2 * CUSUM_SLACK * b) - 2 * CUSUM_SLACK * b - 1) / (2 * CUSUM_SLACK**2)
    return float(one / 2)


def test_with_a_long_baseline_it_is_the_textbooks() -> None:
    assert siegmund(limit(plan("cusum", days=tuple(range(1, 1001)), phi=0.0))) == pytest.approx(365, rel=0.2)
    # Lucas & Saccucci 1990: a weight of 0.1 and 2.7 standard deviations give about 500 days.
    ewma = limit(plan("ewma", days=tuple(range(1, 1001)), phi=0.0, false_alarm_days=500.0))
    assert ewma / np.sqrt(EWMA_WEIGHT / (2 - EWMA_WEIGHT)) == pytest.approx(2.814, abs=0.15)


@pytest.mark.parametrize("kind", ["cusum", "ewma"])
def test_a_shorter_baseline_needs_a_wider_limit(kind: Kind) -> None:
    long, short = (limit(plan(kind, days=tuple(range(1, count)))) for count in (200, 29))
    assert short > 1.1 * long


def test_rarer_false_alarms_need_a_wider_limit() -> None:
    heights = [limit(plan(false_alarm_days=days)) for days in (30.0, 90.0, 365.0, 1095.0, 3650.0)]
    assert heights == sorted(heights)


def test_surety_for_most_people_costs_more_than_what_is_to_be_expected() -> None:
    assert limit(plan(sure=0.9)) > limit(plan())


def test_the_same_plan_has_the_same_limit() -> None:
    first = limit(plan(phi=0.3))
    limit.cache_clear()
    assert limit(plan(phi=0.3)) == first


def test_a_plan_is_the_same_for_the_same_days_in_another_year() -> None:
    fit = Ar1(levels=(0.0,) * 7, sd=1.0, phi=0.43, days=28, weekly=False)
    days = np.array([*range(1, 20), *range(30, 39)], np.int64)
    assert Plan.of("ewma", fit, days + 7000, 365) == Plan.of("ewma", fit, days + 7003, 365)


def test_a_plan_with_a_weekly_rhythm_keeps_the_weekday() -> None:
    fit = Ar1(levels=(0.0,) * 7, sd=1.0, phi=0.43, days=56, weekly=True)
    days = np.arange(700001, 700061, dtype=np.int64)
    made = Plan.of("ewma", fit, days, 365)
    assert (made.days[0] - 1) % 7 == (700001 - 1) % 7
    assert made.days[0] <= 7


def test_charts_advance_by_their_formulas() -> None:
    up, down, error = np.array([1.0]), np.array([2.0]), np.array([0.7])
    np.testing.assert_allclose(advance("cusum", up, down, error), ([1.2], [0.8]))
    np.testing.assert_allclose(advance("ewma", up, down, error), ([0.97], [-0.97]))
