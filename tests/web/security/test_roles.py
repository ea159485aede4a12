"""Who may see and do what, once the record has users."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from mien.store.store import Store
from mien.web.app import build_backend
from mien.web.security.access import Records
from web import record_people as people
from web.backend import ORIGIN, PASSWORD, FakeLiveSession, TestClient, client, make_reading, settings

SECRET = "a good long password"
OWN = {"origin": ORIGIN}
MAY_4 = datetime(2026, 5, 4, 9, 0, tzinfo=people.BERLIN)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "record.sqlite", who="tester") as store:
        for code in ("P-1", "P-2"):
            people.record(store, store.subjects.add(code), MAY_4)
        yield store


@pytest.fixture
def app(record: Store, live_session: FakeLiveSession) -> FastAPI:
    return build_backend(live_session, settings(), records=Records(lambda: record))  # type: ignore[arg-type]


@pytest.fixture
def users(record: Store) -> None:
    record.users.add("ada", SECRET, "admin")
    record.users.add("clara", SECRET, "clinician")
    record.users.add("sam", SECRET, "self", record.subjects.get("P-1"))


def log_in(app: FastAPI, name: str, password: str = SECRET) -> TestClient:
    visitor = client(app)
    answer = visitor.post("/login", data={"name": name, "password": password}, headers=OWN)
    assert answer.status_code == 303, answer.text
    return visitor


def codes(visitor: TestClient) -> list[str]:
    return [each["code"] for each in visitor.get("/api/v1/subjects").json()["subjects"]]


def status(visitor: TestClient, path: str) -> int:
    return visitor.get(f"/api/v1/{path}").status_code


def test_without_users_whoever_is_there_sees_all(app: FastAPI) -> None:
    assert codes(client(app)) == ["P-1", "P-2"]


def test_with_users_nobody_sees_anything_without_a_name(app: FastAPI, users: None) -> None:
    for path in ("subjects", "subjects/P-1", "subjects/P-1/days", "users", "texts"):
        assert status(client(app), path) == 401


def test_a_clinician_sees_every_record_and_no_users(app: FastAPI, users: None) -> None:
    clara = log_in(app, "clara")
    assert codes(clara) == ["P-1", "P-2"]
    assert status(clara, "subjects/P-2/days") == 200
    assert status(clara, "users") == status(clara, "texts") == 403


def test_self_sees_one_record_and_of_the_others_not_even_that_they_are_there(
    app: FastAPI, users: None, record: Store
) -> None:
    sam = log_in(app, "sam")
    assert codes(sam) == ["P-1"]
    assert sam.get("/api/v1/subjects").json()["store"] is None  # a path of the server, or its database's host
    assert status(sam, "subjects/P-1") == 200
    there, nowhere = (sam.get(f"/api/v1/subjects/{code}") for code in ("P-2", "P-9"))
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["detail"].replace("P-2", "P-9") == nowhere.json()["detail"]
    other = record.recordings.of(record.subjects.get("P-2"))[0]
    for path in (
        "P-2/days",
        "P-2/changes",
        "P-2/report.html",
        "P-2/export.zip",
        f"P-1/recordings/{other.id}",
    ):
        assert status(sam, f"subjects/{path}") == 404, path
    assert status(sam, "users") == 403


def test_self_answers_and_consents_for_themselves_and_adds_nobody(app: FastAPI, users: None) -> None:
    sam = log_in(app, "sam")
    mine = {"scale": "mood", "total": 6}
    assert sam.post("/api/v1/subjects/P-1/self-reports", json=mine, headers=OWN).status_code == 201
    assert sam.post("/api/v1/subjects/P-2/self-reports", json=mine, headers=OWN).status_code == 404
    assert sam.post("/api/v1/subjects", json={"code": "P-3"}, headers=OWN).status_code == 403
    assert sam.post("/api/v1/false-alarms", json={"days": 90}, headers=OWN).status_code == 403


def test_an_admin_looks_after_users_and_texts_and_sees_no_reading(
    app: FastAPI, users: None, live_session: FakeLiveSession
) -> None:
    ada = log_in(app, "ada")
    assert codes(ada) == []
    for path in ("subjects/P-1", "subjects/P-1/days", "subjects/P-1/recordings", "subjects/P-1/report.pdf"):
        assert status(ada, path) == 403
    assert [each["name"] for each in ada.get("/api/v1/users").json()] == ["ada", "clara", "sam"]
    text = ada.post("/api/v1/texts/crisis", json={"text": "Call 112."}, headers=OWN)
    assert text.json() == {"crisis": "Call 112."}
    blank = ada.post("/api/v1/texts/phq9_safety", json={"text": "  "}, headers=OWN)
    assert blank.status_code == 409


@pytest.mark.parametrize(("name", "sees"), [("clara", True), ("sam", False), ("ada", False)])
def test_the_servers_own_cameras_are_shown_to_clinicians_alone(
    app: FastAPI, users: None, live_session: FakeLiveSession, name: str, sees: bool
) -> None:
    live_session.add("door", lambda: None, where="camera:0")  # type: ignore[arg-type,return-value]
    live_session.publish(make_reading("door", 0))
    visitor = log_in(app, name)
    for path in (
        "sources",
        "readings/latest",
        "readings/door.csv",
        "history/door",
        "signals",
        "signals/latest",
    ):
        assert status(visitor, path) == (200 if sees else 404), path


def test_the_first_user_is_an_admin(app: FastAPI, record: Store) -> None:
    page = client(app)
    wanted = {"name": "clara", "password": SECRET, "role": "clinician"}
    refused = page.post("/api/v1/users", json=wanted)
    assert refused.status_code == 409
    assert "admin" in refused.json()["detail"]
    assert page.post("/api/v1/users", json={**wanted, "name": "ada", "role": "admin"}).status_code == 201
    assert page.post("/api/v1/users", json=wanted).status_code == 401  # now the admin does it
    assert [user.name for user in record.users.all()] == ["ada"]


def test_self_is_somebody_in_the_record(app: FastAPI, users: None, record: Store) -> None:
    ada = log_in(app, "ada")
    wanted = {"name": "tom", "password": SECRET, "role": "self"}
    for subject in (None, "P-9"):
        answer = ada.post("/api/v1/users", json={**wanted, "subject": subject}, headers=OWN)
        assert answer.status_code == 409
    answer = ada.post("/api/v1/users", json={**wanted, "subject": "P-2"}, headers=OWN)
    assert answer.json()[-1] == {"name": "tom", "role": "self", "subject": "P-2"}
    assert ada.delete("/api/v1/users/tom", headers=OWN).status_code == 204
    assert [user.name for user in record.users.all()] == ["ada", "clara", "sam"]


def test_who_is_removed_sees_nothing_from_then_on(app: FastAPI, users: None, record: Store) -> None:
    clara = log_in(app, "clara")
    assert status(clara, "subjects") == 200
    record.users.remove("clara")
    assert status(clara, "subjects") == 401


def test_a_session_ends_with_its_user(record: Store, users: None, live_session: FakeLiveSession) -> None:
    """Also of what isn't the record: photographs, the browser's own camera."""
    app = build_backend(live_session, settings(password=PASSWORD), records=Records(lambda: record))  # type: ignore[arg-type]
    clara, sam = log_in(app, "clara"), log_in(app, "sam")
    assert status(clara, "health") == status(sam, "health") == 200
    record.users.remove("clara")
    assert status(clara, "health") == 401
    assert clara.get("/").headers["location"] == "/login"
    assert status(sam, "health") == 200
    record.erase(record.subjects.get("P-1"))
    assert status(sam, "health") == 401
    assert status(log_in(app, "ada"), "health") == 200


def test_with_the_subject_goes_their_user(app: FastAPI, users: None, record: Store) -> None:
    sam = log_in(app, "sam")
    record.erase(record.subjects.get("P-1"))
    assert status(sam, "subjects/P-1") == 401


def test_who_did_it_stands_in_the_audit_log(app: FastAPI, users: None, record: Store) -> None:
    status(log_in(app, "clara"), "subjects/P-1")
    status(log_in(app, "sam"), "subjects/P-1")
    assert [entry.who for entry in record.audit.entries(2)] == ["clara", "sam"]
    assert record.audit.verify() > 0


@pytest.mark.parametrize("given", [("clara", "wrong password"), ("nobody", SECRET), ("", SECRET)])
def test_a_wrong_name_or_password_is_refused(app: FastAPI, users: None, given: tuple[str, str]) -> None:
    answer = client(app).post(
        "/login", data={"name": given[0], "password": given[1]}, headers={"origin": ORIGIN}
    )
    assert answer.status_code == 401
    assert 'role="alert"' in answer.text


def test_programs_log_in_by_basic(app: FastAPI, users: None) -> None:
    program = client(app)
    assert program.get("/api/v1/subjects", auth=("clara", SECRET)).status_code == 200
    assert program.get("/api/v1/subjects", auth=("clara", "wrong password")).status_code == 401
    broken = {"authorization": "Basic " + base64.b64encode(b"\xff").decode()}
    assert program.get("/api/v1/subjects", headers=broken).status_code == 401


def test_guessing_gets_slow_by_name_too(app: FastAPI, users: None) -> None:
    guesser = client(app)
    for _ in range(6):
        answer = guesser.get("/api/v1/subjects", auth=("clara", "wrong password"))
    assert answer.status_code == 429


def test_behind_the_shared_password_the_record_asks_for_a_name(
    record: Store, users: None, live_session: FakeLiveSession
) -> None:
    app = build_backend(live_session, settings(password=PASSWORD), records=Records(lambda: record))  # type: ignore[arg-type]
    assert client(app).get("/subjects").status_code == 303
    shared = log_in(app, "", PASSWORD)
    assert status(shared, "sources") == 200
    assert status(shared, "subjects") == 401
    assert codes(log_in(app, "clara")) == ["P-1", "P-2"]


def test_by_name_comes_first_where_both_passwords_are_the_same(
    record: Store, live_session: FakeLiveSession
) -> None:
    record.users.add("ada", PASSWORD, "admin")
    app = build_backend(live_session, settings(password=PASSWORD), records=Records(lambda: record))  # type: ignore[arg-type]
    assert log_in(app, "ada", PASSWORD).get("/api/v1/subjects").json()["name"] == "ada"


def test_a_record_that_can_not_be_opened_lets_nobody_in_by_name(
    tmp_path: Path, live_session: FakeLiveSession
) -> None:
    path = tmp_path / "record.sqlite"
    path.write_bytes(b"rubbish" * 1000)
    app = build_backend(live_session, settings(password=PASSWORD), records=Records(lambda: Store(path)))  # type: ignore[arg-type]
    answer = client(app).post(
        "/login", data={"name": "clara", "password": SECRET}, headers={"origin": ORIGIN}
    )
    assert answer.status_code == 401
    assert status(log_in(app, "", PASSWORD), "sources") == 200


def test_a_session_ends_with_its_logout(app: FastAPI, users: None) -> None:
    clara = log_in(app, "clara")
    clara.post("/logout", headers=OWN)
    assert status(clara, "subjects") == 401


def test_older_and_newer_recordings_are_both_counted(app: FastAPI, record: Store) -> None:
    people.record(record, record.subjects.get("P-1"), MAY_4 + timedelta(days=30))
    told = client(app).get("/api/v1/subjects").json()["subjects"]
    assert [each["days"] for each in told] == [2, 1]


def test_a_user_can_not_guess_at_anothers_password_for_ever(app: FastAPI, users: None) -> None:
    sam = client(app)
    answers = []
    for _ in range(4):
        answers += [sam.get("/api/v1/subjects", auth=("ada", "wrong password")).status_code for _ in range(3)]
        answers.append(sam.get("/api/v1/subjects", auth=("sam", SECRET)).status_code)
    assert answers.count(401) == 5
    assert answers[-1] == 429


@pytest.mark.usefixtures("as_costly_as_ever")
@pytest.mark.parametrize("name", ["clara", "nobody"])
def test_a_name_that_is_not_there_costs_as_much_as_a_wrong_password(
    app: FastAPI, users: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Counted, not timed: one whole Argon2id hash with the same parameters, whoever is named."""
    from argon2 import PasswordHasher, extract_parameters

    costs = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hashed: str, password: bytes) -> bool:
        costs.append(extract_parameters(hashed))
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    answer = client(app).post("/login", data={"name": name, "password": "wrong password"}, headers=OWN)
    assert (answer.status_code, len(costs)) == (401, 1)
    assert (costs[0].memory_cost, costs[0].time_cost, costs[0].parallelism) == (19 * 1024, 2, 1)
    assert name not in answer.text
