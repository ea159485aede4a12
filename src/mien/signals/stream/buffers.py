"""The newest seconds of one channel, in bounded memory: for figures as they came, and for the eye in bins."""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.signals.stream.types import Channel, Wave
from mien.signals.types import Signal

MOST_SAMPLES: Final = 250_000
"""Of a channel that comes faster than it promised, no more are kept."""
JUMP_S: Final = 1.0
"""Times that go back by more are a clock that was set; those that go back by less are late, and left out."""

_BIN_S: Final = 0.04
_BIN_STEPS: Final = 1.5
"""A bin of a slow channel is so many of its steps long, so that jitter leaves none empty."""
_EVENTS_BIN_S: Final = 0.25
_LONGEST_WAVE_S: Final = 10.0

Floats = NDArray[np.float64]


class ChannelBuffer:
    """The newest samples of one channel.

    Args:
        channel: what it gives.
        kept_s: how far back it goes.

    Attributes:
        channel: as given.
        newest_s: time of the newest sample; -inf before the first.
        first_s: of the first since it was begun; inf before it.
        epochs: how often its clock was set back.
        notes: what was noticed, in words; whoever tells them takes them out.
    """

    def __init__(self, channel: Channel, kept_s: float) -> None:
        self.channel = channel
        self.epochs = 0
        self.notes: list[str] = []
        self._kept_s = kept_s
        self._bin_s = _EVENTS_BIN_S
        if channel.rate_hz > 0:
            self._bin_s = max(_BIN_S, _BIN_STEPS / channel.rate_hz)
        self._said_fast = False
        self.clear()

    def clear(self) -> None:
        """Forget all samples."""
        self.newest_s, self.first_s = float("-inf"), float("inf")
        self._parts: deque[tuple[Floats, Floats]] = deque()
        self._count = 0
        self._unseen: list[tuple[Floats, Floats]] = []

    def add(self, times_s: Floats, values: Floats) -> None:
        """Take the next samples; those whose times are no numbers or go back a little are left out."""
        values, times = np.asarray(values, np.float64), np.asarray(times_s, np.float64)
        if not np.isfinite(times).all():
            values, times = values[np.isfinite(times)], times[np.isfinite(times)]
        before = np.r_[self.newest_s, times[:-1]][: len(times)]
        jumps = np.flatnonzero(before - times > JUMP_S)
        for number, first in enumerate([0, *jumps.tolist()]):
            if number:
                self.clear()
            last = jumps[number] if number < len(jumps) else len(times)
            self._append(times[first:last], values[first:last])
        if len(jumps):
            self.epochs += 1
            back_s = float((before - times)[jumps[-1]])
            self.notes.append(f"{self.channel.name}: its clock went back by {back_s:.1f} s")

    def signal(self, start_s: float, end_s: float, origin: str) -> Signal:
        """Return what it holds from `start_s` on and before `end_s`."""
        times, values = self._whole()
        first, last = np.searchsorted(times, (start_s, end_s))
        channel = self.channel
        return Signal(channel.name, channel.kind, channel.unit, values[first:last], times[first:last], origin)

    def wave(self) -> Wave | None:
        """Return the bins that are complete since the last time; None where there is none."""
        if not self._unseen:
            return None
        times, values = (np.concatenate(each) for each in zip(*self._unseen, strict=True))
        numbers = np.floor(times / self._bin_s).astype(np.int64)
        last = int(numbers[-1])  # goes on
        first = max(int(numbers[0]), last - ceil(_LONGEST_WAVE_S / self._bin_s))
        going = int(np.searchsorted(numbers, last))
        self._unseen = [(times[going:], values[going:])]
        if first == last:
            return None
        chosen = slice(int(np.searchsorted(numbers, first)), going)
        low, high = _extremes(numbers[chosen] - first, values[chosen], last - first)
        channel = self.channel
        return Wave(channel.name, channel.kind, channel.unit, first * self._bin_s, self._bin_s, low, high)

    def _append(self, times: Floats, values: Floats) -> None:
        on = times > np.maximum.accumulate(np.r_[self.newest_s, times[:-1]][: len(times)])
        if not on.all():
            times, values = times[on], values[on]
        if not len(times):
            return
        self.newest_s = float(times[-1])
        self.first_s = min(self.first_s, float(times[0]))
        self._parts.append((times, values))
        self._unseen.append((times, values))
        self._count += len(times)
        self._forget()

    def _forget(self) -> None:
        oldest = self.newest_s - self._kept_s
        while self._parts and self._parts[0][0][-1] < oldest:
            self._count -= len(self._parts.popleft()[0])
        if self._count <= MOST_SAMPLES:
            return
        times, values = (each[-MOST_SAMPLES // 2 :] for each in self._whole())
        self._parts, self._count = deque([(times, values)]), len(times)
        if not self._said_fast:
            self._said_fast = True
            self.notes.append(
                f"{self.channel.name}: it gives more samples than promised; only the newest"
                f" {times[-1] - times[0]:.0f} s are kept"
            )

    def _whole(self) -> tuple[Floats, Floats]:
        """Return times and values of all parts, which become one, without what is too old."""
        if not self._parts:
            return np.empty(0), np.empty(0)
        times, values = (np.concatenate(each) for each in zip(*self._parts, strict=True))
        recent = slice(int(np.searchsorted(times, self.newest_s - self._kept_s)), None)
        self._parts = deque([(times[recent], values[recent])])
        self._count = len(self._parts[0][0])
        return self._parts[0]


def _extremes(numbers: NDArray[np.int64], values: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the lowest and the highest value of each bin; NaN in those without one."""
    low, high = np.full(count, np.nan), np.full(count, np.nan)
    known = np.isfinite(values)
    numbers, values = numbers[known], values[known]
    if len(values):
        starts = np.flatnonzero(np.diff(numbers, prepend=-1))
        low[numbers[starts]] = np.minimum.reduceat(values, starts)
        high[numbers[starts]] = np.maximum.reduceat(values, starts)
    return low, high
