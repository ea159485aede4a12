"""The API's part about sensors of the body: how they are doing, what they say, adding and removing them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, HTTPException, Query, Request

from mien.errors import SourceError
from mien.install import extras_command
from mien.live.purpose import read_purpose
from mien.live.session import LiveSession
from mien.live.together import together_message
from mien.web.api.fields import Where
from mien.web.api.live import check_may_change
from mien.web.api.models import (
    FoundSensor,
    FoundSensors,
    NewSensor,
    RestOut,
    SensorOut,
    SignalReadingOut,
    TogetherOut,
)
from mien.web.security.access import require_watcher
from mien.web.settings import WebSettings

FACE: Final = "face"
"""The pulse from the face before a camera, as one more sensor."""

_DEVICE: Final = re.compile(r"/dev/(tty|cu|rfcomm)[\w.-]*|COM[0-9]{1,3}")
_BOARD_PARTS: Final = (
    "serial_port", "mac_address", "serial_number", "ip_address", "ip_port", "timeout",
)  # fmt: skip
_LATEST_S: Final = 1e11
"""POSIX seconds that no clock shows."""


def signal_routes(live_session: LiveSession, settings: WebSettings) -> APIRouter:
    """Make the routes of the sensors."""
    router = APIRouter(tags=["signals"], dependencies=[Depends(require_watcher)])

    @router.get("/signals", response_model=list[SensorOut])
    def sensors() -> list[dict[str, Any]]:
        """Return how each sensor is doing, and what the arousal of who wears them is measured against."""
        return [status.as_dict() for status in live_session.signal_statuses()]

    @router.get("/signals/latest", response_model=list[SignalReadingOut])
    def latest() -> list[dict[str, Any]]:
        """Return the newest reading of each sensor, without its waves."""
        return [reading.as_dict(waves=False) for reading in live_session.signals.latest().values()]

    @router.get("/signals/together", response_model=TogetherOut)
    def together() -> dict[str, Any]:
        """Return how the face of the first source and the body have gone together so far."""
        return together_message(time.time(), live_session.together(), live_session.body_courses)

    @router.get("/signals/found")
    def found(request: Request) -> FoundSensors:
        """Look for sensors that could be added, which takes some seconds; only from the server's machine."""
        check_may_change(request, settings)
        with _needing_the_extra():
            from mien.signals.stream.address import find_streams

            there = find_streams()
        return FoundSensors(
            streams=[FoundSensor(where=each.address, detail=each.detail) for each in there.streams],
            straps=[FoundSensor(where=each.address, detail=each.detail) for each in there.straps],
            boards=[each.address for each in there.boards],
            notes=list(there.notes),
        )

    @router.get("/signals/history/{name:path}", response_model=list[SignalReadingOut])
    def history(
        name: Where, since_s: Annotated[float, Query(ge=0, le=_LATEST_S)] = 0.0
    ) -> list[dict[str, Any]]:
        """Return what a sensor said in the last minutes, each time that it had something new to say."""
        readings = live_session.signal_history.fresh(name, since_s)
        if not readings:
            _check_known(live_session, name)
        return [reading.as_dict(waves=False) for reading in readings]

    @router.post("/signals", status_code=201, response_model=SensorOut)
    def add(wanted: NewSensor, request: Request) -> dict[str, Any]:
        """Add a sensor that the server reaches; only from a browser on that machine."""
        check_may_change(request, settings)
        if read_purpose() is None:
            raise HTTPException(409, "choose first what Mien is used for")
        where = wanted.where.strip()
        name = wanted.name or where
        if where == FACE:
            live_session.add_face_pulse(name)
        else:
            check_no_path(where)
            with _needing_the_extra():
                from mien.signals.stream.address import check_address

                opened = check_address(where)
            live_session.add_signals(name, lambda: opened(live_session.machine_clock()), where=where)
        return next(status.as_dict() for status in live_session.signal_statuses() if status.name == name)

    @router.post("/signals/rest")
    def rest() -> RestOut:
        """Let the rest begin now that arousal is measured against; who wears the sensors sits still."""
        if not live_session.signal_statuses():
            raise HTTPException(409, "there is no sensor: add one first")
        live_session.rest.mark(time.time())
        status = live_session.rest.status()
        return RestOut(by=status.by, windows=status.windows, known=status.known, said=status.said)

    @router.delete("/signals/{name:path}", status_code=204)
    def remove(name: Where, request: Request) -> None:
        """Take a sensor away; only from a browser on the server's machine."""
        check_may_change(request, settings)
        _check_known(live_session, name)
        live_session.remove(name)

    return router


def _check_known(live_session: LiveSession, name: str) -> None:
    if name not in {status.name for status in live_session.signal_statuses()}:
        raise HTTPException(404, "there is no such sensor")


@contextmanager
def _needing_the_extra() -> Iterator[None]:
    """Refuse with the command that brings it where a package for sensors is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise HTTPException(409, f"this needs {error.name}: {extras_command('signals')}") from None


def check_no_path(where: str) -> None:
    """Let a board's address pass only with what finds it: BrainFlow would also read and write files.

    Raises:
        SourceError: it has something else.
    """
    if not where.lower().startswith("board:"):
        return
    for name, value in parse_qsl(where.partition("?")[2], keep_blank_values=True):
        if name not in _BOARD_PARTS:
            raise SourceError(f"expected of a board no more than {', '.join(_BOARD_PARTS)}; received {name}")
        if name == "serial_port" and not _DEVICE.fullmatch(value):
            raise SourceError("expected a port as in serial_port=/dev/ttyUSB0 or serial_port=COM3")
