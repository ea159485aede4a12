"""The venues' part of the API: stations set up, figures of whole cells, marks, files to take away."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from mien.live.purpose import choose_purpose
from mien.places.simulated_venue import SimulatedVenue
from mien.report.pdf import pages
from mien.store.store import Store
from mien.store.venue_types import LEAST_VISITS
from mien.web.app import build_backend
from mien.web.security.access import Records
from web.backend import ORIGIN, FakeLiveSession, TestClient, client, settings
from web.venues import CAFE, MADE, TILL, FakeRunning, fill

API = "/api/v1/venues"
TILL_PATH = f"{API}/{CAFE}/stations/{TILL}"
OWN = {"origin": ORIGIN}
SQUARE = [[0.1, 0.1], [0.6, 0.1], [0.6, 0.6], [0.1, 0.6]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, SimulatedVenue]]:
    with Store(tmp_path_factory.mktemp("record") / "record.sqlite", who="tests") as store:
        yield store, fill(store)


@pytest.fixture
def running() -> FakeRunning:
    return FakeRunning()


@pytest.fixture
def host(filled: tuple[Store, SimulatedVenue], running: FakeRunning) -> Iterator[TestClient]:
    live_session = FakeLiveSession()
    app = build_backend(
        live_session,  # type: ignore[arg-type]
        settings(),
        records=Records(lambda: filled[0]),
        running=running,  # type: ignore[arg-type]
    )
    yield client(app, headers=OWN)
    live_session.close()


def summary(host: TestClient, made: SimulatedVenue, **asked: Any) -> dict[str, Any]:
    wanted = {"first": made.first.isoformat(), "last": made.last.isoformat()} | asked
    answer = host.get(f"{API}/{MADE}/summary", params=wanted)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_venues_are_listed_with_how_their_stations_are_doing(
    host: TestClient, filled: tuple[Store, SimulatedVenue]
) -> None:
    listed = host.get(API).json()
    cafe, made = listed["venues"]
    assert [cafe["name"], made["name"], listed["may_add"]] == [CAFE, MADE, True]
    assert (cafe["last_day"], cafe["simulated"]) == (None, False)
    assert (made["last_day"], made["simulated"]) == (filled[1].last.isoformat(), True)
    assert cafe["stations"][0]["state"] == "unposted"
    assert made["stations"][0]["state"] == "stopped"


def test_a_station_is_set_up_step_by_step(host: TestClient, running: FakeRunning) -> None:
    zones = [{"use": "count", "corners": SQUARE}, {"use": "ignore", "corners": SQUARE[:3]}]
    assert host.put(f"{TILL_PATH}/zones", json={"zones": zones}).json()["zones"] == zones
    hours = [{"days": [1, 2, 5], "opens": "11:00", "closes": "00:00"}]
    assert host.put(f"{TILL_PATH}/hours", json={"hours": hours}).json()["hours"] == hours
    posted = host.post(f"{TILL_PATH}/notice", json={"posted": True}).json()
    assert posted["notice"] is not None
    assert (posted["state"], posted["words"]) == ("counting", "It counts.")
    off = host.post(f"{TILL_PATH}/switch", json={"on": False}).json()
    assert (off["enabled"], off["state"]) == (False, "off")
    assert running.refreshed == 4  # it followed each at once
    on = host.post(f"{TILL_PATH}/switch", json={"on": True}).json()
    assert on == host.get(TILL_PATH).json() == posted


@pytest.mark.parametrize(
    ("what", "body", "said"),
    [
        (
            "zones",
            {"zones": [{"use": "count", "corners": [[0, 0], [1.2, 0], [1, 1]]}]},
            "outside the picture",
        ),
        ("zones", {"zones": [{"use": "count", "corners": [[0, 0], [0.5, 0.5], [1, 1]]}]}, "an area"),
        ("zones", {"zones": [{"use": "watch", "corners": SQUARE}]}, "use"),
        ("zones", {"zones": [{"use": "count", "corners": SQUARE[:2]}]}, "corners"),
        ("hours", {"hours": [{"days": [0], "opens": "17:00", "closes": "09:00"}]}, "end before they begin"),
        ("hours", {"hours": [{"days": [0, 0], "opens": "09:00", "closes": "17:00"}]}, "rising"),
        ("hours", {"hours": [{"days": [0], "opens": "09:00Z", "closes": "17:00"}]}, "opens"),
        ("hours", {"hours": [{"days": [], "opens": "09:00", "closes": "17:00"}]}, "days"),
    ],
)
def test_what_can_not_be_is_refused_plainly(host: TestClient, what: str, body: Any, said: str) -> None:
    before = host.get(TILL_PATH).json()
    answer = host.put(f"{TILL_PATH}/{what}", json=body)
    assert answer.status_code in (400, 422)
    assert said in answer.json()["detail"]
    assert host.get(TILL_PATH).json() == before


def test_the_picture_is_shown_and_kept_nowhere(host: TestClient, running: FakeRunning) -> None:
    answer = host.get(f"{TILL_PATH}/picture.jpg")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/jpeg", "no-store")
    assert cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR).shape == (90, 120, 3)
    running.away = True
    answer = host.get(f"{TILL_PATH}/picture.jpg")
    assert (answer.status_code, answer.json()) == (422, {"detail": "camera:0 gives no picture"})


def test_without_anything_that_runs_a_page_says_how_to_start_it(filled: tuple[Store, SimulatedVenue]) -> None:
    live_session = FakeLiveSession()
    app = build_backend(live_session, settings(), records=Records(lambda: filled[0]))  # type: ignore[arg-type]
    answer = client(app).get(f"{TILL_PATH}/picture.jpg")
    assert answer.status_code == 409
    assert "mien venue run" in answer.json()["detail"]
    live_session.close()


def test_stations_are_added_from_this_machine_and_only_cameras(
    host: TestClient, filled: tuple[Store, SimulatedVenue]
) -> None:
    added = host.post(f"{API}/bar/stations", json={"name": "tap", "source": "rtsp://10.0.0.9/tap"})
    assert (added.status_code, added.json()["state"]) == (201, "unposted")
    for source in ("/etc/passwd", "portrait"):
        assert host.post(f"{API}/bar/stations", json={"name": "x", "source": source}).status_code == 422
    again = host.post(f"{API}/bar/stations", json={"name": "tap", "source": "camera:1"})
    assert (again.status_code, "already" in again.json()["detail"]) == (409, True)
    filled[0].venues.remove("bar", "tap")


def test_the_password_of_a_camera_is_not_told(host: TestClient, filled: tuple[Store, SimulatedVenue]) -> None:
    source = "rtsp://till:geheim@10.0.0.9/tap?token=geheim"
    added = host.post(f"{API}/bar/stations", json={"name": "tap", "source": source})
    for answer in (added, host.get(f"{API}/bar/stations/tap"), host.get(API)):
        assert "geheim" not in answer.text
        assert "10.0.0.9/tap" in answer.text
    assert filled[0].venues.station("bar", "tap").source == source
    filled[0].venues.remove("bar", "tap")


def test_guests_are_not_shown_one_by_one(host: TestClient, filled: tuple[Store, SimulatedVenue]) -> None:
    choose_purpose("venue")
    source = "rtsp://10.0.0.9/tap"
    host.post(f"{API}/bar/stations", json={"name": "tap", "source": source})
    answer = host.post("/api/v1/sources", json={"where": source})
    assert (answer.status_code, "counted in groups" in answer.json()["detail"]) == (409, True)
    filled[0].venues.remove("bar", "tap")


def test_a_kiosk_alone_has_no_camera(host: TestClient, filled: tuple[Store, SimulatedVenue]) -> None:
    added = host.post(f"{API}/bar/stations", json={"name": "exit"}).json()
    assert (added["source"], added["state"]) == ("", "stopped")
    assert "mien venue run" in added["words"]
    filled[0].venues.remove("bar", "exit")


def test_stations_are_not_added_from_elsewhere(filled: tuple[Store, SimulatedVenue]) -> None:
    live_session = FakeLiveSession()
    app = build_backend(live_session, settings(), records=Records(lambda: filled[0]))  # type: ignore[arg-type]
    far = client(app, address=("192.168.1.9", 5000), headers=OWN)
    assert far.get(API).json()["may_add"] is False
    assert far.post(f"{API}/bar/stations", json={"name": "x", "source": "camera:0"}).status_code == 403
    live_session.close()


def test_figures_are_of_whole_cells_and_never_of_fewer_than_k(
    host: TestClient, filled: tuple[Store, SimulatedVenue]
) -> None:
    made = filled[1]
    told = summary(host, made)
    assert told["whole"]["visits"] == sum(each.visits for each in made.cells)
    counts = [
        each["figures"]["visits"]
        for part in ("days", "hours", "week")
        for each in told[part]
        if each["figures"]
    ]
    assert min(counts) >= LEAST_VISITS
    assert min(each["answers"]["answers"] for each in told["days"] if each["answers"]) >= LEAST_VISITS
    one = summary(host, made, first=made.last.isoformat())
    assert one["whole"] | {"shares": {}} == told["days"][-1]["figures"] | {"shares": {}}
    assert one["hours"] == told["hours"]
    assert set(one["whole"]["shares"]) >= {"happiness", "neutral"}


def test_an_unknown_venue_station_or_stretch_is_said_plainly(
    host: TestClient, filled: tuple[Store, SimulatedVenue]
) -> None:
    days = {"first": "2026-01-01", "last": "2026-01-02"}
    for path, code in ((f"{API}/nowhere/summary", 404), (f"{API}/{MADE}/summary", 200)):
        assert host.get(path, params=days).status_code == code
    assert host.get(f"{API}/{MADE}/summary", params=days | {"station": "bar"}).status_code == 404
    for wrong in ({"last": "2025-12-31"}, {"last": "2028-01-01"}):
        answer = host.get(f"{API}/{MADE}/summary", params=days | wrong)
        assert answer.status_code == 422
        assert "up to 366 days" in answer.json()["detail"]


def test_a_mark_is_set_told_with_its_effects_and_taken_away(
    host: TestClient, filled: tuple[Store, SimulatedVenue]
) -> None:
    made = filled[1]
    at = f"{made.last - timedelta(2)}T09:00"
    mark = host.post(f"{API}/{MADE}/marks", json={"text": "tables moved", "at": at}).json()
    assert (mark["text"], mark["at"], mark["until"]) == ("tables moved", at, None)
    told = {each["id"]: each for each in summary(host, made)["marks"]}
    assert told[mark["id"]]["at"] == at
    assert "days before and after" in told[mark["id"]]["missing"]
    assert host.delete(f"{API}/{MADE}/marks/{mark['id']}").status_code == 204
    assert mark["id"] not in {each["id"] for each in summary(host, made)["marks"]}
    assert host.delete(f"{API}/{MADE}/marks/{mark['id']}").status_code == 404
    assert host.post(f"{API}/{MADE}/marks", json={"text": "x", "at": "yesterday"}).status_code == 422


@pytest.mark.exhaustive
def test_a_report_and_tables_can_be_taken_away(
    host: TestClient, filled: tuple[Store, SimulatedVenue]
) -> None:
    made = filled[1]
    asked = {"last": made.last.isoformat(), "span": "day"}
    pdf = host.get(f"{API}/{MADE}/report.pdf", params=asked)
    assert pages(pdf.content) >= 1
    assert f"{MADE}-day-{made.last}.pdf" in pdf.headers["content-disposition"]
    assert "Nobody was there" in host.get(f"{API}/{MADE}/report.html", params=asked).text
    days = {"first": made.first.isoformat(), "last": made.last.isoformat()}
    by_day, by_hour = (
        pd.read_csv(io.StringIO(host.get(f"{API}/{MADE}/figures.csv", params=days | {"by": by}).text))
        for by in ("day", "hour")
    )
    none = host.get(f"{API}/{MADE}/figures.csv", params={"first": "2001-01-01", "last": "2001-01-01"})
    assert none.text == "venue,station,day,visits\n"
    total = sum(each.visits for each in made.cells)
    assert by_day["visits"].sum() == by_hour["visits"].sum() == total


def test_no_answer_holds_a_row_of_one_visit(host: TestClient, filled: tuple[Store, SimulatedVenue]) -> None:
    """Wherever a count of visits stands, it is of at least k."""

    def counts(value: Any) -> Iterator[int]:
        if isinstance(value, dict):
            yield from (
                each for key, each in value.items() if key in ("visits", "answers") and isinstance(each, int)
            )
            for each in value.values():
                yield from counts(each)
        elif isinstance(value, list):
            for each in value:
                yield from counts(each)

    told = summary(host, filled[1])
    assert min(counts(told)) >= LEAST_VISITS
    assert "track" not in json.dumps(told)
