"""How a face measures while it is neutral, learnt while it is watched."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.measures.pose import Floats

LEAST_FRAMES: Final = 10
LEAST_S: Final = 1.0
"""A neutral face is known from so many frames, the first and the last of them so many seconds apart."""

_KEPT = 200


class NeutralShape:
    """The median of what was measured while a face was neutral, over the whole time.

    A median, as a blink or a slip of the network must not move it. It is taken of at most 200 frames, evenly
    spread over all that were shown, so that an hour takes no more memory than a minute.
    """

    def __init__(self) -> None:
        self._kept: list[Floats] = []
        self._every = 1
        self._shown = 0
        self._first_s = 0.0
        self._median: Floats | None = None

    @property
    def median(self) -> Floats | None:
        """(k,) the neutral face; None while there is too little to know it from."""
        return self._median

    def learn(self, values: Floats, time_s: float) -> None:
        """Add a neutral face.

        Args:
            values: (k,) what was measured.
            time_s: when, in rising order.
        """
        if not self._shown:
            self._first_s = time_s
        if self._shown % self._every == 0:
            self._keep(values, time_s)
        self._shown += 1

    def _keep(self, values: Floats, time_s: float) -> None:
        if len(self._kept) == _KEPT:
            self._kept = self._kept[::2]
            self._every *= 2
        self._kept.append(values)
        if len(self._kept) >= LEAST_FRAMES and time_s - self._first_s >= LEAST_S:
            self._median = np.median(self._kept, axis=0)
