"""Days of somebody, for the tests of what is told of them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from mien.mood.baseline import Baseline
from mien.mood.simulated import simulate_days

FIRST = dt.date(2026, 1, 5)


def days(count: int = 120, *, seed: int = 0, missing: float = 0.15, **columns: object) -> pd.DataFrame:
    """Days whose figures of three measures are drawn, all in ordinary light."""
    rng = np.random.default_rng(seed)
    drawn = simulate_days(rng, 3, count)
    index = pd.Index([FIRST + dt.timedelta(day) for day in range(count)], dtype=object)
    table = pd.DataFrame(
        {
            "minutes": 10.0,
            "usable_minutes": 8.0,
            "coverage": 0.8,
            "camera": "desk",
            "expressivity": 0.3 + 0.05 * drawn[0],
            "valence_mean": 0.1 + 0.05 * drawn[1],
            "smiles_per_min": 2.0 + 0.5 * drawn[2],
            "light_mean": 0.97 + 0.01 * rng.standard_normal(count),
            "sharpness_mean": 0.9,
            "quality_mean": 0.8 + 0.03 * rng.standard_normal(count),
            "face_px": 140 + 5 * rng.standard_normal(count),
        },
        index=index,
    ).assign(**columns)
    return table.loc[rng.random(count) >= missing]


def changed(table: pd.DataFrame, column: str, first: int, by: float, last: int | None = None) -> pd.DataFrame:
    """The same days with a column raised from a day on."""
    until = dt.date.max if last is None else FIRST + dt.timedelta(last)
    rows = (table.index >= FIRST + dt.timedelta(first)) & (table.index <= until)
    return table.assign(**{column: table[column].where(~rows, table[column] + by)})


def baseline(table: pd.DataFrame, count: int = 49) -> Baseline:
    """What is usual by the first days."""
    usual = Baseline.of(table, end=FIRST + dt.timedelta(count - 1))
    assert isinstance(usual, Baseline)
    return usual
