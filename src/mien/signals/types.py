"""What a body's sensors recorded: `Signal`, a course of values with its times; `Signals`, those of a file.

And `Figure`, what they say over a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import ConfigError

Kind = Literal[
    "ecg", "ppg", "rate", "intervals", "eda", "respiration", "emg", "eeg", "eog", "temperature",
    "acceleration", "other",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""What a signal is. `rate` is a heart rate in beats a minute, `intervals` the seconds from beat to beat."""

_EVENTS: Final = ("intervals",)
"""Kinds that have a value whenever something happens, and so no gaps."""
_GAP_STEPS: Final = 3.0
"""Samples further apart than so many usual steps have a gap between them; phones jitter by up to two."""
UNIT_FACTORS: Final = {
    "nV": 1e-9,
    "uV": 1e-6,
    "mV": 1e-3,
    "V": 1.0,
    "nS": 1e-9,
    "uS": 1e-6,
    "mS": 1e-3,
    "S": 1.0,
}
_SPELLINGS: Final = {
    "µ": "u", "μ": "u", "microvolts": "uV", "microvolt": "uV", "millivolts": "mV", "volts": "V",
    "umho": "uS", "microsiemens": "uS", "Ohm": "ohm",
}  # fmt: skip


class Gap(NamedTuple):
    """A time without samples.

    Attributes:
        start_s: when the last sample before it was taken.
        end_s: when the next one was.
    """

    start_s: float
    end_s: float


