"""Runs the stations of venues as the store has them, keeps their closed cells there, and hands them on.

What is set in the store, by whichever program, is followed within a second. Nothing but closed cells, and how
the stations are doing, ever leaves it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path
from threading import Event, RLock, Thread, current_thread
from typing import Final, Protocol, Self

from mien.errors import MissingError, OverlapError, StoreError
from mien.live.purpose import read_purpose
from mien.places.equipment import Equipment
from mien.places.station import StationRunner, StationState, StationStatus
from mien.places.venue_cells import AnswerMaker
from mien.places.waiting_cells import Cell, WaitingCells, waiting_key
from mien.store.store import Store
from mien.store.venue_types import AnswerCell, Station, VisitCell
from mien.types import Image
from mien.wording import count

_log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""How often the store is asked how the stations are set."""

STORE_PAUSE_S: Final = 10.0
"""A store that can't be read or written is tried again after so long."""

PURPOSE: Final = "venue"

WRONG_PURPOSE: Final = (
    "Mien is set up here for another purpose, or for none yet: a station counts with the purpose venue alone"
    " (mien venue run --purpose venue)."
)

_JOIN_S: Final = 0.9

Names = tuple[str, str]


class Sink(Protocol):
    """Where closed cells go beside the store; it never waits, and never fails."""

    def cells(self, cells: Sequence[Cell]) -> None:
        """Take cells that were closed, and are in the store."""

    def states(self, statuses: Sequence[StationStatus]) -> None:
        """Take how all stations are doing, once a second."""

    def close(self) -> None:
        """Let go, within a second."""


