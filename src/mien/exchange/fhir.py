"""The record in FHIR's words: a bundle of the subject, consents, self-reports and each recording's figures.

Every resource is checked by fhir.resources when the bundle is made. The bundle is a transaction: a server
that takes it has the whole record or nothing, and one that has it already is brought up to date. Importing
takes nothing from it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, Literal
from uuid import UUID, uuid5

import mien
from mien.exchange.documents import ConsentDocument, Record, RecordingDocument, SelfReportDocument
from mien.exchange.fhir_codes import (
    ANSWERS,
    CONSENT_DOCUMENT,
    DIFFICULTIES,
    DIFFICULTY,
    ITEMS,
    MODELS,
    OURS,
    OWN,
    SUBJECT_CODES,
    TOTALS,
    URIS,
    hl7,
    loinc,
    own,
    quantity,
    score,
)
from mien.exchange.fhir_signals import codes_of, measured, resting
from mien.mood.estimate import Estimate, Measure
from mien.record.scales import NINTH_UNKNOWN, needs_safety_text, ninth_is_unknown
from mien.signals.types import Figure

FhirVersion = Literal["R5", "R4B"]

Figures = Mapping[str, Estimate | None]
BodyFigures = Mapping[str, Sequence[Figure]]
Resource = dict[str, Any]

_NAMES: Final = UUID("5b9e1c52-0f0b-4a5e-9a0e-0c7d3a4f6e21")
"""The namespace of the resources' identifiers, so that the same record always has the same ones."""

_SURVEY: Final = hl7("observation-category", "survey", "Survey")
_PROCEDURE: Final = hl7("observation-category", "procedure", "Procedure")

_SIMULATED: Final = {
    "security": hl7("v3-ActReason", "HTEST", "test health data")["coding"],
    "tag": own("simulated")["coding"],
}
"""The meta of everything in a simulated person's bundle, so that no system takes it for a patient's data."""

_STATUS: Final = {"finished": "final", "interrupted": "preliminary"}
"""By the recording's state; FHIR: preliminary data "may be incomplete or unverified"."""

_SAID: Final = [own("mood"), own("self-report"), *(loinc(*total) for total in TOTALS.values())]
"""The codes of self-reports: every consent covers what the subject says, whatever signals it is for."""

_UNKNOWN: Final = {"dataAbsentReason": hl7("data-absent-reason", "unknown", "Unknown")}
"""In place of a value: a question was left open, and so there is no total."""


def bundle(
    record: Record,
    figures: Mapping[str, Figures],
    measures: Mapping[str, Measure],
    version: FhirVersion = "R5",
    *,
    safety: str = "",
    signals: BodyFigures = MappingProxyType({}),
) -> str:
    """Make the bundle.

    Args:
        record: of one subject.
        figures: of each recording, by its uuid; those that are None are left out.
        measures: what the figures are, by name.
        version: of FHIR.
        safety: the text that stands beside a PHQ-9 whose ninth question was answered above 0.
        signals: what body sensors said in each recording, by its uuid.

    Returns:
        JSON.

    Raises:
        pydantic.ValidationError: something is not as FHIR wants it, which is a mistake of Mien's.
    """
    module = import_module("fhir.resources.bundle" if version == "R5" else "fhir.resources.R4B.bundle")
    simulated = any(each.kind == "simulated" for each in record.recordings)
    meta: Resource = _SIMULATED if simulated else {}
    entries = [
        entry | {"resource": _with_meta(entry["resource"], meta)}
        for entry in _Entries(record, figures, measures, version, safety, signals)
    ]
    whole = _with_meta({"resourceType": "Bundle", "type": "transaction", "entry": entries}, meta)
    made = module.Bundle.model_validate(whole)
    text: str = made.model_dump_json(indent=2)
    return text + "\n"


def _with_meta(resource: Resource, meta: Resource) -> Resource:
    return resource | {"meta": resource.get("meta", {}) | meta} if meta else resource


