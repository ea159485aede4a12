"""Episodes of expression: from onset over apex to offset, found at the camera's own rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS
from mien.mood.series import Series

Floats = NDArray[np.float64]

HIGH, LOW = 0.5, 0.3
"""An episode reaches the first and lasts while the probability is not below the second: noise around one
limit would make many of one."""
LEAST_S: Final = 0.5
"""What is shorter is no episode: expressions that aren't held back take 0.5 to 4 s (docs/mood.md)."""
BRIDGED_S: Final = 0.5
"""Between readings further apart than this an episode can't be followed: it ends there."""
LONGEST_STEP_S: Final = 0.25
"""With a median step above this (four readings a second), episodes aren't looked for."""
_NEAR_PEAK: Final = 0.9
_APART: Final = 0.001
"""While an episode goes on, of the readings that rise only those are kept that lie so far apart."""
_INDICES: Final = tuple(index for index, label in enumerate(EMOTIONS) if label != "neutral")


@dataclass(frozen=True, slots=True)
class Episode:
    """One expression, shown for a while.

    Attributes:
        kind: "smile" for happiness, "episode" for the others.
        label: the expression.
        onset_s: when its probability rose over `LOW`, between two readings; the first reading where it was
            there from the start.
        apex_s: when it first came within a tenth of its peak: where the rise is over.
        offset_s: when it fell below `LOW`; the last reading where that wasn't seen.
        peak: highest probability.
    """

    kind: Literal["episode", "smile"]
    label: str
    onset_s: float
    apex_s: float
    offset_s: float
    peak: float

    @property
    def length_s(self) -> float:
        """Seconds from onset to offset."""
        return self.offset_s - self.onset_s

    @property
    def onset_speed(self) -> float:
        """Probability gained per second from onset to apex; NaN where the rise wasn't seen."""
        rise_s = self.apex_s - self.onset_s
        return (_NEAR_PEAK * self.peak - LOW) / rise_s if rise_s > 0 else float("nan")


def episodes(series: Series) -> list[Episode]:
    """Find the episodes of all expressions but neutral.

    Args:
        series: one recording; frames without the person are passed over.

    Returns:
        In order of their onset, then of the labels; none where readings are too far apart.
    """
    if not len(series) or not quick_enough(series.step_s[-1]):
        return []
    seen = ~np.isnan(series.confidence)
    time_s = series.time_s[seen]
    found = [
        episode
        for index in _INDICES
        for episode in _of_label(EMOTIONS[index], time_s, np.nan_to_num(series.probabilities[seen, index]))
    ]
    return sorted(found, key=_order)


def quick_enough(usual_step_s: float) -> bool:
    """Return whether readings come often enough to find episodes.

    Args:
        usual_step_s: the median step, which is what a `Series`' last row stands for; 0 where there is none.
    """
    return 0 < usual_step_s <= LONGEST_STEP_S


def _order(episode: Episode) -> tuple[float, int]:
    return episode.onset_s, EMOTIONS.index(episode.label)


def _of_label(label: str, time_s: Floats, p: Floats) -> Iterator[Episode]:
    """Find one label's episodes; p (n,) is known everywhere."""
    up = p >= LOW
    linked = np.append(False, np.diff(time_s) <= BRIDGED_S)
    goes_on = up[1:] & up[:-1] & linked[1:]
    starts = np.flatnonzero(up & ~np.append(False, goes_on))
    ends = np.flatnonzero(up & ~np.append(goes_on, False))
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        values = p[first : last + 1]
        peak = float(values.max())
        if peak < HIGH:
            continue
        before = _crossing(time_s, p, first) if first and linked[first] else time_s[first]
        after = last + 1
        end_s = _crossing(time_s, p, after) if after < len(p) and linked[after] else time_s[last]
        apex_s = time_s[first + np.argmax(values >= _NEAR_PEAK * peak)]
        if end_s - before >= LEAST_S:
            yield Episode(_kind(label), label, float(before), float(apex_s), float(end_s), peak)


def _crossing(time_s: Floats, p: Floats, after: int) -> float:
    return _between(time_s[after - 1], p[after - 1], time_s[after], p[after])


def _between(then_s: float, before: float, now_s: float, after: float) -> float:
    """Return when a probability passed `LOW`, in a straight line from one reading to the next."""
    return float(then_s + (now_s - then_s) * (LOW - before) / (after - before))


def _kind(label: str) -> Literal["episode", "smile"]:
    return "smile" if label == "happiness" else "episode"


@dataclass(slots=True)
class _Open:
    """An episode that has begun.

    Attributes:
        onset_s: when.
        peak: highest probability so far.
        rise: the readings that were the highest so far and could still be the apex. They are few however long
            it lasts: `_APART` lies between them, and none can be after the first that reaches 0.9.
    """

    onset_s: float
    peak: float = 0.0
    rise: list[tuple[float, float]] = field(default_factory=list)

    def take(self, time_s: float, p: float) -> None:
        if p > self.peak:
            self.peak = p
            self.rise = [each for each in self.rise if each[1] >= _NEAR_PEAK * p]
            if not self.rise or self.rise[-1][1] < min(_NEAR_PEAK, p - _APART):
                self.rise.append((time_s, p))


class EpisodeFinder:
    """Finds episodes while readings come in: the same as `episodes` on all of them.

    It keeps nothing of an episode that is over. Whether readings come often enough is not its business: see
    `quick_enough`.
    """

    def __init__(self) -> None:
        self._open: dict[int, _Open] = {}
        self._time_s = float("-inf")
        self._p = np.zeros(len(EMOTIONS))

    def push(self, time_s: float, probabilities: Floats) -> list[Episode]:
        """Take in the next reading of the person.

        Args:
            time_s: in rising order.
            probabilities: (8,); all NaN where the person was not seen.

        Returns:
            Episodes that are over by now.
        """
        if np.isnan(probabilities).all():
            return []
        p = np.nan_to_num(probabilities)
        linked = time_s - self._time_s <= BRIDGED_S
        over = [] if linked else self.unfinished()
        if not linked:
            self._open.clear()
        for index in _INDICES:
            over += self._step(index, time_s, float(p[index]), linked)
        self._time_s, self._p = time_s, p
        return over

    def unfinished(self) -> list[Episode]:
        """Return the episodes that go on, as if they ended with the last reading."""
        return [each for index, begun in self._open.items() for each in _made(index, begun, self._time_s)]

    def _step(self, index: int, time_s: float, p: float, linked: bool) -> list[Episode]:
        begun = self._open.get(index)
        if p >= LOW:
            if begun is None:
                onset_s = _between(self._time_s, self._p[index], time_s, p) if linked else time_s
                begun = self._open[index] = _Open(onset_s)
            begun.take(time_s, p)
        elif begun is not None:
            del self._open[index]
            return _made(index, begun, _between(self._time_s, self._p[index], time_s, p))
        return []


def _made(index: int, begun: _Open, offset_s: float) -> list[Episode]:
    """Make an episode of what has begun, if it was high and long enough."""
    if begun.peak < HIGH or offset_s - begun.onset_s < LEAST_S:
        return []
    label = EMOTIONS[index]
    return [Episode(_kind(label), label, begun.onset_s, begun.rise[0][0], offset_s, begun.peak)]
