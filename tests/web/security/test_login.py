"""The door: who gets in, who doesn't, and how often one may try. No test waits: the clock is the test's."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from mien.web.app import build_backend
from mien.web.security import login
from mien.web.security.login import Login, LoginGate
from mien.web.security.sessions import Attempts, Sessions
from web.backend import ORIGIN, PASSWORD, WS, Clock, FakeLiveSession, TestClient, client, settings

TLS_ORIGIN = "https://127.0.0.1:8470"


async def inside(request: Request) -> Response:
    return PlainTextResponse("inside")


async def parrot(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


class House:
    """A house with a door, a clock of its own, and clients that come from different addresses."""

    def __init__(self, **choices: Any) -> None:
        self.clock = Clock()
        self.gate = LoginGate(settings(password=PASSWORD, **choices), self.clock)
        paths = ("/", "/files", "/static/mien/login.css", "/static/other.css", "/loginx", "/api/v1/health")
        routes = [Route(path, inside, methods=["GET", "POST"]) for path in paths]
        self.app = Login(
            Starlette(routes=[*self.gate.routes(), *routes, WebSocketRoute("/ws", parrot)]), self.gate
        )

    def visitor(self, address: str = "10.0.0.1", origin: str = ORIGIN) -> TestClient:
        return client(self.app, origin, address=(address, 5000))

    def logged_in(self, origin: str = ORIGIN) -> TestClient:
        visitor = self.visitor(origin=origin)
        assert knock(visitor).status_code == 303
        return visitor


def knock(visitor: TestClient, password: str = PASSWORD) -> Any:
    return visitor.post("/login", data={"password": password})


def basic(password: str, user: str = "anybody") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def house() -> House:
    return House()


@pytest.mark.parametrize(
    "path", ["/", "/files", "/static/other.css", "/loginx", "/static/mien", "/nowhere", "//login"]
)
def test_whoever_is_not_logged_in_sees_the_login_page_alone(house: House, path: str) -> None:
    answer = house.visitor().get(ORIGIN + path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "inside" not in answer.text


@pytest.mark.parametrize("path", ["/login", "/static/mien/login.css"])
def test_the_login_page_and_its_style_are_open(house: House, path: str) -> None:
    assert house.visitor().get(path).status_code == 200


def test_the_page_says_what_a_screen_reader_needs(house: House) -> None:
    page = knock(house.visitor(), "wrong password").text
    assert '<html lang="en">' in page
    assert '<label for="password">' in page
    assert 'autocomplete="current-password"' in page
    assert '<p id="problem" role="alert">That is not the password.</p>' in page
    assert 'aria-describedby="problem"' in page
    assert "<script" not in page


def test_the_password_opens_a_session(house: House) -> None:
    visitor = house.visitor()
    answer = knock(visitor)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert visitor.get("/").text == "inside"
    assert visitor.get("/api/v1/health").text == "inside"


def test_the_cookie_is_for_this_server_alone(house: House) -> None:
    cookie = knock(house.visitor()).headers["set-cookie"].lower()
    assert cookie.startswith("mien-8470=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "domain" not in cookie
    assert "secure" not in cookie


def test_under_tls_the_cookie_is_secure(house: House) -> None:
    cookie = knock(house.visitor(origin=TLS_ORIGIN)).headers["set-cookie"].lower()
    assert cookie.startswith("__host-mien-8470=")
    assert "; secure" in cookie
    assert house.logged_in(TLS_ORIGIN).get("/").text == "inside"


def test_behind_a_proxy_with_tls_the_cookie_is_secure_too(house: House) -> None:
    answer = house.visitor().post(
        "/login", data={"password": PASSWORD}, headers={"origin": "https://mien.example"}
    )
    assert "; secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "password", ["", "wrong password", PASSWORD.upper(), PASSWORD + "x", "\x00" * 20, "x" * 100_000]
)
def test_another_password_opens_nothing(house: House, password: str) -> None:
    visitor = house.visitor()
    answer = knock(visitor, password)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert visitor.get("/").status_code == 303


def test_a_file_or_nothing_at_all_is_no_password(house: House) -> None:
    assert house.visitor().post("/login", content=b"rubbish").status_code == 401
    assert house.visitor("10.0.0.2").post("/login", files={"password": b"x"}).status_code == 400


def test_an_accent_may_be_typed_in_two_ways() -> None:
    gate = LoginGate(settings(password="garde-robe d\u00e9j\u00e0"))
    house = Starlette(routes=gate.routes())
    assert knock(client(Login(house, gate)), "garde-robe de\u0301ja\u0300").status_code == 303


@pytest.mark.parametrize("token", ["", "guessed", "x" * 43, "mien-8470"])
def test_an_invented_cookie_opens_nothing(house: House, token: str) -> None:
    assert house.visitor().get("/", headers={"cookie": f"mien-8470={token}"}).status_code == 303


def test_each_login_has_a_token_of_its_own(house: House) -> None:
    visitor = house.visitor()
    tokens = {knock(visitor).cookies["mien-8470"] for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 43 for token in tokens)  # 256 bits


def test_who_logs_out_is_out_also_with_a_copy_of_the_cookie(house: House) -> None:
    visitor = house.logged_in()
    cookie = {"cookie": f"mien-8470={visitor.cookies['mien-8470']}"}
    answer = visitor.post("/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert "mien-8470" not in visitor.cookies
    assert house.visitor().get("/", headers=cookie).status_code == 303


def test_logging_out_takes_a_post(house: House) -> None:
    visitor = house.logged_in()
    assert visitor.get("/logout").status_code == 405
    assert visitor.get("/").text == "inside"


def test_a_session_that_nobody_uses_ends() -> None:
    house = House(idle_minutes=30)
    visitor = house.logged_in()
    for _ in range(3):
        house.clock.now_s += 29 * 60
        assert visitor.get("/").status_code == 200
    house.clock.now_s += 30 * 60
    assert visitor.get("/").status_code == 303


def test_a_session_ends_also_when_it_is_used() -> None:
    house = House(idle_minutes=90, session_hours=3)
    visitor = house.logged_in()
    for _ in range(2):
        house.clock.now_s += 3600
        assert visitor.get("/").status_code == 200
    house.clock.now_s += 3600
    assert visitor.get("/").status_code == 303


# WebSockets.


def test_a_socket_needs_the_session(house: House) -> None:
    with pytest.raises(WebSocketDisconnect) as caught, house.visitor().websocket_connect(f"{WS}/ws"):
        pass
    assert caught.value.code == 1008
    with house.logged_in().websocket_connect(f"{WS}/ws") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"


def test_a_socket_ends_with_its_session(house: House) -> None:
    visitor = house.logged_in()
    with visitor.websocket_connect(f"{WS}/ws") as socket:
        house.gate.sessions.close(visitor.cookies["mien-8470"])
        socket.send_text("still there?")
        socket.portal.call(lambda: None)
        assert house.gate.sessions.use(visitor.cookies["mien-8470"]) is None
    # The parrot would have answered; its loop ended instead, and nothing was sent.
    assert socket._send_rx.statistics().current_buffer_used == 0


def test_a_socket_keeps_its_session_alive() -> None:
    house = House(idle_minutes=30)
    visitor = house.logged_in()
    with visitor.websocket_connect(f"{WS}/ws") as socket:
        for _ in range(3):
            house.clock.now_s += 29 * 60
            socket.send_text("here")
            assert socket.receive_text() == "here"
    assert visitor.get("/").status_code == 200


# Programs: the API with Basic.


def test_a_program_may_bring_the_password_with_each_request(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr(login, "_HASHER", _Counting(login._HASHER, hashed))
    program = house.visitor()
    for _ in range(20):
        assert program.get("/api/v1/health", headers=basic(PASSWORD)).text == "inside"
    assert len(hashed) == 1  # once proven, it costs no second of argon2


class _Counting:
    def __init__(self, hasher: Any, hashed: list[str]) -> None:
        self._hasher = hasher
        self._hashed = hashed

    def verify(self, digest: str, password: bytes) -> bool:
        self._hashed.append(digest)
        return bool(self._hasher.verify(digest, password))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("wrong password"),
        basic(""),
        {"authorization": "Basic %%%"},
        {"authorization": f"Bearer {PASSWORD}"},
        {"authorization": "Basic"},
        {"authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
    ],
)
def test_a_program_without_it_is_asked_for_it(house: House, headers: dict[str, str]) -> None:
    answer = house.visitor().get("/api/v1/health", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_page_that_is_logged_out_opens_no_window_for_the_password(house: House) -> None:
    answer = house.visitor().get("/api/v1/health", headers={"sec-fetch-mode": "cors"})
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers


def test_the_pages_take_no_basic(house: House) -> None:
    assert house.visitor().get("/", headers=basic(PASSWORD)).status_code == 303


# Guessing.


def test_a_guesser_waits_longer_and_longer(house: House) -> None:
    guesser = house.visitor()
    for _ in range(5):
        assert knock(guesser, "wrong password").status_code == 401
    answer = knock(guesser)
    assert answer.status_code == 429  # the right one, too
    assert answer.headers["retry-after"] == "1"
    assert "Try again in 1 second." in answer.text
    house.clock.now_s += 1
    assert knock(guesser, "wrong password").status_code == 401
    assert knock(guesser, "wrong password").headers["retry-after"] == "2"


def test_others_may_still_log_in(house: House) -> None:
    for _ in range(5):
        knock(house.visitor("10.6.6.6"), "wrong password")
    assert knock(house.visitor("10.6.6.6")).status_code == 429
    assert knock(house.visitor("10.0.0.2")).status_code == 303


def test_page_and_api_have_one_limit(house: House) -> None:
    guesser = house.visitor()
    for _ in range(5):
        guesser.get("/api/v1/health", headers=basic("wrong password"))
    answer = guesser.get("/api/v1/health", headers=basic(PASSWORD))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert knock(guesser).status_code == 429


def test_the_pause_doubles_up_to_its_limit() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    pauses = []
    for _ in range(18):
        while (pause_s := attempts.begin("10.6.6.6")) > 0:
            pauses.append(pause_s)
            clock.now_s += pause_s
    assert pauses == [min(2.0**n, 900.0) for n in range(13)]


def test_many_at_once_are_as_few_as_one_after_the_other() -> None:
    attempts = Attempts(Clock())
    allowed = sum(attempts.begin("10.6.6.6") == 0 for _ in range(100))
    assert allowed == 5


def test_many_addresses_get_a_short_pause_together() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    waited_s = 0.0
    for place in range(200):
        while (pause_s := attempts.begin(f"10.6.{place // 250}.{place % 250}")) > 0:
            assert pause_s <= 5.0
            clock.now_s += pause_s
            waited_s += pause_s
    assert waited_s > 600  # and yet nobody else waits more than 5 s


def test_one_ipv6_network_is_one_guesser() -> None:
    attempts = Attempts(Clock())
    assert [attempts.begin(f"2001:db8::{place}") for place in range(6)] == [0, 0, 0, 0, 0, 1]
    assert attempts.begin("2001:db8:0:1::1") == 0
    assert [attempts.begin("::ffff:10.0.0.1") for _ in range(2)] == [0, 0]
    assert attempts.begin("a socket without an address") == 0


def test_success_and_time_are_forgiving() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(20):
        assert attempts.begin("10.0.0.1") == 0
        attempts.succeeded("10.0.0.1")
    for _ in range(5):
        attempts.begin("10.0.0.2")
    assert attempts.begin("10.0.0.2") > 0
    clock.now_s += 3600
    assert [attempts.begin("10.0.0.2") for _ in range(5)] == [0] * 5


def test_ones_own_password_does_not_forgive_guesses_at_anothers() -> None:
    """With an account one could else guess at the admin's for ever: four guesses, a login, four guesses."""
    attempts, address = Attempts(Clock()), "10.0.0.1"
    guesses = 0
    for _ in range(20):
        for _ in range(4):
            guesses += attempts.begin(address, "ada") == 0
        if attempts.begin(address, "sam") == 0:
            attempts.succeeded(address, "sam", "sam")
    assert guesses == 5


