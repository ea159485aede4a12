"""Photographs and videos that are dropped on the page: taken in, decoded in a process of their own, shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mien.live.session import LiveSession
    from mien.web.files.jobs import Uploads
    from mien.web.settings import WebSettings


def register(app: FastAPI, live_session: LiveSession, settings: WebSettings) -> Uploads:
    """Add the routes for uploads, and their page, to the app.

    Args:
        app: with the API mounted on it.
        live_session: whose settings say how files are read.
        settings: how much may be sent.

    Returns:
        The table of uploads. What somebody has sent is deleted when they log out, and everything when the app
        shuts down.
    """
    from fastapi import APIRouter, Request
    from starlette.concurrency import run_in_threadpool

    from mien.web.files import page
    from mien.web.files.jobs import Uploads
    from mien.web.files.routes import COOKIE, build_router

    uploads = Uploads(
        live_session.settings,
        max_mb=settings.max_upload_mb,
        most=settings.max_uploads,
        seconds=settings.upload_seconds,
    )

    @asynccontextmanager
    async def deleting_in_the_end(app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(uploads.close)

    def forget(request: Request) -> None:
        uploads.forget(request.cookies.get(COOKIE, ""))

    app.state.at_logout = [forget]
    app.include_router(APIRouter(lifespan=deleting_in_the_end))
    page.api_of(app).include_router(build_router(uploads))
    page.register(uploads, settings)
    return uploads
