"""Every route and socket, by everybody: a new one fails here until it is classified.

The page has a password and the record has users, which is the strictest house. `RULES` says of each route who
gets what when they reach for the subject P-2: nobody (who hasn't logged in), the shared password without a
name, an admin, P-1's own user, a clinician.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

from mien.store.store import Store
from mien.store.venue_types import Station
from mien.web.app import build_app
from mien.web.security.access import Records
from web import record_people as people
from web.backend import (
    ORIGIN,
    PASSWORD,
    WS,
    FakeLiveSession,
    TestClient,
    client,
    make_reading,
    make_signals,
    settings,
)

SECRET = "a good long password"
WORDS = "what P-2 told nobody else"
OWN = {"origin": ORIGIN}
API = "/api/v1"
MAY_4 = datetime(2026, 5, 4, 9, 0, tzinfo=people.BERLIN)

VISITORS = ("nobody", "self", "admin", "shared", "clinician")
"""In the order in which they try: whoever may do least comes first."""


class Rule(NamedTuple):
    """The status that each visitor gets; 0 is any but a refusal or a fault, None is not tried."""

    nobody: int
    shared: int | None
    admin: int | None
    self: int | None
    clinician: int | None


RECORD = Rule(401, 401, 403, 404, 0)
"""A subject's: of another's not even that it is there."""
CHANGES = RECORD._replace(clinician=None)
"""The same, and it would change what the others are tried on."""
CLINICAL = Rule(401, 401, 403, 403, None)
RULING = Rule(401, 401, None, 403, 403)
WATCHING = Rule(401, 0, 404, 404, 0)
"""What the server's own cameras show."""
NAMED = Rule(401, 401, 0, 0, 0)
"""The list of what one may see, or texts for all who have a name."""
HOSTING = Rule(401, 401, 0, 403, 0)
"""What a venue's host sees: sums, and how stations are set up."""
SETTING = HOSTING._replace(admin=None, clinician=None)
"""The same, and it would change what the others are tried on."""
UNKNOWN = Rule(401, 404, 404, 404, 404)
"""Found by a random word that nobody else has."""
INSIDE = Rule(401, 0, 0, 0, 0)
"""Nobody's data."""
PAGE = Rule(303, 0, 0, 0, 0)
"""Markup without data, which comes by the API."""
OPEN = Rule(0, 0, 0, 0, 0)
"""What the login page needs, the login itself, and the kiosk, which guests touch."""
RULES = {
    "GET /api/v1/openapi.json": INSIDE,
    "GET /api/v1/health": INSIDE,
    "GET /api/v1/metrics": WATCHING,
    "GET /api/v1/purpose": INSIDE,
    "POST /api/v1/purpose": Rule(401, 0, 0, 403, 0),
    "GET /api/v1/sources": WATCHING,
    "POST /api/v1/sources": WATCHING,
    "DELETE /api/v1/sources/{name:path}": WATCHING._replace(shared=None, clinician=None),
    "GET /api/v1/cameras": WATCHING,
    "POST /api/v1/neutral": WATCHING,
    "DELETE /api/v1/neutral/{source:path}": WATCHING,
    "GET /api/v1/readings/latest": WATCHING,
    "GET /api/v1/readings/{source:path}.csv": WATCHING,
    "GET /api/v1/history/{source:path}": WATCHING,
    "GET /api/v1/signals": WATCHING,
    "GET /api/v1/signals/latest": WATCHING,
    "GET /api/v1/signals/together": WATCHING,
    "GET /api/v1/signals/found": WATCHING._replace(shared=None, clinician=None),
    "GET /api/v1/signals/history/{name:path}": WATCHING,
    "POST /api/v1/signals": WATCHING,
    "POST /api/v1/signals/rest": WATCHING,
    "DELETE /api/v1/signals/{name:path}": WATCHING._replace(shared=None, clinician=None),
    "POST /api/v1/analyse": INSIDE,
    "POST /api/v1/explain": INSIDE,
    "GET /api/v1/subjects": NAMED,
    "POST /api/v1/subjects": CLINICAL,
    "POST /api/v1/simulated": CLINICAL,
    "GET /api/v1/subjects/{code}": RECORD,
    "GET /api/v1/subjects/{code}/pulse": RECORD,
    "POST /api/v1/subjects/{code}/consents": CHANGES,
    "DELETE /api/v1/subjects/{code}/consents": CHANGES,
    "POST /api/v1/subjects/{code}/annotations": CHANGES,
    "DELETE /api/v1/subjects/{code}/annotations/{number}": CHANGES,
    "GET /api/v1/scales": NAMED,
    "POST /api/v1/subjects/{code}/self-reports": CHANGES,
    "POST /api/v1/subjects/{code}/self-reports/{number}/scale": CHANGES,
    "DELETE /api/v1/subjects/{code}/self-reports/{number}": CHANGES,
    "GET /api/v1/subjects/{code}/recordings": RECORD,
    "GET /api/v1/subjects/{code}/recordings/{number}": RECORD,
    "GET /api/v1/subjects/{code}/recordings/{number}/signals": RECORD,
    "DELETE /api/v1/subjects/{code}/recordings/{number}": CHANGES,
    "GET /api/v1/subjects/{code}/days": RECORD,
    "GET /api/v1/subjects/{code}/changes": RECORD,
    "POST /api/v1/subjects/{code}/baseline": CHANGES,
    "POST /api/v1/false-alarms": CLINICAL,
    "GET /api/v1/subjects/{code}/report.{form}": RECORD,
    "GET /api/v1/subjects/{code}/export.zip": RECORD,
    "GET /api/v1/users": RULING._replace(admin=0),
    "POST /api/v1/users": RULING,
    "DELETE /api/v1/users/{name}": RULING,
    "GET /api/v1/texts": RULING._replace(admin=0),
    "POST /api/v1/texts/{name}": RULING,
    "GET /api/v1/recording": INSIDE,
    "POST /api/v1/recording": CHANGES,
    "DELETE /api/v1/recording": CHANGES,
    "POST /api/v1/recording/face": CHANGES,
    "POST /api/v1/files": INSIDE,
    "GET /api/v1/files": INSIDE,
    "DELETE /api/v1/files": INSIDE,
    "GET /api/v1/files/{key}": UNKNOWN,
    "DELETE /api/v1/files/{key}": UNKNOWN,
    "GET /api/v1/files/{key}/table.csv": UNKNOWN,
    "GET /api/v1/files/{key}/summary.json": UNKNOWN,
    "GET /api/v1/files/{key}/timeline.json": UNKNOWN,
    "GET /api/v1/files/{key}/rows": UNKNOWN,
    "GET /api/v1/files/{key}/annotated": UNKNOWN,
    "GET /api/v1/files/{key}/why.json": UNKNOWN,
    "GET /api/v1/files/{key}/why.png": UNKNOWN,
    "GET /api/v1/files/{key}/original": UNKNOWN,
    "GET /api/v1/files/{key}/moments.mp4": UNKNOWN,
    "GET /api/v1/files/{key}/moments.png": UNKNOWN,
    "POST /api/v1/files/{key}/moments": UNKNOWN,
    "POST /api/v1/files/{key}/record": RECORD._replace(clinician=404),
    "GET /": PAGE,
    "GET /subjects": PAGE,
    "GET /subjects/{code}": PAGE,
    "GET /subjects/{code}/recordings/{number}": PAGE,
    "GET /api/v1/venues": HOSTING,
    "GET /api/v1/venues/{venue}/summary": HOSTING,
    "GET /api/v1/venues/{venue}/report.{form}": HOSTING,
    "GET /api/v1/venues/{venue}/figures.csv": HOSTING,
    "POST /api/v1/venues/{venue}/marks": SETTING,
    "DELETE /api/v1/venues/{venue}/marks/{number}": SETTING,
    "POST /api/v1/venues/{venue}/stations": SETTING,
    "GET /api/v1/venues/{venue}/stations/{station}": HOSTING,
    "GET /api/v1/venues/{venue}/stations/{station}/picture.jpg": HOSTING,
    "PUT /api/v1/venues/{venue}/stations/{station}/zones": SETTING,
    "PUT /api/v1/venues/{venue}/stations/{station}/hours": SETTING,
    "POST /api/v1/venues/{venue}/stations/{station}/notice": SETTING,
    "POST /api/v1/venues/{venue}/stations/{station}/switch": SETTING,
    "GET /api/v1/venues/{venue}/stations/{station}/notice.pdf": HOSTING,
    "GET /venue": PAGE,
    "GET /venue/{venue}/{station}/setup": PAGE,
    "GET /api/v1/kiosk/{venue}/{station}": OPEN,
    "POST /api/v1/kiosk/{venue}/{station}/answers": OPEN,
    "POST /api/v1/kiosk/{venue}/{station}/off": Rule(None, None, None, None, None),  # test_kiosk.py has it
    "GET /kiosk/{venue}/{station}": OPEN,
    "GET /files": PAGE,
    "GET /about": PAGE,
    "GET /login": OPEN,
    "POST /login": Rule(401, None, None, None, None),
    "POST /logout": Rule(303, None, None, None, None),
    "GET /static/mien/palette.css": OPEN,
    "GET /static/mien": OPEN,
}
"""By method and path; a HEAD goes with its GET."""

BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/purpose": {"purpose": "research"},
    "POST /api/v1/sources": {"where": "rtsp://127.0.0.1:1/live", "name": "yard"},
    "POST /api/v1/signals": {"where": "lsl:Muse", "name": "cap"},
    "POST /api/v1/neutral": {"source": "door"},
    "POST /api/v1/subjects": {"code": "P-3"},
    "POST /api/v1/subjects/{code}/consents": {"given_by": "x", "purpose": "y", "signals": ["expression"]},
    "POST /api/v1/subjects/{code}/annotations": {"kind": "note", "text": "x"},
    "POST /api/v1/subjects/{code}/self-reports": {"scale": "mood", "total": 6.0},
    "POST /api/v1/subjects/{code}/self-reports/{number}/scale": {"scale": "mood"},
    "POST /api/v1/subjects/{code}/baseline": {},
    "POST /api/v1/false-alarms": {"days": 90},
    "POST /api/v1/users": {"name": "eve", "password": SECRET, "role": "clinician"},
    "POST /api/v1/texts/{name}": {"text": "x"},
    "POST /api/v1/files/{key}/moments": {"length": "15%"},
    "POST /api/v1/files/{key}/record": {"subject": "P-2", "at": "2026-05-04T09:00:00+02:00", "faces": [0]},
    "POST /api/v1/kiosk/{venue}/{station}/answers": {"answer": 3},
    "POST /api/v1/venues/{venue}/marks": {"text": "new menu"},
    "POST /api/v1/venues/{venue}/stations": {"name": "till-2", "source": "camera:1"},
    "PUT /api/v1/venues/{venue}/stations/{station}/zones": {"zones": []},
    "PUT /api/v1/venues/{venue}/stations/{station}/hours": {"hours": []},
    "POST /api/v1/venues/{venue}/stations/{station}/notice": {"posted": True},
    "POST /api/v1/venues/{venue}/stations/{station}/switch": {"on": False},
    "POST /api/v1/recording": {"subject": "P-2", "source": "door"},
    "POST /api/v1/recording/face": {"source": "door", "track": 0},
}

