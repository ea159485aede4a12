"""Blinks, as short dips of the eyes' openness.

Mien's own landmarks are too coarse for it (docs/measures.md), so table and summary have no blinks; this is
for openness from finer ones.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, NamedTuple

import numpy as np

SHORTEST_S, LONGEST_S = 0.03, 0.5
"""What is shorter than the first is noise, and eyes that are shut for longer than the second don't blink; a
blink takes 0.1 to 0.4 s from its beginning to its end (Soukupova & Cech 2016)."""
LONGEST_STEP_S: Final = 0.1
"""Between frames further apart than this a blink may be lost, so that time counts as not watched."""

_MEMORY_S, _LEAST_MEMORY_S = 1.0, 0.5
_LEAST_OPEN, _LEAST_DIP, _DIP_SHARE, _DIP_NOISE = 0.15, 0.05, 0.25, 5.0


class Blink(NamedTuple):
    """One blink.

    Attributes:
        onset_s: when the eyes began to be shut.
        length_s: how long they were shut.
    """

    onset_s: float
    length_s: float


class BlinkDetector:
    """Sees one person's blinks.

    Eyes count as shut while their openness is below its median of the last second by more than a quarter of
    it, 0.05, and five standard deviations of its noise. Eyes that are hardly open (median below 0.15) are not
    watched. Glances down that are as quick look alike.

    Attributes:
        watched_s: how long a blink would have been seen.
    """

    def __init__(self) -> None:
        self.watched_s = 0.0
        self._past: deque[tuple[float, float]] = deque()
        self._onset_s: float | None = None

    def watch(self, openness: float, time_s: float) -> Blink | None:
        """Add the next frame.

        Args:
            openness: of the eyes, as `shape.measure` gives it; NaN where it is not known.
            time_s: when, in rising order.

        Returns:
            The blink that has ended with this frame, if one has.
        """
        if math.isnan(openness):
            return None
        blink = self._step(openness, time_s)
        self._past.append((time_s, openness))
        while time_s - self._past[0][0] > _MEMORY_S:
            self._past.popleft()
        return blink

    def _step(self, openness: float, time_s: float) -> Blink | None:
        then_s, before = self._past[-1] if self._past else (-math.inf, math.nan)
        step_s = time_s - then_s
        usual, dip = self._usual() if 0 < step_s <= LONGEST_STEP_S else (math.nan, math.nan)
        if math.isnan(dip):
            self._onset_s = None
            return None
        self.watched_s += step_s
        if self._onset_s is None:
            if openness < usual - dip <= before:
                self._onset_s = then_s + step_s * (before - usual + dip) / (before - openness)
            return None
        # They are open again at half of the dip, so that noise doesn't make two blinks of one.
        if openness < usual - dip / 2:
            return None
        onset_s, self._onset_s = self._onset_s, None
        length_s = time_s - step_s / 2 - onset_s
        return Blink(onset_s, length_s) if SHORTEST_S <= length_s <= LONGEST_S else None

    def _usual(self) -> tuple[float, float]:
        """Return the usual openness, and how far below it eyes are shut; NaN where that can't be said."""
        openness = np.array([value for _, value in self._past])
        usual = float(np.median(openness))
        if self._past[-1][0] - self._past[0][0] < _LEAST_MEMORY_S or usual < _LEAST_OPEN:
            return math.nan, math.nan
        # Blinks are few, so the median of the steps doesn't know them. 1.05 = 1.4826 / sqrt(2): normal noise.
        noise = 1.05 * float(np.median(np.abs(np.diff(openness))))
        return usual, max(_LEAST_DIP, _DIP_SHARE * usual, _DIP_NOISE * noise)
