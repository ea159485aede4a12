"""Values that no person would send: each is refused in a plain line, or kept so that it can be told again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response

from mien.errors import StoreError
from mien.live.purpose import choose_purpose
from mien.live.status import SourceStatus
from mien.store.store import Store
from mien.web.answers import Answer, to_json
from mien.web.app import build_backend
from mien.web.security.access import Records
from web import record_people as people
from web.backend import FakeLiveSession, TestClient, client, make_reading, settings

DEEP = 900
"""Python reads JSON nested so deep, and little deeper."""

HOSTILE = {
    "beyond 64 bits": str(2**63),
    "far below 64 bits": str(-(10**30)),
    "thousands of digits": "1" * 5000,
    "not a number": "NaN",
    "infinite": "Infinity",
    "infinite by its exponent": "1e999",
    "half a character": '"\\ud800"',
    "a NUL": '"a\\u0000b"',
    "long": json.dumps("x" * 30_000),
    "the first day": '"0001-01-01"',
    "the last day": '"9999-12-31"',
    "the last minute": '"9999-12-31T23:59:59.999999-12:00"',
    "nested": "[" * DEEP + "]" * DEEP,
    "nested around what is none": "[" * DEEP + "NaN" + "]" * DEEP,
    "nested too deep": "[" * 100_000 + "]" * 100_000,
    "an object": '{"\\ud800": NaN}',
    "nothing": "null",
    "true": "true",
}
"""Pieces of JSON by what they are."""

BODIES: dict[str, dict[str, Any]] = {
    "subjects": {"code": "P-2", "birth_year": 1990, "notes": "x"},
    "subjects/P-1/consents": {
        "given_by": "x", "purpose": "y", "signals": ["expression"], "last_day": "2199-01-01",
    },
    "subjects/P-1/annotations": {
        "kind": "note", "text": "x", "at": "2026-05-05T10:00", "until": None, "recording": 1, "from_s": 1.0,
        "to_s": 2.0,
    },
    "subjects/P-1/self-reports": {
        "scale": "mood", "items": [1], "total": 3.0, "difficulty": 1, "other_scale": [0.0, 1.0],
        "at": "2026-05-01T09:00", "note": "x",
    },
    "subjects/P-1/self-reports/1/scale": {"scale": "mood", "other_scale": [0.0, 1.0]},
    "subjects/P-1/baseline": {"start": "2026-01-01", "end": "2026-02-01"},
    "false-alarms": {"days": 10},
    "texts/crisis": {"text": "x"},
    "users": {"name": "ab", "password": "short", "role": "admin", "subject": "P-1"},
    "recording": {"subject": "P-1", "source": "camera:9"},
    "recording/face": {"source": "camera:0", "track": 1},
    "purpose": {"purpose": "research"},
    "sources": {"where": "camera:7", "name": "x", "size_wh": [640, 480], "rate_hz": 30.0},
    "signals": {"where": "lsl:Muse", "name": "x"},
    "neutral": {"source": "camera:0", "seconds": 3.0},
}  # fmt: skip
"""What fits each address; in turn, each field of it becomes something hostile."""

each_address_and_value = pytest.mark.parametrize(
    ("path", "what"),
    [
        # `make test` sends a fifth of the values to each address, and each value to a fifth of them.
        pytest.param(path, what, id=f"{path}-{what}", marks=[pytest.mark.exhaustive] if (i + j) % 5 else [])
        for i, path in enumerate(BODIES)
        for j, what in enumerate(HOSTILE)
    ],
)

NUMBERS = ("-1", str(2**31), str(2**63), "1" + "0" * 30, "9" * 5000, "nan", "1e3", "%ED%A0%80")
FLOATS = ("nan", "inf", "-inf", "1e400", "9" * 400, "\0", "")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The API over a record of one subject; an exception behind a route is one here."""
    folder = tmp_path_factory.mktemp("values")
    with pytest.MonkeyPatch.context() as patch, Store(folder / "record.sqlite", who="tester") as store:
        patch.setenv("MIEN_CONFIG", str(folder))
        choose_purpose("research")
        subject = store.subjects.add("P-1")
        yesterday = datetime.now(UTC) - timedelta(days=1)
        people.record(store, subject, yesterday, minutes=1, series=people.readings(30))
        store.self_reports.add(subject, "mood", total=5.0)
        live_session = FakeLiveSession()
        live_session.known["camera:0"] = SourceStatus("camera:0", "camera:0", "running")
        live_session.publish(make_reading("camera:0", 1, 0.1))
        yield client(build_backend(live_session, settings(), records=Records(lambda: store)))  # type: ignore[arg-type]
        live_session.close()


def send(page: TestClient, path: str, body: str | bytes) -> Any:
    return page.post(f"/api/v1/{path}", content=body, headers={"Content-Type": "application/json"})


