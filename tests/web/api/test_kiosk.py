"""The kiosk: for guests, without a password, who answer and may turn a camera off."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest

from mien.errors import MissingError
from mien.places.guest_words import guest_words, notice_languages
from mien.report.pdf import pages
from mien.store.store import Store
from mien.store.venue_types import Station
from mien.web.api.kiosk import WHO, kiosk_routes
from mien.web.app import build_app
from mien.web.security.access import Records
from web.backend import ORIGIN, PASSWORD, Clock, FakeLiveSession, TestClient, client, settings

API = "/api/v1/kiosk/cafe/till-1"
OWN = {"origin": ORIGIN}


class FakeRunning:
    """Counts answers for one station, whose camera is in a state."""

    def __init__(self) -> None:
        self.state = "counting"
        self.taken: list[int] = []
        self.refreshed = 0
        self.taken_here = True

    def doing(self, venue: str, station: str) -> tuple[str, str] | None:
        return (self.state, "") if station == "till-1" and self.taken_here else None

    def answers(self, venue: str, station: str) -> FakeRunning:
        if station != "till-1" or not self.taken_here:
            raise MissingError("it is not run here")
        return self

    def add(self, answer: int, at: datetime) -> None:
        assert at.tzinfo is not None
        self.taken.append(answer)

    def refresh(self) -> None:
        self.refreshed += 1


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "record.sqlite", who="tester") as store:
        store.venues.add(Station("cafe", "till-1", "camera:0"))
        store.venues.add(Station("cafe", "till-2", "camera:1"))
        yield store


@pytest.fixture
def running() -> FakeRunning:
    return FakeRunning()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("mien.web.app.kiosk_routes", lambda running: kiosk_routes(running, clock))
    return clock


@pytest.fixture
def guest(store: Store, running: FakeRunning, clock: Clock) -> Iterator[TestClient]:
    """A browser that hasn't logged in, where a password is asked for."""
    live_session = FakeLiveSession()
    app = build_app(
        live_session,  # type: ignore[arg-type]
        settings(password=PASSWORD),
        records=Records(lambda: store),
        running=running,  # type: ignore[arg-type]
    )
    with client(app) as visitor:  # so that all that the app begins is ended with it
        yield visitor
    live_session.close()


def test_a_guest_answers_without_a_password(guest: TestClient, running: FakeRunning) -> None:
    answer = guest.post(f"{API}/answers", json={"answer": 4}, headers=OWN)
    assert (answer.status_code, answer.text) == (204, "")
    assert running.taken == [4]


def test_a_station_takes_one_answer_a_second(guest: TestClient, running: FakeRunning, clock: Clock) -> None:
    taken = []
    for after_s in (0, 0.4, 0.4, 0.4, 1.0):
        clock.now_s += after_s
        taken.append(guest.post(f"{API}/answers", json={"answer": 5}, headers=OWN).status_code)
    assert taken == [204, 429, 429, 204, 204]
    assert running.taken == [5, 5, 5]


@pytest.mark.parametrize(
    "body", [{"answer": 0}, {"answer": 6}, {"answer": "5"}, {"answer": 4.0}, {}, {"answer": 3, "name": "x"}]
)
def test_what_is_no_answer_is_refused(
    guest: TestClient, running: FakeRunning, body: dict[str, object]
) -> None:
    assert guest.post(f"{API}/answers", json=body, headers=OWN).status_code == 422
    assert running.taken == []


def test_another_page_can_answer_nothing(guest: TestClient, running: FakeRunning) -> None:
    foreign = {"origin": "http://elsewhere.example"}
    for path in ("answers", "off"):
        assert guest.post(f"{API}/{path}", json={"answer": 1}, headers=foreign).status_code == 403
    assert running.taken == []


@pytest.mark.parametrize(
    ("state", "sign"),
    [("counting", True), ("starting", True), ("away", True), ("off", False), ("unposted", False),
     ("closed", False), ("stopped", False), ("failed", False)],
)  # fmt: skip
def test_the_sign_is_up_while_a_camera_reads(
    guest: TestClient, running: FakeRunning, state: str, sign: bool
) -> None:
    running.state = state
    assert guest.get(API).json() == {"camera": sign, "answers": True}
    assert guest.get("/api/v1/kiosk/cafe/till-2").json() == {"camera": False, "answers": False}


