from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from mien.mood.definitions import MEASURES
from mien.mood.estimate import Estimate
from mien.record.documents import (
    ConsentDocument,
    Record,
    RecordingDocument,
    SelfReportDocument,
    SubjectDocument,
)
from mien.record.export.fhir import FhirVersion, bundle
from mien.record.export.fhir_codes import ITEMS, OURS, UNITS
from mien.store.scales import SCALES
from record.people import ODD, START

BOTH = pytest.mark.parametrize("version", ["R5", "R4B"])
UUID = "0123456789abcdef0123456789abcdef"


def a_record(note: str = "", **subject: Any) -> Record:
    person = {"code": "P-017", "birth_year": 1980, "notes": ODD, "retention_days": None, "created_at": START}
    return Record(
        subject=SubjectDocument(**(person | subject)),
        consents=[
            ConsentDocument(
                given_by="a guardian", purpose=ODD, signals=["expression"],
                given_at=START, valid_until=START + timedelta(9), withdrawn_at=START + timedelta(3),
            )
        ],
        recordings=[
            RecordingDocument(
                uuid=UUID, kind="camera", source="cam", started_at=START, length_s=90.5, frames=900,
                coverage=0.75, state="finished", models={}, settings={}, version="0.1.0",
            )
        ],
        annotations=[],
        self_reports=[
            SelfReportDocument(at=START, scale="phq9", items=list(range(3)) * 3, total=9, note=note),
            SelfReportDocument(at=START, scale="gad7", items=None, total=7, note=""),
            SelfReportDocument(at=START, scale="mood", items=None, total=6, note=""),
            SelfReportDocument(at=START, scale="WHO-5", items=None, total=12.5, note=""),
        ],
        baselines=[],
    )  # fmt: skip


