"""A simulated person's body beside their face: what a chest strap and a wristband would say each minute."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.signals.types import Figure

RATE: Final = 64.0
"""Beats a minute at rest on a usual day."""
RATE_BY_MOOD: Final = -2.5
"""How much a standard deviation of mood moves that: on good days the heart beats slower."""
_AROUSED_BY_MOOD: Final = -0.6
"""How much more than at first heart and skin are moved later, by the mood."""
_SETTLING_S: Final = 90.0
_WINDOW_S, _STEP_S = 60.0, 10.0


def resting_rate(felt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rate at rest on days of some mood, in beats a minute."""
    return RATE + RATE_BY_MOOD * felt


def body(random: np.random.Generator, felt: float, length_s: float) -> list[Figure]:
    """Draw what sensors say in a recording of a day.

    The heart comes to rest within some minutes. What moves it and the skin afterwards is the same: a course
    that wanders, and that rises after five minutes, more on a day of low mood.

    Args:
        random: what is drawn from.
        felt: the day's mood, in standard deviations.
        length_s: of the recording.
    """
    starts = np.arange(0.0, length_s - _WINDOW_S + 1e-6, _STEP_S)
    course = np.convolve(random.normal(size=len(starts) + 24), np.hanning(26)[1:-1], mode="valid")[
        : len(starts)
    ]
    spread = float(course.std()) if len(course) > 1 else 1.0
    later = np.where(starts >= 300, 1.0 + _AROUSED_BY_MOOD * felt, 0.0)
    moved = course / (spread or 1.0) + later
    rest = float(resting_rate(np.array(felt)))
    rate = rest + 6 * np.exp(-starts / _SETTLING_S) + 1.5 * moved + random.normal(0, 0.4, len(starts))
    level = 3.0 * np.exp(0.12 * moved)
    responses = np.clip(2.0 + 1.2 * moved + random.normal(0, 0.3, len(starts)), 0, None)
    courses = {
        ("chest strap", "heart_rate", "1/min"): rate,
        ("chest strap", "rmssd_ms", "ms"): 42 * np.exp(-0.02 * (rate - RATE))
        + random.normal(0, 2, len(starts)),
        ("wristband", "skin_level", "uS"): level,
        ("wristband", "skin_slope", "uS/min"): np.gradient(level, _STEP_S / 60)
        if len(level) > 1
        else 0 * level,
        ("wristband", "skin_responses", "1/min"): responses,
        ("wristband", "skin_response_sum", "uS/min"): 0.15 * responses,
    }
    quality = np.clip(random.normal(0.92, 0.05, len(starts)), 0.6, 1.0)
    return [
        Figure(start, start + _WINDOW_S, *names, float(values[number]), float(quality[number]))
        for number, start in enumerate(starts.tolist())
        for names, values in courses.items()
    ]
