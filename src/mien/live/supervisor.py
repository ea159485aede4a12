"""One source of a session under its watchdog: what it is doing, and when it is started again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, Protocol

from mien.errors import ConfigError, MienError, ModelError
from mien.live.status import Pace, SourceStatus, State
from mien.live.worker import ResumePoint
from mien.source import SourceReport

WELL_S: Final = 60.0
"""After running well for so long, the next fault is followed by the shortest pause again."""

MOST_LEFT: Final = 3
"""While so many threads are stuck in a source, no more are started into it."""


class Supervised(Protocol):
    """What reads one source in a thread of its own: a camera's `Worker`, a sensor's `SignalWorker`.

    Attributes:
        pace: of its readings.
        error: what ended it; None while nothing has.
        heard_s: when something came last, by the session's clock; None before it is ready for it.
    """

    pace: Pace
    error: Exception | None
    heard_s: float | None

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        ...

    @property
    def report(self) -> SourceReport:
        """What the source says of itself; empty before it is open."""
        ...

    @property
    def resume_point(self) -> ResumePoint:
        """What the source has given so far, before this worker and in it."""
        ...

    @property
    def coverage(self) -> float | None:
        """Share of the time with a face read; None where that is not asked."""
        ...

    @property
    def ran_s(self) -> float:
        """Seconds from when something came first to when something came last."""
        ...

    @property
    def has_frames(self) -> bool:
        """Whether something has come."""
        ...

    def stop(self) -> None:
        """Publish nothing any more and close the source; doesn't wait."""
        ...

    def join(self, timeout_s: float) -> None:
        """Wait until its threads are gone, each no longer than this."""
        ...


class Supervisor:
    """A source that is started again when it stalls or breaks off; safe from any thread.

    Args:
        name: in the session.
        where: the camera, address or file, without secrets.
        start: starts a worker, which goes on from where the last one was.
        restart: whether to start it again; if not, a fault is the end, and a stall is only shown.
        patience_s: without a frame for longer than this, it has stalled.
        pauses_s: waits before the next start, growing; the last one repeats.
        gives: what comes from it, in a word.
    """

    def __init__(
        self,
        name: str,
        where: str,
        start: Callable[[ResumePoint], Supervised],
        *,
        restart: bool,
        patience_s: float,
        pauses_s: Sequence[float],
        gives: str = "frame",
    ) -> None:
        self._name = name
        self._where = where
        self._start = start
        self._restart = restart
        self._patience_s = patience_s
        self._pauses_s = tuple(pauses_s)
        self._silence = f"no {gives} for {patience_s:g} s"
        self._lock = Lock()
        self._left: list[Supervised] = []
        self._fault: tuple[State, str] | None = None
        self._due_s: float | None = None
        self._faults = self._restarts = 0
        self._back_s = float("-inf")
        self._stopped = False
        self._worker = start(ResumePoint())

    def watch(self, now_s: float) -> None:
        """Look after it once: stop what has stalled, start what is due.

        Args:
            now_s: by the session's clock.
        """
        with self._lock:
            self._left = [worker for worker in self._left if worker.alive]
            if self._worker.report.away_s is not None:
                self._back_s = now_s
            if self._stopped or not self._restart:
                return
            if self._due_s is not None:
                if now_s >= self._due_s and len(self._left) < MOST_LEFT:
                    self._start_again()
            elif self._broke_off():
                self._pause(now_s, "waiting", _sentence(self._worker.error))
            elif self._has_stalled(now_s):
                self._worker.stop()
                self._left.append(self._worker)
                self._pause(now_s, "stalled", self._silence)

    def status(self, now_s: float) -> SourceStatus:
        """Return how it is doing.

        Args:
            now_s: by the session's clock.
        """
        with self._lock:
            worker = self._worker
            given, (state, note) = worker.resume_point, self._state(now_s)
            until_s = worker.heard_s if self._is_over() else now_s
            pace = worker.pace.figures(now_s)
            return SourceStatus(
                self._name, self._where, state, note,
                given.read, given.analysed, given.dropped,
                pace.rate_hz, pace.latency_ms, pace.latency_p95_ms,
                worker.coverage, self._restarts,
                worker.report.away_s if state == "away" else None,
                0.0 if given.since_s is None or until_s is None else until_s - given.since_s,
            )  # fmt: skip

    def stop(self) -> None:
        """Stop it for good, if it isn't over; doesn't wait."""
        with self._lock:
            if not self._is_over():
                self._stopped, self._due_s = True, None
                self._worker.stop()

    def workers(self) -> list[Supervised]:
        """Return its worker, and those left behind whose threads are not gone yet."""
        with self._lock:
            return [self._worker, *self._left]

    def _state(self, now_s: float) -> tuple[State, str | None]:
        worker, fault = self._worker, self._fault
        if self._stopped:
            return "stopped", None
        if self._due_s is not None and fault is not None:
            return fault
        if not worker.alive:
            if worker.error is None:
                return "ended", worker.report.note
            return "waiting" if self._broke_off() else "failed", _sentence(worker.error)
        if worker.report.away_s is not None:
            return "away", worker.report.note
        if self._has_stalled(now_s):
            return "stalled", self._silence
        if not worker.has_frames:
            return "opening", fault[1] if fault else worker.report.note
        return "running", worker.report.note

    def _is_over(self) -> bool:
        return self._due_s is None and not self._worker.alive and not self._broke_off()

    def _broke_off(self) -> bool:
        """Return whether the worker ended in a way that another start may mend."""
        worker = self._worker
        if worker.alive or worker.error is None or not self._restart or self._stopped:
            return False
        return not isinstance(worker.error, ConfigError | ModelError)

    def _has_stalled(self, now_s: float) -> bool:
        worker = self._worker
        if worker.heard_s is None or worker.report.away_s is not None:
            return False
        return now_s - max(worker.heard_s, self._back_s) > self._patience_s

    def _pause(self, now_s: float, state: State, note: str) -> None:
        if self._worker.ran_s >= WELL_S:
            self._faults = 0
        pause_s = self._pauses_s[min(self._faults, len(self._pauses_s) - 1)]
        self._faults += 1
        self._fault, self._due_s = (state, note), now_s + pause_s

    def _start_again(self) -> None:
        self._restarts += 1
        self._due_s = None
        self._worker = self._start(self._worker.resume_point)


def _sentence(error: Exception | None) -> str:
    return str(error) if isinstance(error, MienError) else f"{type(error).__name__}: {error}"
