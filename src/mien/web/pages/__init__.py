"""The pages that people look at: the live view, the record, and what there is to know about both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.analysis.summary import seldom_found
from mien.web.pages import about, live, recording, subject, subjects
from mien.web.pages.layout import serve_static

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mien.live.session import LiveSession
    from mien.web.settings import WebSettings


def register(app: FastAPI, live_session: LiveSession, settings: WebSettings) -> None:
    """Add the pages and what they are made of to the app.

    Args:
        app: NiceGUI must run with it, before or after this.
        live_session: whose sources the live view shows; the page asks for them through the API.
        settings: whether sources may be added from the page.
    """
    serve_static(app)
    live.register(settings, seldom_found(live_session.settings))
    for page in (subjects, subject, recording, about):
        page.register(settings)
