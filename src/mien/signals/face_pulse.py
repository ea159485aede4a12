"""Pulse from the face: the rate of the heart from the colour of the skin, once a second, or no reading.

Forehead and cheeks give a colour a frame (`skin.py`), three methods make waves of the last 12 s (`rppg.py`),
a filter follows the rate, and a quality says how likely it is right. Below `LEAST_QUALITY` it is no reading.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.signals.rppg import METHODS
from mien.signals.skin import REGIONS, skin_colours
from mien.types import Faces, Frame

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

WINDOW_S: Final = 12.0
"""Each reading tells the mean rate of so long a time before it."""
LEAST_QUALITY: Final = 0.65
"""Below this quality there is no reading."""
WITHIN_BPM: Final = 2.0
"""Quality is how likely the rate is right within this."""
RATES_BPM: Final = np.arange(40, 180.5, 0.5)
"""The rates that are looked for."""

_RATE_HZ: Final = 30.0
_COUNT: Final = round(WINDOW_S * _RATE_HZ)
_TRANSFORM: Final = round(120 * _RATE_HZ)  # so that a bin is half a beat a minute
_BINS: Final = slice(80, 80 + len(RATES_BPM))
_BPM: Final = np.arange(2 * _BINS.stop) / 2
_LEAST_HZ, _LEAST_SEEN, _LONGEST_GAP_S, _LEAST_REGIONS = 12.0, 0.8, 0.5, 2
"""At least two regions must be seen, 12 times a second, in this share of the window, without longer gaps."""
_STEP, _STEPS_USUAL = 0.008, 6.0
"""Where a colour differs from the last frame's by more than this share, and by more than so many usual steps,
the light has changed, which is taken out."""
_FASTEST: Final = 1.0
"""A face that moves by more inter-ocular distances a second is blurred, and lit anew."""
_WANDER_BPM, _ANEW, _WEIGHT = 2.5, 0.02, 0.7
"""In a second a rate changes by about the first, or with the second's chance to any other. The third is how
much a spectrum counts: those of neighbouring seconds share most of their window."""
_PASSED_BPM: Final = 12.0
_TINY: Final = 1e-12
_EDGE: Final = round(0.5 * _RATE_HZ)
_NEAR_BPM, _NEAR_DOUBLE_BPM = 6.0, 8.0
_BAND_BPM: Final = (138.0, 102.0)  # its middle, and how far it reaches

_TONE: Final = np.array([0.33, 0.77, 0.53]) - 1.63 / 3
_TONE_DIRECTION: Final = _TONE / np.linalg.norm(_TONE)
"""The colour in which a pulse changes skin, without brightness (de Haan and van Leest 2014)."""
_QUALITY: Final = (-3.982, np.array([1.595, -3.183, 4.074, -0.512, -2.002]))
"""A logistic regression on `_signs`, fitted on films and colours made of other people and waves than it was
measured on (`benchmarks/face_pulse.py`)."""
_LEAST_RATIO, _DOUBTED = -0.2, 0.5
"""A rate with less power, against the rest, than the first (a logarithm) is doubted, however well all else
fits: colour noise that all regions share, such as a camera's, can look like a pulse otherwise."""


@dataclass(frozen=True, slots=True)
class PulseReading:
    """What a face says of the pulse at one time.

    Attributes:
        time_s: when, in whole seconds of the source's clock.
        track: which face; None where none was seen in the last second.
        rate_bpm: the mean rate of the last 12 s, in beats a minute; None is "no reading".
        quality: how likely that rate is right within 2 beats a minute, 0 to 1; 0 where nothing could be seen.
        methods: those of `rppg.METHODS` whose own rate is within that; empty without a reading.
    """

    time_s: float
    track: int | None = None
    rate_bpm: float | None = None
    quality: float = 0.0
    methods: tuple[str, ...] = ()


class _Sample(NamedTuple):
    time_s: float
    colours: Floats  # (regions, 3)
    place: Floats  # x, y, and the distance of the eyes, in pixels


