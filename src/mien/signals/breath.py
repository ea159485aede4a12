"""The breath in the pulse or the ECG, where there is no belt: three things that breathing changes, fused.

Breathing in makes the heart faster, the beats of another height, and moves the line that they stand on. Each
of the three gives a rate by its spectrum; where they agree that rate is meant, where they don't there is none
("smart fusion": Karlen, Raman, Ansermino & Dumont 2013, doi:10.1109/TBME.2013.2246160).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.signals.body import LEAST_QUALITY, Measured
from mien.signals.heart import Beats
from mien.signals.types import Signal

LEAST_WINDOW_S: Final = 30.0
"""A shorter window has too few breaths."""
_HZ: Final = 4.0
_BAND_HZ: Final = (0.08, 0.6)
"""5 to 36 breaths a minute; half the heart's rate is the fastest that beats can show."""
_APART: Final = 2.0
"""Breaths a minute of standard deviation up to which the three agree; Karlen et al. (2013) have 4, at which
one of them may be off by half."""
_LEAST_BEATS: Final = 0.7
"""Share of the window that trusted beats must cover."""
_NARROW_HZ: Final = 0.04
_PEAK: Final = (0.15, 0.45)
"""Share of the spectrum around its top at which a wave isn't one, and surely is."""

Floats = NDArray[np.float64]


def breath_of_beats(signal: Signal, beats: Beats, start_s: float, end_s: float) -> Measured:
    """Return the breaths a minute between two times by what breathing does to the beats.

    Args:
        signal: of kind "ecg" or "ppg".
        beats: its beats, also before the window.
        start_s: where the window begins.
        end_s: where it ends; later samples are not looked at.

    Returns:
        With the quality: how close the three rates are, how narrow their spectra, and how much of the window
        trusted beats cover.
    """
    inside = beats.between(start_s, end_s)
    covered = inside.quality(start_s, end_s)
    good = inside.good
    if end_s - start_s < LEAST_WINDOW_S or covered < _LEAST_BEATS or good.sum() < LEAST_WINDOW_S / 3:
        return Measured(None, 0.0)
    times = inside.times_s[good]
    fastest = min(_BAND_HZ[1], 0.5 / float(np.median(inside.intervals_s[good])))
    heights, lines = _heights(signal.between(start_s, end_s), times)
    found = [_rate(times, each, fastest) for each in (inside.intervals_s[good], heights, lines)]
    rates, shares = np.array([each for each in found if each is not None]).reshape(-1, 2).T
    if len(rates) < len(found):
        return Measured(None, 0.0)
    close = float(np.clip(1 - (1 - LEAST_QUALITY) * np.std(rates) / _APART, 0, 1))
    narrow = float(np.clip((np.min(shares) - _PEAK[0]) / (_PEAK[1] - _PEAK[0]), 0, 1))
    quality = close * covered * np.sqrt(narrow)
    rate = float(np.median(rates))
    return Measured(rate if quality >= LEAST_QUALITY else None, float(quality))


def _heights(signal: Signal, times_s: Floats) -> tuple[Floats, Floats]:
    """Return how high each beat is over the lowest point before it, and the line that it stands on."""
    at = np.searchsorted(signal.times_s, times_s)
    width = max(1, round(_NEAR_S * (signal.rate_hz or 0)))
    before = max(2, round(_BEFORE_S * (signal.rate_hz or 0)))
    tops, lows = np.full(len(at), np.nan), np.full(len(at), np.nan)
    for number, index in enumerate(at.tolist()):
        near = signal.values[max(0, index - width) : index + width + 1]
        earlier = signal.values[max(0, index - before) : max(1, index - width // 2)]
        if len(near) and len(earlier):
            # A lens sees less light when blood comes: the top may be the lowest value.
            tops[number], lows[number] = np.median(np.sort(near)[-3:]), np.median(earlier)
    return tops - lows, lows


_NEAR_S, _BEFORE_S = 0.06, 0.35


def _rate(times_s: Floats, values: Floats, fastest_hz: float) -> tuple[float, float] | None:
    """Return the breaths a minute that a course of the beats shows, and its share of the spectrum."""
    known = np.isfinite(values)
    if known.sum() < LEAST_WINDOW_S / 3:
        return None
    times, values = times_s[known], values[known]
    middle = np.median(values)
    limit = 4 * 1.48 * np.median(np.abs(values - middle))
    if limit <= 1e-9 * (1 + abs(middle)):
        return None
    even_s = np.arange(times[0], times[-1], 1 / _HZ)
    even = np.interp(even_s, times, np.clip(values, middle - limit, middle + limit))
    even = even - np.polyval(np.polyfit(even_s - even_s[0], even, 2), even_s - even_s[0])
    power = np.abs(np.fft.rfft(even * np.hanning(len(even)), 2048)) ** 2
    frequencies = np.fft.rfftfreq(2048, 1 / _HZ)
    band = (frequencies >= _BAND_HZ[0]) & (frequencies <= fastest_hz)
    if not band.any() or not power[band].sum():
        return None
    top = frequencies[band][int(np.argmax(power[band]))]
    near = band & (np.abs(frequencies - top) <= _NARROW_HZ)
    return 60 * float(top), float(power[near].sum() / power[band].sum())
