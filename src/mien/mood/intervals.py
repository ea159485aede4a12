"""Intervals for figures of a course in time: the slowest waves say how sure a figure is.

Readings depend on those before them, so an interval that takes seconds for independent is many times too
narrow. What is uncertain about a mean is what moves slowly; so its variance is taken from the few slowest
waves of the recording alone, and the interval from Student's t with about as many degrees of freedom:

Lazarus, E., Lewis, D. J., Stock, J. H. & Watson, M. W. (2018). HAR inference: recommendations for practice.
Journal of Business & Economic Statistics 36, 541-559 (the equally weighted cosine estimator).
"""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple

import numpy as np
import scipy.fft
import scipy.special
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ends = tuple[float, float]
Scale = Literal["plain", "positive", "bounded", "correlation", "share", "rate"]

LEVEL: Final = 0.9
"""An interval covers the true value in so many of all cases; docs/mood.md has the share that was measured."""
_OUTSIDE: Final = (1 - LEVEL) / 2
"""Of these, so many are missed at each end."""
LEAST_S: Final = 450.0
"""Less doesn't know whether the face would have been another a few minutes later: no interval."""

_WAVE_S: Final = 150.0
"""There is one slow wave for so many seconds: their periods are five minutes and more."""
_FAST: Final = 4
"""The waves up to so many times as quick say how much is noise without a memory."""
_MEMORY_S: Final = 60.0
"""How long what moves slowly is taken to remember: as a face does that changes its manner every two minutes
on average, in no rhythm."""
_ROUNDING: Final = 1e-20
_PIECE_S: Final = 5.0
"""Where something was never or always so, each stretch of this length counts as one look at it."""


class Spread(NamedTuple):
    """How uncertain figures are.

    Attributes:
        variance: (k,) of each figure.
        pieces: (k,) how many independent seconds would say as much.
        freedom: degrees of freedom of the variances.
    """

    variance: Floats
    pieces: Floats
    freedom: int


def spread_of(influence: Floats) -> Spread:
    """Return the variance of figures from the influence of each second on them.

    The power of each wave, a cosine of j half periods, is the variance where nothing is remembered. The mean
    of the slowest ones' is taken for it. A memory of many seconds makes it too small, as power still falls
    from wave to wave. So what the slow waves have over the quick ones is taken for a part of the spectrum's
    1 / (1 + (60 s w)^2), and carried on to w = 0.

    Args:
        influence: (n, k) how much each second has moved each figure; the seconds in their order, at least
            `LEAST_S` of them.
    """
    seconds = len(influence)
    apart = influence - influence.mean(axis=0)
    slow = round(seconds / _WAVE_S)
    wave = np.arange(1, _FAST * slow + 1)
    power = seconds * scipy.fft.dct(apart, axis=0, norm="ortho")[wave] ** 2
    memory = 1 / (1 + (np.pi * wave / seconds * _MEMORY_S) ** 2)
    above, below = (each[:slow].mean(axis=0) for each in (power, memory))
    excess = np.maximum(0, above - power[slow:].mean(axis=0)) / (below - memory[slow:].mean())
    variance = above + excess * (1 - below)
    # What is less than this is rounding, of a figure that doesn't move.
    share = np.where(variance > _ROUNDING, (apart**2).sum(axis=0) / np.maximum(variance, _ROUNDING), 1)
    return Spread(variance, seconds * np.clip(share, 0, 1), slow - 1)


def interval(value: float, variance: float, freedom: int, scale: Scale, seconds: float) -> Ends:
    """Return a figure's interval.

    Taken where figures are about normally distributed, and brought back from there: the logarithm of what is
    positive, the logit of what lies between 0 and 1, Fisher's z of a correlation. Shares of time have the
    limits of as many looks as their variance says (Korn & Graubard 1998, Survey Methodology 24, 193-201),
    rates those of as many events, both by Jeffreys' prior (Brown, Cai & DasGupta 2001, Statistical Science
    16, 101-133). What was never seen has the exact end, the rule of three.

    Args:
        value: the figure.
        variance: of it.
        freedom: of the variance, at least 1.
        scale: what kind of figure it is.
        seconds: that it was looked for.
    """
    t = float(scipy.special.stdtrit(freedom, 1 - _OUTSIDE))
    if scale == "share":
        return _of_share(value, variance, t, seconds)
    if scale == "rate":
        return _of_rate(value, variance, t, seconds)
    width = t * math.sqrt(variance)
    if scale == "plain":
        return value - width, value + width
    if scale == "positive" and value > 0:
        return value * math.exp(-width / value), value * math.exp(min(width / value, 500.0))
    if scale == "bounded" and 0 < value < 1:
        middle, width = float(scipy.special.logit(value)), width / (value * (1 - value))
        return float(scipy.special.expit(middle - width)), float(scipy.special.expit(middle + width))
    if scale == "correlation" and abs(value) < 1:
        middle, width = math.atanh(value), width / (1 - value**2)
        return math.tanh(middle - width), math.tanh(middle + width)
    return value, value


def _of_share(value: float, variance: float, t: float, seconds: float) -> Ends:
    looks = seconds / _PIECE_S
    if variance > 0 and 0 < value < 1:
        looks = min(value * (1 - value) / variance * _normal_by(t), seconds)
    if value in (0.0, 1.0):
        never = -math.expm1(math.log(_OUTSIDE) / looks)
        return (0.0, never) if value == 0 else (1 - never, 1.0)
    yes, no = value * looks + 0.5, (1 - value) * looks + 0.5
    low, high = scipy.special.betaincinv(yes, no, [_OUTSIDE, 1 - _OUTSIDE])
    return min(value, float(low)), max(value, float(high))


def _of_rate(value: float, variance: float, t: float, seconds: float) -> Ends:
    """In events per minute."""
    if value == 0 or not variance > 0:
        return value, max(value, -math.log(_OUTSIDE) * 60 / seconds)
    events = value**2 / variance * _normal_by(t)
    low, high = scipy.special.gammaincinv(events + 0.5, [_OUTSIDE, 1 - _OUTSIDE]) * value / events
    return min(value, float(low)), max(value, float(high))


def _normal_by(t: float) -> float:
    """How many fewer looks or events count, as their number is itself only estimated."""
    return float(scipy.special.ndtri(1 - _OUTSIDE) / t) ** 2
