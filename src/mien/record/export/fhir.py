"""The record in FHIR's words: a bundle of the subject, consents, self-reports and each recording's figures.

Every resource is checked by fhir.resources when the bundle is made. The bundle is for other programs to read;
importing takes nothing from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, Final, Literal
from uuid import UUID, uuid5

import mien
from mien.mood.estimate import Estimate, Measure
from mien.record.documents import ConsentDocument, Record, RecordingDocument, SelfReportDocument
from mien.record.export.fhir_codes import (
    ITEMS,
    OURS,
    OWN,
    SUBJECT_CODES,
    TOTALS,
    loinc,
    own,
    quantity,
    score,
)

FhirVersion = Literal["R5", "R4B"]

Figures = Mapping[str, Estimate | None]
Resource = dict[str, Any]

_NAMES: Final = UUID("5b9e1c52-0f0b-4a5e-9a0e-0c7d3a4f6e21")
"""The namespace of the resources' identifiers, so that the same record always has the same ones."""

_SURVEY: Final = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "survey",
            "display": "Survey",
        }
    ]
}


def bundle(
    record: Record,
    figures: Mapping[str, Figures],
    measures: Mapping[str, Measure],
    version: FhirVersion = "R5",
) -> str:
    """Make the bundle.

    Args:
        record: of one subject.
        figures: of each recording, by its uuid; those that are None are left out.
        measures: what the figures are, by name.
        version: of FHIR.

    Returns:
        JSON.

    Raises:
        pydantic.ValidationError: something is not as FHIR wants it, which is a mistake of Mien's.
    """
    module = import_module("fhir.resources.bundle" if version == "R5" else "fhir.resources.R4B.bundle")
    entries = list(_Entries(record, figures, measures, version))
    made = module.Bundle.model_validate({"resourceType": "Bundle", "type": "collection", "entry": entries})
    text: str = made.model_dump_json(indent=2)
    return text + "\n"


class _Entries:
    """The bundle's entries, in their order."""

    def __init__(
        self,
        record: Record,
        figures: Mapping[str, Figures],
        measures: Mapping[str, Measure],
        version: FhirVersion,
    ) -> None:
        self._record, self._figures, self._measures, self._version = record, figures, measures, version
        subject = record.subject
        # Two clinics may both have a P-017: its code alone is no identifier.
        self._id = uuid5(_NAMES, f"{subject.code} {subject.created_at.isoformat()}")
        self._patient, self._device = self._reference("patient"), self._reference("device")

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield self._entry("patient", self._patient_resource())
        yield self._entry("device", _device(self._version))
        yield self._entry("codes", _code_system(self._used()))
        for place, consent in enumerate(self._record.consents):
            yield self._entry(f"consent {place}", _consent(consent, self._patient, self._version))
        for place, report in enumerate(self._record.self_reports):
            yield self._entry(f"self-report {place}", _self_report(report, self._patient))
        for recording in self._record.recordings:
            yield self._entry(recording.uuid, self._recording(recording))

    def _patient_resource(self) -> Resource:
        identifier = {"system": SUBJECT_CODES, "value": self._record.subject.code}
        return {"resourceType": "Patient", "identifier": [identifier]}

    def _recording(self, recording: RecordingDocument) -> Resource:
        components = [_component("frames", OWN["frames"][0], quantity(recording.frames))]
        known = {name: each for name, each in self._figures.get(recording.uuid, {}).items() if each}
        if "coverage" not in known and recording.coverage is not None:
            components.append(_component("coverage", OWN["coverage"][0], quantity(recording.coverage)))
        for name, estimate in known.items():
            components.extend(_figure(name, self._measures[name], estimate))
        end = recording.started_at + timedelta(seconds=recording.length_s)
        return {
            "resourceType": "Observation",
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{UUID(recording.uuid)}"}],
            "status": "final",
            "code": own("recording", OWN["recording"][0]),
            "subject": self._patient,
            "effectivePeriod": {"start": recording.started_at.isoformat(), "end": end.isoformat()},
            "device": self._device,
            "component": components,
        }

    def _used(self) -> dict[str, tuple[str, str]]:
        used = {name for each in self._figures.values() for name, estimate in each.items() if estimate}
        codes = dict(OWN)
        for name in sorted(used):
            codes |= _codes(name, self._measures[name])
        return codes

    def _entry(self, key: str, resource: Resource) -> dict[str, Any]:
        return {"fullUrl": self._url(key), "resource": resource}

    def _reference(self, key: str) -> dict[str, str]:
        return {"reference": self._url(key)}

    def _url(self, key: str) -> str:
        return f"urn:uuid:{uuid5(self._id, key)}"


