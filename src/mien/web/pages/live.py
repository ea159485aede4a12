"""The live view. The server says once what stands on it; our own script draws all that moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from mien.expression.circumplex import COORDINATES
from mien.labels import EMOTIONS, UNCERTAIN
from mien.table import COLUMNS, DECIMALS
from mien.web.pages.consent import choices
from mien.web.pages.layout import PAGE, shell, show

if TYPE_CHECKING:
    from mien.web.settings import WebSettings


def register(settings: WebSettings, seldom: str = "") -> None:
    """Add the live view, at `/`.

    Args:
        settings: whether sources may be added from the page.
        seldom: what the network seldom finds, in words.
    """

    @ui.page("/", title="Live · Mien", **PAGE)
    def live() -> None:
        with shell("Live", settings, modules=["live.js"]):
            show(
                "live.html",
                labels=EMOTIONS,
                choices=choices(),
                adds_sources=settings.allow_sources,
                config=page_config(),
                seldom=seldom,
            )


def page_config() -> dict[str, Any]:
    """Give what the script must know of the labels, the table and the plane, so that nothing stands twice."""
    return {
        "labels": EMOTIONS,
        "uncertain": UNCERTAIN,
        "columns": COLUMNS,
        "decimals": {name: DECIMALS[name] for name in COLUMNS if name in DECIMALS},
        "places": dict(COORDINATES),
    }
