"""Room for pages, and that what comes and goes leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from nicegui import Client, core
from nicegui.element import Element
from websockets.sync.client import connect as websocket

from live.session_fakes import make_station
from mien.web.app import build_app, build_backend
from mien.web.pages.room import LOADING_S, Room
from mien.web.serve import Server
from patience import LIMIT_S
from web.backend import HOST, WS, FakeLiveSession, client, settings
from web.test_page_socket import address, opened_page
from web.test_sockets import camera, picture

NAP_S = 0.01
HERE, THERE = ("192.168.1.7", 1), ("192.168.1.8", 1)


class PosixClock:
    """Says when it is, by the time at which the pages were made."""

    def __init__(self) -> None:
        self.later_s = 0.0

    def __call__(self) -> float:
        return max((page.created for page in Client.instances.values()), default=0.0) + self.later_s


@pytest.fixture
def clock() -> PosixClock:
    return PosixClock()


def pages_of(live_session: FakeLiveSession, clock: PosixClock, **choices: int) -> Any:
    chosen = settings(**choices)
    app = build_app(live_session, chosen)  # type: ignore[arg-type]
    core.app.state.room = Room(chosen, clock)
    return app


def test_one_address_has_no_more_pages_than_it_may(live_session: FakeLiveSession, clock: PosixClock) -> None:
    app = pages_of(live_session, clock, max_pages_each=3)
    here, there = client(app, address=HERE), client(app, address=THERE)
    assert [here.get(path).status_code for path in ("/", "/subjects", "/about")] == [200] * 3
    refused = here.get("/files")
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("text/plain")
    assert refused.headers["retry-after"] == "10"
    assert refused.text.startswith("Mien: too many pages are open from your address (the limit is 3). ")
    assert refused.text.endswith("Close some, or try again in a few seconds.\n")
    assert there.get("/").status_code == 200
    assert here.get("/api/v1/health").status_code == 200
    assert len(Client.instances) == 4


def test_all_together_have_no_more_pages_than_there_may_be(
    live_session: FakeLiveSession, clock: PosixClock
) -> None:
    app = pages_of(live_session, clock, max_pages=2)
    for number in range(2):
        assert client(app, address=(f"10.0.0.{number}", 1)).get("/").status_code == 200
    refused = client(app, address=("10.0.0.9", 1)).get("/")
    assert (refused.status_code, "too many pages are open (the limit is 2)" in refused.text) == (503, True)
    assert len(Client.instances) == 2


def test_a_network_of_64_bits_is_one_address(live_session: FakeLiveSession, clock: PosixClock) -> None:
    app = pages_of(live_session, clock, max_pages_each=1)
    assert client(app, address=("2001:db8::1", 1)).get("/").status_code == 200
    assert client(app, address=("2001:db8::2", 1)).get("/").status_code == 429
    assert client(app, address=("2001:db8:0:1::2", 1)).get("/").status_code == 200


def test_the_oldest_that_nobody_looks_at_makes_room(live_session: FakeLiveSession, clock: PosixClock) -> None:
    here = client(pages_of(live_session, clock, max_pages_each=3), address=HERE)
    seen, old, new = (opened_page(here) for _ in range(3))
    Client.instances[seen].tab_id = "it has a socket"
    clock.later_s = LOADING_S
    assert here.get("/").status_code == 200
    assert {seen, new} < set(Client.instances)
    assert old not in Client.instances
    for page in Client.instances.values():
        page.tab_id = "it has a socket"
    assert here.get("/").status_code == 429
    for page in Client.instances.values():
        page.tab_id = None


@pytest.mark.parametrize(
    "path",
    [
        "/subjects/a%20b",
        f"/subjects/{'a' * 65}",
        f"/subjects/P-1/recordings/{2**63}",
        "/subjects/P-1/recordings/one",
        "/subjects/P-1/recordings/-1",
    ],
)
def test_a_page_of_what_none_is_called_is_not_there(
    live_session: FakeLiveSession, clock: PosixClock, path: str
) -> None:
    answer = client(pages_of(live_session, clock)).get(path)
    assert answer.status_code == 404
    assert answer.text == "There is no such page. Mien's start page is at /"
    assert not Client.instances


# What comes and goes.


def until(true: Callable[[], bool]) -> None:
    """Wait until something has come true in the server's thread."""
    for _ in range(round(LIMIT_S / NAP_S)):
        if true():
            return
        threading.Event().wait(NAP_S)
    raise AssertionError("it did not come true")


