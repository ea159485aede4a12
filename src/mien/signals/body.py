"""Skin, breath, muscles and temperature: each measure with its quality, and None where that is too low."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, find_peaks, sosfiltfilt

from mien.signals.types import Signal

LEAST_QUALITY: Final = 0.6
"""Below this nothing is said of a time."""

_SKIN_HZ: Final = 8.0
_SKIN_US: Final = (0.05, 60.0)
_SKIN_SLOPE_US: Final = 10.0
SKIN_AROUND_S: Final = 2.5
"""Kleckner et al. (2018): conductance beyond these limits, or that changes faster a second, is an artefact,
and so is what is near one. Below the lowest the electrodes don't touch."""
_RESPONSE_US: Final = 0.05
_RISE_S: Final = (0.5, 5.0)
"""A skin conductance response rises by at least this, within these times (Boucsein 2012)."""

_BREATH_HZ: Final = 20.0
_BREATHS_S: Final = (1.3, 15.0)
"""46 to 4 breaths a minute."""
_BREATH_DEPTHS: Final = (0.25, 4.0)
"""Breaths are so deep, as a share of the usual one."""

_MUSCLE_HZ: Final = (20.0, 450.0)
"""De Luca et al. (2010); the lower end also keeps movement out."""
_SKIN_DEGC: Final = (15.0, 45.0)
_RAIL_S: Final = 0.1
"""At its lowest or highest value for so long, a fast signal has hit its limit."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response of the skin.

    Attributes:
        onset_s: when it begins to rise.
        peak_s: when it is highest.
        size_us: how far it rises, in microsiemens.
    """

    onset_s: float
    peak_s: float
    size_us: float


@dataclass(frozen=True, slots=True)
class Skin:
    """Skin conductance over a time; None below the least quality.

    Attributes:
        level_us: its median, in microsiemens.
        slope_us_min: how fast it rises, in microsiemens a minute.
        responses_min: responses a minute.
        response_us: how much they rise together, a minute.
        quality: the share of the time without artefacts, 0 to 1.
    """

    level_us: float | None
    slope_us_min: float | None
    responses_min: float | None
    response_us: float | None
    quality: float


def find_responses(signal: Signal) -> tuple[Response, ...]:
    """Find the responses in skin conductance: from a trough to the next peak."""
    found = []
    for piece in signal.in_unit("uS").pieces(1.0):
        if piece.duration_s < 5:
            continue
        even = piece.even(_SKIN_HZ)
        smooth = sosfiltfilt(butter(2, 1.0, fs=_SKIN_HZ, output="sos"), even.values)
        sound = sound_skin(even)
        peaks = find_peaks(smooth, prominence=_RESPONSE_US / 2)[0]
        troughs = np.r_[0, find_peaks(-smooth, prominence=_RESPONSE_US / 10)[0]]
        for peak in peaks:
            trough = troughs[np.searchsorted(troughs, peak) - 1]
            rise_s, size = (peak - trough) / _SKIN_HZ, float(smooth[peak] - smooth[trough])
            if size >= _RESPONSE_US and rise_s >= _RISE_S[0] and sound[trough : peak + 1].all():
                onset = max(trough, peak - round(_RISE_S[1] * _SKIN_HZ))
                found.append(Response(float(even.times_s[onset]), float(even.times_s[peak]), size))
    return tuple(found)


def skin(signal: Signal, start_s: float, end_s: float) -> Skin:
    """Return what skin conductance says between two times."""
    inside = signal.in_unit("uS").between(start_s, end_s)
    if (inside.rate_hz or 0) < 1:
        return Skin(None, None, None, None, 0.0)
    sound = sound_skin(inside)
    quality = coverage(inside, start_s, end_s) * float(sound.mean())
    if quality < LEAST_QUALITY:
        return Skin(None, None, None, None, quality)
    values, times = inside.values[sound], inside.times_s[sound]
    minutes = (end_s - start_s) / 60 * quality
    responses = [
        each for each in find_responses(signal.between(start_s - 10, end_s)) if start_s <= each.peak_s
    ]
    return Skin(
        float(np.median(values)),
        60 * float(np.polyfit(times - times[0], values, 1)[0]),
        len(responses) / minutes,
        sum(each.size_us for each in responses) / minutes,
        quality,
    )


