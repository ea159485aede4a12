"""Recording for a subject from the live page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from mien.live.purpose import choose_purpose
from mien.mood.simulated import simulate
from mien.record.simulated import write_simulated
from mien.store.store import Store
from mien.types import Faces
from mien.web.app import build_backend
from mien.web.security.access import Records
from patience import LIMIT_S
from web.backend import (
    ORIGIN,
    WS,
    FakeLiveSession,
    TestClient,
    client,
    make_reading,
    one_face,
    settings,
)

OWN = {"origin": ORIGIN}
SECRET = "a good long password"
PICTURE = np.full((480, 640, 3), 128, np.uint8)


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "record.sqlite", who="tester") as store:
        agreed = store.subjects.add("P-1")
        store.consents.give(
            agreed, given_by="the person", purpose="to talk about it", signals=["expression"],
            given_at=datetime(1970, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        store.subjects.add("P-2")
        yield store


@pytest.fixture
def live_session(live_session: FakeLiveSession) -> FakeLiveSession:
    live_session.add("browser-1", lambda: None, where="browser")  # type: ignore[arg-type,return-value]
    live_session.add("door", lambda: None, where="camera:0")  # type: ignore[arg-type,return-value]
    return live_session


@pytest.fixture
def app(record: Store, live_session: FakeLiveSession, research: None) -> FastAPI:
    return build_backend(live_session, settings(), records=Records(lambda: record))  # type: ignore[arg-type]


@pytest.fixture
def page(app: FastAPI) -> TestClient:
    return client(app)


def begin(page: TestClient, subject: str = "P-1", source: str = "browser-1") -> httpx.Response:
    return page.post("/api/v1/recording", json={"subject": subject, "source": source}, headers=OWN)


def now(page: TestClient) -> Any:
    return page.get("/api/v1/recording").json()["recording"]


def show(live_session: FakeLiveSession, source: str, frames: int, faces: Faces | None = None) -> None:
    for frame in range(frames):
        live_session.publish(make_reading(source, frame, 0.1 * frame, image=PICTURE, faces=faces))


def two_faces() -> Faces:
    one = one_face()
    return Faces(
        np.float32([[10, 20, 110, 140], [300, 20, 405, 140]]),
        detection=[0.9, 0.9], track=[0, 1], quality=[0.8, 0.8],
        probabilities=np.repeat(one.probabilities, 2, axis=0), expression=[1, 1], confidence=[0.5, 0.5],
        shares=np.repeat(one.shares, 2, axis=0), shares_expression=[1, 1], shares_confidence=[0.5, 0.5],
        valence=[0.4, 0.4], arousal=[0.1, 0.1],
    )  # fmt: skip


def test_asking_whether_something_is_recorded_opens_no_store(
    live_session: FakeLiveSession, research: None
) -> None:
    def opener() -> Store:
        raise AssertionError("opened")

    page = client(build_backend(live_session, settings(), records=Records(opener)))  # type: ignore[arg-type]
    show(live_session, "browser-1", 3)
    assert now(page) is None


def test_a_recording_is_begun_told_and_ended(
    page: TestClient, live_session: FakeLiveSession, record: Store
) -> None:
    assert begin(page).status_code == 201
    told = now(page)
    assert (told["active"], told["subject"], told["source"]) == (True, "P-1", "browser-1")
    assert told["status"] is None
    show(live_session, "door", 5)  # another source, which nobody chose
    show(live_session, "browser-1", 30)
    told = now(page)["status"]
    assert (told["subject"], told["source"], told["frames"]) == ("P-1", "browser-1", 30)
    assert told["with_subject"] > 0
    recorder = live_session.recorder
    assert page.delete("/api/v1/recording", headers=OWN).status_code == 204
    assert now(page) is None
    assert recorder.close(LIMIT_S)
    (kept,) = record.recordings.of(record.subjects.get("P-1"))
    assert (kept.source, kept.kind, kept.frames, kept.state) == ("browser-1", "browser", 30, "finished")
    assert len(record.readings.load(kept.id)["time_s"]) == 30
    assert kept.models["network"]["sha256"]
    assert [each.status_code for each in (page.delete("/api/v1/recording", headers=OWN),)] == [204]


def test_it_ends_with_its_source_and_nothing_comes_after(
    page: TestClient, live_session: FakeLiveSession, record: Store
) -> None:
    begin(page)
    show(live_session, "browser-1", 5)
    live_session.recorder.left("browser-1")
    assert now(page)["active"] is False
    show(live_session, "door", 5)
    assert live_session.recorder.close(LIMIT_S)
    assert len(record.recordings.of(record.subjects.get("P-1"))) == 1


@pytest.mark.parametrize(
    ("subject", "source", "code", "words"),
    [
        ("P-2", "browser-1", 409, "mien consent give P-2"),
        ("P-9", "browser-1", 404, "no subject P-9"),
        ("P-1", "nowhere", 404, "no such source"),
        ("SIM-1", "browser-1", 409, "SIM-1 is simulated"),
    ],
)
def test_what_can_not_be_recorded_is_refused(
    page: TestClient, record: Store, subject: str, source: str, code: int, words: str
) -> None:
    if subject == "SIM-1":
        write_simulated(record, subject, simulate(1, 1, start=date(2026, 6, 1), minutes=0.5))
    answer = begin(page, subject, source)
    assert answer.status_code == code
    assert words in answer.json()["detail"]
    assert now(page) is None


def test_one_at_a_time(page: TestClient, record: Store) -> None:
    begin(page)
    answer = begin(page, source="door")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "P-1 is being recorded: stop that first"


def test_a_venue_keeps_nobodys_record(page: TestClient) -> None:
    choose_purpose("venue")
    assert begin(page).status_code == 409


def test_a_click_says_which_face_it_is(
    page: TestClient, live_session: FakeLiveSession, record: Store
) -> None:
    begin(page)
    show(live_session, "browser-1", 40, two_faces())
    told = now(page)["status"]
    assert told["state"] == "choose"
    assert told["with_subject"] == 0
    chosen = page.post("/api/v1/recording/face", json={"source": "browser-1", "track": 1}, headers=OWN)
    assert chosen.status_code == 204
    for frame in range(40, 60):
        live_session.publish(make_reading("browser-1", frame, 0.1 * frame, image=PICTURE, faces=two_faces()))
    told = now(page)["status"]
    assert (told["state"], told["track"]) == ("following", 1)
    assert told["with_subject"] > 0
    wrong = page.post("/api/v1/recording/face", json={"source": "door", "track": 1}, headers=OWN)
    assert wrong.status_code == 400
    assert live_session.recorder.close(LIMIT_S)


def test_withdrawn_consent_stops_it_and_is_told(
    page: TestClient, live_session: FakeLiveSession, record: Store
) -> None:
    begin(page)
    show(live_session, "browser-1", 5)
    page.delete("/api/v1/subjects/P-1/consents", headers=OWN)
    assert live_session.recorder.close(LIMIT_S)
    (kept,) = record.recordings.of(record.subjects.get("P-1"))
    assert kept.state in ("finished", "interrupted")
    assert begin(page).status_code == 409


def test_the_server_ends_and_what_was_taken_is_kept(
    app: FastAPI, live_session: FakeLiveSession, record: Store, tmp_path: Path
) -> None:
    with client(app) as page:
        begin(page)
        show(live_session, "browser-1", 12)
    with Store(tmp_path / "record.sqlite") as again:
        (kept,) = again.recordings.of(again.subjects.get("P-1"))
    assert (kept.frames, kept.state) == (12, "finished")


@pytest.fixture
def users(record: Store, app: FastAPI) -> dict[str, TestClient]:
    """An admin, and two subjects who are users too, all logged in; and somebody who is not."""
    record.users.add("ada", SECRET, "admin")
    record.users.add("sam", SECRET, "self", record.subjects.get("P-1"))
    record.users.add("tom", SECRET, "self", record.subjects.get("P-2"))
    visitors = {name: client(app) for name in ("ada", "sam", "tom")}
    for name, visitor in visitors.items():
        answer = visitor.post("/login", data={"name": name, "password": SECRET}, headers=OWN)
        assert answer.status_code == 303
    return visitors | {"": client(app)}


@contextmanager
def camera_of(visitor: TestClient) -> Iterator[str]:
    """Switch a browser's camera on; gives the name of its source."""
    with visitor.websocket_connect(f"{WS}/ws/camera", headers=OWN) as socket:
        socket.send_json({"type": "hello", "name": "browser"})
        yield socket.receive_json()["source"]


