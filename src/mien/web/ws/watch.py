"""`/ws/watch`: shows a source of the server, picture and reading, as fast as the page can draw."""

from __future__ import annotations

import asyncio
import struct
from typing import Final

from starlette.websockets import WebSocket

from mien.live.broadcaster import Mailbox
from mien.live.reading import Reading
from mien.live.session import LiveSession
from mien.web.answers import to_json
from mien.web.ws.connection import (
    BROWSERS_CAMERA,
    GOING_AWAY,
    HERE,
    POLICY,
    SEND_S,
    CloseConnection,
    Statuses,
    converse,
    receive_text,
    send_json,
    until_one_ends,
    within,
)
from mien.web.ws.jpeg import encode_jpeg

WIDEST: Final = 960
"""A wider picture is made so many pixels wide."""

_MOST_UNDRAWN: Final = 2
_STATUS_S: Final = 1.0
_LENGTH: Final = struct.Struct("<I")


async def watch(websocket: WebSocket, live_session: LiveSession, silent_s: float = 120.0) -> None:
    """Serve one connection until either side leaves.

    Args:
        websocket: not accepted yet.
        live_session: whose sources may be watched.
        silent_s: a page of which nothing comes for so long is gone.
    """
    await websocket.accept()
    await converse(websocket, _talk(websocket, live_session, silent_s))


async def _talk(websocket: WebSocket, live_session: LiveSession, silent_s: float) -> None:
    name = websocket.query_params.get("source", "")
    if name not in {status.name for status in live_session.statuses() if status.where != BROWSERS_CAMERA}:
        reason = "there is no such source"
        await send_json(websocket, {"type": "refused", "reason": reason})
        raise CloseConnection(POLICY, reason)
    watcher = _Watcher(websocket, live_session, name, silent_s)
    with live_session.broadcaster.subscribe([name], watcher.wake) as mailbox:
        await until_one_ends(watcher.take_in(), watcher.show(mailbox), watcher.tell())


class _Watcher:
    """One connection: how many pictures are under way to it."""

    def __init__(self, websocket: WebSocket, live_session: LiveSession, name: str, silent_s: float) -> None:
        self._websocket = websocket
        self._silent_s = silent_s
        self._statuses = Statuses(live_session, name)
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._undrawn: list[int] = []
        self._sending = asyncio.Lock()

    def wake(self) -> None:
        """Have the mailbox looked into; from any thread."""
        self._loop.call_soon_threadsafe(self._news.set)

    async def take_in(self) -> None:
        """Note which pictures are drawn."""
        while True:
            message = await receive_text(self._websocket, self._silent_s)
            if message == HERE:
                continue
            frame = message.get("frame")
            if message.get("type") != "ack" or not isinstance(frame, int):
                raise CloseConnection(POLICY, "expected an ack with a frame's number")
            self._undrawn = [each for each in self._undrawn if each > frame]
            self._news.set()

    async def show(self, mailbox: Mailbox[Reading]) -> None:
        """Send the newest reading while few are under way; what came in between is gone."""
        while True:
            await self._news.wait()
            self._news.clear()
            if mailbox.closed:
                raise CloseConnection(GOING_AWAY, "the server is shutting down")
            if len(self._undrawn) < _MOST_UNDRAWN and (reading := mailbox.take(0)) is not None:
                self._undrawn.append(reading.frame.index)
                await self._send(reading)

    async def tell(self) -> None:
        """Send the status every second, whether or not there are pictures."""
        while True:
            async with self._sending:
                await send_json(self._websocket, {"type": "status", **self._statuses.get().as_dict()})
            await asyncio.sleep(_STATUS_S)

    async def _send(self, reading: Reading) -> None:
        jpeg = await asyncio.to_thread(encode_jpeg, reading.frame.image, widest=WIDEST)
        message = {
            "type": "reading",
            "reading": reading.as_dict(landmarks=True),
            "status": self._statuses.get().as_dict(),
        }
        text = to_json(message)
        async with self._sending:
            await within(SEND_S, self._websocket.send_bytes(_LENGTH.pack(len(text)) + text + jpeg))
