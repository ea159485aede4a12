from __future__ import annotations

import numpy as np
import pytest

from mien.signals.body import (
    breathing_rate,
    find_responses,
    muscle_activity,
    rail_share,
    skin,
    temperature,
)
from mien.signals.brain import band_powers, frontal_asymmetry
from signals.bodies import course


def responding(onsets: list[float], seconds: float = 120, level: float = 3) -> np.ndarray:
    """Return skin conductance with responses of 0.5 uS."""
    times = np.arange(seconds * 4) / 4
    values = level + 0.001 * times
    for at in onsets:
        since = np.maximum(times - at, 0)
        shape = np.exp(-since / 6) - np.exp(-since / 0.8)
        values = values + 0.5 * shape / shape.max()
    return np.asarray(values)


def test_responses_of_the_skin() -> None:
    onsets = [20.0, 50.0, 80.0]
    signal = course("eda", responding(onsets), 4, unit="uS")
    found = find_responses(signal)
    assert [each.onset_s for each in found] == pytest.approx(onsets, abs=1)
    assert [each.size_us for each in found] == pytest.approx([0.5] * 3, abs=0.08)
    told = skin(signal, 0, 120)
    assert told.responses_min == pytest.approx(1.5)
    assert told.level_us == pytest.approx(3.1, abs=0.1)
    assert told.quality == pytest.approx(1)


def test_loose_electrodes_and_knocks_are_no_skin() -> None:
    assert skin(course("eda", np.full(240, 0.01), 4), 0, 60).level_us is None
    values = responding([])
    values[200] += 20
    told = skin(course("eda", values, 4), 0, 120)
    assert told.quality < 1
    assert told.responses_min == 0
    assert skin(course("eda", responding([])[:120], 4), 0, 120).level_us is None  # half of it is missing


def test_breath() -> None:
    times = np.arange(60 * 25) / 25
    random = np.random.default_rng(0)
    calm = np.sin(2 * np.pi * 0.25 * times) + 0.1 * random.normal(size=len(times))
    told = breathing_rate(course("respiration", calm, 25), 0, 60)
    assert told.value == pytest.approx(15, abs=0.5)
    assert told.quality > 0.9
    assert breathing_rate(course("respiration", np.zeros(1500), 25), 0, 60).value is None


def test_a_muscle() -> None:
    random = np.random.default_rng(0)
    rest, work = 5 * random.normal(size=5000), 50 * random.normal(size=5000)
    drift = 500 * np.sin(np.arange(5000) / 800)
    values = [
        muscle_activity(course("emg", each + drift, 1000, unit="uV"), 0, 5).value for each in (rest, work)
    ]
    assert values[1] == pytest.approx(10 * values[0], rel=0.2)  # type: ignore[operator]
    rectified = course("emg", np.abs(work), 100)
    assert muscle_activity(rectified, 0, 50).value == pytest.approx(np.abs(work).mean())


def test_at_its_limit_a_muscle_says_nothing() -> None:
    clipped = np.clip(100 * np.random.default_rng(0).normal(size=5000).cumsum(), -300, 300)
    signal = course("emg", clipped, 1000)
    assert rail_share(signal) > 0.5
    assert muscle_activity(signal, 0, 5).value is None
    assert rail_share(course("emg", np.zeros(1000), 1000)) == 1


def test_temperature() -> None:
    assert temperature(course("temperature", np.full(240, 33.5), 4), 0, 60).value == pytest.approx(33.5)
    assert temperature(course("temperature", np.full(240, 4.0), 4), 0, 60).value is None


def waves(alpha_uv: float, seconds: float = 60, seed: int = 0) -> np.ndarray:
    times = np.arange(seconds * 256) / 256
    return np.asarray(
        alpha_uv * np.sin(2 * np.pi * 10 * times) + 3 * np.random.default_rng(seed).normal(size=len(times))
    )


def test_band_powers() -> None:
    told = band_powers(course("eeg", waves(20), 256, unit="uV"), 0, 60)
    assert told.quality == 1
    assert told.powers["alpha"] == pytest.approx(20**2 / 2, rel=0.1)
    assert told.powers["beta"] < 20  # type: ignore[operator]
    assert told.powers == pytest.approx(
        band_powers(course("eeg", waves(20) / 1000, 256, unit="mV"), 0, 60).powers
    )


def test_blinks_and_muscles_are_left_out() -> None:
    values = waves(10)
    blinking = values.copy()
    blinking[256 * 10 : 256 * 10 + 80] += 300
    told = band_powers(course("eeg", blinking, 256, unit="uV"), 0, 60)
    assert 0.9 < told.quality < 1
    assert told.powers["delta"] < 10  # type: ignore[operator]
    tense = values + 30 * np.random.default_rng(3).normal(size=len(values))
    assert band_powers(course("eeg", tense, 256, unit="uV"), 0, 60).powers["alpha"] is None
    assert band_powers(course("eeg", np.zeros(256 * 60), 256, unit="uV"), 0, 60).quality == 0


def test_frontal_asymmetry() -> None:
    left, right = (
        course("eeg", waves(10), 256, "EEG F3-Ref", "uV"),
        course("eeg", waves(20, seed=1), 256, "F4", "uV"),
    )
    found = frontal_asymmetry([left, right], 0, 60)
    assert found["F4-F3"][0] == pytest.approx(np.log(4), abs=0.1)
    assert frontal_asymmetry([left], 0, 60) == {}
