"""Attacks from other pages and under other names; nothing here needs a password."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from mien.web.app import GuardedApp
from mien.web.security.guard import SMALL_BODY, Guard, _Body
from web.backend import HOST, LOCAL, ORIGIN, PASSWORD, TestClient, client, settings

NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


async def echo(request: Request) -> JSONResponse:
    """Return how much came, and which headers."""
    return JSONResponse({"bytes": len(await request.body()), "headers": dict(request.headers)})


async def fail(request: Request) -> JSONResponse:
    raise RuntimeError("a mistake of ours")


async def page(request: Request) -> HTMLResponse:
    return HTMLResponse("<p>hello</p>")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text("let in")
    await websocket.close()


def guarded(**choices: Any) -> FastAPI:
    app = GuardedApp(settings(**choices))
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    for path in ("/", "/api/v1/echo", "/api/v1/files", "/api/v1/analyse", "/api/v1/explain"):
        app.router.routes.append(Route(path, echo, methods=methods))
    app.router.routes += [Route("/page", page), Route("/fail", fail), WebSocketRoute("/ws", socket)]
    return app


@contextmanager
def open_socket(app: FastAPI, headers: dict[str, str], url: str = f"ws://{HOST}/ws") -> Iterator[str]:
    with client(app).websocket_connect(url, headers=headers) as session:
        yield session.receive_text()


# The Host header: DNS rebinding.


@pytest.mark.parametrize("host", [HOST, "localhost:8470", "LOCALHOST:8470", "[::1]:8470"])
def test_own_names_are_answered(host: str) -> None:
    assert client(guarded()).get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8470",
        "localhost",
        "localhost:80",
        "localhost:8471",
        "127.0.0.1",
        "localhost.evil.example:8470",
        "evil.example@localhost:8470",
        "localhost:8470@evil.example",
        "localhost:x",
        "localhost:8470/",
        "localhost:8470#",
        "127.0.0.1.:8470",
        "0.0.0.0:8470",
        "[::]:8470",
        "",
        "[::1",
        "192.168.1.5:8470",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    answer = client(guarded()).get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "does not accept that host name" in answer.json()["detail"]


def test_a_second_host_header_is_refused() -> None:
    headers = [("host", HOST), ("host", "evil.example")]
    assert client(guarded()).get("/", headers=headers).status_code == 421


def test_the_address_that_a_request_came_in_on_is_an_own_name() -> None:
    app = guarded(host="0.0.0.0", password=PASSWORD)
    assert client(app, "http://192.168.1.5:8470").get("/").status_code == 200
    assert (
        client(app, "http://192.168.1.5:8470").get("/", headers={"host": "192.168.1.6:8470"}).status_code
        == 421
    )
    assert client(app, "http://0.0.0.0:8470").get("/").status_code == 421


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("mien.example", "mien.example", 200),
        ("mien.example", "MIEN.example:443", 200),
        ("nas.local:9000", "nas.local:9000", 200),
        ("nas.local:9000", "nas.local:9001", 421),
        ("mien.example", "evil.mien.example", 421),
    ],
)
def test_allowed_names_are_answered(allowed: str, host: str, status: int) -> None:
    app = guarded(allowed_hosts=(allowed,))
    assert client(app).get("/", headers={"host": host}).status_code == status


def test_the_standard_port_needs_not_be_said() -> None:
    assert client(guarded(), "http://127.0.0.1:80").get("/", headers={"host": "127.0.0.1"}).status_code == 200
    assert (
        client(guarded(), "https://127.0.0.1:443").get("/", headers={"host": "localhost"}).status_code == 200
    )


# Origin and Sec-Fetch-Site: other pages.

FOREIGN = ["https://evil.example", "null", "http://localhost:3000", "https://127.0.0.1:8470", "http://localhost:8470",
           "http://127.0.0.1", "http://127.0.0.1:8470.evil.example", "", "file://", f"{ORIGIN}/"]  # fmt: skip


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_other_pages_are_refused(origin: str, method: str) -> None:
    answer = client(guarded()).request(method, "/", headers={"origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_own_pages_may_change_things(method: str) -> None:
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin", "cookie": "mien-8470=x"}
    assert client(guarded()).request(method, "/", headers=headers).status_code == 200


def test_a_program_without_cookies_may_change_things() -> None:
    assert client(guarded()).post("/").status_code == 200


@pytest.mark.parametrize(
    "sign", [{"cookie": "a=b"}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}]
)
def test_a_browser_has_to_say_which_page_changes_things(sign: dict[str, str]) -> None:
    answer = client(guarded()).post("/", headers=sign)
    assert (answer.status_code, answer.json()["detail"]) == (403, "expected an Origin header")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "rubbish"])
@pytest.mark.parametrize("path", ["/", "/api/v1/echo"])
def test_other_pages_may_not_embed_anything(site: str, path: str) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    assert client(guarded()).get(path, headers=headers).status_code == 403


def test_a_link_to_a_page_may_be_followed_but_not_one_into_the_api_or_a_frame() -> None:
    headers = {"sec-fetch-site": "cross-site", **NAVIGATION}
    guard = client(guarded())
    assert guard.get("/", headers=headers).status_code == 200
    assert guard.get("/api/v1/echo", headers=headers).status_code == 403
    assert guard.get("/", headers={**headers, "sec-fetch-dest": "iframe"}).status_code == 403
    assert guard.post("/", headers={**headers, "origin": ORIGIN}).status_code == 403


def test_behind_a_proxy_with_tls_the_origin_is_https() -> None:
    app = guarded(allowed_hosts=("mien.example",))
    headers = {"host": "mien.example", "origin": "https://mien.example"}
    assert client(app).post("/", headers=headers).status_code == 200
    assert client(app).post("/", headers={**headers, "origin": "https://other.example"}).status_code == 403


# WebSockets.


def test_own_pages_may_open_a_socket() -> None:
    with open_socket(guarded(), {"origin": ORIGIN}) as text:
        assert text == "let in"


@pytest.mark.parametrize("origin", [*FOREIGN, None])
def test_no_other_page_may_open_a_socket(origin: str | None) -> None:
    headers = {} if origin is None else {"origin": origin}
    with pytest.raises(WebSocketDisconnect) as caught, open_socket(guarded(), headers):
        pass
    assert caught.value.code == 1008


def test_no_socket_is_opened_under_another_name() -> None:
    headers = {"origin": "http://evil.example:8470", "host": "evil.example:8470"}
    with pytest.raises(WebSocketDisconnect), open_socket(guarded(), headers):
        pass


def test_a_socket_that_the_browser_calls_cross_site_is_refused() -> None:
    headers = {"origin": ORIGIN, "sec-fetch-site": "cross-site"}
    with pytest.raises(WebSocketDisconnect), open_socket(guarded(), headers):
        pass


# What every answer says.


@pytest.mark.parametrize("path", ["/", "/page", "/fail", "/nowhere", "/api/v1/echo"])
@pytest.mark.parametrize("host", [HOST, "evil.example"])
def test_every_answer_has_the_headers(path: str, host: str) -> None:
    answer = TestClient(guarded(), base_url=ORIGIN, raise_server_exceptions=False).get(
        path, headers={"host": host}
    )
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=(self)" in headers["permissions-policy"]
    assert "microphone=()" in headers["permissions-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_api_and_pages_are_not_kept() -> None:
    guard = client(guarded())
    assert guard.get("/api/v1/echo").headers["cache-control"] == "no-store"
    assert guard.get("/page").headers["cache-control"] == "no-store"


def directives(policy: str) -> dict[str, list[str]]:
    parts = (part.split() for part in policy.split(";"))
    return {name: values for name, *values in parts}


def test_nothing_comes_from_elsewhere_and_nothing_in_the_markup_runs() -> None:
    policy = directives(client(guarded()).get("/page").headers["content-security-policy"])
    assert policy["default-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    # Scripts, styles, fonts, workers, frames and connections go by default-src: our own files alone.
    assert set(policy) == {
        "default-src", "img-src", "media-src", "object-src", "base-uri", "form-action", "frame-ancestors",
    }  # fmt: skip
    assert policy["img-src"] == policy["media-src"] == ["'self'", "blob:"]


def test_a_stricter_policy_stays() -> None:
    app = GuardedApp(settings())

    async def strict(request: Request) -> PlainTextResponse:
        return PlainTextResponse("", headers={"Content-Security-Policy": "default-src 'none'"})

    app.router.routes.append(Route("/strict", strict))
    assert client(app).get("/strict").headers["content-security-policy"] == "default-src 'none'"


# How much may be sent.


def parts(total: int) -> Iterator[bytes]:
    """A body in parts, whose length is not announced."""
    for start in range(0, total, 100_000):
        yield b"x" * min(100_000, total - start)


@pytest.mark.parametrize("body", [b"x" * SMALL_BODY, parts(SMALL_BODY)])
def test_a_body_up_to_the_limit_is_taken(body: Any) -> None:
    assert client(guarded()).post("/", content=body).json()["bytes"] == SMALL_BODY


@pytest.mark.parametrize("body", [b"x" * (SMALL_BODY + 1), parts(SMALL_BODY + 1)])
def test_a_larger_body_is_refused(body: Any) -> None:
    assert client(guarded()).post("/", content=body).status_code == 413


@pytest.mark.parametrize("path", ["/api/v1/files", "/api/v1/analyse", "/api/v1/explain"])
def test_uploads_have_their_own_limit(path: str) -> None:
    guard = client(guarded(max_upload_mb=2))
    assert guard.post(path, content=b"x" * 2_000_000).status_code == 200
    assert guard.post(path, content=b"x" * 2_000_001).status_code == 413
    assert guard.post(path, content=parts(2_000_001)).status_code == 413


def test_a_wrong_length_does_not_help() -> None:
    headers = {"content-length": "5"}
    assert client(guarded()).post("/", content=parts(SMALL_BODY + 1), headers=headers).status_code == 413


def test_a_body_that_is_announced_as_too_large_is_not_even_read() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it came through")

    async def receive() -> Message:
        raise AssertionError("it was read")

    async def ask() -> list[Message]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        length = str(SMALL_BODY + 1).encode()
        scope = {
            "type": "http",
            "method": "POST",
            "scheme": "http",
            "path": "/",
            "server": ("127.0.0.1", 8470),
        }
        scope["headers"] = [(b"host", HOST.encode()), (b"content-length", length)]
        await Guard(app, settings())(scope, receive, send)
        return sent

    assert asyncio.run(ask())[0]["status"] == 413


def test_a_body_that_never_ends_is_broken_off() -> None:
    async def trickle() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(HTTPException) as caught:
        asyncio.run(_Body(trickle, 100, 0.01)())  # type: ignore[arg-type]
    assert caught.value.status_code == 408


def test_the_time_is_that_of_the_whole_body_and_ends_with_it() -> None:
    async def whole_body() -> list[Message]:
        messages: list[Message] = [
            {"type": "http.request", "body": b"a", "more_body": True},
            {"type": "http.request", "body": b"b", "more_body": False},
            {"type": "http.disconnect"},
        ]

        async def receive() -> Message:
            await asyncio.sleep(0)
            return messages.pop(0)

        body = _Body(receive, 2, 60.0)
        taken = [await body() for _ in range(2)]
        body._until_s = 0.0  # long over: waiting for the other side to leave has no limit
        return [*taken, await body()]

    assert [message["type"] for message in asyncio.run(whole_body())] == ["http.request"] * 2 + [
        "http.disconnect"
    ]


def test_other_kinds_of_scope_pass() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(Guard(app, settings())({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


def test_plain_text_is_left_as_it_is() -> None:
    app = GuardedApp(settings())

    async def script(request: Request) -> PlainTextResponse:
        return PlainTextResponse("<script>", headers={"cache-control": "max-age=9"})

    app.router.routes.append(Route("/script", script))
    answer = client(app, address=LOCAL).get("/script")
    assert (answer.text, answer.headers["cache-control"]) == ("<script>", "max-age=9")
