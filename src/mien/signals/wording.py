"""What the measures of the body are called, and on which axis they are drawn: for pages and reports."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple


class MeasureWords(NamedTuple):
    """How one measure is shown.

    Attributes:
        title: its name for people.
        decimals: of its value, where it is told.
        least_span: an axis covers at least so much, so that noise doesn't look like a change.
        limits: of the axis, where they are fixed.
        joined: what several signals of this measure show together: the one of the best quality, or their
            median; None shows each by itself.
    """

    title: str
    decimals: int
    least_span: float
    limits: tuple[float, float] | None = None
    joined: Literal["best", "median"] | None = "best"


MEASURES: Final[Mapping[str, MeasureWords]] = MappingProxyType(
    {
        "arousal": MeasureWords("Body arousal", 2, 1.0, (0.0, 1.0)),
        "heart_rate": MeasureWords("Heart rate", 0, 20.0),
        "skin_level": MeasureWords("Skin conductance", 1, 1.0),
        "breathing_rate": MeasureWords("Breathing", 0, 8.0),
        "face_pulse": MeasureWords("Pulse from the face", 0, 20.0),
        "muscle_activity": MeasureWords("Muscle", 1, 2.0, joined=None),
        "eeg_alpha": MeasureWords("EEG alpha", 1, 5.0, joined="median"),
        "frontal_asymmetry": MeasureWords("Frontal asymmetry", 2, 0.5, joined=None),
        "skin_responses": MeasureWords("Skin responses", 1, 5.0),
        "skin_temperature": MeasureWords("Skin temperature", 1, 1.0),
        "rmssd_ms": MeasureWords("Heart rate variability, RMSSD", 0, 20.0),
        "pnn50": MeasureWords("Heart rate variability, pNN50", 2, 0.2),
        "sdnn_ms": MeasureWords("Heart rate variability, SDNN", 0, 20.0),
        "hf_ms2": MeasureWords("Heart rate variability, high frequencies", 0, 100.0),
        "lf_ms2": MeasureWords("Heart rate variability, low frequencies", 0, 100.0),
        "skin_slope": MeasureWords("Skin conductance, slope", 2, 0.5),
        "skin_response_sum": MeasureWords("Skin responses, sum", 2, 0.5),
        "eeg_delta": MeasureWords("EEG delta", 1, 5.0, joined="median"),
        "eeg_theta": MeasureWords("EEG theta", 1, 5.0, joined="median"),
        "eeg_beta": MeasureWords("EEG beta", 1, 5.0, joined="median"),
    }
)
"""By the names of `Figure.measure`, in the order in which they are shown."""
