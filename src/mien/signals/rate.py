"""The heart's rate over a time: from trusted beats, or else from the spectrum of the pulse wave.

At the wrist most single beats are blurred by movement, while the rhythm still shows in the spectrum. The path
through the spectra that is likeliest, given that a rate changes slowly, is Viterbi's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from mien.signals.body import coverage
from mien.signals.heart import Beats, find_beats
from mien.signals.types import Signal

LEAST_QUALITY: Final = 0.6
"""Below this no rate is given."""
LEAD_S: Final = 30.0
"""Seconds before a time that help to find the rate in it; nothing after it is looked at."""

_RATES: Final = np.arange(40.0, 181.0)
"""Beats a minute that are tried."""
_WAVE_HZ: Final = 32.0
_PASS_HZ: Final = (0.6, 6.0)
_SPECTRUM_S, _STEP_S = 15.0, 5.0
_ENVELOPE_S: Final = 1.0
_TAMED: Final = 0.7
"""Where the wave is wider than this share of its usual width it is brought down to it: a knock should not
count more than a beat."""
_HARMONIC: Final = 0.5
_CHANGE: Final = 0.15
"""What a change of one beat a minute from step to step costs, in nats."""
_FLOOR: Final = 1e-4
_NEAR: Final = 4
"""Beats a minute around the path that count as it."""
_SHARE: Final = (0.08, 0.45)
"""Shares of the spectrum on the path in noise alone, and in what is surely a wave: quality 0 and 1."""
_PLAUSIBLE: Final = (30.0, 220.0)
_DEVICE: Final = 0.6
"""The quality of a rate that a device gives: it doesn't say how sure it is, and a good wave is preferred."""


@dataclass(frozen=True, slots=True)
class HeartRate:
    """The rate over a time.

    Attributes:
        per_min: beats a minute; None below `LEAST_QUALITY`.
        quality: 0 to 1: the share of the time that trusted beats cover; where the rate is the spectrum's, how
            much of that lies on the rate.
        by: "beats", "spectrum" or "device".
    """

    per_min: float | None
    quality: float
    by: str


def heart_rate(signal: Signal, start_s: float, end_s: float, beats: Beats | None = None) -> HeartRate:
    """Return the rate between two times.

    Args:
        signal: of kind "ecg", "ppg", "intervals" or "rate".
        start_s: where the time begins.
        end_s: where it ends; later samples are not looked at.
        beats: of the signal, if they were found already.
    """
    if signal.kind == "rate":
        inside = signal.between(start_s, end_s)
        sound = (inside.values >= _PLAUSIBLE[0]) & (inside.values <= _PLAUSIBLE[1])
        quality = _DEVICE * round(
            coverage(inside, start_s, end_s) * float(sound.mean() if len(inside) else 0), 2
        )
        return HeartRate(
            _given(float(inside.values[sound].mean()) if sound.any() else 0.0, quality), quality, "device"
        )
    found = find_beats(signal.between(start_s - LEAD_S, end_s)) if beats is None else beats
    by_beats = rate_of_beats(found, start_s, end_s)
    if by_beats.per_min is not None or signal.kind != "ppg":
        return by_beats
    by_spectrum = _rate_of_wave(signal, start_s, end_s)
    return by_spectrum if by_spectrum.quality > by_beats.quality else by_beats


def rate_of_beats(beats: Beats, start_s: float, end_s: float) -> HeartRate:
    """Return the rate between two times by the trusted intervals that end there."""
    inside = beats.between(start_s, end_s)
    quality = inside.quality(start_s, end_s)
    lengths = inside.intervals_s[inside.good]
    return HeartRate(
        _given(60 / float(lengths.mean()), quality) if len(lengths) > 1 else None, quality, "beats"
    )


def _given(per_min: float, quality: float) -> float | None:
    return per_min if quality >= LEAST_QUALITY else None


def _rate_of_wave(signal: Signal, start_s: float, end_s: float) -> HeartRate:
    """Return the rate between two times by the spectra of a pulse wave, from `LEAD_S` before on."""
    pieces = list(signal.between(start_s - LEAD_S, end_s).pieces(1.0))
    within: list[NDArray[np.float64]] = []
    shares: list[NDArray[np.float64]] = []
    for piece in pieces:
        if piece.duration_s < _SPECTRUM_S + _STEP_S or (piece.rate_hz or 0) < 2 * _PASS_HZ[1]:
            continue
        even = piece.even(_WAVE_HZ)
        scores = _scores(even.values)
        if scores is None:
            continue
        middles = even.times_s[0] + _SPECTRUM_S / 2 + _STEP_S * np.arange(len(scores))
        path = _likeliest(np.log(scores + _FLOOR))
        inside = (middles >= start_s) & (middles < end_s)
        near = np.abs(np.arange(len(_RATES)) - path[:, None]) <= _NEAR
        near[(path < _NEAR) | (path >= len(_RATES) - _NEAR)] = False  # a drift, whose top lies outside
        within.append(_RATES[path][inside])
        shares.append((scores * near).sum(axis=1)[inside])
    rates, share = (np.concatenate(each) if each else np.zeros(0) for each in (within, shares))
    if not len(rates):
        return HeartRate(None, 0.0, "spectrum")
    covered = min(1.0, (len(rates) * _STEP_S + _SPECTRUM_S) / (end_s - start_s))
    quality = covered * float(np.clip((share.mean() - _SHARE[0]) / (_SHARE[1] - _SHARE[0]), 0, 1))
    return HeartRate(_given(float(rates.mean()), quality), quality, "spectrum")


def _scores(values: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return how much each of `_RATES` shows in each spectrum, as shares; None for a flat line."""
    wave = sosfiltfilt(butter(3, _PASS_HZ, "bandpass", fs=_WAVE_HZ, output="sos"), values)
    if np.ptp(wave) < 1e-9 * (1 + np.abs(values).max()):
        return None
    box = np.ones(int(_ENVELOPE_S * _WAVE_HZ)) / int(_ENVELOPE_S * _WAVE_HZ)
    envelope = np.sqrt(np.convolve(wave**2, box, mode="same"))
    wave = wave / np.maximum(envelope, _TAMED * float(np.median(envelope)) + 1e-12)
    size, step = int(_SPECTRUM_S * _WAVE_HZ), int(_STEP_S * _WAVE_HZ)
    frames = np.lib.stride_tricks.sliding_window_view(wave, size)[::step] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, 8192, axis=1)) ** 2
    frequencies = np.fft.rfftfreq(8192, 1 / _WAVE_HZ)
    power /= power[:, (frequencies > _PASS_HZ[0]) & (frequencies < _PASS_HZ[1])].sum(axis=1, keepdims=True)
    scores = np.array(
        [
            np.interp(_RATES / 60, frequencies, each) + _HARMONIC * np.interp(_RATES / 30, frequencies, each)
            for each in power
        ]
    )
    return np.asarray(scores / scores.sum(axis=1, keepdims=True), np.float64)


def _likeliest(logs: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the likeliest path through a table of steps and rates, by index of the rate."""
    cost = -_CHANGE * np.abs(_RATES[:, None] - _RATES[None, :])
    best, before = logs[0], []
    for step in logs[1:]:
        ways = best[None, :] + cost
        before.append(ways.argmax(axis=1))
        best = ways.max(axis=1) + step
    path = [int(best.argmax())]
    for ways_back in reversed(before):
        path.append(int(ways_back[path[-1]]))
    return np.array(path[::-1], np.intp)
