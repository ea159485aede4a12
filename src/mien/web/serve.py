"""Runs the page: a server in a thread, and what the terminal says about it."""

from __future__ import annotations

import logging
import os
import socket
import ssl
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from threading import Event, Thread, current_thread
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp

from mien.errors import ConfigError, MienError
from mien.live.ending import told_to_end
from mien.live.session import LiveSession
from mien.web.api.venues import Running
from mien.web.app import build_app
from mien.web.security.access import Records, opening
from mien.web.security.connections import limited
from mien.web.settings import WebSettings, is_loopback

_CLOSE_S: Final = 0.2
_JOIN_S: Final = 2.0
_LOOK_S: Final = 0.5
_LARGEST_MESSAGE: Final = 2_100_000
"""Bytes of a WebSocket's message: a picture of 2 MB and what stands before it."""


class Server:
    """Serves an app in a thread of its own.

    Args:
        app: any ASGI app.
        settings: where to listen, and with which certificate.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._settings = settings
        self._server = _Uvicorn(_config(app, settings))
        self._socket: socket.socket | None = None
        self._thread: Thread | None = None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> str:
        """Listen, and come back when requests are answered.

        Returns:
            The page's address, such as "http://127.0.0.1:8470/".

        Raises:
            ConfigError: the address can't be listened on.
            MienError: the server did not start.
        """
        self._socket = _listen(self._settings)
        port = self._socket.getsockname()[1]
        self._thread = Thread(target=self._run, args=(self._socket,), name="mien page", daemon=True)
        self._thread.start()
        while not self._server.ready.wait(0.1) and self._thread.is_alive():
            pass
        if not self._server.started:
            self.close()
            raise MienError("the page's server did not start; --debug shows why")
        return f"{'https' if self._settings.tls else 'http'}://{_shown_host(self._settings.host)}:{port}/"

    def close(self) -> None:
        """Stop listening, end all connections, and wait for the thread; within a second, safe twice."""
        # Connections are cut off on purpose now, which is not worth a line each.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._server.should_exit = True
        if self._thread is not None and self._thread is not current_thread():
            self._thread.join(_JOIN_S)
        if self._socket is not None:
            self._socket.close()

    def _run(self, listening: socket.socket) -> None:
        with suppress(SystemExit):  # which is how Uvicorn says that the app did not start
            self._server.run([listening])


class _Uvicorn(uvicorn.Server):
    """Uvicorn's server, which can be waited for.

    Attributes:
        ready: is set when it answers requests.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer."""
        await super().startup(sockets)
        self.ready.set()


def _config(app: ASGIApp, settings: WebSettings) -> uvicorn.Config:
    def context(*_: Any) -> ssl.SSLContext:
        return settings.tls_context()

    return uvicorn.Config(
        app,
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # anybody can write them, and attempts to log in are counted by address
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,  # pictures don't get smaller
        ws_ping_interval=10.0,
        ws_ping_timeout=10.0,
        http=limited(settings),
        timeout_graceful_shutdown=_CLOSE_S,  # type: ignore[arg-type]  # it waits for a part of a second, too
        ssl_context_factory=context if settings.tls else None,
    )


def _listen(settings: WebSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror or error}); "
            "choose another with --port or --host"
        ) from error


def _shown_host(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def run_page(
    live_session: LiveSession,
    settings: WebSettings,
    open_browser: bool = True,
    *,
    store: str | None = None,
    running: Running | None = None,
    say: Callable[[str], None] = lambda line: print(line, flush=True),
) -> None:
    """Show the page until Ctrl-C, or until the system asks to end; then close all, the live session too.

    Args:
        live_session: whose sources the page shows.
        settings: of the server.
        open_browser: opens a browser when a person is at the terminal.
        store: where the record lies; where the settings of this machine say, when None.
        running: what runs the stations of venues; its owner closes it.
        say: takes each line for the terminal.

    Raises:
        ConfigError: the address can't be listened on.
    """
    records = Records(opening(store))
    server = Server(build_app(live_session, settings, records=records, running=running), settings)
    with closing(live_session), server, told_to_end() as told:
        address = server.start()
        for line in _greeting(address, settings):
            say(line)
        if open_browser and _person_is_there():
            webbrowser.open(address)
        while not told.wait(_LOOK_S):
            if not server.alive:
                raise MienError("the page's server has stopped; restart it with --debug to see why")


def _greeting(address: str, settings: WebSettings) -> Iterator[str]:
    yield f"Mien is at {address}"
    yield "Pictures are read in memory: none is stored, and none leaves this machine."
    if not is_loopback(settings.host):
        yield "Other machines can reach it with the password."
        if not settings.tls:
            yield (
                "Without --tls-cert, password and pictures cross the network unencrypted, and the browsers of"
                " other machines give no camera: they do so only to localhost or over TLS."
            )
    yield "Press Ctrl-C to stop it."


def _person_is_there() -> bool:
    """Whether somebody sits at the terminal, before a screen that can show a browser."""
    screen = sys.platform in ("win32", "darwin") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
    return bool(screen) and sys.stdin.isatty() and sys.stdout.isatty()
