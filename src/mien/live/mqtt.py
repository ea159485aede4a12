"""Readings to an MQTT broker: newest first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mien.errors import ConfigError
from mien.live.broadcaster import Broadcaster
from mien.live.mqtt_connection import PAUSES_S, MqttConnection, as_json, tell
from mien.live.mqtt_messages import (
    STATE_EVERY_S,
    differs,
    discovery,
    discovery_topics,
    sensor_state_of,
    slugs,
    state_of,
)
from mien.live.reading import Reading
from mien.live.status import SignalStatus, SourceStatus

if TYPE_CHECKING:  # it loads SciPy, for which a session without a sensor should not wait
    from mien.signals.stream.types import SignalReading

_LOOK_S: Final = 1.0
"""How often the sources' statuses are asked for."""
_STATE_APART_S: Final = 1.0
"""A state is told at most this often: Home Assistant keeps every change of it."""


@dataclass
class _Told:
    """What the broker knows of one source, or sensor, since the last connection."""

    slug: str
    sensor: bool = False
    reading: Reading | SignalReading | None = None
    slot: int = -1
    state: dict[str, Any] | None = None
    state_s: float = -math.inf


class MqttSink(MqttConnection):
    """Publishes every source's readings and state for as long as it lives.

    Topics, with each source's name made safe (`mqtt_messages.slug`):

    - PREFIX/status: "online" or, also as the last will, "offline"; retained.
    - PREFIX/SOURCE/reading: `Reading.as_dict` as JSON, at most `rate_hz` a second.
    - PREFIX/SENSOR/signals: `SignalReading.as_dict` without waves as JSON, when its figures are new.
    - PREFIX/SOURCE/state, PREFIX/SENSOR/state: `mqtt_messages.state_of` or `sensor_state_of` as
      JSON, when it changes and every 10 seconds; retained.
    - homeassistant/.../config: Home Assistant's discovery; retained, and taken away with the source.

    Attributes:
        dropped: readings that were due but not sent, as the network was behind.

    Args:
        url: mqtt://[user[:password]@]host[:port][/prefix], or mqtts:// for TLS by the system's authorities.
        broadcaster: where the readings come from.
        statuses: gives how the sources are.
        signals: where the readings of sensors of the body come from, if there can be any.
        signal_statuses: gives how the sensors are.
        discovery: describe the sources to Home Assistant.
        prefix: what all topics begin with, where the address doesn't say it.
        rate_hz: full readings of each source a second, at most.
        tell, clock, pauses_s: as of `MqttConnection`.

    Raises:
        ConfigError: the address, the prefix or the rate is wrong.
    """

    def __init__(
        self,
        url: str,
        broadcaster: Broadcaster[Reading],
        statuses: Callable[[], list[SourceStatus]],
        *,
        signals: Broadcaster[SignalReading] | None = None,
        signal_statuses: Callable[[], list[SignalStatus]] = list,
        discovery: bool = True,
        prefix: str = "mien",
        rate_hz: float = 5.0,
        tell: Callable[[str], None] = tell,
        clock: Callable[[], float] = time.monotonic,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        if not 0 < rate_hz < math.inf:
            raise ConfigError(
                f"MQTT rate: expected a number of readings a second above 0, received {rate_hz}"
            )
        super().__init__(url, prefix=prefix, tell=tell, clock=clock, pauses_s=pauses_s)
        self._statuses, self._discovery, self._rate_hz = statuses, discovery, rate_hz
        self._signal_statuses = signal_statuses
        self._told: dict[str, _Told] = {}
        self._known: dict[str, SourceStatus | SignalStatus] = {}
        self._look_s = -math.inf
        self.dropped = 0
        self._mailbox = broadcaster.subscribe(wake=self._wake.set)
        self._body = None if signals is None else signals.subscribe(wake=self._wake.set)
        self._start()

    def _forget_told(self) -> None:
        self._told.clear()
        self._look_s = -math.inf
        while self._mailbox.take(0) is not None:
            pass  # what waited for the connection is no news
        while self._body is not None and self._body.take(0) is not None:
            pass

    def _end(self) -> None:
        self._mailbox.close()
        if self._body is not None:
            self._body.close()

    def _publish_news(self) -> None:
        now_s = self._clock()
        if now_s - self._look_s >= _LOOK_S:
            self._look()
        while (reading := self._mailbox.take(0)) is not None:
            if reading.source not in self._known:
                self._look()
            self._publish_reading(reading, now_s)
        while self._body is not None and (signals := self._body.take(0)) is not None:
            if signals.source not in self._known:
                self._look()
            self._publish_signals(signals)
        for name, told in self._told.items():
            self._publish_state(self._known[name], told, now_s)

    def _look(self) -> None:
        """See which sources came and which have gone."""
        self._look_s = self._clock()
        self._known = {each.name: each for each in self._statuses()}
        self._known |= {each.name: each for each in self._signal_statuses()}
        wanted = slugs(self._known)
        # Also one whose name has to be told apart from a newcomer's now, or no longer has to.
        gone = [name for name, told in self._told.items() if wanted.get(name) != told.slug]
        # Or one that has the name of a source now, and was a sensor.
        gone += [
            name
            for name, told in self._told.items()
            if name not in gone and isinstance(self._known[name], SignalStatus) != told.sensor
        ]
        for name in gone:
            self._forget(name)
        for name in wanted.keys() - self._told.keys():
            self._introduce(name, wanted[name])

    def _introduce(self, name: str, source: str) -> None:
        sensor = isinstance(self._known[name], SignalStatus)
        self._told[name] = _Told(source, sensor)
        if self._discovery:
            for topic, entity in discovery(self._prefix, source, name, sensor=sensor).items():
                self._client.publish(topic, as_json(entity), retain=True)

    def _forget(self, name: str) -> None:
        """Take a source's retained messages away."""
        told = self._told.pop(name)
        self._send(f"{told.slug}/state", "", retain=True)
        if self._discovery:
            for topic in discovery_topics(self._prefix, told.slug, sensor=told.sensor).values():
                self._client.publish(topic, "", retain=True)

    def _publish_reading(self, reading: Reading, now_s: float) -> None:
        told = self._told.get(reading.source)
        if told is None:  # a late one of a source that has gone
            return
        told.reading = reading
        slot = math.floor(now_s * self._rate_hz)
        if slot == told.slot:
            return
        if self._client.want_write():  # nothing is queued behind a slow network: the next one is newer
            self.dropped += 1
            return
        told.slot = slot
        self._send(f"{told.slug}/reading", as_json(reading.as_dict()))

    def _publish_signals(self, reading: SignalReading) -> None:
        told = self._told.get(reading.source)
        if told is None:  # a late one of a sensor that has gone
            return
        told.reading = reading
        if not (reading.fresh or reading.notes or reading.marks):
            return
        if self._client.want_write():
            self.dropped += 1
            return
        self._send(f"{told.slug}/signals", as_json(reading.as_dict(waves=False)))

    def _publish_state(self, status: SourceStatus | SignalStatus, told: _Told, now_s: float) -> None:
        elapsed_s = now_s - told.state_s
        if elapsed_s < _STATE_APART_S or self._client.want_write():
            return
        state = _state(status, told.reading)
        if elapsed_s >= STATE_EVERY_S or differs(told.state, state):
            told.state, told.state_s = state, now_s
            self._send(f"{told.slug}/state", as_json(state), retain=True)


def _state(status: SourceStatus | SignalStatus, reading: Reading | SignalReading | None) -> dict[str, Any]:
    """Return in a few words what a source or a sensor shows."""
    if isinstance(status, SourceStatus):
        return state_of(status, reading if isinstance(reading, Reading) else None)
    return sensor_state_of(status, None if isinstance(reading, Reading) else reading)
