"""`Running`: the figures so far, while readings come in; the streaming twin of `figures`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS
from mien.mood.episodes import Episode, EpisodeFinder, quick_enough
from mien.mood.formulas import FORMULAS, NEEDS
from mien.mood.series import LONGEST_STEP_S

Floats = NDArray[np.float64]

NAMES: Final = (
    *("valence_mean", "valence_sd", "arousal_mean", "arousal_sd"),
    *(f"share_{label}" for label in (*EMOTIONS, "uncertain")),
    *("entropy", "happiness_mean", "episodes_per_min", "episode_length_s"),
    *("smiles_per_min", "smile_length_s", "smile_onset_speed"),
)
"""What is known while it runs, beside coverage."""

_HAPPINESS: Final = EMOTIONS.index("happiness")

_SHORTEST_S: Final = 0.001
_BINS_PER_FOLD: Final = 1000
"""Steps are counted in bins whose width is a thousandth of the step."""


class Running:
    """Takes in one person's readings and computes what `figures` would say of all so far, without intervals.

    It takes as much memory and time for a reading after hours as after a minute. What it says is that of
    `figures` but for two things: the last reading stands for the median step within 0.1 %, and the apex of a
    smile is known to 0.001 of its probability. A recording's final figures are those of `figures`.
    """

    def __init__(self) -> None:
        self._finder = EpisodeFinder()
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._happened: defaultdict[str, float] = defaultdict(float)
        self._last: dict[str, float] = {}
        self._first_s = self._last_s = 0.0
        self._steps = _Steps()

    def push(
        self, time_s: float, probabilities: Floats, expression: int, valence: float, arousal: float
    ) -> None:
        """Take in the next analysed frame.

        Args:
            time_s: in rising order.
            probabilities: (8,), all NaN where the person was not seen.
            expression: index of the label, -1 for uncertain and not seen.
            valence: NaN where not seen.
            arousal: likewise.
        """
        if self._last:
            step_s = time_s - self._last_s
            if step_s <= LONGEST_STEP_S:
                self._steps.count(step_s)
                self._add(self._sums, step_s)
        else:
            self._first_s = time_s
        self._last_s = time_s
        self._last = _row(probabilities, expression, valence, arousal)
        _count(self._happened, self._finder.push(time_s, probabilities))

    def figures(self) -> dict[str, float | None]:
        """Return coverage and `NAMES` as of now; None below their least data."""
        usual_s = self._steps.median_s
        sums = defaultdict(float, self._sums)
        self._add(sums, usual_s)
        if quick_enough(usual_s):
            sums["searched"] = sums["seen"]
            sums.update(self._happened)
            _count(sums, self._finder.unfinished())
        length_s = self._last_s - self._first_s + usual_s
        found: dict[str, float | None] = {"coverage": sums["usable"] / length_s if length_s else None}
        for name in NAMES:
            total, least = NEEDS[name]
            found[name] = float(FORMULAS[name](sums)) if sums[total] >= least else None
        return found

    def _add(self, sums: dict[str, float], step_s: float) -> None:
        for name, value in self._last.items():
            sums[name] += step_s * value


class _Steps:
    """The median of any number of steps, each at most `LONGEST_STEP_S`, in a fixed space.

    They are counted in bins that grow with the step, and a bin stands for the mean of what lies in it: exact
    where all its steps are the same, as a file's are, else within a thousandth. What is shorter than a
    millisecond shares the first bin.
    """

    def __init__(self) -> None:
        bins = self._bin(LONGEST_STEP_S) + 1
        self._number = np.zeros(bins, np.int64)
        self._total_s = np.zeros(bins)

    def count(self, step_s: float) -> None:
        index = self._bin(step_s)
        self._number[index] += 1
        self._total_s[index] += step_s

    @property
    def median_s(self) -> float:
        """0 before there is a step."""
        upto = self._number.cumsum()
        if not upto[-1]:
            return 0.0
        middle = np.array([(upto[-1] + 1) // 2, upto[-1] // 2 + 1])
        indices = np.searchsorted(upto, middle)
        return float((self._total_s[indices] / self._number[indices]).mean())

    @staticmethod
    def _bin(step_s: float) -> int:
        return math.floor(_BINS_PER_FOLD * math.log(max(1.0, step_s / _SHORTEST_S)))


def _count(sums: dict[str, float], found: Iterable[Episode]) -> None:
    for episode in found:
        for kind in ("episodes", "smiles") if episode.kind == "smile" else ("episodes",):
            sums[kind] += 1
            sums[f"{kind}_s"] += episode.length_s
        if episode.kind == "smile" and np.isfinite(episode.onset_speed):
            sums["smiles_risen"] += 1
            sums["smiles_speed"] += episode.onset_speed


def _row(probabilities: Floats, expression: int, valence: float, arousal: float) -> dict[str, float]:
    """What one row adds to the sums, per second that it stands for."""
    if np.isnan(probabilities).all():
        return {"seen": 0.0}
    if expression < 0:
        return {"seen": 1.0}
    return {
        "seen": 1.0,
        "usable": 1.0,
        EMOTIONS[expression]: 1.0,
        "valence": valence,
        "valence_squares": valence**2,
        "arousal": arousal,
        "arousal_squares": arousal**2,
        "happiness_p": float(np.nan_to_num(probabilities[_HAPPINESS])),
    }
