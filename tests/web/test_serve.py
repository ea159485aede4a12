"""The server itself, over loopback: it starts, answers, and is gone within a second."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

import mien
from mien.errors import ConfigError, MienError, SourceError
from mien.live.ending import told_to_end
from mien.live.status import SourceStatus
from mien.web import serve
from mien.web.app import build_app, build_backend
from mien.web.serve import Server, run_page
from mien.web.settings import WebSettings
from mien.web.uploads.photographs import Analyses
from mien.web.uploads.sandbox import READ
from needs import program
from patience import LIMIT_S
from web.backend import LOCAL, ORIGIN, PASSWORD, FakeLiveSession, client, jpeg, settings

ANY_PORT = settings(port=0)


@pytest.fixture
def no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = {thread for thread in threading.enumerate() if thread.name == "mien page"} - before
    assert left == set()


def ws(address: str, path: str) -> Any:
    origin = address.rstrip("/")
    return connect(origin.replace("http", "ws", 1) + path, origin=origin)


def test_it_answers_and_closes_within_a_second(
    live_session: FakeLiveSession, no_threads_left: None, research: None
) -> None:
    live_session.known["camera:0"] = SourceStatus("camera:0", "camera:0", "running")
    server = Server(build_backend(live_session, ANY_PORT), ANY_PORT)
    address = server.start()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    with httpx.Client() as browser:  # keeps its connection open
        answer = browser.get(f"{address}api/v1/health")
        assert answer.json()["status"] == "ok"
        assert "server" not in answer.headers
        with ws(address, "/ws/watch?source=camera:0") as watching, ws(address, "/ws/camera") as camera:
            assert json.loads(watching.recv())["type"] == "status"
            camera.send(json.dumps({"type": "hello", "name": "browser"}))
            assert json.loads(camera.recv())["type"] == "ready"
            server.close()
            with pytest.raises(ConnectionClosed):
                _ = list(watching)
    assert not server.alive
    assert live_session.removed == ["browser-1"]
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(address)


def test_attacks_over_the_wire(live_session: FakeLiveSession) -> None:
    with Server(build_backend(live_session, ANY_PORT), ANY_PORT) as server:
        address = server.start()
        port = int(address.rsplit(":", 1)[1].strip("/"))
        assert httpx.get(address + "api/v1/health", headers={"host": "evil.example"}).status_code == 421
        assert b" 421 " in raw(
            port, f"GET http://127.0.0.1:{port}/api/v1/health HTTP/1.1\r\nHost: evil.example"
        )
        twice = raw(port, f"GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.example")
        assert twice.split()[1] in (b"400", b"421")
        assert raw(port, "GET /api/v1/health HTTP/1.0").split()[1] in (b"400", b"421")
        for path in (
            "/../../../../etc/passwd",
            "/api/v1/readings/..%2f..%2fetc%2fpasswd.csv",
            "/static/mien/%2e%2e/%2e%2e/app.py",
        ):
            answer = raw(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close")
            assert answer.split()[1] == b"404"
        for origin in (None, "https://evil.example", f"http://localhost:{port}"):
            with (
                pytest.raises(InvalidStatus) as caught,
                connect(f"ws://127.0.0.1:{port}/ws/camera", origin=origin),
            ):
                pass
            assert caught.value.response.status_code == 403
        headers = {"x-forwarded-for": "10.0.0.1", "x-forwarded-host": "evil.example"}
        assert httpx.get(address + "api/v1/health", headers=headers).status_code == 200


def raw(port: int, request: str) -> bytes:
    """Send what no decent client would."""
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection:
        connection.sendall(request.encode() + b"\r\n\r\n")
        return connection.recv(65536)


def test_a_picture_that_is_too_large_for_a_message_ends_the_connection(
    live_session: FakeLiveSession, research: None
) -> None:
    with (
        Server(build_backend(live_session, ANY_PORT), ANY_PORT) as server,
        ws(server.start(), "/ws/camera") as camera,
    ):
        camera.send(json.dumps({"type": "hello", "name": "browser"}))
        camera.recv()
        with suppress(ConnectionClosed):  # it may be closed while the message is still being sent
            camera.send(bytes(serve._LARGEST_MESSAGE + 1))
        with pytest.raises(ConnectionClosed) as caught:
            camera.recv(timeout=LIMIT_S)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


def test_a_port_that_is_taken_is_named(live_session: FakeLiveSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Server(build_backend(live_session, ANY_PORT), settings(port=port))
        with pytest.raises(ConfigError, match=rf"port {port} .*choose another with --port"):
            server.start()
        server.close()


def test_a_host_that_is_not_ours_is_named(live_session: FakeLiveSession) -> None:
    elsewhere = settings(host="192.0.2.1", port=0, password=PASSWORD)
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1"):
        Server(build_backend(live_session, elsewhere), elsewhere).start()


def test_a_server_that_does_not_start_says_so() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    server = Server(broken, ANY_PORT)
    with pytest.raises(MienError, match="did not start"):
        server.start()
    assert not server.alive


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "localhost"), ("::", "localhost"), ("::1", "[::1]"), ("localhost", "localhost")],
)
def test_the_address_is_one_that_a_browser_takes(host: str, shown: str) -> None:
    assert serve._shown_host(host) == shown


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    openssl = program("openssl", "which makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += [
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
    ]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def test_it_speaks_tls(live_session: FakeLiveSession, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    secured = settings(port=0, tls_cert=cert, tls_key=key, password=PASSWORD)
    trusting = ssl.create_default_context(cafile=str(cert))
    with (
        Server(build_backend(live_session, secured), secured) as server,
        httpx.Client(verify=trusting) as browser,
    ):
        address = server.start()
        assert address.startswith("https://")
        answer = browser.post(
            f"{address}login", data={"password": PASSWORD}, headers={"origin": address.rstrip("/")}
        )
        assert "; secure" in answer.headers["set-cookie"].lower()
        assert browser.get(f"{address}api/v1/health").status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(address.replace("https", "http"))


# The whole app, with its pages.


@pytest.fixture
def whole(live_session: FakeLiveSession, no_threads_left: None) -> Iterator[str]:
    with Server(build_app(live_session, ANY_PORT), ANY_PORT) as server:
        yield server.start()


def test_the_pages_come_with_guard_and_policy(whole: str) -> None:
    for path in ("", "files", "about"):
        answer = httpx.get(whole + path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert set(re.findall(r"(?:src|href)=[\"'](\w+:)?//", answer.text)) == set()
        assert answer.headers["cache-control"] == "no-store"
    assert httpx.get(whole).headers["x-frame-options"] == "DENY"


def test_a_page_that_is_not_there_is_a_line_of_text(whole: str) -> None:
    for path in ("nowhere", "../../etc/passwd", "static/mien/..%2f..%2fapp.py", "static/mien/nothing.js"):
        answer = httpx.get(whole + path)
        assert answer.status_code == 404
        assert "<script" not in answer.text


def test_with_a_password_the_pages_are_closed(live_session: FakeLiveSession) -> None:
    closed = settings(port=0, password=PASSWORD)
    forgotten: list[str] = []
    with client(build_app(live_session, closed), address=LOCAL) as visitor:
        for path in ("/", "/files", "/about", "/nowhere", "/api/v1/files"):
            assert visitor.get(path).status_code in (303, 401)
        assert visitor.get("/static/mien/login.css").status_code == 200
        visitor.app.state.at_logout.append(lambda request: forgotten.append(request.url.path))
        visitor.post("/login", data={"password": PASSWORD}, headers={"origin": ORIGIN})
        visitor.post("/logout", headers={"origin": ORIGIN})
    assert forgotten == ["/logout"]


# What `mien live` does with it.


def run(
    live_session: FakeLiveSession, choices: WebSettings = ANY_PORT, number: int = signal.SIGINT
) -> list[str]:
    """Run the page until it has said all, then end it as the terminal would."""
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if line == "Press Ctrl-C to stop it.":
            lines.append(
                httpx.get(re.findall(r"https?://\S+", lines[0])[0], follow_redirects=True).reason_phrase
            )
            signal.raise_signal(number)

    before = signal.getsignal(number)
    run_page(live_session, choices, say=say)
    assert signal.getsignal(number) is before
    return lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_page_runs_until_it_is_told_to_end(
    live_session: FakeLiveSession, number: int, no_threads_left: None
) -> None:
    first, second, *_, last = run(live_session, number=number)
    assert first.startswith("Mien is at http://127.0.0.1:")
    assert "none is stored" in second
    assert last == "OK"
    assert live_session.broadcaster._closed


def test_what_the_network_can_see_is_said(live_session: FakeLiveSession) -> None:
    lines = run(live_session, settings(host="0.0.0.0", port=0, password=PASSWORD))
    assert any("Other machines can reach it" in line for line in lines)
    assert any("unencrypted" in line for line in lines)


def test_the_browser_opens_only_where_a_person_is(
    live_session: FakeLiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    run(live_session)
    assert opened == []
    monkeypatch.setattr(serve, "_person_is_there", lambda: True)
    other = FakeLiveSession()
    run(other)
    assert len(opened) == 1


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    def look() -> None:
        with told_to_end() as told:
            seen.append(told.is_set())

    seen: list[bool] = []
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [False]


# What is being read when the server ends.


def test_a_photograph_in_a_child_process_ends_with_the_server(live_session: FakeLiveSession) -> None:
    analyses = Analyses(live_session.settings)
    analyses.close()
    with pytest.raises(SourceError, match="stopped"):
        analyses(jpeg(), READ)


def test_closing_the_app_closes_what_reads_photographs(
    live_session: FakeLiveSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(Analyses, "close", lambda self: closed.append(True))

    async def live() -> None:
        app = build_backend(live_session, ANY_PORT)
        async with app.router.lifespan_context(app):
            assert closed == []

    asyncio.run(live())
    assert closed == [True]


FEW_HANDLES = """
import resource, sys
from mien.web.app import build_backend
from mien.web.serve import Server
from web.backend import FakeLiveSession, settings

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
chosen = settings(port=0)
with Server(build_backend(FakeLiveSession(), chosen), chosen) as server:
    print(server.start(), flush=True)
    sys.stdin.read()
"""


@pytest.mark.exhaustive
def test_a_server_that_runs_out_of_handles_answers_again() -> None:
    """A hundred connections where sixty-four handles are all there are; then they are gone."""
    pytest.importorskip("resource")
    code = [sys.executable, "-c", FEW_HANDLES]
    paths = [str(Path(mien.__file__).parents[1]), str(Path(__file__).parents[1])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    with subprocess.Popen(
        code,
        env=environment,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        place = ("127.0.0.1", int(address.rstrip("/").rpartition(":")[2]))
        with ExitStack() as crowd:
            for _ in range(100):
                crowd.enter_context(socket.create_connection(place))
            with pytest.raises(httpx.TransportError):  # it is full, or this would show nothing
                httpx.get(f"{address}api/v1/health", timeout=1.0)
        assert httpx.get(f"{address}api/v1/health", timeout=LIMIT_S).status_code == 200
        assert process.poll() is None
        process.communicate("")
    assert process.returncode == 0
