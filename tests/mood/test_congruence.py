from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from mien.mood.congruence import LEAST_PAIRS, Prompt, with_prompts, with_self_report
from mien.mood.series import Series
from mood.readings import ar1, readings

TIME_S = np.arange(0, 300, 0.1)
STARTS_S = (12.0, 47.0, 70.0, 121.0, 155.0, 213.0, 260.0)


def prompts(**asks: object) -> list[Prompt]:
    return [Prompt(start_s, start_s + 9, **asks) for start_s in STARTS_S]  # type: ignore[arg-type]


def answered(delay_s: float, seed: int = 0, size: float = 0.6) -> np.ndarray:
    shown = sum(((s + delay_s <= TIME_S) & (s + 9 + delay_s > TIME_S)).astype(float) for s in STARTS_S)
    return np.asarray(size * shown + ar1(len(TIME_S), 0.95, seed, 0.1))


@pytest.mark.parametrize("delay_s", [0.0, 1.0, 2.5])
def test_an_answer_is_found_at_its_lag(delay_s: float) -> None:
    series = readings(TIME_S, valence=answered(delay_s))
    found = with_prompts([series], [prompts(valence=0.8)])["valence"]
    assert found is not None
    assert found.lag_s == pytest.approx(delay_s, abs=0.25)
    assert found.correlation > 0.9
    assert found.p < 0.01
    assert found.prompts == 7


def test_the_correlation_is_pearsons() -> None:
    """At lag 0 with a grain of a quarter second, by hand."""
    time_s = np.arange(0, 300, 0.25)
    valence = ar1(len(time_s), 0.9, 3)
    asked = np.zeros(len(time_s))
    for start_s in STARTS_S:
        asked[(time_s >= start_s) & (time_s < start_s + 9)] = 0.8
    by_lag = [
        np.corrcoef(np.concatenate([np.zeros(lag), asked[: len(asked) - lag]]), valence)[0, 1]
        for lag in range(13)
    ]
    found = with_prompts([readings(time_s, valence=valence)], [prompts(valence=0.8)])["valence"]
    assert found is not None
    assert found.correlation == pytest.approx(max(by_lag))
    assert found.lag_s == np.argmax(by_lag) / 4


@pytest.mark.exhaustive
def test_without_a_relation_p_is_seldom_low() -> None:
    """As often below 0.1 as it says, though the lag is searched and the series depends on its past."""
    low = 0
    for seed in range(200):
        series = readings(TIME_S[::2], valence=ar1(len(TIME_S) // 2, 0.97, seed))
        found = with_prompts([series], [prompts(valence=0.8)])["valence"]
        assert found is not None
        low += found.p <= 0.1
    assert 0.04 <= low / 200 <= 0.17


def test_each_expression_asked_for_is_told_by_itself() -> None:
    happiness = np.clip(answered(0.5), 0, 1)
    series = readings(TIME_S, happiness=happiness)
    asked = [*prompts(expression="happiness"), Prompt(200, 205, expression="sadness")]
    found = with_prompts([series], [asked])
    assert list(found) == ["happiness", "sadness"]
    assert found["happiness"] is not None
    assert found["happiness"].p < 0.01
    assert found["sadness"] is None, "one prompt is too few"


def test_parts_and_frames_without_the_person() -> None:
    seen = np.random.default_rng(0).random(len(TIME_S)) > 0.3
    part = readings(TIME_S, valence=answered(1.0), seen=seen)
    found = with_prompts([part, Series.empty(), part], [prompts(valence=0.8), [], prompts(valence=0.8)])[
        "valence"
    ]
    assert found is not None
    assert (found.lag_s, found.prompts) == (1.0, 14)


def test_a_face_that_does_not_move_and_short_recordings_have_none() -> None:
    still = readings(TIME_S, valence=np.zeros(len(TIME_S)))
    assert with_prompts([still], [prompts(valence=0.8)]) == {"valence": None}
    assert with_prompts([still[:300]], [prompts(valence=0.8)]) == {"valence": None}
    assert with_prompts([still], [[]]) == {}


def test_self_report_is_spearmans_over_days_with_both() -> None:
    rng = np.random.default_rng(0)
    figure = rng.normal(size=40)
    report = np.round(3 * figure + rng.normal(size=40))
    figure[3], report[[7, 8]] = np.nan, np.nan
    both = ~np.isnan(figure) & ~np.isnan(report)
    found = with_self_report(figure.tolist(), report.tolist())
    assert found is not None
    assert found.value == pytest.approx(scipy.stats.spearmanr(figure[both], report[both]).statistic)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high <= 1
    assert found.n == 37
    assert with_self_report(figure.tolist(), report.tolist()) == found


def test_too_few_days_or_the_same_every_day_have_none() -> None:
    days = list(range(LEAST_PAIRS))
    assert with_self_report(days[:-1], days[:-1]) is None
    assert with_self_report(days, [5.0] * LEAST_PAIRS) is None
    rising = with_self_report(days, days)
    assert rising is not None
    assert rising.value == pytest.approx(1)


@pytest.mark.parametrize("count", [10, 40])
@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_nine_of_ten_intervals_hold_the_rank_correlation(count: int, rho: float) -> None:
    """Of normal pairs it is 6 / pi asin(r / 2); both carry over from answer to answer."""
    runs, r = 300, 0.6
    held = []
    for run in range(runs):
        first, second = ar1(count, rho, 2 * run), ar1(count, rho, 2 * run + 1)
        found = with_self_report(first.tolist(), (r * first + np.sqrt(1 - r**2) * second).tolist())
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held.append(found.low <= 6 / np.pi * np.arcsin(r / 2) <= found.high)
    assert 0.85 <= np.mean(held) <= 0.97
