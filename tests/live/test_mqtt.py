from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from mien.errors import ConfigError
from mien.live.broadcaster import Broadcaster
from mien.live.mqtt import MqttSink
from mien.live.mqtt_messages import slugs
from mien.live.status import SignalStatus, SourceStatus
from mien.signals.arousal import Arousal
from mien.signals.stream.types import SignalReading
from mien.signals.types import Figure
from mqtt_broker import LIMIT_S, Broker, Feed, Listener, free_port, reading, status

pytestmark = pytest.mark.program

STATUS, STATE, READING = "mien/status", "mien/front_door/state", "mien/front_door/reading"
CONFIG = "homeassistant/sensor/mien_front_door_expression/config"


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Pauses(tuple[float, ...]):
    """Pauses that tell which of them are made."""

    asked: Queue[int]

    def __getitem__(self, place: Any) -> Any:
        self.asked.put(place)
        return super().__getitem__(place)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path).start()
    yield broker
    broker.kill()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    listener = Listener(broker)
    yield listener
    listener.close()


@pytest.fixture
def start() -> Iterator[Callable[..., MqttSink]]:
    """Makes sinks, and closes them."""
    sinks: list[MqttSink] = []

    def make(url: str, broadcaster: Any = None, **choices: Any) -> MqttSink:
        statuses = choices.pop("statuses", lambda: [status("Front door")])
        sinks.append(MqttSink(url, broadcaster or Broadcaster(), statuses, **choices))
        return sinks[-1]

    yield make
    for sink in sinks:
        sink.close()


