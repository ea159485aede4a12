"""`/ws/signals`: what all sensors of the body say, and how they are doing; first the last minutes.

Now and then also how face and body go together.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.websockets import WebSocket

from mien.live.session import LiveSession
from mien.live.together import together_message
from mien.moments import utc
from mien.web.ws.connection import (
    GOING_AWAY,
    HERE,
    POLICY,
    CloseConnection,
    converse,
    receive_text,
    send_json,
    until_one_ends,
)

if TYPE_CHECKING:
    from mien.live.broadcaster import Mailbox
    from mien.signals.stream.types import SignalReading

_STATUS_S: Final = 1.0
_TOGETHER_S: Final = 10.0
_WAVES_S: Final = 10.0
"""So much of the waves a page that comes later gets at once."""


async def watch_signals(websocket: WebSocket, live_session: LiveSession, silent_s: float = 120.0) -> None:
    """Serve one connection until either side leaves.

    Args:
        websocket: not accepted yet.
        live_session: whose sensors are told of.
        silent_s: a page of which nothing comes for so long is gone.
    """
    await websocket.accept()
    await converse(websocket, _talk(websocket, live_session, silent_s))


async def _talk(websocket: WebSocket, live_session: LiveSession, silent_s: float) -> None:
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:  # from the sensors' threads
        loop.call_soon_threadsafe(news.set)

    with live_session.signals.subscribe(None, wake) as mailbox:
        await _tell_past(websocket, live_session)
        sending = asyncio.Lock()
        await until_one_ends(
            _take_in(websocket, silent_s),
            _show(websocket, mailbox, news, sending),
            _tell_states(websocket, live_session, sending),
            _tell_together(websocket, live_session, sending),
        )


async def _tell_past(websocket: WebSocket, live_session: LiveSession) -> None:
    """Send what was said in the last minutes, and the newest waves; with the server's clock beside it."""
    history = live_session.signal_history
    names = [status.name for status in live_session.signal_statuses()]
    now_s = time.time()
    past = [reading.as_dict(waves=False) for name in names for reading in history.fresh(name)]
    newest = [
        reading.as_dict() for name in names for reading in history.recent(name)
        if reading.at_s >= now_s - _WAVES_S
    ]  # fmt: skip
    await send_json(websocket, {"type": "history", "now": utc(now_s), "readings": [*past, *newest]})


async def _take_in(websocket: WebSocket, silent_s: float) -> None:
    """Listen until the page leaves or falls silent; it has nothing to say but that it is there."""
    while True:
        if await receive_text(websocket, silent_s) != HERE:
            raise CloseConnection(POLICY, "expected nothing but that the page is there")


async def _show(
    websocket: WebSocket, mailbox: Mailbox[SignalReading], news: asyncio.Event, sending: asyncio.Lock
) -> None:
    """Send each reading; a page that is slow gets the newest of each sensor."""
    while True:
        await news.wait()
        news.clear()
        while (reading := mailbox.take(0)) is not None:
            async with sending:
                await send_json(websocket, reading.as_dict())
        if mailbox.closed:
            raise CloseConnection(GOING_AWAY, "the server is shutting down")


async def _tell_states(websocket: WebSocket, live_session: LiveSession, sending: asyncio.Lock) -> None:
    """Send every second how each sensor is doing, whether or not there are readings."""
    while True:
        sensors = [status.as_dict() for status in live_session.signal_statuses()]
        async with sending:
            await send_json(websocket, {"type": "sensors", "sensors": sensors})
        await asyncio.sleep(_STATUS_S)


async def _tell_together(websocket: WebSocket, live_session: LiveSession, sending: asyncio.Lock) -> None:
    """Send how face and body go together, where it is new; of hours it takes long to work out."""
    sent: list[str] = []
    while True:
        told = await asyncio.to_thread(live_session.together)
        message = together_message(time.time(), told, live_session.body_courses)
        if message["said"] != sent:
            sent = message["said"]
            async with sending:
                await send_json(websocket, message)
        # The first words stand for two minutes; before them a page has nothing to show.
        await asyncio.sleep(_TOGETHER_S if sent else _STATUS_S)
