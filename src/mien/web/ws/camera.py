"""`/ws/camera`: the browser's camera. Frames come in, each is answered, and the newest one wins."""

from __future__ import annotations

import asyncio
import itertools
import math
import re
import struct
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from starlette.websockets import WebSocket

from mien.errors import ConfigError
from mien.live.broadcaster import Mailbox
from mien.live.purpose import read_purpose
from mien.live.reading import Reading
from mien.live.session import LiveSession
from mien.live.status import OVER
from mien.source.pushed import PushedSource
from mien.web.security.access import USER
from mien.web.ws.connection import (
    BROWSERS_CAMERA,
    GOING_AWAY,
    HERE,
    POLICY,
    TOO_LARGE,
    UNSUPPORTED,
    CloseConnection,
    Statuses,
    as_object,
    converse,
    receive,
    receive_text,
    send_json,
    until_one_ends,
)
from mien.web.ws.jpeg import LARGEST_BYTES, decode_jpeg

_HEADER: Final = struct.Struct("<IId")
_HELLO_S: Final = 10.0
_LOOK_S: Final = 1.0
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_MOST_HZ: Final = 120
"""No camera is faster, so who sends more is none."""

_LATEST_MS: Final = 1e15
_MOST_ANSWERS: Final = 256
"""Answers that wait for somebody who does not take them."""


