"""The whole app: guard and login gate around the API, the WebSockets and NiceGUI's pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Lifespan
from starlette.websockets import WebSocket

from mien.live.session import LiveSession
from mien.web import record_api, record_live
from mien.web.analyses import Analyses
from mien.web.api import PREFIX, Analyse, build_api
from mien.web.camera_socket import Cameras
from mien.web.guard import Guard
from mien.web.login import Login, LoginGate
from mien.web.page_socket import PageSocket
from mien.web.policy import Policy
from mien.web.record_access import USER, Records
from mien.web.settings import WebSettings
from mien.web.watch_socket import watch

_SILENT_S: Final = 30.0
"""NiceGUI asks about as often whether a page is still there; how long it waits for one is the page's word."""


def build_app(live_session: LiveSession, settings: WebSettings, *, records: Records | None = None) -> FastAPI:
    """Make the app with all its pages.

    NiceGUI has one set of pages for the whole process: of several apps, the last one's are shown.

    Args:
        live_session: whose sources the pages show; its owner closes it.
        settings: who may come in, and how much they may bring.
        records: as for `build_backend`.
    """
    from nicegui import core, ui

    from mien.web import files, pages
    from mien.web.pages.room import Crowded, Room, crowded

    app = build_backend(live_session, settings, records=records)
    files.register(app, live_session, settings)
    pages.register(app, live_session, settings)
    core.app.state.room = Room(settings)
    app.add_middleware(PageSocket)
    core.app.config.socket_io_js_transports = ["websocket"]
    # Of each tab NiceGUI keeps a storage, for a month; no page of ours uses it.
    core.app.storage.max_tab_storage_age = _SILENT_S
    # What an earlier app of this process added to NiceGUI's own would be added twice, or not at all.
    core.app.user_middleware.clear()
    core.app.middleware_stack = None
    # Its own pages for errors are compiled in the browser, and each takes memory of the server for a while.
    core.app.exception_handlers[404] = _not_found
    core.app.exception_handlers[RequestValidationError] = _not_found
    core.app.exception_handlers[Crowded] = crowded
    core.app.exception_handlers[Exception] = _failed
    ui.run_with(
        app,
        title="Mien",
        dark=None,
        language="en-US",
        tailwind=False,
        reconnect_timeout=_SILENT_S,
        show_welcome_message=False,
        gzip_middleware_factory=None,  # the policy marks pages as they are; on one machine nothing is gained
    )
    return app


def build_backend(
    live_session: LiveSession,
    settings: WebSettings,
    *,
    analyse: Analyse | None = None,
    records: Records | None = None,
) -> FastAPI:
    """Make the app without the pages: guard, login, API and WebSockets.

    Args:
        live_session: whose sources it tells of.
        settings: who may come in, and how much they may bring.
        analyse: reads a photograph for the API; in a child process when None.
        records: the store; None opens that of this machine's settings when it is first asked for.
    """
    records = records or Records()
    gate = LoginGate(settings, check_user=records.check, has_user=records.has_user)
    analyses = Analyses(live_session.settings)
    threads = ThreadPoolExecutor(settings.max_uploads, "page analyse")

    @asynccontextmanager
    async def ending_analyses(app: FastAPI) -> AsyncIterator[None]:
        yield
        analyses.close()
        await run_in_threadpool(recordings.close)
        records.close()
        threads.shutdown(wait=False, cancel_futures=True)

    app = GuardedApp(settings, gate, ending_analyses)
    cameras = Cameras(live_session, settings.max_cameras, settings.silent_seconds)

    async def watch_source(websocket: WebSocket) -> None:
        if await asyncio.to_thread(records.may_watch, websocket.scope.get(USER)):
            await watch(websocket, live_session, settings.silent_seconds)
        else:
            await websocket.close(1008, "there is no such source")

    app.router.routes += [
        WebSocketRoute("/ws/camera", cameras.serve),
        WebSocketRoute("/ws/watch", watch_source),
        *gate.routes(),
    ]
    api = build_api(live_session, settings, analyse or analyses, threads)
    record_api.add_to(api, records)
    recordings = record_live.add_to(api, live_session, records, cameras.owner)
    app.mount(PREFIX, api)
    return app


async def _not_found(request: Request, error: Exception) -> Response:
    return PlainTextResponse("There is no such page. Mien's start page is at /", 404)


async def _failed(request: Request, error: Exception) -> Response:
    return PlainTextResponse("Something went wrong in Mien; see its terminal for details.", 500)


class GuardedApp(FastAPI):
    """FastAPI with the guard around everything, its own error pages too.

    Args:
        settings: for the guard.
        gate: knows who has logged in; None asks nobody.
        lifespan: of the server.
    """

    def __init__(
        self, settings: WebSettings, gate: LoginGate | None = None, lifespan: Lifespan[FastAPI] | None = None
    ) -> None:
        super().__init__(title="Mien", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
        self._settings = settings
        self._gate = gate

    def build_middleware_stack(self) -> ASGIApp:
        """Put the guard outermost, then the policy, then the login gate."""
        app = super().build_middleware_stack()
        if self._gate is not None:
            app = Login(app, self._gate)
        return Guard(Policy(app), self._settings)
