"""One sensor in a thread of its own: opened, read, and what its samples say published, from start to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from mien.errors import ConfigError
from mien.install import extras_command
from mien.live.status import Pace
from mien.live.worker import ResumePoint
from mien.source import SourceReport

if TYPE_CHECKING:  # they load SciPy, for which a session without a sensor should not wait
    from mien.signals.stream.rest import OwnRest
    from mien.signals.stream.rolling import Course, Rolling
    from mien.signals.stream.types import Batch, Channel, SignalReading, SignalStream

_READ_S: Final = 0.25
"""A sensor that has nothing is asked again after so long."""


@dataclass(eq=False)
class Sensor:
    """What stays of a sensor while it is opened anew.

    Attributes:
        name: in the session.
        where: its address.
        opener: opens it; called in its worker's thread.
        rest: the person's own; see `OwnRest`.
        rolling: its newest samples, and what they say; None before it was open.
    """

    name: str
    where: str
    opener: Callable[[], SignalStream]
    rest: Callable[[], OwnRest]
    rolling: Rolling | None = None

    @property
    def channels(self) -> tuple[dict[str, Any], ...]:
        """What it gives, ready for JSON."""
        return () if self.rolling is None else tuple(asdict(each) for each in self.rolling.channels)

    def opened(self, channels: Sequence[Channel]) -> Rolling:
        """Return what takes the samples, which goes on after a new start."""
        from mien.signals.stream.rolling import Rolling

        if self.rolling is None:
            self.rolling = Rolling(self.name, channels, self.rest())
        else:
            self.rolling.reopened(channels)
        return self.rolling


Publish = Callable[["SignalReading", "dict[str, Course]"], None]


class SignalWorker:
    """Reads one sensor in its own thread.

    What goes wrong in it is its `error`, and nobody else's.

    Args:
        sensor: which one.
        publish: takes each reading, and with a fresh one the newest courses, in the thread.
        clock: gives seconds that never run backwards.
        resume_point: what the sensor gave before.

    Attributes:
        pace: of its readings.
        error: what ended it; None while nothing has.
        heard_s: when samples came last, by the clock; None before it is open.
    """

    coverage = None
    """No face is looked for."""

    def __init__(
        self,
        sensor: Sensor,
        publish: Publish,
        *,
        clock: Callable[[], float],
        resume_point: ResumePoint,
    ) -> None:
        self.pace = Pace()
        self.error: Exception | None = None
        self.heard_s: float | None = None
        self._sensor = sensor
        self._publish = publish
        self._clock = clock
        self._before = resume_point
        self._first_s: float | None = None
        self._samples = 0
        self._note: str | None = None
        self._lock = Lock()
        self._stopped = False
        self._thread = Thread(target=self._work, name=f"mien {sensor.name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self._thread.is_alive()

    @property
    def report(self) -> SourceReport:
        """The last thing that was noticed."""
        return SourceReport(frames_read=self._samples, note=self._note)

    @property
    def resume_point(self) -> ResumePoint:
        """What the sensor has given so far: samples, of all channels together."""
        before = self._before
        since_s = self._first_s if before.since_s is None else before.since_s
        return replace(before, since_s=since_s, read=before.read + self._samples)

    @property
    def ran_s(self) -> float:
        """Seconds from its first sample to when samples came last; 0 before."""
        return 0.0 if self._first_s is None or self.heard_s is None else self.heard_s - self._first_s

    @property
    def has_frames(self) -> bool:
        """Whether its first sample has come."""
        return self._first_s is not None

    def stop(self) -> None:
        """Publish nothing any more; its thread closes the sensor. Doesn't wait, safe twice."""
        with self._lock:
            self._stopped = True

    def join(self, timeout_s: float) -> None:
        """Wait until its thread is gone, no longer than this; what is stuck in a driver stays."""
        self._thread.join(timeout_s)

    def _work(self) -> None:
        try:
            with closing(self._sensor.opener()) as stream:
                self._read(stream)
        except ModuleNotFoundError as error:  # no further start would mend it
            self.error = ConfigError(f"this needs {error.name}: {extras_command('signals')}")
        except Exception as error:  # the thread's border: it becomes the sensor's status
            self.error = error

    def _read(self, stream: SignalStream) -> None:
        channels = stream.channels
        _load_for(channels)
        with self._lock:
            if self._stopped:
                return
            rolling = self._sensor.opened(channels)
        # A sensor that promises no rate may be silent for long.
        silent = all(each.rate_hz == 0 for each in channels)
        self.heard_s = self._clock()
        while not self._stopped:
            batch = stream.read(_READ_S)
            count = sum(len(each.times_s) for each in batch.chunks)
            if count or silent:
                self._hear(count)
            if not self._tell(rolling, batch):
                return

    def _hear(self, count: int) -> None:
        self.heard_s = self._clock()
        if count:
            self._samples += count
            self._first_s = self.heard_s if self._first_s is None else self._first_s

    def _tell(self, rolling: Rolling, batch: Batch) -> bool:
        """Publish what the samples say, if it is time; return whether to go on."""
        if batch.notes:
            self._note = batch.notes[-1]
        begun_s = self._clock()
        with self._lock:
            if self._stopped:
                return False
            reading = rolling.take(batch)
            if reading is not None:
                self._publish(reading, dict(rolling.courses) if reading.fresh else {})
        if reading is not None:
            now_s = self._clock()
            self.pace.add(now_s, 1000 * (now_s - begun_s))
        return True


def _load_for(channels: Sequence[Channel]) -> None:
    """Load what finds beats, before samples are waiting: it takes seconds."""
    if any(each.kind in ("ecg", "ppg") for each in channels):
        from mien.signals.processing import neurokit

        neurokit()
