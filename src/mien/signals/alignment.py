"""How a body's clock lies to a film's: the shift at which the pulse of the face is that of the body.

Both give the heart's mean rate over some seconds, whose slow changes differ from minute to minute. The shift
is where they differ least; its interval is that of a bootstrap over blocks of readings; and it only counts if
courses that change as fast, but have nothing to do with the body (Theiler et al. 1992), fit worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.signals.face_pulse import WITHIN_BPM, PulseReading
from mien.signals.heart import Beats
from mien.signals.pulse_window import WINDOW_S

LEAST_READINGS: Final = 60
"""With fewer readings of the face's pulse no shift is looked for."""
WIDEST_S: Final = 1.0
"""A shift whose 90 % interval reaches further than this to either side is not used."""
_HZ: Final = 10
_EDGE_S: Final = 0.5
"""A reading is the mean rate of its window without so much at both ends."""
_LEAST_KNOWN: Final = 0.8
_COMMON: Final = 0.5
"""At a shift at least this share of the readings must have a rate of the body beside it."""
_COARSE_S, _AROUND_S = 1.0, 3.0
_BLOCK: Final = round(WINDOW_S)
"""Readings a second apart share their window; those of different blocks hardly do."""
_LIMIT_BPM: Final = 6.0
"""A reading that is further off counts no more than this."""
_DRAWS, _SURROGATES, _MOST_P = 200, 39, 0.05
_LEAST_SEEN_P: Final = 400

Floats = NDArray[np.float64]


class RateCourse(NamedTuple):
    """The heart's rate at every tenth of a second.

    Attributes:
        start_s: of the first.
        per_min: (n,) beats a minute from beat to beat; NaN where no beat is to be trusted.
    """

    start_s: float
    per_min: Floats

    @property
    def times_s(self) -> Floats:
        """When, (n,)."""
        return self.start_s + np.arange(len(self.per_min)) / _HZ


@dataclass(frozen=True, slots=True)
class Lag:
    """Where two clocks agree.

    Attributes:
        shift_s: what has to be added to the body's times.
        uncertainty_s: half of its 90 % interval.
        apart_bpm: the median difference of the rates there.
        p: how often chance fits as well.
        readings: of the face's pulse.
    """

    shift_s: float
    uncertainty_s: float
    apart_bpm: float
    p: float
    readings: int


def rate_course(beats: Beats) -> RateCourse:
    """Return the rate from beat to beat; empty without trusted beats."""
    if not beats.good.any():
        return RateCourse(0.0, np.array([]))
    start = np.floor(beats.times_s[0] * _HZ) / _HZ
    grid = start + np.arange(int((beats.times_s[-1] - start) * _HZ) + 1) / _HZ
    index = np.minimum(np.searchsorted(beats.times_s, grid), len(beats) - 1)
    lengths = np.where(beats.good, beats.intervals_s, np.nan)[index]
    # Beyond a gap the next beat's interval begins later.
    inside = grid >= beats.times_s[index] - lengths - 1 / _HZ
    return RateCourse(float(start), np.where(inside, 60 / lengths, np.nan))


def apart_bpm(readings: Sequence[PulseReading], course: RateCourse, shift_s: float) -> float | None:
    """Return the median difference of the face's rate and the body's; None where they share too little."""
    times, rates = _known(readings)
    errors = _differences(_smoothed(course), times, rates, np.array([shift_s]))[0]
    known = np.isfinite(errors)
    return float(np.median(errors[known])) if known.sum() >= _BLOCK else None


def pulse_lag(
    readings: Sequence[PulseReading], course: RateCourse, shifts_s: tuple[float, float] | None = None
) -> Lag | None:
    """Return the shift at which the pulse of a face is that of a body.

    Args:
        readings: of one face, in the order of time.
        course: the body's rate by its own clock.
        shifts_s: between which shifts to look; everywhere where both overlap if left out.

    Returns:
        None where there are too few readings, the rates never agree, more than one shift would do, or chance
        fits as well.
    """
    times, rates = _known(readings)
    body = _smoothed(course)
    if len(times) < LEAST_READINGS or not np.isfinite(body.per_min).any():
        return None
    first, last = shifts_s or (times[0] - course.times_s[-1], times[-1] - course.times_s[0])
    coarse = np.arange(first, last + 1e-9, _COARSE_S).round(1)
    near = coarse[int(np.argmin(_Blocks.of(body, times, rates, coarse).costs()))]
    fine = np.clip(near + np.arange(-_AROUND_S, _AROUND_S + 0.05, 1 / _HZ), first, last)
    shifts = np.unique(np.r_[coarse, fine].round(1))
    blocks = _Blocks.of(body, times, rates, shifts)
    costs = blocks.costs()
    best = int(np.argmin(costs))
    if not np.isfinite(costs[best]) or best in (0, len(shifts) - 1):
        return None
    apart = _differences(body, times, rates, shifts[best : best + 1])[0]
    low, high = np.quantile(shifts[blocks.drawn()], (0.05, 0.95))
    reach = max(high - shifts[best], shifts[best] - low, 1 / _HZ)
    middle = float(np.nanmedian(apart))
    if reach > WIDEST_S or middle > WITHIN_BPM:
        return None
    p = _chance(body, times, rates, coarse)
    return Lag(float(shifts[best]), float(round(reach, 2)), middle, p, len(times)) if p <= _MOST_P else None


