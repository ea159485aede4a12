"""Closed cells to a program of one's own, as a POST of JSON."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Condition, Thread
from typing import Final
from urllib.parse import urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request

from mien import __version__
from mien.errors import ConfigError
from mien.places.station import StationStatus
from mien.places.venue_messages import kind_of, told
from mien.places.waiting_cells import Cell

_log = logging.getLogger(__name__)

SIGNATURE: Final = "X-Mien-Signature"
"""The header with the HMAC-SHA-256 of the body, where there is a secret: sha256=HEX."""

_MOST: Final = 1000
_TIMEOUT_S: Final = 10.0
_PAUSES_S: Final = (1.0, 5.0, 30.0, 120.0, 600.0)
_JOIN_S: Final = 0.9


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post a body, and return the status; redirections are not followed.

    Raises:
        OSError: there is no answer.
    """
    opener = OpenerDirector()
    for handler in (HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    with opener.open(Request(url, body, headers, method="POST"), timeout=_TIMEOUT_S) as answer:
        return int(answer.status)


class Webhook:
    """Posts closed cells, in a thread of its own; a `Sink`.

    The body is {"cells": [...]}, each as `venue_messages.told` with its "kind". What is not answered with 2xx
    is tried again with growing pauses, in its order; up to a thousand cells wait.

    Args:
        url: http:// or https://.
        secret: signs the body, where there is one; see `SIGNATURE`.
        send: posts; see `post`.
        pauses_s: waits before each next try; the last one stays.

    Raises:
        ConfigError: the address can't be.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str | None = None,
        send: Callable[[str, bytes, dict[str, str]], int] = post,
        pauses_s: Sequence[float] = _PAUSES_S,
    ) -> None:
        self._url, self._where = url, _host(url)
        self._secret, self._send, self._pauses_s = secret, send, tuple(pauses_s)
        self._change = Condition()
        self._waiting: deque[Cell] = deque(maxlen=_MOST)
        self._closed = False
        self._thread = Thread(target=self._run, name="mien webhook", daemon=True)
        self._thread.start()

    def cells(self, cells: Sequence[Cell]) -> None:
        """Take cells that were closed."""
        with self._change:
            self._waiting.extend(cells)
            self._change.notify()

    def states(self, statuses: Sequence[StationStatus]) -> None:
        """Take how all stations are doing, which is not posted."""

    def close(self) -> None:
        """Post what waits, if that is answered at once; returns within a second, safe twice."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        failures = 0
        while True:
            with self._change:
                self._change.wait_for(lambda: self._waiting or self._closed)
                cells = list(self._waiting)
                closed = self._closed
            if cells:
                refusal = self._post(cells)
                if refusal is None:
                    failures = 0
                    self._take_away(cells)
                else:
                    self._complain(refusal, failures)
                    failures += 1
            with self._change:
                if closed or (self._closed and not self._waiting):
                    return
                if failures:
                    pause_s = self._pauses_s[min(failures, len(self._pauses_s)) - 1]
                    self._change.wait_for(lambda: self._closed, pause_s)

    def _post(self, cells: Sequence[Cell]) -> str | None:
        """Post cells, and return what was wrong; None where they were taken."""
        body = json.dumps({"cells": [{"kind": kind_of(each), **told(each)} for each in cells]}).encode()
        headers = {"Content-Type": "application/json", "User-Agent": f"mien/{__version__}"}
        if self._secret:
            digest = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            headers[SIGNATURE] = f"sha256={digest}"
        try:
            status = self._send(self._url, body, headers)
        except Exception as error:  # the thread's border: whatever a network does, the station goes on
            return getattr(error, "strerror", None) or type(error).__name__
        return None if 200 <= status < 300 else f"status {status}"

    def _take_away(self, cells: Sequence[Cell]) -> None:
        """Forget what was taken; of a full queue some may have gone already."""
        with self._change:
            for each in cells:
                with suppress(ValueError):
                    self._waiting.remove(each)

    def _complain(self, refusal: str, failures: int) -> None:
        if not failures:
            _log.warning("webhook: %s does not take cells (%s); trying again", self._where, refusal)


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        # The address isn't repeated: it may hold a secret.
        raise ConfigError("webhook: expected an address such as https://example.org/mien, received another")
    return str(parts.hostname)
