from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from mien.errors import ConfigError
from mien.mood.baseline import Baseline
from mien.mood.change.charts import Chart, Found, cusum, ewma, scan
from mien.mood.change.limits import EWMA_WEIGHT, Kind
from mien.mood.simulated import simulate_days
from mood.change.people import FIRST, baseline, changed, days

Watch = Callable[..., Chart | None]
BOTH = pytest.mark.parametrize("watch", [cusum, ewma])


def by_hand(kind: Kind, far: NDArray[np.float64]) -> list[float]:
    up, down, mean, found = 0.0, 0.0, 0.0, []
    for each in far:
        up, down = max(0.0, up + each - 0.5), max(0.0, down - each - 0.5)
        mean = (1 - EWMA_WEIGHT) * mean + EWMA_WEIGHT * each
        found.append(mean if kind == "ewma" else (up if up >= down else -down))
    return found


def run(kind: Kind, far: NDArray[np.float64], upper: float) -> tuple[NDArray[np.float64], list[Found]]:
    """A chart over days without gaps, behind a baseline that ended at usual."""
    return scan(kind, np.append(0.0, far), np.arange(len(far) + 1), 0.3, upper)


@pytest.mark.parametrize("kind", ["cusum", "ewma"])
def test_the_statistic_is_the_textbooks_on_every_prefix(kind: Kind) -> None:
    far = np.random.default_rng(0).normal(0.2, 1, 200)
    whole = by_hand(kind, far)
    for count in (0, 1, 2, 50, 200):
        np.testing.assert_allclose(run(kind, far[:count], 99.0)[0], whole[:count], atol=1e-12)


@pytest.mark.parametrize("kind", ["cusum", "ewma"])
def test_a_change_has_its_first_and_its_last_day(kind: Kind) -> None:
    far = np.concatenate([np.zeros(20), np.full(15, -2.0), np.full(60, 0.05)])
    _, (found,) = run(kind, far, 5.0 if kind == "cusum" else 0.7)
    assert found.direction == -1
    assert 20 <= found.at <= 26
    assert (found.since, found.over) == (20, 35)
    assert found.low <= 20 <= found.high
    # A chart's own memory held it for two weeks more; it takes a few days now.
    assert found.told is not None
    assert 37 <= found.told <= 41


def test_a_change_lasts_while_days_are_not_back_at_usual() -> None:
    _, found = run("cusum", np.full(40, 1.5), 5.0)
    assert [(each.since, each.over, each.direction) for each in found] == [(0, None, 1)]


def test_one_odd_day_ends_no_change() -> None:
    far = np.concatenate([np.zeros(20), np.full(30, -2.0)])
    far[40] = 3.0
    _, (found,) = run("ewma", far, 0.7)
    assert found.over is None


def test_a_change_that_comes_back_at_once_is_the_same_change() -> None:
    far = np.concatenate([np.zeros(20), np.full(15, -2.5), np.full(8, 0.0), np.full(30, -2.5)])
    _, (found,) = run("ewma", far, 0.7)
    assert (found.since, found.over) == (20, None)
    later = np.concatenate([np.zeros(20), np.full(15, -2.5), np.full(40, 0.0), np.full(30, -2.5)])
    _, found_later = run("ewma", later, 0.7)
    assert [(each.since, each.over) for each in found_later] == [(20, 35), (75, None)]


def test_a_change_the_other_way_is_another_change() -> None:
    far = np.concatenate([np.zeros(20), np.full(25, -2.5), np.full(25, 2.5)])
    _, found = run("ewma", far, 0.7)
    assert [(each.since, each.over, each.direction) for each in found] == [(20, 45, -1), (45, None, 1)]


def test_days_are_dated_as_in_the_calendar_over_gaps() -> None:
    table = changed(days(150, seed=1), "expressivity", 80, -0.15, last=100)
    chart = ewma(table["expressivity"], baseline(table, 70), false_alarm_days=365)
    assert chart is not None
    (alarm,) = [each for each in chart.alarms if each.direction < 0]
    assert abs((alarm.since - FIRST).days - 80) <= 3
    assert alarm.since_low <= alarm.since <= alarm.since_high
    assert alarm.until is not None
    assert alarm.over is not None
    assert abs((alarm.until - FIRST).days - 100) <= 3
    assert alarm.until < alarm.over <= alarm.over_told  # type: ignore[operator]


@pytest.mark.exhaustive
def test_no_day_alone_is_an_alarm() -> None:
    table = days(seed=3, missing=0)
    odd = FIRST + dt.timedelta(70)
    table.loc[odd, "expressivity"] = -50.0
    for watch in (cusum, ewma):
        chart = watch(table["expressivity"], baseline(table), false_alarm_days=365)
        assert chart is not None
        assert all(alarm.date != odd for alarm in chart.alarms)


@BOTH
@pytest.mark.exhaustive
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
        for each in (usual, Baseline.from_json(usual.to_json()))
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


def noisy(errors_later: float, *, seed: int, told: bool = True) -> Chart:
    """A year whose later figures have larger errors, which the chart is told or not."""
    rng = np.random.default_rng(seed)
    table = days(400, seed=seed)
    later = table.index > FIRST + dt.timedelta(69)
    error = np.where(later, errors_later, 0.02)
    values = table["expressivity"] + np.sqrt(error**2 - 0.02**2) * rng.standard_normal(len(table))
    errors = pd.Series(error, table.index) if told else None
    chart = ewma(values, baseline(table, 70), false_alarm_days=365, errors=errors)
    assert chart is not None
    return chart


@pytest.mark.exhaustive
def test_days_that_are_less_sure_count_for_less() -> None:
    sure, unsure = noisy(0.02, seed=0), noisy(0.1, seed=0)
    told, untold = (
        sum(len(noisy(0.1, seed=seed, told=each).alarms) for seed in range(8)) for each in (True, False)
    )
    assert told < untold
    assert np.abs(unsure.statistic).mean() < 1.3 * np.abs(sure.statistic).mean()


@pytest.mark.exhaustive
def test_later_days_that_scatter_more_than_the_baselines_are_said_to_break_the_promise() -> None:
    assert "scatter" in noisy(0.12, seed=1, told=False).doubt
    assert noisy(0.12, seed=1).doubt == ""


def drawn(seed: int, carry: float, noise: float) -> str:
    """What is said of the promise, of a person whose days are drawn."""
    values = simulate_days(np.random.default_rng(seed), 1, 300, carry=carry, noise=noise)[0]
    index = pd.Index([FIRST + dt.timedelta(day) for day in range(300)], dtype=object)
    table = pd.DataFrame({"usable_minutes": 8.0, "expressivity": values}, index=index)
    chart = ewma(table["expressivity"], baseline(table, 42), false_alarm_days=365)
    assert chart is not None
    return chart.doubt


@pytest.mark.exhaustive
def test_of_moods_that_last_for_weeks_it_is_said_that_nothing_can_be_promised() -> None:
    assert sum("weeks" in drawn(seed, 0.95, 0.3) for seed in range(8)) >= 6
    assert sum("weeks" in drawn(seed, 0.3, 0.0) for seed in range(8)) <= 2


def test_a_change_of_level_is_no_scatter() -> None:
    table = changed(days(150, seed=1), "expressivity", 80, -0.2)
    chart = ewma(table["expressivity"], baseline(table, 70), false_alarm_days=365)
    assert chart is not None
    assert chart.alarms
    assert "scatter" not in chart.doubt
