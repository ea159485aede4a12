"""Photographs and videos that are dropped on the page: taken in, decoded in a process of their own, shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from mien.live.station import Station
    from mien.web.settings import WebSettings


def register(app: FastAPI, station: Station, settings: WebSettings) -> None:
    """Add the routes for uploads, and their page, to the app."""