class VenueRunner:
    """Runs stations; close it, or use it in `with`. Safe from any thread.

    Args:
        store: has the stations, and gets the cells; its owner closes it afterwards.
        equipment: what the stations work with.
        venues: whose stations to run; None runs all.
        stations: names of those to run; None runs all.
        sinks: get closed cells; closed with this.
        watch_every_s: how often it looks; None leaves it to the caller of `watch`.
        waiting: the folder on this computer where closed cells wait while a server is away, see
            `spool.spool_folder`; what an earlier program has left there is kept first. None for memory.
        purpose: tells what Mien is set up for.
    """

    def __init__(
        self,
        store: Store,
        equipment: Equipment,
        *,
        venues: Collection[str] | None = None,
        stations: Collection[str] | None = None,
        sinks: Sequence[Sink] = (),
        watch_every_s: float | None = 0.25,
        waiting: Path | None = None,
        purpose: Callable[[], str | None] = read_purpose,
    ) -> None:
        self._store, self._equipment = store, equipment
        self._venues, self._names = venues, stations
        self._sinks, self._purpose = tuple(sinks), purpose
        self._lock = RLock()
        self._runners: dict[Names, StationRunner] = {}
        self._answers: dict[Names, AnswerMaker] = {}
        self._waiting = WaitingCells() if waiting is None else WaitingCells(waiting, waiting_key(store))
        self._look_s = self._store_back_s = float("-inf")
        self._complained = False
        self._closing = Event()
        self._watchdog: Thread | None = None
        if self._waiting:
            self._keep()
        self.watch()
        if watch_every_s is not None:
            self._watchdog = Thread(
                target=self._keep_watching, args=(watch_every_s,), name="mien venues", daemon=True
            )
            self._watchdog.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def statuses(self) -> list[StationStatus]:
        """Return how the stations are doing, by venue and name."""
        with self._lock:
            runners = sorted(self._runners.items())
        return [runner.status() for _, runner in runners]

    def doing(self, venue: str, station: str) -> tuple[StationState, str] | None:
        """Return how a station is doing, in a word and in a sentence; None where it is not run here."""
        with self._lock:
            runner = self._runners.get((venue, station))
        if runner is None:
            return None
        status = runner.status()
        return status.state, status.words

    def snapshot(self, station: Station) -> Image:
        """Return what a station's camera sees, in which nobody can be known; see `StationRunner.snapshot`.

        Raises:
            ConfigError: it has no camera.
            SourceError: its camera gives no picture.
        """
        with self._lock:
            runner = self._runners.get((station.venue, station.name))
        return (runner or StationRunner(station, self._equipment)).snapshot()

    def answers(self, venue: str, station: str) -> AnswerMaker:
        """Return what counts the answers at a station's kiosk.

        Raises:
            MissingError: it is not run here.
        """
        with self._lock:
            maker = self._answers.get((venue, station))
        if maker is None:
            raise MissingError(f"{venue} has no station {station} that runs here: mien venue run")
        return maker

    def refresh(self) -> None:
        """Follow what the store says now, without waiting for the next look."""
        with self._lock:
            self._look_s = float("-inf")
            self.watch()

    def watch(self) -> None:
        """Look after all stations once."""
        with self._lock:
            if self._closing.is_set():
                return
            now_s, now = self._equipment.clock(), self._equipment.wall()
            looks = now_s - self._look_s >= LOOK_S
            if looks and now_s >= self._store_back_s:
                self._follow()
            if looks:
                self._look_s = now_s
            for runner in self._runners.values():
                runner.watch()
                self._waiting.add(runner.take())
            for maker in self._answers.values():
                self._waiting.add(maker.tick(now))
            if self._waiting and now_s >= self._store_back_s:
                self._keep()
        if looks and self._sinks:
            statuses = self.statuses()
            for sink in self._sinks:
                sink.states(statuses)

    def close(self) -> None:
        """Stop all stations, and keep what has k of them; what is open is forgotten. Safe twice."""
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
            leaving = list(self._runners.values())
            for names in list(self._runners):
                self._leave(names)
            if self._waiting:
                self._keep()
            self._say_what_waits()
            self._waiting.close()
        until_s = time.monotonic() + _JOIN_S
        for runner in leaving:
            runner.join(until_s)
        if self._watchdog is not None and self._watchdog is not current_thread():
            self._watchdog.join(max(0.0, until_s - time.monotonic()))
        for sink in self._sinks:
            sink.close()

    def _follow(self) -> None:
        """Run what the store has, as it is set there; what can't be asked just now stays as it is."""
        try:
            stations = self._store.venues.stations()
            found = {(each.venue, each.name): each for each in stations if self._is_wanted(each)}
            first = self._first_by_camera(stations)
            refused = None if self._purpose() == PURPOSE else WRONG_PURPOSE
            for names in self._runners.keys() - found.keys():
                self._leave(names)
            for names, station in found.items():
                if names not in self._runners:
                    self._add(names, station)
                if (maker := self._answers[names]).least != station.least:
                    self._waiting.add(maker.close())
                    self._answers[names] = self._make_answers(station)
                self._runners[names].change(station, refused or _shared(station, first))
        except StoreError as error:
            self._complain(error)

    def _is_wanted(self, station: Station) -> bool:
        in_venue = self._venues is None or station.venue in self._venues
        return in_venue and (self._names is None or station.name in self._names)

    def _first_by_camera(self, stations: Sequence[Station]) -> dict[str, Station]:
        """Return the station that each camera belongs to; camera:0 of another machine is another camera."""
        first: dict[str, Station] = {}
        for each in stations:
            if each.source and (self._is_wanted(each) or "://" in each.source):
                first.setdefault(each.source, each)
        return first

    def _add(self, names: Names, station: Station) -> None:
        runner = StationRunner(station, self._equipment, after=self._kept_until(station, VisitCell))
        self._answers[names] = self._make_answers(station)
        self._runners[names] = runner

    def _make_answers(self, station: Station) -> AnswerMaker:
        after = self._kept_until(station, AnswerCell)
        return AnswerMaker(station, after=after, zone=self._equipment.zone)

    def _kept_until(self, station: Station, kind: type[Cell]) -> datetime | None:
        """Return where the last cell of a station ends, be it in the store or on its way there."""
        soon = self._equipment.soon()
        kept = self._store.venues.kept_until(station.venue, station.name, kind, soon)
        waits = self._waiting.until(station.venue, station.name, kind)
        return max((each for each in (kept, waits) if each is not None), default=None)

    def _leave(self, names: Names) -> None:
        runner, maker = self._runners.pop(names), self._answers.pop(names)
        runner.close()
        self._waiting.add([*runner.take(), *maker.close()])

    def _keep(self) -> None:
        """Put what was closed into the store; what it can't take just now waits."""
        self._waiting.save()
        kept: list[Cell] = []
        try:
            while self._waiting:
                cell = self._waiting.first()
                if self._is_kept(cell):
                    kept.append(cell)
                self._waiting.drop()
            self._complained = False
        except StoreError as error:
            self._complain(error)
        for sink in self._sinks if kept else ():
            sink.cells(kept)

    def _is_kept(self, cell: Cell) -> bool:
        """Put a cell into the store, and return whether it is there.

        Raises:
            StoreError: the store can't be written just now.
        """
        try:
            self._store.venues.add_cells([cell])
        except (MissingError, OverlapError) as error:
            # Whether what was sent when a connection broke off, or before a kill, is there, nobody knows.
            if isinstance(error, OverlapError) and self._store.venues.has(cell):
                return True
            _log.warning("a cell was not kept: %s", error)  # of a station that was removed, or is run twice
            return False
        return True

    def _complain(self, error: StoreError) -> None:
        self._store_back_s = self._equipment.clock() + STORE_PAUSE_S
        if not self._complained:
            self._complained = True
            where = "on this computer's disk" if self._waiting.are_safe else "in memory"
            _log.warning("%s; closed cells wait %s, and are tried again", error, where)

    def _say_what_waits(self) -> None:
        """Say at the end what the store hasn't got."""
        if not self._waiting:
            return
        many = count(len(self._waiting), "closed cell")
        if self._waiting.are_safe:
            _log.warning("%s wait on this computer until stations run here again with this record", many)
        else:
            _log.warning("%s are lost: the store could not be written", many)

    def _keep_watching(self, every_s: float) -> None:
        while not self._closing.wait(every_s):
            self.watch()


def _shared(station: Station, first: dict[str, Station]) -> str | None:
    """Return why a station may not count where its camera is another's.

    With zones that differ by one seat, the difference of their cells would be who sat there.
    """
    owner = first.get(station.source, station)
    if (owner.venue, owner.name) == (station.venue, station.name) or station.simulated:
        return None
    return (
        f"Its camera belongs to {owner.venue}/{owner.name}: one person could be told from the difference of"
        " two stations with one camera."
    )
