"""`/ws/signals`: the last minutes first, then each reading, and how the sensors are doing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from mien.live.status import SignalStatus
from mien.web.app import build_backend
from web.backend import ORIGIN, WS, FakeLiveSession, client, make_signals, settings, together


@pytest.fixture
def app(live_session: FakeLiveSession, research: None) -> FastAPI:
    live_session.sensors["strap"] = SignalStatus("strap", "ble:x", "running")
    return build_backend(live_session, settings(silent_seconds=5))  # type: ignore[arg-type]


@contextmanager
def opened(app: FastAPI) -> Iterator[Any]:
    with client(app).websocket_connect(f"{WS}/ws/signals", headers={"origin": ORIGIN}) as socket:
        yield socket


def next_of(socket: Any, kind: str) -> dict[str, Any]:
    while (message := socket.receive_json())["type"] != kind:
        pass
    return dict(message)


def closing(socket: Any) -> tuple[int, str]:
    while (message := socket.receive())["type"] != "websocket.close":
        pass
    return message["code"], message["reason"]


def test_a_page_that_comes_later_gets_what_was_said_and_the_newest_waves(
    app: FastAPI, live_session: FakeLiveSession
) -> None:
    now_s = time.time()
    old, new = make_signals("strap", now_s - 60), make_signals("strap", now_s - 1, fresh=False)
    for reading in (old, new):
        live_session.publish_signals(reading)
    with opened(app) as socket:
        message = socket.receive_json()
        assert message["type"] == "history"
        assert message["now"].endswith("Z")
        told = message["readings"]
        assert [each["at"] for each in told if "waves" not in each] == [
            old.as_dict()["at"],
            new.as_dict()["at"],
        ]
        (newest,) = [each for each in told if "waves" in each]
        assert newest == new.as_dict()
        assert newest["waves"][0]["low"] == [-0.1, None]


def test_readings_and_states_follow(app: FastAPI, live_session: FakeLiveSession) -> None:
    with opened(app) as socket:
        assert socket.receive_json()["readings"] == []
        assert next_of(socket, "sensors")["sensors"] == [live_session.sensors["strap"].as_dict()]
        reading = make_signals("strap", time.time())
        live_session.publish_signals(reading)
        assert next_of(socket, "signals") == reading.as_dict()
        live_session.sensors["strap"] = SignalStatus("strap", "ble:x", "failed", "it is gone")
        while next_of(socket, "sensors")["sensors"][0]["note"] != "it is gone":
            pass


def test_a_sensor_that_is_added_later_is_heard(app: FastAPI, live_session: FakeLiveSession) -> None:
    with opened(app) as socket:
        socket.receive_json()
        live_session.add_signals("cap", lambda: None, where="lsl:Muse")
        live_session.publish_signals(make_signals("cap", time.time()))
        assert next_of(socket, "signals")["source"] == "cap"


def test_face_and_body_together_is_told(app: FastAPI, live_session: FakeLiveSession) -> None:
    together(live_session)
    with opened(app) as socket:
        told = next_of(socket, "together")
    assert [each["body"] for each in told["together"]] == ["skin_level"]
    assert told["said"][1].endswith(": no reading")


@pytest.mark.parametrize("text", ['{"type": "ack", "frame": 1}', "[]", "no JSON", "{}"])
def test_other_messages_end_it(app: FastAPI, text: str) -> None:
    with opened(app) as socket:
        socket.send_json({"type": "here"})
        socket.send_text(text)
        assert closing(socket)[0] == 1008


def test_who_leaves_or_falls_silent_leaves_nothing_behind(
    live_session: FakeLiveSession, research: None
) -> None:
    app = build_backend(live_session, settings(silent_seconds=1))  # type: ignore[arg-type]
    with opened(app) as socket:
        socket.receive_json()
        assert closing(socket)[0] == 1008
    assert live_session.signals._boxes == []


def test_when_the_session_closes_the_connection_does(app: FastAPI, live_session: FakeLiveSession) -> None:
    with opened(app) as socket:
        socket.receive_json()
        live_session.signals.close()
        assert closing(socket) == (1001, "the server is shutting down")
