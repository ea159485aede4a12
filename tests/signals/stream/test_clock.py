"""Times of samples: steady out of stamps that jitter, come in packets, drift, jump or have gaps."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.signals.stream.clock import MachineClock, SampleClock

Array = NDArray[np.float64]
START_S = 1.7e9


def fed(
    clock: SampleClock, stamps: Array, arrived: Array | None = None, size: int = 25, late_s: float = 0.02
) -> Array:
    """Feed stamps in pieces; each arrives a little after its last sample was taken."""
    arrived = stamps if arrived is None else arrived
    times = [
        clock.times(stamps[i : i + size], float(arrived[i : i + size][-1]) + late_s)
        for i in range(0, len(stamps), size)
    ]
    return np.concatenate(times)


@pytest.mark.parametrize("rate", [1.0, 15.0, 250.0, pytest.param(1000.0, marks=pytest.mark.exhaustive)])
@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.exhaustive), 7, 100])
def test_jitter_is_smoothed(rate: float, size: int) -> None:
    truth = START_S + np.arange(int(60 * min(rate, 250))) / rate
    noisy = truth + np.random.default_rng(1).normal(0, 0.005, len(truth))
    times = fed(SampleClock(rate), noisy, size=size)
    assert (np.diff(times) > 0).all()
    late = times[len(times) // 2 :] - truth[len(times) // 2 :]
    assert np.abs(late).max() < (0.003 if rate >= 15 else 0.006)


def test_packets_with_one_stamp_are_spread() -> None:
    """A board's USB brings several samples at once, all stamped when they arrived."""
    truth = START_S + np.arange(250 * 30) / 250
    stamped = truth[np.minimum(np.arange(len(truth)) // 4 * 4 + 3, len(truth) - 1)]
    times = fed(SampleClock(250), stamped, size=20)
    late = (times - truth)[250 * 10 :]
    assert np.ptp(late) < 0.001
    assert 0 < late.mean() < 0.012


def test_a_clock_50_millionths_fast_is_followed() -> None:
    """Over half an hour it goes 90 ms wrong, were its rate believed."""
    truth = START_S + np.arange(100 * 1800) / (100 * (1 + 50e-6))  # nominally 100 Hz
    noisy = truth + np.random.default_rng(2).normal(0, 0.002, len(truth))
    clock = SampleClock(100)
    times = fed(clock, noisy, size=100)
    assert np.abs(times - truth)[1000:].max() < 0.002
    assert clock.rate_hz == pytest.approx(100 * (1 + 50e-6), rel=1e-6)
    assert not clock.take_notes()


@pytest.mark.parametrize("real", [200.0, 240.0, 260.0, 300.0])
def test_a_rate_that_is_promised_wrongly_is_learned(real: float) -> None:
    truth = START_S + np.arange(int(real * 20)) / real
    times = fed(SampleClock(250), truth)
    assert np.abs(times - truth)[-int(real) :].max() < 0.002


def test_a_gap_stays_a_gap() -> None:
    truth = START_S + np.arange(250 * 20) / 250
    kept = np.r_[truth[:2000], truth[2600:]]
    clock = SampleClock(250)
    times = fed(clock, kept)
    assert np.abs(times - kept).max() < 1e-4
    assert clock.take_notes() == ("nothing came for 2.4 s",)
    assert clock.take_notes() == ()


def test_a_stall_that_is_made_up_for_is_none() -> None:
    """The sender stamps when it sends, and was held up for 0.1 s: all samples came."""
    truth = START_S + np.arange(250 * 20) / 250
    held = truth.copy()
    held[2000:2025] = truth[2025]
    times = fed(SampleClock(250), held, size=50)
    assert np.abs(times - truth).max() < 0.02


@pytest.mark.parametrize("jump_s", [-3600.0, -3.2, 3.2, 1e9])
def test_a_jump_of_the_senders_clock_is_taken_out_and_said(jump_s: float) -> None:
    truth = START_S + np.arange(250 * 20) / 250
    stamps = truth + jump_s * (np.arange(len(truth)) >= 2010)
    clock = SampleClock(250)
    times = fed(clock, stamps, arrived=truth)
    assert np.abs(times - truth).max() < 1e-3
    (note,) = clock.take_notes()
    assert note.startswith(f"its clock jumped by {'+' if jump_s > 0 else '-'}")
    assert abs(jump_s) != 3.2 or "3.2 s" in note


def test_a_jump_back_while_samples_are_lost_keeps_the_gap() -> None:
    truth = START_S + np.arange(250 * 20) / 250
    kept = np.r_[truth[:2000], truth[2500:]]
    stamps = kept - 100.0 * (np.arange(len(kept)) >= 2000)
    clock = SampleClock(250)
    times = fed(clock, stamps, arrived=kept)
    assert np.abs(times - kept).max() < 0.2
    assert np.diff(times).max() == pytest.approx(2.0, abs=0.2)
    assert len(clock.take_notes()) == 1


def test_a_clock_of_another_time_counts_from_arrival() -> None:
    """Many devices count from when they were switched on."""
    truth = START_S + np.arange(250 * 5) / 250
    clock = SampleClock(250)
    times = fed(clock, truth - START_S + 7.0, arrived=truth)
    assert np.abs(times - truth - 0.02).max() < 1e-3
    (note,) = clock.take_notes()
    assert note == "its clock is 19676 days behind: when its samples arrived counts instead"


def test_events_keep_their_stamps_and_their_order() -> None:
    stamps = START_S + np.array([0.0, 0.31, 0.31, 0.9, 0.7, 2.0])
    times = SampleClock(0).times(stamps, START_S + 2.1)
    assert (np.diff(times) > 0).all()
    assert times == pytest.approx(START_S + np.array([0.0, 0.31, 0.31, 0.9, 0.9, 2.0]), abs=1e-4)


def test_events_of_a_clock_that_jumps_go_on() -> None:
    clock = SampleClock(0)
    before = clock.times(np.array([START_S]), START_S + 0.1)
    after = clock.times(np.array([START_S - 500.0]), START_S + 10.0)
    assert before[0] < after[0] == pytest.approx(START_S + 10.0)
    assert clock.take_notes() == ("its clock jumped by -8 min",)


def test_what_the_sender_counts_as_lost_is_left_out() -> None:
    """By the number of its packets, where the stamps jitter by more than is missing."""
    truth = START_S + np.arange(250 * 20) / 250
    missing = np.zeros(len(truth), bool)
    missing[2000:2003] = True
    lost = np.zeros(len(truth), np.int64)
    lost[2003] = 3
    noisy = truth + np.random.default_rng(3).normal(0, 0.004, len(truth))
    clock, found = SampleClock(250), []
    for i in range(0, len(truth), 25):
        kept = ~missing[i : i + 25]
        stamps = noisy[i : i + 25][kept]
        found.append(clock.times(stamps, float(stamps[-1]) + 0.02, lost[i : i + 25][kept]))
    times = np.concatenate(found)
    assert np.diff(times)[1999] == pytest.approx(0.016, abs=0.0005)
    assert np.abs(times - truth[~missing])[1000:].max() < 0.002


def test_an_hour_of_silence_is_survived() -> None:
    clock = SampleClock(100)
    first = START_S + np.arange(1000) / 100
    fed(clock, first)
    later = first + 3600.0
    assert np.abs(fed(clock, later) - later).max() < 1e-3


def test_the_machines_clock_never_jumps() -> None:
    clock = MachineClock(epoch_s=1000.0)
    assert 1000.0 < clock.now() <= clock.now()