def in_a_line(answer: Any) -> str:
    """Return why it was refused; a line, as the API's description says, and not what was sent."""
    detail = answer.json()["detail"]
    assert isinstance(detail, str)
    assert 0 < len(detail) < 500
    assert "\n" not in detail
    return detail


@each_address_and_value
def test_a_hostile_value_in_a_body_is_refused_in_a_line(page: TestClient, path: str, what: str) -> None:
    mark = '"@"'
    for field in (*BODIES[path], "more", "\ud800"):
        body = json.dumps({**BODIES[path], field: "@"}).replace(mark, HOSTILE[what])
        answer = send(page, path, body)
        assert answer.status_code < 500, field
        if answer.status_code >= 400:
            in_a_line(answer)


@each_address_and_value
def test_a_hostile_body_is_refused_in_a_line(page: TestClient, path: str, what: str) -> None:
    answer = send(page, path, HOSTILE[what])
    assert answer.status_code in (400, 422)
    in_a_line(answer)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"\0", b'{"code"', b'{"code": "\xed\xa0\x80"}'])
@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_what_is_no_json_is_refused_in_a_line(page: TestClient, body: bytes, kind: str) -> None:
    answer = page.post("/api/v1/subjects", content=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 422)
    in_a_line(answer)


def test_after_all_that_the_record_can_be_told(page: TestClient) -> None:
    for path in ("subjects", "subjects/P-1", "subjects/P-1/days", "subjects/P-1/changes", "texts", "users",
                 "subjects/P-1/recordings", "subjects/P-1/recordings/1", "recording", "sources"):  # fmt: skip
        answer = page.get(f"/api/v1/{path}")
        assert answer.status_code == 200, path
        json.loads(answer.content, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "subjects/P-1/recordings/{}"),
        ("DELETE", "subjects/P-1/recordings/{}"),
        ("DELETE", "subjects/P-1/annotations/{}"),
        ("DELETE", "subjects/P-1/self-reports/{}"),
        ("POST", "subjects/P-1/self-reports/{}/scale"),
    ],
)
def test_a_number_that_none_has_is_refused(page: TestClient, method: str, path: str, number: str) -> None:
    answer = page.request(method, f"/api/v1/{path.format(number)}", json={"scale": "mood"})
    assert answer.status_code == 422
    assert in_a_line(answer).startswith("number: ")


@pytest.mark.parametrize("code", ["%FF", "%ED%A0%80", "a" * 65, "M%C3%BCller", "a b"])
@pytest.mark.parametrize("what", ["", "/days", "/changes", "/recordings", "/report.html", "/export.zip"])
def test_a_code_that_none_has_is_refused(page: TestClient, code: str, what: str) -> None:
    answer = page.get(f"/api/v1/subjects/{code}{what}")
    assert answer.status_code == 422
    assert in_a_line(answer).startswith("code: ")


