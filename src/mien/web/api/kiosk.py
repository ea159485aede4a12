"""The kiosk's part of the API: for guests, who need no password and are told no more than the sign says.

Whoever reaches the server may answer, and may turn a camera off; to turn it on again takes a password.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Final

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from mien.errors import MissingError, StoreError
from mien.store.venue_types import ANSWERS, Station
from mien.web.api.fields import PlaceName
from mien.web.api.venues import Running
from mien.web.security.access import Records

EVERY_S: Final = 1.0
"""A station takes one answer in this time: no program should be able to fill it."""

WHO: Final = "kiosk"
"""Who is named in the audit log when a guest turns a camera off."""


_NOT_READING: Final = ("off", "unposted", "closed", "stopped", "failed")
"""States in which a camera reads nothing, and won't by itself within seconds."""


class KioskOut(BaseModel):
    """What the kiosk shows beside its question."""

    camera: bool = Field(description="Whether the station's camera reads expressions now: the sign is up.")
    answers: bool = Field(description="Whether answers are counted here.")


class AnswerIn(BaseModel):
    """A face that a guest has touched."""

    model_config = ConfigDict(extra="forbid")

    answer: int = Field(ge=1, le=len(ANSWERS), strict=True, description="1 (very bad) to 5 (very good).")


def kiosk_routes(running: Running | None, clock: Callable[[], float] = time.monotonic) -> APIRouter:
    """Make the routes of the kiosks, which ask for no password.

    Args:
        running: what counts answers here; None where nothing does.
        clock: gives seconds that never run backwards.
    """
    router = APIRouter(tags=["kiosk"], prefix="/kiosk/{venue}/{station}")
    pace = _Pace(clock)

    @router.get("")
    def kiosk(venue: PlaceName, station: PlaceName, request: Request) -> KioskOut:
        """Return whether a camera reads expressions at a station, and whether answers are counted."""
        _station(request, venue, station)
        doing = running.doing(venue, station) if running is not None else None
        return KioskOut(camera=doing is not None and doing[0] not in _NOT_READING, answers=doing is not None)

    @router.post("/answers", status_code=204)
    def answer(venue: PlaceName, station: PlaceName, given: AnswerIn, request: Request) -> None:
        """Count a guest's answer; it is stored once it is one of ten or more."""
        _station(request, venue, station)
        if not pace.allows(f"{venue}/{station}"):
            raise HTTPException(429, "one answer a second is taken; try again")
        try:
            if running is not None:
                running.answers(venue, station).add(given.answer, datetime.now(UTC))
                return
        except MissingError:
            pass
        raise HTTPException(409, f"nobody counts answers here: start it with mien venue run {venue}")

    @router.post("/off", status_code=204)
    def turn_off(venue: PlaceName, station: PlaceName, request: Request) -> None:
        """Turn a station's camera off at once; guests can't turn it on."""
        found = _station(request, venue, station)
        if found.source and found.enabled:
            _records(request).store().by(WHO).venues.switch(venue, station, on=False)
            if running is not None:
                running.refresh()

    return router


class _Pace:
    """At most one answer a station in `EVERY_S`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._last_s: dict[str, float] = {}

    def allows(self, station: str) -> bool:
        """Return whether a station, which there is, may take an answer now."""
        with self._lock:
            now_s = self._clock()
            if now_s - self._last_s.get(station, -EVERY_S) < EVERY_S:
                return False
            self._last_s[station] = now_s
            return True


def _station(request: Request, venue: str, station: str) -> Station:
    try:
        return _records(request).store().venues.station(venue, station)
    except MissingError:
        raise HTTPException(404, "there is no such station") from None
    except StoreError:
        raise HTTPException(503, "the store can't be read now") from None


def _records(request: Request) -> Records:
    records: Records = request.app.state.records
    return records
