"""When samples were taken, by this machine's clock: steady times from stamps that jitter, drift and jump."""

from __future__ import annotations

import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

_HALF_LIFE_S: Final = 60.0
"""So long ago, a stamp counts half in where the samples lie now: clocks drift, by a second a day and more."""
_RATE_OFF: Final = 0.02
"""By so much the rate that a device promises is usually wrong at most."""
_FIRST_JITTER_S: Final = 0.02
_MOST_JITTER_S: Final = 0.03
_JUMP_JITTERS: Final = 8.0
_JUMP_PERIODS: Final = 3.0
_EARLIEST_S: Final = -1.0
_LATEST_S: Final = 30.0
"""Samples arrive so long after they were taken; other stamps are by another clock."""
_EARLY_S: Final = 0.1
_ON_TIME_S: Final = 0.5
"""Samples of a clock that didn't jump arrive by so much sooner or later than usual."""
_NOTED_GAP_S: Final = 1.0
_LEAST_STEP_S: Final = 1e-6


class MachineClock:
    """POSIX seconds that never jump: this machine's clock as it was at first, and steady from then on.

    Args:
        epoch_s: POSIX seconds at which `time.monotonic` was 0; of now by default.
    """

    def __init__(self, epoch_s: float | None = None) -> None:
        self._epoch_s = time.time() - time.monotonic() if epoch_s is None else epoch_s

    def now(self) -> float:
        """Return the POSIX seconds of now."""
        return self._epoch_s + time.monotonic()