async def ask(app: Any, path: str, address: str) -> int:
    """Ask for a page, without all that a client does."""
    codes = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        codes.append(message.get("status"))

    scope = {
        "type": "http", "method": "GET", "scheme": "http", "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "headers": [(b"host", HOST.encode())], "http_version": "1.1",
        "client": (address, 1), "server": ("127.0.0.1", 8470), "state": {},
    }  # fmt: skip
    await app(scope, receive, send)
    return codes[0] or 0


def remembered() -> Counter[str]:
    """Count what pages are made of."""
    gc.collect()
    kinds = (Client, Element, asyncio.Task)
    return Counter(kind.__name__ for each in gc.get_objects() for kind in kinds if isinstance(each, kind))


def test_ten_thousand_pages_leave_nothing_behind(live_session: FakeLiveSession, clock: PosixClock) -> None:
    """Of clients that never come back, from a hundred addresses, at a quarter of them in ten seconds."""
    app = pages_of(live_session, clock, max_pages=20, max_pages_each=20)

    async def flood() -> tuple[Counter[str], Counter[int], Counter[str]]:
        await ask(app, "/", "10.0.0.1")
        Client.prune_instances(client_age_threshold=0)
        before, codes = remembered(), Counter[int]()
        for number in range(10_000):
            clock.later_s = LOADING_S if number % 2500 == 0 else 0.0
            codes[await ask(app, "/subjects", f"10.0.0.{number % 100}")] += 1
            assert len(Client.instances) <= 20
        Client.prune_instances(client_age_threshold=0)  # as NiceGUI does every ten seconds
        return before, codes, remembered()

    before, codes, after = asyncio.run(flood())
    assert sum(codes.values()) == 10_000
    assert set(codes) == {200, 503}
    assert codes[200] >= 20
    assert not Client.instances
    assert after == before


def test_two_hundred_pages_that_came_and_went_leave_nothing_behind(
    live_session: FakeLiveSession, clock: PosixClock
) -> None:
    clock.later_s = LOADING_S
    chosen = settings(port=0, max_pages_each=20)
    app = pages_of(live_session, clock, port=0, max_pages_each=20)
    # NiceGUI's are the process's own: servers of other tests may have ended with a socket open.
    earlier = {*core.sio.eio.sockets, *core.sio.environ}
    with Server(app, chosen) as server, httpx.Client(base_url=server.start()) as browser:
        origin = str(browser.base_url).rstrip("/")
        for _ in range(200):
            where = address(opened_page(browser)).replace(WS, origin.replace("http", "ws", 1))
            with websocket(where, origin=origin) as socket:
                assert str(socket.recv(LIMIT_S)).startswith("0{")
                socket.send("40")
                assert str(socket.recv(LIMIT_S)).startswith("40{")
            until(lambda: not any(each.has_socket_connection for each in list(Client.instances.values())))
            assert len(Client.instances) <= 20
        until(lambda: {*core.sio.eio.sockets, *core.sio.environ} <= earlier)
        assert core.app.storage.max_tab_storage_age <= 60
    for each in list(Client.instances.values()):  # as NiceGUI does after a while
        each._delete_tasks.clear()
        each.delete()
    del each
    left = remembered()
    assert (left["Client"], left["Element"]) == (0, 0)


def test_two_hundred_cameras_that_came_and_went_leave_nothing_behind(
    tiny_network: Path, research: None
) -> None:
    before = set(threading.enumerate())
    with make_station(tiny_network) as live_session:
        app = build_backend(live_session, settings())
        for sequence in range(200):
            with camera(app) as socket:
                socket.send_bytes(picture(sequence))
                if sequence % 10 == 0:  # the others leave while it is read
                    assert socket.receive_json()["sequence"] == sequence
        for thread in set(threading.enumerate()) - before:
            if thread.name.startswith("mien "):
                thread.join(LIMIT_S)
        assert live_session.statuses() == []
        assert live_session.broadcaster.latest() == {}
        assert live_session.broadcaster._boxes == []
        assert len(live_session.history._past) <= 100
        assert [each for each in threading.enumerate() if each.name.startswith("mien browser")] == []
