"""Which of a running sensor's figures go into a recording: a whole minute every ten seconds, by its clock."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from mien.errors import StoreError
from mien.store.signals import checked
from mien.store.types import BODY

if TYPE_CHECKING:
    from mien.signals.figures import Figure
    from mien.signals.stream.types import SignalReading

WINDOW_S: Final = 60.0
STEP_S: Final = 10.0
_WHOLE_S: Final = WINDOW_S - 1.0
"""A window that lacks no more than a second is whole: sensors' clocks and ours differ by that."""


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
                chosen.append(replace(each, start_s=start_s, end_s=end_s))
        return storable(chosen)


def storable(figures: Collection[Figure]) -> list[Figure]:
    """Return the figures that the store knows: what a newer sensor says otherwise holds up no recording."""
    known = []
    for each in figures:
        try:
            known.append(checked(each))
        except StoreError:
            continue
    return known


def not_recorded(signals: Collection[str]) -> str:
    """Return in words that some of `BODY` are not recorded; "" where there are none."""
    named = [each for each in BODY if each in signals]
    if not named:
        return ""
    several = len(named) > 1 or named == ["muscles"]
    words = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
    verb, object_ = ("are", "them") if several else ("is", "it")
    return f"{words} {verb} not recorded: no valid consent names {object_}"