class FacePulses:
    """Reads the pulse of each face of one source, frame after frame, once a second.

    A reading depends on the frames before it alone: a film cut short gives the same readings up to there.

    Example:
        >>> import mien
        >>> pulses = FacePulses()
        >>> for frame, faces in mien.stream("session.mp4"):  # doctest: +SKIP
        ...     for reading in pulses.read(frame, faces):
        ...         print(reading.time_s, reading.rate_bpm or "no reading")
    """

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._last_s: float | None = None

    def read(self, frame: Frame, faces: Faces) -> list[PulseReading]:
        """Add the next frame.

        Args:
            frame: in rising order of time; one that is late is passed over.
            faces: with landmarks and tracks.

        Returns:
            For each whole second that has passed since the last frame one reading of each face that was seen
            in that second, or one without a track. After a gap that is longer than a window, only its end.
        """
        whole = np.isfinite(faces.landmarks).all(axis=(1, 2))
        return self.add(
            frame.time_s,
            {
                track: (skin_colours(frame.image, landmarks), landmarks)
                for track, landmarks in zip(faces.track[whole].tolist(), faces.landmarks[whole], strict=True)
            },
        )

    def add(
        self, time_s: float, seen: Mapping[int, tuple[Floats, NDArray[np.floating]]]
    ) -> list[PulseReading]:
        """Add the next frame where the colours have been taken already; as `read`.

        Args:
            time_s: the frame's time.
            seen: by track, the colours as of `skin_colours`, and (68, 2) landmarks in pixels.
        """
        last_s = self._last_s
        if last_s is not None and time_s <= last_s:
            return []
        self._last_s = time_s
        readings: list[PulseReading] = []
        if last_s is not None:
            for second in range(max(floor(last_s) + 1, floor(time_s - WINDOW_S)), floor(time_s) + 1):
                readings += self._read_at(float(second))
        for track, (colours, landmarks) in seen.items():
            sample = _Sample(time_s, colours, _place(landmarks))
            self._people.setdefault(track, _Person()).samples.append(sample)
        return readings

    def _read_at(self, time_s: float) -> list[PulseReading]:
        for person in self._people.values():
            person.forget(time_s - WINDOW_S)
        self._people = {track: person for track, person in self._people.items() if person.samples}
        there = {
            track: person for track, person in self._people.items() if person.samples[-1].time_s >= time_s - 1
        }
        return [person.read(time_s, track) for track, person in there.items()] or [PulseReading(time_s)]


class _Person:
    """One face: what was seen of it in the last window, and which rates are likely."""

    def __init__(self) -> None:
        self.samples: deque[_Sample] = deque()
        self._rates: Floats | None = None

    def forget(self, until_s: float) -> None:
        while self.samples and self.samples[0].time_s < until_s:
            self.samples.popleft()

    def read(self, time_s: float, track: int) -> PulseReading:
        window = _window(self.samples, time_s)
        if window is None:
            self._rates = None
            return PulseReading(time_s, track)
        seen = _evidence(window)
        self._rates = _followed(self._rates, seen.shares)
        near_bpm = _likeliest(self._rates)
        turning, swell = _turning(seen.waves, near_bpm)
        together = turning[:, 0]
        rate_bpm = float(np.median(together))
        quality = _quality(_signs(seen, near_bpm, turning, swell[0, 0]))
        if quality < LEAST_QUALITY:
            return PulseReading(time_s, track, quality=quality)
        agree = np.abs(together - rate_bpm) <= WITHIN_BPM
        methods = tuple(name for name, agrees in zip(METHODS, agree, strict=True) if agrees)
        return PulseReading(time_s, track, rate_bpm, quality, methods)


def _place(landmarks: NDArray[np.floating]) -> Floats:
    left, right = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    return np.array([*landmarks[27:36].mean(axis=0), np.hypot(*(right - left))], np.float64)


class _Window(NamedTuple):
    """The last seconds at even times: colours (regions, n, 3) around 1, places (n, 2) in eyes' distances."""

    colours: Floats
    places: Floats


