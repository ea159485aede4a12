"""Room for pages: NiceGUI remembers each one that it has sent, also those of clients that never come back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from nicegui import Client
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from mien.web.sessions import network_of
from mien.web.settings import WebSettings

LOADING_S: Final = 10.0
"""So long a page may take to come back by its socket before it has to make room for others."""


class Crowded(HTTPException):
    """There is no room for another page just now."""


class Room:
    """How many pages are remembered, of one address and in all.

    One that nobody looks at any more makes room, the oldest first; the browser loads it anew where somebody
    comes back. Where all are looked at, or being loaded, there is no room.

    Args:
        settings: how many there may be.
        clock: gives POSIX seconds, by which NiceGUI notes when a page was made.
    """

    def __init__(self, settings: WebSettings, clock: Callable[[], float] = time.time) -> None:
        self._most, self._most_each = settings.max_pages, settings.max_pages_each
        self._clock = clock

    def make(self, address: str) -> None:
        """Make room for a page that is asked for from an address.

        Raises:
            Crowded: there is none.
        """
        pages, network = list(Client.instances.values()), network_of(address)
        own = [page for page in pages if network_of(page.ip) == network]
        if len(own) >= self._most_each and not self._let_go(own):
            raise Crowded(429, f"too many pages are open from your address (the limit is {self._most_each})")
        if len(Client.instances) >= self._most and not self._let_go(pages):
            raise Crowded(503, f"too many pages are open (the limit is {self._most})")

    def _let_go(self, pages: Iterable[Client]) -> bool:
        """Forget the oldest page that nobody looks at; False where there is none."""
        loading_since = self._clock() - LOADING_S
        left = [page for page in pages if not page.has_socket_connection and page.created <= loading_since]
        left = [page for page in left if page.id in Client.instances]
        if not left:
            return False
        forget(min(left, key=lambda page: page.created))
        return True


def forget(page: Client) -> None:
    """Forget a page, and that it was to be forgotten later."""
    for document in list(page._delete_tasks):
        page._cancel_delete_task(document)
    page.delete()


async def make_room(request: Request) -> None:
    """Make room for the page that is asked for; the app's state has the room."""
    room: Room = request.app.state.room
    room.make(request.client.host if request.client else "")


async def crowded(request: Request, error: Exception) -> Response:
    """Say that there is no room, in a line."""
    assert isinstance(error, Crowded)
    words = f"Mien: {error.detail}. Close some, or try again in a few seconds.\n"
    return PlainTextResponse(words, error.status_code, {"Retry-After": "10"})