def test_readings_come_as_they_are(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    feed = Feed()
    start(broker.url, feed)
    assert listener.wait(STATUS).payload == b"online"
    shown = reading("Front door", frame=7, faces=2)
    feed.give(shown)
    assert listener.wait_json(READING) == shown.as_dict()


def test_a_hub_feeds_it(broker: Broker, listener: Listener, start: Callable[..., MqttSink]) -> None:
    broadcaster = Broadcaster()
    start(broker.url, broadcaster)
    listener.wait_json(STATE)
    broadcaster.publish(reading("Front door", frame=3))
    assert listener.wait_json(READING)["frame"] == 3


def test_status_state_and_discovery_are_retained_and_readings_are_not(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    feed = Feed()
    start(broker.url, feed, clock=(clock := Clock()))
    listener.wait_json(STATE)
    clock.now_s = 1.0
    feed.give(reading("Front door"))
    listener.wait_json(STATE, lambda state: state["faces"] == 1)
    late = Listener(broker)
    try:
        expected = {STATUS, STATE, *(each.topic for each in listener.seen if "config" in each.topic)}
        for topic in sorted(expected):  # the broker gives the retained ones in an order of its own
            if topic not in {each.topic for each in late.seen}:
                assert late.wait(topic).retain
        feed.give(reading("Front door", frame=1))
        clock.now_s = 2.0
        feed.give(reading("Front door", frame=2))
        assert late.wait_json(READING)["frame"] == 2
        assert expected == {each.topic for each in late.seen if each.retain}
    finally:
        late.close()


def test_readings_are_limited_in_their_rate(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    feed = Feed()
    start(broker.url, feed, clock=(clock := Clock()), rate_hz=5.0)
    listener.wait_json(STATE)
    for frame in range(61):
        clock.now_s = frame / 30 + 0.001
        feed.give(reading("Front door", frame))
    listener.wait_json(READING, lambda value: value["frame"] == 60)
    assert [each["frame"] for each in listener.all_json(READING)] == list(range(0, 61, 6))


def test_state_comes_on_change_and_every_ten_seconds(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    feed = Feed()
    start(broker.url, feed, clock=(clock := Clock()))
    listener.wait_json(STATE)  # at 0 s, without a reading yet
    for now_s, shown in [
        (1.0, reading("Front door", label="happiness", sure=0.80)),
        (2.5, reading("Front door", label="happiness", sure=0.83)),  # no change worth telling
        (3.0, reading("Front door", label="sadness", sure=0.80)),
        (3.5, reading("Front door", label="anger", sure=0.80)),  # too soon, and over when its time comes
        (4.0, reading("Front door", label="sadness", sure=0.80)),
        (12.9, reading("Front door", label="sadness", sure=0.80)),
        (13.0, reading("Front door", label="sadness", sure=0.80)),
        (14.0, reading("Front door", label="sadness", sure=0.70)),
        (15.0, reading("Front door", label="sadness", sure=0.70, faces=0)),
    ]:
        clock.now_s = now_s
        feed.give(shown)
    listener.wait_json(STATE, lambda state: state["faces"] == 0)
    told = [(each["expression"], each["confidence"]) for each in listener.all_json(STATE)]
    assert told == [
        (None, None),
        ("happiness", 0.8),
        ("sadness", 0.8),
        ("sadness", 0.8),
        ("sadness", 0.7),
        (None, None),
    ]


def test_names_that_look_alike_stay_apart(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    start(broker.url, statuses=lambda: [status("a/#"), status("a+"), status("台所")])
    wanted = {f"mien/{each}/state" for each in slugs(["a/#", "a+", "台所"]).values()}
    assert "mien/source/state" in wanted
    assert all(each.startswith("mien/a_") for each in wanted - {"mien/source/state"})
    while not wanted <= {each.topic for each in listener.seen}:
        listener.wait_json(sorted(wanted - {each.topic for each in listener.seen})[0])


def test_a_newcomer_of_the_same_slug_takes_nobody_s_id(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    """Both are told apart from then on, as they are after a restart that finds them in any order."""
    there = [status("front-door")]
    start(broker.url, Feed(), statuses=lambda: list(there), clock=(clock := Clock()))
    listener.wait_json(STATE)
    there.insert(0, status("Front door"))
    clock.now_s = 1.5
    ids = slugs(["Front door", "front-door"])
    listener.wait(STATE, lambda payload: not payload)
    wanted = {f"mien/{source}/state" for source in ids.values()}
    while not wanted <= {each.topic for each in listener.seen}:
        listener.wait_json(min(wanted - {each.topic for each in listener.seen}))
    told = [each for each in listener.seen if ids["Front door"] in each.topic and "/config" in each.topic]
    assert {json.loads(each.payload)["device"]["name"] for each in told} == {"Mien Front door"}


def test_a_source_that_has_gone_is_taken_away(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    there = [status("Front door"), status("browser-1")]
    feed = Feed()
    start(broker.url, feed, statuses=lambda: list(there), clock=(clock := Clock()))
    listener.wait_json("mien/browser_1/state")
    del there[1]
    clock.now_s = 1.5
    feed.give(reading("browser-1"))  # a late one brings nothing back
    entity = "homeassistant/binary_sensor/mien_browser_1_present/config"
    listener.wait(entity, lambda payload: not payload)
    feed.give(reading("Front door", frame=9))
    listener.wait_json(READING, lambda value: value["frame"] == 9)
    last = {each.topic: each.payload for each in listener.seen if "browser_1" in each.topic}
    assert len(last) == 9
    assert set(last.values()) == {b""}


def test_without_discovery_home_assistant_is_told_nothing(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    start(f"{broker.url}/home/hall", discovery=False)
    listener.wait("home/hall/front_door/state")
    assert {each.topic for each in listener.seen} == {"home/hall/status", "home/hall/front_door/state"}


def test_close_says_offline_and_ends_the_thread(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    feed = Feed()
    sink = start(broker.url, feed)
    listener.wait_json(STATE)
    sink.close()
    sink.close()
    assert listener.wait(STATUS, lambda payload: payload != b"online").payload == b"offline"
    assert feed.closed
    assert "mqtt" not in {thread.name for thread in threading.enumerate()}


def test_a_killed_program_leaves_its_last_will(broker: Broker, listener: Listener) -> None:
    program = (
        "import sys, threading; from mien.live.broadcaster import Broadcaster\n"
        "from mien.live.mqtt import MqttSink\n"
        "sink = MqttSink(sys.argv[1], Broadcaster(), lambda: []); threading.Event().wait()"
    )
    process = subprocess.Popen([sys.executable, "-c", program, broker.url])
    try:
        assert listener.wait(STATUS).payload == b"online"
    finally:
        process.kill()
        process.wait(LIMIT_S)
    assert listener.wait(STATUS).payload == b"offline"


def test_a_broker_that_was_killed_is_found_again_and_told_everything(
    broker: Broker, start: Callable[..., MqttSink]
) -> None:
    told: Queue[str] = Queue()
    feed = Feed()
    first = Listener(broker)
    start(broker.url, feed, tell=told.put, pauses_s=(0.05,))
    first.wait_json(STATE)
    first.close()
    broker.kill()
    assert told.get(timeout=LIMIT_S).startswith(f"MQTT: no connection to 127.0.0.1:{broker.port} (")
    broker.start()
    assert told.get(timeout=LIMIT_S) == f"MQTT: connected to 127.0.0.1:{broker.port}"
    second = Listener(broker)
    try:
        for topic in (STATUS, CONFIG, STATE):
            if topic not in {each.topic for each in second.seen}:
                second.wait(topic)
        feed.give(reading("Front door", frame=4))
        assert second.wait_json(READING)["frame"] == 4
    finally:
        second.close()


def test_a_broker_that_is_not_there_is_tried_again_with_growing_pauses_and_named_once(
    tmp_path: Path, start: Callable[..., MqttSink]
) -> None:
    broker = Broker(tmp_path)  # not started yet
    told: Queue[str] = Queue()
    pauses = Pauses((0.01, 0.02, 0.03))
    pauses.asked = Queue()
    start(broker.url, tell=told.put, pauses_s=pauses)
    assert [pauses.asked.get(timeout=LIMIT_S) for _ in range(5)] == [0, 1, 2, 2, 2]
    try:
        broker.start()
        lines = [told.get(timeout=LIMIT_S), told.get(timeout=LIMIT_S)]
    finally:
        broker.kill()
    assert "refused" in lines[0]
    assert lines[1].startswith("MQTT: connected")


def test_close_does_not_wait_for_a_pause(start: Callable[..., MqttSink]) -> None:
    told: Queue[str] = Queue()
    sink = start(f"mqtt://127.0.0.1:{free_port()}", tell=told.put, pauses_s=(600,))
    told.get(timeout=LIMIT_S)
    sink.close()
    assert "mqtt" not in {thread.name for thread in threading.enumerate()}


def test_user_and_password(tmp_path: Path, start: Callable[..., MqttSink]) -> None:
    maker = shutil.which("mosquitto_passwd")
    if maker is None:
        pytest.skip("mosquitto_passwd is not installed")
    users = tmp_path / "users"
    subprocess.run([maker, "-c", "-b", str(users), "mien", "s3cr/t#@:"], check=True, capture_output=True)
    broker = Broker(tmp_path, f"password_file {users}").start()
    told: Queue[str] = Queue()
    try:
        start(f"mqtt://mien:wr0ng@127.0.0.1:{broker.port}", tell=told.put)
        refused = told.get(timeout=LIMIT_S)
        sink = start(f"mqtt://mien:s3cr%2Ft%23%40%3A@127.0.0.1:{broker.port}")
        listener = Listener(broker, "mien", "s3cr/t#@:")
        listener.wait(STATUS)
        listener.close()
    finally:
        broker.kill()
    assert refused == (
        f"MQTT: no connection to 127.0.0.1:{broker.port} (Not authorized); trying again in the background"
    )
    assert "s3cr" not in repr(vars(sink))


# paho leaves the socket of a failed handshake to the collector
@pytest.mark.filterwarnings(r"ignore:.*ssl\.SSLSocket:pytest.PytestUnraisableExceptionWarning")
def test_tls_by_the_authorities_of_the_system(
    tmp_path: Path, start: Callable[..., MqttSink], monkeypatch: pytest.MonkeyPatch
) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    files = ["-nodes", "-keyout", key, "-out", certificate]
    subprocess.run([openssl, "req", "-x509", *curve, *files, *subject], check=True, capture_output=True)
    plain = free_port()
    broker = Broker(
        tmp_path,
        f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}\nlistener {plain} 127.0.0.1",
    ).start()
    try:
        told: Queue[str] = Queue()
        start(f"mqtts://localhost:{broker.port}", tell=told.put, prefix="stranger")
        assert "certificate verify failed" in told.get(timeout=LIMIT_S)
        secure, broker.port = broker.port, plain
        listener = Listener(broker)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        start(f"mqtts://localhost:{secure}")
        assert listener.wait(STATUS).payload == b"online"
        assert "stranger/status" not in {each.topic for each in listener.seen}
        listener.close()
    finally:
        broker.kill()


def test_statuses_that_raise_do_not_end_it(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    told: Queue[str] = Queue()
    answers = iter([RuntimeError("no status today")])

    def statuses() -> list[SourceStatus]:
        for error in answers:
            raise error
        return [status("Front door")]

    start(broker.url, statuses=statuses, tell=told.put, pauses_s=(0.01,))
    assert "no status today" in told.get(timeout=LIMIT_S)
    listener.wait_json(STATE)


def test_behind_a_network_that_stands_still_nothing_piles_up(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    feed, clock = Feed(), Clock()
    sink = start(broker.url, feed, clock=clock)
    listener.wait_json(STATE)
    assert broker.process is not None
    os.kill(broker.process.pid, signal.SIGSTOP)
    crowd = reading("Front door", faces=100)
    try:
        while sink.dropped < 20 and clock.now_s < 2000:
            clock.now_s += 1
            feed.give(crowd)
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)
    assert sink.dropped == 20
    while (newest := listener.wait_json(READING)) and newest["frame"] == 0:
        clock.now_s += 1
        feed.give(reading("Front door", frame=1))
    assert newest["frame"] == 1


@pytest.mark.parametrize(
    ("choices", "names"),
    [
        ({"prefix": ""}, "prefix"),
        ({"prefix": "mien/#"}, "prefix"),
        ({"prefix": "/mien"}, "prefix"),
        ({"rate_hz": 0.0}, "rate"),
        ({"rate_hz": float("nan")}, "rate"),
    ],
)
def test_wrong_choices(choices: dict[str, Any], names: str) -> None:
    with pytest.raises(ConfigError, match=f"MQTT {names}: expected"):
        MqttSink("mqtt://localhost", Broadcaster(), list, **choices)


def test_the_reading_is_plain_json(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    feed = Feed()
    start(broker.url, feed)
    listener.wait_json(STATE)
    unread = reading("Front door")
    unread = replace(unread, faces=unread.faces.fill(valence=[float("nan")]))
    feed.give(unread)
    payload = listener.wait(READING).payload
    assert json.loads(payload, parse_constant=pytest.fail)["faces"][0]["valence"] is None


def test_a_sensor_of_the_body_is_told_beside_the_sources(
    broker: Broker, listener: Listener, start: Callable[..., MqttSink]
) -> None:
    signals: Broadcaster[SignalReading] = Broadcaster()
    sensors = [SignalStatus("Band", "lsl:band", "running")]
    clock = Clock()
    start(broker.url, Feed(), clock=clock, signals=signals, signal_statuses=lambda: sensors)
    config = listener.wait_json("homeassistant/sensor/mien_band_heart_rate/config")
    listener.wait_json("mien/band/state")
    assert config["state_topic"] == "mien/band/state"
    assert config["device"]["model"] == "Signals of the body"
    now = (
        Figure(0, 12, "HR", "heart_rate", "1/min", 71.4, 0.6),
        Figure(0, 12, "EDA", "skin_level", "uS", None, 0.2),
    )
    told = SignalReading("Band", 1e9, now=now, arousal=Arousal(0.4, 0.3, 0.5, {}), fresh=True)
    clock.now_s = 2.0
    signals.publish(told)
    assert listener.wait_json("mien/band/signals") == told.as_dict(waves=False)
    state = listener.wait_json("mien/band/state", lambda each: each["heart_rate"] is not None)
    assert state == {"state": "running", "heart_rate": 71.4, "skin_level": None, "body_arousal": 0.4}
    sensors.clear()
    clock.now_s = 4.0
    signals.publish(SignalReading("Front door", 1e9))  # wakes it
    listener.wait("homeassistant/sensor/mien_band_heart_rate/config", lambda payload: not payload)
