"""The arousal index, and the agreement of two courses."""

from __future__ import annotations

import numpy as np
import pytest

from mien.signals.agreement import agreement
from mien.signals.arousal import PARTS, REST_S, arousal, parts_of, since_opening
from mien.signals.types import Figure


def window(shift: float, seed: int) -> dict[str, float | None]:
    random = np.random.default_rng(seed)
    middle, spread = np.array([70, 2, 0, 1, 32.0]), np.array([2, 0.1, 0.05, 0.2, 0.1])
    return dict(zip(PARTS, (middle + spread * (shift + random.normal(size=5))).tolist(), strict=True))


def test_arousal_against_the_persons_own_rest() -> None:
    rest = [window(0, seed) for seed in range(20)]
    told = arousal([*rest, window(4, 99)], [True] * 20 + [False])
    assert all(each is not None for each in told)
    calm = [each.value for each in told[:-1] if each]
    assert told[-1] is not None
    assert told[-1].value > max(calm)
    assert told[-1].low < told[-1].value < told[-1].high
    assert set(told[-1].parts) == set(PARTS)


def test_arousal_needs_heart_skin_and_enough_rest() -> None:
    windows = [window(0, seed) for seed in range(10)]
    assert arousal(windows, [True] * 4 + [False] * 6) == (None,) * 10
    windows[3] = windows[3] | {"heart_rate": None}
    assert [each is None for each in arousal(windows)] == [False] * 3 + [True] + [False] * 6
    assert arousal([]) == ()


def test_a_missing_part_widens_the_interval() -> None:
    windows = [window(0, seed) for seed in range(10)]
    full = arousal(windows)[0]
    windows[0] = windows[0] | {"skin_temperature": None}
    less = arousal(windows)[0]
    assert full is not None
    assert less is not None
    assert less.parts["skin_temperature"] is None
    assert less.high - less.low > full.high - full.low


def test_of_several_signals_the_better_one_counts() -> None:
    figures = [
        Figure(0, 60, "HR", "heart_rate", "1/min", 80.0, 0.6),
        Figure(0, 60, "BVP", "heart_rate", "1/min", 70.0, 0.9),
        Figure(0, 60, "IBI", "heart_rate", "1/min", None, 0.95),
    ]
    assert parts_of(figures)[0, 60]["heart_rate"] == 70.0


def recorded(start_s: float, shift: float, quality: float = 0.9) -> list[Figure]:
    """Return the figures of a recording's window."""
    return [
        Figure(start_s, start_s + 60, "x", name, "", value, quality)
        for name, value in window(shift, round(start_s)).items()
    ]


def test_a_recordings_opening_is_its_rest_and_what_follows_is_told() -> None:
    calm = [each for start in range(20, 270, 10) for each in recorded(start, 0)]
    tense = [each for start in range(270, 600, 10) for each in recorded(start, 4)]
    told = since_opening(calm + tense)
    assert list(told) == [(start, start + 60) for start in range(320, 600, 10)]
    assert min(index.value for index in told.values()) > 0.5
    windows = [parts_of(recorded(start, 0))[start, start + 60] for start in range(20, 261, 10)]
    after = parts_of(recorded(400, 4))[400, 460]
    expected = arousal([*windows, after], [True] * len(windows) + [False])[-1]
    assert told[400, 460] == expected


def test_without_an_opening_that_is_known_there_is_no_arousal() -> None:
    def every(start_s: int, end_s: int) -> list[Figure]:
        return [each for start in range(start_s, end_s, 10) for each in recorded(start, 0)]

    assert since_opening([]) == {}
    assert since_opening(every(0, 240)) == {}  # it was shorter
    assert since_opening(every(0, 100) + every(200, 600)) == {}  # a sensor was off meanwhile
    loose = [each for start in range(0, 600, 10) for each in recorded(start, 0, quality=0.4)]
    assert since_opening(loose) == {}
    assert min(since_opening(every(0, 600)))[0] == REST_S


def slow(seed: int, count: int = 900) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=count + 40)
    return np.convolve(noise, np.hanning(20), mode="valid")[:count]


def test_what_goes_together_is_found_with_its_lag() -> None:
    times, face = np.arange(900.0), slow(1)
    body = np.roll(face, 4) + 0.5 * slow(2)
    told = agreement((times, face), (times, body))
    assert told is not None
    assert told.lag_s == pytest.approx(4)
    assert told.correlation > 0.8
    assert told.p < 0.01
    apart = agreement((times, face), (times, -body))
    assert apart is not None
    assert apart.correlation < -0.8


def test_slow_courses_that_have_nothing_to_do_with_each_other_rarely_agree() -> None:
    times = np.arange(900.0)
    found = [agreement((times, slow(2 * each)), (times, slow(2 * each + 1))) for each in range(100)]
    assert sum(each is not None and each.p < 0.05 for each in found) <= 11  # 5 expected; binomial's 99 %


def test_correlation_is_pearsons_over_what_is_known() -> None:
    times, face = np.arange(900.0), slow(1)
    body = np.roll(face, 3) + slow(5)
    body[100:300] = np.nan
    told = agreement((times, face), (times, body), max_lag_s=3)
    assert told is not None
    assert told.seconds == pytest.approx(699, abs=1)
    steps = np.arange(899)
    x, y = face[:899], body[:899]
    sure = np.isfinite(y)
    x, y = (
        x - np.polyval(np.polyfit(steps, x, 1), steps),
        y - np.polyval(np.polyfit(steps[sure], y[sure], 1), steps),
    )
    moved = np.roll(y, -round(told.lag_s))
    known = np.isfinite(moved)
    assert told.correlation == pytest.approx(np.corrcoef(x[known], moved[known])[0, 1])


def test_too_little_says_nothing() -> None:
    times = np.arange(900.0)
    assert agreement((times[:100], slow(1, 100)), (times[:100], slow(2, 100))) is None
    assert agreement((times, slow(1)), (times + 2000, slow(2))) is None
    assert agreement((times, np.ones(900)), (times, slow(2))) is None
    assert agreement((times, np.where(times < 500, np.nan, slow(1))), (times, slow(2))) is None
    assert agreement(([], []), (times, slow(2))) is None
