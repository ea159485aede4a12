from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

import mien
from mien.errors import SourceError
from mien.expression.network import built_in_networks
from mien.labels import EMOTIONS
from mien.live.purpose import read_purpose
from mien.live.status import SourceStatus
from mien.table import COLUMNS
from mien.types import Faces
from mien.web.api.live import check_addable, found_cameras
from mien.web.app import build_backend
from mien.web.uploads.sandbox import AnalysisRequest
from patience import LIMIT_S
from web.backend import (
    LOCAL,
    ORIGIN,
    PASSWORD,
    FakeLiveSession,
    client,
    jpeg,
    make_reading,
    one_face,
    settings,
)

ANALYSIS = {"size_wh": [640, 480], "faces": make_reading("image", 0).as_dict()["faces"]}


def accept(data: bytes, request: AnalysisRequest) -> dict[str, Any]:
    assert data == jpeg()
    assert request == AnalysisRequest()
    return ANALYSIS


@pytest.fixture
def app(live_session: FakeLiveSession, purpose: Path) -> FastAPI:
    live_session.known["camera:0"] = SourceStatus("camera:0", "camera:0", "running", rate_hz=29.97)
    return build_backend(live_session, settings(), analyse=accept)


@pytest.fixture
def ready(app: FastAPI, research: None) -> FastAPI:
    """The same, once it is said what it is for."""
    return app


@pytest.fixture(scope="module")
def untouched() -> Iterator[FakeLiveSession]:
    """The session of `refusing`."""
    live_session = FakeLiveSession()
    yield live_session
    live_session.close()


@pytest.fixture(scope="module")
def refusing(untouched: FakeLiveSession) -> FastAPI:
    """One app for all that is refused, which leaves it as it was."""
    return build_backend(untouched, settings(), analyse=accept)


def test_health_says_version_and_time(app: FastAPI) -> None:
    health = client(app).get("/api/v1/health").json()
    assert (health["status"], health["version"]) == ("ok", mien.__version__)
    assert health["uptime_s"] >= 0
    assert datetime.fromisoformat(health["started_at"]) <= datetime.now(UTC)


def test_sources_are_listed_with_their_status(app: FastAPI, live_session: FakeLiveSession) -> None:
    assert client(app).get("/api/v1/sources").json() == [live_session.known["camera:0"].as_dict()]


def test_the_latest_readings_come_without_landmarks(app: FastAPI, live_session: FakeLiveSession) -> None:
    assert client(app).get("/api/v1/readings/latest").json() == []
    readings = [make_reading("camera:0", 3, 0.1), make_reading("rtsp://***@host/a", 4, faces=Faces.empty())]
    for reading in readings:
        live_session.publish(reading)
    answer = client(app).get("/api/v1/readings/latest").json()
    assert answer == [reading.as_dict() for reading in readings]
    assert answer[0]["faces"][0]["probabilities"]["contempt"] is None


