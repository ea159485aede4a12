"""What the zip says of itself."""

from __future__ import annotations

from typing import Final

from mien.wording import count

_SAFETY: Final = """
The PHQ-9's ninth question, about thoughts of being better off dead or of hurting oneself, was answered above
"not at all" in this record:

{text}
"""


_UNKNOWN: Final = """
In {many} in this record it is not known how the ninth question was answered. Please ask.
"""


def readme(safety_text: str | None, ninth_unknown: int = 0) -> str:
    """Give the zip's README.

    Args:
        safety_text: the clinic's, where an answer in the record needs it.
        ninth_unknown: of so many PHQ-9s the ninth answer isn't known.
    """
    safety = _SAFETY.format(text=safety_text) if safety_text is not None else ""
    unknown = _UNKNOWN.format(many=count(ninth_unknown, "PHQ-9")) if ninth_unknown else ""
    return README + safety + unknown


README: Final = """\
A mood record, exported by Mien
===============================

This zip holds one subject's whole record. It is personal data about health: keep it where only
those who may see it can, and delete it when it is no longer needed.

record.json            the subject, consents, recordings, annotations and self-reports
recordings/DAY_ID/     one folder for each recording:
    readings.csv       one row for each frame that was read; empty cells where the subject was not seen
    readings.parquet   the same table, for programs
    events.json        episodes of expression, smiles and blinks
days.csv               one row for each day, with the figures of that day; computed from the rest
fhir-r5.json           for clinical systems (or fhir-r4b.json); computed from the rest
schema/                what each JSON file looks like, as JSON Schema
manifest.json          every file with its size and SHA-256

Times carry their time zone: a recording's start is by the clock of the place where it was made,
other times are in UTC (Z). Seconds in a recording count from its start.

Mien reads expressions, not feelings, and it makes no diagnosis. Look at the coverage before anything
else: it says for how much of the time there is a usable reading. A flat face is not a low mood:
medicine, palsy and parkinsonism flatten faces too.

    mien import FILE.zip     puts the record back into a store, exactly as it was

docs/export.md in Mien's documentation describes every file and column.
"""
