"""The login gate: a plain page that needs no script, a session cookie, and Basic for programs.

Argon2id makes each guess cost the guesser something; `Attempts` makes the guesses few.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import math
import secrets
import time
import unicodedata
from collections.abc import Callable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.web.security.access import USER
from mien.web.security.guard import is_api
from mien.web.security.sessions import Attempts, Sessions
from mien.web.settings import WebSettings
from mien.web.templates import render

PATH: Final = "/login"

CheckUser = Callable[[str, str], str | None]
"""Returns the name of the record's user with a name and a password; None where there is no such user."""

_OPEN_FOLDERS: Final = ("/static/mien/", "/kiosk/", "/api/v1/kiosk/")
"""What needs no login: the pages' files, and the kiosk, which guests use; it tells them nothing."""

_LONGEST_PASSWORD: Final = 1000

# Of RFC 9106's and OWASP's choices the one with the least memory, for small machines.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Password:
    """The password, kept only as its argon2id hash.

    Args:
        password: what is right.
    """

    def __init__(self, password: str) -> None:
        self._hash = _HASHER.hash(_normal(password))
        self._key = secrets.token_bytes(32)
        self._proven: bytes | None = None
        self._one_at_a_time = asyncio.Lock()

    async def fits(self, candidate: str) -> bool:
        """Return whether it is the password; takes time on purpose, but not that of the event loop."""
        if len(candidate) > _LONGEST_PASSWORD:
            return False
        # A program sends its password with each request: once it was right, a keyed digest is enough.
        digest = hmac.digest(self._key, _normal(candidate), "sha256")
        if self._proven is not None and hmac.compare_digest(digest, self._proven):
            return True
        async with self._one_at_a_time:  # so that many guesses at once don't take much memory
            fits = await asyncio.to_thread(self._verify, candidate)
        if fits:
            self._proven = digest
        return fits

    def _verify(self, candidate: str) -> bool:
        try:
            return _HASHER.verify(self._hash, _normal(candidate))
        except VerifyMismatchError:
            return False


class LoginGate:
    """What the login page and the middleware share: password, the record's users, sessions, attempts.

    Args:
        settings: with or without a password; without one, all but the record is open.
        check_user: gives the name of the record's user whose name and password are given; None where they are
            nobody's.
        has_user: says whether the record still has a user.
        clock: gives seconds that never run backwards.
    """

    def __init__(
        self,
        settings: WebSettings,
        clock: Callable[[], float] = time.monotonic,
        *,
        check_user: CheckUser = lambda name, password: None,
        has_user: Callable[[str], bool] = lambda name: True,
    ) -> None:
        password = settings.password
        self._password = Password(password.get_secret_value()) if password is not None else None
        self._check_user, self._has_user = check_user, has_user
        self._attempts = Attempts(clock)
        self.sessions = Sessions(
            idle_s=60 * settings.idle_minutes, lifetime_s=3600 * settings.session_hours, clock=clock
        )

    @property
    def asks(self) -> bool:
        """Whether nobody passes without having logged in."""
        return self._password is not None

    async def whose(self, token: str | None) -> str | None:
        """Return whose session a token has, "" for nobody by name, None for none; a removed user's ends."""
        who = self.sessions.use(token)
        if who and not await asyncio.to_thread(self._has_user, who):
            self.sessions.close(token)
            return None
        return who

    async def try_login(
        self, connection: HTTPConnection, name: str, candidate: str
    ) -> tuple[str | None, float]:
        """Try a name and a password, if they may be tried now.

        Args:
            connection: whose address counts.
            name: of one of the record's users; "" for whoever was given only the password.
            candidate: the password.

        Returns:
            The user's name as the record has it, "" for nobody by name, None where the password is wrong; and
            the seconds to wait where it may not be tried.
        """
        address = connection.client.host if connection.client else ""
        pause_s = self._attempts.begin(address, name)
        if pause_s > 0:
            return None, pause_s
        who = await self._who(name, candidate)
        if who is not None:
            self._attempts.succeeded(address, name, who)
        return who, 0.0

    async def _who(self, name: str, candidate: str) -> str | None:
        # By name first: somebody may have chosen the password that all know.
        if name and (user := await asyncio.to_thread(self._check_user, name, candidate)) is not None:
            return user
        fits = self._password is not None and await self._password.fits(candidate)
        return "" if fits else None

    def routes(self) -> list[Route]:
        """Return the routes of the login page and of the way out."""
        return [
            Route(PATH, self._show, methods=["GET"]),
            Route(PATH, self._log_in, methods=["POST"]),
            Route("/logout", self._log_out, methods=["POST"]),
        ]

    async def _show(self, request: Request) -> Response:
        return _page()

    async def _log_in(self, request: Request) -> Response:
        async with request.form(max_files=0, max_fields=3) as form:
            name, candidate = str(form.get("name", "")).strip(), str(form.get("password", ""))
        who, pause_s = await self.try_login(request, name, candidate)
        if pause_s > 0:
            seconds = math.ceil(pause_s)
            page = _page(f"Too many attempts. Try again in {_duration(seconds)}.", 429)
            page.headers["Retry-After"] = str(seconds)
            return page
        if who is None:
            return _page("That is not the password" + (" of this name." if name else "."), 401)
        answer = RedirectResponse("/subjects" if who else "/", 303)
        answer.set_cookie(
            _cookie_name(request.scope),
            self.sessions.open(who),
            httponly=True,
            samesite="strict",
            secure=request.headers.get("origin", "").startswith("https:") or _is_tls(request.scope),
        )
        return answer

    async def _log_out(self, request: Request) -> Response:
        name = _cookie_name(request.scope)
        self.sessions.close(request.cookies.get(name))
        for forget in getattr(request.app.state, "at_logout", ()):
            await asyncio.to_thread(forget, request)
        answer = RedirectResponse(PATH, 303)
        answer.delete_cookie(name, httponly=True, samesite="strict", secure=_is_tls(request.scope))
        return answer


