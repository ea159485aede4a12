"""The shift between a face's pulse and a body's, on made hearts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.signals.alignment import RateCourse, apart_bpm, pulse_lag, rate_course
from mien.signals.face_pulse import PulseReading
from mien.signals.heart import Beats


def wandering(seconds: int, seed: int, spread: float = 6.0) -> NDArray[np.float64]:
    """Return a rate at every tenth of a second that wanders as a heart's does."""
    random = np.random.default_rng(seed)
    slow = np.convolve(random.normal(size=10 * seconds + 600), np.hanning(200), mode="same")[300:-300]
    return np.asarray(70 + spread * slow / slow.std(), np.float64)


def readings(
    course: RateCourse, shift_s: float, first_s: int, last_s: int, noise: float = 0.5, every: int = 1
) -> list[PulseReading]:
    """Return what a face says whose clock shows `shift_s` where the body's shows 0."""
    random, told = np.random.default_rng(9), []
    for second in range(first_s, last_s):
        body_s = second - shift_s
        inside = (course.times_s > body_s - 11.5) & (course.times_s <= body_s - 0.5)
        rate = float(course.per_min[inside].mean()) + noise * random.normal()
        told.append(PulseReading(float(second), 0, rate if second % every == 0 else None, 0.8))
    return told


@pytest.mark.parametrize("shift_s", [-37.4, 0.0, 12.3])
def test_the_shift_is_found_within_its_uncertainty(shift_s: float) -> None:
    course = RateCourse(0.0, wandering(400, 1))
    found = pulse_lag(readings(course, shift_s, 60, 300), course)
    assert found is not None
    assert abs(found.shift_s - shift_s) <= found.uncertainty_s + 0.05
    assert found.uncertainty_s <= 0.5
    assert found.p <= 0.05
    assert found.apart_bpm < 1


def test_near_a_known_start() -> None:
    course = RateCourse(0.0, wandering(400, 2))
    told = readings(course, 4.2, 60, 300)
    found = pulse_lag(told, course, (-15, 15))
    assert found is not None
    assert found.shift_s == pytest.approx(4.2, abs=0.5)
    assert pulse_lag(told, course, (20, 50)) is None


@pytest.mark.parametrize("seed", range(5))
def test_another_persons_heart_is_not_aligned(seed: int) -> None:
    told = readings(RateCourse(0.0, wandering(400, 3)), 0.0, 60, 300)
    assert pulse_lag(told, RateCourse(0.0, wandering(400, 20 + seed))) is None


def test_a_steady_heart_shows_no_shift() -> None:
    course = RateCourse(0.0, wandering(400, 4, spread=0.1))
    assert pulse_lag(readings(course, 5.0, 60, 300), course) is None


def test_too_few_readings() -> None:
    course = RateCourse(0.0, wandering(400, 5))
    assert pulse_lag(readings(course, 0.0, 60, 300, every=5), course) is None
    assert pulse_lag([], course) is None
    assert pulse_lag(readings(course, 0.0, 60, 300), RateCourse(0.0, np.array([]))) is None


def test_how_far_apart_two_rates_are() -> None:
    course = RateCourse(0.0, wandering(200, 6))
    higher = RateCourse(0.0, course.per_min + 9)
    told = readings(course, 0.0, 20, 180)
    assert apart_bpm(told, higher, 0.0) == pytest.approx(9, abs=0.3)
    assert apart_bpm(told, higher, 1000.0) is None


def test_a_course_of_beats_has_gaps_where_none_is_trusted() -> None:
    times = np.array([1.0, 2.0, 3.0, 7.0, 7.5])
    intervals = np.diff(times, prepend=np.nan)
    good = np.array([False, True, True, False, True])
    course = rate_course(Beats(times, intervals, np.ones(5), good))
    at = dict(zip(course.times_s.round(1).tolist(), course.per_min.tolist(), strict=True))
    assert at[1.5] == at[2.5] == 60
    assert np.isnan(at[5.0])
    assert at[7.3] == pytest.approx(120)
