"""How many connections there may be, of one address and in all, and how long one may say nothing."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from mien.web.security.sessions import network_of
from mien.web.settings import WebSettings

HEAD_S: Final = 10.0
"""Who has not asked for anything by then, from the connection's beginning on or after an answer, is gone."""


def limited(settings: WebSettings, *, head_s: float = HEAD_S) -> type[asyncio.Protocol]:
    """Make Uvicorn's protocol with limits; a WebSocket's connection begins with it too.

    Args:
        settings: how many connections there may be.
        head_s: how long the beginning of a request may take.
    """

    class Connection(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen by what is installed
        _refused = False
        _seen: object = None
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            there = [_network(each.transport) for each in self.connections]
            if there.count(_network(transport)) >= settings.max_connections_each:
                self._refuse(
                    transport, "429 Too Many Requests", "there are too many connections from your address"
                )
            elif len(there) >= settings.max_connections:
                self._refuse(transport, "503 Service Unavailable", "there are too many connections")
            else:
                super().connection_made(transport)
                self._look_again()

        def data_received(self, data: bytes) -> None:
            if not self._refused:
                super().data_received(data)

        def eof_received(self) -> None:
            if not self._refused:
                super().eof_received()

        def connection_lost(self, exc: Exception | None) -> None:
            if self._timer is not None:
                self._timer.cancel()
            if not self._refused:
                super().connection_lost(exc)

        def _refuse(self, transport: Any, status: str, why: str) -> None:
            self._refused = True
            body = f"Mien: {why}; try again in a few seconds.\n"
            head = (
                f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}"
            )
            transport.write(f"{head}\r\nRetry-After: 5\r\nConnection: close\r\n\r\n{body}".encode())
            transport.close()

        def _look_again(self) -> None:
            self._timer = asyncio.get_running_loop().call_later(head_s, self._look)

        def _look(self) -> None:
            """End a connection that has waited for a request since the last look."""
            if (
                self.transport.is_closing() or self.transport.get_protocol() is not self
            ):  # it is a WebSocket's
                return
            waits = self.cycle is None or self.cycle.response_complete
            if waits and self._seen is self.cycle:
                self.transport.close()
                return
            self._seen = self.cycle if waits else self
            self._look_again()

    return Connection


def _network(transport: Any) -> str:
    peer = transport.get_extra_info("peername")
    return network_of(str(peer[0])) if peer else ""
