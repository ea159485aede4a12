"""Readings to an MQTT broker: newest first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mien.errors import ConfigError
from mien.live.broadcaster import Broadcaster
from mien.live.mqtt_connection import PAUSES_S, MqttConnection, as_json, tell
from mien.live.mqtt_messages import (
    STATE_EVERY_S,
    differs,
    discovery,
    discovery_topics,
    slugs,
    state_of,
)
from mien.live.reading import Reading
from mien.live.status import SourceStatus

_LOOK_S: Final = 1.0
"""How often the sources' statuses are asked for."""
_STATE_APART_S: Final = 1.0
"""A state is told at most this often: Home Assistant keeps every change of it."""


@dataclass
class _Told:
    """What the broker knows of one source since the last connection."""

    slug: str
    reading: Reading | None = None
    slot: int = -1
    state: dict[str, Any] | None = None
    state_s: float = -math.inf


class MqttSink(MqttConnection):
    """Publishes every source's readings and state for as long as it lives.

    Topics, with each source's name made safe (`mqtt_messages.slug`):

    - PREFIX/status: "online" or, also as the last will, "offline"; retained.
    - PREFIX/SOURCE/reading: `Reading.as_dict` as JSON, at most `rate_hz` a second.
    - PREFIX/SOURCE/state: `mqtt_messages.state_of` as JSON, when it changes and every 10 seconds; retained.
    - homeassistant/.../config: Home Assistant's discovery; retained, and taken away with the source.

    Attributes:
        dropped: readings that were due but not sent, as the network was behind.

    Args:
        url: mqtt://[user[:password]@]host[:port][/prefix], or mqtts:// for TLS by the system's authorities.
        broadcaster: where the readings come from.
        statuses: gives how the sources are.
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
        self._told: dict[str, _Told] = {}
        self._known: dict[str, SourceStatus] = {}
        self._look_s = -math.inf
        self.dropped = 0
        self._mailbox = broadcaster.subscribe(wake=self._wake.set)
        self._start()

    def _forget_told(self) -> None:
        self._told.clear()
        self._look_s = -math.inf
        while self._mailbox.take(0) is not None:
            pass  # what waited for the connection is no news

    def _end(self) -> None:
        self._mailbox.close()

    def _publish_news(self) -> None:
        now_s = self._clock()
        if now_s - self._look_s >= _LOOK_S:
            self._look()
        while (reading := self._mailbox.take(0)) is not None:
            if reading.source not in self._known:
                self._look()
            self._publish_reading(reading, now_s)
        for name, told in self._told.items():
            self._publish_state(self._known[name], told, now_s)

    def _look(self) -> None:
        """See which sources came and which have gone."""
        self._look_s = self._clock()
        self._known = {status.name: status for status in self._statuses()}
        wanted = slugs(self._known)
        # Also one whose name has to be told apart from a newcomer's now, or no longer has to.
        for name in [name for name, told in self._told.items() if wanted.get(name) != told.slug]:
            self._forget(name)
        for name in wanted.keys() - self._told.keys():
            self._introduce(name, wanted[name])

    def _introduce(self, name: str, source: str) -> None:
        self._told[name] = _Told(source)
        if self._discovery:
            for topic, entity in discovery(self._prefix, source, name).items():
                self._client.publish(topic, as_json(entity), retain=True)

    def _forget(self, name: str) -> None:
        """Take a source's retained messages away."""
        source = self._told.pop(name).slug
        self._send(f"{source}/state", "", retain=True)
        if self._discovery:
            for topic in discovery_topics(self._prefix, source).values():
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

    def _publish_state(self, status: SourceStatus, told: _Told, now_s: float) -> None:
        elapsed_s = now_s - told.state_s
        if elapsed_s < _STATE_APART_S or self._client.want_write():
            return
        state = state_of(status, told.reading)
        if elapsed_s >= STATE_EVERY_S or differs(told.state, state):
            told.state, told.state_s = state, now_s
            self._send(f"{told.slug}/state", as_json(state), retain=True)
