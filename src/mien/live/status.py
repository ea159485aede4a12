"""How a live source is doing, in a form that the terminal, the page and other programs can show."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any, Final, Literal

import numpy as np

State = Literal["opening", "waiting", "running", "away", "stalled", "failed", "ended", "stopped"]
"""What a source is doing.

    opening   it is being opened, or its first frame has not come yet
    running   frames come
    away      its connection is lost, and it tries to get it back by itself
    waiting   it broke off, and waits for its next start; the note says why
    stalled   it gave no frame for too long, and waits for its next start
    failed    it broke off and is not started again; the note says why
    ended     all of it was read
    stopped   somebody stopped it
"""

OVER: Final = ("failed", "ended", "stopped")
"""States that a source doesn't leave by itself."""

RECENT_S: Final = 5.0
"""Rate and latency tell of the last seconds, this many."""

_MOST: Final = 4096


@dataclass(frozen=True)
class NeutralStatus:
    """How things stand with the person's own neutral face.

    Attributes:
        state: "off" reads by everybody's.
        origin: where it comes from, one of `labels.NEUTRALS`.
        seconds: seen so far, of which it is learnt.
        wanted_s: how many were asked for; None where it wasn't learnt here.
        following: whether the person's face is in view, and it is sure that it is theirs.
        note: why it is off, where it was asked for; None otherwise.
    """

    state: Literal["off", "learning", "on"] = "off"
    origin: str = "average"
    seconds: float = 0.0
    wanted_s: float | None = None
    following: bool = False
    note: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return asdict(self) | {"seconds": round(self.seconds, 2)}


OFF: Final = NeutralStatus()
"""Read by everybody's neutral face."""


@dataclass(frozen=True)
class SourceStatus:
    """How one source of a session is doing.

    Attributes:
        name: in the session.
        where: the camera, address or file, without secrets.
        state: see `State`.
        note: what is or was wrong, in a sentence; None when nothing is.
        frames_read: frames that came, since the source was added.
        frames_analysed: how many of them were analysed.
        frames_dropped: how many gave way to a newer one.
        rate_hz: readings a second, over the last seconds; None before the second reading.
        latency_ms: median of the readings' `took_ms`, over the last seconds; None without any.
        latency_p95_ms: their 95th percentile.
        coverage: share of the time with a face read, 0 to 1, since its last start; None before any frame.
        restarts: how often it was started again.
        away_s: seconds since its connection was lost; None while it is there.
        running_s: seconds since the first frame.
        neutral: whether the person is read by their own neutral face.
    """

    name: str
    where: str
    state: State
    note: str | None = None
    frames_read: int = 0
    frames_analysed: int = 0
    frames_dropped: int = 0
    rate_hz: float | None = None
    latency_ms: float | None = None
    latency_p95_ms: float | None = None
    coverage: float | None = None
    restarts: int = 0
    away_s: float | None = None
    running_s: float = 0.0
    neutral: NeutralStatus = OFF

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, rounded to what can be read."""
        said = {
            key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()
        }
        return said | {"neutral": self.neutral.as_dict()}


@dataclass(frozen=True)
class SignalStatus:
    """How one sensor of a session is doing.

    Attributes:
        name: in the session.
        where: its address.
        state: see `State`; "stalled" is one that gives no samples.
        note: what is or was wrong, in a sentence; None when nothing is.
        channels: what it gives, each with "name", "kind", "unit" and "rate_hz"; none before it is open.
        restarts: how often it was opened again.
        running_s: seconds since the first sample.
        rest: what the person's arousal is measured against, in words; empty before a sensor is open.
    """

    name: str
    where: str
    state: State
    note: str | None = None
    channels: tuple[dict[str, Any], ...] = ()
    restarts: int = 0
    running_s: float = 0.0
    rest: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it ready for JSON, rounded to what can be read."""
        return asdict(self) | {"channels": list(self.channels), "running_s": round(self.running_s, 3)}


@dataclass(frozen=True)
class Figures:
    """What a `Pace` says; as in `SourceStatus`."""

    rate_hz: float | None = None
    latency_ms: float | None = None
    latency_p95_ms: float | None = None


class Pace:
    """Keeps when the last readings came and what they took; safe from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._recent: deque[tuple[float, float]] = deque(maxlen=_MOST)
        self._first_s: float | None = None

    def add(self, now_s: float, took_ms: float) -> None:
        """Count a reading.

        Args:
            now_s: when it was published, by a clock that never runs backwards.
            took_ms: milliseconds from the frame to the reading.
        """
        with self._lock:
            self._first_s = now_s if self._first_s is None else self._first_s
            self._recent.append((now_s, took_ms))
            while self._recent[0][0] < now_s - RECENT_S:
                self._recent.popleft()

    def figures(self, now_s: float) -> Figures:
        """Sum up the last seconds.

        Args:
            now_s: by the same clock.
        """
        with self._lock:
            recent = [(then_s, took_ms) for then_s, took_ms in self._recent if then_s >= now_s - RECENT_S]
            first_s = self._first_s
        if first_s is None or now_s <= first_s:
            return Figures()
        # The first reading opens the first interval, so it is not counted into it.
        count = len(recent) - (bool(recent) and recent[0][0] == first_s)
        rate_hz = count / min(RECENT_S, now_s - first_s)
        if not recent:
            return Figures(rate_hz)
        median, p95 = np.percentile([took_ms for _, took_ms in recent], (50, 95)).tolist()
        return Figures(rate_hz, median, p95)
