"""What both WebSockets have in common: leaving with a reason, and what ends with the connection.

`/ws/camera` (camera_socket.py) takes frames in and answers with readings; `/ws/watch` (watch_socket.py) shows
a source of the server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from mien.live.session import LiveSession
from mien.live.status import SourceStatus
from mien.web.answers import to_json

BROWSERS_CAMERA: Final = "browser's camera"
"""Where a browser's camera is, as its status says; no other page may watch it."""

GOING_AWAY, UNSUPPORTED, POLICY, TOO_LARGE = 1001, 1003, 1008, 1009
"""Why a connection is closed, by RFC 6455: nothing more comes, the kind of a message, a rule, its size."""

SEND_S: Final = 10.0
"""Who takes no message for so long is gone."""

HERE: Final = {"type": "here"}
"""What a page says that has nothing to say, so that it isn't taken for gone."""

_CLOSE_S: Final = 1.0
_LONGEST_TEXT: Final = 1000

STATUS_S: Final = 0.25
"""A status in a reading's message is at most so old."""


class CloseConnection(Exception):  # noqa: N818 - it is no error of ours
    """Closes the connection.

    Args:
        code: by RFC 6455.
        reason: in a few words, at most 120 bytes.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Statuses:
    """A source's status, asked for anew only when the last is old.

    Args:
        live_session: is asked.
        name: of the source.
    """

    def __init__(self, live_session: LiveSession, name: str) -> None:
        self._live_session = live_session
        self._name = name
        self._asked_s = -STATUS_S
        self._status: SourceStatus | None = None

    def get(self) -> SourceStatus:
        """Return the status.

        Raises:
            CloseConnection: the source is gone.
        """
        now_s = asyncio.get_running_loop().time()
        if now_s - self._asked_s >= STATUS_S or self._status is None:
            self._asked_s = now_s
            self._status = next(
                (each for each in self._live_session.statuses() if each.name == self._name), None
            )
        if self._status is None:
            raise CloseConnection(GOING_AWAY, "the source was removed")
        return self._status


async def converse(websocket: WebSocket, conversation: Coroutine[Any, Any, None]) -> None:
    """Have a conversation, and close the connection properly when it ends in a `CloseConnection`."""
    try:
        await conversation
    except CloseConnection as close:
        await _close(websocket, close.code, close.reason)
    except TimeoutError:
        await _close(websocket, POLICY, "nothing was received, or the answers were not read")
    except WebSocketDisconnect:
        pass  # the other side has left


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    # It may be closed meanwhile, or not even take this any more.
    with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
        await within(_CLOSE_S, websocket.close(code, reason))


async def until_one_ends(*works: Coroutine[Any, Any, None]) -> None:
    """Run several at once; when one ends or fails, the others are cancelled, and its error is raised."""
    tasks = [asyncio.create_task(work) for work in works]
    for task in tasks:  # of two that fail at once, only one can be raised
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        # Not gather, which would hide from a surrounding cancel scope that it was the one who cancelled.
        await asyncio.wait(tasks)
    for task in done:
        task.result()


async def send_json(websocket: WebSocket, message: dict[str, Any]) -> None:
    """Send a message as text.

    Raises:
        TimeoutError: the other side doesn't take it.
    """
    await within(SEND_S, websocket.send_text(to_json(message).decode()))


async def within(seconds: float, work: Awaitable[None]) -> None:
    """Wait for something to be done.

    Raises:
        TimeoutError: it takes longer.
    """
    async with asyncio.timeout(seconds):
        await work


async def receive(websocket: WebSocket, silent_s: float | None = None) -> str | bytes:
    """Wait for the next message, text or binary.

    Args:
        websocket: an open one.
        silent_s: how long to wait; None waits on.

    Raises:
        CloseConnection: nothing came for so long.
        WebSocketDisconnect: the other side has left.
    """
    try:
        async with asyncio.timeout(silent_s):
            message = await websocket.receive()
    except TimeoutError:
        raise CloseConnection(POLICY, f"nothing was received for {silent_s:g} s") from None
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code") or 1005, message.get("reason"))
    data: bytes | None = message.get("bytes")
    text: str | None = message.get("text")
    return data if data is not None else text or ""


async def receive_text(websocket: WebSocket, silent_s: float | None = None) -> dict[str, Any]:
    """Wait for the next message, which has to be a JSON object in text.

    Args:
        websocket: an open one.
        silent_s: how long to wait; None waits on.

    Raises:
        CloseConnection: it is something else, too long, or nothing came for so long.
        WebSocketDisconnect: the other side has left.
    """
    message = await receive(websocket, silent_s)
    if isinstance(message, bytes):
        raise CloseConnection(UNSUPPORTED, "expected text")
    return as_object(message)


def as_object(message: str) -> dict[str, Any]:
    """Read a message, which has to be a JSON object.

    Raises:
        CloseConnection: it is something else, or too long.
    """
    if len(message) > _LONGEST_TEXT:
        raise CloseConnection(TOO_LARGE, "the message is too large")
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CloseConnection(POLICY, "expected a JSON object")
    return value
