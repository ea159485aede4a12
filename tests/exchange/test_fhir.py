from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest

from exchange.fhir_server import Server, permits, references
from mien.exchange.documents import (
    ConsentDocument,
    Record,
    RecordingDocument,
    SelfReportDocument,
    SubjectDocument,
)
from mien.exchange.fhir import FhirVersion, bundle
from mien.exchange.fhir_codes import ANSWERS, BODY, BODY_UNITS, DIFFICULTIES, ITEMS, OURS, UNITS
from mien.mood.definitions import MEASURES
from mien.mood.estimate import Estimate
from mien.record.scales import NINTH_UNKNOWN, PHQ9
from mien.signals.types import Figure
from mien.store.scales import SCALES
from mien.store.signals import signal_of
from mien.store.types import SIGNALS
from record.people import ODD, START

BOTH = pytest.mark.parametrize("version", ["R5", "R4B"])
UUID = "0123456789abcdef0123456789abcdef"
MODELS = {
    "network": {"name": "mien", "sha256": "ab" * 32, "labels": ["neutral"]},
    "detector": {"name": "mtcnn", "sha256": {"pnet": "01" * 32, "rnet": "02" * 32}},
}


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
                coverage=0.75, state="finished", models=MODELS, settings={}, version="0.0.9",
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
    assert import_module(module).Bundle.model_validate_json(text).type == "transaction"
    found: dict[str, Any] = {}
    for entry in json.loads(text)["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def windows(measure: str, unit: str, values: list[float | None], signal: str = "ECG") -> list[Figure]:
    """Figures of a minute, ten seconds apart, of quality 0.9 where there is a reading."""
    return [
        Figure(10.0 * place, 10.0 * place + 60, signal, measure, unit, value, 0.2 if value is None else 0.9)
        for place, value in enumerate(values)
    ]


def body(version: FhirVersion, figures: list[Figure], **told: Estimate) -> list[dict[str, Any]]:
    """The observations of a recording with figures of the body, without the others."""
    record = a_record()
    text = bundle(record, {UUID: told}, MEASURES, version, signals={UUID: figures})
    module = "fhir.resources.bundle" if version == "R5" else "fhir.resources.R4B.bundle"
    import_module(module).Bundle.model_validate_json(text)
    found = [each["resource"] for each in json.loads(text)["entry"]]
    return [each for each in found if each["resourceType"] == "Observation"][5:]


def changed(record: Record, **changes: Any) -> Record:
    """The record with another recording."""
    recording = record.recordings[0].model_copy(update=changes)
    return record.model_copy(update={"recordings": [recording]})


@BOTH
def test_a_patient_is_a_code_and_nothing_else(version: FhirVersion) -> None:
    (patient,) = resources(version)["Patient"]
    assert set(patient) == {"resourceType", "identifier"}
    assert patient["identifier"][0] == {"system": "urn:mien:subject-code", "value": "P-017"}
    assert [each["system"] for each in patient["identifier"]] == [
        "urn:mien:subject-code",
        "urn:ietf:rfc:3986",
    ]


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
    answers = [each["valueCodeableConcept"]["coding"][0] for each in phq9["component"]]
    assert [each["code"] for each in answers] == ["LA6568-5", "LA6569-3", "LA6570-1"] * 3
    assert [each["display"] for each in answers] == [
        "Not at all",
        "Several days",
        "More than half the days",
    ] * 3
    assert phq9["component"][8]["code"]["coding"][0]["code"] == "44260-8"
    assert "component" not in gad7


@BOTH
def test_what_was_not_answered_is_said_to_be_unknown(version: FhirVersion) -> None:
    items = [3, None, 0, 0, 0, 0, 0, 0, 1]
    report = SelfReportDocument(at=START, scale="phq9", items=items, total=None, note="", difficulty=2)
    record = a_record().model_copy(update={"self_reports": [report]})
    phq9 = resources(version, record)["Observation"][0]
    assert "valueQuantity" not in phq9
    assert phq9["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    answers = {
        each["code"]["coding"][0]["code"]: each.get("valueCodeableConcept", {"coding": [{"code": None}]})
        for each in phq9["component"]
    }
    codes = [answers[code]["coding"][0]["code"] for code in ITEMS["phq9"]]
    assert codes == ["LA6571-9", None, *["LA6568-5"] * 6, "LA6569-3"]
    assert phq9["component"][1]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert answers["69722-7"]["coding"][0]["display"] == "Very difficult"


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
    said = [each.get("valueCodeableConcept", each.get("dataAbsentReason")) for each in told["component"]]
    codes = [each["coding"][0]["code"] for each in said]
    assert codes == ["LA6568-5", "unknown", *["LA6568-5"] * 6, "LA6570-1"]
    assert told["component"][-1]["code"]["coding"][0]["code"] == "44260-8"
    assert [each["text"] for each in told["note"]] == ["tired", "Call 555-0199 now."]
    assert all("555" not in str(each) for each in resources(version)["Observation"])


@BOTH
def test_a_ninth_answer_that_is_not_known_is_said_so(version: FhirVersion) -> None:
    alone, zero, other = (
        SelfReportDocument(at=START, scale=scale, items=None, total=total, note="")
        for scale, total in (("phq9", 12.0), ("phq9", 0.0), ("gad7", 12.0))
    )
    for report, notes in ((alone, [NINTH_UNKNOWN]), (zero, []), (other, [])):
        record = a_record().model_copy(update={"self_reports": [report]})
        entries = json.loads(bundle(record, {}, MEASURES, version, safety="Call 555-0199 now."))["entry"]
        (told,) = (each["resource"] for each in entries if "survey" in str(each["resource"].get("category")))
        assert [each["text"] for each in told.get("note", [])] == notes


def test_every_item_has_its_own_code() -> None:
    assert {name: len(codes) for name, codes in ITEMS.items()} == {
        name: scale.items for name, scale in SCALES.items() if scale.items
    }
    assert all(len(set(codes)) == len(codes) for codes in ITEMS.values())


def test_the_answers_are_those_of_the_sheet() -> None:
    assert ANSWERS[-1] == ("LA6571-9", "Nearly every day")
    assert tuple(words for _, words in ANSWERS) == PHQ9.answers
    assert tuple(words for _, words in DIFFICULTIES) == PHQ9.difficulty_answers


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
    assert consent["status"] == "inactive"
    assert consent["date"] == str(date(2026, 5, 3))
    assert datetime.fromisoformat(consent["period"]["end"]) == START + timedelta(3)
    (older,) = resources("R4B")["Consent"]
    assert older["status"] == "inactive"
    assert older["provision"]["period"] == consent["period"]


@BOTH
def test_a_consent_permits_what_was_agreed_to_and_nothing_else(version: FhirVersion) -> None:
    """R5: provisions are exceptions to the decision. R4B: the root rule has no type, nested ones have one."""
    record = a_record()
    agreed = record.consents[0].model_copy(update={"withdrawn_at": None})
    (consent,) = resources(version, record.model_copy(update={"consents": [agreed]}))["Consent"]
    meanwhile = START + timedelta(1)
    assert permits(consent, "recording", meanwhile)
    assert permits(consent, "expression", meanwhile)
    assert permits(consent, "44261-6", meanwhile)  # self-reports are under every consent
    assert not permits(consent, "measures", meanwhile)
    assert not permits(consent, "8867-4", meanwhile)  # somebody's heart rate
    assert not permits(consent, "recording", START - timedelta(1))
    assert not permits(consent, "recording", START + timedelta(10))


@BOTH
def test_a_recording_names_what_made_it(version: FhirVersion) -> None:
    """Version and networks are those of the recording, whoever exports it."""
    found = resources(version)
    (device,) = found["Device"]
    parts = [
        (part["type"]["coding"][0]["code"], part.get("component", {}).get("value"), part["value"])
        for part in device["version"]
    ]
    assert parts == [
        ("software", None, "0.0.9"),
        ("network", "mien", "ab" * 32),
        ("detector", "mtcnn/pnet", "01" * 32),
        ("detector", "mtcnn/rnet", "02" * 32),
    ]
    described = {each["code"] for each in found["CodeSystem"][0]["concept"]}
    assert {"software", "network", "detector"} < described


@BOTH
def test_recordings_of_other_versions_or_networks_have_other_devices(version: FhirVersion) -> None:
    record = a_record()
    (first,) = record.recordings
    others = [
        first,
        first.model_copy(update={"uuid": "1" * 32}),
        first.model_copy(update={"uuid": "2" * 32, "version": "0.1.0"}),
        first.model_copy(update={"uuid": "3" * 32, "models": {"network": "simulated", "detector": None}}),
    ]
    server = loaded(record.model_copy(update={"recordings": others}), version)
    made_by = [
        server.resources[each["device"]["reference"]] for each in server.of("Observation") if "device" in each
    ]
    assert [[part["value"] for part in device["version"]][:2] for device in made_by] == [
        ["0.0.9", "ab" * 32],
        ["0.0.9", "ab" * 32],
        ["0.1.0", "ab" * 32],
        ["0.0.9", "not known"],
    ]
    assert len(server.of("Device")) == 3


@BOTH
def test_a_heart_rate_is_a_vital_sign_with_its_course_and_quality(version: FhirVersion) -> None:
    (rate,) = body(version, windows("heart_rate", "1/min", [60, None, 70, 80.5, 90]))
    assert rate["meta"]["profile"] == ["http://hl7.org/fhir/StructureDefinition/heartrate"]
    assert rate["category"][0]["coding"][0]["code"] == "vital-signs"
    assert rate["code"]["coding"] == [
        {"system": "http://loinc.org", "code": "8867-4", "display": "Heart rate"}
    ]
    ucum = {"system": "http://unitsofmeasure.org", "code": "/min", "unit": "1/min"}
    assert rate["valueQuantity"] == {"value": 75.25} | ucum
    assert set(rate["effectivePeriod"]) == {"start", "end"}
    assert rate["device"]["reference"]
    assert rate["note"] == [{"text": "Median of 4 windows of 60 s of the signal ECG."}]
    parts = {each["code"]["coding"][0]["code"]: each for each in rate["component"]}
    assert parts["signal-coverage"]["valueQuantity"]["value"] == 0.8
    course, quality = (parts[name]["valueSampledData"] for name in ("course", "signal-quality"))
    assert course["origin"] == {"value": 0} | ucum
    # From the start on; a window's middle is half a minute after its start.
    assert course["data"].split() == ["E", "E", "E", "60", "E", "70", "80.5", "90", "E", "E", "E"]
    assert quality["data"].split()[2:6] == ["0", "0.9", "0.2", "0.9"]
    every = course["period"] if version == "R4B" else {"s": 1000}[course["intervalUnit"]] * course["interval"]
    assert every == 10_000


@BOTH
@pytest.mark.parametrize(
    ("measure", "unit", "code", "ucum"),
    [
        ("breathing_rate", "1/min", "9279-1", "/min"),
        ("sdnn_ms", "ms", "80404-7", "ms"),
        ("rmssd_ms", "ms", "rmssd_ms", "ms"),
        ("skin_temperature", "degC", "61008-9", "Cel"),
        ("skin_level", "uS", "skin_level", "uS"),
        ("skin_slope", "uS/min", "skin_slope", "uS/min"),
        ("eeg_alpha", "uV2", "eeg_alpha", "uV2"),
        ("frontal_asymmetry", "", "frontal_asymmetry", "1"),
        ("muscle_activity", "counts", "muscle_activity", None),
    ],
)
def test_a_measure_has_its_code_and_unit(
    version: FhirVersion, measure: str, unit: str, code: str, ucum: str | None
) -> None:
    (found,) = body(version, windows(measure, unit, [1.5]))
    assert found["code"]["coding"][0]["code"] == code
    assert found["code"]["coding"][0]["system"] == ("http://loinc.org" if "-" in code else OURS)
    assert found["valueQuantity"].get("code") == ucum
    vital = {"breathing_rate": ["http://hl7.org/fhir/StructureDefinition/resprate"]}
    assert found.get("meta", {}).get("profile") == vital.get(measure)
    # No temperature of a skin is taken for that of the body.
    assert "8310-5" not in json.dumps(found)


@BOTH
def test_each_signal_has_its_own_observation_and_none_without_a_reading(version: FhirVersion) -> None:
    figures = windows("heart_rate", "1/min", [60], "PPG") + windows("heart_rate", "1/min", [61], ODD)
    figures += windows("skin_level", "uS", [None, None])
    found = body(version, figures)
    assert sorted(each["valueQuantity"]["value"] for each in found) == [60, 61]
    assert len({json.dumps(each["identifier"]) for each in found}) == 2


@BOTH
def test_a_resting_heart_rate_is_a_heart_rate_too(version: FhirVersion) -> None:
    (found,) = body(version, [], resting_heart_rate=Estimate(58.5, 57, 60, 12))
    assert [each["code"] for each in found["code"]["coding"]] == ["40443-4", "8867-4"]
    assert found["valueQuantity"]["value"] == 58.5
    assert found["meta"]["profile"] == ["http://hl7.org/fhir/StructureDefinition/heartrate"]


@BOTH
def test_a_made_up_heart_is_marked_and_keeps_its_profile(version: FhirVersion) -> None:
    record = changed(a_record(), kind="simulated")
    figures = windows("heart_rate", "1/min", [60])
    text = bundle(record, {}, MEASURES, version, signals={UUID: figures})
    meta = json.loads(text)["entry"][-1]["resource"]["meta"]
    assert meta["profile"] == ["http://hl7.org/fhir/StructureDefinition/heartrate"]
    assert meta["tag"][0]["code"] == "simulated"


def test_every_measure_of_a_body_is_known() -> None:
    assert {signal_of(name) for name in BODY} == set(SIGNALS) - {"expression", "measures"}
    units = {"1/min", "ms", "ms2", "uS", "uS/min", "degC", "uV2", "uV", ""}
    assert units <= set(BODY_UNITS)


@BOTH
def test_a_consent_to_the_heart_permits_its_codes_and_no_others(version: FhirVersion) -> None:
    record = a_record()
    heart = record.consents[0].model_copy(update={"withdrawn_at": None, "signals": ["heart"]})
    (consent,) = resources(version, record.model_copy(update={"consents": [heart]}))["Consent"]
    meanwhile = START + timedelta(1)
    for code in ("heart", "8867-4", "40443-4", "80404-7", "rmssd_ms"):
        assert permits(consent, code, meanwhile)
    for code in ("expression", "skin", "skin_level", "9279-1", "61008-9", "eeg_alpha"):
        assert not permits(consent, code, meanwhile)


@BOTH
def test_an_interrupted_recording_is_not_final(version: FhirVersion) -> None:
    broken = resources(version, changed(a_record(), state="interrupted"))["Observation"]
    assert [each["status"] for each in broken] == ["final"] * 4 + ["preliminary"]


@BOTH
def test_every_observation_has_a_category_of_hl7(version: FhirVersion) -> None:
    categories = [each["category"][0]["coding"][0] for each in resources(version)["Observation"]]
    assert [each["code"] for each in categories] == ["survey"] * 4 + ["procedure"]
    assert {each["system"] for each in categories} == {
        "http://terminology.hl7.org/CodeSystem/observation-category"
    }


@BOTH
def test_what_is_made_up_is_marked_as_such(version: FhirVersion) -> None:
    text = bundle(changed(a_record(), kind="simulated"), {}, MEASURES, version)
    made_up = json.loads(text)
    label = {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason",
        "code": "HTEST",
        "display": "test health data",
    }
    for resource in [made_up, *(entry["resource"] for entry in made_up["entry"])]:
        assert resource["meta"]["security"] == [label]
        assert [each["code"] for each in resource["meta"]["tag"]] == ["simulated"]
    assert '"meta"' not in bundle(a_record(), {}, MEASURES, version)


def loaded(record: Record, version: FhirVersion, server: Server | None = None) -> Server:
    """A server with the record's bundle."""
    server = server or Server()
    server.load(json.loads(bundle(record, {}, MEASURES, version)))
    return server


@BOTH
def test_a_server_loads_the_bundle(version: FhirVersion) -> None:
    server = loaded(a_record(), version)
    (patient,) = (name for name in server.resources if name.startswith("Patient"))
    for each in [*server.of("Observation"), *server.of("Consent")]:
        assert patient in set(references(each))
    kinds = [each["resourceType"] for each in server.resources.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Patient": 1, "CodeSystem": 1, "Device": 1, "Consent": 1, "Observation": 5,
    }  # fmt: skip


@BOTH
def test_to_load_it_again_brings_the_server_up_to_date(version: FhirVersion) -> None:
    record = a_record()
    holds = record.consents[0].model_copy(update={"withdrawn_at": None})
    server = loaded(record.model_copy(update={"consents": [holds]}), version)
    assert [each["status"] for each in server.of("Consent")] == ["active"]
    before = set(server.resources)
    earlier = record.self_reports[0].model_copy(update={"at": START - timedelta(1)})
    again = record.model_copy(update={"self_reports": [earlier, *record.self_reports]})
    loaded(again, version, server)
    assert [each["status"] for each in server.of("Consent")] == ["inactive"]
    assert before < set(server.resources)
    assert len(server.resources) == len(before) + 1


@BOTH
def test_two_of_a_moment_are_two(version: FhirVersion) -> None:
    record = a_record()
    twice = record.model_copy(
        update={"consents": record.consents * 2, "self_reports": record.self_reports[:1] * 2}
    )
    server = loaded(twice, version)
    assert (len(server.of("Consent")), len(server.of("Observation"))) == (2, 3)


@BOTH
def test_the_codes_of_one_version_are_always_the_same(version: FhirVersion) -> None:
    bare = resources(version)["CodeSystem"]
    assert bare == resources(version, valence_mean=Estimate(0.1, 0.0, 0.2, 12))["CodeSystem"]
    codes = [each["code"] for each in bare[0]["concept"]]
    assert len(set(codes)) == len(codes)


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
