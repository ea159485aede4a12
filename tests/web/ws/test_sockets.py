"""The WebSockets, also with clients that flood, lie, fall silent or vanish."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI

from mien.live.status import SourceStatus
from mien.types import Faces
from mien.web.app import build_backend
from mien.web.ws import camera as camera_socket
from mien.web.ws import connection as sockets
from mien.web.ws import watch as watch_socket
from mien.web.ws.jpeg import LARGEST_BYTES, decode_jpeg
from patience import LIMIT_S
from web.backend import ORIGIN, WS, FakeLiveSession, client, jpeg, make_reading, settings

HELLO = {"type": "hello", "name": "browser"}


@pytest.fixture
def app(live_session: FakeLiveSession, research: None) -> FastAPI:
    return build_backend(live_session, settings())


@pytest.fixture(scope="module")
def untouched() -> Iterator[FakeLiveSession]:
    """The session of `refusing`."""
    live_session = FakeLiveSession()
    yield live_session
    live_session.close()


@pytest.fixture(scope="module")
def refusing(untouched: FakeLiveSession) -> FastAPI:
    """One app for all who are refused, which leaves it as it was."""
    return build_backend(untouched, settings())


@contextmanager
def opened(app: FastAPI, path: str = "/ws/camera") -> Iterator[Any]:
    with client(app).websocket_connect(WS + path, headers={"origin": ORIGIN}) as socket:
        yield socket


@contextmanager
def camera(app: FastAPI) -> Iterator[Any]:
    with opened(app) as socket:
        socket.send_json(HELLO)
        assert socket.receive_json()["type"] == "ready"
        yield socket


def picture(sequence: int, captured_ms: float = 0.0, data: bytes | None = None, reserved: int = 0) -> bytes:
    return struct.pack("<IId", sequence, reserved, captured_ms) + (jpeg() if data is None else data)


def closing(socket: Any) -> tuple[int, str]:
    """Read on until the server closes, and give its code and reason."""
    while (message := socket.receive())["type"] != "websocket.close":
        pass
    return message["code"], message["reason"]


def until(true: Callable[[], Any]) -> None:
    """Wait until something has come true in another thread."""
    end_s = monotonic() + LIMIT_S
    while not true():
        assert monotonic() < end_s, "it did not come true"


# The browser's camera.


def test_a_picture_is_answered_with_its_reading(app: FastAPI, live_session: FakeLiveSession) -> None:
    with opened(app) as socket:
        socket.send_json(HELLO)
        assert socket.receive_json() == {"type": "ready", "source": "browser-1"}
        for sequence, captured_ms in ((7, 5000.0), (8, 5033.5)):
            socket.send_bytes(picture(sequence, captured_ms))
            reading = live_session.read("browser-1")
            message = socket.receive_json()
            assert message["type"] == "reading"
            assert (message["sequence"], message["captured_ms"]) == (sequence, captured_ms)
            assert message["reading"] == reading.as_dict(landmarks=True)
            assert len(message["reading"]["faces"][0]["landmarks"]) == 68
            assert message["status"] == live_session.statuses()[0].as_dict()
        assert reading.frame.time_s == pytest.approx(0.0335)
        assert np.array_equal(reading.frame.image, decode_jpeg(jpeg()))
    assert live_session.removed == ["browser-1"]


def test_the_newest_picture_wins_and_the_others_are_told(app: FastAPI, live_session: FakeLiveSession) -> None:
    with camera(app) as socket:
        for sequence in range(3):
            socket.send_bytes(picture(sequence))
        # The first may be decoded already while the second gives way: then the second is told first.
        dropped = sorted((socket.receive_json() for _ in range(2)), key=lambda each: each["sequence"])
        assert dropped == [{"type": "dropped", "sequence": sequence} for sequence in range(2)]
        live_session.read("browser-1")
        assert socket.receive_json()["sequence"] == 2


def test_a_reading_that_gave_way_to_a_newer_one_is_told(app: FastAPI, live_session: FakeLiveSession) -> None:
    with camera(app) as socket:
        for sequence in range(2):
            socket.send_bytes(picture(sequence))
            frame = live_session._thread.submit(next, live_session.sources["browser-1"].frames()).result(
                LIMIT_S
            )
        # The first reading was lost on its way: nothing of it was published.
        live_session.publish(make_reading("browser-1", frame.index, image=frame.image))
        answers = [socket.receive_json() for _ in range(2)]
        assert {(answer["type"], answer["sequence"]) for answer in answers} == {
            ("dropped", 0),
            ("reading", 1),
        }


def test_another_source_is_not_answered_with(app: FastAPI, live_session: FakeLiveSession) -> None:
    with camera(app) as socket:
        live_session.publish(make_reading("camera:0", 0))
        live_session.publish(make_reading("browser-1", 99))  # a frame that this connection never sent
        socket.send_bytes(picture(4))
        live_session.read("browser-1")
        assert socket.receive_json()["sequence"] == 4


def test_two_cameras_have_two_names(app: FastAPI, live_session: FakeLiveSession) -> None:
    live_session.known["browser-2"] = SourceStatus("browser-2", "elsewhere", "running")
    with camera(app), camera(app):
        assert live_session.added == ["browser-1", "browser-3"]
    assert sorted(live_session.removed) == ["browser-1", "browser-3"]


def test_more_cameras_than_allowed_are_refused(live_session: FakeLiveSession, research: None) -> None:
    app = build_backend(live_session, settings(max_cameras=1))
    with camera(app), opened(app) as second:
        second.send_json(HELLO)
        assert second.receive_json() == {
            "type": "refused",
            "reason": "no more than 1 cameras at once; close another first",
        }
        assert closing(second)[0] == sockets.POLICY
    with camera(app):  # the place is free again
        pass


def test_without_a_purpose_no_camera_is_read(live_session: FakeLiveSession, purpose: object) -> None:
    with opened(build_backend(live_session, settings())) as socket:
        socket.send_json(HELLO)
        assert socket.receive_json() == {"type": "refused", "reason": "choose first what Mien is used for"}
        assert closing(socket)[0] == sockets.POLICY
    assert live_session.added == []


@pytest.mark.parametrize(
    "hello",
    [
        "",
        "hello",
        "[]",
        "null",
        "{}",
        '{"type":"hello"}',
        '{"type":"hello","name":7}',
        '{"type":"hello","name":""}',
        '{"type":"hello","name":"../../etc"}',
        '{"type":"hello","name":"a b"}',
        '{"type":"ack","name":"browser"}',
        '{"type":"hello","name":"' + 33 * "x" + '"}',
        "[" * 900,
    ],
)
def test_who_does_not_say_hello_is_shown_out(
    refusing: FastAPI, untouched: FakeLiveSession, research: None, hello: str
) -> None:
    with opened(refusing) as socket:
        socket.send_text(hello)
        assert closing(socket)[0] == sockets.POLICY
    assert untouched.added == []


def test_a_long_hello_and_a_binary_one_are_refused(app: FastAPI) -> None:
    with opened(app) as socket:
        socket.send_text(json.dumps({**HELLO, "more": 2000 * "x"}))
        assert closing(socket)[0] == sockets.TOO_LARGE
    with opened(app) as socket:
        socket.send_bytes(json.dumps(HELLO).encode())
        assert closing(socket)[0] == sockets.UNSUPPORTED


def test_who_says_nothing_is_not_waited_for(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_socket, "_HELLO_S", 0.01)
    with opened(app) as socket:
        assert closing(socket)[0] == sockets.POLICY


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"", sockets.POLICY),
        (b"x" * 15, sockets.POLICY),
        (picture(0, data=b""), sockets.POLICY),
        (picture(0, data=b"rubbish" * 10), sockets.POLICY),
        (picture(0, data=jpeg()[:200]), sockets.POLICY),
        (picture(0, data=b"\x89PNG\r\n\x1a\n" + bytes(100)), sockets.POLICY),
        (picture(0, reserved=1), sockets.POLICY),
        (picture(0, captured_ms=float("nan")), sockets.POLICY),
        (picture(0, captured_ms=float("inf")), sockets.POLICY),
        (picture(0, captured_ms=-1.0), sockets.POLICY),
        (picture(0, captured_ms=1e300), sockets.POLICY),
        (picture(0, data=jpeg(1921, 8)), sockets.POLICY),
        (picture(0, data=jpeg() + bytes(LARGEST_BYTES)), sockets.TOO_LARGE),
    ],
)
def test_rubbish_ends_the_connection_and_nothing_else(
    app: FastAPI, live_session: FakeLiveSession, message: bytes, code: int
) -> None:
    with camera(app) as other:
        with camera(app) as socket:
            socket.send_bytes(message)
            assert closing(socket)[0] == code
        until(lambda: live_session.removed == ["browser-2"])
        other.send_bytes(picture(1))
        live_session.read("browser-1")
        assert other.receive_json()["sequence"] == 1


def test_text_is_no_picture(app: FastAPI) -> None:
    with camera(app) as socket:
        socket.send_text("x")
        assert closing(socket) == (sockets.UNSUPPORTED, "expected a picture, received text")


def test_a_flood_is_answered_with_the_door(
    app: FastAPI, live_session: FakeLiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_socket, "_MOST_HZ", 4)  # so many come in a second on the busiest machine
    message = picture(0)
    with camera(app) as socket:
        for _ in range(100):
            socket.send_bytes(message)
        assert closing(socket) == (sockets.POLICY, "more than 4 pictures a second")
    assert live_session.removed == ["browser-1"]


def test_answers_that_nobody_takes_do_not_pile_up(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_socket, "_MOST_ANSWERS", 0)
    with camera(app) as socket:
        socket.send_bytes(picture(0))
        assert closing(socket)[1] == "the answers are not being read"


def test_who_vanishes_leaves_nothing_behind(app: FastAPI, live_session: FakeLiveSession) -> None:
    with camera(app) as socket:
        socket.send_bytes(picture(0))
        socket.send({"type": "websocket.disconnect", "code": 1006})
        until(lambda: live_session.removed == ["browser-1"])
    assert live_session.broadcaster._boxes == []


def test_who_takes_no_answer_is_gone(
    app: FastAPI, live_session: FakeLiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(seconds: float, work: Any) -> None:
        work.close()
        raise TimeoutError

    with camera(app) as socket:
        monkeypatch.setattr(sockets, "within", stuck)
        socket.send_bytes(picture(0))
        live_session.read("browser-1")
        until(lambda: live_session.removed == ["browser-1"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda known: known.clear(), "the source was removed"),
        (
            lambda known: known.update({"browser-1": SourceStatus("browser-1", "", "failed", "no model")}),
            "no model",
        ),
        (
            lambda known: known.update({"browser-1": SourceStatus("browser-1", "", "stopped")}),
            "the camera was stopped",
        ),
    ],
)
def test_a_source_that_ends_ends_the_connection(
    app: FastAPI,
    live_session: FakeLiveSession,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Any], None],
    reason: str,
) -> None:
    monkeypatch.setattr(camera_socket, "_LOOK_S", 0.01)
    monkeypatch.setattr(sockets, "STATUS_S", 0.0)
    with camera(app) as socket:
        change(live_session.known)
        assert closing(socket) == (sockets.GOING_AWAY, reason)


def test_when_the_station_closes_the_connection_does(app: FastAPI, live_session: FakeLiveSession) -> None:
    with camera(app) as socket:
        live_session.broadcaster.close()
        assert closing(socket) == (sockets.GOING_AWAY, "the server is shutting down")


# Watching a source of the server.


def parse(data: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack_from("<I", data)
    return json.loads(data[4 : 4 + length]), data[4 + length :]


def next_reading(socket: Any) -> tuple[dict[str, Any], bytes]:
    """Read on to the next picture; what comes in between are statuses."""
    while (message := socket.receive()).get("bytes") is None:
        assert json.loads(message["text"])["type"] == "status"
    return parse(message["bytes"])


@pytest.fixture
def watched(live_session: FakeLiveSession, app: FastAPI) -> FastAPI:
    live_session.known["camera:0"] = SourceStatus("camera:0", "camera:0", "running")
    return app


@contextmanager
def watching(app: FastAPI, live_session: FakeLiveSession, name: str = "camera:0") -> Iterator[Any]:
    with opened(app, f"/ws/watch?source={name}") as socket:
        assert socket.receive_json() == {"type": "status", **live_session.known[name].as_dict()}
        yield socket


def test_pictures_and_readings_come_together(watched: FastAPI, live_session: FakeLiveSession) -> None:
    image = np.full((72, 1280, 3), 90, np.uint8)
    with watching(watched, live_session) as socket:
        reading = make_reading("camera:0", 5, 1.5, image=image)
        live_session.publish(reading)
        message, data = next_reading(socket)
        assert message == {
            "type": "reading",
            "reading": reading.as_dict(landmarks=True),
            "status": live_session.known["camera:0"].as_dict(),
        }
        assert decode_jpeg(data).shape == (54, 960, 3)


def test_a_reading_without_a_face_comes_too(watched: FastAPI, live_session: FakeLiveSession) -> None:
    with watching(watched, live_session) as socket:
        live_session.publish(make_reading("camera:0", 0, faces=Faces.empty()))
        message, data = next_reading(socket)
        assert message["reading"]["faces"] == []
        assert np.array_equal(decode_jpeg(data), np.zeros((480, 640, 3), np.uint8))


def test_two_are_under_way_at_most_and_the_newest_follows(
    watched: FastAPI, live_session: FakeLiveSession
) -> None:
    with watching(watched, live_session) as socket:
        for frame in range(2):
            live_session.publish(make_reading("camera:0", frame))
            assert next_reading(socket)[0]["reading"]["frame"] == frame
        for frame in range(2, 10):
            live_session.publish(make_reading("camera:0", frame))
        socket.send_json({"type": "ack", "frame": 1})
        assert next_reading(socket)[0]["reading"]["frame"] == 9


def test_who_never_acknowledges_gets_two_pictures_and_the_status(
    watched: FastAPI, live_session: FakeLiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_socket, "_STATUS_S", 0.01)
    with watching(watched, live_session) as socket:
        for frame in range(2):
            live_session.publish(make_reading("camera:0", frame))
            assert next_reading(socket)[0]["reading"]["frame"] == frame
        live_session.publish(make_reading("camera:0", 2))
        messages = [socket.receive() for _ in range(10)]
        assert [json.loads(message.get("text") or "{}").get("type") for message in messages] == 10 * [
            "status"
        ]


def test_the_status_comes_without_pictures_too(
    watched: FastAPI, live_session: FakeLiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_socket, "_STATUS_S", 0.01)
    monkeypatch.setattr(sockets, "STATUS_S", 0.0)
    with watching(watched, live_session) as socket:
        live_session.known["camera:0"] = SourceStatus("camera:0", "camera:0", "away", away_s=3.0)
        while (message := socket.receive_json())["state"] == "running":
            pass
        assert (message["state"], message["away_s"]) == ("away", 3.0)
        live_session.known.clear()
        assert closing(socket) == (sockets.GOING_AWAY, "the source was removed")


@pytest.mark.parametrize("name", ["", "camera:1", "../../etc/passwd", "%00", "camera%3A0/"])
def test_a_source_that_is_not_there_can_not_be_watched(watched: FastAPI, name: str) -> None:
    with opened(watched, f"/ws/watch?source={name}") as socket:
        assert socket.receive_json() == {"type": "refused", "reason": "there is no such source"}
        assert closing(socket)[0] == sockets.POLICY


def test_nobody_watches_the_camera_of_another_browser(app: FastAPI, live_session: FakeLiveSession) -> None:
    live_session.known["browser-1"] = SourceStatus("browser-1", sockets.BROWSERS_CAMERA, "running")
    with opened(app, "/ws/watch?source=browser-1") as socket:
        assert socket.receive_json() == {"type": "refused", "reason": "there is no such source"}
        assert closing(socket)[0] == sockets.POLICY


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"text": "rubbish"}, sockets.POLICY),
        ({"text": '{"type":"ack"}'}, sockets.POLICY),
        ({"text": '{"type":"ack","frame":"1"}'}, sockets.POLICY),
        ({"text": '{"type":"stop","frame":1}'}, sockets.POLICY),
        ({"text": 2000 * " "}, sockets.TOO_LARGE),
        ({"bytes": b"\x00"}, sockets.UNSUPPORTED),
    ],
)
def test_other_messages_end_the_watching(
    watched: FastAPI, live_session: FakeLiveSession, message: dict[str, Any], code: int
) -> None:
    with watching(watched, live_session) as socket:
        socket.send({"type": "websocket.receive", **message})
        assert closing(socket)[0] == code


def test_acknowledging_what_never_came_does_no_harm(watched: FastAPI, live_session: FakeLiveSession) -> None:
    with watching(watched, live_session) as socket:
        for frame in (-5, 10**30, 0):
            socket.send_json({"type": "ack", "frame": frame})
        live_session.publish(make_reading("camera:0", 1))
        assert next_reading(socket)[0]["reading"]["frame"] == 1


def test_who_stops_watching_leaves_nothing_behind(watched: FastAPI, live_session: FakeLiveSession) -> None:
    with watching(watched, live_session):
        assert len(live_session.broadcaster._boxes) == 1
    until(lambda: live_session.broadcaster._boxes == [])


def test_a_closed_station_ends_the_watching(watched: FastAPI, live_session: FakeLiveSession) -> None:
    with watching(watched, live_session) as socket:
        live_session.broadcaster.close()
        assert closing(socket) == (sockets.GOING_AWAY, "the server is shutting down")


def test_a_number_that_is_none_is_null_in_a_message(app: FastAPI, live_session: FakeLiveSession) -> None:
    with camera(app) as socket:
        live_session.known["browser-1"] = SourceStatus("browser-1", "", "running", latency_ms=float("nan"))
        socket.send_bytes(picture(0))
        live_session.read("browser-1")
        assert socket.receive_json()["status"]["latency_ms"] is None


# Silence.


@pytest.mark.parametrize("path", ["/ws/camera", "/ws/watch?source=camera:0"])
def test_one_of_whom_nothing_comes_is_shown_out(
    live_session: FakeLiveSession, research: None, path: str
) -> None:
    live_session.known["camera:0"] = SourceStatus("camera:0", "camera:0", "running")
    app = build_backend(live_session, settings(silent_seconds=0.05))  # type: ignore[arg-type]
    with opened(app, path) as socket:
        if "camera" in path.partition("?")[0]:
            socket.send_json(HELLO)
        assert closing(socket) == (sockets.POLICY, "nothing was received for 0.05 s")
    assert live_session.removed == (["browser-1"] if "watch" not in path else [])


def test_a_page_that_says_that_it_is_there_stays(app: FastAPI, live_session: FakeLiveSession) -> None:
    live_session.known["camera:0"] = SourceStatus("camera:0", "camera:0", "running")
    with camera(app) as socket:
        for sequence in range(2):
            socket.send_json(sockets.HERE)
            socket.send_bytes(picture(sequence))
            live_session.read("browser-1")
            assert socket.receive_json()["sequence"] == sequence
    with opened(app, "/ws/watch?source=camera:0") as socket:
        socket.send_json(sockets.HERE)
        socket.send_json({"type": "ack", "frame": 2**200})
        assert socket.receive_json()["type"] == "status"
        live_session.publish(make_reading("camera:0", 3))
        while "bytes" not in (message := socket.receive()) or message["bytes"] is None:
            pass
        assert b'"frame":3' in message["bytes"]


@pytest.mark.parametrize(
    "text", ["", "{}", '{"type":"here","x":1}', '"here"', "[" * 900, "\ufffd", '{"type":"\\ud800"}']
)
def test_no_other_text_is_taken_from_a_camera(app: FastAPI, text: str) -> None:
    with camera(app) as socket:
        socket.send_text(text)
        assert closing(socket)[0] in (sockets.UNSUPPORTED, sockets.POLICY)
