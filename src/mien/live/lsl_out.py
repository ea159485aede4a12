"""Readings, figures of sensors and marks as streams of Lab Streaming Layer, for any lab's recorder."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any, Final

import numpy as np

from mien import __version__
from mien.errors import ConfigError
from mien.live.broadcaster import Broadcaster
from mien.live.reading import Reading
from mien.live.status import SignalStatus, SourceStatus
from mien.signals.stream.lsl import lsl_library
from mien.signals.stream.types import SignalReading
from mien.signals.types import Figure
from mien.table import PROBABILITIES, plain_name

FACE_CHANNELS: Final = ("faces", "track", "valence", "arousal", *PROBABILITIES, "confidence", "quality")
"""Of a camera's stream, in their order: how many faces, and of the largest one what the table has of it."""

_LOOK_S: Final = 1.0
_JOIN_S: Final = 0.9
_LONGEST_NAME: Final = 60


class LslSink:
    """Sends every source's readings as streams of LSL for as long as it lives.

    - `NAME SOURCE`, type Expression: `FACE_CHANNELS` of each frame; NaN where there is no face.
    - `NAME SENSOR`, type Figures: each figure's value and its quality, whenever they are new.
    - `NAME marks`, type Markers: marks of the sensors, and what sources begin and end doing.

    All stamps are of when the frame was taken, on LSL's clock. No picture and no wave is sent.

    Args:
        name: what the streams' names begin with.
        broadcaster: where the readings of cameras come from.
        statuses: gives how the sources are.
        signals: where the readings of sensors come from.
        signal_statuses: gives how the sensors are.

    Raises:
        ConfigError: no stream can have that name.
        ModuleNotFoundError: without pylsl, which `mien[signals]` brings.
        SourceError: pylsl has no library for this machine.
    """

    def __init__(
        self,
        name: str,
        broadcaster: Broadcaster[Reading],
        statuses: Callable[[], Sequence[SourceStatus]],
        *,
        signals: Broadcaster[SignalReading] | None = None,
        signal_statuses: Callable[[], Sequence[SignalStatus]] = list,
    ) -> None:
        if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            raise ConfigError(f"LSL: expected a name of up to {_LONGEST_NAME} letters, received {name!r}")
        self._pylsl = lsl_library()
        self._name = name.strip()
        self._statuses, self._signal_statuses = statuses, signal_statuses
        self._epoch_s = time.time() - self._pylsl.local_clock()
        self._faces: dict[str, Any] = {}
        self._figures: dict[str, tuple[tuple[str, ...], Any]] = {}
        self._states: dict[str, str] = {}
        self._marks = self._outlet("marks", "Markers", ("mark",), form="string")
        self._stop, self._wake = Event(), Event()
        self._readings = broadcaster.subscribe(wake=self._wake.set)
        self._signals = None if signals is None else signals.subscribe(wake=self._wake.set)
        self._thread = Thread(target=self._run, name="mien lsl out", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the streams; within a second, safe twice."""
        self._stop.set()
        self._wake.set()
        self._readings.close()
        if self._signals is not None:
            self._signals.close()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        look_s = -np.inf
        while not self._stop.is_set():
            self._wake.clear()
            if time.monotonic() - look_s >= _LOOK_S:
                look_s = time.monotonic()
                self._look()
            while (reading := self._readings.take(0)) is not None:
                self._send_face(reading)
            while self._signals is not None and (said := self._signals.take(0)) is not None:
                self._send_figures(said)
            self._wake.wait(_LOOK_S)
        self._faces.clear()  # LSL's library ends a stream when nobody holds it
        self._figures.clear()
        self._marks = None

    def _look(self) -> None:
        """Mark what has changed with the sources; end the streams of those that have gone."""
        both: list[SourceStatus | SignalStatus] = [*self._statuses(), *self._signal_statuses()]
        states: dict[str, str] = {each.name: each.state for each in both}
        for name, state in states.items():
            if self._states.get(name) != state:
                self._mark(f"{plain_name(name)} {state}", self._pylsl.local_clock())
        for name in self._states.keys() - states.keys():
            self._mark(f"{plain_name(name)} removed", self._pylsl.local_clock())
            self._faces.pop(name, None)
            self._figures.pop(name, None)
        self._states = states

    def _send_face(self, reading: Reading) -> None:
        name = reading.source
        if name not in self._faces:
            self._faces[name] = self._outlet(name, "Expression", FACE_CHANNELS)
        self._faces[name].push_sample(face_sample(reading).tolist(), reading.at_s - self._epoch_s)

    def _send_figures(self, said: SignalReading) -> None:
        for each in said.marks:
            self._mark(each.text, each.time_s - self._epoch_s)
        if not said.fresh:
            return
        figures = {f"{each.signal} {each.measure}": each for each in said.figures}
        if said.arousal is not None:
            index = said.arousal
            quality = 1 - index.high + index.low
            figures["arousal"] = Figure(said.at_s, said.at_s, "", "arousal", "", index.value, quality)
        names, sender = self._figures.get(said.source, ((), None))
        if new := [name for name in figures if name not in names]:
            names = (*names, *new)
            labels = [label for name in names for label in (name, f"{name} quality")]
            units = [unit for name in names for unit in (figures[name].unit if name in figures else "", "")]
            # A stream's channels are fixed: with more of them it is another one, under the same name.
            self._figures.pop(said.source, None)
            sender = self._outlet(said.source, "Figures", labels, units)
            self._figures[said.source] = names, sender
        if sender is not None:
            known = (figures.get(name) for name in names)
            pairs = [(each.value, each.quality) if each is not None else (None, None) for each in known]
            sender.push_sample(np.array(pairs, np.float32).ravel().tolist(), said.at_s - self._epoch_s)

    def _mark(self, text: str, stamp_s: float) -> None:
        self._marks.push_sample([text], stamp_s)

    def _outlet(
        self, what: str, kind: str, labels: Sequence[str], units: Sequence[str] = (), form: str = "float32"
    ) -> Any:
        """Make a stream; its id stays the same when Mien is started again, so that recorders go on."""
        name = f"{self._name} {plain_name(what)}"
        whose = f"mien/{socket.gethostname()}/{name}/{kind}"
        info = self._pylsl.StreamInfo(name, kind, len(labels), 0.0, form, whose)
        info.set_channel_labels(list(labels))
        info.set_channel_types([kind] * len(labels))
        if units:
            info.set_channel_units(list(units))
        made = info.desc().append_child("acquisition")
        made.append_child_value("manufacturer", "Mien")
        made.append_child_value("version", __version__)
        return self._pylsl.StreamOutlet(info)


def face_sample(reading: Reading) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return a frame's numbers in the order of `FACE_CHANNELS`; NaN where there is no face."""
    faces = reading.faces
    sample = np.full(len(FACE_CHANNELS), np.nan, np.float32)
    sample[0] = len(faces)
    if len(faces):
        largest = int(faces.size_wh.prod(axis=1).argmax())
        track = float(faces.track[largest])
        sample[1:] = (
            track if track >= 0 else np.nan,
            faces.valence[largest],
            faces.arousal[largest],
            *faces.probabilities[largest],
            faces.confidence[largest],
            faces.quality[largest],
        )
    return sample
