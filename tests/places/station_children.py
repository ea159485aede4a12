"""Stations in processes of their own, whose guests come fast: to be killed, or to write together."""

from __future__ import annotations

import multiprocessing
import struct
from contextlib import closing
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from mien.places.venue_runner import VenueRunner
from mien.store.store import Store
from patience import LIMIT_S
from places.station_fakes import START, Till, Times, equipment, until

GUESTS = 12
"""So many come in a quarter of an hour; so each quarter is a cell."""

_COUNTED = struct.Struct("<q")


@cache
def context() -> ForkServerContext:
    """Children start at once, as copies of a process that has imported what takes long."""
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(["places.station_fakes", "mien.store.store", "mien.places.venue_runner"])
    return chosen


def count_guests(url: str, name: str, quarters: int, told: Connection, waiting: Path | None) -> None:
    """Run one station; tell how many guests were counted, and as many answers, after each of them.

    Args:
        url: of the store, which has the station.
        name: of the station in the venue "corner".
        quarters: how many of an hour go by; then the runner is closed as it should be.
        told: gets the numbers.
        waiting: where closed cells wait while the server is away.
    """
    times, till = Times(START), Till(name)
    with (
        Store(url, who=name) as store,
        VenueRunner(
            store,
            equipment(lambda *_: till, times),
            stations=[name],
            watch_every_s=None,
            waiting=waiting,
            purpose=lambda: "venue",
        ) as runner,
    ):
        until(lambda: runner.watch() or till.asked)  # type: ignore[func-returns-value]
        for guest in range(GUESTS * quarters):
            if guest and guest % GUESTS == 0:
                times.go(minutes=15)
                runner.watch()
            till.guests(1)
            till.settled()
            runner.answers("corner", name).add(1 + guest % 5, times.wall())
            runner.watch()
            told.send_bytes(_COUNTED.pack(guest + 1))


class Child:
    """A station in a process of its own, once it has counted somebody."""

    def __init__(self, url: str, name: str, quarters: int, waiting: Path | None = None) -> None:
        self._told, end = context().Pipe(duplex=False)
        arguments: Any = (url, name, quarters, end, waiting)
        self._process = context().Process(target=count_guests, args=arguments, daemon=True)
        self._process.start()
        end.close()
        assert self._told.poll(LIMIT_S)

    def kill_after(self, wait_s: float) -> int:
        """Kill it after a while, and return how many it had counted."""
        self._process.join(wait_s)
        assert self._process.is_alive()
        self._process.kill()
        return self.end()

    def end(self) -> int:
        """Wait for its end, and return how many it had counted."""
        self._counted = 0
        with closing(self._told):
            while True:
                try:
                    (self._counted,) = _COUNTED.unpack(self._told.recv_bytes())
                except (EOFError, OSError):
                    break
        self._process.join(LIMIT_S)
        assert self._process.exitcode is not None
        return self._counted