def test_the_last_minutes_are_a_table(app: FastAPI, live_session: FakeLiveSession) -> None:
    for frame in range(3):
        live_session.publish(make_reading("camera:0", frame, frame / 30))
    answer = client(app).get("/api/v1/readings/camera:0.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="mien-camera-0.csv"'
    header, *rows = answer.text.splitlines()
    assert header.split(",") == list(COLUMNS)
    assert [row.split(",")[1] for row in rows] == ["0", "1", "2"]


def test_a_source_that_gave_nothing_yet_has_an_empty_table(app: FastAPI) -> None:
    assert client(app).get("/api/v1/readings/camera:0.csv").text.splitlines() == [",".join(COLUMNS)]


def test_what_was_read_of_a_source_that_is_gone_can_still_be_saved(
    app: FastAPI, live_session: FakeLiveSession
) -> None:
    live_session.publish(make_reading("browser-1", 0))
    assert len(client(app).get("/api/v1/readings/browser-1.csv").text.splitlines()) == 2


def test_a_name_with_slashes_is_found(app: FastAPI, live_session: FakeLiveSession) -> None:
    live_session.publish(make_reading('rtsp://***@host/a"b', 0))
    answer = client(app).get("/api/v1/readings/rtsp%3A%2F%2F***%40host%2Fa%22b.csv")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="mien-rtsp-host-a-b.csv"'


def test_the_timeline_goes_on_where_the_page_has_it(app: FastAPI, live_session: FakeLiveSession) -> None:
    for frame in range(4):
        live_session.publish(make_reading("camera:0", frame, float(frame)))
    points = client(app).get("/api/v1/history/camera:0").json()
    assert [point["time_s"] for point in points] == [0.0, 1.0, 2.0, 3.0]
    assert len(points[0]["probabilities"]) == len(EMOTIONS)
    later = client(app).get("/api/v1/history/camera:0", params={"since_s": 1.5}).json()
    assert later == points[2:]


@pytest.mark.parametrize(
    "path",
    [
        "readings/nobody.csv",
        "history/nobody",
        "readings/..%2f..%2f..%2fetc%2fpasswd.csv",
        "history/..%2f..%2fetc%2fpasswd",
        "nothing",
        "../login",
        "readings/../../../etc/passwd",
        "docs",
        "redoc",
    ],
)
def test_what_is_not_there_is_not_found(refusing: FastAPI, path: str) -> None:
    answer = client(refusing).get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert "root:" not in answer.text


# Photographs.


@pytest.mark.parametrize(
    "body",
    [
        {"content": jpeg()},
        {"content": jpeg(), "headers": {"content-type": "image/jpeg"}},
        {"files": {"file": ("photo.jpg", jpeg(), "image/jpeg")}},
        {"files": {"file": ("../../../etc/passwd", jpeg(), "text/plain")}},
    ],
)
def test_a_photograph_is_analysed(app: FastAPI, body: dict[str, Any]) -> None:
    answer = client(app).post("/api/v1/analyse", **body)
    assert (answer.status_code, answer.json()) == (200, ANALYSIS)


@pytest.mark.parametrize(
    "body",
    [{}, {"content": b""}, {"files": {"other": b"x"}}, {"data": {"file": "text"}, "files": {"x": b"x"}},
     {"files": {"file": b""}}],
)  # fmt: skip
def test_without_a_photograph_there_is_nothing_to_analyse(app: FastAPI, body: dict[str, Any]) -> None:
    assert client(app).post("/api/v1/analyse", **body).status_code in (400, 422)


def test_a_photograph_is_explained(purpose: Path, live_session: FakeLiveSession) -> None:
    told = {
        "size_wh": [640, 480],
        "faces": [
            {
                "label": "happiness", "probability": 0.9, "expression": "happiness",
                "probabilities": {"happiness": 0.9, "contempt": None}, "method": "occlusion",
                "xyxy": [1.0, 2.0, 3.0, 4.0], "without": 0.4, "marked_share": 0.15, "upper": 0.1,
                "left": 0.5, "parts": {"mouth": 1.0}, "words": "happiness 90 %: mouth 100 %",
                "plain_words": "Read as happiness (90 %).",
                "evidence": [[0.0, 0.4]], "to_picture": [[9.0, 0.0, 1.0], [0.0, 9.0, 2.0]],
            }
        ],
    }  # fmt: skip
    requests = []

    def analyse(data: bytes, request: AnalysisRequest) -> dict[str, Any]:
        requests.append(request)
        return told

    visitor = client(build_backend(live_session, settings(), analyse=analyse))
    assert visitor.post("/api/v1/explain", content=jpeg()).json() == told
    assert visitor.post("/api/v1/explain", content=b"").status_code == 422
    chosen = {"network": "paper", "label": "fear"}
    assert visitor.post("/api/v1/explain", content=jpeg(), params=chosen).json() == told
    assert requests == [AnalysisRequest("explain"), AnalysisRequest("explain", "paper", "fear")]


@pytest.mark.parametrize("task", ["analyse", "explain"])
@pytest.mark.parametrize("network", ["nobody", "../models/mien", "/etc/passwd", "mien.onnx", ""])
def test_only_networks_that_come_with_mien_can_be_chosen(
    refusing: FastAPI, purpose: Path, task: str, network: str
) -> None:
    answer = client(refusing).post(f"/api/v1/{task}", content=jpeg(), params={"network": network})
    assert answer.status_code == 400
    assert f"there are {', '.join(built_in_networks())}" in answer.json()["detail"]


def test_a_broken_form_is_refused(app: FastAPI) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert client(app).post("/api/v1/analyse", content=b"rubbish", headers=headers).status_code in (400, 422)
    headers = {"content-type": "multipart/form-data"}
    assert client(app).post("/api/v1/analyse", content=b"rubbish", headers=headers).status_code in (400, 422)


def test_a_file_that_cannot_be_read_is_the_senders_fault(live_session: FakeLiveSession) -> None:
    def refuse(data: bytes, request: AnalysisRequest) -> dict[str, Any]:
        raise SourceError("the photograph is damaged; copy it again")

    answer = client(build_backend(live_session, settings(), analyse=refuse)).post(
        "/api/v1/analyse", content=b"x"
    )
    assert (answer.status_code, answer.json()) == (
        422,
        {"detail": "the photograph is damaged; copy it again"},
    )


def test_too_many_photographs_at_once_have_to_come_again(live_session: FakeLiveSession) -> None:
    started, finish = threading.Semaphore(0), threading.Event()

    def slowly(data: bytes, request: AnalysisRequest) -> dict[str, Any]:
        started.release()
        assert finish.wait(LIMIT_S)
        return ANALYSIS

    with (
        client(build_backend(live_session, settings(max_uploads=2), analyse=slowly)) as visitor,
        ThreadPoolExecutor(2) as pool,
    ):
        under_way = [pool.submit(visitor.post, "/api/v1/analyse", content=b"x") for _ in range(2)]
        for _ in range(2):
            assert started.acquire(timeout=LIMIT_S)
        refused = visitor.post("/api/v1/analyse", content=b"x")
        finish.set()
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert [each.result().status_code for each in under_way] == [200, 200]
        assert visitor.post("/api/v1/analyse", content=b"x").status_code == 200


def test_a_photograph_that_is_too_large_is_not_even_read(live_session: FakeLiveSession) -> None:
    def never(data: bytes, request: AnalysisRequest) -> dict[str, Any]:
        raise AssertionError

    app = build_backend(live_session, settings(max_upload_mb=1), analyse=never)
    files = {"file": b"x" * 1_000_001}
    assert client(app).post("/api/v1/analyse", files=files).status_code == 413
    parts = (b"x" * 100_000 for _ in range(11))
    assert client(app).post("/api/v1/analyse", content=parts).status_code == 413


# Sources.


@pytest.mark.parametrize(
    ("wanted", "name", "where"),
    [
        ({"where": "camera:0", "name": "door"}, "door", "camera:0"),
        ({"where": "camera:7"}, "camera:7", "camera:7"),
        ({"where": "rtsp://user:secret@host/live"}, "rtsp://***@host/live", "rtsp://***@host/live"),
        ({"where": "http://host/a.mjpg?token=secret", "size_wh": [640, 480], "rate_hz": 30}, None, None),
    ],
)
def test_cameras_and_streams_can_be_added(
    ready: FastAPI, live_session: FakeLiveSession, wanted: dict[str, Any], name: str | None, where: str | None
) -> None:
    answer = client(ready).post("/api/v1/sources", json=wanted)
    assert answer.status_code == 201, answer.text
    assert "secret" not in answer.text
    if name is not None:
        assert (answer.json()["name"], answer.json()["where"]) == (name, where)
    assert list(live_session.openers) == [answer.json()["name"]]


@pytest.mark.parametrize(
    "where",
    [
        "/etc/passwd",
        "/dev/video0",
        "movie.mp4",
        "../movie.mp4",
        "file:///etc/passwd",
        "ftp://host/x",
        "concat:a|b",
        "portrait",
        "camera:",
        "camera:x",
        "camera:-1",
        "camera:100",
        "camera:0\n",
        "camera:٣",
        "",
        "http://",
        "0",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "rtsp://host/a b",
        "data://text",
    ],
)
def test_nothing_else_can_be_added(
    refusing: FastAPI, untouched: FakeLiveSession, research: None, where: str
) -> None:
    answer = client(refusing).post("/api/v1/sources", json={"where": where})
    assert answer.status_code == 422
    assert untouched.added == []


@pytest.mark.parametrize(
    "more",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": 65 * "x"},
        {"name": "<b>"},
        {"size_wh": [0, 0]},
        {"size_wh": [640]},
        {"size_wh": [10**6, 480]},
        {"rate_hz": 0},
        {"rate_hz": 1e9},
        {"colour": 1},
        {"where": 3 * "x" * 1000},
    ],
)
def test_odd_wishes_are_refused(
    refusing: FastAPI, untouched: FakeLiveSession, research: None, more: dict[str, Any]
) -> None:
    answer = client(refusing).post("/api/v1/sources", json={"where": "camera:0", **more})
    assert answer.status_code == 422
    assert untouched.added == []


