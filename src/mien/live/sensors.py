"""The sensors of a session: each in its own thread under the session's watchdog, all worn by one person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final

from mien.errors import ConfigError
from mien.live.broadcaster import Broadcaster
from mien.live.reading import Reading
from mien.live.signal_history import SignalHistory
from mien.live.signal_worker import Sensor, SignalWorker
from mien.live.status import SignalStatus
from mien.live.supervisor import Supervised, Supervisor
from mien.live.together import CoursesTogether
from mien.live.worker import ResumePoint

if TYPE_CHECKING:  # they load SciPy, for which a session without a sensor should not wait
    from mien.live.face_pulse import FacePulseSensor
    from mien.signals.stream.rest import OwnRest
    from mien.signals.stream.rolling import Course
    from mien.signals.stream.types import SignalReading, SignalStream


FACE: Final = "face"
"""The address of the pulse from the face."""


def shown_address(address: str) -> str:
    """Return a sensor's address as people see it: of the synthetic board it says that all is made up."""
    return f"{address}: made up" if address.strip().lower() == "board:synthetic" else address


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
        together: how face and body go together.
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
        self.together = CoursesTogether()
        self._take = take
        self._clock = clock
        self._patience_s = patience_s
        self._pauses_s = pauses_s
        self._lock = Lock()
        self._rest_s = rest_s
        self._rest: OwnRest | None = None
        self._running: dict[str, tuple[Sensor, Supervisor]] = {}
        self._face: _Face | None = None

    def __contains__(self, name: object) -> bool:
        return name in self._running or (self._face is not None and name == self._face.name)

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

    def add_face(self, name: str) -> None:
        """Add the pulse from the face of the first source that gives a frame.

        Raises:
            ConfigError: it is there already.
        """
        with self._lock:
            if self._face is not None:
                raise ConfigError(f"{name}: the pulse of the face is there already, as {self._face.name}")
            self.history.forget(name)
            self._face = _Face(name)

    def take_face(self, reading: Reading) -> None:
        """Take what a frame of a source shows, in the source's thread."""
        if self._running:
            self.together.take_face(reading)
        if (face := self._face) is None or face.source not in (None, reading.source):
            return
        told = face.take(reading, self._clock())
        if told is not None and face is self._face:
            self.history.add(told)
            self.broadcaster.publish(told)
            self._take(FACE, told)

    def source_left(self, source: str) -> None:
        """Let the face's pulse begin anew with the next source, where its source has gone."""
        if (face := self._face) is not None and face.source == source:
            self._face = _Face(face.name)

    def remove(self, name: str) -> list[Supervised]:
        """Stop a sensor and forget it, but for its history; return the workers that may still run."""
        with self._lock:
            _, supervisor = self._running.pop(name, (None, None))
            if self._face is not None and self._face.name == name:
                self._face = None
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
        statuses = [self._status(sensor, supervisor, now_s, said) for sensor, supervisor in running]
        return statuses if self._face is None else [*statuses, self._face.status(now_s, self._patience_s)]

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
        self.together.take_body(sensor.name, courses)
        self._take(sensor.where, reading)

    def _status(self, sensor: Sensor, supervisor: Supervisor, now_s: float, rest: str) -> SignalStatus:
        status = supervisor.status(now_s)
        return SignalStatus(
            status.name, status.where, status.state, status.note, sensor.channels, status.restarts,
            status.running_s, rest if sensor.rolling is not None else "",
        )  # fmt: skip


class _Face:
    """The pulse from the face, read along with a source's frames: it has no thread of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.source: str | None = None
        self._sensor: FacePulseSensor | None = None
        self._since_s = self._heard_s = 0.0

    def take(self, reading: Reading, now_s: float) -> SignalReading | None:
        if self._sensor is None:
            from mien.live.face_pulse import FacePulseSensor

            self._sensor, self.source, self._since_s = FacePulseSensor(self.name), reading.source, now_s
        self._heard_s = now_s
        return self._sensor.take(reading)

    def status(self, now_s: float, patience_s: float) -> SignalStatus:
        channel = {"name": FACE, "kind": "rate", "unit": "1/min", "rate_hz": 1.0}
        if self._sensor is None:
            return SignalStatus(self.name, FACE, "opening")
        silent = now_s - self._heard_s > patience_s
        return SignalStatus(
            self.name, FACE, "stalled" if silent else "running",
            f"no frame of {self.source} for {patience_s:g} s" if silent else None,
            (channel,), running_s=self._heard_s - self._since_s,
        )  # fmt: skip