def test_the_shared_password_under_anothers_name_forgives_nothing_either() -> None:
    attempts, address = Attempts(Clock()), "10.0.0.1"
    guesses = 0
    for _ in range(20):
        guesses += attempts.begin(address, "ada") == 0
        if attempts.begin(address, "ada") == 0:
            attempts.succeeded(address, "ada", "")
    assert guesses == 5


def test_the_right_password_forgives_ones_own_mistakes_and_an_hour_those_of_others() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(4):
        attempts.begin("10.0.0.1", "clara")
    assert attempts.begin("10.0.0.1", "clara") == 0
    attempts.succeeded("10.0.0.1", "clara", "clara")
    attempts.begin("10.0.0.1", "calra")  # a slip, which nobody will ever put right
    for _ in range(20):
        clock.now_s += 600
        assert attempts.begin("10.0.0.1", "sam") == 0
        attempts.succeeded("10.0.0.1", "sam", "sam")
    assert attempts._by_address == {}


def test_addresses_and_sessions_take_a_bounded_memory() -> None:
    attempts = Attempts(Clock(), free_for_all=10**9)
    for place in range(10_500):
        attempts.begin(f"10.{place // 65536}.{place // 256 % 256}.{place % 256}")
    assert len(attempts._by_address) == 10_000
    sessions = Sessions(idle_s=60, lifetime_s=60, clock=Clock())
    first = sessions.open()
    for _ in range(1000):
        last = sessions.open()
    assert len(sessions) == 1000
    assert sessions.use(first) is None
    assert sessions.use(last) == ""


