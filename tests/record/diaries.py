"""A diary in a CSV file, for the tests of daily series."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd

from mien.mood.simulated import simulate_days

FIRST = dt.date(2026, 1, 5)


def written(path: Path, *, low_from: int = 60, form: str = "%Y-%m-%d") -> Path:
    """A diary with two entries a day, whose mood falls from a day on; sleep stays as it is."""
    rng = np.random.default_rng(0)
    mood, sleep = simulate_days(rng, 2, 120, carry=0.3, noise=0)
    mood[low_from:] -= 2.5
    rows = [
        {
            "date": (FIRST + dt.timedelta(day)).strftime(form),
            "mood": 5 + mood[day] + shift,
            "sleep": sleep[day],
        }
        for day in range(120)
        for shift in (-0.5, 0.5)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path
