"""How much faster one clock runs than another, with its interval: by offsets between them, or by marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError

WIDEST_PPM: Final = 100.0
"""A drift whose 90 % interval reaches further than this to either side is shown, but not corrected: it would
be off by a third of a second after an hour."""
MOST_PPM: Final = 1000.0
"""No clock of a camera or a sensor is worse: more than this is a mistake."""
MARK_S: Final = 0.1
"""A person's mark, or what they read off a video, is true to about so much."""
_LEAST_OFFSETS, _LEAST_SPAN_S, _MOST_OFFSETS = 10, 60.0, 1000
_Z_90: Final = 1.645


@dataclass(frozen=True, slots=True)
class Drift:
    """How much faster a clock runs than the one that it is compared with.

    Attributes:
        ppm: in parts of a million; 17 are 1 ms a minute.
        low: where its 90 % interval begins.
        high: where it ends.
        span_s: over which time it was measured.
    """

    ppm: float
    low: float
    high: float
    span_s: float

    @property
    def known(self) -> bool:
        """Whether the interval leaves 0 out, is narrow, and a clock can be as wrong as that."""
        apart = self.low > 0 or self.high < 0
        narrow = max(self.high - self.ppm, self.ppm - self.low) <= WIDEST_PPM
        return apart and narrow and abs(self.ppm) <= MOST_PPM

    @property
    def words(self) -> str:
        """For a sentence such as "its clock ran ... against the video's"."""
        way = "faster" if self.ppm >= 0 else "slower"
        low, high = sorted((abs(self.low), abs(self.high)))
        reach = (
            f"{low:.0f} to {high:.0f}" if self.low * self.high > 0 else f"{self.low:+.0f} to {self.high:+.0f}"
        )
        return f"{ms_per_min(abs(self.ppm)):.1f} ms a minute {way} ({abs(self.ppm):.0f} ppm, 90 %: {reach})"


def ms_per_min(ppm: float) -> float:
    """Return a drift in milliseconds a minute."""
    return 0.06 * ppm


def drift_of(times_s: NDArray[np.float64], offsets_s: NDArray[np.float64]) -> Drift | None:
    """Return how fast a clock runs by what had to be added to it at some of its times.

    Args:
        times_s: by that clock.
        offsets_s: what the other showed more.

    Returns:
        By Theil and Sen, whom single offsets that a network has delayed don't move; None with fewer than ten
        offsets or over less than a minute.
    """
    from scipy.stats import theilslopes

    if len(times_s) < _LEAST_OFFSETS or np.ptp(times_s) < _LEAST_SPAN_S:
        return None
    every = slice(None, None, -(-len(times_s) // _MOST_OFFSETS))
    slope, _, low, high = theilslopes(offsets_s[every], times_s[every], 0.9)
    return Drift(-1e6 * slope, -1e6 * high, -1e6 * low, float(np.ptp(times_s)))


@dataclass(frozen=True, slots=True)
class MarkedClock:
    """How a clock lies to another by marks that both know.

    Attributes:
        shift_s: what the other shows more at `around_s`.
        around_s: the middle of the marks, by the first clock.
        uncertainty_s: half of the 90 % interval of the shift.
        drift: None with one mark.
        worst_s: how far a mark is from where the others put it; 0 with fewer than three.
    """

    shift_s: float
    around_s: float
    uncertainty_s: float
    drift: Drift | None
    worst_s: float


def clock_by_marks(pairs: Sequence[tuple[float, float]]) -> MarkedClock:
    """Return how a clock lies to another.

    Args:
        pairs: of each mark its time by the one clock and by the other, in seconds.

    Raises:
        ConfigError: two marks have one time, or the other clock would run backwards.
    """
    own, other = np.array(sorted(pairs), np.float64).T
    shifts = other - own
    around, count = float(own.mean()), len(own)
    if count == 1:
        return MarkedClock(float(shifts[0]), around, _Z_90 * MARK_S, None, 0.0)
    if np.any(np.diff(own) <= 0) or np.any(np.diff(other) <= 0):
        raise ConfigError("marks: expected different marks in the same order on both clocks")
    spread = float(((own - around) ** 2).sum())
    slope = float(((own - around) @ shifts) / spread)
    apart = shifts - shifts.mean() - slope * (own - around)
    error = max(MARK_S, float(np.sqrt((apart**2).sum() / (count - 2)))) if count > 2 else MARK_S
    reach = _Z_90 * error / np.sqrt(spread) * 1e6
    ppm = -1e6 * slope
    drift = Drift(ppm, ppm - reach, ppm + reach, float(np.ptp(own)))
    worst = float(np.abs(apart).max()) if count > 2 else 0.0
    return MarkedClock(float(shifts.mean()), around, _Z_90 * error / float(np.sqrt(count)), drift, worst)