def _device(version: FhirVersion) -> Resource:
    names = (
        {"name": [{"value": "Mien", "type": "registered-name"}]}
        if version == "R5"
        else {"deviceName": [{"name": "Mien", "type": "manufacturer-name"}]}
    )
    return {"resourceType": "Device", "version": [{"value": mien.__version__}], **names}


def _code_system(codes: Mapping[str, tuple[str, str]]) -> Resource:
    return {
        "resourceType": "CodeSystem",
        "url": OURS,
        "version": mien.__version__,
        "name": "MienCodes",
        "status": "active",
        "content": "complete",
        "concept": [
            {"code": code, "display": display, "definition": definition}
            for code, (display, definition) in codes.items()
        ],
    }


def _consent(consent: ConsentDocument, patient: dict[str, str], version: FhirVersion) -> Resource:
    ends = [each for each in (consent.valid_until, consent.withdrawn_at) if each]
    period = {"start": consent.given_at.isoformat()} | ({"end": min(ends).isoformat()} if ends else {})
    given_by, purpose = _text(consent.given_by) or "not said", _text(consent.purpose) or "not said"
    code = [{"text": signal} for signal in consent.signals]
    common = {
        "resourceType": "Consent",
        "status": "inactive" if consent.withdrawn_at else "active",
        "category": [{"text": purpose}],
    }
    if version == "R5":
        # "date" is a day there.
        return common | {
            "subject": patient,
            "date": consent.given_at.date().isoformat(),
            "period": period,
            "grantor": [{"display": given_by}],
            "decision": "permit",
            "provision": [{"code": code}],
        }
    return common | {
        "scope": {"text": "recording of expression"},
        "patient": patient,
        "dateTime": consent.given_at.isoformat(),
        "performer": [{"display": given_by}],
        "policyRule": {"text": purpose},
        "provision": {"type": "permit", "period": period, "code": code},
    }


def _self_report(report: SelfReportDocument, patient: dict[str, str]) -> Resource:
    items = zip(ITEMS.get(report.scale, ()), report.items or (), strict=False)
    note = _text(report.note)
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "category": [_SURVEY],
        "code": _scale(report.scale),
        "subject": patient,
        "effectiveDateTime": report.at.isoformat(),
        "performer": [patient],
        "valueQuantity": score(report.total),
        "component": [{"code": loinc(code), "valueInteger": answer} for code, answer in items],
        "note": [{"text": note}] if note else [],
    }
    return {name: value for name, value in resource.items() if value != []}


def _scale(name: str) -> dict[str, Any]:
    if name in TOTALS:
        return loinc(*TOTALS[name])
    if name == "mood":
        return own("mood", OWN["mood"][0])
    return own("self-report", OWN["self-report"][0]) | {"text": _text(name)}


def _figure(name: str, measure: Measure, estimate: Estimate) -> Iterator[Resource]:
    values = (estimate.value, estimate.low, estimate.high)
    for (code, (title, _)), value in zip(_codes(name, measure).items(), values, strict=False):
        if value is not None:
            yield _component(code, title, quantity(value, measure.unit))


def _codes(name: str, measure: Measure) -> dict[str, tuple[str, str]]:
    """Give the codes of a figure and of the ends of its interval, if it has one, with names and meanings."""
    ends = {
        f"{name}_{end}": (f"{measure.title}, {end}", f"The {end} end of the interval of {name}")
        for end in ("low", "high")
        if measure.interval
    }
    return {name: (measure.title, measure.definition)} | ends


def _component(code: str, display: str, value: dict[str, Any]) -> Resource:
    return {"code": own(code, display), "valueQuantity": value}


def _text(text: str) -> str:
    """Give a text in the characters that FHIR allows; "" where none is left."""
    spaced = re.sub(r"[^\S\r\n\t ]", " ", text)
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\N{REPLACEMENT CHARACTER}", spaced).strip()
