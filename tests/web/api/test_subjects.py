"""The record's part of the API: what it gives, what it changes, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time as clock_time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from mien.errors import StoreError
from mien.mood.definitions import MEASURES
from mien.record import simulated
from mien.store.schema import SelfReportRow
from mien.store.store import Store
from mien.web.app import build_backend
from mien.web.security.access import Records
from store_fixtures import FakeClock
from web import record_people as people
from web.backend import ORIGIN, FakeLiveSession, TestClient, client, settings

MAY_4 = datetime(2026, 5, 4, 9, 0, tzinfo=people.BERLIN)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server's clock shows the time of Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    clock_time.tzset()
    yield
    monkeypatch.undo()
    clock_time.tzset()


@pytest.fixture
def record(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store(tmp_path / "record.sqlite", who="tester", now=clock) as store:
        yield store


@pytest.fixture
def app(record: Store, live_session: FakeLiveSession) -> FastAPI:
    return build_backend(live_session, settings(), records=Records(lambda: record))  # type: ignore[arg-type]


@pytest.fixture
def page(app: FastAPI) -> TestClient:
    return client(app)


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Store]]:
    """One page and its record of P-1, for all that is refused, which leaves them as they were."""
    live_session = FakeLiveSession()
    with Store(tmp_path_factory.mktemp("record") / "record.sqlite", who="tester", now=FakeClock()) as store:
        store.subjects.add("P-1")
        yield client(build_backend(live_session, settings(), records=Records(lambda: store))), store  # type: ignore[arg-type]
    live_session.close()


def get(page: TestClient, path: str, **parameters: Any) -> Any:
    answer = page.get(f"/api/v1/{path}", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(page: TestClient, path: str, **body: Any) -> httpx.Response:
    return page.post(f"/api/v1/{path}", json=body)


# Subjects and consent.


def test_an_empty_record_says_so(page: TestClient, record: Store) -> None:
    told = get(page, "subjects")
    assert told["subjects"] == []
    assert told["role"] == "everyone"
    assert told["store"] == record.where


def test_a_subject_is_added_and_listed_with_consent_and_days(
    page: TestClient, record: Store, clock: FakeClock
) -> None:
    clock.advance(days=1)
    assert post(page, "subjects", code="P-017", birth_year=1961).status_code == 201
    assert get(page, "subjects")["subjects"][0]["consent"]["state"] == "none"
    subject = record.subjects.get("P-017")
    people.record(record, subject, MAY_4)
    people.record(record, subject, MAY_4 + timedelta(hours=2))
    people.record(record, subject, MAY_4 + timedelta(days=1), kind="camera")
    (told,) = get(page, "subjects")["subjects"]
    assert (told["code"], told["birth_year"]) == ("P-017", 1961)
    assert told["consent"]["state"] == "valid"
    assert (told["days"], told["recordings"], told["last_recording"]) == (2, 3, "2026-05-05")
    assert told["simulated"] is True


@pytest.mark.parametrize("code", ["", "Anna Müller", "../etc", "a" * 65])
def test_a_code_that_can_not_be_is_refused(page: TestClient, record: Store, code: str) -> None:
    assert post(page, "subjects", code=code).status_code in (409, 422)
    assert record.subjects.all() == []


def test_a_code_is_taken_once(page: TestClient) -> None:
    post(page, "subjects", code="P-1")
    answer = post(page, "subjects", code="P-1")
    assert answer.status_code == 409
    assert "P-1" in answer.json()["detail"]


def test_consent_goes_from_none_to_valid_to_ended_to_withdrawn(
    page: TestClient, record: Store, clock: FakeClock, berlin: None
) -> None:
    record.subjects.add("P-1")

    def state() -> str:
        return str(get(page, "subjects/P-1")["consent"]["state"])

    def give(**more: Any) -> httpx.Response:
        words = {"given_by": "the person", "purpose": "to talk about it", "signals": ["expression"], **more}
        return post(page, "subjects/P-1/consents", **words)

    assert state() == "none"
    given = give(last_day="2026-05-10").json()
    assert (given["state"], given["last_day"]) == ("valid", "2026-05-10")  # the whole of its last day
    clock.time = datetime(2026, 5, 10, 23, 59, tzinfo=people.BERLIN)
    assert state() == "valid"
    clock.time = datetime(2026, 5, 11, tzinfo=people.BERLIN)
    assert state() == "expired"
    assert give().json()["last_day"] is None
    assert page.delete("/api/v1/subjects/P-1/consents").json()["state"] == "withdrawn"
    assert state() == "withdrawn"
    assert record.consents.valid(record.subjects.get("P-1")) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"signals": []},
        {"signals": ["voice"]},
        {"purpose": ""},
        {"given_by": " "},
        {"last_day": "soon"},
        {"last_day": "9999-12-31"},
    ],
)
def test_a_consent_to_nothing_is_none(refusing: tuple[TestClient, Store], wrong: dict[str, Any]) -> None:
    page, record = refusing
    subject = record.subjects.get("P-1")
    words = {"given_by": "the person", "purpose": "to talk", "signals": ["expression"], **wrong}
    assert post(page, "subjects/P-1/consents", **words).status_code in (409, 422)
    assert record.consents.of(subject) == []


# Marks and self-reports.


def test_a_mark_stands_at_the_time_that_the_servers_clock_showed(
    page: TestClient, record: Store, berlin: None
) -> None:
    people.agree(record, record.subjects.add("P-1"))
    # On 29 March 2026 clocks in Berlin go from 2 to 3 at night.
    for day in ("2026-03-28", "2026-03-29", "2026-03-30"):
        kept = post(page, "subjects/P-1/annotations", kind="event", text="late", at=f"{day}T23:59").json()
        assert (kept["at"], kept["day"]) == (f"{day}T23:59", day)
    days = [mark["day"] for mark in get(page, "subjects/P-1")["marks"]]
    assert days == ["2026-03-28", "2026-03-29", "2026-03-30"]


def test_a_recordings_day_is_that_of_where_it_was_made(
    page: TestClient, record: Store, clock: FakeClock, berlin: None
) -> None:
    clock.advance(hours=12)
    subject = record.subjects.add("P-1")
    tokyo = datetime.fromisoformat("2026-05-05T00:30+09:00")  # in Berlin the day before
    people.record(record, subject, tokyo)
    assert list(get(page, "subjects/P-1/recordings")) == ["2026-05-05"]
    assert get(page, "subjects/P-1/recordings")["2026-05-05"][0]["time"] == "00:30"


def test_a_mark_within_a_recording_counts_by_its_clock(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    made = people.record(record, subject, MAY_4, series=people.readings(30))
    kept = post(
        page, "subjects/P-1/annotations", kind="note", text="laughs", recording=made.id, from_s=12.5, to_s=14
    )
    assert kept.status_code == 201
    (mark,) = get(page, f"subjects/P-1/recordings/{made.id}")["marks"]
    assert (mark["from_s"], mark["to_s"], mark["text"]) == (12.5, 14.0, "laughs")
    assert record.annotations.of(subject)[0].at == made.started_at + timedelta(seconds=12.5)
    for seconds in ({"from_s": 1e300}, {"from_s": 1, "to_s": 1e300}):
        asked = post(page, "subjects/P-1/annotations", kind="note", text="x", recording=made.id, **seconds)
        assert asked.status_code == 422


def test_marks_are_taken_away_by_their_own_subject_only(page: TestClient, record: Store) -> None:
    one, other = record.subjects.add("P-1"), record.subjects.add("P-2")
    people.agree(record, one)
    mark = record.annotations.add(one, "note", "mine", at=MAY_4)
    report = record.self_reports.add(one, "mood", total=4)
    assert page.delete(f"/api/v1/subjects/P-2/annotations/{mark.id}").status_code == 404
    assert page.delete(f"/api/v1/subjects/P-2/self-reports/{report.id}").status_code == 404
    assert page.delete(f"/api/v1/subjects/P-1/annotations/{mark.id}").status_code == 204
    assert page.delete(f"/api/v1/subjects/P-1/self-reports/{report.id}").status_code == 204
    assert record.annotations.of(one) == record.self_reports.of(one) == []
    assert record.subjects.find(other.code) == other


@pytest.mark.parametrize("ninth", [0, 1, 3])
def test_the_safety_text_comes_with_an_answer_above_0_to_the_ninth_question(
    page: TestClient, record: Store, ninth: int
) -> None:
    people.agree(record, record.subjects.add("P-1"))
    record.texts.set("phq9_safety", "Call us: 030 1234.")
    kept = post(page, "subjects/P-1/self-reports", scale="phq9", items=[0] * 8 + [ninth]).json()
    assert kept["total"] == ninth
    assert kept["safety_text"] == ("Call us: 030 1234." if ninth else None)
    assert get(page, "subjects/P-1")["self_reports"][0]["safety"] is (ninth > 0)


def test_partial_answers_are_kept_and_say_what_is_known(page: TestClient, record: Store) -> None:
    people.agree(record, record.subjects.add("P-1"))
    path = "subjects/P-1/self-reports"
    nine = post(page, path, scale="PHQ-9", items=[None, *[0] * 7, 2], difficulty=1).json()
    assert (nine["scale"], nine["total"], nine["difficulty"]) == ("phq9", None, 1)
    assert (nine["ninth"], nine["ninth_text"]) == (2, None)
    assert nine["safety_text"] == record.texts.get("phq9_safety")
    assert nine["told"] == "2.25 prorated, 8 of 9 answers"
    open_ = post(page, path, scale="phq9", items=[0] * 8).json()
    assert (open_["ninth"], open_["safety_text"]) == (None, None)
    assert "not known" in open_["ninth_text"]
    # Which was left out isn't known, so the last of eight may be the ninth; with a null in its place not.
    for items, text in (([*[0] * 7, 3], nine["safety_text"]), ([*[0] * 7, 3, None], None)):
        told = post(page, path, scale="phq9", items=items).json()
        assert (told["ninth"], told["safety_text"]) == (None, text)
    alone = post(page, path, scale="phq9", total=12).json()
    assert "not known" in alone["ninth_text"]
    told = get(page, "subjects/P-1")
    assert [each["safety"] for each in told["self_reports"]] == [True, False, False, False, False]
    other = post(page, path, scale="madrs", total=30, other_scale=[0, 60]).json()
    assert (other["title"], other["meant"]) == ("madrs", None)


def test_a_mistyped_scale_is_shown_and_put_right(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    with record.transaction() as session:
        session.add(SelfReportRow(subject_id=subject.id, at=MAY_4, scale="PHQ-9", total=27.0, note=""))
    (kept,) = get(page, "subjects/P-1")["self_reports"]
    assert (kept["meant"], kept["safety"], kept["title"]) == ("phq9", True, "PHQ-9")
    path = f"subjects/P-1/self-reports/{kept['id']}/scale"
    assert post(page, path, scale="gad7").status_code == 409
    put = post(page, path, scale="phq9").json()
    assert (put["scale"], put["meant"]) == ("phq9", None)
    assert put["safety_text"] == record.texts.get("phq9_safety")
    record.subjects.add("P-2")
    assert post(page, path.replace("P-1", "P-2"), scale="phq9").status_code == 404


def test_the_scales_are_told_in_every_language(page: TestClient, record: Store) -> None:
    told = {each["name"]: each for each in get(page, "scales")}
    assert (told["phq9"]["highest"], told["phq9"]["recall_days"]) == (27, 14)
    assert set(told["gad7"]["languages"]) == {"en", "de", "es"}
    assert "lieber tot" in told["phq9"]["languages"]["de"]["items"][8]


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": "phq9", "items": [None] * 9},
        {"scale": "phq9", "items": [0] * 11},
        {"scale": "phq9", "items": [4] + [0] * 8},
        {"scale": "phq9", "items": [True] + [0] * 8},
        {"scale": "phq9", "items": [1.0] + [0] * 8},
        {"scale": "PHQ-9", "total": 28},
        {"scale": "phq9", "total": 12.5},
        {"scale": "phq9", "total": True},
        {"scale": "phq8", "total": 12},
        {"scale": "madrs", "total": 12},
        {"scale": "phq9", "total": 12, "other_scale": [0, 99]},
        {"scale": "mood", "total": 4, "at": "2126-05-01T09:30"},
        {"scale": "mood", "total": 11},
        {"scale": "mood"},
        {"scale": "mood", "total": 4, "at": "yesterday"},
    ],
)
def test_answers_that_do_not_fit_are_refused(
    refusing: tuple[TestClient, Store], wrong: dict[str, Any]
) -> None:
    page, record = refusing
    subject = record.subjects.get("P-1")
    assert post(page, "subjects/P-1/self-reports", **wrong).status_code in (409, 422)
    assert record.self_reports.of(subject) == []


# Recordings.


def test_a_thinned_recording_has_the_means_of_its_steps(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    made = people.record(record, subject, MAY_4, series=people.readings(120))
    told = get(page, f"subjects/P-1/recordings/{made.id}", points=100)
    stored = record.readings.load(made.id)
    series, step_s = told["series"], told["series"]["step_s"]
    assert len(series["valence"]) == 100
    assert series["start_s"] == 0
    for place in (0, 40, 99):
        low = place * step_s
        rows = (stored["time_s"] >= low) & (stored["time_s"] < low + step_s + (place == 99))
        seen = rows & ~np.isnan(stored["valence"])
        expected = np.mean(stored["valence"][seen]) if seen.any() else None
        assert series["valence"][place] == (None if expected is None else pytest.approx(expected, abs=1e-4))
        assert series["read"][place] == pytest.approx(np.mean(stored["expression"][rows] >= 0), abs=1e-4)
    shares = [row for row in series["probabilities"] if row]
    assert np.allclose(np.sum(shares, axis=1), 1, atol=0.001)


def test_a_part_of_a_recording_is_finer(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    made = people.record(record, subject, MAY_4, series=people.readings(120))
    part = get(page, f"subjects/P-1/recordings/{made.id}", start_s=30, end_s=60, points=50)["series"]
    assert (part["start_s"], part["end_s"]) == (30, 60)
    assert part["time_s"][0] == pytest.approx(30.3)
    refused = page.get(f"/api/v1/subjects/P-1/recordings/{made.id}", params={"start_s": 500})
    assert refused.status_code == 422


def test_a_recording_without_readings_is_empty_and_no_fault(page: TestClient, record: Store) -> None:
    made = people.record(record, record.subjects.add("P-1"), MAY_4)
    series = get(page, f"subjects/P-1/recordings/{made.id}")["series"]
    assert series["valence"] == [None]
    assert series["probabilities"] == [None]


def test_a_recording_is_not_found_under_another_subject(page: TestClient, record: Store) -> None:
    made = people.record(record, record.subjects.add("P-1"), MAY_4)
    record.subjects.add("P-2")
    for path in (f"subjects/P-2/recordings/{made.id}", "subjects/P-1/recordings/999", "subjects/P-3"):
        assert page.get(f"/api/v1/{path}").status_code == 404


def test_episodes_and_smiles_come_with_a_recording(page: TestClient, record: Store) -> None:
    made = people.record(record, record.subjects.add("P-1"), MAY_4, series=people.readings(120))
    told = get(page, f"subjects/P-1/recordings/{made.id}")["events"]
    assert [(each["kind"], each["onset_s"]) for each in told] == [
        (each.kind, round(each.onset_s, 3)) for each in record.readings.events(made.id)
    ]
    assert told


# Days and changes.


def test_what_a_body_said_comes_course_by_course_with_its_gaps(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    figures = people.body(300)
    made = people.record(record, subject, MAY_4, series=people.readings(300), body=figures)
    told = get(page, f"subjects/P-1/recordings/{made.id}/signals")
    assert {(each["signal"], each["measure"]) for each in told} == {
        (each.signal, each.measure) for each in figures
    }
    (rate,) = [each for each in told if each["measure"] == "heart_rate"]
    own = [each for each in figures if each.measure == "heart_rate"]
    assert (rate["signal"], rate["unit"]) == ("ECG", "1/min")
    assert rate["start_s"] == [each.start_s for each in own]
    assert rate["end_s"] == [each.end_s for each in own]
    assert rate["quality"] == [each.quality for each in own]
    assert [value is None for value in rate["value"]] == [each.value is None for each in own]
    assert None in rate["value"]
    known = [(value, each.value) for value, each in zip(rate["value"], own, strict=True) if each.value]
    assert all(value == pytest.approx(expected, rel=1e-4) for value, expected in known)
    (skin,) = [each for each in told if each["measure"] == "skin_level"]
    assert max(skin["end_s"]) == 150


def test_without_sensors_a_recording_has_no_courses(page: TestClient, record: Store) -> None:
    made = people.record(record, record.subjects.add("P-1"), MAY_4, series=people.readings(30))
    record.subjects.add("P-2")
    assert get(page, f"subjects/P-1/recordings/{made.id}/signals") == []
    assert page.get(f"/api/v1/subjects/P-2/recordings/{made.id}/signals").status_code == 404


def test_days_come_as_they_are_with_gaps_left_out(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    table = people.figures(40)
    people.fill(record, subject, table)
    told = get(page, "subjects/P-1/days")
    assert told["days"] == [day.isoformat() for day in table.index]
    assert len(told["days"]) < 40
    named = {measure["name"]: measure for measure in told["measures"]}
    assert set(named) == set(MEASURES)
    for end in ("", "_low", "_high"):
        column = named["valence_mean"]["value" if not end else end[1:]]
        assert column == pytest.approx(table[f"valence_mean{end}"].to_list(), rel=1e-4)


def test_without_a_chosen_interval_there_is_no_alarm_and_no_chart(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    people.fill(record, subject, people.figures(120, flat_from=60), baseline_days=50)
    told = get(page, "subjects/P-1/changes", measure="valence_mean")
    assert told["false_alarm_days"] is None
    assert told["charts"] == []
    assert [each["kind"] for each in told["findings"]] == ["not_ready"]
    assert told["usual"][0] < told["usual"][1]


@pytest.mark.exhaustive
def test_with_a_chosen_interval_a_change_is_told_and_drawn(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    people.fill(record, subject, people.figures(120, flat_from=60), baseline_days=50)
    assert post(page, "false-alarms", days=365).status_code == 200
    told = get(page, "subjects/P-1/changes", measure="valence_mean")
    assert "change" in {each["kind"] for each in told["findings"]}
    assert [chart["kind"] for chart in told["charts"]] == ["ewma", "cusum"]
    for chart in told["charts"]:
        assert len(chart["days"]) == len(chart["statistic"])
        assert chart["alarms"]
    assert get(page, "subjects/P-1/changes", measure="entropy")["charts"] == []  # nobody watches it
    assert post(page, "false-alarms", days=None).status_code == 200
    assert get(page, "subjects/P-1/changes")["charts"] == []


@pytest.mark.parametrize(("days", "status"), [(0, 422), (-3, 422), (29, 400), (100_000, 422), ("often", 422)])
def test_an_interval_that_can_not_be_is_refused(
    page: TestClient, record: Store, days: Any, status: int
) -> None:
    assert post(page, "false-alarms", days=days).status_code == status
    assert record.texts.setting("false_alarm_days") is None


def test_a_baseline_is_taken_deliberately(page: TestClient, record: Store, clock: FakeClock) -> None:
    clock.advance(days=6)
    subject = record.subjects.add("P-1")
    assert "no baseline yet" in post(page, "subjects/P-1/baseline").json()["detail"]
    for day in range(6):
        people.record(record, subject, MAY_4 + timedelta(days=day), series=people.readings(300, seed=day))
    before = get(page, "subjects/P-1/changes")["baseline"]
    assert before["taken"] is False
    assert "no one has confirmed yet that they are usual for P-1" in before["words"]
    answer = post(page, "subjects/P-1/baseline", start="2026-05-04", end="2026-05-09")
    assert answer.status_code == 201, answer.text
    after = get(page, "subjects/P-1/changes")["baseline"]
    assert (after["taken"], after["start"], after["end"]) == (True, "2026-05-04", "2026-05-09")


# What others do meanwhile.


def test_the_pulse_changes_with_a_recording_and_ends_with_the_subject(
    page: TestClient, record: Store
) -> None:
    subject = record.subjects.add("P-1")
    before = get(page, "subjects/P-1/pulse")
    people.record(record, subject, MAY_4)
    assert get(page, "subjects/P-1/pulse") != before
    record.erase(subject)
    for path in ("", "/pulse", "/days", "/changes", "/recordings", "/recordings/1", "/report.html"):
        answer = page.get(f"/api/v1/subjects/P-1{path}")
        assert answer.status_code == 404, path
        assert answer.json()["detail"] == "there is no subject P-1 here"


def test_reading_a_record_stands_in_the_audit_log(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    made = people.record(record, subject, MAY_4, series=people.readings(20))
    get(page, "subjects/P-1")
    get(page, f"subjects/P-1/recordings/{made.id}")
    get(page, f"subjects/P-1/recordings/{made.id}", start_s=5, end_s=10)  # of what was opened already
    lines = [entry for entry in record.audit.entries() if entry.action == "read"]
    assert [(each.who, each.subject, each.details["what"]) for each in lines] == [
        ("page", subject.number, ["consents", "marks", "recordings", "self-reports"]),
        ("page", subject.number, ["readings"]),
    ]
    assert lines[-1].details["recordings"] == [made.id]


def test_one_wrong_recording_is_erased(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    record.subjects.add("P-2")
    made, kept = (people.record(record, subject, MAY_4, series=people.readings(20)) for _ in range(2))
    path = f"/api/v1/subjects/P-1/recordings/{made.id}"
    assert page.delete(path.replace("P-1", "P-2")).status_code == 404
    assert page.delete(path).status_code == 204
    assert page.get(path).status_code == page.delete(path).status_code == 404
    assert [each.id for each in record.recordings.of(subject)] == [kept.id]
    line = next(each for each in reversed(record.audit.entries()) if each.action == "remove")
    assert (line.who, line.subject, line.details["number"]) == ("page", subject.number, made.id)
    assert record.check().altered == []


@pytest.mark.parametrize("what", ["self-reports", "annotations"])
def test_nothing_is_kept_without_a_consent(page: TestClient, record: Store, what: str) -> None:
    subject = record.subjects.add("P-1")
    body = {"scale": "mood", "total": 5} if what == "self-reports" else {"kind": "note", "text": "x"}
    answer = page.post(f"/api/v1/subjects/P-1/{what}", json=body)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "P-1 has no consent: mien consent give P-1 --by WHO --for TEXT"
    people.agree(record, subject)
    assert (
        page.post(f"/api/v1/subjects/P-1/{what}", json={**body, "at": "2019-01-01T10:00"}).status_code == 201
    )
    assert (
        page.post(f"/api/v1/subjects/P-1/{what}", json={**body, "at": "2199-01-01T10:00"}).status_code == 409
    )
    page.delete("/api/v1/subjects/P-1/consents")
    assert page.post(f"/api/v1/subjects/P-1/{what}", json=body).status_code == 409


def test_a_store_that_can_not_be_opened_is_said_and_tried_again(
    live_session: FakeLiveSession, record: Store
) -> None:
    tries: list[float] = []
    now = [0.0]

    def opener() -> Store:
        tries.append(now[0])
        if len(tries) < 3:
            raise StoreError("record.sqlite is damaged; take your newest backup")
        return record

    records = Records(opener, clock=lambda: now[0])
    page = client(build_backend(live_session, settings(), records=records))  # type: ignore[arg-type]
    assert page.get("/api/v1/sources").status_code == 200  # Live works
    assert tries == []  # opened when it is asked for
    for path in ("subjects", "subjects", "subjects/P-1/days"):
        answer = page.get(f"/api/v1/{path}")
        assert answer.status_code == 503
        assert answer.json()["detail"] == "record.sqlite is damaged; take your newest backup"
    assert len(tries) == 1
    now[0] = 2.5
    assert page.get("/api/v1/subjects").status_code == 503
    now[0] = 5.0
    assert page.get("/api/v1/subjects").status_code == 200


def test_a_damaged_file_and_a_newer_one_are_named(live_session: FakeLiveSession, tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    path.write_bytes(b"not a database at all" * 500)
    page = client(build_backend(live_session, settings(), records=Records(lambda: Store(path))))  # type: ignore[arg-type]
    answer = page.get("/api/v1/subjects")
    assert answer.status_code == 503
    assert "record.sqlite" in answer.json()["detail"]


def test_what_is_too_old_goes_daily_while_the_page_runs(record: Store, clock: FakeClock) -> None:
    subject = record.subjects.add("P-1", retention_days=30)
    people.record(record, subject, MAY_4)
    now = [0.0]
    records = Records(lambda: record, clock=lambda: now[0])
    assert records.store().recordings.of(subject)
    clock.advance(days=31)
    assert records.store().recordings.of(subject)
    now[0] = 90_000.0
    assert records.store().recordings.of(subject) == []


# Downloads.


def test_the_report_is_given_as_a_page_that_loads_nothing(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    people.fill(record, subject, people.figures(40, first=date(2026, 3, 20)))
    answer = page.get("/api/v1/subjects/P-1/report.html")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="P-1-report.html"'
    assert "P-1" in answer.text
    assert page.get("/api/v1/subjects/P-1/report.docx").status_code == 422


def test_everything_is_given_as_one_zip(page: TestClient, record: Store) -> None:
    subject = record.subjects.add("P-1")
    people.record(record, subject, MAY_4, series=people.readings(20))
    answer = page.get("/api/v1/subjects/P-1/export.zip")
    assert answer.status_code == 200
    assert answer.content[:2] == b"PK"
    assert [entry.action for entry in record.audit.entries()][-1] == "export"


# A person who does not exist.


@pytest.mark.exhaustive
def test_the_page_makes_up_a_person_to_look_at(
    page: TestClient, record: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "DEMONSTRATION_WEEKS", 2)
    made = post(page, "simulated")
    assert made.status_code == 201
    told = made.json()
    assert (told["code"], told["simulated"]) == ("SIMULATED-1", True)
    subject = record.subjects.get("SIMULATED-1")
    recordings = record.recordings.of(subject)
    assert all(each.kind == "simulated" for each in recordings)
    (consent,) = record.consents.of(subject)
    assert (consent.given_by, consent.given_at < recordings[0].started_at) == ("simulated", True)
    assert get(page, "subjects/SIMULATED-1")["false_alarm_days"] == 365
    assert post(page, "simulated").status_code == 409


@pytest.mark.exhaustive
def test_making_up_a_person_leaves_a_choice_of_false_alarms_alone(
    page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "DEMONSTRATION_WEEKS", 1)
    assert post(page, "false-alarms", days=730).status_code == 200
    assert post(page, "simulated").status_code == 201
    assert get(page, "subjects/SIMULATED-1")["false_alarm_days"] == 730


# Other pages.


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "subjects"), ("GET", "subjects/P-1"), ("GET", "subjects/P-1/days"), ("POST", "subjects"),
        ("POST", "subjects/P-1/consents"), ("DELETE", "subjects/P-1/consents"),
        ("POST", "subjects/P-1/annotations"), ("POST", "subjects/P-1/self-reports"),
        ("POST", "subjects/P-1/baseline"), ("POST", "false-alarms"), ("POST", "users"),
        ("POST", "texts/crisis"), ("POST", "simulated"),
    ],
)  # fmt: skip
def test_no_other_page_gets_at_the_record(refusing: tuple[TestClient, Store], method: str, path: str) -> None:
    page, _ = refusing
    foreign = {"origin": "https://evil.example"}
    assert page.request(method, f"/api/v1/{path}", headers=foreign, json={}).status_code == 403
    assert (
        page.request(method, f"/api/v1/{path}", headers={"host": "evil.example"}, json={}).status_code == 421
    )
    embedded = {"sec-fetch-site": "cross-site", "origin": ORIGIN}
    assert page.request(method, f"/api/v1/{path}", headers=embedded, json={}).status_code == 403


def test_reading_changes_nothing_and_changes_are_no_gets(app: FastAPI) -> None:
    description = client(app).get("/api/v1/openapi.json").json()
    methods = {method for path in description["paths"].values() for method in path}
    assert methods <= {"get", "post", "put", "delete"}


@pytest.mark.exhaustive
def test_a_year_is_told_from_the_cache_and_small(page: TestClient, record: Store) -> None:
    people.fill(record, record.subjects.add("P-1"), people.figures(365))
    answer = page.get("/api/v1/subjects/P-1/days")
    assert len(answer.content) < 1_000_000
    assert len(json.loads(answer.content)["days"]) > 300


def test_days_that_can_not_be_compared_say_why(page: TestClient, record: Store) -> None:
    table = people.figures(60)
    table.loc[table.index[50], "light_mean"] = 0.1
    table.loc[table.index[51], "usable_minutes"] = 0.5
    people.fill(record, record.subjects.add("P-1"), table, baseline_days=40)
    told = page.get("/api/v1/subjects/P-1/days").json()
    apart = {place: why for place, why in enumerate(told["apart"]) if why}
    assert apart[50] == "other light"
    assert apart[51] == "too little of it could be read"
    assert set(apart) <= set(range(40, 60))
    assert not any(told["apart"][:40])


def test_measures_come_in_groups_with_meaning_and_plain_units(page: TestClient, record: Store) -> None:
    people.fill(record, record.subjects.add("P-1"), people.figures(10))
    measures = page.get("/api/v1/subjects/P-1/days").json()["measures"]
    groups = [each["group"] for each in measures]
    assert groups == sorted(groups, key=groups.index)
    assert all(each["meaning"] and each["unit_words"].endswith(".") for each in measures)
    assert measures[0]["name"] == "valence_mean"


def test_a_recording_read_too_rarely_is_flagged_in_the_list_and_on_its_page(
    page: TestClient, record: Store
) -> None:
    subject = record.subjects.add("P-1")
    series = people.readings(60)
    kept = np.zeros(len(series), np.bool_)
    kept[::25] = True
    slow = people.record(
        record, subject, datetime(2026, 5, 1, 9, tzinfo=UTC), kind="browser", series=series[kept]
    )
    record.recordings.finish(slow.id, frames=int(kept.sum()))
    people.record(record, subject, datetime(2026, 5, 2, 9, tzinfo=UTC), kind="browser", series=series)
    listed = page.get("/api/v1/subjects/P-1/recordings").json()
    assert listed["2026-05-01"][0]["too_rarely"].startswith("read too rarely: 0.4 times per second")
    assert listed["2026-05-02"][0]["too_rarely"] == ""
    assert listed["2026-05-01"][0]["origin"] == "a browser's camera"
    told = page.get(f"/api/v1/subjects/P-1/recordings/{slow.id}").json()
    assert "100 % of the time is in pauses of more than 2 seconds" in told["too_rarely"]


@pytest.mark.exhaustive
def test_a_page_that_shows_no_record_loads_no_database_and_no_tables(tmp_path: Path) -> None:
    script = (
        "import sys; from web.backend import FakeLiveSession, client, settings;"
        "from mien.web.app import build_app;"
        "before = set(sys.modules);"
        "page = client(build_app(FakeLiveSession(), settings()));"
        "told = [page.get(path).status_code for path in"
        " ('/', '/subjects', '/subjects/P-1', '/api/v1/sources', '/api/v1/recording')];"
        "print(told, {'sqlalchemy', 'pandas', 'scipy.stats', 'ruptures'} & (set(sys.modules) - before))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "MIEN_STORE": str(tmp_path / "record.sqlite")},
        check=True,
    )
    assert ran.stdout.strip() == "[200, 200, 200, 200, 200] set()"
    assert not (tmp_path / "record.sqlite").exists()