SOCKETS = ("/ws/camera", "/ws/watch", "/ws/signals")


class House:
    """An app with all its pages, over a record of two subjects; the other's things have known numbers."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "record.sqlite", who="tester")
        self.numbers: dict[str, int] = {}
        for code in ("P-1", "P-2"):
            subject = self.store.subjects.add(code, notes=WORDS if code == "P-2" else "")
            made = people.record(self.store, subject, MAY_4, kind="video", series=people.readings(20))
            mark = self.store.annotations.add(subject, "note", WORDS if code == "P-2" else "mine", at=MAY_4)
            said = self.store.self_reports.add(subject, "mood", total=6.0, at=MAY_4)
            self.numbers = {"recordings": made.id, "annotations": mark.id, "self-reports": said.id}
        self.store.venues.add(Station("cafe", "till-1", "camera:0"))
        self.store.users.add("ada", SECRET, "admin")
        self.store.users.add("clara", SECRET, "clinician")
        self.store.users.add("sam", SECRET, "self", self.store.subjects.get("P-1"))
        self.live_session = FakeLiveSession()
        self.live_session.add("door", lambda: None, where="camera:0")  # type: ignore[arg-type,return-value]
        self.live_session.publish(make_reading("door", 0))
        self.live_session.add_signals("strap", lambda: None, where="ble:x")
        self.live_session.publish_signals(make_signals("strap", 1_780_000_000.0))
        self.app = build_app(
            self.live_session,  # type: ignore[arg-type]
            settings(password=PASSWORD),
            records=Records(lambda: self.store),
        )
        self.running = client(self.app)
        self.running.__enter__()  # so that all that the app begins is ended with it
        self.visitors = {"nobody": client(self.app, raise_server_exceptions=False)} | {
            role: self.log_in(name, SECRET if name else PASSWORD)
            for role, name in (("shared", ""), ("admin", "ada"), ("self", "sam"), ("clinician", "clara"))
        }

        begun = self.visitors["clinician"].post(
            f"{API}/recording", json={"subject": "P-2", "source": "door"}, headers=OWN
        )
        assert begun.status_code == 201, begun.text

    def log_in(self, name: str, password: str) -> TestClient:
        visitor = client(self.app, raise_server_exceptions=False)
        answer = visitor.post("/login", data={"name": name, "password": password}, headers=OWN)
        assert answer.status_code == 303, answer.text
        return visitor

    def ask(self, visitor: str, rule: str, code: str = "P-2") -> httpx.Response:
        """Ask for a route as somebody would who means another's things."""
        method, _, path = rule.partition(" ")
        number = next((self.numbers[part] for part in self.numbers if f"/{part}/" in path), 1)
        values = {"code": code, "number": number, "form": "html", "key": "a" * 32, "source": "door"}
        values |= {"venue": "cafe", "station": "till-1"}
        names = {"sources": "door", "signals": "strap", "texts": "crisis"}
        values["name"] = next((name for part, name in names.items() if f"/{part}/" in path), "clara")
        address = re.sub(r"\{(\w+)(?::path)?\}", lambda found: str(values[found[1]]), path)
        address += "/live.js" if path == "/static/mien" else ""
        return self.visitors[visitor].request(method, address, json=BODIES.get(rule), headers=OWN)

    def close(self) -> None:
        self.running.__exit__(None, None, None)
        self.live_session.close()
        self.store.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_CONFIG", str(tmp_path_factory.mktemp("config")))
        from mien.live.purpose import choose_purpose

        choose_purpose("clinic")
        made = House(tmp_path_factory.mktemp("record"))
        yield made
        made.close()


