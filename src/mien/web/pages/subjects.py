"""The list of subjects. The server says once what stands on it; our own script asks for the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nicegui import ui

from mien.web.pages.layout import PAGE, PREFIX, shell, show

if TYPE_CHECKING:
    from mien.web.settings import WebSettings

_TEXTS: Final = (
    (
        "phq9_safety",
        "When the ninth question of PHQ-9 is answered above 0",
        "Shown at once, and in the report. It can't be left blank.",
    ),
    (
        "crisis",
        "With the first lasting change",
        "What the clinic wants to say then, such as whom to call. May be left blank.",
    ),
    ("report_footer", "At the end of each report", "The clinic's name and address, for instance."),
)


def style() -> None:
    """Give a page the style of the record's views."""
    ui.add_head_html(f'<link rel="stylesheet" href="{PREFIX}/record.css">')


def register(settings: WebSettings) -> None:
    """Add the page, at `/subjects`.

    Args:
        settings: of the server.
    """

    @ui.page("/subjects", title="Subjects · Mien", **PAGE)
    def subjects() -> None:
        with shell("Subjects", settings, modules=["subjects.js"]):
            style()
            show("subjects.html", texts=_TEXTS)
