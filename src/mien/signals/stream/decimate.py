"""Fewer samples a second of a fast stream, with nothing folded back from above."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FASTEST_HZ: Final = 2000.0
"""A stream that is faster than this is thinned out."""
_LEAST_HZ: Final = 1000
"""What is left: muscles, the fastest that figures look at, are measured up to 450 Hz."""
_PASS_HZ: Final = 450.0
_STOP_DB: Final = 70.0
_GAP_PERIODS: Final = 3.0


class Decimator:
    """Keeps every so many samples of a low-passed stream; the same however it is cut into pieces.

    The filter has a linear phase, and the times of what it gives are those of its middle: it is late by half
    its length, 20 ms, and shifts nothing. Gaps are not filtered across; a value that is no number makes those
    around it none.

    Attributes:
        rate_hz: what comes out.

    Args:
        rate_hz: of what goes in.
    """

    def __init__(self, rate_hz: float) -> None:
        from scipy.signal import firwin, kaiserord

        self._factor = int(rate_hz // _LEAST_HZ)
        self.rate_hz = rate_hz / self._factor
        stop_hz = self.rate_hz - _PASS_HZ
        length, beta = kaiserord(_STOP_DB, (stop_hz - _PASS_HZ) / (rate_hz / 2))
        # So long that its middle is a sample, and that the parts of the polyphase filter are whole.
        self._half = -(-length // (2 * self._factor)) * self._factor
        self._filter: NDArray[np.float64] = firwin(
            2 * self._half + 1, (_PASS_HZ + stop_hz) / 2, window=("kaiser", beta), fs=rate_hz
        )
        self._gap_s = _GAP_PERIODS / rate_hz
        self._times: NDArray[np.float64] = np.zeros(0)
        self._values: NDArray[np.float64] | None = None

    def take(
        self, times_s: NDArray[np.float64], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Take samples in; return those that are ready.

        Args:
            times_s: (n,).
            values: (n, channels).

        Returns:
            (m,) times and (m, channels) values.
        """
        breaks = np.flatnonzero(np.diff(times_s, prepend=self._times[-1:]) > self._gap_s)
        if not len(self._times):
            breaks = breaks + 1  # nothing stands before the first
        done = [
            self._take_piece(at, piece, anew=number > 0)
            for number, (at, piece) in enumerate(
                zip(np.split(times_s, breaks), np.split(values, breaks), strict=True)
            )
        ]
        return np.concatenate([at for at, _ in done]), np.concatenate([piece for _, piece in done])

    def _take_piece(
        self, times_s: NDArray[np.float64], values: NDArray[np.float64], *, anew: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        from scipy.signal import upfirdn

        if not anew and self._values is not None:
            times_s = np.concatenate((self._times, times_s))
            values = np.concatenate((self._values, values))
        ready = max(0, (len(times_s) - 2 * self._half - 1) // self._factor + 1)
        kept = ready * self._factor
        self._times, self._values = times_s[kept:], values[kept:]
        if not ready:
            return times_s[:0], values[:0]
        first = 2 * self._half // self._factor
        out: NDArray[np.float64] = upfirdn(self._filter, values, 1, self._factor, axis=0)
        return times_s[self._half : self._half + kept : self._factor], out[first : first + ready]
