"""`Running`: the figures so far, while readings come in; the streaming twin of `figures`."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS
from mien.mood.episodes import EpisodeFinder, quick_enough
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


class Running:
    """Takes in one person's readings and says what `figures` would say of all so far, without intervals.

    Attributes:
        finder: the episodes so far.
    """

    def __init__(self) -> None:
        self.finder = EpisodeFinder()
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._last: dict[str, float] = {}
        self._first_s = self._last_s = 0.0
        self._steps_s: list[float] = []

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
                insort(self._steps_s, step_s)
                self._add(self._sums, step_s)
        else:
            self._first_s = time_s
        self._last_s = time_s
        self._last = _row(probabilities, expression, valence, arousal)
        self.finder.push(time_s, probabilities)

    def figures(self) -> dict[str, float | None]:
        """Give coverage and `NAMES` as of now; None below their least data."""
        usual_s = self._usual_step_s
        sums = defaultdict(float, self._sums)
        self._add(sums, usual_s)
        if quick_enough(usual_s):
            self._count(sums)
        length_s = self._last_s - self._first_s + usual_s
        found: dict[str, float | None] = {"coverage": sums["usable"] / length_s if length_s else None}
        for name in NAMES:
            total, least = NEEDS[name]
            found[name] = float(FORMULAS[name](sums)) if sums[total] >= least else None
        return found

    @property
    def _usual_step_s(self) -> float:
        """The median step: what the last row stands for."""
        count = len(self._steps_s)
        return (self._steps_s[(count - 1) // 2] + self._steps_s[count // 2]) / 2 if count else 0.0

    def _add(self, sums: dict[str, float], step_s: float) -> None:
        for name, value in self._last.items():
            sums[name] += step_s * value

    def _count(self, sums: dict[str, float]) -> None:
        sums["searched"] = sums["seen"]
        for episode in self.finder.so_far():
            kinds = ("episodes", "smiles") if episode.kind == "smile" else ("episodes",)
            for kind in kinds:
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
