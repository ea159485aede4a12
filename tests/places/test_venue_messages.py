"""What other programs are told: figures of closed cells, states, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import pytest

from mien.errors import ConfigError
from mien.places.station import StationStatus
from mien.places.venue_messages import ENTITIES, discovery, told
from mien.places.visits import SMILE_FALSE, SMILE_FOUND
from mien.places.webhook import SIGNATURE, Webhook, post
from mien.store.venue_types import AnswerCell, VisitCell
from mqtt_broker import Broker, Listener
from patience import LIMIT_S

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
CELL = VisitCell(
    venue="corner", station="till-1", start=NOON, end=NOON + timedelta(minutes=15), visits=20,
    evidence=(1.0, 19.0), products=((0.1, 1.0), (1.0, 18.0)), sizes=(20.0,), valence=5.0, valence_squares=2.5,
    change=-1.0, change_squares=0.5, smiles=10, lengths=(0, 20, 0, 0, 0, 0, 0), length_s=202.0,
    open_s=900.0, blind_s=90.0, network="mien 0123abcd",
)  # fmt: skip
ANSWERS = AnswerCell("corner", "till-1", NOON, NOON + timedelta(minutes=15), (1, 0, 3, 4, 4))
COUNTING = StationStatus("corner", "till-1", "counting", "It counts.", 24.0)


def test_a_cell_is_told_as_figures() -> None:
    assert told(CELL) == {
        "venue": "corner",
        "station": "till-1",
        "start": "2026-05-04T12:00:00Z",
        "end": "2026-05-04T12:15:00Z",
        "visits": 20,
        "smiling": round((0.5 - SMILE_FALSE) / (SMILE_FOUND - SMILE_FALSE), 3),
        "valence": 0.25,
        "change": -0.05,
        "length_s": 10.1,
        "coverage": 0.9,
    }
    assert told(ANSWERS) | {"answers": 12, "counts": [1, 0, 3, 4, 4], "mean": 3.83} == told(ANSWERS)


def test_home_assistant_is_told_of_all_that_messages_have() -> None:
    topics = discovery("mien", "corner", "till-1")
    assert len(topics) == len(ENTITIES)
    messages = {"visits": told(CELL), "answers": told(ANSWERS), "state": {"state": "counting"}}
    for (message, name), (topic, entity) in zip(ENTITIES, topics.items(), strict=True):
        assert topic == f"homeassistant/sensor/mien_corner_till_1_{name}/config"
        assert entity["state_topic"] == f"mien/corner/till-1/{message}"
        assert f"value_json.{name}" in entity["value_template"]
        assert name in messages[message]


class Posts:
    """A program that takes posts, and answers as it is told to."""

    def __init__(self, *answers: int) -> None:
        self.got: Queue[tuple[bytes, dict[str, str]]] = Queue()
        self._answers = list(answers)

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.got.put((body, headers))
        answer = self._answers.pop(0) if self._answers else 204
        if answer == 0:
            raise ConnectionRefusedError(111, "Connection refused")
        return answer


def cells_of(body: bytes) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(body)["cells"]
    return cells


def test_cells_are_posted_with_a_signature() -> None:
    posts = Posts()
    hook = Webhook("https://example.org/mien", secret="s3cret", send=posts)
    hook.states([COUNTING])
    hook.cells([CELL, ANSWERS])
    body, headers = posts.got.get(timeout=LIMIT_S)
    assert cells_of(body) == [{"kind": "visits", **told(CELL)}, {"kind": "answers", **told(ANSWERS)}]
    expected = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={expected}"
    hook.close()
    assert posts.got.empty()


def test_what_is_not_taken_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    posts = Posts(0, 500, 200)
    hook = Webhook("https://example.org/?key=secret", send=posts, pauses_s=(0.001,))
    hook.cells([CELL])
    bodies = [posts.got.get(timeout=LIMIT_S)[0] for _ in range(3)]
    assert len(set(bodies)) == 1
    hook.cells([ANSWERS])
    assert [each["kind"] for each in cells_of(posts.got.get(timeout=LIMIT_S)[0])] == ["answers"]
    hook.close()
    assert caplog.messages == ["webhook: example.org does not take cells (Connection refused); trying again"]


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org", "https://", "https://a:0/", "http://[x"])
def test_addresses_that_cannot_be(url: str) -> None:
    with pytest.raises(ConfigError, match="expected an address such as"):
        Webhook(url)


def test_a_real_server_gets_them_and_redirections_are_not_followed() -> None:
    got: Queue[bytes] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(302 if self.path == "/away" else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    where = f"http://127.0.0.1:{server.server_port}"
    assert post(f"{where}/take", b"{}", {}) == 200
    assert post(f"{where}/away", b"{}", {}) == 302
    assert [got.get(timeout=LIMIT_S), got.get(timeout=LIMIT_S)] == [b"{}", b"{}"]
    server.shutdown()
    server.server_close()
    thread.join(LIMIT_S)


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
def start() -> Iterator[Callable[..., Any]]:
    """Makes sinks, and closes them."""
    mqtt = pytest.importorskip("mien.places.venue_mqtt")
    sinks: list[Any] = []

    def make(url: str, **choices: Any) -> Any:
        sinks.append(mqtt.VenueMqtt(url, **choices))
        return sinks[-1]

    yield make
    for sink in sinks:
        sink.close()


@pytest.mark.program
def test_a_broker_gets_states_cells_and_discovery(
    broker: Broker, listener: Listener, start: Callable[..., Any]
) -> None:
    sink = start(broker.url)
    sink.states([COUNTING])
    assert listener.wait_json("mien/corner/till-1/state") == {"state": "counting", "words": "It counts."}
    sink.cells([CELL, ANSWERS])
    assert listener.wait_json("mien/corner/till-1/visits") == told(CELL)
    assert listener.wait_json("mien/corner/till-1/answers") == told(ANSWERS)
    topics = {each.topic for each in listener.seen}
    assert set(discovery("mien", "corner", "till-1")) <= topics
    sink.states([])
    late = Listener(broker)
    try:
        listener.wait("mien/corner/till-1/answers")  # the empty message that takes it away
        assert late.wait("mien/status").payload == b"online"
    finally:
        late.close()
    sink.close()


@pytest.mark.program
def test_cells_wait_for_the_broker(
    broker: Broker, listener: Listener, start: Callable[..., Any], tmp_path: Path
) -> None:
    sink = start(broker.url, tell=lambda _: None, pauses_s=(0.01,), discover=False)
    sink.states([COUNTING])
    listener.wait("mien/corner/till-1/state")
    listener.close()
    broker.kill()
    sink.cells([CELL])
    broker.start()
    for topic, expected in (("visits", told(CELL)), ("state", {"state": "counting", "words": "It counts."})):
        again = Listener(broker)  # each is retained, in an order of the broker's own
        try:
            assert again.wait_json(f"mien/corner/till-1/{topic}") == expected
        finally:
            again.close()
