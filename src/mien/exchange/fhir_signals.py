"""What body sensors said in FHIR's words: an Observation for each measure of each signal of a recording.

Its value is the median of the windows, so that every reader finds a number; the windows themselves stand
beside it as sampled data, with their qualities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien.exchange.fhir_codes import BODY, BODY_UNITS, HEART_RATE, RESTING, hl7, loinc, own, quantity
from mien.signals.figures_edf import LONGEST_S, courses
from mien.signals.types import Figure
from mien.store.signals import signal_of
from mien.wording import count

Resource = dict[str, Any]

_VITAL_SIGNS: Final = hl7("observation-category", "vital-signs", "Vital Signs")
_PROCEDURE: Final = hl7("observation-category", "procedure", "Procedure")
_PROFILES: Final = {
    "heart_rate": "http://hl7.org/fhir/StructureDefinition/heartrate",
    "breathing_rate": "http://hl7.org/fhir/StructureDefinition/resprate",
}
"""FHIR's own profiles of vital signs. A skin's temperature is not the body's, which is why it has none."""


def measured(figures: Sequence[Figure], version: Literal["R5", "R4B"]) -> Iterator[tuple[str, Resource]]:
    """Yield what is particular to each Observation, with a key that no other of the recording has.

    Args:
        figures: of one recording.
        version: of FHIR.

    Returns:
        One for each measure of each signal; without a reading in any window there is none.
    """
    grouped: dict[tuple[str, str, str], list[Figure]] = {}
    for each in sorted(figures, key=lambda each: (each.measure, each.signal, each.unit, each.start_s)):
        grouped.setdefault((each.measure, each.signal, each.unit), []).append(each)
    for (measure, signal, unit), windows in grouped.items():
        known = [each for each in windows if each.value is not None]
        if known:
            yield f"{measure} {signal} {unit}", _observation(windows, known, version)


def _observation(windows: list[Figure], known: list[Figure], version: Literal["R5", "R4B"]) -> Resource:
    first = windows[0]
    code, title, _ = BODY.get(first.measure, (None, first.measure, ""))
    vital = first.measure in _PROFILES
    profile = {"meta": {"profile": [_PROFILES[first.measure]]}} if vital else {}
    signal = f" of the signal {first.signal}" if first.signal else ""
    length_s = median(each.end_s - each.start_s for each in windows)
    return profile | {
        "category": [_VITAL_SIGNS if vital else _PROCEDURE],
        "code": loinc(*code) if code else own(first.measure, title),
        "valueQuantity": quantity(median(each.value or 0.0 for each in known), first.unit, BODY_UNITS),
        "component": list(_components(windows, len(known), version)),
        "note": [
            {"text": f"Median of {count(len(known), 'window')} of {length_s:g} s{signal}."}
        ],
    }  # fmt: skip


def _components(windows: list[Figure], known: int, version: Literal["R5", "R4B"]) -> Iterator[Resource]:
    yield {"code": own("signal-coverage"), "valueQuantity": quantity(known / len(windows))}
    (course,) = courses(windows, int(min(windows[-1].end_s, LONGEST_S)) + 1)
    step_s = max(1, int(course.step_s))
    for code, values, unit in (
        ("course", course.values, course.unit),
        ("signal-quality", course.quality, ""),
    ):
        origin = quantity(0, unit, BODY_UNITS)
        yield {"code": own(code), "valueSampledData": _sampled(values[::step_s], origin, step_s, version)}


def _sampled(
    values: NDArray[np.float64], origin: Resource, step_s: int, version: Literal["R5", "R4B"]
) -> Resource:
    """Return values as sampled data; the first is of the recording's start."""
    every = {"interval": step_s, "intervalUnit": "s"} if version == "R5" else {"period": 1000 * step_s}
    said = " ".join(f"{each:.6g}" if np.isfinite(each) else "E" for each in values.tolist())
    return {"origin": origin, "dimensions": 1, "data": said} | every


def resting(value: float) -> Resource:
    """Return what is particular to the Observation of a resting heart rate, which is a heart rate, too."""
    codes = [*loinc(*RESTING)["coding"], *loinc(*HEART_RATE)["coding"]]
    return {
        "meta": {"profile": [_PROFILES["heart_rate"]]},
        "category": [_VITAL_SIGNS],
        "code": {"coding": codes},
        "valueQuantity": quantity(value, "1/min", BODY_UNITS),
    }


def codes_of(signals: Iterable[str]) -> Iterator[Resource]:
    """Yield the codes of what is recorded of these signals, for a consent that names them."""
    wanted = set(signals)
    if "heart" in wanted:
        yield loinc(*RESTING)
    for measure, (code, title, _) in BODY.items():
        if signal_of(measure) in wanted:
            yield loinc(*code) if code else own(measure, title)
