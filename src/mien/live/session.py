"""Several live sources at once: each in its own thread, all with one network, under one watchdog."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from threading import Event, Lock, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.config import Settings
from mien.errors import ConfigError
from mien.expression.network import Answers, Network, OnnxNetwork, load_network
from mien.expression.sidecar import Sidecar
from mien.face.detect import Detector
from mien.live.broadcaster import Broadcaster
from mien.live.history import History
from mien.live.live_neutral import LiveNeutral
from mien.live.reading import Reading
from mien.live.sensors import Sensors
from mien.live.signal_history import SignalHistory
from mien.live.status import OVER, SignalStatus, SourceStatus
from mien.live.supervisor import Supervised, Supervisor
from mien.live.together import Together
from mien.live.worker import ResumePoint, Worker
from mien.neutral import require_own_neutral
from mien.pipeline import Pipeline
from mien.source import Source

if TYPE_CHECKING:
    from mien.live.recorder import Recorder
    from mien.record.writer import RecordStatus
    from mien.signals.stream.clock import MachineClock
    from mien.signals.stream.rest import OwnRest
    from mien.signals.stream.types import SignalReading, SignalStream


@dataclass(slots=True, eq=False)
class _Request:
    crops: NDArray[np.uint8]
    result: Answers | Exception | None = None


class SharedNetwork:
    """A network that any number of threads may use at the same time: those that wait are answered together.

    Whoever gets it runs it for all who are waiting (flat combining: Hendler, Incze, Shavit, Tzafrir 2010), so
    that the faces of several sources go through in one batch, without a thread in between.

    Args:
        network: answers; used by one thread at a time.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._adding = Lock()
        self._running = Lock()
        self._waiting: list[_Request] = []

    @property
    def sidecar(self) -> Sidecar:
        """The facts about the network."""
        return self._network.sidecar

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        """Read grey crops, uint8 (n, size, size); n may be 0.

        Raises:
            Exception: what the network raised about the batch that these crops were in.
        """
        request = _Request(crops)
        with self._adding:
            self._waiting.append(request)
        with self._running:
            if request.result is None:
                self._run_all()
        if not isinstance(request.result, Answers):
            raise request.result or RuntimeError("not answered")
        return request.result

    def close(self) -> None:
        """Release the network's memory."""
        self._network.close()

    def _run_all(self) -> None:
        with self._adding:
            requests, self._waiting = self._waiting, []
        try:
            results = self._answered([request.crops for request in requests])
        except Exception as error:  # each of the waiting threads raises it for itself
            results = [error] * len(requests)
        for request, result in zip(requests, results, strict=True):
            request.result = result

    def _answered(self, parts: Sequence[NDArray[np.uint8]]) -> Sequence[Answers | Exception]:
        if len(parts) == 1:
            return [self._network.answer(parts[0])]
        answers = self._network.answer(np.concatenate(parts))
        ends = np.cumsum([len(part) for part in parts]).tolist()
        return [_part(answers, end - len(part), end) for part, end in zip(parts, ends, strict=True)]


def _part(answers: Answers, start: int, end: int) -> Answers:
    whole = [getattr(answers, field.name) for field in fields(answers)]
    cut: list[Any] = [None if array is None else array[start:end] for array in whole]
    return Answers(*cut)


JOIN_S: Final = 0.9
"""`LiveSession.close` waits so long for its threads, all together."""


