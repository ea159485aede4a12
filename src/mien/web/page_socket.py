"""The socket of NiceGUI's own script: what comes through it is looked at before NiceGUI sees it.

By it a page says that it is there, and NiceGUI could tell it of changes. Our pages have no elements that ask
the server, so that a greeting, a sign of life and an acknowledgement are all that their script sends. Only
WebSockets are served: Socket.IO's other transport holds requests open and takes them in unchecked.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

from pydantic import BaseModel, Field, ValidationError
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.web.sockets import POLICY, TOO_LARGE, UNSUPPORTED, CloseConnection

PATH: Final = "/_nicegui_ws/"

GREETING_S: Final = 10.0
"""Who has not said by then which page it is, one that is known here, is shown out."""

_LONGEST: Final = 4000
_SIGNS: Final = frozenset({"1", "3", "40", "41"})
"""By Engine.IO and Socket.IO: the end, a sign of life, a connection, its end."""

_EVENT: Final = re.compile(r"42[0-9]{0,9}(\[.*)", re.DOTALL)
_CONNECTED: Final = "40"
_GREETED: Final = re.compile(r"43[0-9]{1,9}\[true\]")

_Word = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9-]*$")]
_Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class _Greeting(BaseModel):
    """Which page it is; in the address, or in an event of its own where a page was fetched in advance."""

    client_id: _Word
    tab_id: _Word
    document_id: _Word
    next_message_id: _Count
    old_tab_id: _Word | None = None
    implicit_handshake: bool = False


class _Address(_Greeting):
    EIO: Literal["4"]
    transport: Literal["websocket"]


class _Acknowledgement(BaseModel):
    client_id: _Word
    next_message_id: _Count


_EVENTS: Final[dict[str, type[BaseModel]]] = {"handshake": _Greeting, "ack": _Acknowledgement}
_UNHEARD: Final = frozenset({"log", "event", "javascript_response"})
"""What NiceGUI's script may say too, and none of our pages needs."""


class PageSocket:
    """ASGI middleware around NiceGUI's socket.

    Args:
        app: with NiceGUI mounted in it.
        greeting_s: how long a page may take to say which it is.
    """

    def __init__(self, app: ASGIApp, greeting_s: float = GREETING_S) -> None:
        self._app = app
        self._greeting_s = greeting_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a page's own script talk to NiceGUI."""
        if scope["type"] not in ("http", "websocket") or not scope["path"].startswith(PATH):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse("Expected a WebSocket.", 404)(scope, receive, send)
        elif (address := _address(scope)) is None:
            await receive()
            await send({"type": "websocket.close", "code": POLICY, "reason": "expected a page's address"})
        else:
            talk = _Talk(receive, send, self._greeting_s, greets_by_address=address.implicit_handshake)
            await self._app(scope, talk.receive, talk.send)


class _Talk:
    """One connection.

    Args:
        receive: what comes.
        send: what goes.
        greeting_s: how long a page may take to say which it is.
        greets_by_address: whether its address has said it.
    """

    def __init__(self, receive: Receive, send: Send, greeting_s: float, *, greets_by_address: bool) -> None:
        self._receive = receive
        self._send = send
        self._until_s: float | None = asyncio.get_running_loop().time() + greeting_s
        self._greets_by_address = greets_by_address
        self._closed = False

    async def send(self, message: Message) -> None:
        """Pass on what NiceGUI says; its answer to a greeting is heard."""
        if self._closed:
            return
        self._closed = message["type"] == "websocket.close"
        text = message.get("text") or ""
        if text.startswith(_CONNECTED) if self._greets_by_address else _GREETED.fullmatch(text):
            self._until_s = None
        await self._send(message)

    async def receive(self) -> Message:
        """Give the next message that NiceGUI may hear; where it is none of a page's, the end."""
        try:
            while True:
                async with asyncio.timeout_at(self._until_s):
                    message = await self._receive()
                if message["type"] != "websocket.receive" or _is_heard(message):
                    return message
        except TimeoutError:
            return await self._close(CloseConnection(POLICY, "expected a message saying which page this is"))
        except CloseConnection as close:
            return await self._close(close)

    async def _close(self, close: CloseConnection) -> Message:
        await self.send({"type": "websocket.close", "code": close.code, "reason": close.reason})
        return {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}


def _address(scope: Scope) -> _Address | None:
    try:
        return _Address.model_validate(dict(parse_qsl(scope["query_string"].decode("ascii"))))
    except ValueError:  # of the query too, where it is no text
        return None


def _is_heard(message: Message) -> bool:
    """Say whether NiceGUI is to hear a message.

    Raises:
        CloseConnection: no page's script says that.
    """
    text = message.get("text")
    if text is None:
        raise CloseConnection(UNSUPPORTED, "expected text")
    if len(text) > _LONGEST:
        raise CloseConnection(TOO_LARGE, "the message is too large")
    if text in _SIGNS:
        return True
    name, value = _event(text)
    if name in _UNHEARD:
        return False
    try:
        _EVENTS[name].model_validate(value)
    except (KeyError, ValidationError):
        raise CloseConnection(POLICY, "expected what the page's own script says") from None
    return True


def _event(text: str) -> tuple[str, Any]:
    """Give an event's name and what it says."""
    found = _EVENT.fullmatch(text)
    try:
        parts = json.loads(found[1]) if found else None
    except (ValueError, RecursionError):
        parts = None
    match parts:
        case [str(name), value]:
            return name, value
        case _:
            raise CloseConnection(POLICY, "expected an event")
