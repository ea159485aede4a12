"""One subject's page: the server writes the questions down, our own script draws the days."""

from __future__ import annotations

from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from nicegui import ui

from mien.record.scales import LANGUAGES, PHQ9_NINTH, QUESTIONNAIRES, in_language
from mien.web.fields import Code
from mien.web.pages.layout import PAGE, shell, show
from mien.web.pages.subjects import style

if TYPE_CHECKING:
    from mien.web.settings import WebSettings

SIGNS: Final = MappingProxyType(
    {"medication": "M0-6 6 5H-6Z", "event": "M0-6 6 0 0 6-6 0Z", "note": "M-5-5H5V5H-5Z"}
)
"""The signs of marks, as lanes.js draws them."""

_KINDS: Final = (("medication", "medicine"), ("event", "event"), ("note", "note"))


def register(settings: WebSettings) -> None:
    """Add the page, at `/subjects/CODE`; whether there is such a subject, the API says.

    Args:
        settings: of the server.
    """

    @ui.page("/subjects/{code}", title="Subject · Mien", **PAGE)
    def subject(code: Code) -> None:
        with shell("Subjects", settings, modules=["subject.js"]):
            style()
            show(
                "subject.html",
                config={"code": code, "today": date.today().isoformat()},
                scales=list(QUESTIONNAIRES.values()),
                forms=[in_language(name, language) for name in QUESTIONNAIRES for language in LANGUAGES],
                languages=LANGUAGES,
                ninth=PHQ9_NINTH,
                kinds=_KINDS,
                signs=SIGNS,
            )
