"""The codes of the FHIR bundle: LOINC's where there are such, and ours for the rest.

LOINC's were checked against HL7's Personal Health Records guide, FHIR's vital signs and the panels of PHQ-9
(44249-1) and GAD-7 (69737-5), whose items share the answer list LL358-3. 39106-0, "Temperature of Skin", is
what an examiner finds, such as cold: the number is 61008-9. 80404-7 is SDNN; RMSSD has no code. This material
contains content from LOINC (https://loinc.org), which is copyright of Regenstrief Institute, Inc. and
available at no cost under its licence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
OURS: Final = "urn:mien:codes"
"""The code system that the bundle itself defines."""
SUBJECT_CODES: Final = "urn:mien:subject-code"
MODELS: Final = "urn:mien:model"
"""What a network or detector is called stands under this in a Device."""
URIS: Final = "urn:ietf:rfc:3986"
"""The system of identifiers that are URIs."""

_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"

TOTALS: Final = {
    "phq9": ("44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]"),
    "gad7": ("70274-6", "Generalized anxiety disorder 7 item (GAD-7) total score [Reported.PHQ]"),
}
"""LOINC code and name of a scale's sum."""

ITEMS: Final = {
    "phq9": (
        "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8",
    ),
    "gad7": ("69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"),
}  # fmt: skip
"""LOINC codes of a scale's items, in the order in which they are asked."""

ANSWERS: Final = (
    ("LA6568-5", "Not at all"),
    ("LA6569-3", "Several days"),
    ("LA6570-1", "More than half the days"),
    ("LA6571-9", "Nearly every day"),
)
"""LOINC codes and names (list LL358-3) of what can be answered to an item of either scale: 0, 1, 2, 3."""

DIFFICULTY: Final = "69722-7"
"""LOINC code of the question how difficult the problems made things."""

DIFFICULTIES: Final = (
    ("LA6572-7", "Not difficult at all"),
    ("LA6573-5", "Somewhat difficult"),
    ("LA6574-3", "Very difficult"),
    ("LA6575-0", "Extremely difficult"),
)
"""LOINC codes and names of what can be answered to it: 0, 1, 2, 3."""

CONSENT_DOCUMENT: Final = ("59284-0", "Consent Document")
"""LOINC code and name of a consent."""

UNITS: Final = {
    "1": "1",
    "-1 to 1": "1",
    "s": "s",
    "bits": "bit",
    "per minute": "/min",
    "per second": "/s",
    "degrees per second": "deg/s",
    "pixels": "{pixel}",
    "eye distances": "{eye_distance}",
    "SD of own days": "{SD}",
}
"""Our units in UCUM's words."""

HEART_RATE: Final = ("8867-4", "Heart rate")
RESTING: Final = ("40443-4", "Heart rate --resting")

BODY: Final[dict[str, tuple[tuple[str, str] | None, str, str]]] = {
    "heart_rate": (HEART_RATE, "Heart rate", "Beats a minute"),
    "sdnn_ms": (
        ("80404-7", "R-R interval.standard deviation (Heart rate variability)"), "SDNN",
        "Standard deviation of the intervals from beat to beat",
    ),
    "rmssd_ms": (None, "RMSSD", "Root mean square of the differences of successive intervals"),
    "pnn50": (None, "pNN50", "Share of successive intervals that differ by more than 50 ms"),
    "hf_ms2": (None, "HF power", "Power of the intervals from 0.15 to 0.4 Hz"),
    "lf_ms2": (None, "LF power", "Power of the intervals from 0.04 to 0.15 Hz"),
    "breathing_rate": (("9279-1", "Respiratory rate"), "Respiratory rate", "Breaths a minute"),
    "skin_temperature": (
        ("61008-9", "Body surface temperature"), "Skin temperature", "Mean where the sensor is"
    ),
    "skin_level": (None, "Skin conductance level", "Median"),
    "skin_slope": (None, "Skin conductance slope", "Change of the level, a minute"),
    "skin_responses": (None, "Skin conductance responses", "Rises of at least 0.05 uS, a minute"),
    "skin_response_sum": (None, "Sum of skin conductance responses", "How much they rise, a minute"),
    "muscle_activity": (None, "Muscle activity", "Mean of the rectified signal, 20 to 450 Hz"),
    "eeg_delta": (None, "EEG delta power", "Power from 1 to 4 Hz"),
    "eeg_theta": (None, "EEG theta power", "Power from 4 to 8 Hz"),
    "eeg_alpha": (None, "EEG alpha power", "Power from 8 to 13 Hz"),
    "eeg_beta": (None, "EEG beta power", "Power from 13 to 30 Hz"),
    "frontal_asymmetry": (None, "Frontal asymmetry", "ln(alpha right) - ln(alpha left)"),
}  # fmt: skip
"""Of body sensors' measures: LOINC code and name where there is one, our name and meaning."""