def _window(samples: deque[_Sample], time_s: float) -> _Window | None:
    """Return the window that ends at a time; None where too little of it was seen."""
    if len(samples) < _LEAST_HZ * WINDOW_S * _LEAST_SEEN:
        return None
    times_s = np.array([each.time_s for each in samples])
    places = np.array([each.place for each in samples])
    places = places[:, :2] / max(float(np.median(places[:, 2])), 1.0)
    calm = np.r_[True, np.linalg.norm(np.diff(places, axis=0), axis=1) <= _FASTEST * np.diff(times_s)]
    colours = np.array([each.colours for each in samples])
    grid_s = time_s - np.arange(_COUNT)[::-1] / _RATE_HZ
    regions = []
    for index in range(len(REGIONS)):
        usable = calm & np.isfinite(colours[:, index]).all(axis=1)
        if (levelled := _levelled(times_s[usable], colours[usable, index], grid_s)) is not None:
            regions.append(levelled)
    if len(regions) < _LEAST_REGIONS:
        return None
    return _Window(np.array(regions), _even(times_s, places, grid_s))


def _levelled(times_s: Floats, colours: Floats, grid_s: Floats) -> Floats | None:
    """Return a region's colours at even times without the steps of light; None where too few were seen."""
    if len(times_s) < _LEAST_HZ * WINDOW_S * _LEAST_SEEN:
        return None
    if max(times_s[0] - grid_s[0], grid_s[-1] - times_s[-1]) > _LONGEST_GAP_S:
        return None
    steps_s = np.diff(times_s)
    if steps_s[steps_s <= _LONGEST_GAP_S].sum() < _LEAST_SEEN * WINDOW_S:
        return None
    steps = np.diff(np.log(colours), axis=0)
    sizes = np.abs(steps).max(axis=1)
    steps[(sizes > max(_STEP, _STEPS_USUAL * float(np.median(sizes)))) | (steps_s > _LONGEST_GAP_S)] = 0
    even = _even(times_s, np.concatenate([np.zeros((1, 3)), np.cumsum(steps, axis=0)]), grid_s)
    return np.asarray(np.exp(even - even.mean(axis=0)))


def _even(times_s: Floats, values: Floats, grid_s: Floats) -> Floats:
    return np.stack([np.interp(grid_s, times_s, column) for column in values.T], axis=1)


class _Evidence(NamedTuple):
    """What a window says.

    Attributes:
        shares: (rates,) how much of the waves' power each rate has; they sum to 1.
        power: (methods, 1 + regions, bins) of the waves at `_BPM`; first of all regions together.
        waves: (methods, 1 + regions, all bins) their complex spectra.
        tones: (bins, 3) the colours' complex spectra, of all regions together.
        motion: (bins,) the places' power.
    """

    shares: Floats
    power: Floats
    waves: Complex
    tones: Complex
    motion: Floats


def _evidence(window: _Window) -> _Evidence:
    """Return what a window says of the rate."""
    together = np.concatenate([window.colours.mean(axis=0, keepdims=True), window.colours])
    waves = np.stack([method(together, _RATE_HZ) for method in METHODS.values()])
    power = np.abs(_spectra(waves)) ** 2
    shares = power[..., _BINS] / (power[..., _BINS].sum(axis=-1, keepdims=True) + _TINY)
    return _Evidence(
        0.5 * shares[:, 0].mean(axis=0) + 0.5 * shares[:, 1:].mean(axis=(0, 1)),
        power,
        np.fft.rfft(waves - waves.mean(axis=-1, keepdims=True), _TRANSFORM),
        _spectra(together[0].T).T,
        (np.abs(_spectra(window.places.T)) ** 2).sum(axis=0),
    )


def _spectra(waves: Floats) -> Complex:
    """Return the spectra of waves, (..., n), without their slope, at `_BPM`."""
    count = waves.shape[-1]
    way = np.linspace(-1, 1, count)
    level = waves - waves.mean(axis=-1, keepdims=True)
    level -= ((level @ way) / (way @ way))[..., None] * way
    return np.fft.rfft(level * np.hanning(count), _TRANSFORM)[..., : len(_BPM)]