def test_a_name_is_given_once(ready: FastAPI) -> None:
    wanted = {"where": "camera:1", "name": "camera:0"}
    answer = client(ready).post("/api/v1/sources", json=wanted)
    assert (answer.status_code, "already" in answer.json()["detail"]) == (400, True)


def test_before_a_purpose_is_chosen_no_camera_is_opened(app: FastAPI, live_session: FakeLiveSession) -> None:
    assert client(app).post("/api/v1/sources", json={"where": "camera:0", "name": "x"}).status_code == 409
    assert live_session.added == []


def test_a_source_can_be_taken_away(ready: FastAPI, live_session: FakeLiveSession) -> None:
    name = "rtsp://***@host/live"
    live_session.known[name] = SourceStatus(name, name, "running")
    assert client(ready).delete("/api/v1/sources/rtsp%3A%2F%2F***%40host%2Flive").status_code == 204
    assert live_session.removed == [name]
    assert client(ready).delete("/api/v1/sources/nobody").status_code == 404


@pytest.mark.parametrize("address", ["192.168.1.7", "testclient", "::2"])
def test_from_another_machine_no_source_is_changed(
    live_session: FakeLiveSession, research: None, address: str
) -> None:
    app = build_backend(live_session, settings())
    visitor = client(app, address=(address, 1))
    assert visitor.post("/api/v1/sources", json={"where": "camera:0"}).status_code == 403
    assert visitor.delete("/api/v1/sources/camera:0").status_code == 403
    assert client(app, address=LOCAL).post("/api/v1/sources", json={"where": "camera:0"}).status_code == 201


