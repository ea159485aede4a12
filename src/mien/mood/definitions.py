"""What each figure of the mood record is: the table that docs/mood.md, reports and exports name it by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mien.labels import EMOTIONS, UNCERTAIN
from mien.mood.estimate import Measure
from mien.mood.formulas import LEAST_COURSE_S, LEAST_EPISODES, LEAST_S, LEAST_SEEN_S

_USABLE = f"{LEAST_S:.0f} s usable"
_SEEN = f"{LEAST_S:.0f} s seen"
_COURSE = f"{LEAST_COURSE_S:.0f} s usable"
_PAIRS = f"{LEAST_COURSE_S:.0f} pairs of neighbouring seconds"
_SEARCHED = f"{LEAST_COURSE_S:.0f} s seen, 4 readings a second"
_LOOKED = f"{LEAST_SEEN_S:.0f} s seen"
_LOOKS = f"{LEAST_SEEN_S:.0f} looks"

_JIANG = "Jiang et al. 2021"
_SMILES = "Schmidt, Cohn & Tian 2003"

_ALL: Final = (
    Measure(
        "coverage",
        "Coverage",
        "1",
        "Share of the length with a usable reading.",
        "ours",
        "one step between frames",
        interval=False,
    ),
    Measure(
        "valence_mean", "Valence", "-1 to 1", "Mean of valence over usable time.", "Russell 1980", _USABLE
    ),
    Measure(
        "valence_sd",
        "Spread of valence",
        "-1 to 1",
        "Standard deviation of valence over usable time.",
        "Houben et al. 2015",
        _USABLE,
    ),
    Measure(
        "arousal_mean", "Arousal", "-1 to 1", "Mean of arousal over usable time.", "Russell 1980", _USABLE
    ),
    Measure(
        "arousal_sd",
        "Spread of arousal",
        "-1 to 1",
        "Standard deviation of arousal over usable time.",
        "Houben et al. 2015",
        _USABLE,
    ),
    *(
        Measure(
            f"share_{label}",
            f"Share of {label}",
            "1",
            f"Share of the time seen in which the label was {label}.",
            "ours",
            _SEEN,
        )
        for label in EMOTIONS
    ),
    Measure(
        f"share_{UNCERTAIN}",
        "Share of uncertain",
        "1",
        "Share of the time seen without a label.",
        "ours",
        _SEEN,
        independent=False,
    ),
    Measure(
        "expressivity",
        "Expressivity",
        "1",
        "Mean distance of the probabilities from the neutral face.",
        "ours",
        _USABLE,
    ),
    Measure(
        "dynamic_range",
        "Dynamic range",
        "-1 to 1",
        "95th less 5th percentile of the seconds' mean valence.",
        "ours",
        f"{LEAST_COURSE_S:.0f} known seconds",
    ),
    Measure(
        "entropy",
        "Entropy",
        "bits",
        "Shannon entropy of the labels' shares of usable time.",
        "Shannon 1948",
        _COURSE,
        independent=False,
    ),
    Measure(
        "flatness",
        "Flatness",
        "SD of own days",
        "How far expressivity lies below the median of the person's own days.",
        "ours",
        "expressivity, and a baseline",
        independent=False,
    ),
    Measure(
        "instability",
        "Instability",
        "1",
        "Mean squared difference of valence from second to second (MSSD).",
        "Jahng, Wood & Trull 2008",
        _PAIRS,
        independent=False,
    ),
    Measure(
        "inertia",
        "Inertia",
        "-1 to 1",
        "Autocorrelation of valence from second to second, bias taken out.",
        "Kuppens, Allen & Sheeber 2010",
        _PAIRS,
    ),
    Measure(
        "episodes_per_min",
        "Episodes",
        "per minute",
        "Episodes of expression per minute seen, smiles too.",
        "ours",
        _SEARCHED,
    ),
    Measure(
        "episode_length_s",
        "Length of episodes",
        "s",
        "Mean time from onset to offset.",
        "ours",
        f"{LEAST_EPISODES} episodes",
    ),
    Measure(
        "happiness_max",
        "Highest happiness",
        "1",
        "Highest of the seconds' mean P(happiness).",
        _JIANG,
        _USABLE,
        interval=False,
    ),
    Measure(
        "happiness_mean",
        "Mean happiness",
        "1",
        "Mean of P(happiness) over usable time.",
        _JIANG,
        _USABLE,
        independent=False,
    ),
    Measure(
        "brow_lowerer_max",
        "Highest brow lowerer",
        "eye distances",
        "Highest of the seconds' mean drawing together of the brows.",
        _JIANG,
        f"{LEAST_S:.0f} s usable with measures",
        interval=False,
    ),
    Measure(
        "smiles_per_min",
        "Smiles",
        "per minute",
        "Episodes of happiness per minute seen.",
        "Girard et al. 2014",
        _SEARCHED,
    ),
    Measure(
        "smile_length_s",
        "Length of smiles",
        "s",
        "Mean time from a smile's onset to its offset.",
        _SMILES,
        f"{LEAST_EPISODES} smiles",
    ),
    Measure(
        "smile_onset_speed",
        "Onset speed of smiles",
        "per second",
        "Mean rise of P(happiness) from onset to apex.",
        _SMILES,
        f"{LEAST_EPISODES} smiles seen to rise",
    ),
    Measure(
        "blink_rate",
        "Blinks",
        "per minute",
        "Not given: the landmarks are too coarse for eyelids.",
        "measures.md",
        "never",
    ),
    Measure(
        "head_movement",
        "Head movement",
        "degrees per second",
        "Mean angular speed of the head between half seconds.",
        "Girard et al. 2014",
        f"{LEAST_COURSE_S:.0f} s with measures",
    ),
    Measure(
        "speaking_share",
        "Speaking",
        "1",
        "Share of the time marked as speaking, where speaking was marked.",
        "ours",
        "a recording with marks",
        interval=False,
    ),
    Measure("quality_mean", "Quality", "1", "Mean quality of the face while seen.", "quality.md", _LOOKED),
    Measure("light_mean", "Light", "1", "Mean of the quality's part for light.", "quality.md", _LOOKS),
    Measure(
        "sharpness_mean", "Sharpness", "1", "Mean of the quality's part for sharpness.", "quality.md", _LOOKS
    ),
    Measure(
        "face_px", "Size of the face", "pixels", "Mean of the face's size while seen.", "quality.md", _LOOKED
    ),
)

MEASURES: Final[Mapping[str, Measure]] = MappingProxyType({measure.name: measure for measure in _ALL})
"""Name -> definition, in the order in which they are shown."""