class _Entries:
    """The bundle's entries, in their order."""

    def __init__(
        self,
        record: Record,
        figures: Mapping[str, Figures],
        measures: Mapping[str, Measure],
        version: FhirVersion,
        safety: str,
        signals: BodyFigures,
    ) -> None:
        self._record, self._figures, self._measures, self._version = record, figures, measures, version
        self._safety, self._signals = safety, signals
        subject = record.subject
        # Two clinics may both have a P-017: its code alone is no identifier.
        self._id = uuid5(_NAMES, f"{subject.code} {subject.created_at.isoformat()}")
        self._patient = self._reference("patient")
        self._keys: Counter[str] = Counter()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        code = {"system": SUBJECT_CODES, "value": self._record.subject.code}
        yield self._entry("patient", {"resourceType": "Patient", "identifier": [code]})
        yield self._code_system()
        devices = {_made_with(each): _device(each, self._version) for each in self._record.recordings}
        for made_with, device in devices.items():
            yield self._entry(made_with, device)
        for consent in self._record.consents:
            key = self._distinct(f"consent {consent.given_at.isoformat()}")
            yield self._entry(key, _consent(consent, self._patient, self._version))
        for report in self._record.self_reports:
            key = self._distinct(f"self-report {report.scale} {report.at.isoformat()}")
            yield self._entry(key, _self_report(report, self._patient, self._safety))
        for recording in self._record.recordings:
            yield self._entry(recording.uuid, self._recording(recording), UUID(recording.uuid))
            yield from self._body(recording)

    def _body(self, recording: RecordingDocument) -> Iterator[dict[str, Any]]:
        """Yield the entries of what body sensors said in a recording."""
        for key, part in measured(self._signals.get(recording.uuid, ()), self._version):
            yield self._entry(f"signals {recording.uuid} {key}", self._observation(recording) | part)
        rest = self._figures.get(recording.uuid, {}).get("resting_heart_rate")
        if rest is not None:
            part = resting(rest.value)
            yield self._entry(f"resting {recording.uuid}", self._observation(recording) | part)

    def _recording(self, recording: RecordingDocument) -> Resource:
        components = [_component("frames", OWN["frames"][0], quantity(recording.frames))]
        known = {name: each for name, each in self._figures.get(recording.uuid, {}).items() if each}
        if "coverage" not in known and recording.coverage is not None:
            components.append(_component("coverage", OWN["coverage"][0], quantity(recording.coverage)))
        for name, estimate in known.items():
            components.extend(_figure(name, self._measures[name], estimate))
        said = {"category": [_PROCEDURE], "code": own("recording"), "component": components}
        return self._observation(recording) | said

    def _observation(self, recording: RecordingDocument) -> Resource:
        """Return what is the same in all Observations of a recording."""
        end = recording.started_at + timedelta(seconds=recording.length_s)
        return {
            "resourceType": "Observation",
            "status": _STATUS[recording.state],
            "subject": self._patient,
            "effectivePeriod": {"start": recording.started_at.isoformat(), "end": end.isoformat()},
            "device": self._reference(_made_with(recording)),
        }

    def _code_system(self) -> dict[str, Any]:
        """Return the entry of our codes, always all: one version of a complete system has one content."""
        codes = dict(OWN)
        for name, measure in self._measures.items():
            codes |= _codes(name, measure)
        resource = {
            "resourceType": "CodeSystem",
            "url": OURS,
            "version": mien.__version__,
            "name": "MienCodes",
            "status": "active",
            "caseSensitive": True,
            "content": "complete",
            "concept": [
                {"code": code, "display": display, "definition": definition}
                for code, (display, definition) in codes.items()
            ],
        }
        request = {"method": "PUT", "url": f"CodeSystem?url={OURS}&version={mien.__version__}"}
        return {"fullUrl": self._url("codes"), "resource": resource, "request": request}

    def _entry(self, key: str, resource: Resource, uuid: UUID | None = None) -> dict[str, Any]:
        """Return an entry: created, or updated where a server has a resource of the same identifier."""
        name = f"urn:uuid:{uuid}" if uuid else self._url(key)
        identifiers = [*resource.get("identifier", []), {"system": URIS, "value": name}]
        request = {"method": "PUT", "url": f"{resource['resourceType']}?identifier={URIS}|{name}"}
        resource = resource | {"identifier": identifiers}
        return {"fullUrl": self._url(key), "resource": resource, "request": request}

    def _distinct(self, key: str) -> str:
        """Number the keys that are the same, so that each stays what it is when others come."""
        self._keys[key] += 1
        return f"{key} {self._keys[key]}"

    def _reference(self, key: str) -> dict[str, str]:
        return {"reference": self._url(key)}

    def _url(self, key: str) -> str:
        return f"urn:uuid:{uuid5(self._id, key)}"


def _made_with(recording: RecordingDocument) -> str:
    """Return the key of the device that made a recording: the same version and models are the same device."""
    return f"device {recording.version} {json.dumps(recording.models, sort_keys=True)}"


def _device(recording: RecordingDocument, version: FhirVersion) -> Resource:
    names = (
        {"name": [{"value": "Mien", "type": "registered-name"}]}
        if version == "R5"
        else {"deviceName": [{"name": "Mien", "type": "manufacturer-name"}]}
    )
    parts = [{"type": own("software"), "value": _text(recording.version) or "not known"}]
    for part in ("network", "detector"):
        parts.extend(_model(part, recording.models.get(part)))
    return {"resourceType": "Device", "version": parts, **names}


