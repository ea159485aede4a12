"""The whole app: guard and login gate around the API, the WebSockets and the pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Lifespan
from starlette.websockets import WebSocket

from mien.live.session import LiveSession
from mien.web.api import live_recording, subjects
from mien.web.api.kiosk import kiosk_routes
from mien.web.api.server import PREFIX, build_api
from mien.web.api.venue_notice import notice_routes
from mien.web.api.venues import Running, venue_routes
from mien.web.security.access import USER, Records
from mien.web.security.guard import Guard
from mien.web.security.login import Login, LoginGate
from mien.web.settings import WebSettings
from mien.web.uploads.photographs import Analyse, Analyses, photograph_routes
from mien.web.ws.camera import Cameras
from mien.web.ws.signals import watch_signals
from mien.web.ws.watch import watch


def build_app(
    live_session: LiveSession,
    settings: WebSettings,
    *,
    records: Records | None = None,
    running: Running | None = None,
) -> FastAPI:
    """Make the app with all its pages.

    Args:
        live_session: whose sources the pages show; its owner closes it.
        settings: who may come in, and how much they may bring.
        records: as for `build_backend`.
        running: as for `build_backend`.
    """
    from mien.web.pages import add_pages
    from mien.web.uploads.routes import add_uploads

    app = build_backend(live_session, settings, records=records, running=running)
    add_uploads(app, live_session, settings)
    add_pages(app, live_session.settings, settings)
    for kind, answer in ((404, _not_found), (RequestValidationError, _not_found), (Exception, _failed)):
        app.add_exception_handler(kind, answer)
    return app


def build_backend(
    live_session: LiveSession,
    settings: WebSettings,
    *,
    analyse: Analyse | None = None,
    records: Records | None = None,
    running: Running | None = None,
) -> FastAPI:
    """Make the app without the pages: guard, login, API and WebSockets.

    Args:
        live_session: whose sources it tells of.
        settings: who may come in, and how much they may bring.
        analyse: reads a photograph for the API; in a child process when None.
        records: the store; None opens that of this machine's settings when it is first asked for.
        running: what runs the stations of venues; its owner closes it. None where nothing does.
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

    async def watch_sensors(websocket: WebSocket) -> None:
        if await asyncio.to_thread(records.may_watch, websocket.scope.get(USER)):
            await watch_signals(websocket, live_session, settings.silent_seconds)
        else:
            await websocket.close(1008, "there is no such source")

    app.router.routes += [
        WebSocketRoute("/ws/signals", watch_sensors),
        WebSocketRoute("/ws/camera", cameras.serve),
        WebSocketRoute("/ws/watch", watch_source),
        *gate.routes(),
    ]
    api = app.state.api = build_api(live_session, settings)
    api.include_router(photograph_routes(settings, analyse or analyses, threads))
    subjects.add_to(api, records)
    api.include_router(venue_routes(running, settings))
    api.include_router(notice_routes())
    api.include_router(kiosk_routes(running))
    recordings = live_recording.add_to(api, live_session, records, cameras.owner)
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
        """Put the guard outermost, then the login gate."""
        app = super().build_middleware_stack()
        if self._gate is not None:
            app = Login(app, self._gate)
        return Guard(app, self._settings)
