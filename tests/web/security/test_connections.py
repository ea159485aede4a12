"""Limits on connections, over the wire; no test waits longer than it has to."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as websocket

from mien.web import serve
from mien.web.app import build_backend
from mien.web.security.connections import limited
from mien.web.serve import Server
from patience import LIMIT_S
from web.backend import FakeLiveSession, settings

BRIEFLY_S = 0.05
SILENT_S = 1.5


@contextmanager
def served(live_session: FakeLiveSession, **choices: float) -> Iterator[int]:
    """Serve the API, and give its port."""
    chosen = settings(port=0, **choices)
    with Server(build_backend(live_session, chosen), chosen) as server:  # type: ignore[arg-type]
        yield int(server.start().rsplit(":", 1)[1].strip("/"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server waits for a request's head but briefly."""
    monkeypatch.setattr(serve, "limited", lambda chosen: limited(chosen, head_s=BRIEFLY_S))


def connect(port: int, address: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S, source_address=(address, 0))


def ask(connection: socket.socket, port: int) -> bytes:
    connection.sendall(f"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return connection.recv(65536)


@contextmanager
def answered(port: int) -> Iterator[socket.socket]:
    """Open a connection and have it answered; a busy machine may ask too late, so that it is ended before."""
    while True:
        with closing(connect(port)) as connection:
            try:
                told = ask(connection, port)
            except OSError:
                continue
            if b" 200 " in told:
                yield connection
                return


def rest(connection: socket.socket) -> bytes:
    """Read until the server closes."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def held(stack: ExitStack, port: int, count: int, address: str = "127.0.0.1") -> list[socket.socket]:
    """Open connections that are answered once, and stay."""
    made = [stack.enter_context(closing(connect(port, address))) for _ in range(count)]
    for each in made:
        assert b" 200 " in ask(each, port)
    return made


def test_one_address_has_no_more_connections_than_it_may(live_session: FakeLiveSession) -> None:
    with served(live_session, max_connections_each=3) as port, ExitStack() as stack:
        first = held(stack, port, 3)[0]
        with closing(connect(port)) as one_more:
            said = rest(one_more).decode()
        head, _, words = said.partition("\r\n\r\n")
        assert head.startswith("HTTP/1.1 429 Too Many Requests")
        assert (
            words == "Mien: there are too many connections from your address; try again in a few seconds.\n"
        )
        assert f"Content-Length: {len(words)}" in head
        held(stack, port, 3, "127.0.0.2")  # another address has its own
        first.close()
        with closing(connect(port)) as again:
            # Its place is free as soon as the server has heard of it.
            while b" 200 " not in ask(again, port):
                again.close()
                again = connect(port)


def test_all_together_have_no_more_connections_than_there_may_be(live_session: FakeLiveSession) -> None:
    with served(live_session, max_connections=4, max_connections_each=3) as port, ExitStack() as stack:
        held(stack, port, 3)
        held(stack, port, 1, "127.0.0.2")
        with closing(connect(port, "127.0.0.3")) as one_more:
            said = rest(one_more).decode()
        assert said.startswith("HTTP/1.1 503 Service Unavailable")
        assert said.endswith("Mien: there are too many connections; try again in a few seconds.\n")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("beginning", ["", "G", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-More: "])
def test_a_connection_that_does_not_ask_is_ended(live_session: FakeLiveSession, beginning: str) -> None:
    with served(live_session) as port, closing(connect(port)) as silent:
        with suppress(OSError):  # it may be over already
            silent.sendall(beginning.encode())
        assert rest(silent) == b""


@pytest.mark.usefixtures("impatient")
def test_one_that_was_answered_and_begins_again_without_an_end_is_ended(
    live_session: FakeLiveSession,
) -> None:
    with served(live_session) as port, answered(port) as slow:
        with suppress(OSError):  # it may be over already
            slow.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost:")
        # The first answer's body may come after its head; there is no second answer.
        assert b"HTTP/" not in rest(slow)


def opened(port: int) -> ClientConnection:
    """Open a camera's WebSocket; as in `answered`, the server may be quicker than its head."""
    while True:
        try:
            return websocket(f"ws://127.0.0.1:{port}/ws/camera", origin=f"http://127.0.0.1:{port}")
        except (OSError, WebSocketException):
            continue


@pytest.mark.usefixtures("impatient", "research")
def test_a_websocket_has_its_own_time(live_session: FakeLiveSession) -> None:
    """It ends by what it says, later than a connection without a request would."""
    with served(live_session, silent_seconds=SILENT_S) as port, opened(port) as camera:
        camera.send(json.dumps({"type": "hello", "name": "browser"}))
        assert json.loads(camera.recv(LIMIT_S))["type"] == "ready"
        with pytest.raises(ConnectionClosed) as caught:
            camera.recv(LIMIT_S)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.reason == f"nothing was received for {SILENT_S} s"