def test_sources_can_be_fixed(live_session: FakeLiveSession, research: None) -> None:
    visitor = client(build_backend(live_session, settings(allow_sources=False)))
    assert visitor.post("/api/v1/sources", json={"where": "camera:0"}).status_code == 403
    assert visitor.delete("/api/v1/sources/camera:0").status_code == 403


def test_cameras_are_found_by_their_names(tmp_path: Path) -> None:
    for index, name in ((10, "Front\n"), (2, "Integrated Camera: \xff\n")):
        folder = tmp_path / f"video{index}"
        folder.mkdir()
        (folder / "name").write_text(name, encoding="latin-1")
    found = found_cameras(tmp_path)
    assert [camera["where"] for camera in found] == ["camera:2", "camera:10"]
    assert found[1]["name"] == "Front"
    assert all(check_addable(camera["where"]) for camera in found)


def test_the_cameras_are_listed(app: FastAPI) -> None:
    assert client(app).get("/api/v1/cameras").json() == found_cameras()


# The purpose.


def test_the_purpose_is_chosen_once(app: FastAPI) -> None:
    before = client(app).get("/api/v1/purpose").json()
    assert before["purpose"] is None
    assert list(before["choices"]) == ["self", "research", "clinic", "venue"]
    assert client(app).post("/api/v1/purpose", json={"purpose": "clinic"}).json()["purpose"] == "clinic"
    assert read_purpose() == "clinic"