def routes_of(app: FastAPI) -> Iterator[tuple[str, BaseRoute]]:
    """Return every route of an app, of all that is mounted or included too, with its whole path."""
    yield from _walk(app.router.routes, "")


def _walk(routes: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for route in routes:
        if hasattr(route, "effective_candidates"):  # FastAPI's way to keep an included router
            yield from _walk(route.effective_candidates(), prefix)
            continue
        path = prefix + route.path
        inner = getattr(route, "routes", None)
        if inner:
            yield from _walk(inner, path)
        else:
            yield path, route


def test_every_route_is_classified(house: House) -> None:
    found, sockets = set(), set()
    for path, route in routes_of(house.app):
        if isinstance(route, WebSocketRoute):
            sockets.add(path)
        else:
            methods = getattr(route, "methods", None) or {"GET"}
            found |= {f"{method} {path}" for method in methods - {"HEAD"}}
    assert found == set(RULES), "classify a new route here, and say who may ask for it"
    assert sockets == set(SOCKETS)


def test_what_has_a_body_is_asked_with_one(house: House) -> None:
    """Otherwise a refusal might only mean that the body was missing."""
    no_body = {"POST /api/v1/simulated", "POST /api/v1/signals/rest", "POST /login", "POST /logout"}
    no_body.add("POST /api/v1/kiosk/{venue}/{station}/off")
    raw = {"POST /api/v1/analyse", "POST /api/v1/explain", "POST /api/v1/files"}
    assert {rule for rule in RULES if rule.startswith(("POST", "PUT"))} - no_body - raw == set(BODIES)


@pytest.mark.parametrize("rule", RULES)
def test_everybody_gets_what_is_theirs(house: House, rule: str) -> None:
    before = _content(house.store)
    for visitor in VISITORS:
        expected = getattr(RULES[rule], visitor)
        if expected is None:
            continue
        answer = house.ask(visitor, rule)
        if expected:
            assert answer.status_code == expected, (visitor, answer.text[:200])
        else:
            assert answer.status_code not in (401, 403, 404), (visitor, answer.text[:200])
            assert answer.status_code < 500, (visitor, answer.text[:200])
        if visitor != "clinician":
            assert WORDS not in answer.text
            asked = "{code}" in rule or "P-2" in str(BODIES.get(rule))
            assert asked or "P-2" not in answer.text
    assert _content(house.store) == before


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if "{code}" in rule and rule.split()[1].startswith(API)]
)
def test_of_another_subject_not_even_that_it_is_there(house: House, rule: str) -> None:
    there, nowhere = (house.ask("self", rule, code) for code in ("P-2", "P-9"))
    assert there.status_code == nowhere.status_code == 404
    assert there.json()["detail"].replace("P-2", "P-9") == nowhere.json()["detail"]


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if "{code}" in rule and "{number}" in rule and API in rule]
)
def test_nothing_of_another_subject_comes_under_ones_own_code(house: House, rule: str) -> None:
    before = _content(house.store)
    answer = house.ask("self", rule, code="P-1")
    assert answer.status_code == 404, answer.text
    assert WORDS not in answer.text
    assert _content(house.store) == before