class SampleClock:
    """Sets the samples of one stream on this machine's clock.

    Samples of an even rate lie on a straight line through their stamps, fitted with exponential forgetting
    (recursive least squares, as LSL smooths its stamps), so that neither jitter nor packets show. Where the
    stamps jump and the samples arrive later, too, there is a gap; else the sender's clock jumped, which is
    taken out.

    Attributes:
        notes: what was noticed since they were last taken, in words.

    Args:
        rate_hz: samples a second as promised; 0 where they come when something happens.
    """

    def __init__(self, rate_hz: float) -> None:
        self.notes: list[str] = []
        self._rate_hz = rate_hz
        self._shift_s = 0.0
        self._begun = False
        self._last_s = -np.inf
        self._line: _Line | None = None
        self._least_delay_s = np.inf

    def take_notes(self) -> tuple[str, ...]:
        """Return what was noticed, once."""
        notes, self.notes = tuple(self.notes), []
        return notes

    @property
    def rate_hz(self) -> float:
        """Samples a second as they really come."""
        return 1 / self._line.period_s if self._line is not None else self._rate_hz

    def trust_stamps(self) -> None:
        """Take the stamps as they are from now on: the sender's clock is known anew."""
        self._shift_s = 0.0

    def times(
        self, stamps_s: NDArray[np.float64], arrived_s: float, lost: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Return when samples were taken.

        Args:
            stamps_s: (n,) float64, as the sender has it, in POSIX seconds as far as that is known.
            arrived_s: POSIX seconds of now.
            lost: (n,) how many samples are missing before each, where the sender counts them.

        Returns:
            (n,) float64, POSIX seconds, increasing, also from call to call.
        """
        if not len(stamps_s):
            return stamps_s
        if not self._begun:
            self._begun = True
            self._shift_s = self._first_shift(arrived_s - float(stamps_s[-1]))
        if not self._rate_hz:
            times = self._uneven(stamps_s, arrived_s)
        else:
            times = self._even(
                stamps_s, arrived_s, np.zeros(len(stamps_s), np.int64) if lost is None else lost
            )
        later: NDArray[np.float64] = np.maximum(
            times, self._last_s + _LEAST_STEP_S * np.arange(1, len(times) + 1)
        )
        self._last_s = float(later[-1])
        return later

    def _first_shift(self, delay_s: float) -> float:
        if _EARLIEST_S <= delay_s <= _LATEST_S:
            return 0.0
        self.notes.append(
            f"its clock is {_length(abs(delay_s))} {'behind' if delay_s > 0 else 'ahead'}: when its samples"
            " arrived counts instead"
        )
        return delay_s

    def _uneven(self, stamps_s: NDArray[np.float64], arrived_s: float) -> NDArray[np.float64]:
        delay_s = arrived_s - float(stamps_s[-1]) - self._shift_s
        if not _EARLIEST_S <= delay_s <= _LATEST_S:
            self.notes.append(f"its clock jumped by {_signed(-delay_s)}")
            self._shift_s += delay_s
        latest: NDArray[np.float64] = np.maximum.accumulate(stamps_s + self._shift_s)
        return latest + _LEAST_STEP_S * np.arange(len(stamps_s))

    def _even(
        self, stamps_s: NDArray[np.float64], arrived_s: float, lost: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        if self._line is None:
            self._line = _Line(float(stamps_s[0]) + self._shift_s, 1 / self._rate_hz)
        at = stamps_s + self._shift_s
        steps = np.cumsum(1 + lost)
        first = self._line.jump(steps, at)
        if first is None:
            delay_s = arrived_s - float(at[-1])
            self._least_delay_s = min(self._least_delay_s + 1e-3, delay_s)
            return self._line.follow(steps, at)
        before = self._even(stamps_s[:first], arrived_s, lost[:first]) if first else stamps_s[:0]
        self._settle_jump(at[first:], arrived_s, int(lost[first]))
        steps = np.cumsum(1 + np.r_[0, lost[first + 1 :]])
        return np.concatenate((before, self._line.follow(steps, stamps_s[first:] + self._shift_s)))

    def _settle_jump(self, at: NDArray[np.float64], arrived_s: float, lost: int) -> None:
        """Move the line to where the next samples lie, or take the jump of the clock out."""
        assert self._line is not None
        line = self._line
        ahead_s = float(at[0]) - line.next_s(lost)
        delay_s, usual_s = arrived_s - float(at[-1]), self._least_delay_s
        if not np.isfinite(usual_s):
            usual_s = 0.0
        late = delay_s - usual_s
        if late >= -_EARLY_S and (ahead_s > 0 or late <= _ON_TIME_S):
            # They arrive as far behind their stamps as ever: it is the samples that are missing.
            if ahead_s > _NOTED_GAP_S:
                self.notes.append(f"nothing came for {_length(ahead_s)}")
            line.skip(lost + round(ahead_s / line.period_s))
            return
        jump_s = ahead_s
        if not -_EARLY_S <= late + ahead_s <= _ON_TIME_S:  # some are missing, too
            jump_s = -late
        self.notes.append(f"its clock jumped by {_signed(jump_s)}")
        self._shift_s -= jump_s
        line.skip(max(0, lost + round((ahead_s - jump_s) / line.period_s)))


class _Line:
    """The straight line of time over the count of samples, by recursive least squares.

    Args:
        first_s: stamp of the first sample.
        period_s: from sample to sample, as promised.
    """

    def __init__(self, first_s: float, period_s: float) -> None:
        self.period_s = period_s
        self._nominal_s = period_s
        self._at_s = first_s - period_s
        self._jitter_s = _FIRST_JITTER_S
        # Weights of all samples so far, and their first and second moments about the newest one.
        self._sums = self._before_any = np.array([0.0, 0.0, (_FIRST_JITTER_S / (_RATE_OFF * period_s)) ** 2])

    def next_s(self, lost: int = 0) -> float:
        """Return where the next sample should lie."""
        return self._at_s + (1 + lost) * self.period_s

    def skip(self, samples: int) -> None:
        """Leave out samples that didn't come."""
        self._move(samples)
        if self._sums[0] < 1:  # too long ago to tell anything
            self._sums = self._before_any

    def jump(self, steps: NDArray[np.int64], at: NDArray[np.float64]) -> int | None:
        """Return from which sample on all of them lie off the line; None where the last one doesn't."""
        off = at - self._at_s - steps * self.period_s
        allowed = max(_JUMP_PERIODS * self.period_s, _JUMP_JITTERS * self._jitter_s)
        sides = np.where(np.abs(off) > allowed, np.sign(off), 0)
        if not sides[-1]:
            return None
        others = np.flatnonzero(sides != sides[-1])
        return int(others[-1]) + 1 if len(others) else 0

    def follow(self, steps: NDArray[np.int64], at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take samples in; return where they lie on the line."""
        off = at - self._at_s - steps * self.period_s
        last = int(steps[-1])
        self._move(last)
        x = (steps - last).astype(np.float64)
        weights = 0.5 ** (-x * self._nominal_s / _HALF_LIFE_S)
        self._sums = self._sums + np.array([weights.sum(), weights @ x, weights @ (x * x)])
        s0, s1, s2 = self._sums
        u0, u1 = weights @ off, weights @ (off * x)
        det = s0 * s2 - s1 * s1
        self._at_s += (s2 * u0 - s1 * u1) / det
        self.period_s += (s0 * u1 - s1 * u0) / det
        self._learn_jitter(at - self._at_s - x * self.period_s)
        return self._at_s + x * self.period_s

    def _move(self, samples: int) -> None:
        """Make the sample `samples` later the newest one."""
        self._at_s += samples * self.period_s
        s0, s1, s2 = self._sums * 0.5 ** (max(0, samples) * self._nominal_s / _HALF_LIFE_S)
        self._sums = np.array([s0, s1 - samples * s0, s2 - 2 * samples * s1 + samples**2 * s0])

    def _learn_jitter(self, off: NDArray[np.float64]) -> None:
        share = 1 - 0.5 ** (len(off) * self._nominal_s / 2.0)
        square = (1 - share) * self._jitter_s**2 + share * float(np.mean(off * off))
        self._jitter_s = min(float(np.sqrt(square)), _MOST_JITTER_S)


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"


def _signed(seconds: float) -> str:
    return ("+" if seconds > 0 else "-") + _length(abs(seconds))
