"""What a running sensor gives: `Chunk` after `Chunk` of its channels; and what they say, `SignalReading`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.moments import utc
from mien.signals.types import Figure, Kind, Mark

if TYPE_CHECKING:  # they load SciPy, for which a session without a sensor should not wait
    from mien.signals.arousal import Arousal


@dataclass(frozen=True, slots=True)
class Channel:
    """One course of values that a stream gives.

    Attributes:
        name: unique in its stream.
        kind: what it is.
        unit: of its values, in plain letters.
        rate_hz: samples a second as the device promises them; 0 where they come when something happens.
    """

    name: str
    kind: Kind
    unit: str
    rate_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some samples of one channel.

    Attributes:
        channel: its name.
        times_s: float64, (n,), POSIX seconds by this machine's clock, increasing, also from chunk to chunk.
        values: float64, (n,); NaN where the device has none.
    """

    channel: str
    times_s: NDArray[np.float64]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Batch:
    """What came since the last time.

    Attributes:
        chunks: in the order of time within each channel.
        marks: with POSIX seconds.
        notes: what was noticed, in words for a user: "its clock jumped by 3.2 s".
    """

    chunks: tuple[Chunk, ...] = ()
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A sensor that could be opened.

    Attributes:
        address: to open it by.
        detail: what it is, in a few words.
    """

    address: str
    detail: str


class SignalStream(Protocol):
    """A running sensor; used by one thread."""

    @property
    def channels(self) -> Sequence[Channel]:
        """What it gives; fixed while it is open."""
        ...

    def read(self, timeout_s: float) -> Batch:
        """Return what came since the last call; waits at most so long for something.

        Raises:
            SourceError: it is gone, or gives something else than it promised; open it anew.
        """
        ...

    def close(self) -> None:
        """Let go of the device; safe twice."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Wave:
    """The newest course of one channel, for the eye: lowest and highest value of short bins.

    Attributes:
        channel: its name.
        kind: what it is.
        unit: of its values.
        start_s: POSIX seconds where the first bin begins.
        step_s: length of a bin.
        low: float64, (bins,); NaN where nothing came.
        high: the same of the highest.
    """

    channel: str
    kind: Kind
    unit: str
    start_s: float
    step_s: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SignalReading:
    """What a running sensor says now; it never changes.

    Attributes:
        source: the sensor's name in the session.
        at_s: POSIX seconds of the newest sample.
        waves: what came since the reading before.
        figures: of the newest minute (`Figure.start_s`, `end_s` in POSIX), renewed every few seconds.
        now: of the newest ten seconds, for the eye: fewer measures.
        arousal: against the person's own rest; None while that isn't known.
        fresh: whether `figures` are new with this reading.
        notes: what was noticed since the reading before.
        marks: that came since, with POSIX seconds.
    """

    source: str
    at_s: float
    waves: tuple[Wave, ...] = ()
    figures: tuple[Figure, ...] = ()
    now: tuple[Figure, ...] = ()
    arousal: Arousal | None = None
    fresh: bool = False
    notes: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()

    def as_dict(self, *, waves: bool = True) -> dict[str, Any]:
        """Return everything, ready for JSON: rounded, None where there is no reading.

        Args:
            waves: with the course of each channel, which is most of it.
        """
        return {
            "type": "signals",
            "source": self.source,
            "at": utc(self.at_s),
            "figures": [_figure(each) for each in self.figures],
            "now": [_figure(each) for each in self.now],
            "arousal": None if self.arousal is None else _arousal(self.arousal),
            **({"waves": [_wave(each) for each in self.waves]} if waves else {}),
            "notes": list(self.notes),
            "marks": [{"at": utc(each.time_s), "text": each.text} for each in self.marks],
        }


def _figure(figure: Figure) -> dict[str, Any]:
    return {
        "signal": figure.signal,
        "measure": figure.measure,
        "unit": figure.unit,
        "value": None if figure.value is None else _rounded(figure.value),
        "quality": round(figure.quality, 3),
        "start": utc(figure.start_s),
        "end": utc(figure.end_s),
    }


def _arousal(arousal: Arousal) -> dict[str, Any]:
    return {
        **{name: round(getattr(arousal, name), 3) for name in ("value", "low", "high")},
        "parts": {name: None if part is None else round(part, 3) for name, part in arousal.parts.items()},
    }


def _wave(wave: Wave) -> dict[str, Any]:
    return {
        "channel": wave.channel,
        "kind": wave.kind,
        "unit": wave.unit,
        "start": utc(wave.start_s),
        "step_s": round(wave.step_s, 6),
        "low": [_rounded(each) for each in wave.low.tolist()],
        "high": [_rounded(each) for each in wave.high.tolist()],
    }


def _rounded(value: float) -> float | None:
    """Return a number with six figures; None for what is none."""
    return float(f"{value:.6g}") if value - value == 0 else None
