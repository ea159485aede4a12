"""What a sensor's samples say as they come: the figures of the newest minute, the same as a file's.

A window ends at a multiple of five seconds of the clock. Its figures are computed once every channel with a
promised rate has come so far, or two seconds later: they are delayed by that, and else `figures_in` of the
same samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.signals.alignment import rate_course
from mien.signals.arousal import Arousal
from mien.signals.body import SKIN_AROUND_S, sound_skin
from mien.signals.figures import window_figures
from mien.signals.heart import Beats, find_beats
from mien.signals.rate import LEAD_S
from mien.signals.stream.buffers import JUMP_S, ChannelBuffer
from mien.signals.stream.rest import OwnRest
from mien.signals.stream.types import Batch, Channel, SignalReading
from mien.signals.types import Figure, Mark, Signal, Signals

WINDOW_S: Final = 60.0
"""Figures are of so long a time."""
EVERY_S: Final = 5.0
"""They are renewed this often."""
NOW_S: Final = 12.0
"""What is shown as "now" is of so long a time."""
TOLD_EVERY_S: Final = 0.5
"""A reading comes this often, where there are samples."""

_PATIENCE_S: Final = 2.0
"""A channel that is later than the newest by more is not waited for."""
_KEPT_S: Final = LEAD_S + WINDOW_S + EVERY_S + _PATIENCE_S + 1
_NOW: Final = ("heart_rate", "skin_level", "muscle_activity", "skin_temperature")
_NOW_KINDS: Final = ("ecg", "ppg", "rate", "intervals", "eda", "emg", "temperature")
_HEART: Final = ("ecg", "ppg", "intervals")

Course = tuple[NDArray[np.float64], NDArray[np.float64]]


class Rolling:
    """Takes what a sensor gives and returns what it says, about twice a second; used by one thread.

    Its memory has a bound, however long it runs.

    Args:
        source: the sensor's name in the session.
        channels: what it gives.
        rest: what is known of the person's own rest; shared by all sensors that they wear.

    Attributes:
        courses: by "heart_rate" and "skin_level", times and values of the newest seconds, for what goes on
            over a session; new with each fresh reading.
    """

    def __init__(self, source: str, channels: Sequence[Channel], rest: OwnRest) -> None:
        self.courses: Mapping[str, Course] = {}
        self._source = source
        self._rest = rest
        self._buffers = {each.name: ChannelBuffer(each, _KEPT_S) for each in channels}
        self._notes: list[str] = []
        self._marks: list[Mark] = []
        self._epoch = 0
        self._first_s = float("inf")
        self._told_s = self._window_end_s = float("-inf")
        self._figures: tuple[Figure, ...] = ()
        self._now: tuple[Figure, ...] = ()
        self._arousal: Arousal | None = None
        self._rest_said: str | None = None

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What the sensor gives now."""
        return tuple(each.channel for each in self._buffers.values())

    def reopened(self, channels: Sequence[Channel]) -> None:
        """Go on with the sensor that was opened anew; a channel that has changed begins anew."""
        before = self._buffers
        self._buffers = {}
        for channel in channels:
            old = before.get(channel.name)
            if old is None or old.channel == channel:
                self._buffers[channel.name] = old or ChannelBuffer(channel, _KEPT_S)
                continue
            self._notes.append(f"{channel.name}: {_change(old.channel, channel)}; its figures begin anew")
            self._buffers[channel.name] = ChannelBuffer(channel, _KEPT_S)
        came = [name for name in self._buffers if name not in before]
        went = [name for name in before if name not in self._buffers]
        self._notes += [f"{name}: new in this sensor" for name in came]
        self._notes += [f"{name}: no longer given by this sensor" for name in went]

    def take(self, batch: Batch) -> SignalReading | None:
        """Take what came.

        Returns:
            What the sensor says now; None where it is too early for the next reading.
        """
        for chunk in batch.chunks:
            if chunk.channel in self._buffers:
                self._buffers[chunk.channel].add(chunk.times_s, chunk.values)
        self._notes += batch.notes
        self._marks += batch.marks
        for buffer in self._buffers.values():
            self._notes += buffer.notes
            buffer.notes.clear()
        sent = (each.time_s for each in self._marks)  # a stream of marks has nothing else
        newest_s = self._newest() if self._buffers else max(sent, default=float("-inf"))
        due = newest_s >= self._told_s + TOLD_EVERY_S
        if not np.isfinite(newest_s) or not (due or self._notes or self._marks):
            return None
        return self._reading(newest_s)

    def _reading(self, newest_s: float) -> SignalReading:
        self._told_s = newest_s
        waves = tuple(wave for each in self._buffers.values() if (wave := each.wave()) is not None)
        end_s = floor(self._complete(newest_s) / EVERY_S) * EVERY_S
        fresh = end_s > max(self._window_end_s, self._first_s)
        if fresh:
            self._renew(end_s)
        notes, marks = tuple(self._notes), tuple(self._marks)
        self._notes, self._marks = [], []
        return SignalReading(
            self._source, newest_s, waves, self._figures, self._now, self._arousal, fresh, notes, marks
        )

    def _newest(self) -> float:
        """Return the time of the newest sample, after the last time that the clock was set back."""
        epoch = max((each.epochs for each in self._buffers.values()), default=0)
        known = [each.newest_s for each in self._buffers.values() if each.epochs == epoch]
        newest_s = max(known, default=float("-inf"))
        if epoch > self._epoch and np.isfinite(newest_s):
            self._set_back(epoch, newest_s)
        elif np.isfinite(newest_s):
            newest_s = max(newest_s, *(each.newest_s for each in self._buffers.values()))
        self._first_s = min(self._first_s, *(each.first_s for each in self._buffers.values()))
        return newest_s

    def _set_back(self, epoch: int, newest_s: float) -> None:
        """Begin anew by a clock that was set back."""
        self._epoch = epoch
        for each in self._buffers.values():
            if each.newest_s > newest_s + JUMP_S:
                each.clear()
            each.epochs = epoch
        self._notes.append("figures begin anew by the clock that was set back")
        self._first_s = float("inf")
        self._told_s = self._window_end_s = float("-inf")
        self._figures, self._now, self._arousal = (), (), None

    def _complete(self, newest_s: float) -> float:
        """Return up to which time all channels have come that are still waited for."""
        awaited = [each.newest_s for each in self._buffers.values() if each.channel.rate_hz > 0]
        return min((each for each in awaited if each >= newest_s - _PATIENCE_S), default=newest_s)

    def _renew(self, end_s: float) -> None:
        """Compute the figures of the windows that end at a time."""
        signals = [
            each.signal(end_s - WINDOW_S - LEAD_S, end_s, self._source) for each in self._buffers.values()
        ]
        self._window_end_s = end_s
        # Found once: what is now, and the course, stand on the same beats.
        beats = {each.name: find_beats(each) for each in signals if each.kind in _HEART}
        self._figures = window_figures(Signals(tuple(signals)), end_s - WINDOW_S, end_s, beats)
        recent = Signals(tuple(each for each in signals if each.kind in _NOW_KINDS))
        now = window_figures(recent, end_s - NOW_S, end_s, beats)
        self._now = tuple(each for each in now if each.measure in _NOW)
        self._arousal = self._rest.take(self._source, self._figures, self._first_s)
        self.courses = dict(_courses(signals, list(beats.values()), end_s))
        self._tell_rest()

    def _tell_rest(self) -> None:
        """Note what arousal is measured against, when that becomes known."""
        status = self._rest.status()
        if self._arousal is not None and status.said != self._rest_said:
            self._rest_said = status.said
            self._notes.append(f"arousal is measured {status.said}")