def test_self_records_themselves_and_nobody_else(
    users: dict[str, TestClient], live_session: FakeLiveSession
) -> None:
    with camera_of(users["sam"]) as own:
        assert begin(users["tom"], source=own).status_code == 404
        assert begin(users["ada"], source=own).status_code == 403
        assert begin(users[""], source=own).status_code == 401
        assert begin(users["sam"], source=own).status_code == 201
        assert now(users["sam"])["subject"] == "P-1"
        show(live_session, own, 5)
        assert now(users["sam"])["status"]["frames"] == 5
        for name in ("tom", "ada", ""):  # and who came in without a name, as the record has users
            told = now(users[name])
            assert told.pop("active") is True
            assert set(told.values()) == {None}
        refused = users["tom"].delete("/api/v1/recording", headers=OWN)
        assert (refused.status_code, refused.json()["detail"]) == (404, "nothing of yours is being recorded")
        face = {"source": own, "track": 0}
        assert users["tom"].post("/api/v1/recording/face", json=face, headers=OWN).status_code == 404
        assert now(users["sam"])["active"] is True
        assert users["sam"].delete("/api/v1/recording", headers=OWN).status_code == 204


def test_a_subject_records_only_from_the_camera_of_their_own_browser(users: dict[str, TestClient]) -> None:
    """Another's camera would show them somebody else, and the server's own is not theirs to watch."""
    with camera_of(users["tom"]) as toms, camera_of(users["sam"]) as sams:
        for source in (toms, "browser-1", "door"):
            refused = begin(users["sam"], source=source)
            assert refused.status_code == 404
            assert refused.json()["detail"] == "there is no such source; start it first"
        assert begin(users["sam"], source=sams).status_code == 201
        other = begin(users["sam"], source=sams)
        assert (other.status_code, other.json()["detail"]) == (409, "P-1 is being recorded: stop that first")


def test_who_else_is_being_recorded_is_not_told(users: dict[str, TestClient], record: Store) -> None:
    subject = record.subjects.get("P-2")
    record.consents.give(subject, given_by="x", purpose="y", given_at=datetime(1970, 1, 1, tzinfo=UTC))
    with camera_of(users["tom"]) as toms, camera_of(users["sam"]) as sams:
        assert begin(users["sam"], source=sams).status_code == 201
        other = begin(users["tom"], "P-2", toms)
        assert other.status_code == 409
        assert other.json()["detail"] == "someone else is being recorded: stop that first"
