"""Pulse from the face: the rate of the heart from the colour of the skin, once a second, or no reading.

Eight regions of skin give a colour a frame (`skin.py`); from those of the last 12 s light and key frames are
taken out (`pulse_window.py`); three methods make waves of them (`rppg.py`), a filter follows the rate, and a
quality says how likely it is right (`pulse_evidence.py`). Below `LEAST_QUALITY` it is no reading.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.signals.pulse_evidence import RATES_BPM, evidence, quality, signs, turning
from mien.signals.pulse_window import WINDOW_S, Sample, window
from mien.signals.rppg import METHODS
from mien.signals.skin import background_colours, skin_colours
from mien.types import Faces, Frame

Floats = NDArray[np.float64]

LEAST_QUALITY: Final = 0.75
"""Below this quality there is no reading."""
WITHIN_BPM: Final = 2.0
"""Quality is how likely the rate is right within this."""
_WANDER_BPM, _ANEW, _WEIGHT = 2.5, 0.02, 0.7
"""In a second a rate changes by about the first, or with the second's chance to any other. The third is how
much a spectrum counts: those of neighbouring seconds share most of their window."""


@dataclass(frozen=True, slots=True)
class PulseReading:
    """What a face says of the pulse at one time.

    Attributes:
        time_s: when, in whole seconds of the source's clock.
        track: which face; None where none was seen in the last second.
        rate_bpm: the mean rate of the last 12 s, in beats a minute; None is "no reading".
        quality: how likely that rate is right within 2 beats a minute, 0 to 1; 0 where nothing could be seen.
        methods: those of `rppg.METHODS` whose own rate is within that; empty without a reading.
    """

    time_s: float
    track: int | None = None
    rate_bpm: float | None = None
    quality: float = 0.0
    methods: tuple[str, ...] = ()


class FacePulses:
    """Reads the pulse of each face of one source, frame after frame, once a second.

    A reading depends on the frames before it alone: a film cut short gives the same readings up to there.

    Args:
        judge: how likely a rate is right, by its signs.

    Example:
        >>> import mien
        >>> pulses = FacePulses()
        >>> for frame, faces in mien.stream("session.mp4"):  # doctest: +SKIP
        ...     for reading in pulses.read(frame, faces):
        ...         print(reading.time_s, reading.rate_bpm or "no reading")
    """

    def __init__(self, judge: Callable[[Floats], float] = quality) -> None:
        self._judge = judge
        self._people: dict[int, _Person] = {}
        self._last_s: float | None = None

    def read(self, frame: Frame, faces: Faces) -> list[PulseReading]:
        """Add the next frame.

        Args:
            frame: in rising order of time; one that is late is passed over.
            faces: with landmarks and tracks.

        Returns:
            For each whole second that has passed since the last frame one reading of each face that was seen
            in that second, or one without a track. After a gap that is longer than a window, only its end.
        """
        whole = np.isfinite(faces.landmarks).all(axis=(1, 2))
        return self.add(
            frame.time_s,
            {
                track: (skin_colours(frame.image, landmarks), landmarks)
                for track, landmarks in zip(faces.track[whole].tolist(), faces.landmarks[whole], strict=True)
            },
            background_colours(frame.image, faces.landmarks[whole]) if whole.any() else None,
        )

    def add(
        self,
        time_s: float,
        seen: Mapping[int, tuple[Floats, NDArray[np.floating]]],
        background: Floats | None = None,
    ) -> list[PulseReading]:
        """Add the next frame where the colours have been taken already; as `read`.

        Args:
            time_s: the frame's time.
            seen: by track, the colours as of `skin_colours`, and (68, 2) landmarks in pixels.
            background: as of `background_colours`, or (3,) of all of it; without it, light that changes like
                blood's may be read.
        """
        last_s = self._last_s
        if last_s is not None and time_s <= last_s:
            return []
        self._last_s = time_s
        readings: list[PulseReading] = []
        if last_s is not None:
            for second in range(max(floor(last_s) + 1, floor(time_s - WINDOW_S)), floor(time_s) + 1):
                readings += self._read_at(float(second))
        beside = np.full((1, 3), np.nan) if background is None else np.atleast_2d(background)
        for track, (colours, landmarks) in seen.items():
            sample = Sample(time_s, colours, beside, _place(landmarks))
            self._people.setdefault(track, _Person(self._judge)).samples.append(sample)
        return readings

    def _read_at(self, time_s: float) -> list[PulseReading]:
        for person in self._people.values():
            person.forget(time_s - WINDOW_S)
        self._people = {track: person for track, person in self._people.items() if person.samples}
        there = {
            track: person for track, person in self._people.items() if person.samples[-1].time_s >= time_s - 1
        }
        return [person.read(time_s, track) for track, person in there.items()] or [PulseReading(time_s)]


class _Person:
    """One face: what was seen of it in the last window, and which rates are likely."""

    def __init__(self, judge: Callable[[Floats], float]) -> None:
        self._judge = judge
        self.samples: deque[Sample] = deque()
        self._rates: Floats | None = None

    def forget(self, until_s: float) -> None:
        while self.samples and self.samples[0].time_s < until_s:
            self.samples.popleft()

    def read(self, time_s: float, track: int) -> PulseReading:
        seen_window = window(self.samples, time_s)
        if seen_window is None:
            self._rates = None
            return PulseReading(time_s, track)
        seen = evidence(seen_window)
        self._rates = _followed(self._rates, seen.shares)
        near_bpm = _likeliest(self._rates)
        rates_bpm, swell = turning(seen.waves, near_bpm)
        together = rates_bpm[:, 0]
        rate_bpm = float(np.median(together))
        sure = self._judge(signs(seen, near_bpm, rates_bpm, float(swell[0, 0])))
        if sure < LEAST_QUALITY:
            return PulseReading(time_s, track, quality=sure)
        agree = np.abs(together - rate_bpm) <= WITHIN_BPM
        methods = tuple(name for name, agrees in zip(METHODS, agree, strict=True) if agrees)
        return PulseReading(time_s, track, rate_bpm, sure, methods)


def _place(landmarks: NDArray[np.floating]) -> Floats:
    left, right = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    return np.array([*landmarks[27:36].mean(axis=0), np.hypot(*(right - left))], np.float64)


_CHANGE: Final = np.exp(-np.abs(RATES_BPM[:, None] - RATES_BPM) / _WANDER_BPM)
_CHANGES: Final = (1 - _ANEW) * _CHANGE / _CHANGE.sum(axis=0) + _ANEW / len(RATES_BPM)


def _followed(rates: Floats | None, shares: Floats) -> Floats:
    """Return how likely each rate is, after another second."""
    before = np.full(len(RATES_BPM), 1 / len(RATES_BPM)) if rates is None else _CHANGES @ rates
    likely = before * (shares + 1e-4) ** _WEIGHT
    return np.asarray(likely / likely.sum())


def _likeliest(rates: Floats) -> float:
    near = np.abs(RATES_BPM - RATES_BPM[rates.argmax()]) <= _WANDER_BPM
    return float(rates[near] @ RATES_BPM[near] / rates[near].sum())