def test_a_guest_turns_the_camera_off_and_not_on(
    guest: TestClient, store: Store, running: FakeRunning
) -> None:
    for _ in range(2):
        assert guest.post(f"{API}/off", headers=OWN).status_code == 204
    assert running.refreshed == 1
    assert not store.venues.station("cafe", "till-1").enabled
    assert store.venues.station("cafe", "till-2").enabled
    assert [entry.who for entry in store.audit.entries() if entry.action == "station"][-1] == WHO
    assert guest.post(f"{API}/on", headers=OWN).status_code == 404


@pytest.mark.parametrize("path", ["cafe/till-9", "bar/till-1"])
def test_a_station_that_is_not_there(guest: TestClient, path: str) -> None:
    assert guest.get(f"/api/v1/kiosk/{path}").status_code == 404
    assert guest.post(f"/api/v1/kiosk/{path}/answers", json={"answer": 3}, headers=OWN).status_code == 404
    assert guest.post(f"/api/v1/kiosk/{path}/off", headers=OWN).status_code == 404


def test_a_station_that_nobody_runs_takes_no_answers(guest: TestClient) -> None:
    answer = guest.post("/api/v1/kiosk/cafe/till-2/answers", json={"answer": 3}, headers=OWN)
    assert answer.status_code == 409
    assert "mien venue run cafe" in answer.json()["detail"]


def test_nothing_else_is_open(guest: TestClient) -> None:
    for path in ("/", "/venue", "/kiosk", "/kiosk/../subjects"):
        assert guest.get(path).status_code in (303, 404), path
    assert guest.get("/venue").status_code == 303
    assert guest.get("/api/v1/kiosks").status_code == 401


def test_the_page_leads_nowhere_and_has_all_languages(guest: TestClient) -> None:
    page = guest.get("/kiosk/cafe/till-1")
    assert page.status_code == 200
    assert re.findall(r'<a\s|href="/(?!static)', page.text) == []
    assert page.text.count('class="answer ') == 5
    found = re.search(r"data-config='([^']*)'", page.text)
    assert found is not None
    config = json.loads(unescape(found[1]))
    assert (config["venue"], config["station"]) == ("cafe", "till-1")
    assert set(config["words"]) == set(guest_words())
    assert "notice" not in config["words"]["de"]


@pytest.mark.parametrize("path", ["/kiosk/cafe/Till 1", "/kiosk/cafe/-", "/kiosk/caf%C3%A9/till-1"])
def test_a_page_of_what_no_station_is_called_is_not_there(guest: TestClient, path: str) -> None:
    assert guest.get(path).status_code == 404


@pytest.fixture
def owner(guest: TestClient) -> TestClient:
    """The same, logged in."""
    assert guest.post("/login", data={"password": PASSWORD}, headers=OWN).status_code == 303
    return guest


NOTICE = "/api/v1/venues/cafe/stations/till-1/notice.pdf"


def test_the_notice_is_downloaded(owner: TestClient) -> None:
    answer = owner.get(NOTICE, params={"contact": "Café Sonne", "language": ["de", "en"], "place": ""})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert 'filename="cafe-till-1-notice.pdf"' in answer.headers["content-disposition"]
    assert pages(answer.content) == 2


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ({}, 422, "contact"),
        ({"contact": "  "}, 400, "contact: expected who is responsible"),
        ({"contact": "x", "language": "xx"}, 400, "language: expected some of"),
        ({"contact": "x" * 401}, 422, "contact"),
        ({"contact": "x", "shifts": "early"}, 422, "shifts"),
    ],
)
def test_a_notice_that_cannot_be_is_refused(
    owner: TestClient, said: dict[str, str], code: int, words: str
) -> None:
    answer = owner.get(NOTICE, params=said)
    assert (answer.status_code, words in answer.json()["detail"]) == (code, True), answer.text


def test_a_guest_gets_no_notice(guest: TestClient) -> None:
    assert guest.get(NOTICE, params={"contact": "x"}).status_code == 401


def test_the_setup_page_offers_the_notice_in_all_its_languages(owner: TestClient) -> None:
    page = owner.get("/venue/cafe/till-1/setup").text
    assert f'action="{NOTICE}"' in page
    assert 'href="/kiosk/cafe/till-1"' in page
    assert re.findall(r'name="language" value="(\w+)"', page) == list(notice_languages())
