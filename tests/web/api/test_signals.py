"""Sensors of the body in the API: what they say, adding and removing them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from mien.live.status import SignalStatus
from mien.signals.stream import address
from mien.signals.stream.types import Found
from mien.web.app import build_backend
from web.backend import FakeLiveSession, client, make_signals, settings, together

NOW_S = 1_780_000_000.0
STRAP = SignalStatus(
    "strap", "ble:AA:BB:CC:DD:EE:FF", "running",
    channels=({"name": "ECG", "kind": "ecg", "unit": "mV", "rate_hz": 130.0},),
    running_s=3.5, rest="not known yet",
)  # fmt: skip
PATH = "/api/v1/signals"


@pytest.fixture
def app(live_session: FakeLiveSession, research: None) -> FastAPI:
    live_session.sensors["strap"] = STRAP
    return build_backend(live_session, settings())  # type: ignore[arg-type]


def test_sensors_are_listed_with_their_status(app: FastAPI) -> None:
    assert client(app).get(PATH).json() == [STRAP.as_dict()]


def test_what_they_say_comes_without_waves(app: FastAPI, live_session: FakeLiveSession) -> None:
    assert client(app).get(f"{PATH}/latest").json() == []
    reading = make_signals("strap", NOW_S)
    live_session.publish_signals(reading)
    (told,) = client(app).get(f"{PATH}/latest").json()
    assert told == reading.as_dict(waves=False)
    assert told["figures"][1]["value"] is None
    assert told["arousal"]["parts"]["skin_level"] is None


def test_the_last_minutes_go_on_where_a_program_has_them(app: FastAPI, live_session: FakeLiveSession) -> None:
    assert client(app).get(f"{PATH}/history/strap").json() == []
    readings = [make_signals("strap", NOW_S + 5 * number) for number in range(3)]
    for reading in readings:
        live_session.publish_signals(reading)
    assert client(app).get(f"{PATH}/history/strap").json() == [each.as_dict(waves=False) for each in readings]
    later = client(app).get(f"{PATH}/history/strap", params={"since_s": NOW_S + 5}).json()
    assert [each["at"] for each in later] == [readings[2].as_dict()["at"]]
    assert client(app).get(f"{PATH}/history/nobody").status_code == 404


def test_a_sensor_is_added_and_removed(app: FastAPI, live_session: FakeLiveSession) -> None:
    added = client(app).post(PATH, json={"where": " lsl:Muse "})
    assert added.status_code == 201, added.text
    assert added.json() == SignalStatus("lsl:Muse", "lsl:Muse", "opening").as_dict()
    named = client(app).post(PATH, json={"where": "ble:AA:BB:CC:DD:EE:FF", "name": "chest"})
    assert (named.json()["name"], named.json()["where"]) == ("chest", "ble:AA:BB:CC:DD:EE:FF")
    again = client(app).post(PATH, json={"where": "lsl:Muse"})
    assert (again.status_code, "already" in again.json()["detail"]) == (400, True)
    assert client(app).delete(f"{PATH}/lsl%3AMuse").status_code == 204
    assert client(app).delete(f"{PATH}/lsl%3AMuse").status_code == 404
    assert list(live_session.sensors) == ["strap", "chest"]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("", "lsl:NAME"),
        ("heart", "lsl:NAME"),
        ("/etc/passwd", "lsl:NAME"),
        ("file:///etc/passwd", "lsl:NAME"),
        ("lsl:", "which one"),
        ("ble:", "which one"),
        ("board:no-such-board", "no-such-board"),
        ("board:playback-file?file=/etc/passwd", "no more than serial_port"),
        ("board:synthetic?other_info=x", "no more than serial_port"),
        ("board:cyton?serial_port=/etc/passwd", "/dev/ttyUSB0"),
        ("board:cyton?serial_port=/dev/../etc/passwd", "/dev/ttyUSB0"),
        ("Board:cyton?serial_port=/home/me/notes", "/dev/ttyUSB0"),
    ],
)
def test_what_is_no_sensor_is_refused_plainly(
    app: FastAPI, live_session: FakeLiveSession, where: str, words: str
) -> None:
    answer = client(app).post(PATH, json={"where": where})
    assert answer.status_code in (400, 422)
    assert words in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert list(live_session.sensors) == ["strap"]


def test_the_faces_pulse_is_one_more_sensor(app: FastAPI, live_session: FakeLiveSession) -> None:
    added = client(app).post(PATH, json={"where": "face"})
    assert (added.status_code, added.json()["name"], added.json()["where"]) == (201, "face", "face")
    assert client(app).delete(f"{PATH}/face").status_code == 204
    assert "face" not in live_session.sensors


@pytest.mark.parametrize("port", ["/dev/ttyUSB0", "/dev/cu.usbserial-DM00Q0QN", "/dev/rfcomm0", "COM3"])
def test_a_board_is_added_with_what_finds_it(app: FastAPI, port: str) -> None:
    answer = client(app).post(PATH, json={"where": f"board:cyton?serial_port={port}", "name": "cap"})
    assert answer.status_code == 201, answer.text


def test_the_rights_are_those_of_cameras(live_session: FakeLiveSession, purpose: Path) -> None:
    app = build_backend(live_session, settings())  # type: ignore[arg-type]
    body = {"where": "lsl:Muse"}
    assert client(app).post(PATH, json=body).status_code == 409  # it isn't said yet what it is for
    away = client(app, address=("192.168.1.20", 50000))
    assert away.post(PATH, json=body).status_code == 403
    assert away.get(f"{PATH}/found").status_code == 403
    assert away.delete(f"{PATH}/strap").status_code == 403
    fixed = client(build_backend(live_session, settings(allow_sources=False)))  # type: ignore[arg-type]
    assert fixed.post(PATH, json=body).status_code == 403
    assert fixed.get(PATH).status_code == 200


def test_what_is_there_is_found(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    there = address.FoundStreams(
        streams=(Found("lsl:Muse", "EEG, 5 channels at 256 Hz"),), straps=(),
        boards=(Found("board:synthetic", "made-up numbers"),), notes=("Bluetooth is switched off",),
    )  # fmt: skip
    monkeypatch.setattr(address, "find_streams", lambda: there)
    assert client(app).get(f"{PATH}/found").json() == {
        "streams": [{"where": "lsl:Muse", "detail": "EEG, 5 channels at 256 Hz"}],
        "straps": [],
        "boards": ["board:synthetic"],
        "notes": ["Bluetooth is switched off"],
    }


def test_without_the_extra_it_says_what_brings_it(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> Any:
        raise ModuleNotFoundError("No module named 'brainflow'", name="brainflow")

    for name in ("check_address", "find_streams"):
        monkeypatch.setattr(address, name, missing)
    for answer in (
        client(app).post(PATH, json={"where": "board:synthetic"}),
        client(app).get(f"{PATH}/found"),
    ):
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("this needs brainflow: ")
        assert "signals]" in answer.json()["detail"]


def test_face_and_body_together(app: FastAPI, live_session: FakeLiveSession) -> None:
    def told() -> dict[str, Any]:
        return dict(client(app).get(f"{PATH}/together").json())

    assert (told()["type"], told()["together"], told()["said"]) == ("together", [], [])
    together(live_session)
    (pair,) = told()["together"]
    assert (pair["face"], pair["body"], pair["lag_s"]) == ("valence", "skin_level", 3.0)
    assert pair["p"] < 0.05 < 0.9 < pair["correlation"]
    first, second = told()["said"]
    assert first.startswith("valence of the face and skin level: r +")
    assert second == "arousal of the face and skin level: no reading"  # it didn't change


def test_the_rest_can_begin_now(app: FastAPI, live_session: FakeLiveSession) -> None:
    told = client(app).post(f"{PATH}/rest").json()
    assert (told["by"], told["windows"], told["known"]) == ("marked", 0, False)
    assert told["said"] == live_session.rest.status().said
    live_session.sensors.clear()
    refused = client(app).post(f"{PATH}/rest")
    assert (refused.status_code, refused.json()["detail"]) == (409, "there is no sensor: add one first")
