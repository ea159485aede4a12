from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from mien.web.app import GuardedApp
from web.backend import client, settings

PAGE = (
    '<html><head><script type="importmap">{}</script></head><body onload="x()"><SCRIPT src="a.js"></SCRIPT>'
    '<scripture>no script</scripture><script>const s = "<script >";</script></body></html>'
)


async def page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def in_parts(request: Request) -> Response:
    return StreamingResponse((letter for letter in PAGE), media_type="text/html")


async def strict(request: Request) -> Response:
    return HTMLResponse("<p>", headers={"Content-Security-Policy": "default-src 'none'"})


async def plain(request: Request) -> Response:
    return Response("<script>", media_type="text/javascript")


@pytest.fixture
def app() -> FastAPI:
    app = GuardedApp(settings())
    routes = {"/page": page, "/parts": in_parts, "/strict": strict, "/plain": plain}
    app.router.routes += [Route(path, endpoint) for path, endpoint in routes.items()]
    return app


def directives(policy: str) -> dict[str, list[str]]:
    parts = (part.split() for part in policy.split(";"))
    return {name: values for name, *values in parts}


@pytest.mark.parametrize("path", ["/page", "/parts"])
def test_scripts_in_a_page_get_its_nonce(app: FastAPI, path: str) -> None:
    answer = client(app).get(path)
    scripts = directives(answer.headers["content-security-policy"])["script-src"]
    (nonce,) = [value.removeprefix("'nonce-").rstrip("'") for value in scripts if value.startswith("'nonce-")]
    assert len(nonce) >= 20
    assert len(re.findall(rf"<script nonce={nonce}(?=[ >])", answer.text)) == 4
    assert re.sub(f" nonce={nonce}", "", answer.text).lower() == PAGE.lower()
    if path == "/page":
        assert int(answer.headers["content-length"]) == len(answer.content)


def test_each_page_has_a_nonce_of_its_own(app: FastAPI) -> None:
    policies = {client(app).get("/page").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


def test_nothing_comes_from_elsewhere(app: FastAPI) -> None:
    policy = directives(client(app).get("/page").headers["content-security-policy"])
    assert policy["default-src"] == policy["connect-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    words = {word for values in policy.values() for word in values}
    assert {word for word in words if not word.startswith("'")} == {"data:", "blob:"}
    assert len(policy["script-src"]) == 2  # 'self' and the nonce: nothing inline, no eval
    assert "data:" not in policy["script-src"]
    assert "blob:" not in policy["script-src"]


def test_what_is_no_page_stays_as_it_is_and_gets_no_nonce(app: FastAPI) -> None:
    answer = client(app).get("/plain")
    assert answer.text == "<script>"
    assert "nonce" not in answer.headers["content-security-policy"]


def test_a_stricter_policy_stays(app: FastAPI) -> None:
    assert client(app).get("/strict").headers["content-security-policy"] == "default-src 'none'"