class Cameras:
    """Accepts browsers' cameras.

    Args:
        live_session: reads their faces.
        most: cameras at the same time.
        silent_s: a camera of which nothing comes for so long is gone.
    """

    def __init__(self, live_session: LiveSession, most: int, silent_s: float = 120.0) -> None:
        self._live_session = live_session
        self._most = most
        self._silent_s = silent_s
        self._open = 0
        self._numbers = itertools.count(1)
        self._owners: dict[str, str | None] = {}

    def owner(self, source: str) -> str | None:
        """Return the name of the user whose browser's camera a source is; None where nobody is named."""
        return self._owners.get(source)

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one connection until either side leaves."""
        await websocket.accept()
        await converse(websocket, self._talk(websocket))

    async def _talk(self, websocket: WebSocket) -> None:
        async with asyncio.timeout(_HELLO_S):
            hello = await receive_text(websocket)
        name = hello.get("name")
        if hello.get("type") != "hello" or not isinstance(name, str) or not _NAME.fullmatch(name):
            raise CloseConnection(POLICY, "expected a hello with a name")
        if await asyncio.to_thread(read_purpose) is None:
            await _refuse(websocket, "choose first what Mien is used for")
        if self._open >= self._most:
            await _refuse(websocket, f"no more than {self._most} cameras at once; close another first")
        self._open += 1
        try:
            await self._run(websocket, name)
        finally:
            self._open -= 1

    async def _run(self, websocket: WebSocket, prefix: str) -> None:
        camera = _Camera(websocket, asyncio.get_running_loop(), self._silent_s)
        source = self._add(camera, prefix)
        self._owners[source.name] = websocket.scope.get(USER)
        try:
            with self._live_session.broadcaster.subscribe([source.name], camera.wake) as mailbox:
                await send_json(websocket, {"type": "ready", "source": source.name})
                statuses = Statuses(self._live_session, source.name)
                await until_one_ends(
                    camera.take_in(),
                    camera.decode(source),
                    camera.answer(mailbox, statuses),
                    camera.look_after(statuses),
                )
        finally:
            self._live_session.remove(source.name)
            del self._owners[source.name]

    def _add(self, camera: _Camera, prefix: str) -> PushedSource:
        """Add a source under the next name that is free."""
        while True:
            source = PushedSource(f"{prefix}-{next(self._numbers)}", dropped=camera.dropped)
            if source.name not in {status.name for status in self._live_session.statuses()}:
                break
        try:
            # Not started again: its frames are those of this connection.
            self._live_session.add(source.name, lambda: source, where=BROWSERS_CAMERA, restart=False)
        except ConfigError as error:
            raise CloseConnection(POLICY, str(error)[:120]) from error
        return source


async def _refuse(websocket: WebSocket, reason: str) -> None:
    await send_json(websocket, {"type": "refused", "reason": reason})
    raise CloseConnection(POLICY, reason)


@dataclass(frozen=True, slots=True)
class _Picture:
    sequence: int
    captured_ms: float
    jpeg: bytes


class _Camera:
    """One connection: what came in and was not decoded yet, what was not answered yet.

    One task takes in, one decodes in a thread, one answers. Each holds one picture at most, so that a flood
    costs no more memory than a trickle.
    """

    def __init__(self, websocket: WebSocket, loop: asyncio.AbstractEventLoop, silent_s: float) -> None:
        self._websocket = websocket
        self._loop = loop
        self._silent_s = silent_s
        self._newest: _Picture | None = None
        self._came = asyncio.Event()
        self._news = asyncio.Event()
        self._dropped: deque[int] = deque()
        self._pushed: dict[int, _Picture] = {}
        self._recent_s: deque[float] = deque(maxlen=_MOST_HZ)

    def wake(self) -> None:
        """Have the answers looked after; from any thread."""
        self._loop.call_soon_threadsafe(self._news.set)

    def dropped(self, index: int) -> None:
        """Note that nobody will see a frame of the source; from any thread."""
        with suppress(RuntimeError):  # the loop is closed, so nobody waits for an answer
            self._loop.call_soon_threadsafe(self._drop, index)

    async def take_in(self) -> None:
        """Take the pictures that come; a newer one takes the place of one that is not decoded yet."""
        while True:
            message = await receive(self._websocket, self._silent_s)
            self._check_rate()
            if isinstance(message, str):
                if message.startswith("{") and as_object(message) == HERE:
                    continue
                raise CloseConnection(UNSUPPORTED, "expected a picture, received text")
            if len(self._dropped) >= _MOST_ANSWERS:
                raise CloseConnection(POLICY, "the answers are not being read")
            if self._newest is not None:
                self._give_up(self._newest)
            self._newest = _parse(message)
            self._came.set()

    async def decode(self, source: PushedSource) -> None:
        """Decode the newest picture, and push it into the source."""
        for index in itertools.count():
            await self._came.wait()
            self._came.clear()
            picture, self._newest = self._newest, None
            assert picture is not None
            # Noted before it is pushed: its reading may be there before the thread is back.
            self._pushed[index] = _Picture(picture.sequence, picture.captured_ms, b"")
            try:
                await asyncio.to_thread(_push, source, picture)
            except ValueError as error:
                raise CloseConnection(POLICY, str(error)) from None

    async def answer(self, mailbox: Mailbox[Reading], statuses: Statuses) -> None:
        """Answer each picture: with its reading, or that a newer one won."""
        while True:
            await self._news.wait()
            self._news.clear()
            while (reading := mailbox.take(0)) is not None:
                await self._answer(reading, statuses)
            while self._dropped:
                await send_json(self._websocket, {"type": "dropped", "sequence": self._dropped.popleft()})
            if mailbox.closed:
                raise CloseConnection(GOING_AWAY, "the server is shutting down")

    async def look_after(self, statuses: Statuses) -> None:
        """Leave when the source has ended, or was taken away."""
        while (status := statuses.get()).state not in OVER:
            await asyncio.sleep(_LOOK_S)
        raise CloseConnection(GOING_AWAY, (status.note or "the camera was stopped")[:120])

    async def _answer(self, reading: Reading, statuses: Statuses) -> None:
        # A frame before this one has no answer to come: its reading gave way to this one.
        for index in [index for index in self._pushed if index < reading.frame.index]:
            self._drop(index)
        picture = self._pushed.pop(reading.frame.index, None)
        if picture is None:
            return
        message: dict[str, Any] = {
            "type": "reading",
            "sequence": picture.sequence,
            "captured_ms": picture.captured_ms,
            "reading": reading.as_dict(landmarks=True),
            "status": statuses.get().as_dict(),
        }
        await send_json(self._websocket, message)

    def _drop(self, index: int) -> None:
        if (picture := self._pushed.pop(index, None)) is not None:
            self._give_up(picture)

    def _give_up(self, picture: _Picture) -> None:
        self._dropped.append(picture.sequence)
        self._news.set()

    def _check_rate(self) -> None:
        now_s = self._loop.time()
        if len(self._recent_s) == _MOST_HZ and now_s - self._recent_s[0] < 1:
            raise CloseConnection(POLICY, f"more than {_MOST_HZ} pictures a second")
        self._recent_s.append(now_s)


def _parse(message: bytes) -> _Picture:
    if len(message) > _HEADER.size + LARGEST_BYTES:
        raise CloseConnection(TOO_LARGE, f"expected a picture of at most {LARGEST_BYTES} bytes")
    if len(message) <= _HEADER.size:
        raise CloseConnection(POLICY, "expected 16 bytes and a JPEG")
    sequence, reserved, captured_ms = _HEADER.unpack_from(message)
    if reserved or not math.isfinite(captured_ms) or not 0 <= captured_ms < _LATEST_MS:
        raise CloseConnection(POLICY, "expected a number, a zero and a time before the JPEG")
    return _Picture(sequence, captured_ms, message[_HEADER.size :])


def _push(source: PushedSource, picture: _Picture) -> None:
    source.push(decode_jpeg(picture.jpeg), picture.captured_ms / 1000)
