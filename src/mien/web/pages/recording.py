"""One recording's page: timeline, what was found, notes, and the readings beside a video of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from mien.labels import EMOTIONS
from mien.web.fields import Code, Number
from mien.web.pages.layout import PAGE, shell, show
from mien.web.pages.subjects import style

if TYPE_CHECKING:
    from mien.web.settings import WebSettings


def register(settings: WebSettings) -> None:
    """Add the page, at `/subjects/CODE/recordings/NUMBER`; whether there is one, the API says.

    Args:
        settings: of the server.
    """

    @ui.page("/subjects/{code}/recordings/{number}", title="Recording · Mien", **PAGE)
    def recording(code: Code, number: Number) -> None:
        with shell("Subjects", settings, modules=["recording.js"]):
            style()
            show("recording.html", config={"code": code, "number": number}, labels=EMOTIONS)
