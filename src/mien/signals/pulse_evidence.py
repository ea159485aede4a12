"""What a window of a face's colours says of the pulse: which rates are likely, and how sure one is.

The weights of the signs stand in `pulse_quality.json`; `benchmarks/fit_pulse_quality.py` writes it anew.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.signals.pulse_window import COUNT, RATE_HZ, Window
from mien.signals.rppg import METHODS, pos

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

RATES_BPM: Final = np.arange(40, 180.5, 0.5)
"""The rates that are looked for."""
SIGNS: Final = ("ratio", "apart", "tone", "moved", "swell")
"""What tells a right rate from a wrong one, by weights that are learned."""

_TRANSFORM: Final = round(120 * RATE_HZ)  # so that a bin is half a beat a minute
_BINS: Final = slice(80, 80 + len(RATES_BPM))
_BPM: Final = np.arange(2 * _BINS.stop) / 2
_PARTS: Final = 4
"""Regions are compared in so many parts of a face: one alone is too noisy after compression."""
_PASSED_BPM: Final = 12.0
_TINY: Final = 1e-12
_EDGE: Final = round(0.5 * RATE_HZ)
_NEAR_BPM, _NEAR_DOUBLE_BPM = 6.0, 8.0
_BAND_BPM: Final = (138.0, 102.0)  # its middle, and how far it reaches

_TONE: Final = np.array([0.33, 0.77, 0.53]) - 1.63 / 3
_TONE_DIRECTION: Final = _TONE / np.linalg.norm(_TONE)
"""The colour in which a pulse changes skin, without brightness (de Haan and van Leest 2014)."""
_LEAST_RATIO, _MOST_LIGHT, _DOUBTED = -0.2, 0.4, 0.5
"""A rate with less power, against the rest, than the first (a logarithm) is doubted, however well all else
fits: colour noise that all regions share, such as a camera's, can look like a pulse otherwise. So is one with
which the background beats more than the second: in step, and half as much again as the skin."""


class Evidence(NamedTuple):
    """What a window says.

    Attributes:
        shares: (rates,) how much of the waves' power each rate has; they sum to 1.
        wave: (bins,) the complex spectrum, at `_BPM`, of POS's wave of all regions together.
        light: (bins,) the same of the background; zeros where it was not seen.
        waves: (methods, 1 + parts, all bins) complex spectra; first of all regions together.
        weights: (parts,) how much each counts; they sum to 1.
        tones: (bins, 3) the colours' complex spectra, of all regions together.
        motion: (bins,) the places' power.
    """

    shares: Floats
    wave: Complex
    light: Complex
    waves: Complex
    weights: Floats
    tones: Complex
    motion: Floats


def evidence(window: Window) -> Evidence:
    """Return what a window says of the rate."""
    each, weights = _parts(window.colours)
    together = np.tensordot(weights, each, axes=1)
    waves = np.stack([method(np.stack([together, *each]), RATE_HZ) for method in METHODS.values()])
    spectra = _spectra(waves)
    power = np.abs(spectra) ** 2
    light = np.zeros(len(_BPM), complex)
    if window.background is not None:
        light = _spectra(pos(window.background, RATE_HZ))
    shares = power[..., _BINS] / (power[..., _BINS].sum(axis=-1, keepdims=True) + _TINY)
    return Evidence(
        0.5 * shares[:, 0].mean(axis=0) + 0.5 * weights @ shares[:, 1:].mean(axis=0),
        spectra[0, 0],
        light,
        np.fft.rfft(waves - waves.mean(axis=-1, keepdims=True), _TRANSFORM),
        weights,
        _spectra(together.T).T,
        (np.abs(_spectra(window.places.T)) ** 2).sum(axis=0),
    )


def _parts(colours: Floats) -> tuple[Floats, Floats]:
    """Return the colours of parts of the face, (parts, n, 3), and how much each counts, (parts,); sum 1.

    A region counts less where more changes than elsewhere, as where a mouth moves.
    """
    changes = (np.abs(_spectra(pos(colours, RATE_HZ))[:, _BINS]) ** 2).sum(axis=-1)
    weights = 1 / (changes + np.median(changes) + _TINY)
    weights /= weights.sum()
    members = np.array_split(np.arange(len(weights)), min(_PARTS, len(weights)))
    counts = np.array([weights[some].sum() for some in members])
    parts = [np.tensordot(weights[some], colours[some], axes=1) for some in members]
    return np.array(parts) / counts[:, None, None], counts


def _spectra(waves: Floats) -> Complex:
    """Return the spectra of waves, (..., n), without their slope, at `_BPM`."""
    count = waves.shape[-1]
    way = np.linspace(-1, 1, count)
    level = waves - waves.mean(axis=-1, keepdims=True)
    level -= ((level @ way) / (way @ way))[..., None] * way
    return np.fft.rfft(level * np.hanning(count), _TRANSFORM)[..., : len(_BPM)]


def turning(spectra: Complex, near_bpm: float) -> tuple[Floats, Floats]:
    """Return the mean rate of waves, by how often they turn near a rate, and how much they swell.

    A spectrum's peak is the rate in the middle of the window, to which its taper gives most weight; the mean
    rate is how many beats there are between both ends.

    Args:
        spectra: (..., all bins) complex.
        near_bpm: the rate.

    Returns:
        (...) beats a minute, and (...) the spread of the height over its mean: about 0.5 for mere noise.
    """
    bins = np.arange(spectra.shape[-1]) / 2
    passed = np.zeros((*spectra.shape[:-1], _TRANSFORM), complex)
    passed[..., : len(bins)] = spectra * np.exp(-0.5 * ((bins - near_bpm) / _PASSED_BPM) ** 2)
    part = np.fft.ifft(passed)[..., _EDGE : COUNT - _EDGE]
    turns = np.angle(part[..., 1:] * part[..., :-1].conj()).sum(axis=-1) / (2 * np.pi)
    heights = np.abs(part)
    swell = heights.std(axis=-1) / (heights.mean(axis=-1) + _TINY)
    return np.asarray(60 * RATE_HZ * turns / (part.shape[-1] - 1)), np.asarray(swell)


def signs(seen: Evidence, near_bpm: float, rates_bpm: Floats, swell: float) -> Floats:
    """Return what tells a right rate from a wrong one.

    Args:
        seen: of the window.
        near_bpm: the likeliest rate.
        rates_bpm: (methods, 1 + parts) the waves' mean rates, as of `turning`.
        swell: how much POS's wave of all regions together swells.

    Returns:
        The values of `SIGNS`, and one more: the log of the power, in POS's wave of all regions together, at
        the rate and its double over the rest; the log of how far, in beats a minute, the parts' rates lie
        from that of all together; which share of the change of colour at the rate is that of a pulse; the log
        of how far the face moves at the rate, in inter-ocular distances; how much the wave swells; and last,
        how far the background changes in step with the wave and as much, 0 to 1: by light, not by blood.
    """
    near = np.abs(_BPM - near_bpm) <= _NEAR_BPM
    band = np.abs(_BPM - _BAND_BPM[0]) <= _BAND_BPM[1]
    beats = near | (band & (np.abs(_BPM - 2 * near_bpm) <= _NEAR_DOUBLE_BPM))
    power = np.abs(seen.wave) ** 2
    ratio = power[beats].sum() / (power[band & ~beats].sum() + _TINY)
    apart = (np.abs(rates_bpm[:, 1:] - np.median(rates_bpm[:, 0])) @ seen.weights).mean()
    tones = seen.tones[near] - seen.tones[near].mean(axis=1, keepdims=True)
    tone = (np.abs(tones @ _TONE_DIRECTION) ** 2).sum() / ((np.abs(tones) ** 2).sum() + _TINY)
    # A Hann window halves an amplitude, and so does one side of a spectrum.
    moved = np.sqrt(seen.motion[near].max()) / (COUNT / 4)
    own, other = np.sqrt(power[near].sum()), np.linalg.norm(seen.light[near])
    step = np.abs(np.vdot(seen.light[near], seen.wave[near])) / (own * other + _TINY)
    lit = step * other / (own + other + _TINY)
    return np.array(
        [np.log10(ratio + _TINY), np.log10(apart + 0.3), tone, np.log10(moved + 1e-4), swell, lit]
    )


def quality(values: Floats) -> float:
    """Return how likely a rate is right within 2 beats a minute, by its `signs`."""
    learned = _learned()
    likely = float(
        1 / (1 + np.exp(-(learned["constant"] + np.dot(learned["weights"], values[: len(SIGNS)]))))
    )
    return doubted(likely, values)


def doubted(likely: float, values: Floats) -> float:
    """Return how likely a rate is right, less where one of its `signs` alone speaks against it."""
    ratio, light = values[0], values[-1]
    return min(likely, _DOUBTED) if ratio < _LEAST_RATIO or light > _MOST_LIGHT else likely


@cache
def _learned() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        files("mien.signals").joinpath("pulse_quality.json").read_text("utf-8")
    )
    if tuple(found["signs"]) != SIGNS:
        raise ValueError(f"pulse_quality.json: expected the signs {SIGNS}, received {found['signs']}")
    return found
