"""A station at work: its camera runs only while it may, its visits live here, and only its cells come out."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from threading import Lock, RLock
from typing import Any, Final, Literal

from mien.errors import ConfigError, SourceError
from mien.live.reading import Reading
from mien.live.status import OVER
from mien.live.supervisor import Supervised, Supervisor
from mien.live.worker import ResumePoint, Worker
from mien.places.covering import covered
from mien.places.equipment import PATIENCE_S, Equipment, camera_of
from mien.places.venue import Visit
from mien.places.venue_cells import CellMaker
from mien.places.visits import VisitCounter
from mien.places.zones import Masked, Zones
from mien.store.venue_types import SIMULATED, Station, VisitCell
from mien.types import Faces, Image

StationState = Literal["counting", "closed", "off", "unposted", "starting", "away", "failed", "stopped"]
"""How a station is doing.

    counting  its camera is read
    closed    outside its hours
    off       it is switched off
    unposted  it was not confirmed that the notice hangs there
    starting  its camera is being opened
    away      its camera gives nothing; it is tried again
    failed    its camera can't be read, and is not tried again
    stopped   it is not run: no camera, another purpose, a film that has ended
"""

SEEN_S: Final = 2.0
"""Time counts as blind when the last usable view is older."""

SQUARES: Final = 40
"""A station's picture is shown in so many squares across: enough to draw zones on, too few to know one by."""

_STATES: Final[dict[str, StationState]] = {
    "running": "counting",
    "opening": "starting",
    "away": "away",
    "waiting": "away",
    "stalled": "away",
    "failed": "failed",
    "ended": "stopped",
    "stopped": "stopped",
}


@dataclass(frozen=True, slots=True)
class StationStatus:
    """How a station is doing; nothing of anybody before its camera.

    Attributes:
        venue, station: which.
        state: see `StationState`.
        words: the same in a sentence.
        rate_hz: readings a second; None while it doesn't count.
        restarts: how often its camera was started again.
    """

    venue: str
    station: str
    state: StationState
    words: str
    rate_hz: float | None = None
    restarts: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        rate = None if self.rate_hz is None else round(self.rate_hz, 1)
        return asdict(self) | {"rate_hz": rate}