def sound_skin(signal: Signal) -> NDArray[np.bool_]:
    """Return which samples of skin conductance are no artefact."""
    outside = (signal.values < _SKIN_US[0]) | (signal.values > _SKIN_US[1])
    jumps = np.abs(np.diff(signal.values, prepend=signal.values[:1])) * (signal.rate_hz or 1) > _SKIN_SLOPE_US
    reach = round(SKIN_AROUND_S * (signal.rate_hz or 1))
    near = np.convolve(outside | jumps, np.ones(2 * reach + 1), mode="same") > 0
    return ~near[: len(signal)] if len(signal) > 2 * reach else ~(outside | jumps)


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure of a time.

    Attributes:
        value: None below the least quality.
        quality: 0 to 1.
    """

    value: float | None
    quality: float


def breathing_rate(signal: Signal, start_s: float, end_s: float) -> Measured:
    """Return the breaths a minute between two times; quality is the share with plausible breaths."""
    lengths: list[float] = []
    for piece in signal.between(start_s, end_s).pieces(0.5):
        if piece.duration_s < 10 or (piece.rate_hz or 0) < 2:
            continue
        even = piece.even(_BREATH_HZ)
        wave = sosfiltfilt(butter(2, (0.06, 1.0), "bandpass", fs=_BREATH_HZ, output="sos"), even.values)
        spread = float(np.std(wave))
        if spread <= 1e-9 * (1 + float(np.abs(even.values).max())):
            continue
        peaks, about = find_peaks(wave, prominence=0.4 * spread, distance=round(_BREATHS_S[0] * _BREATH_HZ))
        depths = about["prominences"]
        deep = (depths > _BREATH_DEPTHS[0] * np.median(depths)) & (
            depths < _BREATH_DEPTHS[1] * np.median(depths)
        )
        apart = np.diff(peaks) / _BREATH_HZ
        usual = np.median(apart) if len(apart) else 0.0
        good = deep[1:] & deep[:-1] & (apart <= _BREATHS_S[1]) & (np.abs(apart - usual) <= 0.6 * usual)
        lengths += list(apart[good])
    covered = sum(lengths) + (float(np.median(lengths)) if lengths else 0.0)
    quality = min(1.0, covered / (end_s - start_s))
    return Measured(60 / float(np.mean(lengths)) if lengths and quality >= LEAST_QUALITY else None, quality)


def muscle_activity(signal: Signal, start_s: float, end_s: float) -> Measured:
    """Return a muscle's mean activity between two times, in the signal's unit.

    The mean of the rectified signal between 20 and 450 Hz. A signal without a negative value is rectified
    already, and one below 100 Hz is an envelope.
    """
    inside = signal.between(start_s, end_s)
    rate = inside.rate_hz or 0.0
    quality = coverage(inside, start_s, end_s) * (1 - rail_share(inside))
    if quality < LEAST_QUALITY or rate < 10:
        return Measured(None, quality if rate >= 10 else 0.0)
    if rate < 100 or inside.values.min() >= 0:
        return Measured(float(inside.values.mean()), quality)
    band = butter(4, (_MUSCLE_HZ[0], min(_MUSCLE_HZ[1], 0.45 * rate)), "bandpass", fs=rate, output="sos")
    parts = [np.abs(sosfiltfilt(band, each.values)) for each in inside.pieces() if len(each) > 60]
    return Measured(float(np.concatenate(parts).mean()) if parts else None, quality)


def temperature(signal: Signal, start_s: float, end_s: float) -> Measured:
    """Return the mean temperature of the skin between two times, in degrees Celsius."""
    inside = signal.between(start_s, end_s)
    sound = (inside.values >= _SKIN_DEGC[0]) & (inside.values <= _SKIN_DEGC[1])
    quality = coverage(inside, start_s, end_s) * float(sound.mean() if len(inside) else 0)
    return Measured(float(inside.values[sound].mean()) if quality >= LEAST_QUALITY else None, quality)


def coverage(inside: Signal, start_s: float, end_s: float) -> float:
    """Return the share of a time that has samples, 0 to 1."""
    return min(
        1.0, sum(each.duration_s + 1 / (each.rate_hz or 1e9) for each in inside.pieces()) / (end_s - start_s)
    )


def rail_share(signal: Signal) -> float:
    """Return the share of samples that stand at the lowest or highest value for a tenth of a second, 0 to 1.

    A signal that doesn't move at all stands there all the time.
    """
    values = signal.values
    run = max(3, round(_RAIL_S * (signal.rate_hz or 0)))
    if len(values) < run:
        return 0.0
    stuck = 0
    for rail in {float(values.min()), float(values.max())}:
        if rail == 0 and values.min() >= 0 and values.max() > 0:
            continue  # a muscle at rest
        edges = np.flatnonzero(np.diff(np.r_[False, values == rail, False].astype(np.int8)))
        lengths = edges[1::2] - edges[::2]
        stuck += int(lengths[lengths >= run].sum())
    return min(1.0, stuck / len(values))
