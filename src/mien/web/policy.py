"""The content security policy: nothing from elsewhere, no script that is not ours.

NiceGUI writes scripts into its pages. They are let in by a nonce, made anew for each page, so that markup
which somebody smuggles in runs nothing. Its own components are compiled in the browser, which would need
'unsafe-eval': our pages do without them, and without code that the server sends later (`ui.run_javascript`).
The styles that NiceGUI writes into pages and elements need 'unsafe-inline', for styles alone.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = (
    "default-src 'self'; script-src 'self' {nonce}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-src 'none'; "
    "frame-ancestors 'none'"
)

# Only where a tag begins. Without quotes it can also stand in a string of a script, and breaks nothing there.
_SCRIPT: Final = re.compile(rb"<script(?=[\s>])", re.IGNORECASE)


class Policy:
    """ASGI middleware that gives every answer its policy, and every script in a page the page's nonce."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and mark what comes back."""
        await self._app(scope, receive, _Marked(send) if scope["type"] == "http" else send)


class _Marked:
    """Sends an answer on; a page is held back until it is whole, as its length changes.

    Args:
        send: takes the answer.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._nonce = secrets.token_urlsafe(16)
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        """Take the next message of the answer."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is not None and message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                await self._finish(self._start)
        else:
            await self._send(message)

    async def _begin(self, message: Message) -> None:
        headers = MutableHeaders(scope=message)
        page = headers.get("content-type", "").startswith("text/html")
        # A stricter policy, which a route has given itself, stays.
        headers.setdefault("Content-Security-Policy", _policy(self._nonce if page else None))
        if page:
            self._start = message
        else:
            await self._send(message)

    async def _finish(self, start: Message) -> None:
        body = _SCRIPT.sub(b"<script nonce=" + self._nonce.encode(), b"".join(self._parts))
        headers = MutableHeaders(scope=start)
        if "content-length" in headers:
            headers["Content-Length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _policy(nonce: str | None) -> str:
    return _POLICY.format(nonce=f"'nonce-{nonce}'" if nonce else "").replace(" ;", ";")
