from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

# A benchmark's own, which is no package: `tests/live` and `benchmarks/live.py` have one name.
_FILE = Path(__file__).parents[2] / "benchmarks" / "blinks.py"
_spec = spec_from_file_location("benchmark_blinks", _FILE)
assert _spec is not None
assert _spec.loader is not None
blinks = module_from_spec(_spec)
sys.modules[_spec.name] = blinks
_spec.loader.exec_module(blinks)
LONGEST_S, Blink, BlinkDetector = blinks.LONGEST_S, blinks.Blink, blinks.BlinkDetector


def openness(times_s: np.ndarray, onsets_s: list[float], length_s: float = 0.2) -> np.ndarray:
    """Eyes of 0.3 that shut to a tenth and open again; `length_s` long at half depth."""
    away = np.min([np.abs(times_s - onset - length_s / 2) for onset in onsets_s], axis=0)
    return np.asarray(0.3 - 0.27 * np.clip(1.5 - 2 * away / length_s, 0, 1))


def watched(values: np.ndarray, times_s: np.ndarray) -> tuple[list[Any], Any]:
    detector = BlinkDetector()
    found = [detector.watch(float(value), float(time)) for value, time in zip(values, times_s, strict=True)]
    return [blink for blink in found if blink is not None], detector


@settings(max_examples=20)
@given(
    rate_hz=st.sampled_from([15, 24, 25, 30, 60]),
    seed=st.integers(0, 1000),
    noise=st.floats(0, 0.008),
)
def test_each_blink_is_found_once_at_its_time(rate_hz: int, seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    onsets = [float(1.5 + 2.5 * k + rng.uniform(0, 1.5)) for k in range(5)]
    times = np.arange(0, 15, 1 / rate_hz)
    values = openness(times, onsets) + rng.normal(scale=noise, size=len(times))
    found, _ = watched(values, times)
    assert [blink.onset_s for blink in found] == pytest.approx(onsets, abs=0.08)
    assert [blink.length_s for blink in found] == pytest.approx([0.2] * 5, abs=0.1)


@pytest.mark.parametrize("noise", [0.0, 0.005, 0.02])
def test_eyes_that_stay_open_do_not_blink(noise: float) -> None:
    times = np.arange(0, 120, 1 / 30)
    values = 0.3 + np.random.default_rng(0).normal(scale=noise, size=len(times))
    found, detector = watched(values, times)
    assert found == []
    assert detector.watched_s == pytest.approx(119.5, abs=0.1)


def test_eyes_that_stay_shut_do_not_blink() -> None:
    times = np.arange(0, 6, 1 / 30)
    assert watched(openness(times, [2], LONGEST_S + 0.2), times)[0] == []
    assert watched(np.where(times > 2, 0.05, 0.3), times)[0] == []


def test_a_gap_ends_what_was_going_on() -> None:
    times = np.arange(0, 6, 1 / 30)
    values = openness(times, [2], 0.3)
    kept = (times < 2.1) | (times > 2.25)
    assert len(watched(values, times)[0]) == 1
    assert watched(values[kept], times[kept])[0] == []


def test_frames_too_far_apart_are_not_watched() -> None:
    times = np.arange(0, 20, 1 / 8)
    found, detector = watched(openness(times, [3.0, 7.0]), times)
    assert found == []
    assert detector.watched_s == 0


def test_unknown_openness_is_no_blink() -> None:
    times = np.arange(0, 4, 1 / 30)
    found, detector = watched(np.where((times > 2) & (times < 2.2), np.nan, 0.3), times)
    assert found == []
    assert detector.watched_s < 3.4