def test_tokens_are_not_kept() -> None:
    sessions = Sessions(idle_s=60, lifetime_s=60)
    token = sessions.open()
    assert token not in repr(vars(sessions))
    assert sessions.use(None) is None


# All together.


def test_nothing_but_the_login_page_is_open(live_session: FakeLiveSession) -> None:
    visitor = client(build_backend(live_session, settings(host="0.0.0.0", password=PASSWORD)))
    for path in ("/api/v1/health", "/api/v1/openapi.json", "/api/v1/metrics", "/api/v1/sources"):
        assert visitor.get(path).status_code == 401
    assert visitor.post("/api/v1/analyse", content=b"x").status_code == 401
    for path in ("/ws/camera", "/ws/watch?source=x"):
        with (
            pytest.raises(WebSocketDisconnect),
            visitor.websocket_connect(WS + path, headers={"origin": ORIGIN}),
        ):
            pass
    headers = {"origin": ORIGIN}
    assert visitor.post("/login", data={"password": PASSWORD}, headers=headers).status_code == 303
    assert visitor.get("/api/v1/health").status_code == 200


def test_another_page_can_neither_log_in_nor_out(live_session: FakeLiveSession) -> None:
    visitor = client(build_backend(live_session, settings(password=PASSWORD)))
    headers = {"origin": "https://evil.example"}
    assert visitor.post("/login", data={"password": PASSWORD}, headers=headers).status_code == 403
    assert visitor.post("/logout", headers=headers).status_code == 403


def test_without_a_password_nobody_is_sent_to_the_login_page(live_session: FakeLiveSession) -> None:
    visitor = client(build_backend(live_session, settings()))
    assert visitor.get("/api/v1/health").status_code == 200
    assert visitor.get("/login").status_code == 200  # the record's users have names
