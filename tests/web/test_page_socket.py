"""The socket of NiceGUI's own script, with clients that are none."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from nicegui import Client
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect

from mien.web import sockets
from mien.web.app import build_app
from mien.web.page_socket import PageSocket
from web.backend import ORIGIN, WS, FakeLiveSession, TestClient, client, settings

NESTED = "[" * 100_000

WRONG = {
    "text that is no packet": "hello",
    "nothing": "",
    "a digit too many": "9",
    "the numbers of a binary event": '451-["event",{"_placeholder":true,"num":0}]',
    "another namespace": "40/admin,",
    "an event of no name": "42[]",
    "an event that is no list": '42{"a":1}',
    "an event nested too deep": '42["ack",' + NESTED,
    "an event that nobody knows": '42["shutdown",{}]',
    "an event with half a character": '42["ack",{"client_id":"\\ud800","next_message_id":1}]',
    "an acknowledgement of nothing": '42["ack",null]',
    "an acknowledgement without a number": '42["ack",{"client_id":"a"}]',
    "an acknowledgement in words": '42["ack",{"client_id":"a","next_message_id":"many"}]',
    "a number beyond 64 bits": '42["ack",{"client_id":"a","next_message_id":9223372036854775808}]',
    "what is no number": '42["ack",{"client_id":"a","next_message_id":NaN}]',
    "a greeting of nobody": '42["handshake",{}]',
    "a greeting by a list": '42["handshake",[]]',
    "an acknowledgement in base64": "bAAAA",
}


@pytest.fixture(scope="module")
def page() -> Iterator[TestClient]:
    live_session = FakeLiveSession()
    with client(build_app(live_session, settings())) as page:  # type: ignore[arg-type]
        yield page
    live_session.close()


def opened_page(page: TestClient) -> str:
    """Open a page, and give what it is called."""
    answer = page.get("/")
    found = re.search(r"client_id(?:&#34;|\\\"|\"|'): ?(?:&#34;|\\\"|\"|')([0-9a-f-]{36})", answer.text)
    assert found, answer.text
    return found[1]


def address(client_id: str | None, **more: Any) -> str:
    query = {
        "EIO": 4, "transport": "websocket", "client_id": client_id, "tab_id": uuid4(), "document_id": uuid4(),
        "next_message_id": 0, "implicit_handshake": "true", **more,
    }  # fmt: skip
    kept = {name: value for name, value in query.items() if value is not None}
    return f"{WS}/_nicegui_ws/socket.io/?{urlencode(kept)}"


def connect(page: TestClient, where: str) -> Any:
    return page.websocket_connect(where, headers={"origin": ORIGIN, "upgrade": "websocket"})


def greeted(socket: Any) -> str:
    """Say hello as Socket.IO does, and give the answer."""
    assert socket.receive_text().startswith("0{")
    socket.send_text("40")
    return str(socket.receive_text())


def closing(socket: Any) -> tuple[int, str]:
    while (message := socket.receive())["type"] != "websocket.close":
        pass
    return message["code"], message["reason"]


def test_a_page_is_known_by_its_socket(page: TestClient) -> None:
    name = opened_page(page)
    with connect(page, address(name)) as socket:
        assert greeted(socket).startswith("40{")
        assert Client.instances[name].has_socket_connection
        socket.send_text("3")
        socket.send_text(f'42["ack",{json.dumps({"client_id": name, "next_message_id": 3})}]')
        socket.send_text('42["log",{"level":"shout","message":"not heard"}]')
        socket.send_text('42["event",{"id":0}]')
        socket.send_text('42["javascript_response",null]')
        socket.send_text("41")


def test_a_page_that_was_fetched_in_advance_greets_later(page: TestClient) -> None:
    name = opened_page(page)
    with connect(page, address(name, implicit_handshake="false")) as socket:
        assert greeted(socket).startswith("40{")
        greeting = {"client_id": name, "tab_id": "t", "document_id": "d", "next_message_id": 0}
        socket.send_text(f'420["handshake",{json.dumps(greeting)}]')
        assert socket.receive_text() == "430[true]"
        assert Client.instances[name].has_socket_connection


def test_a_page_that_is_not_known_is_told_to_load_anew(page: TestClient) -> None:
    with connect(page, address(str(uuid4()))) as socket:
        assert greeted(socket) == '44{"message":"Implicit handshake failed"}'


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": None},
        {"client_id": ""},
        {"client_id": "../etc"},
        {"client_id": "a" * 65},
        {"tab_id": None},
        {"document_id": None},
        {"document_id": "\ud7ff\0"},
        {"next_message_id": None},
        {"next_message_id": 2**63},
        {"next_message_id": -1},
        {"next_message_id": "NaN"},
        {"implicit_handshake": "perhaps"},
        {"transport": "polling"},
        {"EIO": 3},
    ],
)
def test_an_address_that_is_no_pages_is_refused(page: TestClient, wrong: dict[str, Any]) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        connect(page, address(**{"client_id": opened_page(page), **wrong})),
    ):
        pass
    assert (refused.value.code, refused.value.reason) == (sockets.POLICY, "expected a page's address")


@pytest.mark.parametrize("what", WRONG)
def test_what_no_page_says_ends_the_connection(
    page: TestClient, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    caplog.set_level(logging.WARNING)
    with connect(page, address(opened_page(page))) as socket:
        assert greeted(socket).startswith("40{")
        socket.send_text(WRONG[what])
        assert closing(socket)[0] in (sockets.POLICY, sockets.TOO_LARGE)
    assert caplog.records == []


@pytest.mark.parametrize("data", [b"", b"\0", b"4" * 1000, b"\xff\xfe"])
def test_a_binary_frame_ends_the_connection(
    page: TestClient, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    caplog.set_level(logging.WARNING)
    with connect(page, address(opened_page(page))) as socket:
        assert greeted(socket).startswith("40{")
        socket.send_bytes(data)
        assert closing(socket) == (sockets.UNSUPPORTED, "expected text")
    assert caplog.records == []


async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for NiceGUI where a page is not known."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "44{}"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


@pytest.mark.parametrize("said", [[], ["40"], ["40", "3", "3"]])
def test_one_that_does_not_say_which_page_it_is_is_shown_out(said: list[str]) -> None:
    with connect(TestClient(PageSocket(nobody, greeting_s=0.05)), address(str(uuid4()))) as socket:
        for each in said:
            socket.send_text(each)
        assert closing(socket) == (sockets.POLICY, "expected a message saying which page this is")


@pytest.mark.parametrize(
    "path", ["/_nicegui_ws/socket.io/?EIO=4&transport=polling", "/_nicegui_ws/", "/_nicegui_ws/x"]
)
def test_requests_are_not_held_open(page: TestClient, path: str) -> None:
    assert page.get(path).status_code == 404
    assert page.post(path, content=b"40").status_code == 404


def test_pages_try_nothing_but_a_websocket(page: TestClient) -> None:
    assert "polling" not in page.get("/").text
