"""What a body's sensors recorded: `Signal`, a course of values with its times; `Signals`, those of a file.

And `Figure`, what they say over a window.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import ConfigError, SourceError

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
FASTEST_HZ: Final = 5000.0
SLOWED_HZ: Final = 2000.0
"""Faster signals than the first are averaged to the second, or a little above."""
MOST_VALUES: Final = 250_000_000
"""Two gigabytes: 64 channels at 1 kHz for an hour."""
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
        values, times = _kept(self.values), _kept(self.times_s)
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


def _kept(array: ArrayLike) -> NDArray[np.float64]:
    """Return a copy; what is read-only as a whole is kept, so that channels can share their times."""
    if isinstance(array, np.ndarray) and array.dtype == np.float64 and not array.flags.writeable:
        base = array.base
        if base is None or (isinstance(base, np.ndarray) and not base.flags.writeable):
            return array
    return np.array(array, dtype=np.float64)


def even_times(count: int, rate_hz: float) -> NDArray[np.float64]:
    """Return the times of samples at an even rate, from 0 on; read-only, so that channels share them."""
    times = np.arange(count) / rate_hz
    times.setflags(write=False)
    return times


def slowed(values: NDArray[np.float64], rate_hz: float) -> tuple[NDArray[np.float64], float, str]:
    """Return a very fast signal as means of some samples each, its rate then, and what to say of that.

    Nothing in a body that is measured here is faster than `SLOWED_HZ` shows, and an hour at 100 kHz would
    take gigabytes.
    """
    width = slowed_by(rate_hz)
    if width == 1:
        return values, rate_hz, ""
    whole = len(values) // width * width
    means = values[:whole].reshape(-1, width).mean(axis=1)
    return means, rate_hz / width, f"averaged from {rate_hz:g} to {rate_hz / width:g} samples a second"


def slowed_by(rate_hz: float) -> int:
    """Return how many samples are averaged; 1 up to `FASTEST_HZ`."""
    return int(rate_hz // SLOWED_HZ) if rate_hz > FASTEST_HZ else 1


def check_size(origin: object, values: float) -> None:
    """Check that so many values can be read at once, before they are.

    Raises:
        SourceError: they are too many.
    """
    if values > MOST_VALUES:
        raise SourceError(
            f"{origin}: is too large: {values / 1e6:.0f} million values, and {MOST_VALUES / 1e6:.0f} can be"
            " read at once; cut it in pieces, or leave channels out"
        )


def shifted(read: Signals, by_s: float, ppm: float = 0.0, around_s: float = 0.0) -> Signals:
    """Return signals and marks on another clock.

    Args:
        read: the signals, on their own clock.
        by_s: what the other shows more at `around_s`.
        ppm: by how much faster it runs, in parts of a million.
        around_s: by their own clock.
    """

    def moved(times_s: Any) -> Any:
        return times_s + by_s + 1e-6 * ppm * (times_s - around_s)

    return replace(
        read,
        signals=tuple(replace(each, times_s=moved(each.times_s)) for each in read.signals),
        marks=tuple(Mark(moved(each.time_s), each.text) for each in read.marks),
        start=None if read.start is None else read.start - timedelta(seconds=float(moved(0.0))),
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

    @property
    def end_s(self) -> float:
        """Where the last sample ends that stands for some time, as those of an even rate do."""
        ends = [
            float(each.times_s[-1])
            + (0.0 if each.kind in _EVENTS else min(1.0, 1 / (each.rate_hz or np.inf)))
            for each in self.signals
            if len(each)
        ]
        return max(ends, default=0.0)


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

    A clock that is put back repeats times; what is recorded until it has caught up has none of its own. But
    a few times that are far ahead of all that follow are mistakes themselves.
    """
    known, times = np.asarray(values, np.float64), np.asarray(times_s, np.float64)
    real = np.isfinite(times)
    known, times = known[real], times[real]
    count = len(times)
    ahead = _ahead(times)
    if ahead.any():
        known, times = known[~ahead], times[~ahead]
    latest = np.maximum.accumulate(np.r_[-np.inf, times[:-1]]) if len(times) else times
    on = times > latest
    return known[on], times[on], count - int(on.sum())


def _ahead(times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which times are mistakes: ahead of at least `_TINY` times as many that follow."""
    mistaken = np.zeros(len(times_s), np.bool_)
    falls = np.flatnonzero(np.diff(times_s) < 0)
    if not 0 < len(falls) <= _MOST_FALLS:
        return mistaken
    for fall in falls.tolist():
        low, high = times_s[fall + 1], times_s[fall]
        first = fall
        while first >= 0 and fall - first < _MOST_AHEAD and times_s[first] > low:
            first -= 1
        many = fall - first
        if many and (first < 0 or times_s[first] <= low) and (times_s[fall:] < high).sum() >= _TINY * many:
            mistaken[first + 1 : fall + 1] = True
    return mistaken


_TINY: Final = 20
_MOST_AHEAD, _MOST_FALLS = 20, 1000


def with_kinds(read: Signals, kinds: dict[str, Kind]) -> Signals:
    """Return signals, some of them named to be of another kind.

    Args:
        read: the signals.
        kinds: by name; a `*` in a name stands for any letters.

    Raises:
        ConfigError: there is no such signal or kind.
    """
    for name, kind in kinds.items():
        if kind not in KINDS:
            raise ConfigError(f"expected a kind such as {', '.join(KINDS)}, received {kind!r}")
        if not any(_named(each.name, name) for each in read.signals):
            known = ", ".join(each.name for each in read.signals)
            raise ConfigError(f"{read.origin}: there is no signal {name!r}; it has {known}")

    def kind_of(each: Signal) -> Kind:
        return next((kind for name, kind in kinds.items() if _named(each.name, name)), each.kind)

    return replace(read, signals=tuple(replace(each, kind=kind_of(each)) for each in read.signals))


def _named(name: str, asked_for: str) -> bool:
    """Tell whether a name is the one that is asked for, in which only `*` means something else."""
    parts = (re.escape(part) for part in asked_for.split("*"))
    return name == asked_for or re.fullmatch(".*".join(parts), name) is not None
