from __future__ import annotations

import numpy as np
import pytest

from mien.signals.heart import find_beats, variability
from mien.signals.rate import heart_rate, rate_of_beats
from mien.signals.types import Signal
from needs import package
from signals.bodies import beat_times, course, ecg, pulse

package("neurokit2")


@pytest.mark.parametrize("bpm", [48, 75, 130])
def test_beats_of_an_electrocardiogram(bpm: float) -> None:
    true = beat_times(bpm, 60)
    found = find_beats(ecg(true, 60))
    hits = sum(np.abs(found.times_s - at).min() < 0.02 for at in true)
    assert hits >= len(true) - 1
    assert len(found) <= len(true) + 1
    told = rate_of_beats(found, 0, 60)
    assert told.per_min == pytest.approx(60 / np.diff(true).mean(), abs=0.5)
    assert told.quality > 0.9


@pytest.mark.parametrize(("bpm", "way"), [(55, 1), (80, -1), (120, 1)])
def test_rate_of_a_pulse_wave_whichever_way_it_goes(bpm: float, way: float) -> None:
    true = beat_times(bpm, 60)
    made = pulse(true, 60)
    told = heart_rate(Signal("x", "ppg", "", way * made.values, made.times_s), 0, 60)
    assert told.per_min == pytest.approx(60 / np.diff(true).mean(), abs=1)
    assert told.by == "beats"


def test_a_blurred_pulse_is_read_by_its_spectrum() -> None:
    true = beat_times(72, 90)
    told = heart_rate(pulse(true, 90, noise=1.2), 30, 90)
    assert told.by == "spectrum"
    assert told.per_min == pytest.approx(60 / np.diff(true).mean(), abs=2)


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_a_drift_have_no_rate(seed: int) -> None:
    random = np.random.default_rng(seed)
    noise = random.normal(size=64 * 90)
    for values in (noise, np.cumsum(noise), np.zeros(64 * 90)):
        assert heart_rate(course("ppg", values, 64), 30, 90).per_min is None
    assert heart_rate(course("ecg", random.normal(size=250 * 60), 250), 0, 60).per_min is None


def test_a_gap_costs_quality_and_is_not_bridged() -> None:
    true = beat_times(70, 60)
    whole = ecg(true, 60)
    kept = (whole.times_s < 20) | (whole.times_s > 40)
    told = find_beats(Signal("x", "ecg", "mV", whole.values[kept], whole.times_s[kept]))
    assert told.intervals_s[np.isfinite(told.intervals_s)].max() < 2
    assert 0.55 < told.quality(0, 60) < 0.75


def test_what_comes_later_changes_nothing() -> None:
    made = pulse(beat_times(66, 120), 120, noise=0.8)
    assert heart_rate(made, 30, 90) == heart_rate(made.between(0, 90), 30, 90)


def test_variability_only_where_it_is_defined() -> None:
    true = beat_times(60, 320, wander=0.05)
    found = find_beats(ecg(true, 320))
    assert set(variability(found, 0, 59).values()) == {None}
    minute = variability(found, 0, 60)
    assert minute["sdnn_ms"] is None
    assert minute["lf_ms2"] is None
    inside = true[true < 60]
    expected = 1000 * np.sqrt(np.mean(np.diff(np.diff(inside)) ** 2))
    assert minute["rmssd_ms"] == pytest.approx(expected, rel=0.1)
    five = variability(found, 0, 300)
    assert five["sdnn_ms"] == pytest.approx(1000 * np.std(np.diff(true[true < 300]), ddof=1), rel=0.1)
    assert five["hf_ms2"] > 10 * five["lf_ms2"]  # type: ignore[operator]  # it wanders at 0.25 Hz


def test_intervals_of_a_device_with_holes() -> None:
    seconds = np.full(60, 0.8)
    times = np.cumsum(seconds)
    kept = np.r_[0:20, 40:60]
    found = find_beats(Signal("IBI", "intervals", "s", seconds[kept], times[kept]))
    assert rate_of_beats(found, 0, 48).per_min == pytest.approx(75)
    assert found.quality(0, 48) == pytest.approx(40 / 60, abs=0.05)


def test_a_devices_rate() -> None:
    assert heart_rate(course("rate", np.full(60, 71.0), 1), 0, 60).per_min == pytest.approx(71)
    assert heart_rate(course("rate", np.zeros(60), 1), 0, 60).per_min is None
