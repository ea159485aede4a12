"""A recording's or a day's readings as sums over each second: what figures are made of.

How much each second moves a figure that is a function of sums is one product of matrices. What needs
neighbours (instability, inertia, head movement) is summed over pairs that belong to the first one's second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.labels import EMOTIONS, MEASURES
from mien.mood.episodes import Episode, quick_enough
from mien.mood.expressivity import distance
from mien.mood.instability import pairs
from mien.mood.movement import HEAD_STEP_S, head_turns
from mien.mood.series import Series

Floats = NDArray[np.float64]

STEP_S: Final = 1.0
"""The step of instability and inertia, and the grain of every figure's interval."""
LEAST_KNOWN: Final = 0.5
"""A second's mean is known where it could be read for this share of the watched time."""

_BROWS: Final = MEASURES.index("brow_distance_change")


@dataclass(frozen=True, slots=True)
class Seconds:
    """Sums over each second with a frame.

    Attributes:
        index: (n,) the second within its part.
        sums: name of a sum -> (n,).
        means: "valence", "happiness", "brow_lowerer", "expressivity" -> (n,) mean over the second, NaN where
            too little of it is known.
    """

    index: NDArray[np.int64]
    sums: dict[str, Floats]
    means: dict[str, Floats]


def seconds_of(series: Series, episodes: Sequence[Episode], neutral: Floats) -> Seconds:
    """Sum one recording's readings over seconds.

    Args:
        series: at least one row.
        episodes: found in it; not counted where readings are too far apart for finding them.
        neutral: (8,) the neutral face that expressivity is measured from.
    """
    cell = np.floor((series.time_s - series.time_s[0]) / STEP_S + 1e-9).astype(np.int64)
    index, first = np.unique(cell, return_index=True)
    rows = _rows(series, neutral)
    summed = np.add.reduceat(np.column_stack(list(rows.values())), first, axis=0)
    sums = dict(zip(rows, summed.T, strict=True))
    means = _means(sums)
    # Around each recording's own mean, so that levels that differ between recordings don't look like inertia.
    paired = pairs(_centred(means["valence"]), np.diff(index) == 1)
    sums |= {f"pair_{name}": column for name, column in paired._asdict().items()}
    sums |= _turns(series, index) | _happened(series, episodes, index)
    return Seconds(index, sums, means)


def joined(parts: Sequence[Seconds]) -> Seconds:
    """Put the seconds of several recordings one after the other; each keeps its own pairs."""
    return Seconds(
        np.concatenate([part.index for part in parts]),
        {name: np.concatenate([part.sums[name] for part in parts]) for name in parts[0].sums},
        {name: np.concatenate([part.means[name] for part in parts]) for name in parts[0].means},
    )


def _rows(series: Series, neutral: Floats) -> dict[str, Floats]:
    """Weigh each row by how long it stands for."""
    step_s, usable = series.step_s, series.usable
    seen = ~np.isnan(series.confidence)
    weight = np.where(usable, step_s, 0.0)
    valence, arousal = (np.where(usable, each, 0.0) for each in (series.valence, series.arousal))
    brow = -series.measures[:, _BROWS]
    far = distance(series.probabilities, neutral)
    happiness = np.nan_to_num(series.probabilities[:, EMOTIONS.index("happiness")])
    sums = {"watched": step_s, "seen": np.where(seen, step_s, 0.0), "usable": weight}
    sums |= {"valence": weight * valence, "valence_squares": weight * valence**2}
    sums |= {"arousal": weight * arousal, "arousal_squares": weight * arousal**2}
    sums |= {label: np.where(series.expression == index, step_s, 0.0) for index, label in enumerate(EMOTIONS)}
    sums |= {"expressivity": weight * far, "happiness_p": weight * happiness}
    sums |= _known("brow_lowerer", brow, weight)
    sums |= _known("quality", series.quality, step_s)
    sums |= _known("face_px", series.face_px, step_s)
    # Light and sharpness are looked at about once a second, so each look counts alike.
    sums |= _known("light", series.light, np.ones(len(series)))
    return sums | _known("sharpness", series.sharpness, np.ones(len(series)))


def _known(name: str, values: Floats, weight: Floats) -> dict[str, Floats]:
    known = np.where(np.isnan(values), 0.0, weight)
    return {name: known * np.nan_to_num(values), f"{name}_known": known}


def _means(sums: dict[str, Floats]) -> dict[str, Floats]:
    def mean(total: str, weight: str) -> Floats:
        enough = (sums[weight] > 0) & (sums[weight] >= LEAST_KNOWN * sums["watched"])
        return np.where(enough, sums[total] / np.where(enough, sums[weight], 1), np.nan)

    return {
        "valence": mean("valence", "usable"),
        "expressivity": mean("expressivity", "usable"),
        "happiness": mean("happiness_p", "usable"),
        "brow_lowerer": mean("brow_lowerer", "brow_lowerer_known"),
    }


def _centred(values: Floats) -> Floats:
    known = values[~np.isnan(values)]
    return values - known.mean() if len(known) else values


def _turns(series: Series, index: NDArray[np.int64]) -> dict[str, Floats]:
    at_s, degrees = head_turns(series)
    return {
        "turns": _placed(at_s, degrees, index),
        "turns_s": _placed(at_s, np.full(len(at_s), HEAD_STEP_S), index),
    }


def _happened(series: Series, found: Sequence[Episode], index: NDArray[np.int64]) -> dict[str, Floats]:
    """Put each episode's count, length and onset speed into the second of its onset."""
    smiles = [each for each in found if each.kind == "smile"]
    risen = [each for each in smiles if np.isfinite(each.onset_speed)]

    def at(which: Sequence[Episode], values: Iterable[float]) -> Floats:
        onset_s = np.array([each.onset_s for each in which]) - series.time_s[0]
        return _placed(onset_s, np.array(list(values), np.float64), index)

    return {
        "searched": _seen(series, index) if quick_enough(series.step_s[-1]) else np.zeros(len(index)),
        "episodes": at(found, (1.0 for _ in found)),
        "episodes_s": at(found, (each.length_s for each in found)),
        "smiles": at(smiles, (1.0 for _ in smiles)),
        "smiles_s": at(smiles, (each.length_s for each in smiles)),
        "smiles_risen": at(risen, (1.0 for _ in risen)),
        "smiles_speed": at(risen, (each.onset_speed for each in risen)),
    }


def _seen(series: Series, index: NDArray[np.int64]) -> Floats:
    at_s = series.time_s - series.time_s[0]
    return _placed(at_s, np.where(np.isnan(series.confidence), 0.0, series.step_s), index)


def _placed(at_s: Floats, values: Floats, index: NDArray[np.int64]) -> Floats:
    """Sum values into the seconds in which they lie; (n,) like the index."""
    cell = np.searchsorted(index, np.floor(at_s / STEP_S + 1e-9), side="right") - 1
    return np.bincount(np.clip(cell, 0, None), values, minlength=len(index)).astype(np.float64)