class Mark(NamedTuple):
    """Something that happened, as the device or a person marked it.

    Attributes:
        time_s: when, by the clock of the signals beside it.
        text: what.
    """

    time_s: float
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """One course of values, with its times by its own clock.

    The arrays are copied in and read-only. Samples that are no numbers are left out, which leaves a gap.

    Attributes:
        name: as the file has it.
        kind: what it is.
        unit: of the values, in plain letters: "mV", "uS", "degC"; empty if the file names none.
        values: float64, (n,).
        times_s: float64, (n,), seconds, each later than the one before.
        origin: where it came from: the file, and the part of it.
    """

    name: str
    kind: Kind
    unit: str
    values: NDArray[np.float64]
    times_s: NDArray[np.float64]
    origin: str = ""

    def __post_init__(self) -> None:
        values, times = (np.array(each, dtype=np.float64) for each in (self.values, self.times_s))
        if self.kind not in KINDS:
            raise ValueError(f"expected a kind such as {', '.join(KINDS)}, received {self.kind!r}")
        if values.ndim != 1 or values.shape != times.shape:
            raise ValueError(f"expected as many values as times, received {values.shape} and {times.shape}")
        known = np.isfinite(values) & np.isfinite(times)
        if not known.all():
            values, times = values[known], times[known]
        if np.any(np.diff(times) <= 0):
            raise ValueError(f"expected times that go on, received some of {self.name!r} that go back")
        for name, array in (("values", values), ("times_s", times)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "unit", plain_unit(self.unit))

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        return f"Signal({self.name!r}, {self.kind}, {len(self)} samples at {self.rate_hz or 0:g} Hz)"

    @property
    def rate_hz(self) -> float | None:
        """Samples a second between gaps; None with fewer than two samples."""
        if len(self) < 2:
            return None
        steps = np.diff(self.times_s)
        steps = steps[steps <= _GAP_STEPS * np.median(steps)]
        return float(len(steps) / steps.sum())

    @property
    def duration_s(self) -> float:
        """Seconds from the first sample to the last, gaps and all."""
        return float(self.times_s[-1] - self.times_s[0]) if len(self) else 0.0

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The times without samples; none where a value comes only when something happens."""
        return tuple(Gap(float(self.times_s[i]), float(self.times_s[i + 1])) for i in self._before_gaps())

    def _before_gaps(self) -> NDArray[np.intp]:
        if len(self) < 2 or self.kind in _EVENTS:
            return np.array([], np.intp)
        apart = np.diff(self.times_s)
        return np.flatnonzero(apart > _GAP_STEPS * np.median(apart))

    def between(self, start_s: float, end_s: float) -> Signal:
        """Return the samples from `start_s` on and before `end_s`."""
        first, last = np.searchsorted(self.times_s, (start_s, end_s))
        return replace(self, values=self.values[first:last], times_s=self.times_s[first:last])

    def pieces(self, bridged_s: float = 0.0) -> Iterator[Signal]:
        """Yield what lies between gaps.

        Args:
            bridged_s: gaps that are no longer than this don't count.
        """
        breaks = self._before_gaps()
        breaks = breaks[np.diff(self.times_s)[breaks] > bridged_s] if len(breaks) else breaks
        edges = [0, *(breaks + 1), len(self)]
        for first, last in pairwise(edges):
            if last > first:
                yield replace(self, values=self.values[first:last], times_s=self.times_s[first:last])

    def even(self, rate_hz: float) -> Signal:
        """Return a piece without gaps on even times, between samples by straight lines.

        Args:
            rate_hz: of the result. A faster signal is averaged over each step first, so that nothing of it
                folds back into slower waves.
        """
        if len(self) < 2:
            return self
        times = self.times_s[0] + np.arange(int(self.duration_s * rate_hz + 1e-6) + 1) / rate_hz
        values = self.values
        if (width := round((self.rate_hz or rate_hz) / rate_hz)) > 1:
            sums = np.cumsum(np.r_[np.full(width // 2 + 1, values[0]), values, np.full(width, values[-1])])
            values = ((sums[width:] - sums[:-width]) / width)[: len(values)]
        return replace(self, values=np.interp(times, self.times_s, values), times_s=times)

    def in_unit(self, unit: str) -> Signal:
        """Return it in another unit of the same quantity; as it is where its own is unknown or of another."""
        if self.unit in UNIT_FACTORS and unit in UNIT_FACTORS and self.unit[-1] == unit[-1]:
            return replace(
                self, unit=unit, values=self.values * (UNIT_FACTORS[self.unit] / UNIT_FACTORS[unit])
            )
        return self


def shifted(read: Signals, by_s: float) -> Signals:
    """Return signals and marks on another clock, which shows `by_s` where theirs shows 0."""
    return replace(
        read,
        signals=tuple(replace(each, times_s=each.times_s + by_s) for each in read.signals),
        marks=tuple(Mark(each.time_s + by_s, each.text) for each in read.marks),
        start=None if read.start is None else read.start - timedelta(seconds=by_s),
    )


def plain_unit(text: str) -> str:
    """Return a unit in plain letters: µV, μV and "microvolts" are uV."""
    unit = text.strip().strip("[]()")
    for spelling, plain in _SPELLINGS.items():
        unit = plain if unit.lower() == spelling.lower() else unit.replace(spelling, plain)
    return {"°C": "degC", "C": "degC", "uv": "uV", "mv": "mV", "bpm": "1/min"}.get(unit, unit)


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """All signals of one file or folder, on one clock.

    Attributes:
        signals: each with its own rate.
        marks: in the order of time.
        start: the moment of 0 s. Without a zone, the file names none; None where it names no moment.
        notes: what was noticed while reading, in plain words: a clock that jumped, a header that is wrong.
        origin: the file or folder.
    """

    signals: tuple[Signal, ...]
    marks: tuple[Mark, ...] = ()
    start: datetime | None = None
    notes: tuple[str, ...] = field(default=())
    origin: str = ""

    def of(self, *kinds: Kind) -> tuple[Signal, ...]:
        """Return the signals of these kinds."""
        return tuple(each for each in self.signals if each.kind in kinds)

    @property
    def span_s(self) -> tuple[float, float]:
        """The first and the last time of any signal; two zeros without samples."""
        known = [each.times_s for each in self.signals if len(each)]
        if not known:
            return 0.0, 0.0
        return min(float(each[0]) for each in known), max(float(each[-1]) for each in known)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of one signal over one window.

    Attributes:
        start_s: where the window begins, by the signals' clock.
        end_s: where it ends.
        signal: the name of the signal, or of a pair.
        measure: "heart_rate", "skin_level", ...; see docs/signals.md.
        unit: of the value.
        value: None below the least quality, or where the window is too short for the measure.
        quality: 0 to 1.
    """

    start_s: float
    end_s: float
    signal: str
    measure: str
    unit: str
    value: float | None
    quality: float


def usable(values: ArrayLike, times_s: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return the values whose time goes on, their times, and how many were left out because it didn't.

    A clock that is put back repeats times; what is recorded until it has caught up has none of its own.
    """
    known, times = np.asarray(values, np.float64), np.asarray(times_s, np.float64)
    real = np.isfinite(times)
    known, times = known[real], times[real]
    latest = np.maximum.accumulate(np.r_[-np.inf, times[:-1]]) if len(times) else times
    on = times > latest
    return known[on], times[on], int(len(times) - on.sum())


def with_kinds(read: Signals, kinds: dict[str, Kind]) -> Signals:
    """Return signals, some of them named to be of another kind.

    Raises:
        ConfigError: there is no such signal or kind.
    """
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise ConfigError(f"expected a kind such as {', '.join(KINDS)}, received {kind!r}")
        if name not in {each.name for each in read.signals}:
            known = ", ".join(each.name for each in read.signals)
            raise ConfigError(f"{read.origin}: there is no signal {name!r}; it has {known}")
    changed = (replace(each, kind=kinds.get(each.name, each.kind)) for each in read.signals)
    return replace(read, signals=tuple(changed))