def _model(part: str, model: Any) -> Iterator[Resource]:
    """Return each file of a network or detector as a component of the device, its SHA-256 as the version."""
    if model is None:
        return
    described = model if isinstance(model, dict) else {"name": model}
    name, hashes = _text(str(described.get("name", part))) or part, described.get("sha256")
    files = hashes.items() if isinstance(hashes, dict) and hashes else [("", hashes)]
    for file, sha256 in files:
        identifier = {"system": MODELS, "value": f"{name}/{file}" if file else name}
        yield {"type": own(part), "component": identifier, "value": str(sha256 or "not known")}


def _consent(consent: ConsentDocument, patient: dict[str, str], version: FhirVersion) -> Resource:
    """Return a consent: nothing is permitted but what was agreed to."""
    ends = [each for each in (consent.valid_until, consent.withdrawn_at) if each]
    period = {"start": consent.given_at.isoformat()} | ({"end": min(ends).isoformat()} if ends else {})
    given_by, purpose = _text(consent.given_by) or "not said", _text(consent.purpose) or "not said"
    agreed = {
        "action": [hl7("consentaction", "collect", "Collect"), hl7("consentaction", "use", "Use")],
        "purpose": [{"display": purpose}],
        "code": [
            own("recording"),
            *(own(signal) for signal in consent.signals),
            *codes_of(consent.signals),
            *_SAID,
        ],
    }
    common = {
        "resourceType": "Consent",
        "status": "inactive" if consent.withdrawn_at else "active",
        "category": [loinc(*CONSENT_DOCUMENT)],
    }
    if version == "R5":
        # Provisions are exceptions to the decision. "date" is a day there.
        return common | {
            "subject": patient,
            "date": consent.given_at.date().isoformat(),
            "period": period,
            "grantor": [{"display": given_by}],
            "decision": "deny",
            "provision": [{"period": period} | agreed],
        }
    # The root provision has no type: the policy rule is the decision, and nested ones are exceptions to it.
    return common | {
        "scope": hl7("consentscope", "patient-privacy", "Privacy Consent"),
        "patient": patient,
        "dateTime": consent.given_at.isoformat(),
        "performer": [{"display": given_by}],
        "policyRule": hl7("v3-ActCode", "OPTOUT", "opt-out"),
        "provision": {"period": period, "provision": [{"type": "permit", "period": period} | agreed]},
    }


def _self_report(report: SelfReportDocument, patient: dict[str, str], safety: str) -> Resource:
    items = zip(ITEMS.get(report.scale, ()), report.items or (), strict=False)
    notes = [
        _text(report.note),
        _text(safety) if needs_safety_text(report) else "",
        NINTH_UNKNOWN if ninth_is_unknown(report) else "",
    ]
    total = _UNKNOWN if report.total is None else {"valueQuantity": score(report.total)}
    difficulty = [] if report.difficulty is None else [_answer(DIFFICULTY, report.difficulty, DIFFICULTIES)]
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "category": [_SURVEY],
        "code": _scale(report.scale),
        "subject": patient,
        "effectiveDateTime": report.at.isoformat(),
        "performer": [patient],
        **total,
        "component": [_answer(code, answer, ANSWERS) for code, answer in items] + difficulty,
        "note": [{"text": note} for note in notes if note],
    }
    return {name: value for name, value in resource.items() if value != []}


def _answer(code: str, answer: int | None, answers: tuple[tuple[str, str], ...]) -> Resource:
    value = _UNKNOWN if answer is None else {"valueCodeableConcept": loinc(*answers[answer])}
    return {"code": loinc(code), **value}


def _scale(name: str) -> dict[str, Any]:
    if name in TOTALS:
        return loinc(*TOTALS[name])
    if name == "mood":
        return own("mood")
    return own("self-report") | {"text": _text(name) or "not named"}


def _figure(name: str, measure: Measure, estimate: Estimate) -> Iterator[Resource]:
    values = (estimate.value, estimate.low, estimate.high)
    for (code, (title, _)), value in zip(_codes(name, measure).items(), values, strict=False):
        if value is not None:
            yield _component(code, title, quantity(value, measure.unit))


def _codes(name: str, measure: Measure) -> dict[str, tuple[str, str]]:
    """Return the codes of a figure and of its interval's ends, if it has one, with names and meanings."""
    ends = {
        f"{name}_{end}": (f"{measure.title}, {end}", f"The {end} end of the interval of {name}")
        for end in ("low", "high")
        if measure.interval
    }
    return {name: (measure.title, measure.definition)} | ends


def _component(code: str, display: str, value: dict[str, Any]) -> Resource:
    return {"code": own(code, display), "valueQuantity": value}


def _text(text: str) -> str:
    """Return a text in the characters that FHIR allows; "" where none is left."""
    spaced = re.sub(r"[^\S\r\n\t ]", " ", text)
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\N{REPLACEMENT CHARACTER}", spaced).strip()
