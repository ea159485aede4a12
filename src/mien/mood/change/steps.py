"""When a change began, and whether it is over: steps of a level under an autoregression.

The days are made independent by the person's own autoregression, as in `ar1`. A level that moves from a day
on adds known amounts to these independent values, so that the likelihood of each beginning and each end is
that of a linear regression (Hinkley 1970, for independent days). Everything is written as a gain: by how much
the log-likelihood rises when the step is allowed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SURE: Final = 0.9
"""The probability that the interval of a beginning is to hold."""

OVER_GAIN: Final = 2.5
"""By how much the log-likelihood has to rise for a change to be over; docs/change.md has the rates."""

LEAST_DAYS_BACK: Final = 3
"""Days with a figure that say that a change is over: one odd day ends none."""

_SIZE_SD: Final = 2.0
"""How large changes are taken to be before the days are seen, in standard deviations of own days."""


class Whitened(NamedTuple):
    """Days that were made independent of each other, and what a step of 1 adds to them.

    Attributes:
        errors: (n,) the errors of the forecasts, with a standard deviation of 1.
        jump: (n,) what is added on the first day of a step.
        hold: (n,) what is added on its further days.
        back: (n,) what is added on the first day behind it.
    """

    errors: Floats
    jump: Floats
    hold: Floats
    back: Floats

    @classmethod
    def of(cls, far: Floats, days: Ints, phi: float) -> Whitened:
        """Whiten days by an autoregression.

        Args:
            far: (n + 1,) deviations from usual, in standard deviations of own days; the first is the last day
                of the baseline, from which the next is forecast.
            days: (n + 1,) rising whole numbers.
            phi: correlation from one day to the next.
        """
        kept = phi ** np.diff(days).astype(np.float64)
        scale = np.sqrt(1 - kept**2)
        return cls((far[1:] - kept * far[:-1]) / scale, 1 / scale, (1 - kept) / scale, -kept / scale)


class Onset(NamedTuple):
    """When a step most likely began, by places of days.

    Attributes:
        place: the first day of the step, by maximum likelihood.
        low, high: the ends of the shortest stretch of beginnings with a probability of `SURE`.
    """

    place: int
    low: int
    high: int


def onset(days: Whitened, start: int, stop: int, direction: int) -> Onset:
    """Date a step that goes on to the last of some days, by maximum likelihood.

    Each beginning pays the logarithm of what its days say of the size. Without that, some uncommon days
    before a change are taken for its first ones: for an autocorrelation of 0.4 and a change of 2 SD, 6 % of
    dates were more than a week early, and 4 % are. The probabilities behind the interval are those
    likelihoods with the size integrated out (Smith 1975), with the same payment.

    Args:
        days: independent values.
        start: the first place at which it may have begun.
        stop: the place behind the last day.
        direction: 1 for a level above usual, -1 for one below; beginnings with the other sign don't count.
    """
    product, squares = _lasting(days, start, stop)
    able = direction * product > 0
    if not able.any():
        return Onset(start, start, stop - 1)
    precision = squares + _SIZE_SD**-2
    place = int(np.where(able, product**2 / (2 * squares) - np.log(squares), -np.inf).argmax())
    chance = np.where(able, product**2 / (2 * precision) - np.log(precision), -np.inf)
    low, high = _shortest(np.exp(chance - chance.max()))
    return Onset(start + place, start + min(low, place), start + max(high, place))


def ending(days: Whitened, begin: int, stop: int, direction: int) -> tuple[int, float] | None:
    """Find the day on which the level most likely was back at usual.

    Args:
        days: independent values.
        begin: the place of the step's first day.
        stop: the place behind the last day.
        direction: of the step.

    Returns:
        The place of the first day back, and by how much the log-likelihood is above that of a step that goes
        on; None where fewer than `LEAST_DAYS_BACK` days would be back.
    """
    if stop - begin <= LEAST_DAYS_BACK:
        return None
    products, squares = days.hold * days.errors, days.hold**2
    inside = slice(begin + 1, stop)
    product = days.jump[begin] * days.errors[begin] + np.append(0.0, products[inside].cumsum())
    square = days.jump[begin] ** 2 + np.append(0.0, squares[inside].cumsum())
    lasting = max(direction * product[-1], 0.0) ** 2 / (2 * square[-1])
    places = np.arange(begin + 1, stop)
    held = places - begin - 1
    ended = product[held] + days.back[places] * days.errors[places]
    gain = np.maximum(direction * ended, 0) ** 2 / (2 * (square[held] + days.back[places] ** 2))
    best = int(gain.argmax())
    if places[best] > stop - LEAST_DAYS_BACK:
        return None
    return int(places[best]), float(gain[best] - lasting)


def _lasting(days: Whitened, start: int, stop: int) -> tuple[Floats, Floats]:
    """(stop - start,) for each beginning: the product of step and values, and the step's sum of squares."""
    part = slice(start, stop)
    errors, jump, hold = days.errors[part], days.jump[part], days.hold[part]
    return jump * errors + _later(hold * errors), jump**2 + _later(hold**2)


def _later(values: Floats) -> Floats:
    """For each place the sum of all later values."""
    return np.asarray(values[::-1].cumsum()[::-1] - values)


def _shortest(weights: Floats) -> tuple[int, int]:
    """Find the shortest stretch that holds `SURE` of the weight."""
    total = np.append(0.0, weights.cumsum())
    ends = np.searchsorted(total, total[:-1] + SURE * total[-1] * (1 - 1e-12))
    lengths = np.where(ends < len(total), ends - np.arange(len(weights)), len(total))
    low = int(lengths.argmin())
    return low, int(min(ends[low], len(weights)) - 1)
