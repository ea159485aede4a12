from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.helpers import ENVIRONMENT, Run
from mien.cli.live import _tell_body
from mien.cli.live_signals import (
    SensorTeller,
    check_sensors,
    parse_live_rest,
    rest_line,
    sensor_line,
)
from mien.errors import ConfigError
from mien.live.broadcaster import Broadcaster
from mien.live.status import SignalStatus
from mien.live.together import Together, together_words
from mien.signals.arousal import Arousal
from mien.signals.stream.types import SignalReading
from mien.signals.types import Figure
from patience import LIMIT_S

HEART = {"name": "HR", "kind": "rate", "unit": "1/min", "rate_hz": 1.0}
SKIN = {"name": "EDA", "kind": "eda", "unit": "uS", "rate_hz": 4.0}


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_network: Path) -> None:
    monkeypatch.setenv("MIEN_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MIEN_NETWORK", str(tiny_network))
    monkeypatch.setenv("MIEN_DETECTOR", "haar")


def figure(measure: str, value: float | None, unit: str = "", quality: float = 0.9) -> Figure:
    return Figure(0, 12, "x", measure, unit, value, quality)


def test_bad_addresses_are_answered_before_anything_starts(run: Run) -> None:
    for address, said in (
        ("ecg", "expected lsl:NAME"),
        ("lsl:", "which one?"),
        ("board:nosuch", "nosuch"),
    ):
        ran = run("live", "portrait", "--no-page", "--signals", address)
        assert ran.code == 2
        assert said in ran.err
        assert "film on" not in ran.err
    ran = run("live", "portrait", "--no-page", "--signals", "face", "--signals", "face")
    assert "received 'face' twice" in ran.err
    ran = run("live", "portrait", "--no-page", "--rest", "0-300")
    assert "add a sensor with --signals" in ran.err


@pytest.mark.parametrize("text", ["300", "5-1", "a-b", "-10-500", "0-120"])
def test_a_rest_that_cannot_be_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match="--rest: expected"):
        parse_live_rest(text)


def test_a_rest_is_in_seconds() -> None:
    assert parse_live_rest("60-400") == (60, 400)
    assert parse_live_rest(None) is None


def test_names_of_sensors_differ_from_those_of_sources() -> None:
    assert [each.name for each in check_sensors(["face"], ["face"])] == ["face-2"]


def test_a_line_says_what_a_sensor_says() -> None:
    running = SignalStatus("band", "lsl:band", "running")
    now = (
        figure("heart_rate", None, "1/min", 0.9), figure("heart_rate", 71.6, "1/min", 0.7),
        figure("skin_level", 3.141, "uS"), figure("skin_temperature", None, "degC"),
    )  # fmt: skip
    told = SignalReading("band", 1.0, now=now, arousal=Arousal(0.5, 0.25, 0.75, {}))
    assert sensor_line(running, told) == (
        "band: pulse 72 a minute, skin 3.14 µS, skin temperature: no reading, arousal 0.50 [0.25, 0.75]"
    )
    made = SignalStatus("board", "board:synthetic: made up", "running")
    assert sensor_line(made, SignalReading("board", 1.0)).startswith("board (board:synthetic: made up):")
    waiting = SignalStatus("band", "lsl:band", "waiting", "it is gone")
    assert sensor_line(waiting, told) == "band: waiting; it is gone"


def test_what_arousal_is_measured_against_is_shown_where_there_are_pulse_and_skin() -> None:
    heart = SignalStatus("strap", "ble:1", "running", channels=(HEART,), rest="against the first")
    skin = SignalStatus("band", "lsl:band", "running", channels=(SKIN,), rest="against the first")
    assert rest_line([heart]) == rest_line([]) == []
    assert rest_line([heart, skin]) == ["arousal: against the first"]


