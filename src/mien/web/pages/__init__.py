"""The pages that people look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mien.live.station import Station
    from mien.web.settings import WebSettings


def register(app: FastAPI, station: Station, settings: WebSettings) -> None:
    """Add the pages to the app."""
