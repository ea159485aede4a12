"""What stands before everything else: who may ask, from which page, and how much they may send.

A server on one's own machine can be reached by every page that the browser has open. The guard lets in what
was asked for under this server's own name (no DNS rebinding), and by its own pages or by a program that is no
browser (no request from a foreign page). docs/security.md says it in plain words.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.web.answers import Answer
from mien.web.settings import WebSettings

_OWN_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CONTROL: Final = re.compile("[\0-\x1f\x7f]")
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}

POLICY: Final = (
    "default-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The content security policy: everything from our own files, no script or style in a page's own markup.

Pictures and videos may also be `blob:`, made in the browser: of a camera, or of a file that somebody chose.
"""

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": with it, browsers send our own forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=(), serial=()"
    ),
}

SMALL_BODY: Final = 1_000_000
"""Bytes that a request may bring where it is no upload."""

LARGEST_PHOTOGRAPH: Final = 50_000_000
"""Bytes of a photograph for the API, which is held in memory."""

_SMALL_BODY_S: Final = 30.0


class Guard:
    """ASGI middleware around the page, the API and every WebSocket.

    Args:
        app: what is guarded.
        settings: under which names the server is known, and how large an upload may be.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings
        self._others = frozenset(host.lower() for host in settings.allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what may not pass, and pass on the rest."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if scope["type"] == "websocket":
            if refusal:
                await receive()
                await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
            else:
                await self._app(scope, receive, send)
            return
        send = _with_headers(send, is_api=is_api(scope["path"]))
        most_bytes, longest_s = self._limits(scope["path"])
        if not refusal and announced_bytes(headers) > most_bytes:
            refusal = 413, f"expected at most {most_bytes} bytes"
        if refusal:
            await Answer({"detail": refusal[1]}, refusal[0])(scope, receive, send)
        else:
            await self._app(scope, _Body(receive, most_bytes, longest_s), send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """Return with which status and words a request is refused; None lets it in."""
        if _CONTROL.search(scope["path"]):
            return 400, "expected an address without control characters"
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0], scope):
            return 421, "this server does not accept that host name: open it as localhost, or allow the name"
        origin = headers.get("origin")
        unsafe = scope["type"] == "websocket" or scope["method"] not in _SAFE_METHODS
        if origin is not None and not self._same_origin(origin, hosts[0], scope):
            return 403, "requests from other pages are refused"
        if _sent_by_another_page(scope, headers):
            return 403, "requests from other pages are refused"
        if unsafe and origin is None and (scope["type"] == "websocket" or _from_a_browser(headers)):
            return 403, "expected an Origin header"
        return None

    def _is_ours(self, host: str, scope: Scope) -> bool:
        """Whether a Host header names this server; an address is fine if the request came in on it."""
        name, port = _split_host(host)
        if name is None:
            return False
        if name in self._others or host.lower() in self._others:
            return True
        address, own_port = scope.get("server") or ("", None)
        names = {*_OWN_NAMES, self._settings.host.lower(), address.removeprefix("::ffff:")} - _EVERYWHERE
        return name in names and (port or _PORTS[scope["scheme"]]) == own_port

    def _same_origin(self, origin: str, host: str, scope: Scope) -> bool:
        """Whether an Origin is this server's; one behind a proxy may have https, which we don't see."""
        schemes = {"https" if scope["scheme"] in ("https", "wss") else "http"}
        if _split_host(host)[0] in self._others or host.lower() in self._others:
            schemes.add("https")
        scheme, _, rest = origin.lower().partition("://")
        return scheme in schemes and rest == host.lower()

    def _limits(self, path: str) -> tuple[int, float]:
        """Most bytes of a request's body, and the longest time for them."""
        upload_bytes = self._settings.max_upload_mb * 1_000_000
        if path in ("/api/v1/analyse", "/api/v1/explain"):
            return min(upload_bytes, LARGEST_PHOTOGRAPH), self._settings.upload_seconds
        if path.startswith("/api/v1/files"):
            return upload_bytes, self._settings.upload_seconds
        return SMALL_BODY, _SMALL_BODY_S


def is_api(path: str) -> bool:
    """Return whether a path belongs to the API."""
    return path.startswith("/api/")


def _split_host(host: str) -> tuple[str | None, int | None]:
    """Return name and port of a Host header, both None where it is none."""
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None, None
    if parts.netloc != host or "@" in host or not name:
        return None, None
    return name, port


def _sent_by_another_page(scope: Scope, headers: Headers) -> bool:
    """Whether the browser says so; following a link to one of our pages is fine, as nothing comes of it."""
    if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
        return False
    follows_link = (
        scope["type"] == "http"
        and scope["method"] in _SAFE_METHODS
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
    return not follows_link or is_api(scope["path"])


def _from_a_browser(headers: Headers) -> bool:
    """Whether a request could be one that a page made a browser send, with what the browser remembers."""
    return "cookie" in headers or "sec-fetch-site" in headers


def announced_bytes(headers: Headers) -> int:
    """Return how many bytes a request's body says that it has; 0 where it doesn't say so."""
    length = headers.get("content-length", "")
    # Python reads no numbers of thousands of digits, and 18 already say more than any limit.
    return int(length.lstrip("0")[:18] or "0") if length.isascii() and length.isdigit() else 0


class _Body:
    """A request's body, which breaks off where it is too large or takes too long.

    Args:
        receive: where it comes from.
        most_bytes: of the whole body.
        longest_s: for the whole body, from when it is first asked for.
    """

    def __init__(self, receive: Receive, most_bytes: int, longest_s: float) -> None:
        self._receive = receive
        self._left_bytes = most_bytes
        self._longest_s = longest_s
        self._until_s: float | None = None
        self._whole = False

    async def __call__(self) -> Message:
        """Return the next part."""
        if self._whole:  # what is waited for now is the other side's leaving, which may take its time
            return await self._receive()
        if self._until_s is None:
            self._until_s = asyncio.get_running_loop().time() + self._longest_s
        try:
            async with asyncio.timeout_at(self._until_s):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the body took too long") from None
        self._left_bytes -= len(message.get("body", b""))
        if self._left_bytes < 0:
            raise HTTPException(413, "the body is too large")
        self._whole = not message.get("more_body", False)
        return message


def _with_headers(send: Send, *, is_api: bool) -> Send:
    """Add the headers that every answer has."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            # A stricter policy, which a route has given itself, stays.
            headers.setdefault("Content-Security-Policy", POLICY)
            if is_api or headers.get("content-type", "").startswith("text/html"):
                headers["Cache-Control"] = "no-store"
        await send(message)

    return send_with_headers