def test_sensors_that_come_and_go_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    teller = SensorTeller()
    teller.look([SignalStatus("band", "lsl:band", "opening")])
    teller.look([SignalStatus("band", "lsl:band", "running")])
    teller.look([SignalStatus("band", "lsl:band", "running")])
    teller.look([SignalStatus("band", "lsl:band", "waiting", "it is gone")])
    teller.look([])
    teller.notes(SignalReading("band", 1.0, notes=("its clock went back by 2.0 s",)))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "mien: sensor on: band (lsl:band)",
        "mien: error: band: it is gone",
        "mien: sensor off: band (lsl:band)",
        "mien: band: its clock went back by 2.0 s",
    ]


def test_what_fails_again_and_again_in_the_same_way_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    teller = SensorTeller()
    gone = SignalStatus("band", "lsl:band", "waiting", "it isn't there")
    for status in (gone, SignalStatus("band", "lsl:band", "opening"), gone):
        teller.look([status])
    assert capsys.readouterr().err == "mien: error: band: it isn't there\n"
    running = SignalStatus("band", "lsl:band", "running")
    teller.heard("band", lambda: [running])
    assert capsys.readouterr().err == "mien: sensor on: band (lsl:band)\n"
    teller.look([running])
    assert capsys.readouterr().err == ""
    teller.look([gone])
    assert capsys.readouterr().err == "mien: error: band: it isn't there\n"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_sensor_is_said_to_be_on_before_its_first_reading(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stderr)  # in one stream, the order shows
    running = SignalStatus("band", "lsl:band", "running")
    session = SimpleNamespace(signal_statuses=lambda: [running])
    teller, readings = SensorTeller(), Broadcaster[SignalReading]()
    with readings.subscribe() as box:
        for _ in range(2):
            readings.publish(SignalReading("band", 1.0, notes=("its clock went back",), fresh=True))
            _tell_body(session, box, teller, as_json=as_json)  # type: ignore[arg-type]
    teller.look([running])
    first, *others = capsys.readouterr().err.splitlines()
    assert first == "mien: sensor on: band (lsl:band)"
    assert len(others) == 2
    assert all("its clock went back" in each for each in others)


def test_a_sensor_that_broke_off_before_its_reading_was_shown_was_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    teller = SensorTeller()
    gone = SignalStatus("band", "lsl:band", "waiting", "it is gone")
    for source in ("band", "band", "no longer there"):
        teller.heard(source, lambda: [gone])
    teller.look([gone])
    teller.heard("band", lambda: [gone])  # one of the same start, that waited
    teller.heard("band", lambda: [replace(gone, restarts=1)])
    assert capsys.readouterr().err.splitlines() == [
        "mien: sensor on: band (lsl:band)",
        "mien: error: band: it is gone",
        "mien: sensor on: band (lsl:band)",
    ]


def test_face_and_body_together_in_words() -> None:
    told = [Together("valence", "skin_level", 0.42, 3.0, 0.012, 600)]
    assert together_words(told, ["skin_level"]) == [
        "valence of the face and skin level: r +0.42, the body +3 s behind, p 0.012 over 10 min",
        "arousal of the face and skin level: no reading",
    ]
    (none,) = together_words([], ["heart_rate", "skin_level"])
    assert none.startswith("face and body together: no reading; it needs two minutes")
    assert together_words([], []) == []


@pytest.mark.exhaustive
def test_the_synthetic_board_beside_the_portrait_by_the_real_program() -> None:
    pytest.importorskip("brainflow")
    pytest.importorskip("neurokit2")
    environment = ENVIRONMENT | {k: value for k, value in os.environ.items() if k.startswith("MIEN_")}
    with subprocess.Popen(
        [sys.executable, "-m", "mien", "live", "portrait", "--no-page", "--json",
         "--signals", "board:synthetic", "--signals", "face"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        wanted = {"board:synthetic heart_rate", "face face_pulse", "faces"}
        for line in process.stdout:
            told = json.loads(line)
            if told.get("type") == "signals":
                assert "waves" not in told
                wanted -= {f"{told['source']} {each['measure']}" for each in told["now"]}
            else:
                wanted -= told.keys()
            if not wanted:
                break
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=LIMIT_S)
    assert not wanted
    assert json.loads(rest.splitlines()[-1])["type"] == "together"
    assert "sensor on: board:synthetic (board:synthetic: made up)" in said