@pytest.mark.parametrize(
    "path", ["subjects/%00", "subjects/P-1/recordings/1%00", "files/a%0Ab", "%7F", "texts/%1b"]
)
def test_an_address_with_control_characters_is_refused(page: TestClient, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = page.request(method, f"/api/v1/{path}")
        assert answer.status_code == 400
        assert in_a_line(answer) == "expected an address without control characters"


@pytest.mark.parametrize("value", FLOATS)
@pytest.mark.parametrize("name", ["start_s", "end_s", "points"])
def test_a_part_of_a_recording_is_asked_for_in_numbers(page: TestClient, name: str, value: str) -> None:
    answer = page.get("/api/v1/subjects/P-1/recordings/1", params={name: value})
    assert answer.status_code == 422
    assert in_a_line(answer).startswith(f"{name}: ")


@pytest.mark.parametrize("end_s", ["0", "5", "5.0000000001", "1e-300"])
def test_a_part_of_a_recording_is_no_shorter_than_a_frame(page: TestClient, end_s: str) -> None:
    answer = page.get("/api/v1/subjects/P-1/recordings/1", params={"start_s": 5, "end_s": end_s})
    assert answer.status_code == 422
    assert "from 5" in in_a_line(answer)


@pytest.mark.parametrize("value", [each for each in FLOATS if each not in ("", "-inf")])
def test_a_timeline_is_asked_for_from_a_time_on(page: TestClient, value: str) -> None:
    assert page.get("/api/v1/history/camera:0", params={"since_s": value}).status_code == 422


@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31"])
def test_a_day_is_one_that_every_clock_can_show(page: TestClient, day: str) -> None:
    report = page.get("/api/v1/subjects/P-1/report.html", params={"starting_point": day})
    assert (report.status_code, in_a_line(report).split(":")[0]) == (422, "starting_point")
    consent = {**BODIES["subjects/P-1/consents"], "last_day": day}
    for path, body in (
        ("consents", consent),
        ("baseline", {"start": day}),
        ("annotations", {"kind": "note", "text": "x", "at": f"{day}T12:00"}),
        ("annotations", {"kind": "note", "text": "x", "until": f"{day}T12:00"}),
        ("self-reports", {"scale": "mood", "total": 3.0, "at": f"{day}T12:00"}),
    ):
        answer = page.post(f"/api/v1/subjects/P-1/{path}", json=body)
        assert answer.status_code == 422, path
        in_a_line(answer)


@pytest.mark.parametrize("year", [1, 1899, 2201, 9999])
def test_the_store_keeps_no_moment_that_can_not_be_shown(tmp_path: Path, year: int) -> None:
    far = datetime(year, 6, 1, tzinfo=UTC)
    with Store(tmp_path / "record.sqlite", who="tester") as store:
        subject = store.subjects.add("P-1")
        people.agree(store, subject)
        expected = f"a year from 1900 to 2200, received {year}"
        with pytest.raises(StoreError, match=expected):
            store.annotations.add(subject, "note", "x", at=far)
        with pytest.raises(StoreError, match=expected):
            store.self_reports.add(subject, "mood", total=1.0, at=far)
        with pytest.raises(StoreError, match=expected):
            people.record(store, subject, far)
        with pytest.raises(StoreError, match=expected):
            store.consents.give(subject, given_by="x", purpose="y", given_at=far)


@pytest.mark.parametrize("length", ["9" * 5000, "0" * 5000, "1" + "0" * 17])
def test_a_length_of_thousands_of_digits_is_a_length(page: TestClient, length: str) -> None:
    answer = page.get("/api/v1/health", headers={"Content-Length": length})
    assert answer.status_code == (200 if set(length) == {"0"} else 413)


# What is answered.


def test_what_is_no_number_is_null() -> None:
    told = {"a": math.nan, "b": [1.5, -math.inf], "c": (math.inf,), "d": {"e": 0}, "f": "NaN"}
    assert to_json(told) == b'{"a":null,"b":[1.5,null],"c":[null],"d":{"e":0},"f":"NaN"}'


def test_half_a_character_is_written_as_it_came() -> None:
    told = {"\ud800": "M\u00fcller \udfff \U0001f600"}
    written = to_json(told)
    assert json.loads(written) == told
    assert "M\u00fcller".encode() in written


def test_an_answer_says_that_it_is_json() -> None:
    answer: Response = Answer({"a": math.nan}, 409)
    assert (answer.status_code, answer.body, answer.media_type) == (409, b'{"a":null}', "application/json")


def test_a_refusal_names_the_field_and_what_was_expected(page: TestClient) -> None:
    answer = send(page, "subjects", '{"code": "P-2", "birth_year": 1066}')
    assert answer.status_code == 422
    assert answer.json() == {"detail": "birth_year: Input should be greater than or equal to 1880"}
    assert send(page, "subjects", "{}").json() == {"detail": "code: Field required"}
    assert in_a_line(send(page, "subjects", json.dumps({"code": "P-2", "x" * 9000: 1})))


def test_the_description_says_the_limits(page: TestClient) -> None:
    described = page.get("/api/v1/openapi.json").json()
    recording = described["paths"]["/subjects/{code}/recordings/{number}"]["get"]["parameters"]
    limits = {each["name"]: each["schema"] for each in recording}
    assert (limits["number"]["minimum"], limits["number"]["maximum"]) == (0, 2**31 - 1)
    assert limits["code"]["maxLength"] == 64
    unlimited = [
        f"{verb} {path} {each['name']}"
        for path, verbs in described["paths"].items()
        for verb, operation in verbs.items()
        for each in operation.get("parameters", ())
        if not _is_limited(each["schema"])
    ]
    assert unlimited == []


def test_the_description_says_the_limits_of_each_field(page: TestClient) -> None:
    described = page.get("/api/v1/openapi.json").json()
    taken = re.findall(r'"requestBody":.{,120}?"#/components/schemas/(\w+)"', json.dumps(described["paths"]))
    assert len(set(taken)) >= len(BODIES) - 2  # two addresses share a description
    unlimited = [
        f"{name}.{field}"
        for name in set(taken)
        for field, schema in described["components"]["schemas"][name]["properties"].items()
        if not _is_limited(schema)
    ]
    assert unlimited == []


def _is_limited(schema: dict[str, Any]) -> bool:
    """Whether what a text or number may be has an end."""
    kinds = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    return all(
        each.get("type") == "boolean"
        or {"maxLength", "maximum", "maxItems", "enum", "const", "format", "$ref"} & set(each)
        for each in kinds
    )
