"""A real mosquitto on loopback, a client that listens to everything, and what the sink reads from."""

from __future__ import annotations

import json
import socket
import subprocess
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any

import numpy as np
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from mien.labels import EMOTIONS
from mien.live.reading import Reading
from mien.live.status import SourceStatus
from mien.types import Faces, Frame
from needs import program
from patience import LIMIT_S


def mosquitto() -> str:
    """Return mosquitto's path, or skip."""
    return program("mosquitto", "an MQTT broker")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """Mosquitto with nothing kept on disk: after a restart it remembers nothing."""

    def __init__(self, folder: Path, options: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._program = mosquitto()
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nlog_dest stderr\nset_tcp_nodelay true\n{options}\n"
        )
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Broker:
        running = Event()
        self.process = subprocess.Popen(
            [self._program, "-c", str(self._settings)], stderr=subprocess.PIPE, text=True
        )
        self._reader = Thread(target=self._read, args=(self.process, running), daemon=True)
        self._reader.start()
        assert running.wait(LIMIT_S), "mosquitto did not start"
        return self

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(LIMIT_S)
            self._reader.join(LIMIT_S)
            self.process = None

    @staticmethod
    def _read(process: subprocess.Popen[str], running: Event) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                if line.rstrip().endswith(" running"):
                    running.set()


class Listener:
    """Subscribes to everything, and keeps it in its order."""

    def __init__(self, broker: Broker, user: str | None = None, password: str | None = None) -> None:
        self.seen: list[MQTTMessage] = []
        self._new: Queue[MQTTMessage] = Queue()
        subscribed = Event()
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.username_pw_set(user, password)
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = lambda _client, _data, message: self._new.put(message)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        assert subscribed.wait(LIMIT_S)

    def wait(self, topic: str, accept: Callable[[bytes], bool] = lambda payload: True) -> MQTTMessage:
        """Wait for the next message that fits."""
        with suppress(Empty):
            while True:
                message = self._new.get(timeout=LIMIT_S)
                self.seen.append(message)
                if message.topic == topic and accept(message.payload):
                    return message
        raise AssertionError(f"no such message on {topic}; seen {[each.topic for each in self.seen]}")

    def wait_json(self, topic: str, accept: Callable[[Any], bool] = lambda value: True) -> Any:
        fits: Callable[[bytes], bool] = lambda payload: bool(payload) and accept(json.loads(payload))  # noqa: E731
        return json.loads(self.wait(topic, fits).payload)

    def all_json(self, topic: str) -> list[Any]:
        """Return what came so far on a topic."""
        return [json.loads(each.payload) for each in self.seen if each.topic == topic and each.payload]

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Feed:
    """Stands for the broadcaster and its mailbox: hands out readings, and tells when all are taken."""

    def __init__(self) -> None:
        self.closed = False
        self._waiting: deque[Reading] = deque()
        self._taken = Event()

    def subscribe(self, sources: None = None, wake: Callable[[], None] | None = None) -> Feed:
        assert wake is not None
        self._wake = wake
        return self

    def give(self, reading: Reading) -> None:
        """Hand a reading over and wait until the sink has dealt with it."""
        self._taken.clear()
        self._waiting.append(reading)
        self._wake()
        assert self._taken.wait(LIMIT_S)

    def take(self, timeout_s: float | None = None) -> Reading | None:
        if self._waiting:
            return self._waiting.popleft()
        self._taken.set()
        return None

    def close(self) -> None:
        self.closed = True


_IMAGE = np.zeros((480, 640, 3), np.uint8)


def reading(
    source: str, frame: int = 0, label: str = "happiness", sure: float = 0.86, faces: int = 1
) -> Reading:
    """A reading with a number of like faces; the last one is the largest."""
    place = EMOTIONS.index(label)
    probabilities = np.full((faces, len(EMOTIONS)), (1 - sure) / (len(EMOTIONS) - 1))
    probabilities[:, place] = sure
    sides = 50.0 + np.arange(faces)
    found = Faces(
        np.column_stack([np.full(faces, 10), np.full(faces, 20), 10 + sides, 20 + sides]),
        detection=np.full(faces, 0.99),
        presence=np.full(faces, 0.98),
        track=np.arange(faces),
        quality=np.full(faces, 0.7),
        probabilities=probabilities,
        expression=np.full(faces, place),
        confidence=np.full(faces, sure),
        valence=np.linspace(-0.5, 0.5, faces) if faces > 1 else np.full(faces, 0.5),
        arousal=np.full(faces, 0.25),
    )
    return Reading(Frame(_IMAGE, frame, frame / 30, source), found, found, 1_767_225_600.5, 12.5)


def status(name: str, state: Any = "running", coverage: float | None = 0.9) -> SourceStatus:
    return SourceStatus(name=name, where="camera:0", state=state, coverage=coverage)
