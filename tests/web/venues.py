"""Venues for tests of the pages: a restaurant with weeks of figures, and a station to be set up."""

from __future__ import annotations

import numpy as np

from mien.errors import MissingError, SourceError
from mien.places.simulated_venue import SimulatedVenue, write_simulated_venue
from mien.store.store import Store
from mien.store.venue_types import Station
from mien.types import Image

WEEKS = 5
MADE, CAFE, TILL = "trattoria", "cafe", "till-1"


def fill(store: Store) -> SimulatedVenue:
    """Write a simulated restaurant, and a station that was never set up."""
    store.venues.add(Station(CAFE, TILL, "camera:0"))
    return write_simulated_venue(store, MADE, weeks=WEEKS)


class FakeRunning:
    """Runs `TILL`, whose camera shows a grey wall."""

    def __init__(self) -> None:
        self.away = False
        self.refreshed = 0

    def doing(self, venue: str, station: str) -> tuple[str, str] | None:
        if (venue, station) != (CAFE, TILL):
            return None
        return ("away", "The camera has been away for 5 s.") if self.away else ("counting", "It counts.")

    def snapshot(self, station: Station) -> Image:
        if self.away:
            raise SourceError("camera:0 gives no picture")
        return np.full((90, 120, 3), 128, np.uint8)

    def answers(self, venue: str, station: str) -> object:
        raise MissingError("it is not run here")

    def refresh(self) -> None:
        self.refreshed += 1