BODY_UNITS: Final = {
    "": "1", "1/min": "/min", "ms": "ms", "ms2": "ms2", "uS": "uS", "uS/min": "uS/min", "degC": "Cel",
    "nV": "nV", "uV": "uV", "mV": "mV", "V": "V", "uV2": "uV2",
}  # fmt: skip
"""Units of body sensors in UCUM's words; another one has none."""

OWN: Final[dict[str, tuple[str, str]]] = {
    **{name: (title, meaning) for name, (known, title, meaning) in BODY.items() if known is None},
    "mood": ("Mood", "How the subject says their mood is, from 0 (worst) to 10 (best)"),
    "self-report": ("Self-report", "The total of another scale, named in the text"),
    "recording": ("Recording of expression", "Figures over one recording of the subject's face"),
    "coverage": ("Coverage", "Share of the recording with a usable reading of the subject"),
    "frames": ("Frames", "Analysed frames, those without the subject too"),
    "expression": ("Expression", "A signal that a consent is about: the expression of the subject's face"),
    "measures": ("Measures", "A signal that a consent is about: what the landmarks of the face measure"),
    "heart": ("Heart", "A signal that a consent is about: heart rate and its variability"),
    "skin": ("Skin", "A signal that a consent is about: the conductance of the skin"),
    "muscles": ("Muscles", "A signal that a consent is about: the activity of muscles"),
    "brain": ("Brain", "A signal that a consent is about: brain waves"),
    "respiration": ("Respiration", "A signal that a consent is about: breathing"),
    "temperature": ("Temperature", "A signal that a consent is about: the temperature of the skin"),
    "course": ("Course", "The figure of each window, as sampled data; E is no reading"),
    "signal-quality": ("Signal quality", "Of each window, as sampled data: from 0 to 1, 0 for nothing known"),
    "signal-coverage": ("Signal coverage", "Share of the windows with a reading"),
    "software": ("Software", "The version of the Mien that recorded"),
    "network": ("Network", "The SHA-256 of the file of the network that read the face"),
    "detector": ("Detector", "The SHA-256 of a file of the detector that found the face"),
    "simulated": ("Simulated", "Made up by a computer: nobody is behind this resource"),
}
"""Our codes: name and meaning."""


def loinc(code: str, display: str | None = None) -> dict[str, Any]:
    """Return a LOINC code as a CodeableConcept."""
    coding = {"system": LOINC, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


def own(code: str, display: str | None = None) -> dict[str, Any]:
    """Return one of our codes as a CodeableConcept; without a name, one of `OWN`."""
    return {"coding": [{"system": OURS, "code": code, "display": display or OWN[code][0]}]}


def hl7(system: str, code: str, display: str) -> dict[str, Any]:
    """Return a code of one of HL7's systems, such as "v3-ActReason", as a CodeableConcept."""
    return {"coding": [{"system": f"{_TERMINOLOGY}/{system}", "code": code, "display": display}]}


def quantity(value: float, unit: str = "1", units: Mapping[str, str] = UNITS) -> dict[str, Any]:
    """Return a value in UCUM's words, without a digit too many."""
    number = round(value, 6)
    whole = int(number) if number == int(number) else number
    ucum = units.get(unit)
    named = {"unit": unit} if unit else {}
    return {"value": whole} | named | ({"system": UCUM, "code": ucum} if ucum else {})


def score(value: float) -> dict[str, Any]:
    """Return the sum of a scale."""
    return quantity(value, "{score}") | {"system": UCUM, "code": "{score}"}
