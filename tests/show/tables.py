"""Tables for the plots' tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mien.labels import EMOTIONS
from mien.table import COLUMNS, PROBABILITIES


def some_rows(
    times_s: Sequence[float], *, track: int = 0, label: str | None = "happiness", seed: int = 0
) -> pd.DataFrame:
    """Rows of one face; label None is a face that was found and not read."""
    count, random = len(times_s), np.random.default_rng(seed)
    columns = dict.fromkeys(COLUMNS, np.full(count, np.nan))
    table = pd.DataFrame(columns | {"time_s": np.asarray(times_s, float)})
    table["source"], table["track"], table["frame"] = "clip.mp4", track, np.arange(count)
    table["expression"] = label or "uncertain"
    if label is not None:
        table[list(PROBABILITIES)] = random.dirichlet(np.ones(len(EMOTIONS)), count)
        table["confidence"] = table[list(PROBABILITIES)].max(axis=1)
        table[["valence", "arousal"]] = random.uniform(-1, 1, (count, 2))
    return table
