"""What comes and goes leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from live.session_fakes import make_session
from mien.web.app import build_app, build_backend
from mien.web.pages import PAGES
from patience import LIMIT_S
from web.backend import FakeLiveSession, client, settings
from web.ws.test_sockets import camera, picture


def remembered() -> Counter[str]:
    """Count what answering a page takes."""
    gc.collect()
    kinds = (Request, Response, asyncio.Task)
    return Counter(kind.__name__ for each in gc.get_objects() for kind in kinds if isinstance(each, kind))


@pytest.mark.exhaustive
def test_a_thousand_pages_leave_nothing_behind(live_session: FakeLiveSession) -> None:
    """Of clients that never come back: the server keeps nothing of a page that it has sent."""
    named = {"code": "P-1", "number": 1, "venue": "cafe", "station": "till-1"}
    paths = [page.path.format(**named) for page in PAGES if page.template != "about.html"]
    with client(build_app(live_session, settings())) as visitor:  # type: ignore[arg-type]
        for path in paths:
            visitor.get(path)
        before = remembered()
        for number in range(1000):
            assert visitor.get(paths[number % len(paths)]).status_code == 200
        assert remembered() == before


@pytest.mark.exhaustive
def test_two_hundred_cameras_that_came_and_went_leave_nothing_behind(
    tiny_network: Path, research: None
) -> None:
    before = set(threading.enumerate())
    with make_session(tiny_network) as live_session:
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
