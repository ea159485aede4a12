from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.errors import ConfigError
from mien.mood.change.charts import Chart, cusum, ewma, scan
from mien.mood.change.limits import EWMA_WEIGHT, Kind
from mien.mood.usual import Usual
from mood.change.people import FIRST, baseline, changed, days

Watch = Callable[..., Chart | None]
BOTH = pytest.mark.parametrize("watch", [cusum, ewma])


def by_hand(kind: Kind, residuals: NDArray[np.float64], cap: float) -> list[float]:
    up, down, mean, found = 0.0, 0.0, 0.0, []
    for each in residuals:
        up, down = min(cap, max(0.0, up + each - 0.5)), min(cap, max(0.0, down - each - 0.5))
        mean = (1 - EWMA_WEIGHT) * mean + EWMA_WEIGHT * each
        found.append(mean if kind == "ewma" else (up if up >= down else -down))
    return found


@pytest.mark.parametrize("kind", ["cusum", "ewma"])
def test_the_statistic_is_the_textbooks_on_every_prefix(kind: Kind) -> None:
    residuals = np.random.default_rng(0).normal(0.2, 1, 200)
    whole = by_hand(kind, residuals, 4.0)
    for count in (0, 1, 2, 50, 200):
        np.testing.assert_allclose(scan(kind, residuals[:count], 4.0)[0], whole[:count], atol=1e-12)


@pytest.mark.parametrize("kind", ["cusum", "ewma"])
def test_an_alarm_says_since_when_and_until_when(kind: Kind) -> None:
    residuals = np.concatenate([np.zeros(20), np.full(15, -2.0), np.full(60, 0.05)])
    _, found = scan(kind, residuals, 5.0 if kind == "cusum" else 0.7)
    assert len(found) == 1
    alarm = found[0]
    assert alarm.direction == -1
    assert 20 <= alarm.at <= 26
    assert alarm.since in (0, 19, 20)
    assert alarm.until is not None
    assert 34 <= alarm.until <= 48


def test_an_alarm_lasts_while_the_chart_is_not_back_at_usual() -> None:
    _, found = scan("cusum", np.full(40, 1.5), 5.0)
    assert [(each.since, each.until, each.direction) for each in found] == [(0, None, 1)]


def test_no_day_alone_is_an_alarm() -> None:
    table = days(seed=3, missing=0)
    odd = FIRST + dt.timedelta(70)
    table.loc[odd, "expressivity"] = -50.0
    for watch in (cusum, ewma):
        chart = watch(table["expressivity"], baseline(table), false_alarm_days=365)
        assert chart is not None
        assert all(alarm.date != odd for alarm in chart.alarms)


@BOTH
def test_flatness_of_two_deviations_is_told_within_three_weeks(watch: Watch) -> None:
    late = 0
    for seed in range(4):
        table = changed(days(150, seed=seed), "expressivity", 80, -0.1)
        chart = watch(table["expressivity"], baseline(table, 70), false_alarm_days=365)
        assert chart is not None
        assert chart.upper == -chart.lower
        down = [alarm for alarm in chart.alarms if alarm.direction < 0 and alarm.until is None]
        assert len(down) == 1
        late += down[0].date > FIRST + dt.timedelta(101)
    assert late <= 1


@BOTH
def test_a_chart_starts_behind_the_baseline(watch: Watch) -> None:
    table = days()
    chart = watch(table["expressivity"], baseline(table), false_alarm_days=365)
    assert chart is not None
    assert chart.dates == tuple(table.index[table.index > FIRST + dt.timedelta(48)])
    assert len(chart.statistic) == len(chart.dates)


@BOTH
def test_a_kept_baseline_gives_the_same_chart(watch: Watch) -> None:
    table = days()
    usual = baseline(table)
    first, second = (
        watch(table["expressivity"], each, false_alarm_days=200)
        for each in (usual, Usual.from_json(usual.to_json()))
    )
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.statistic, second.statistic)
    assert first.upper == second.upper


@BOTH
def test_without_days_behind_the_baseline_it_is_empty(watch: Watch) -> None:
    table = days(49, missing=0)
    chart = watch(table["expressivity"], baseline(table), false_alarm_days=365)
    assert chart is not None
    assert chart.dates == ()
    assert chart.alarms == ()


@BOTH
def test_what_can_carry_no_alarm_has_no_chart(watch: Watch) -> None:
    table = days()
    few = baseline(table, 20)
    assert watch(table["expressivity"], few, false_alarm_days=365) is None
    alike = table.assign(expressivity=0.0)
    assert watch(alike["expressivity"], baseline(alike), false_alarm_days=365) is None
    assert watch(table["expressivity"].rename("unheard_of"), baseline(table), false_alarm_days=365) is None


@BOTH
@pytest.mark.parametrize("interval", [0.0, -1.0, 29.0, float("nan")])
def test_an_interval_has_to_be_a_month_or_more(watch: Watch, interval: float) -> None:
    table = days()
    with pytest.raises(ConfigError, match="at least 30 days"):
        watch(table["expressivity"], baseline(table), false_alarm_days=interval)