_CHANGE: Final = np.exp(-np.abs(RATES_BPM[:, None] - RATES_BPM) / _WANDER_BPM)
_CHANGES: Final = (1 - _ANEW) * _CHANGE / _CHANGE.sum(axis=0) + _ANEW / len(RATES_BPM)


def _followed(rates: Floats | None, shares: Floats) -> Floats:
    """Return how likely each rate is, after another second."""
    before = np.full(len(RATES_BPM), 1 / len(RATES_BPM)) if rates is None else _CHANGES @ rates
    likely = before * (shares + 1e-4) ** _WEIGHT
    return np.asarray(likely / likely.sum())


def _likeliest(rates: Floats) -> float:
    near = np.abs(RATES_BPM - RATES_BPM[rates.argmax()]) <= _WANDER_BPM
    return float(rates[near] @ RATES_BPM[near] / rates[near].sum())


def _turning(spectra: Complex, near_bpm: float) -> tuple[Floats, Floats]:
    """Return the mean rate of waves, by how often they turn near a rate, and how much they swell.

    A spectrum's peak is the rate in the middle of the window, to which its taper gives most weight; the mean
    rate is how many beats there are between both ends.

    Returns:
        (...) beats a minute, and (...) the spread of the height over its mean: about 0.5 for mere noise.
    """
    bins = np.arange(spectra.shape[-1]) / 2
    passed = np.zeros((*spectra.shape[:-1], _TRANSFORM), complex)
    passed[..., : len(bins)] = spectra * np.exp(-0.5 * ((bins - near_bpm) / _PASSED_BPM) ** 2)
    part = np.fft.ifft(passed)[..., _EDGE : _COUNT - _EDGE]
    turns = np.angle(part[..., 1:] * part[..., :-1].conj()).sum(axis=-1) / (2 * np.pi)
    heights = np.abs(part)
    swell = heights.std(axis=-1) / (heights.mean(axis=-1) + _TINY)
    return np.asarray(60 * _RATE_HZ * turns / (part.shape[-1] - 1)), np.asarray(swell)


def _signs(seen: _Evidence, near_bpm: float, turning: Floats, swell: float) -> Floats:
    """Return what tells a right rate from a wrong one.

    Returns:
        The log of the power, in POS's wave of all regions together, at the rate and its double over the
        rest; the log of how far, in beats a minute, the regions' rates lie from that of all together; which
        share of the change of colour at the rate is that of a pulse; the log of how far the face moves at
        the rate, in inter-ocular distances; and how much the wave swells.
    """
    near = np.abs(_BPM - near_bpm) <= _NEAR_BPM
    band = np.abs(_BPM - _BAND_BPM[0]) <= _BAND_BPM[1]
    beats = near | (band & (np.abs(_BPM - 2 * near_bpm) <= _NEAR_DOUBLE_BPM))
    power = seen.power[0, 0]
    ratio = power[beats].sum() / (power[band & ~beats].sum() + _TINY)
    apart = np.abs(turning[:, 1:] - np.median(turning[:, 0])).mean()
    tones = seen.tones[near] - seen.tones[near].mean(axis=1, keepdims=True)
    tone = (np.abs(tones @ _TONE_DIRECTION) ** 2).sum() / ((np.abs(tones) ** 2).sum() + _TINY)
    moved = np.sqrt(seen.motion[near].max()) / (
        _COUNT / 4
    )  # a Hann window halves an amplitude, and so does one side
    return np.array([np.log10(ratio + _TINY), np.log10(apart + 0.3), tone, np.log10(moved + 1e-4), swell])


def _quality(signs: Floats) -> float:
    constant, weights = _QUALITY
    quality = float(1 / (1 + np.exp(-(constant + weights @ signs))))
    return quality if signs[0] >= _LEAST_RATIO else min(quality, _DOUBTED)