class StationRunner:
    """Runs one station; safe from any thread. Its owner calls `watch` several times a second.

    Args:
        station: which.
        equipment: what it works with.
        after: where the last cell that was kept of it ends; None without one.
    """

    def __init__(self, station: Station, equipment: Equipment, *, after: datetime | None = None) -> None:
        self._equipment = equipment
        # A worker publishes while it holds its own lock, so that what controls workers needs another one.
        self._control, self._data = RLock(), Lock()
        self._picture = Lock()  # a camera can be opened once at a time
        self._station = station
        self._after = after
        self._cells = self._make_cells(after)
        self._closed: list[VisitCell] = []
        self._supervisor: Supervisor | None = None
        self._counter: VisitCounter | None = None
        self._leaving: list[Supervised] = []
        self._latest: tuple[Image, Faces] | None = None
        self._refused: str | None = None
        self._failure: str | None = None
        self._over = False
        self._run = 0
        self._watched_s: float | None = None
        self._seen_s = float("-inf")

    @property
    def station(self) -> Station:
        """As it is set now."""
        return self._station

    def change(self, station: Station, refused: str | None = None) -> None:
        """Go on as another station of the same name is set; at once where it is to stop.

        Args:
            station: how it is set.
            refused: why nothing may be read now, whatever is set; None where nothing stands against it.
        """
        with self._control:
            before, self._station, self._refused = self._station, station, refused
            if (before.source, before.zones) != (station.source, station.zones):
                self._stop(counts=False)
                self._over, self._failure = False, None
            if before.least != station.least:
                self._make_cells_anew()
            self._watch(reset=before.hours != station.hours)

    def watch(self) -> None:
        """Look after it once: start or stop its camera, count the time, close what can be closed."""
        self._watch()

    def _watch(self, *, reset: bool = False) -> None:
        """Look after it; `reset` where its hours were just set to others."""
        with self._control:
            now_s, now = self._equipment.clock(), self._equipment.wall()
            idle = self._idle(now)
            if idle is not None:
                self._over, self._failure = False, None
                if self._supervisor is not None:
                    self._stop(counts=idle[0] == "closed" and not reset)
                    self._keep(self._cells.settle())
            elif self._supervisor is None and not self._over:
                self._start()
            if self._supervisor is not None:
                self._supervisor.watch(now_s)
                self._count_time(now_s, now)
                self._stop_if_over(now_s)
            self._watched_s = now_s
            self._leaving = [worker for worker in self._leaving if worker.alive]
            self._keep(self._cells.tick(now))

    def take(self) -> list[VisitCell]:
        """Return the cells that were closed since the last time."""
        with self._control:
            closed, self._closed = self._closed, []
        return closed

    def close(self) -> None:
        """Stop, close what has k, and forget the rest; `take` returns the last cells. Safe twice."""
        with self._control:
            self._stop()
            self._over = True
            self._keep(self._cells.close())

    def join(self, until_s: float) -> None:
        """Wait for the camera's threads; what is stuck in a driver stays.

        Args:
            until_s: no longer than to this moment, by `time.monotonic`.
        """
        for worker in self._leaving:
            worker.join(max(0.0, until_s - time.monotonic()))

    def status(self) -> StationStatus:
        """Return how it is doing."""
        station = self._station
        names = station.venue, station.name
        with self._control:
            if (idle := self._idle(self._equipment.wall())) is not None:
                return StationStatus(*names, *idle)
            if self._supervisor is None:
                if self._failure is not None:
                    return StationStatus(*names, "failed", self._failure)
                return StationStatus(
                    *names, "stopped", "Its film has ended." if self._over else "Not started."
                )
            source = self._supervisor.status(self._equipment.clock())
        words = source.note or _WORDS[_STATES[source.state]]
        return StationStatus(*names, _STATES[source.state], words, source.rate_hz, source.restarts)

    def snapshot(self) -> Image:
        """Return what its camera sees, in squares so coarse that nobody can be known; nothing is kept.

        While it doesn't count, the camera is opened for one picture, which nothing is read in.

        Raises:
            ConfigError: it has no camera.
            SourceError: the camera gives no picture.
        """
        with self._data:
            latest, running = self._latest, self._counter is not None
        if latest is not None:
            return covered(*latest, across=SQUARES)
        if running:
            raise SourceError(f"{self._station.name}: its camera gives no picture yet")
        camera = camera_of(self._station)
        if camera is None:
            raise ConfigError(f"{self._station.name} has no camera")
        with self._picture, closing(self._equipment.opened(camera, self._equipment.settings)) as source:
            frame = next(iter(source.frames()), None)
        if frame is None:
            raise SourceError(f"{self._station.name}: its camera gives no picture")
        return covered(frame.image, Faces.empty(), across=SQUARES)

    def _make_cells(self, after: datetime | None) -> CellMaker:
        return CellMaker(self._station, self._equipment.network_name, after=after, zone=self._equipment.zone)

    def _make_cells_anew(self) -> None:
        """Go on with another k, behind what is closed of the one before."""
        self._keep(self._cells.close())
        with self._data:
            self._cells = self._make_cells(self._after)

    def _keep(self, cells: list[VisitCell]) -> None:
        self._closed += cells
        self._after = cells[-1].end if cells else self._after

    def _idle(self, now: datetime) -> tuple[StationState, str] | None:
        """Return why its camera is not to run; None where it is."""
        station = self._station
        if self._refused is not None:
            return "stopped", self._refused
        if not station.source:
            return "stopped", "It has no camera: its kiosk alone counts."
        if station.source == SIMULATED:
            return "stopped", "It is made up: there is no camera."
        if not station.enabled:
            return "off", "It is turned off: nothing is read."
        if station.notice_at is None or station.notice_at > now:
            return "unposted", "The notice is not confirmed yet: nothing is read before."
        if not station.is_open(now.astimezone(self._equipment.zone)):
            return "closed", "It is closed: outside its hours nothing is read."
        return None

    def _start(self) -> None:
        try:
            camera = camera_of(self._station)
        except (ConfigError, SourceError) as error:
            self._over, self._failure = True, str(error)
            return
        assert camera is not None  # else it is idle
        zones, equipment = Zones(self._station.zones), self._equipment
        with self._data:
            self._counter = VisitCounter(zones, equipment.quantifier)
            run = self._run

        def started(resume_point: ResumePoint) -> Worker:
            return Worker(
                self._station.name,
                lambda: Masked(equipment.opened(camera, equipment.settings), zones),
                equipment.pipeline,
                lambda reading: self._read(run, reading),
                clock=equipment.clock,
                epoch_s=0.0,
                resume_point=resume_point,
            )

        self._supervisor = Supervisor(
            camera.name, camera.shown, started,
            restart=camera.restarts, patience_s=equipment.patience_s, pauses_s=equipment.pauses_s,
        )  # fmt: skip

    def _read(self, run: int, reading: Reading) -> None:
        """Take what a frame showed, in the worker's thread."""
        with self._data:
            if run != self._run or self._counter is None:
                return  # it was stopped while this was read
            frame, faces = reading.frame, reading.faces
            self._count(self._counter.take(frame, faces))
            if self._counter.usable(frame, faces):
                self._seen_s = self._equipment.clock()
            self._latest = frame.image, faces

    def _count(self, visits: list[Visit]) -> None:
        now = self._equipment.wall()
        for visit in visits:
            self._cells.add(visit, now)

    def _count_time(self, now_s: float, now: datetime) -> None:
        if self._watched_s is None:
            return
        seconds = min(now_s - self._watched_s, PATIENCE_S)  # the machine may have slept
        self._cells.watched(now, seconds, blind=now_s - self._seen_s > SEEN_S)

    def _stop_if_over(self, now_s: float) -> None:
        """Count the visits of a film that has ended, or of a camera that won't come back."""
        assert self._supervisor is not None
        status = self._supervisor.status(now_s)
        if status.state in OVER:
            self._over = True
            self._failure = (status.note or "its camera failed") if status.state == "failed" else None
            self._stop()

    def _stop(self, *, counts: bool = True) -> None:
        """Stop the camera.

        Args:
            counts: the visits that were going on count as ended. Not where somebody stopped it: who objects
                is not counted, and stopping it ten times must not make ten visits of one person's.
        """
        if self._supervisor is not None:
            self._supervisor.stop()
            self._leaving += self._supervisor.workers()
            self._supervisor = None
        with self._data:
            if self._counter is not None:
                going_on = self._counter.end()
                self._count(going_on if counts else [])
            self._counter = self._latest = None
            self._run += 1
            self._seen_s = float("-inf")


_WORDS: Final[dict[StationState, str]] = {
    "counting": "It counts.",
    "starting": "Its camera is being opened.",
    "away": "Its camera gives nothing; it is tried again.",
    "failed": "Its camera can't be read.",
    "stopped": "It is stopped.",
}