def test_what_is_recorded_of_another_is_told_without_whom_and_where(house: House) -> None:
    assert house.visitors["clinician"].get(f"{API}/recording").json()["recording"]["subject"] == "P-2"
    for visitor in ("self", "admin"):
        told = house.visitors[visitor].get(f"{API}/recording").json()["recording"]
        assert told == {
            "active": True, "source": None, "origin": None, "subject": None, "refused": None, "status": None,
        }  # fmt: skip
    refused = house.visitors["self"].post(
        f"{API}/recording", json={"subject": "P-1", "source": "door"}, headers=OWN
    )
    assert refused.status_code == 404, "the server's camera is not theirs to record from"
    assert house.visitors["self"].delete(f"{API}/recording", headers=OWN).json() == {
        "detail": "nothing of yours is being recorded"
    }


def test_no_file_gets_into_anothers_record(house: House) -> None:
    before = _content(house.store)
    sam = house.visitors["self"]
    sent = sam.post(f"{API}/files", content=b"a picture", headers=OWN | {"x-mien-name": "a.jpg"})
    assert sent.status_code == 202, sent.text
    address = f"{API}/files/{sent.json()['id']}"
    body = BODIES["POST /api/v1/files/{key}/record"]
    answers = [
        sam.post(f"{address}/record", json=body | {"subject": code}, headers=OWN) for code in ("P-2", "P-9")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"].replace("P-2", "P-9") == answers[1].json()["detail"]
    sam.delete(address, headers=OWN)
    assert _content(house.store) == before


@pytest.mark.parametrize("rule", [rule for rule, kind in RULES.items() if kind is PAGE])
def test_no_page_holds_a_record(house: House, rule: str) -> None:
    for visitor in VISITORS[1:]:
        there, nowhere = (house.ask(visitor, rule, code).text for code in ("P-2", "P-9"))
        assert WORDS not in there
        assert there.count("P-2") == nowhere.count("P-9")
        assert len(there) == len(nowhere)


@pytest.mark.parametrize("path", SOCKETS)
def test_no_socket_opens_for_who_has_not_logged_in(house: House, path: str) -> None:
    address = f"{WS}{path}?source=door"
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        house.visitors["nobody"].websocket_connect(address, headers=OWN) as socket,
    ):
        socket.receive_text()
    assert closed.value.code == 1008


@pytest.mark.parametrize("path", ["/ws/watch?source=door", "/ws/signals"])
@pytest.mark.parametrize("visitor", ["admin", "self"])
def test_no_socket_shows_them_the_servers_own_cameras(house: House, visitor: str, path: str) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        house.visitors[visitor].websocket_connect(f"{WS}{path}", headers=OWN) as socket,
    ):
        socket.receive_text()
    assert closed.value.code == 1008


def _content(store: Store) -> list[Any]:
    """Return what the attacks aim at."""
    with store.audit.unlogged():
        subjects = store.subjects.all()
        return [
            [
                (each, store.consents.of(each), store.recordings.of(each), store.annotations.of(each),
                 store.self_reports.of(each), store.baselines.of(each))
                for each in subjects
            ],
            store.users.all(),
            store.texts.get("crisis"),
        ]  # fmt: skip


def test_no_answer_holds_a_cameras_password(house: House) -> None:
    """Not of one that was added, nor of one that is refused; as whoever may see most."""
    answers = []
    for where in ("rtsp://me:hunter2@10.0.0.7/live?token=hunter2", "rtmp://me:hunter2@10.0.0.7/live"):
        wanted = {"where": where}
        answers += [
            house.visitors["shared"].post(f"{API}/sources", json=wanted, headers=OWN) for _ in range(2)
        ]
    assert [answer.status_code for answer in answers] == [201, 400, 422, 422]
    answers += [house.ask("clinician", rule) for rule in RULES if rule.startswith("GET")]
    name = "rtsp://***@10.0.0.7/live?***"
    assert name in house.visitors["clinician"].get(f"{API}/metrics").text
    for answer in answers:
        assert "hunter2" not in answer.text
        assert "hunter2" not in str(answer.headers)


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "PUT", "PATCH", "CONNECT", "PROPFIND"])
@pytest.mark.parametrize(
    "path", ["/", "/api/v1/health", "/api/v1/subjects/P-1", "/login", "/static/mien/live.js"]
)
def test_no_other_method_is_answered(house: House, method: str, path: str) -> None:
    answer = house.visitors["clinician"].request(method, path, headers=OWN | {"x-echo": "echo"})
    assert answer.status_code in (404, 405)
    assert "echo" not in answer.text
