"""Whether a face was read often enough for what is said of it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.mood.episodes import LONGEST_STEP_S as LONGEST_EPISODE_STEP_S
from mien.mood.series import LONGEST_STEP_S

Floats = NDArray[np.float64]

LEAST_RATE_HZ: Final = 1 / LONGEST_EPISODE_STEP_S
"""Readings a second that episodes and smiles need; see `episodes.quick_enough`."""

LEAST_JUDGED_S: Final = 5.0
"""A shorter recording is not judged: it has hardly begun."""

MOST_PAUSES: Final = 0.1
"""Share of the time that may lie in pauses of more than `series.LONGEST_STEP_S`."""


def pauses_s(time_s: Floats) -> float:
    """Return how many seconds lie in pauses of more than `series.LONGEST_STEP_S`.

    Args:
        time_s: (n,) of the readings, rising.
    """
    steps_s = np.diff(time_s)
    return float(steps_s[steps_s > LONGEST_STEP_S].sum())


def read_too_rarely(readings: int, length_s: float, paused_s: float = 0.0) -> str:
    """Return that a recording was read too rarely.

    A face may be in view in every frame that was read, and yet hardly any of the time be covered: a pause of
    more than two seconds counts as not watched, and below four readings a second no episode is looked for.

    Args:
        readings: frames that were read, with a face or without.
        length_s: from the first of them to the last.
        paused_s: how much of that lies in pauses of more than `series.LONGEST_STEP_S`; 0 where not known.

    Returns:
        A clause to follow a name or to stand by itself; "" where it was read often enough, or is too short to
        tell.
    """
    if length_s < LEAST_JUDGED_S:
        return ""
    rate_hz = (readings - 1) / length_s
    slow = round(rate_hz, 1) < LEAST_RATE_HZ
    paused = paused_s / length_s > MOST_PAUSES
    if not slow and not paused:
        return ""
    parts = [f"read too rarely: {rate_hz:.1f} times per second"]
    if paused:
        parts.append(
            f"{100 * paused_s / length_s:.0f} % of the time is in pauses of more than"
            f" {LONGEST_STEP_S:.0f} seconds, which count as not read"
        )
    if slow:
        parts.append(f"episodes and smiles need {LEAST_RATE_HZ:.0f}")
    return "; ".join(parts)
