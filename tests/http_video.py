"""What cameras and servers give over HTTP, on loopback: MJPEG as IP cameras send it, and plain files."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import cv2
import numpy as np

from patience import LIMIT_S


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # it waits for no daemon when it closes


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve until the end of the block, and give the address: http://127.0.0.1:PORT."""
    server = _Server(("127.0.0.1", 0), handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()  # waits for the answers that are under way
        thread.join(LIMIT_S)


@contextmanager
def serving_files(folder: Path) -> Iterator[str]:
    """Serve a folder's files."""

    class Quiet(SimpleHTTPRequestHandler):
        extensions_map = {".m3u8": "application/vnd.apple.mpegurl", "": "application/octet-stream"}  # noqa: RUF012

        def log_message(self, *_: object) -> None:
            pass

    with serving(partial(Quiet, directory=str(folder))) as address:
        yield address


class MjpegCamera:
    """A camera whose pictures (64x48) get brighter; each connection begins anew.

    Args:
        per_connection: hang up after so many pictures; None goes on.
        stops_after: say nothing more after so many pictures, but don't hang up.
        user: "name:password" asked for.
    """

    def __init__(
        self, *, per_connection: int | None = None, stops_after: int | None = None, user: str | None = None
    ) -> None:
        self.connections = 0
        self._per_connection = per_connection
        self._stops_after = stops_after
        self._wanted = user and "Basic " + base64.b64encode(user.encode()).decode()
        self._over = Event()

    @contextmanager
    def on(self) -> Iterator[str]:
        """Serve until the end of the block, and give the address of the pictures."""
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        with serving(Handler) as address:
            try:
                yield f"{address}/video.cgi"
            finally:
                self._over.set()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self._wanted and handler.headers["Authorization"] != self._wanted:
            handler.send_response(401)
            handler.send_header("WWW-Authenticate", 'Basic realm="camera"')
            handler.end_headers()
            return
        self.connections += 1
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        try:
            self._send(handler)
        except OSError:  # the reader hung up
            handler.close_connection = True

    def _send(self, handler: BaseHTTPRequestHandler) -> None:
        number = 0
        while not self._over.is_set() and number != self._per_connection:
            if number == self._stops_after:
                self._over.wait()
                return
            jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), min(20 + number, 250), np.uint8))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            handler.wfile.write(head.encode() + jpeg + b"\r\n")
            handler.wfile.flush()
            number += 1
            self._over.wait(0.02)
