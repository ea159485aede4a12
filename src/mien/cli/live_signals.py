"""What `mien live` does with sensors of the body: checks their addresses, adds them, says what they say."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Final, TextIO

import typer

from mien.cli.console import print_error
from mien.errors import ConfigError
from mien.live.sensors import FACE, shown_address
from mien.live.session import LiveSession
from mien.live.status import SignalStatus
from mien.live.together import Together, together_message, together_words

if TYPE_CHECKING:  # they load SciPy, for which a session without a sensor should not wait
    from mien.signals.stream.types import SignalReading
    from mien.signals.types import Figure

SignalsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--signals",
        help="A sensor of the body: lsl:NAME, board:NAME, ble:ADDRESS, or face for the pulse from the face;"
        " may be repeated. See `mien signals --list`.",
        metavar="ADDRESS",
    ),
]
RestOption = Annotated[
    str | None,
    typer.Option(
        "--rest",
        help="When the person rests, in seconds from the sensors' start; arousal is measured against it [the"
        " first five minutes]. In the terminal, r lets five minutes of rest begin.",
        metavar="FROM-TO",
    ),
]

_LEAST_REST_S: Final = 300.0
_TOGETHER_EVERY_S: Final = 60.0
_NEEDS: Final = {"lsl": "pylsl", "ble": "bleak"}
_WORDS: Final = {
    "heart_rate": ("pulse", "a minute"),
    "face_pulse": ("pulse of the face", "a minute"),
    "skin_level": ("skin", "µS"),
    "muscle_activity": ("muscle", ""),
    "skin_temperature": ("skin temperature", "°C"),
}


@dataclass(frozen=True)
class LiveSensor:
    """A sensor that was asked for.

    Attributes:
        name: in the session.
        add: adds it to a session.
    """

    name: str
    add: Callable[[LiveSession], None]


def check_sensors(addresses: Sequence[str], taken: Iterable[str]) -> list[LiveSensor]:
    """Check what sensors are asked for, before anything is opened.

    Args:
        addresses: as users write them.
        taken: names of the session's sources.

    Raises:
        ConfigError: one is no address, or stands there twice.
        ModuleNotFoundError: without what `mien[signals]` brings.
    """
    sensors: list[LiveSensor] = []
    names = set(taken)
    if twice := [each for each in addresses if list(addresses).count(each) > 1]:
        raise ConfigError(f"--signals: expected different sensors, received {twice[0]!r} twice")
    for address in addresses:
        name, number = address, 1
        while name in names:
            number += 1
            name = f"{address}-{number}"
        names.add(name)
        sensors.append(LiveSensor(name, _adder(name, address)))
    return sensors


def _adder(name: str, address: str) -> Callable[[LiveSession], None]:
    if address == FACE:
        return lambda session: session.add_face_pulse(name)
    from mien.signals.stream.address import KINDS, check_address

    try:
        opened = check_address(address)
    except ConfigError as error:
        if address.partition(":")[0].strip().lower() in KINDS:
            raise
        raise ConfigError(f"{error}; or face, for the pulse from the face") from None
    module = _NEEDS.get(address.partition(":")[0].strip().lower())
    for needed in (module, "neurokit2"):
        if needed is not None and find_spec(needed) is None:
            raise ModuleNotFoundError(f"no module {needed}", name=needed)
    return lambda session: session.add_signals(
        name, lambda: opened(session.machine_clock()), where=shown_address(address)
    )


def parse_live_rest(text: str | None) -> tuple[float, float] | None:
    """Read when the person rests, in seconds from the sensors' start.

    Raises:
        ConfigError: it is none, or too short.
    """
    if text is None:
        return None
    start, dash, end = text.partition("-")
    try:
        span = float(start), float(end)
    except ValueError:
        span = (0.0, 0.0)
    if not dash or not 0 <= span[0] < span[1]:
        raise ConfigError(f"--rest: expected seconds FROM-TO such as 0-300, received {text!r}")
    if span[1] - span[0] < _LEAST_REST_S:
        raise ConfigError(f"--rest: expected five minutes or more, such as 0-300, received {text!r}")
    return span


class SensorTeller:
    """Prints on standard error what changes in the sensors: on and off, what is wrong, and notes."""

    def __init__(self) -> None:
        self._last: dict[str, SignalStatus] = {}
        self._wrong: dict[str, str] = {}
        self._on: set[str] = set()
        self._told_start: dict[str, int] = {}

    def look(self, statuses: Sequence[SignalStatus]) -> None:
        """Print what has changed."""
        for status in statuses:
            last = self._last.get(status.name)
            if last is not None and (last.state, last.note) == (status.state, status.note):
                continue
            self._last[status.name] = status
            if status.state == "running" and status.name not in self._on:
                self._tell_on(status)
            elif status.state in ("failed", "waiting"):
                self._on.discard(status.name)
                self._tell_wrong(status)
            elif status.state == "stalled":
                self._on.discard(status.name)
                _say(_named(status))
        for name in set(self._last) - {status.name for status in statuses}:
            _say(f"sensor off: {_called(self._last.pop(name))}")
            self._on.discard(name)
            self._wrong.pop(name, None)
            self._told_start.pop(name, None)

    def heard(self, source: str, statuses: Callable[[], Sequence[SignalStatus]]) -> None:
        """Print that a sensor is on if that wasn't printed yet, before a reading of it is shown.

        Args:
            source: whose reading it is.
            statuses: asked only where it has to be.
        """
        if source in self._on:
            return
        for status in statuses():
            # The reading may have waited while its sensor broke off: that start was on, whatever it is now.
            began = self._told_start.get(source) != status.restarts
            if status.name == source and (began or status.state == "running"):
                self._last[source] = replace(status, state="running", note=None)
                self._tell_on(status)

    def _tell_on(self, status: SignalStatus) -> None:
        self._on.add(status.name)
        self._told_start[status.name] = status.restarts
        self._wrong.pop(status.name, None)
        _say(f"sensor on: {_called(status)}")

    def _tell_wrong(self, status: SignalStatus) -> None:
        """Print what is wrong, once for all the tries that end in the same way."""
        words = _named(status)
        if self._wrong.get(status.name) != words:
            self._wrong[status.name] = words
            print_error(words)

    def notes(self, reading: SignalReading) -> None:
        """Print what was noticed."""
        for note in reading.notes:
            _say(f"{reading.source}: {note}")


def sensor_line(status: SignalStatus, reading: SignalReading | None) -> str:
    """Return in one line how a sensor is doing and what it says.

    Args:
        status: of the sensor.
        reading: its newest one.
    """
    if status.state != "running" or reading is None:
        return f"{status.name}: {status.state}{f'; {status.note}' if status.note else ''}"
    parts = [_figure_words(each) for each in _best(reading.now)]
    if (arousal := reading.arousal) is not None:
        parts.append(f"arousal {arousal.value:.2f} [{arousal.low:.2f}, {arousal.high:.2f}]")
    made = f" ({status.where})" if "made up" in status.where else ""
    return f"{status.name}{made}: {', '.join(parts) or 'no figures yet'}"


def rest_line(statuses: Sequence[SignalStatus]) -> list[str]:
    """Return what arousal is measured against, where a sensor has what it needs."""
    kinds = {channel["kind"] for status in statuses for channel in status.channels}
    said = next((status.rest for status in statuses if status.rest), None)
    if said is None or not kinds & {"ecg", "ppg", "rate", "intervals"} or "eda" not in kinds:
        return []
    return [f"arousal: {said}"]


def _best(figures: Sequence[Figure]) -> list[Figure]:
    """Return of each measure the figure of the best quality, in the order of `_WORDS`."""
    best: dict[str, Figure] = {}
    for each in figures:
        before = best.get(each.measure)
        if before is None or (each.value is not None, each.quality) > (
            before.value is not None,
            before.quality,
        ):
            best[each.measure] = each
    return [best[name] for name in _WORDS if name in best]


def _figure_words(figure: Figure) -> str:
    name, unit = _WORDS[figure.measure]
    if figure.value is None:
        return f"{name}: no reading"
    number = f"{figure.value:.0f}" if unit == "a minute" else f"{figure.value:.3g}"
    return f"{name} {number} {unit or figure.unit}".rstrip()


class TogetherTeller:
    """Tells how face and body go together: each minute as JSON, or at the end in words.

    Args:
        session: whose.
        as_json: as lines of JSON.
        out: where to.
    """

    def __init__(self, session: LiveSession, *, as_json: bool, out: TextIO | None = None) -> None:
        self._session, self._as_json = session, as_json
        self._out = out or sys.stdout
        self._due_s = monotonic() + _TOGETHER_EVERY_S

    def look(self) -> None:
        """Write a line of JSON each minute, where there is something to tell."""
        if self._as_json and monotonic() >= self._due_s:
            self._due_s = monotonic() + _TOGETHER_EVERY_S
            if told := self._session.together():
                self._write(told, self._session.body_courses)

    def end(self) -> None:
        """Tell it of the whole session, if there was a sensor that could."""
        if not (body := self._session.body_courses):
            return
        told = self._session.together()
        try:
            if self._as_json:
                self._write(told, body)
            else:
                for line in together_words(told, body):
                    print(line, file=self._out, flush=True)
        except BrokenPipeError:
            pass  # the reader has gone

    def _write(self, told: Sequence[Together], body: Sequence[str]) -> None:
        from mien.live.reading import write_json_line

        write_json_line(self._out, together_message(self._session.machine_clock().now(), told, body))


def _called(status: SignalStatus) -> str:
    return status.name if status.name == status.where else f"{status.name} ({status.where})"


def _named(status: SignalStatus) -> str:
    note = status.note or status.state
    return note if note.startswith(status.name) else f"{status.name}: {note}"


def _say(line: str) -> None:
    print(f"mien: {line}", file=sys.stderr, flush=True)