def resources(
    version: FhirVersion = "R5", record: Record | None = None, **figures: Estimate
) -> dict[str, Any]:
    """The bundle's resources by type, read again by the library."""
    text = bundle(record or a_record(), {UUID: figures}, MEASURES, version)
    module = "fhir.resources.bundle" if version == "R5" else "fhir.resources.R4B.bundle"
    assert import_module(module).Bundle.model_validate_json(text).type == "collection"
    found: dict[str, Any] = {}
    for entry in json.loads(text)["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
        assert entry["fullUrl"].startswith("urn:uuid:")
    return found


@BOTH
def test_a_patient_is_a_code_and_nothing_else(version: FhirVersion) -> None:
    (patient,) = resources(version)["Patient"]
    identifier = {"system": "urn:mien:subject-code", "value": "P-017"}
    assert patient == {"resourceType": "Patient", "identifier": [identifier]}


@BOTH
def test_scales_have_the_codes_of_loinc(version: FhirVersion) -> None:
    phq9, gad7, mood, other, _ = resources(version)["Observation"]
    assert phq9["code"]["coding"][0]["system"] == "http://loinc.org"
    assert [each["code"]["coding"][0]["code"] for each in (phq9, gad7, mood)] == [
        "44261-6",
        "70274-6",
        "mood",
    ]
    assert mood["code"]["coding"][0]["system"] == OURS
    assert other["code"]["text"] == "WHO-5"
    assert [each["valueQuantity"]["value"] for each in (phq9, gad7, mood, other)] == [9, 7, 6, 12.5]
    assert phq9["effectiveDateTime"] == "2026-05-03T14:30:00.123456+05:45"
    assert [each["valueInteger"] for each in phq9["component"]] == [0, 1, 2] * 3
    assert phq9["component"][8]["code"]["coding"][0]["code"] == "44260-8"
    assert "component" not in gad7


@BOTH
def test_partial_answers_have_no_total_and_the_safety_text_as_a_note(version: FhirVersion) -> None:
    items = [0, None, 0, 0, 0, 0, 0, 0, 2]
    partial = SelfReportDocument(at=START, scale="phq9", items=items, total=None, note="tired")
    record = a_record().model_copy(update={"self_reports": [partial]})
    text = bundle(record, {}, MEASURES, version, safety="Call 555-0199 now.")
    (told,) = [
        each["resource"]
        for each in json.loads(text)["entry"]
        if "survey" in str(each["resource"].get("category"))
    ]
    assert "valueQuantity" not in told
    assert told["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert [each["valueInteger"] for each in told["component"]] == [0] * 7 + [2]
    assert told["component"][-1]["code"]["coding"][0]["code"] == "44260-8"
    assert [each["text"] for each in told["note"]] == ["tired", "Call 555-0199 now."]
    assert all("555" not in str(each) for each in resources(version)["Observation"])


def test_every_item_has_its_own_code() -> None:
    assert {name: len(codes) for name, codes in ITEMS.items()} == {
        name: scale.items for name, scale in SCALES.items() if scale.items
    }
    assert all(len(set(codes)) == len(codes) for codes in ITEMS.values())


@BOTH
def test_a_recording_has_its_figures(version: FhirVersion) -> None:
    found = resources(
        version,
        valence_mean=Estimate(0.1234567891, -0.5, 0.25, 12),
        coverage=Estimate(0.75, 0.75, 0.75, 900),
        flatness=None,  # type: ignore[arg-type]
    )
    observation = found["Observation"][-1]
    assert observation["effectivePeriod"] == {
        "start": "2026-05-03T14:30:00.123456+05:45",
        "end": "2026-05-03T14:31:30.623456+05:45",
    }
    assert observation["identifier"][0]["value"] == "urn:uuid:01234567-89ab-cdef-0123-456789abcdef"
    values = {
        each["code"]["coding"][0]["code"]: each["valueQuantity"]["value"] for each in observation["component"]
    }
    assert values == {
        "frames": 900,
        "coverage": 0.75,
        "valence_mean": 0.123457,
        "valence_mean_low": -0.5,
        "valence_mean_high": 0.25,
    }
    described = {each["code"]: each["definition"] for each in found["CodeSystem"][0]["concept"]}
    assert set(values) < set(described)
    assert described["valence_mean"] == MEASURES["valence_mean"].definition


def test_without_figures_the_coverage_is_that_of_the_store() -> None:
    *_, observation = resources()["Observation"]
    assert observation["component"][1]["valueQuantity"]["value"] == 0.75


def test_every_measure_has_a_unit_of_ucum() -> None:
    assert {each.unit for each in MEASURES.values()} <= set(UNITS)


def test_a_consent_ends_when_it_was_withdrawn() -> None:
    (consent,) = resources()["Consent"]
    assert (consent["status"], consent["decision"]) == ("inactive", "permit")
    assert consent["date"] == str(date(2026, 5, 3))
    assert datetime.fromisoformat(consent["period"]["end"]) == START + timedelta(3)
    (older,) = resources("R4B")["Consent"]
    assert older["provision"]["type"] == "permit"
    assert older["provision"]["period"] == consent["period"]


@BOTH
@pytest.mark.parametrize("note", [ODD, "\x01\x0b\x1f", " \u2003\u00a0 ", "tab\there", "x" * 20_000])
def test_odd_texts(version: FhirVersion, note: str) -> None:
    phq9 = resources(version, a_record(note))["Observation"][0]
    told = phq9.get("note", [{"text": ""}])[0]["text"]
    assert not set(told) & {"\x01", "\x0b", "\x1f", "\u2003"}
    assert bool(told) == bool(note.strip())


def test_identifiers_stay_the_same_and_differ_between_people() -> None:
    def urls(record: Record) -> set[str]:
        return {each["fullUrl"] for each in json.loads(bundle(record, {}, MEASURES))["entry"]}

    assert urls(a_record()) == urls(a_record())
    assert not urls(a_record()) & urls(a_record(created_at=START + timedelta(1)))