def _known(readings: Sequence[PulseReading]) -> tuple[Floats, Floats]:
    known = [(each.time_s, each.rate_bpm) for each in readings if each.rate_bpm is not None]
    table = np.array(known, np.float64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def _smoothed(course: RateCourse) -> RateCourse:
    """Return the mean rate over the seconds before, as a face gives it; NaN where too little is known."""
    width = round((WINDOW_S - 2 * _EDGE_S) * _HZ)
    known = np.isfinite(course.per_min)
    sums, counts = (np.cumsum(np.r_[0.0, each]) for each in (np.where(known, course.per_min, 0), known))
    means = np.full(len(known), np.nan)
    if len(known) >= width:
        total, count = sums[width:] - sums[:-width], counts[width:] - counts[:-width]
        np.divide(total, count, out=means[width - 1 :], where=count >= _LEAST_KNOWN * width)
    return RateCourse(course.start_s, means)


def _differences(body: RateCourse, times_s: Floats, rates: Floats, shifts_s: Floats) -> Floats:
    """Return how far the rates are apart, (shifts, readings); NaN where the body's is not known."""
    if not len(body.per_min):
        return np.full((len(shifts_s), len(times_s)), np.nan)
    index = np.rint((times_s - _EDGE_S - body.start_s - shifts_s[:, None]) * _HZ).astype(np.intp)
    inside = (index >= 0) & (index < len(body.per_min))
    found = np.where(inside, body.per_min[np.clip(index, 0, len(body.per_min) - 1)], np.nan)
    return np.asarray(np.abs(found - rates))


class _Blocks(NamedTuple):
    """Sums of squared differences, and how many there are, (shifts, blocks)."""

    sums: Floats
    counts: Floats
    readings: int

    @classmethod
    def of(cls, body: RateCourse, times_s: Floats, rates: Floats, shifts_s: Floats) -> _Blocks:
        sums, counts = [], []
        for first in range(0, len(times_s), _BLOCK):
            part = slice(first, first + _BLOCK)
            errors = np.minimum(_differences(body, times_s[part], rates[part], shifts_s), _LIMIT_BPM)
            sums.append(np.nansum(errors**2, axis=1))
            counts.append(np.isfinite(errors).sum(axis=1))
        return cls(np.stack(sums, axis=1), np.stack(counts, axis=1).astype(np.float64), len(times_s))

    def costs(self, weights: Floats | None = None) -> Floats:
        """Return the mean squared difference at each shift; infinite where too little is known of it."""
        weights = np.ones(self.sums.shape[1]) if weights is None else weights
        enough = self.counts.sum(axis=1) >= max(LEAST_READINGS / 2, _COMMON * self.readings)
        count = self.counts @ weights
        costs = np.full(len(self.sums), np.inf)
        np.divide(self.sums @ weights, count, out=costs, where=enough & (count > 0))
        return costs

    def drawn(self) -> NDArray[np.intp]:
        """Return which shift is the best in each draw of blocks."""
        random, many = np.random.default_rng(0), self.sums.shape[1]
        draws = random.multinomial(many, np.full(many, 1 / many), _DRAWS).astype(np.float64)
        return np.array([int(np.argmin(self.costs(each))) for each in draws], np.intp)


def _chance(body: RateCourse, times_s: Floats, rates: Floats, shifts_s: Floats) -> float:
    """Return how often courses with the same spectrum and other phases fit as well at any shift."""
    even_s = np.arange(times_s[0], times_s[-1] + 1)
    even = np.interp(even_s, times_s, rates)
    spectrum, random = np.fft.rfft(even - even.mean()), np.random.default_rng(0)
    every = slice(None, None, max(1, len(times_s) // _LEAST_SEEN_P))
    as_good, cost = 0, _Blocks.of(body, times_s[every], rates[every], shifts_s).costs().min()
    for _ in range(_SURROGATES):
        turned = spectrum * np.exp(2j * np.pi * random.random(len(spectrum)))
        made = np.interp(times_s, even_s, even.mean() + np.fft.irfft(turned, len(even)))
        as_good += _Blocks.of(body, times_s[every], made[every], shifts_s).costs().min() <= cost
    return (1 + as_good) / (1 + _SURROGATES)
