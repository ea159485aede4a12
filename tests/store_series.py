"""Readings that look like real ones, for tests of the store."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS, MEASURES


def readings(
    count: int, *, seed: int = 0, start_s: float = 0.0, rate_hz: float = 10.0
) -> dict[str, NDArray[Any]]:
    """Readings at about `rate_hz`; in the middle fifth nobody is seen."""
    rng = np.random.default_rng(seed)
    probabilities = np.exp(rng.normal(0, 1.5, (count, len(EMOTIONS))))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    confidence = probabilities.max(axis=1)
    columns = {
        "frame": np.arange(count),
        "time_s": start_s
        + np.arange(count) / rate_hz
        + rng.uniform(0, 0.5 / rate_hz, count) * (np.arange(count) > 0),
        **{name: rng.uniform(100, 300, count) for name in ("x", "y", "width", "height", "face_px")},
        **{name: rng.uniform(0, 1, count) for name in ("detection", "quality", "light", "sharpness")},
        "probabilities": probabilities,
        "expression": np.where(confidence > 0.4, probabilities.argmax(axis=1), -1),
        "confidence": confidence,
        "valence": rng.uniform(-1, 1, count),
        "arousal": rng.uniform(-1, 1, count),
        "measures": rng.normal(0, 20, (count, len(MEASURES))),
    }
    away = slice(2 * count // 5, 3 * count // 5)
    for name in set(columns) - {"frame", "time_s"}:
        columns[name][away] = -1 if name == "expression" else np.nan
    return columns


def same(first: dict[str, NDArray[Any]], second: dict[str, NDArray[Any]]) -> bool:
    """Whether two readings are the same to the last bit, NaN included."""
    return set(first) == set(second) and all(
        np.array_equal(first[n], second[n], equal_nan=True) for n in first
    )
