"""The figures of a day's body: what minutes they take, what they are, and how sure."""

from __future__ import annotations

import numpy as np
import pytest

from mien.mood.body import body_arousal, of_body, resting_heart_rate
from mien.mood.simulated_body import RATE, RATE_BY_MOOD, body, resting_rate
from mien.signals.arousal import arousal
from mien.signals.types import Figure


def minutes(
    values: np.ndarray, measure: str = "heart_rate", signal: str = "ECG", quality: float = 0.9
) -> list[Figure]:
    """Return figures of minutes that begin every ten seconds."""
    return [
        Figure(10.0 * n, 10.0 * n + 60, signal, measure, "", float(value), quality)
        for n, value in enumerate(values)
    ]


def skin(values: np.ndarray) -> list[Figure]:
    slope = np.gradient(values)
    return [
        *minutes(values, "skin_level", "EDA"), *minutes(slope, "skin_slope", "EDA"),
        *minutes(np.full(len(values), 0.2), "skin_response_sum", "EDA"),
    ]  # fmt: skip


def test_the_rate_at_rest_is_that_of_the_calmest_tenth() -> None:
    rates = np.random.default_rng(1).permutation(np.linspace(60, 100, 101))
    found = resting_heart_rate([minutes(rates)])
    assert found is not None
    assert found.value == pytest.approx(64)
    assert found.low is not None
    assert found.high is not None
    assert 60 <= found.low < found.value < found.high < 80


def test_five_minutes_are_needed_and_less_than_seven_have_no_interval() -> None:
    assert resting_heart_rate([]) is None
    assert resting_heart_rate([[]]) is None
    assert resting_heart_rate([minutes(np.full(24, 60.0))]) is None  # they reach to 290 s
    found = resting_heart_rate([minutes(np.full(25, 60.0))])
    assert found is not None
    assert (found.value, found.low, found.high) == (60, None, None)
    # Two short recordings of a day count together.
    assert resting_heart_rate([minutes(np.full(13, 60.0)), minutes(np.full(13, 60.0))]) is not None


def test_what_is_not_trusted_does_not_count() -> None:
    good = minutes(np.full(60, 70.0))
    bad = minutes(np.full(60, 40.0), quality=0.3)
    nothing = [Figure(each.start_s, each.end_s, "ECG", "heart_rate", "", None, 0.9) for each in good]
    for found in (resting_heart_rate([[*good, *bad, *nothing]]),):
        assert found is not None
        assert found.value == 70
    assert resting_heart_rate([bad]) is None
    assert resting_heart_rate([nothing]) is None


def test_of_several_sensors_the_one_that_is_trusted_most_tells() -> None:
    strap, face = minutes(np.full(60, 62.0)), minutes(np.full(20, 90.0), signal="face", quality=0.6)
    found = resting_heart_rate([[*face, *strap]])
    assert found is not None
    assert found.value == 62


def test_the_intervals_hold_what_they_promise() -> None:
    """Days of a heart that wanders slowly; the true figure is that of the whole process."""
    random = np.random.default_rng(7)
    held = known = 0
    truth = 70 - 1.2816 * 4
    for _ in range(300):
        steps = random.normal(size=184)
        for n in range(1, len(steps)):
            steps[n] = 0.8 * steps[n - 1] + 0.6 * steps[n]
        found = resting_heart_rate([minutes(70 + 4 * steps[4:])])
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        known += 1
        held += found.low <= truth <= found.high
    assert 0.82 <= held / known <= 0.98


def test_arousal_is_that_of_what_comes_after_the_rest() -> None:
    random = np.random.default_rng(2)
    rate = 65 + random.normal(0, 1, 120)
    level = 2 + 0.05 * random.normal(0, 1, 120)
    calm = body_arousal([[*minutes(rate), *skin(level)]])
    rate[30:] += 12
    level[30:] += 1.5
    moved = body_arousal([[*minutes(rate), *skin(level)]])
    assert calm is not None
    assert moved is not None
    assert calm.value < 0.5 < moved.value < 1
    assert moved.low is not None
    assert moved.high is not None
    assert 0 < moved.low < moved.value < moved.high < 1
    # The same as the index itself says of these windows against that rest.
    windows = [
        {"heart_rate": r, "skin_level": s, "skin_slope": d, "skin_response_sum": 0.2}
        for r, s, d in zip(rate, level, np.gradient(level), strict=True)
    ]
    told = arousal(windows, [n <= 24 for n in range(120)])
    expected = np.mean([each.value for each in told[30:] if each is not None])
    assert moved.value == pytest.approx(float(expected))


def test_without_heart_skin_or_rest_there_is_no_arousal() -> None:
    rate, level = np.full(120, 65.0), np.full(120, 2.0)
    assert body_arousal([minutes(rate)]) is None
    assert body_arousal([skin(level)]) is None
    assert body_arousal([[*minutes(rate[:40]), *skin(level[:40])]]) is None  # 7.5 minutes
    gone = [each for each in minutes(rate) if not 60 <= each.start_s < 240]
    assert body_arousal([[*gone, *skin(level)]]) is None  # most of the rest is not known
    assert of_body([[]]) == {"resting_heart_rate": None, "body_arousal": None}


def test_a_simulated_body_moves_with_the_mood() -> None:
    random = np.random.default_rng(3)
    felt = np.linspace(-2, 2, 15)
    rates, moved = [], []
    for each in felt:
        found = of_body([body(random, float(each), 1200.0)])
        assert found["resting_heart_rate"] is not None
        assert found["body_arousal"] is not None
        rates.append(found["resting_heart_rate"].value)
        moved.append(found["body_arousal"].value)
    assert resting_rate(np.zeros(1))[0] == RATE
    slope = np.polyfit(felt, rates, 1)[0]
    assert slope == pytest.approx(RATE_BY_MOOD, abs=0.8)
    assert np.corrcoef(felt, moved)[0, 1] < -0.3
    assert body(random, 0.0, 30.0) == []
