"""The sensors of a session: each in its own thread under the session's watchdog, all worn by one person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from mien.live.broadcaster import Broadcaster
from mien.live.signal_history import SignalHistory
from mien.live.signal_worker import Sensor, SignalWorker
from mien.live.status import SignalStatus
from mien.live.supervisor import Supervised, Supervisor
from mien.live.worker import ResumePoint

if TYPE_CHECKING:  # they load SciPy, for which a session without a sensor should not wait
    from mien.signals.stream.rest import OwnRest
    from mien.signals.stream.rolling import Course
    from mien.signals.stream.types import SignalReading, SignalStream


class Sensors:
    """Reads several sensors; what goes wrong with one leaves the others, and the faces, alone.

    Args:
        take: is called with a sensor's address and each of its readings, in its thread.
        clock: gives seconds that never run backwards.
        patience_s: a sensor that gives no sample for longer has stalled.
        pauses_s: waits before a sensor is opened again, growing.
        rest_s: when the person rests, in seconds from the first sample; None takes the opening.

    Attributes:
        broadcaster: hands the readings on.
        history: keeps the last minutes of them.
    """

    def __init__(
        self,
        take: Callable[[str, SignalReading], None],
        *,
        clock: Callable[[], float],
        patience_s: float,
        pauses_s: Sequence[float],
        rest_s: tuple[float, float] | None = None,
    ) -> None:
        self.broadcaster: Broadcaster[SignalReading] = Broadcaster()
        self.history = SignalHistory()
        self._take = take
        self._clock = clock
        self._patience_s = patience_s
        self._pauses_s = pauses_s
        self._lock = Lock()
        self._rest_s = rest_s
        self._rest: OwnRest | None = None
        self._running: dict[str, tuple[Sensor, Supervisor]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._running

    def add(self, name: str, opener: Callable[[], SignalStream], where: str, restart: bool) -> None:
        """Add a sensor; it is opened at once, in its own thread."""
        sensor = Sensor(name, where, opener, self.rest)
        with self._lock:
            self.history.forget(name)
            supervisor = Supervisor(
                name, where, lambda resume_point: self._start(sensor, resume_point),
                restart=restart, patience_s=self._patience_s, pauses_s=self._pauses_s, gives="sample",
            )  # fmt: skip
            self._running[name] = sensor, supervisor

    def remove(self, name: str) -> list[Supervised]:
        """Stop a sensor and forget it, but for its history; return the workers that may still run."""
        with self._lock:
            _, supervisor = self._running.pop(name, (None, None))
            self.broadcaster.forget(name)
        if supervisor is None:
            return []
        supervisor.stop()
        return supervisor.workers()

    def rest(self) -> OwnRest:
        """Return what is known of the person's own rest."""
        from mien.signals.stream.rest import OwnRest

        with self._lock:
            if self._rest is None:
                self._rest = OwnRest(self._rest_s)
            return self._rest

    def statuses(self) -> list[SignalStatus]:
        """Return how each sensor is doing, in the order in which they were added."""
        now_s = self._clock()
        with self._lock:
            running = list(self._running.values())
            rest = self._rest
        said = "" if rest is None else rest.status().said
        return [self._status(sensor, supervisor, now_s, said) for sensor, supervisor in running]

    def watch(self, now_s: float) -> None:
        """Look after all sensors once."""
        for supervisor in self._supervisors():
            supervisor.watch(now_s)

    def stop(self) -> list[Supervised]:
        """Stop all sensors; return the workers that may still run."""
        supervisors = self._supervisors()
        for each in supervisors:
            each.stop()
        return [worker for each in supervisors for worker in each.workers()]

    def _supervisors(self) -> list[Supervisor]:
        with self._lock:
            return [supervisor for _, supervisor in self._running.values()]

    def _start(self, sensor: Sensor, resume_point: ResumePoint) -> SignalWorker:
        def publish(reading: SignalReading, courses: dict[str, Course]) -> None:
            self._publish(sensor, reading, courses)

        return SignalWorker(sensor, publish, clock=self._clock, resume_point=resume_point)

    def _publish(self, sensor: Sensor, reading: SignalReading, courses: dict[str, Course]) -> None:
        with self._lock:
            if sensor.name not in self._running:
                return  # it was taken away while this was read
            self.history.add(reading)
            self.broadcaster.publish(reading)
        self._take(sensor.where, reading)

    def _status(self, sensor: Sensor, supervisor: Supervisor, now_s: float, rest: str) -> SignalStatus:
        status = supervisor.status(now_s)
        return SignalStatus(
            status.name, status.where, status.state, status.note, sensor.channels, status.restarts,
            status.running_s, rest if sensor.rolling is not None else "",
        )  # fmt: skip