class Login:
    """ASGI middleware that lets in who has a session, and to the API also who brings the password.

    It notes in the request's scope which of the record's users has logged in. Where the gate asks for no
    password, everybody passes, and only that is noted.

    Args:
        app: what is behind the gate; `LoginGate.routes` are among its routes.
        gate: says who may pass.
    """

    def __init__(self, app: ASGIApp, gate: LoginGate) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass; send the others to the login page, or away."""
        if scope["type"] not in ("http", "websocket") or _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        token = HTTPConnection(scope).cookies.get(_cookie_name(scope))
        who = await self._gate.whose(token)
        if who is not None:
            scope[USER] = who or None
            if scope["type"] == "websocket":
                receive = self._while_logged_in(receive, token)
            await self._app(scope, receive, send)
        elif not self._gate.asks and not _names_itself(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "log in first"})
        elif (refusal := await self._refusal(Request(scope))) is not None:
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _refusal(self, request: Request) -> Response | None:
        """Answer a request without a session; None lets it in."""
        if not is_api(request.url.path):
            return RedirectResponse(PATH, 303)
        given = _basic(request.headers)
        if given is None:
            return _unauthorised(request.headers)
        who, pause_s = await self._gate.try_login(request, *given)
        if pause_s > 0:
            seconds = math.ceil(pause_s)
            detail = f"too many attempts; try again in {_duration(seconds)}"
            return JSONResponse({"detail": detail}, 429, {"Retry-After": str(seconds)})
        request.scope[USER] = who or None
        return None if who is not None else _unauthorised(request.headers)

    def _while_logged_in(self, receive: Receive, token: str | None) -> Receive:
        """End a WebSocket when its session is over; what comes through it keeps the session alive."""

        async def receive_while_logged_in() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive" and self._gate.sessions.use(token) is None:
                return {"type": "websocket.disconnect", "code": 1008, "reason": "the session is over"}
            return message

        return receive_while_logged_in


def _normal(password: str) -> bytes:
    """Return the bytes of a password; an accent can be typed in more than one way."""
    return unicodedata.normalize("NFC", password.strip()).encode("utf-8", "surrogatepass")


def _names_itself(scope: Scope) -> bool:
    """Whether a program brings a name and password to the API, where none is asked for."""
    return scope["type"] == "http" and is_api(scope["path"]) and "authorization" in Headers(scope=scope)


def _basic(headers: Headers) -> tuple[str, str] | None:
    """Return name and password of an Authorization header."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password


def _unauthorised(headers: Headers) -> Response:
    # A page's own request gets no challenge, for which browsers would open a window.
    challenge = {"WWW-Authenticate": 'Basic realm="Mien", charset="UTF-8"'}
    return JSONResponse({"detail": "log in first"}, 401, {} if "sec-fetch-mode" in headers else challenge)


def _is_open(path: str) -> bool:
    return path == PATH or path.startswith(_OPEN_FOLDERS)


def _is_tls(scope: Scope) -> bool:
    return scope["scheme"] in ("https", "wss")


def _cookie_name(scope: Scope) -> str:
    """Return the cookie's name: browsers keep one jar for all ports of a host."""
    port = (scope.get("server") or (None, None))[1]
    return f"__Host-mien-{port}" if _is_tls(scope) else f"mien-{port}"


def _duration(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds} second{'s' * (seconds != 1)}"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minute{'s' * (minutes != 1)}"


def _page(problem: str | None = None, status: int = 200) -> HTMLResponse:
    return HTMLResponse(render("login.html", problem=problem), status)
