"""The codes of the FHIR bundle: LOINC's where there are such, and ours for the rest.

LOINC's were checked against HL7's Personal Health Records guide and the panels of PHQ-9 (44249-1) and GAD-7
(69737-5). This material contains content from LOINC (https://loinc.org), which is copyright of Regenstrief
Institute, Inc. and available at no cost under its licence.
"""

from __future__ import annotations

from typing import Any, Final

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
OURS: Final = "urn:mien:codes"
"""The code system that the bundle itself defines."""
SUBJECT_CODES: Final = "urn:mien:subject-code"

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

OWN: Final = {
    "mood": ("Mood", "How the subject says their mood is, from 0 (worst) to 10 (best)"),
    "self-report": ("Self-report", "The total of another scale, named in the text"),
    "recording": ("Recording of expression", "Figures over one recording of the subject's face"),
    "coverage": ("Coverage", "Share of the recording with a usable reading of the subject"),
    "frames": ("Frames", "Analysed frames, those without the subject too"),
}
"""Our codes: name and meaning."""


def loinc(code: str, display: str | None = None) -> dict[str, Any]:
    """Give a LOINC code as a CodeableConcept."""
    coding = {"system": LOINC, "code": code} | ({"display": display} if display else {})
    return {"coding": [coding]}


def own(code: str, display: str) -> dict[str, Any]:
    """Give one of our codes as a CodeableConcept."""
    return {"coding": [{"system": OURS, "code": code, "display": display}]}


def quantity(value: float, unit: str = "1") -> dict[str, Any]:
    """Give a value in UCUM's words, without a digit too many."""
    number = round(value, 6)
    whole = int(number) if number == int(number) else number
    ucum = UNITS.get(unit)
    return {"value": whole, "unit": unit} | ({"system": UCUM, "code": ucum} if ucum else {})


def score(value: float) -> dict[str, Any]:
    """Give the sum of a scale."""
    return quantity(value, "{score}") | {"system": UCUM, "code": "{score}"}
