"""Made bodies: signals whose truth is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.signals.types import Kind, Signal


def beat_times(bpm: float, seconds: float, wander: float = 0.03, seed: int = 0) -> NDArray[np.float64]:
    """Return when a heart beats, faster and slower with the breath."""
    times, at = [], 0.4
    random = np.random.default_rng(seed)
    while at < seconds - 0.5:
        times.append(at)
        at += 60 / bpm * (1 + wander * np.sin(2 * np.pi * at / 4) + 0.002 * random.normal())
    return np.array(times)


def ecg(beats: NDArray[np.float64], seconds: float, rate_hz: float = 250, noise: float = 0.02) -> Signal:
    """Return an electrocardiogram in mV: spikes with a wave behind each."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    values = noise * np.random.default_rng(1).normal(size=len(times)) + 0.1 * np.sin(2 * np.pi * 0.2 * times)
    for beat in beats:
        values += np.exp(-(((times - beat) / 0.012) ** 2)) - 0.15 * np.exp(
            -(((times - beat - 0.03) / 0.01) ** 2)
        )
        values += 0.25 * np.exp(-(((times - beat - 0.25) / 0.05) ** 2))
    return Signal("ECG", "ecg", "mV", values, times, "made")


def pulse(
    beats: NDArray[np.float64], seconds: float, rate_hz: float = 64, noise: float = 0.05, seed: int = 1
) -> Signal:
    """Return a pulse wave: a steep rise and a slow fall after each beat."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    values = noise * np.random.default_rng(seed).normal(size=len(times))
    for beat in beats:
        since = times - beat
        rising = np.exp(-((since / 0.09) ** 2))
        values += np.where(since < 0, rising, np.exp(-((since / 0.22) ** 2)))
    return Signal("BVP", "ppg", "", values, times, "made")


def course(
    kind: Kind, values: NDArray[np.float64], rate_hz: float, name: str = "x", unit: str = ""
) -> Signal:
    """Return values at an even rate as a signal."""
    return Signal(name, kind, unit, values, np.arange(len(values)) / rate_hz, "made")


def breathing(
    per_min: float, seconds: float, kind: Kind = "ppg", *, noise: float = 0.03, seed: int = 0, lost: int = -1
) -> tuple[Signal, float]:
    """Return a heart's signal that breathing changes in three ways, and the breaths a minute in it.

    Breaths differ in length by a tenth. By each the heart is faster, the beats are lower, and their line
    rises; `lost` is which of the three doesn't show: 0, 1 or 2.
    """
    random = np.random.default_rng(seed)
    ends = np.cumsum(
        60 / per_min * (1 + 0.1 * random.normal(size=int(seconds * per_min / 60) + 20)).clip(0.5)
    )
    phase = np.interp(np.arange(0, seconds, 0.01), np.r_[0.0, ends], np.arange(len(ends) + 1.0))
    breath = np.sin(2 * np.pi * phase)
    shown = [0.0 if number == lost else 1.0 for number in range(3)]
    times, at = [], 0.4
    usual = 60 / random.uniform(58, 85)
    while at < seconds - 0.5:
        times.append(at)
        at += usual * (1 - 0.035 * shown[0] * breath[int(at * 100)] + 0.008 * random.normal())
    beats = np.array(times)
    made = (
        ecg(beats, seconds, noise=noise) if kind == "ecg" else pulse(beats, seconds, noise=noise, seed=seed)
    )
    wave = np.interp(made.times_s, np.arange(len(breath)) / 100, breath)
    slow = np.cumsum(random.normal(size=len(made.times_s))) * 2e-4
    plain = made.values - (0.1 * np.sin(2 * np.pi * 0.2 * made.times_s) if kind == "ecg" else 0.0)
    values = plain * (1 - 0.07 * shown[1] * wave) + 0.08 * shown[2] * wave + slow
    inside = float(np.interp(seconds, np.arange(len(phase)) / 100, phase))
    return Signal(made.name, made.kind, made.unit, values, made.times_s, "made"), 60 * inside / seconds