@pytest.mark.parametrize(
    ("purpose_name", "status"), [("work", 403), ("school", 403), ("fun", 400), ("x" * 33, 422)]
)
def test_other_purposes_are_refused(app: FastAPI, purpose_name: str, status: int) -> None:
    answer = client(app).post("/api/v1/purpose", json={"purpose": purpose_name})
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["detail"] == client(app).get("/api/v1/purpose").json()["refused"][purpose_name]
    assert read_purpose() is None


def test_another_page_can_not_choose_it(app: FastAPI) -> None:
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site", "origin": ORIGIN}):
        answer = client(app).post("/api/v1/purpose", json={"purpose": "self"}, headers=headers)
        assert answer.status_code == 403
    form = client(app).post(
        "/api/v1/purpose", content=b'{"purpose":"self"}', headers={"content-type": "text/plain"}
    )
    assert form.status_code == 422
    assert read_purpose() is None


# The description.


ELSEWHERE = (
    "/subjects", "/users", "/texts", "/false-alarms", "/recording", "/scales", "/simulated", "/venues",
    "/kiosk", "/signals",
)  # fmt: skip
"""What test_subjects.py, test_venues.py, test_kiosk.py and test_signals.py look at."""


def test_the_description_names_every_route(app: FastAPI) -> None:
    description = client(app).get("/api/v1/openapi.json").json()
    assert {path for path in description["paths"] if not path.startswith(ELSEWHERE)} == {
        "/health", "/metrics", "/purpose", "/sources", "/sources/{name}", "/cameras", "/readings/latest",
        "/readings/{source}.csv", "/history/{source}", "/analyse", "/explain", "/neutral",
        "/neutral/{source}",
    }  # fmt: skip
    assert description["servers"] == [{"url": "/api/v1"}]
    assert set(description["paths"]["/analyse"]["post"]["requestBody"]["content"]) == {
        "image/*",
        "multipart/form-data",
    }
    for path in description["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert operation["description"].endswith(".")


def test_a_neutral_face_is_learnt_and_forgotten(app: FastAPI, live_session: FakeLiveSession) -> None:
    wanted = {"source": "camera:0", "seconds": 3}
    answer = client(app).post("/api/v1/neutral", json=wanted)
    assert (answer.status_code, answer.json()["state"], answer.json()["wanted_s"]) == (202, "learning", 3)
    assert live_session.neutrals["camera:0"].status.state == "learning"
    assert client(app).delete("/api/v1/neutral/camera:0").status_code == 204
    assert live_session.neutrals["camera:0"].status.state == "off"
    assert client(app).post("/api/v1/neutral", json=wanted | {"source": "nobody"}).status_code == 400
    for seconds in (0, -1, 61, "abc"):
        assert client(app).post("/api/v1/neutral", json=wanted | {"seconds": seconds}).status_code == 422


def test_a_password_keeps_programs_out_too(live_session: FakeLiveSession) -> None:
    app = build_backend(live_session, settings(password=PASSWORD))
    assert client(app).get("/api/v1/health").status_code == 401
    assert client(app).get("/api/v1/health", auth=("any", PASSWORD)).status_code == 200


def test_a_mistake_of_ours_tells_nothing(live_session: FakeLiveSession) -> None:
    def fail() -> list[SourceStatus]:
        raise RuntimeError("/home/somebody/secret")

    live_session.statuses = fail  # type: ignore[method-assign]
    visitor = client(build_backend(live_session, settings()), raise_server_exceptions=False)
    answer = visitor.get("/api/v1/sources")
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


def test_a_face_that_is_hardly_known_fits_the_description(
    app: FastAPI, live_session: FakeLiveSession
) -> None:
    unread: Callable[..., Faces] = one_face().fill
    faces = unread(
        probabilities=[[np_nan] * 8],
        expression=[-1],
        confidence=[np_nan],
        valence=[np_nan],
        arousal=[np_nan],
        quality=[np_nan],
    )
    live_session.publish(make_reading("camera:0", 0, faces=faces))
    (face,) = client(app).get("/api/v1/readings/latest").json()[0]["faces"]
    assert (face["expression"], face["confidence"], face["valence"]) == ("uncertain", None, None)


np_nan = float("nan")
