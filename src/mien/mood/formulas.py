"""What each figure is, as a function of sums over seconds: the same for the data and for each replicate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import scipy.special
from numpy.typing import NDArray

from mien.labels import EMOTIONS
from mien.mood.instability import Pairs
from mien.mood.intervals import Scale

Floats = NDArray[np.float64]
Sums = Mapping[str, Any]
Formula = Callable[[Sums], Floats]


def _ratio(total: str, weight: str, per: float = 1.0) -> Formula:
    return lambda sums: np.asarray(per * sums[total] / sums[weight])


def _spread(name: str) -> Formula:
    """Time-weighted standard deviation."""

    def spread(sums: Sums) -> Floats:
        mean = sums[name] / sums["usable"]
        return np.asarray(np.sqrt(np.clip(sums[f"{name}_squares"] / sums["usable"] - mean**2, 0, None)))

    return spread


def _entropy(sums: Sums) -> Floats:
    """Shannon entropy of the shares of the eight labels, in bits."""
    share = np.stack([sums[label] for label in EMOTIONS]) / sums["usable"]
    return np.asarray(scipy.special.entr(share).sum(axis=0) / np.log(2))


def pairs_of(sums: Sums) -> Pairs:
    """Take the sums over pairs of neighbouring seconds."""
    return Pairs(*(sums[f"pair_{name}"] for name in Pairs._fields))


FORMULAS: Final[Mapping[str, Formula]] = MappingProxyType(
    {
        "valence_mean": _ratio("valence", "usable"),
        "valence_sd": _spread("valence"),
        "arousal_mean": _ratio("arousal", "usable"),
        "arousal_sd": _spread("arousal"),
        **{f"share_{label}": _ratio(label, "seen") for label in EMOTIONS},
        "share_uncertain": lambda sums: 1 - sums["usable"] / sums["seen"],
        "expressivity": _ratio("expressivity", "usable"),
        "entropy": _entropy,
        "instability": lambda sums: pairs_of(sums).mssd,
        "inertia": lambda sums: pairs_of(sums).inertia,
        "episodes_per_min": _ratio("episodes", "searched", 60),
        "episode_length_s": _ratio("episodes_s", "episodes"),
        "happiness_mean": _ratio("happiness_p", "usable"),
        "smiles_per_min": _ratio("smiles", "searched", 60),
        "smile_length_s": _ratio("smiles_s", "smiles"),
        "smile_onset_speed": _ratio("smiles_speed", "smiles_risen"),
        "head_movement": _ratio("turns", "turns_s"),
        "quality_mean": _ratio("quality", "quality_known"),
        "light_mean": _ratio("light", "light_known"),
        "sharpness_mean": _ratio("sharpness", "sharpness_known"),
        "face_px": _ratio("face_px", "face_px_known"),
    }
)
"""Name -> formula; the sums may be numbers or (b,) arrays. NaN or infinite without data."""

_STEP: Final = 1e-5
_POSITIVE = ("valence_sd", "arousal_sd", "entropy", "instability", "episode_length_s", "smile_length_s")
SCALES: Final[Mapping[str, Scale]] = MappingProxyType(
    {
        **dict.fromkeys(("valence_mean", "arousal_mean"), "plain"),
        **dict.fromkeys(
            (*_POSITIVE, "smile_onset_speed", "head_movement", "face_px", "dynamic_range"), "positive"
        ),
        **dict.fromkeys((f"share_{label}" for label in (*EMOTIONS, "uncertain")), "share"),
        **dict.fromkeys(("expressivity", "happiness_mean"), "bounded"),
        **dict.fromkeys(("quality_mean", "light_mean", "sharpness_mean"), "bounded"),
        **dict.fromkeys(("episodes_per_min", "smiles_per_min"), "rate"),
        "inertia": "correlation",
    }
)
"""Name -> the scale on which its interval is taken; see `intervals.interval`."""


def gradient(formula: Formula, sums: Mapping[str, float]) -> Floats:
    """(k,) how a figure changes with each of the sums; 0 where it can't be said.

    By central differences: each second's sums times this are the second's influence on the figure.
    """
    at = np.array(list(sums.values()))
    step = np.diag(_STEP * np.maximum(np.abs(at), _STEP))
    with np.errstate(divide="ignore", invalid="ignore"):
        above, below = (formula(dict(zip(sums, (at + each).T, strict=True))) for each in (step, -step))
        return np.asarray(np.nan_to_num((above - below) / (2 * step.diagonal()), posinf=0, neginf=0))


LEAST_S: Final = 30.0
"""Means and shares need so many seconds of readings."""
LEAST_COURSE_S: Final = 60.0
"""Ranges, rates and movement need so many."""
LEAST_EPISODES: Final = 3
"""A mean length needs so many episodes."""
LEAST_SEEN_S: Final = 5.0
"""How well a face was seen needs so many, and so many looks at light and sharpness: it has to be told first,
also where nothing else can be said."""

_USABLE = ("usable", LEAST_S)
NEEDS: Final[Mapping[str, tuple[str, float]]] = MappingProxyType(
    {
        **dict.fromkeys(("valence_mean", "valence_sd", "arousal_mean", "arousal_sd"), _USABLE),
        **dict.fromkeys((f"share_{label}" for label in (*EMOTIONS, "uncertain")), ("seen", LEAST_S)),
        **dict.fromkeys(("expressivity", "happiness_mean"), _USABLE),
        "entropy": ("usable", LEAST_COURSE_S),
        "instability": ("pair_number", LEAST_COURSE_S),
        "inertia": ("pair_number", LEAST_COURSE_S),
        **dict.fromkeys(("episodes_per_min", "smiles_per_min"), ("searched", LEAST_COURSE_S)),
        "episode_length_s": ("episodes", LEAST_EPISODES),
        "smile_length_s": ("smiles", LEAST_EPISODES),
        "smile_onset_speed": ("smiles_risen", LEAST_EPISODES),
        "head_movement": ("turns_s", LEAST_COURSE_S),
        "quality_mean": ("quality_known", LEAST_SEEN_S),
        "light_mean": ("light_known", LEAST_SEEN_S),
        "sharpness_mean": ("sharpness_known", LEAST_SEEN_S),
        "face_px": ("face_px_known", LEAST_SEEN_S),
    }
)
"""Name -> which sum has to reach which number; below that the figure is None."""
