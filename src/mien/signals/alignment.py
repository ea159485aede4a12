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

from mien.signals.drift import Drift
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

LEAST_DRIFT_S: Final = 900.0
LEAST_DRIFT_READINGS: Final = 300
"""With a shorter film, or fewer readings, no drift is looked for."""
_LINE_S: Final = 1000.0
"""The drift is fitted in seconds a thousand, so that it is about as large as the shift."""
_WIDER: Final = 1.25
"""On made hearts, whose drift is known, intervals without it hold in 8 of 10 films and not in 9."""
_FITS, _DRIFT_DRAWS, _LEAST_MINUTES, _LEAST_SPREAD_BPM = 12, 400, 10, 0.3

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


def pulse_drift(
    readings: Sequence[PulseReading], course: RateCourse, shift_s: float
) -> tuple[float, float, Drift] | None:
    """Return how the shift changes while a film goes on, and so how much faster the body's clock runs.

    Args:
        readings: of one face, in the order of time.
        course: the body's rate by its own clock.
        shift_s: what has to be added to the body's times, as `pulse_lag` found it.

    Returns:
        The shift in the middle of the readings, that middle by the film's clock, and the drift, whose
        interval is that of a bootstrap over minutes. None with less than `LEAST_DRIFT_S` from the first
        reading to the last, or with too few minutes that tell.
    """
    times, rates = _known(readings)
    if len(times) < LEAST_DRIFT_READINGS or times[-1] - times[0] < LEAST_DRIFT_S:
        return None
    body = _smoothed(course)
    steep = np.gradient(body.per_min) * _HZ
    middle = float(times.mean())
    since = (times - middle) / _LINE_S
    shift, line = shift_s, 0.0
    for _ in range(_FITS):
        at = times - _EDGE_S - shift - line * since - body.start_s
        errors, slopes = (_between(each, at) for each in (body.per_min, steep))
        errors = rates - errors
        known = np.isfinite(errors) & np.isfinite(slopes)
        if known.sum() < LEAST_DRIFT_READINGS:
            return None
        spread = max(_LEAST_SPREAD_BPM, 1.48 * float(np.median(np.abs(errors[known]))))
        weights = 1 / (1 + (errors[known] / (2 * spread)) ** 2)
        # Where the shift grows, the body's earlier rate stands beside the reading.
        sides = np.stack([-slopes[known], -slopes[known] * since[known]], axis=1)
        minutes = ((times[known] - times[0]) // 60).astype(np.intp)
        count = int(minutes[-1]) + 1
        normal, right = np.zeros((count, 2, 2)), np.zeros((count, 2))
        np.add.at(normal, minutes, weights[:, None, None] * sides[:, :, None] * sides[:, None, :])
        np.add.at(right, minutes, (weights * errors[known])[:, None] * sides)
        if (np.abs(right).sum(axis=1) > 0).sum() < _LEAST_MINUTES or np.linalg.cond(normal.sum(0)) > 1e8:
            return None
        step = np.linalg.solve(normal.sum(axis=0), right.sum(axis=0))
        shift, line = shift + float(step[0]), line + float(step[1])
        if np.abs(step).max() < 1e-4:
            break
    if abs(shift - shift_s) > _AROUND_S:
        return None
    draws = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _DRIFT_DRAWS).astype(float)
    moved = np.linalg.solve(np.einsum("dm,mij->dij", draws, normal), (draws @ right)[:, :, None])[:, 1, 0]
    low, high = _WIDER * (np.quantile(moved, (0.05, 0.95)) - float(np.median(moved)))
    ppm = [-1e6 * (line + each) / _LINE_S for each in (0.0, high, low)]
    return shift, middle, Drift(ppm[0], ppm[1], ppm[2], float(times[-1] - times[0]))


def _between(course: Floats, at_s: Floats) -> Floats:
    """Return a course between its tenths of a second; NaN where it isn't known."""
    found: Floats = np.interp(at_s * _HZ, np.arange(len(course)), course, np.nan, np.nan)
    return found


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
