"""Small series of readings for the tests of mood."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from numpy.typing import ArrayLike, NDArray
from scipy.signal import lfilter

from mien.labels import EMOTIONS, MEASURES
from mien.mood.series import Series

Floats = NDArray[np.float64]
HAPPY = EMOTIONS.index("happiness")


def ar1(count: int, rho: float, seed: int, sd: float = 1.0) -> Floats:
    """A stationary AR(1) of known autocorrelation and standard deviation."""
    noise = np.random.default_rng(seed).normal(0, sd * np.sqrt(1 - rho**2), count + 500)
    return np.asarray(lfilter([1], [1, -rho], noise)[500:])


def readings(
    time_s: ArrayLike,
    probabilities: ArrayLike | None = None,
    *,
    happiness: ArrayLike | None = None,
    valence: ArrayLike | None = None,
    seen: ArrayLike | None = None,
    uncertain: ArrayLike | None = None,
    measures: ArrayLike | None = None,
) -> Series:
    """A series of these probabilities; or of happiness against neutral; or neutral throughout."""
    time_s = np.asarray(time_s, np.float64)
    count = len(time_s)
    if probabilities is None:
        happy = np.broadcast_to(0.0 if happiness is None else happiness, count)
        probabilities = np.zeros((count, len(EMOTIONS)))
        probabilities[:, HAPPY], probabilities[:, 0] = happy, 1 - happy
    p = np.array(probabilities, np.float64)
    gone = ~np.broadcast_to(True if seen is None else seen, count)
    expression = np.where(
        gone | np.broadcast_to(False if uncertain is None else uncertain, count), -1, p.argmax(1)
    )
    valence = p @ np.linspace(0, 0.7, 8) if valence is None else np.array(valence, np.float64)
    measured = np.full((count, len(MEASURES)), np.nan) if measures is None else np.array(measures, np.float64)
    values = {
        "quality": np.full(count, 0.8),
        "light": np.where(np.arange(count) % 5 == 0, 0.6, np.nan),
        "sharpness": np.where(np.arange(count) % 5 == 0, 0.7, np.nan),
        "face_px": np.full(count, 120.0),
        "probabilities": p,
        "confidence": p.max(1),
        "valence": valence,
        "arousal": p @ np.linspace(0.5, -0.5, 8),
        "measures": measured,
    }
    for each in values.values():
        each[gone] = np.nan
    return Series(time_s, expression=expression, **values)


@st.composite
def any_readings(draw: st.DrawFn, max_rows: int = 40) -> Series:
    """Any series: uneven steps with gaps, frames without the person, labels and uncertain ones."""
    steps = draw(st.lists(st.sampled_from([0.05, 0.1, 0.13, 0.2, 0.6, 1.5, 2.0, 7.0]), max_size=max_rows))
    count = len(steps) + 1
    weights = draw(
        st_numpy.arrays(np.float64, (count, len(EMOTIONS)), elements=st.sampled_from([0.01, 0.2, 1.0, 4.0]))
    )
    flags = draw(st_numpy.arrays(np.bool_, (2, count)))
    return readings(
        np.concatenate([[0.0], np.cumsum(steps)]),
        weights / weights.sum(axis=1, keepdims=True),
        seen=flags[0],
        uncertain=flags[1],
    )