def _change(old: Channel, new: Channel) -> str:
    if old.kind != new.kind:
        return f"now {new.kind} instead of {old.kind}"
    if old.rate_hz != new.rate_hz:
        return f"now {new.rate_hz:g} samples a second instead of {old.rate_hz:g}"
    return f"now in {new.unit or 'no unit'} instead of {old.unit or 'none'}"


def _courses(signals: Sequence[Signal], beats: Sequence[Beats], end_s: float) -> list[tuple[str, Course]]:
    """Return the heart's rate and the skin's level in the newest seconds, for the session's agreement."""
    start_s = end_s - EVERY_S
    found: list[tuple[str, Course]] = []
    if best := max(beats, key=lambda each: float(each.intervals_s[each.good].sum()), default=None):
        course = rate_course(best)
        inside = (course.times_s >= start_s) & np.isfinite(course.per_min)
        found.append(("heart_rate", (course.times_s[inside], course.per_min[inside])))
    else:
        rates = [each.between(start_s, end_s) for each in signals if each.kind == "rate"]
        found += [("heart_rate", (each.times_s, each.values)) for each in rates[:1]]
    skins = [each.in_unit("uS") for each in signals if each.kind == "eda"]
    for each in [each for each in skins if len(each) > 1][:1]:
        # What an artefact spoils reaches as far before it as after it, so that the newest seconds must wait.
        known_s = each.times_s + SKIN_AROUND_S
        sound = sound_skin(each) & (known_s >= start_s) & (known_s < end_s)
        found.append(("skin_level", (each.times_s[sound], each.values[sound])))
    return found
