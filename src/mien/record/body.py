"""What of a body goes into a recording: a whole minute every ten seconds, by the recording's clock."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Final

from mien.errors import StoreError
from mien.signals.stream.types import SignalReading
from mien.signals.types import Figure, Kind
from mien.store.signals import checked
from mien.store.types import BODY

if TYPE_CHECKING:  # it loads OpenCV, which not all who record need
    from mien.signals.face_pulse import PulseReading

WINDOW_S: Final = 60.0
STEP_S: Final = 10.0
_LEAST_QUALITY: Final = 0.5
"""A minute's rate by the face stands on sure readings of most of it, or is none."""
_WHOLE_S: Final = WINDOW_S - 1.0
"""A window that lacks no more than a second is whole: sensors' clocks and ours differ by that."""

OF_KIND: Final[dict[Kind, str]] = {
    "ecg": "heart", "ppg": "heart", "rate": "heart", "intervals": "heart",
    "eda": "skin",
    "emg": "muscles",
    "eeg": "brain", "eog": "brain",
    "respiration": "respiration",
    "temperature": "temperature",
}  # fmt: skip
"""Which of `store.types.BODY` a sensor is about; others are never recorded."""


class BodyWindows:
    """Chooses from what running sensors say what is recorded.

    Args:
        started_at: when the recording began; what a sensor said before is no part of it.
    """

    def __init__(self, started_at: datetime) -> None:
        self._start_s = started_at.timestamp()
        self._steps: dict[str, int] = {}

    def choose(self, reading: SignalReading) -> list[Figure]:
        """Return the figures that are recorded, in seconds from the recording's start; often none."""
        if not reading.fresh:
            return []
        chosen = []
        before = self._steps.get(reading.source, -1)
        for each in reading.figures:
            start_s, end_s = each.start_s - self._start_s, each.end_s - self._start_s
            step = int(end_s // STEP_S)
            if start_s >= 0 and end_s - start_s >= _WHOLE_S and step > before:
                self._steps[reading.source] = max(step, self._steps.get(reading.source, step))
                chosen.append(replace(_heart_of_a_face(each), start_s=start_s, end_s=end_s))
        return storable(chosen)


def _heart_of_a_face(figure: Figure) -> Figure:
    """Return a face's pulse as the heart's rate that it is, as `face_pulse` does for films."""
    if figure.measure != "face_pulse":
        return figure
    value = figure.value if figure.quality >= _LEAST_QUALITY else None
    return replace(figure, signal="face", measure="heart_rate", value=value)


def windows(start_s: float, end_s: float) -> Iterator[tuple[float, float]]:
    """Yield the windows in a stretch of a recording, in seconds from its start; each is a whole minute."""
    first, last = ceil(max(0.0, start_s) / STEP_S), int((end_s - WINDOW_S) // STEP_S)
    for step in range(first, last + 1):
        yield step * STEP_S, step * STEP_S + WINDOW_S


def face_pulse(readings: Collection[PulseReading], end_s: float) -> list[Figure]:
    """Return what a face says of the pulse, window by window: the readings' median, and how sure they are.

    Args:
        readings: of one person's face, in seconds from the recording's start.
        end_s: of the recording.
    """
    found = []
    for start, end in windows(0.0, end_s):
        sure = [each for each in readings if start < each.time_s <= end and each.rate_bpm is not None]
        rate = median(each.rate_bpm for each in sure if each.rate_bpm is not None) if sure else None
        quality = min(1.0, sum(each.quality for each in sure) / WINDOW_S)
        rate = rate if quality >= _LEAST_QUALITY else None
        found.append(Figure(start, end, "face", "heart_rate", "1/min", rate, quality))
    return found


def storable(figures: Collection[Figure]) -> list[Figure]:
    """Return the figures that the store knows: what a newer sensor says otherwise holds up no recording."""
    known = []
    for each in figures:
        try:
            known.append(checked(each))
        except StoreError:
            continue
    return known


def not_recorded(unnamed: Collection[str], too_short: Collection[str] = ()) -> str:
    """Return in words what of the body is not recorded, and why; "" where there is nothing.

    Args:
        unnamed: those of `BODY` that no consent names.
        too_short: those of which no whole minute lies in the recording.
    """
    named = _left_out(unnamed), _left_out(too_short)
    return "; ".join(
        f"{words} not recorded: {why.format(object_)}"
        for (words, object_), why in zip(
            named, ("no valid consent names {}", "no whole minute of {} lies in the recording"), strict=True
        )
        if words
    )


def _left_out(signals: Collection[str]) -> tuple[str, str]:
    """Return the subject and verb of a sentence about some of `BODY`, and its object."""
    named = [each for each in BODY if each in signals]
    if not named:
        return "", ""
    several = len(named) > 1 or named == ["muscles"]
    words = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
    verb, object_ = ("are", "them") if several else ("is", "it")
    return f"{words} {verb}", object_