class LiveSession:
    """Reads several live sources at once; close it, or use it in `with`.

    Each source is opened, read and analysed in a thread of its own, with its own detector and tracker; they
    share one network. What goes wrong with one leaves the others alone.

    Args:
        settings: what to find and with which networks.
        network: reads expressions, instead of the one that the settings name; its owner closes it.
        detector: makes a detector for a source, instead of the one that the settings name.
        recorder: keeps a subject's record; it is ended with the session, and is its owner's to wait for.
        clock: gives seconds that never run backwards.
        patience_s: a source that gives no frame for longer, though its connection is there, has stalled.
        pauses_s: waits before a source is started again, growing; after a minute of good running they begin
            anew.
        watch_every_s: how often the watchdog looks; None leaves it to the caller of `watch`.
        rest_s: when the person who wears sensors rests, in seconds from the first sample; None takes the
            opening.

    Attributes:
        settings: as given.
        broadcaster: hands the readings on.
        history: keeps the last minutes of them.

    Raises:
        ModelError: the network is missing or damaged.

    Example:
        >>> with LiveSession(load_settings()) as session, session.broadcaster.subscribe() as readings:
        ...     session.add("camera:0", lambda: open_live("camera:0"))
        ...     while (reading := readings.take()) is not None:
        ...         print(reading.as_dict())
    """

    def __init__(
        self,
        settings: Settings,
        *,
        network: Network | None = None,
        detector: Callable[[], Detector] | None = None,
        recorder: Recorder | None = None,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = 5.0,
        pauses_s: Sequence[float] = (0.5, 1, 2, 4, 8, 16, 30),
        watch_every_s: float | None = 0.25,
        rest_s: tuple[float, float] | None = None,
    ) -> None:
        self.settings = settings
        self.broadcaster: Broadcaster[Reading] = Broadcaster()
        self.history = History()
        self._own: OnnxNetwork | None = None
        if network is None:
            network = self._own = load_network(settings.network, settings.thread_count)
            self._own.warm_up()
        self._network = SharedNetwork(network)
        self._detector = detector
        self._recorder = recorder
        self._clock = clock
        # Read once: a clock that is set while the program runs must not make a time come twice.
        self._epoch_s = time.time() - clock()
        self._patience_s = patience_s
        self._pauses_s = tuple(pauses_s)
        self._lock = Lock()
        self._sources: dict[str, Supervisor] = {}
        self._neutrals: dict[str, LiveNeutral] = {}
        self._leaving: list[Supervised] = []
        self._sensors = Sensors(
            self._take_signals, clock=clock, patience_s=patience_s, pauses_s=self._pauses_s, rest_s=rest_s
        )
        self._closing = Event()
        self._watchdog: Thread | None = None
        if watch_every_s is not None:
            self._watchdog = Thread(
                target=self._keep_watching, args=(watch_every_s,), name="mien watchdog", daemon=True
            )
            self._watchdog.start()

    def __enter__(self) -> LiveSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(
        self,
        name: str,
        opener: Callable[[], Source],
        *,
        where: str = "",
        restart: bool = True,
        neutral: LiveNeutral | None = None,
    ) -> None:
        """Add a source; it starts at once.

        Args:
            name: by which it is known, here and in its readings.
            opener: opens it; called in its own thread, and again for each new start.
            where: the camera, address or file, without secrets; the name when empty.
            restart: whether it is started again when it stalls or breaks off. A browser's camera or a file is
                not: there, a stall is only shown, and a fault is the end.
            neutral: what is known of the person's own neutral face from the start.

        Raises:
            ConfigError: the name is taken, or the session is closed.
        """
        with self._lock:
            self._check_free(name)
            # Whoever used the name before, their readings are not this source's.
            self.history.forget(name)
            self._neutrals[name] = neutral or LiveNeutral()
            self._sources[name] = Supervisor(
                name,
                where or name,
                lambda resume_point: self._start(name, where or name, opener, resume_point),
                restart=restart,
                patience_s=self._patience_s,
                pauses_s=self._pauses_s,
            )

    def add_signals(
        self, name: str, opener: Callable[[], SignalStream], *, where: str = "", restart: bool = True
    ) -> None:
        """Add a sensor of the body; it starts at once. All sensors are taken as worn by one person.

        Args:
            name: by which it is known, here and in its readings; no source has it.
            opener: opens it; called in its own thread, and again for each new start.
            where: its address; the name when empty.
            restart: whether it is opened again when it falls silent or breaks off.

        Raises:
            ConfigError: the name is taken, or the session is closed.
        """
        with self._lock:
            self._check_free(name)
            self._sensors.add(name, opener, where or name, restart)

    def add_face_pulse(self, name: str = "face") -> None:
        """Add the pulse from the face of the first source that gives a frame, as one more sensor.

        Raises:
            ConfigError: the name is taken, the pulse is read already, or the session is closed.
        """
        with self._lock:
            self._check_free(name)
            self._sensors.add_face(name)

    def remove(self, name: str) -> None:
        """Stop a source or a sensor and forget it, but for its history; doesn't wait.

        One that isn't there is no fault: it may have been removed from elsewhere.
        """
        with self._lock:
            supervisor = self._sources.pop(name, None)
            self._neutrals.pop(name, None)
            self.broadcaster.forget(name)
        if supervisor is None:
            workers = self._sensors.remove(name)
        else:
            supervisor.stop()
            self._sensors.source_left(name)
            workers = supervisor.workers()
            if (recorder := self._recorder) is not None:
                recorder.left(name)
        with self._lock:
            self._leaving = [each for each in (*self._leaving, *workers) if each.alive]

    def statuses(self) -> list[SourceStatus]:
        """Return how each source is doing, in the order in which they were added."""
        now_s = self._clock()
        with self._lock:
            both = [(supervisor, self._neutrals[name]) for name, supervisor in self._sources.items()]
        return [replace(supervisor.status(now_s), neutral=neutral.status) for supervisor, neutral in both]

    @property
    def signals(self) -> Broadcaster[SignalReading]:
        """Hands the sensors' readings on."""
        return self._sensors.broadcaster

    @property
    def signal_history(self) -> SignalHistory:
        """Keeps the last minutes of the sensors' readings."""
        return self._sensors.history

    @property
    def rest(self) -> OwnRest:
        """What the arousal of the person who wears the sensors is measured against."""
        return self._sensors.rest()

    def machine_clock(self) -> MachineClock:
        """Return the clock on which sensors and cameras of this session share their times."""
        from mien.signals.stream.clock import MachineClock

        return MachineClock(self._epoch_s)

    def together(self) -> tuple[Together, ...]:
        """Return how face and body have gone together so far; nothing before two minutes of both."""
        return self._sensors.together.told()

    @property
    def body_courses(self) -> tuple[str, ...]:
        """What the sensors gave that could go together with the face."""
        return self._sensors.together.body

    def signal_statuses(self) -> list[SignalStatus]:
        """Return how each sensor is doing, in the order in which they were added."""
        return self._sensors.statuses()

    @property
    def recorder(self) -> Recorder | None:
        """What keeps a subject's record; None where nobody's is kept."""
        return self._recorder

    def record(self, recorder: Recorder | None) -> None:
        """Keep a subject's record from now on, in place of whose was kept; None ends it. Doesn't wait.

        Args:
            recorder: its owner waits until all is written.
        """
        with self._lock:
            before, self._recorder = self._recorder, recorder
        if before is not None:
            before.close(0)

    @property
    def recording(self) -> RecordStatus | None:
        """How the subject's recording is going, or how the last one went; None where none was begun."""
        return None if (recorder := self._recorder) is None else recorder.status

    def choose(self, source: str, track: int) -> None:
        """Return which face is the subject that is being recorded.

        Args:
            source: in which it is seen.
            track: its number in the readings.

        Raises:
            ConfigError: this source is not being recorded.
        """
        if (recorder := self._recorder) is None:
            raise ConfigError("nobody is being recorded: start with --subject CODE, or on the page")
        recorder.choose(source, track)

    def neutral_of(self, source: str) -> LiveNeutral:
        """Return what learns and forgets the own neutral face of the person before a source.

        Raises:
            ConfigError: there is no such source, or the network can't read by own neutral faces.
        """
        require_own_neutral(self._network.sidecar)
        with self._lock:
            if source not in self._neutrals:
                raise ConfigError(f"{source}: there is no such source")
            return self._neutrals[source]

    def watch(self) -> None:
        """Look after all sources once: stop what has stalled, start what is due."""
        now_s = self._clock()
        for supervisor in self._all():
            supervisor.watch(now_s)
        self._sensors.watch(now_s)
        self._end_recordings()

    def close(self) -> None:
        """Stop all sources and the watchdog, and close all mailboxes; within a second, safe twice."""
        with self._lock:
            if self._closing.is_set():
                return
            self._closing.set()
            supervisors, leaving = list(self._sources.values()), self._leaving
        self._end_recordings()
        for each in supervisors:
            each.stop()
        leaving = [*leaving, *self._sensors.stop()]
        deadline_s = time.monotonic() + JOIN_S
        if self._watchdog is not None:
            self._watchdog.join(JOIN_S)
        for worker in [*leaving, *(worker for each in supervisors for worker in each.workers())]:
            worker.join(max(0.0, deadline_s - time.monotonic()))
        if (recorder := self._recorder) is not None:
            recorder.close(max(0.0, deadline_s - time.monotonic()))
        self.broadcaster.close()
        self.signals.close()
        if self._own is not None:
            self._own.close()

    def _check_free(self, name: str) -> None:
        if self._closing.is_set():
            raise ConfigError(f"{name}: the session is closed")
        if name in self._sources or name in self._sensors:
            raise ConfigError(f"{name}: there is already a source of this name; choose another")

    def _all(self) -> list[Supervisor]:
        with self._lock:
            return list(self._sources.values())

    def _start(
        self, name: str, where: str, opener: Callable[[], Source], resume_point: ResumePoint
    ) -> Worker:
        return Worker(
            name, opener, self._pipeline, partial(self._publish, where),
            clock=self._clock, epoch_s=self._epoch_s, resume_point=resume_point, neutral=self._neutrals[name],
        )  # fmt: skip

    def _pipeline(self) -> Pipeline:
        detector = self._detector() if self._detector is not None else None
        return Pipeline(self.settings, detector=detector, network=self._network)

    def _publish(self, where: str, reading: Reading) -> None:
        with self._lock:
            if reading.source not in self._sources:
                return  # it was taken away while this was read: nobody would ever forget it again
            self.history.add(reading)
            self.broadcaster.publish(reading)
        if (recorder := self._recorder) is not None:
            recorder.take(where, reading)
        self._sensors.take_face(reading)

    def _take_signals(self, where: str, reading: SignalReading) -> None:
        """Take a sensor's next reading, in its thread: a fresh one goes into the record, and marks do."""
        if (recorder := self._recorder) is None:
            return
        if reading.fresh:
            recorder.take_signals(reading)
        for each in reading.marks:
            recorder.mark(each.text, at_s=each.time_s, source=reading.source)

    def _end_recordings(self) -> None:
        """End the recording of a source that is over by itself."""
        if (recorder := self._recorder) is None:
            return
        for status in self.statuses():
            if status.state in OVER:
                recorder.left(status.name, "interrupted" if status.state == "failed" else "finished")

    def _keep_watching(self, every_s: float) -> None:
        while not self._closing.wait(every_s):
            self.watch()
