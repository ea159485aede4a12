"""The pulse from a source's face as one more sensor of a session."""

from __future__ import annotations

from collections import deque
from math import floor

import numpy as np

from mien.live.reading import Reading
from mien.signals.face_pulse import FacePulses, PulseReading
from mien.signals.pulse_window import WINDOW_S
from mien.signals.stream.types import SignalReading, Wave
from mien.signals.types import Figure

CHANNEL = "face"
MEASURE = "face_pulse"
_FIGURES_S, _EVERY_S = 60.0, 5.0


class FacePulseSensor:
    """Reads the pulse of the largest face in a source's readings, frame by frame; used by one thread.

    Args:
        name: of the sensor in the session.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._pulses = FacePulses()
        self._track: int | None = None
        self._told: deque[tuple[float, PulseReading]] = deque()
        self._end_s = float("-inf")
        self._figures: tuple[Figure, ...] = ()

    def take(self, reading: Reading) -> SignalReading | None:
        """Take what a frame shows; return what the face says of the pulse, once a second."""
        faces = reading.faces
        if len(faces):
            self._track = int(faces.track[int(faces.size_wh.prod(axis=1).argmax())])
        offset_s = reading.at_s - reading.frame.time_s
        found = self._pulses.read(reading.frame, faces)
        mine = [each for each in found if each.track in (self._track, None)]
        if not mine:
            return None
        newest = mine[-1]
        at_s = newest.time_s + offset_s
        self._told += [(each.time_s + offset_s, each) for each in mine]
        while self._told and self._told[0][0] <= at_s - _FIGURES_S - _EVERY_S:
            self._told.popleft()
        end_s = floor(at_s / _EVERY_S) * _EVERY_S
        fresh = end_s > self._end_s or at_s < self._end_s - _FIGURES_S
        if fresh:
            self._end_s, self._figures = end_s, (self._figure(end_s),)
        now = Figure(at_s - WINDOW_S, at_s, CHANNEL, MEASURE, "1/min", newest.rate_bpm, newest.quality)
        rate = np.array([np.nan if newest.rate_bpm is None else newest.rate_bpm])
        wave = Wave(CHANNEL, "rate", "1/min", at_s, 1.0, rate, rate)
        return SignalReading(self._name, at_s, (wave,), self._figures, (now,), fresh=fresh)

    def _figure(self, end_s: float) -> Figure:
        """Return the figure of the minute before, as beside a video: quality is the share that is known."""
        start_s = end_s - _FIGURES_S
        known = [
            (each.rate_bpm, each.quality)
            for at_s, each in self._told
            if start_s < at_s <= end_s and each.rate_bpm is not None and each.track == self._track
        ]
        rate = float(np.median([each for each, _ in known])) if known else None
        quality = min(1.0, sum(each for _, each in known) / _FIGURES_S)
        return Figure(start_s, end_s, CHANNEL, MEASURE, "1/min", rate, quality)
