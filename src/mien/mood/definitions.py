"""What each figure of the mood record is: the table that docs/mood.md, reports and exports name it by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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
        "Episodes of expression per minute seen, including smiles.",
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
        "Not available: the landmarks are too coarse for eyelids.",
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
    Measure(
        "resting_heart_rate",
        "Resting heart rate",
        "per minute",
        "Rate of the heart below which a tenth of the trusted minutes lie.",
        "Speed et al. 2023",
        "5 minutes with a trusted heart rate",
    ),
    Measure(
        "body_arousal",
        "Body arousal",
        "1",
        "Mean index of arousal from heart and skin after the first five minutes, against these as the rest.",
        "ours",
        "5 minutes of rest and 3 more with heart and skin",
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


@dataclass(frozen=True, slots=True)
class Group:
    """Measures that belong together.

    Attributes:
        title: for people.
        meanings: a line for each measure, by its name: what a higher value means, for who has read no paper.
    """

    title: str
    meanings: Mapping[str, str]


GROUPS: Final = (
    Group(
        "Pleasant or not, calm or lively",
        {
            "valence_mean": "How pleasant the face looked on average: above 0 pleasant, below 0 unpleasant.",
            "valence_sd": "How much that went up and down within the recordings.",
            "arousal_mean": "How lively the face looked on average: above 0 lively, below 0 calm.",
            "arousal_sd": "How much that went up and down within the recordings.",
        },
    ),
    Group(
        "How much the face shows",
        {
            "expressivity": "How far the face was from its neutral: higher shows more, lower is flatter.",
            "flatness": "How much less than on this person's own days the face showed: above 0 is flatter.",
            "dynamic_range": "From the least to the most pleasant moments: a small range is an even face.",
            "head_movement": "How much the head moved.",
        },
    ),
    Group(
        "How it changes from moment to moment",
        {
            "inertia": "How much one second is like the one before: near 1, expressions linger.",
            "instability": "How far the face jumps from one second to the next: higher is less steady.",
            "entropy": "How mixed the expressions were: 0 is always the same one.",
        },
    ),
    Group(
        "Smiles and other expressions that come and go",
        {
            "smiles_per_min": "How often a smile came.",
            "smile_length_s": "How long a smile lasted.",
            "smile_onset_speed": "How quickly a smile rose; posed ones tend to rise faster.",
            "episodes_per_min": "How often any clear expression came and went, including smiles.",
            "episode_length_s": "How long such an expression lasted.",
        },
    ),
    Group(
        "Which expressions",
        {
            **{f"share_{label}": f"How much of the time the face read as {label}." for label in EMOTIONS},
            f"share_{UNCERTAIN}": "How much of the time the face could not be given a label.",
            "happiness_mean": "How much happiness the face showed on average.",
            "happiness_max": "The strongest happiness that it showed for a second.",
            "brow_lowerer_max": "The strongest frown that it showed for a second.",
        },
    ),
    Group(
        "Speaking and blinking",
        {
            "speaking_share": "How much of the time was marked as speaking.",
            "blink_rate": "How often the eyes blinked.",
        },
    ),
    Group(
        "The body, where sensors were worn",
        {
            "resting_heart_rate": "How many times a minute the heart beat in the calmest minutes.",
            "body_arousal": "How aroused the body was after its first five minutes, which count as its rest.",
        },
    ),
    Group(
        "How well the face could be read",
        {
            "coverage": "How much of the recorded time the face could be read. Look at this first.",
            "quality_mean": "How well the face could be seen: light, sharpness, size and pose together.",
            "light_mean": "How good the light on the face was.",
            "sharpness_mean": "How sharp the picture of the face was.",
            "face_px": "How large the face was in the picture: another distance or camera changes it.",
        },
    ),
)
"""The measures as people choose among them; each stands in exactly one group."""

_UNIT_WORDS: Final = MappingProxyType(
    {
        "-1 to 1": "From \N{MINUS SIGN}1 to 1.",
        "bits": "In bits, from 0 to 3.",
        "SD of own days": "In standard deviations of this person's own days.",
        "per minute": "How many per minute.",
        "s": "In seconds.",
        "eye distances": "As a share of the distance between the outer corners of the eyes.",
        "per second": "As a share of the full range per second.",
        "degrees per second": "In degrees per second.",
        "pixels": "In pixels.",
    }
)
_PLAIN_NUMBERS: Final = MappingProxyType(
    {
        "instability": "0 is a steady face.",
        "quality_mean": "From 0, poor, to 1, good.",
        "light_mean": "From 0, poor, to 1, good.",
        "sharpness_mean": "From 0, poor, to 1, good.",
        "happiness_mean": "A probability, from 0 to 1.",
        "happiness_max": "A probability, from 0 to 1.",
        "expressivity": "From 0, the neutral face, to 1.",
        "body_arousal": "From 0, as at rest, to 1.",
    }
)


def unit_words(measure: Measure) -> str:
    """Return in a sentence what a measure's numbers count."""
    if measure.unit != "1":
        return _UNIT_WORDS[measure.unit]
    return _PLAIN_NUMBERS.get(measure.name, "A share of the time, from 0 to 1.")
