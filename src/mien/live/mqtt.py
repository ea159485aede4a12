"""Readings to an MQTT broker: newest first, in a thread of its own, which comes back after any loss.

Everything is sent at QoS 0 and told again after each connection, so that nothing old is ever delivered late:
with QoS 1, the client would repeat an unacknowledged state after the newer one.
"""

from __future__ import annotations

import json
import math
import secrets
import ssl
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from mien.errors import ConfigError
from mien.live.broadcaster import Broadcaster
from mien.live.mqtt_messages import (
    STATE_EVERY_S,
    Broker,
    check_prefix,
    differs,
    discovery,
    discovery_topics,
    slugs,
    state_of,
)
from mien.live.reading import Reading
from mien.live.status import SourceStatus

ONLINE, OFFLINE = "online", "offline"
"""What PREFIX/status says; the second is also the last will."""

_TICK_S: Final = 0.1
"""How long the thread sleeps at most before it looks after the connection."""
_LOOK_S: Final = 1.0
"""How often the sources' statuses are asked for."""
_STATE_APART_S: Final = 1.0
"""A state is told at most this often: Home Assistant keeps every change of it."""
_KEEPALIVE_S: Final = 20
_CONNECT_S: Final = 5.0
_STABLE_S: Final = 10.0
"""After a connection that lasted this long, the pauses begin anew."""
_LEAVE_S: Final = 0.3
_JOIN_S: Final = 0.9


@dataclass
class _Told:
    """What the broker knows of one source since the last connection."""

    slug: str
    reading: Reading | None = None
    slot: int = -1
    state: dict[str, Any] | None = None
    state_s: float = -math.inf


class MqttSink:
    """Publishes every source's readings and state for as long as it lives.

    Topics, with each source's name made safe (`mqtt_messages.slug`):

    - PREFIX/status: "online" or, also as the last will, "offline"; retained.
    - PREFIX/SOURCE/reading: `Reading.as_dict` as JSON, at most `rate_hz` a second.
    - PREFIX/SOURCE/state: `mqtt_messages.state_of` as JSON, when it changes and every 10 seconds; retained.
    - homeassistant/.../config: Home Assistant's discovery; retained, and taken away with the source.

    A broker that can't be reached, or refuses, is tried again with growing pauses, and that is said once.

    Attributes:
        dropped: readings that were due but not sent, as the network was behind.

    Args:
        url: mqtt://[user[:password]@]host[:port][/prefix], or mqtts:// for TLS by the system's authorities.
        broadcaster: where the readings come from.
        statuses: gives how the sources are.
        discovery: describe the sources to Home Assistant.
        prefix: what all topics begin with, where the address doesn't say it.
        rate_hz: full readings of each source a second, at most.
        tell: takes a line about the connection; by default it goes to the standard error.
        clock: gives seconds that never run backwards.
        pauses_s: the pauses before each next try; the last one stays.

    Raises:
        ConfigError: the address, the prefix or the rate is wrong.
    """

    def __init__(
        self,
        url: str,
        broadcaster: Broadcaster,
        statuses: Callable[[], list[SourceStatus]],
        *,
        discovery: bool = True,
        prefix: str = "mien",
        rate_hz: float = 5.0,
        tell: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
        clock: Callable[[], float] = time.monotonic,
        pauses_s: Sequence[float] = (1, 2, 4, 8, 16, 30, 60),
    ) -> None:
        if not 0 < rate_hz < math.inf:
            raise ConfigError(
                f"MQTT rate: expected a number of readings a second above 0, received {rate_hz}"
            )
        self._broker = Broker.parse(url)
        self._prefix = self._broker.prefix or check_prefix(prefix)
        self._statuses, self._discovery, self._rate_hz = statuses, discovery, rate_hz
        self._tell, self._clock, self._pauses_s = tell, clock, pauses_s
        self._client = self._make_client()
        self._told: dict[str, _Told] = {}
        self._known: dict[str, SourceStatus] = {}
        self._look_s = -math.inf
        self._online = self._complained = False
        self.dropped = 0
        self._refusal: str | None = None
        self._stop, self._wake = Event(), Event()
        self._mailbox = broadcaster.subscribe(wake=self._wake.set)
        self._thread = Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Publish "offline" and leave; returns within a second, safe twice.

        A thread that is caught in connecting ends by itself as soon as that does.
        """
        self._stop.set()
        self._wake.set()
        self._thread.join(_JOIN_S)

    def _make_client(self) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"mien-{secrets.token_hex(6)}")
        client.connect_timeout = _CONNECT_S
        client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set_context(ssl.create_default_context())
        client.will_set(f"{self._prefix}/status", OFFLINE, qos=1, retain=True)
        client.on_connect = lambda _client, _data, _flags, reason, _properties: self._greet(
            str(reason) if reason.is_failure else None
        )
        return client

    def _run(self) -> None:
        tries = 0
        try:
            while not self._stop.is_set():
                start_s = self._clock()
                self._complain(self._stay_connected())
                if self._clock() - start_s >= _STABLE_S and self._online:
                    tries = 0
                self._stop.wait(self._pauses_s[min(tries, len(self._pauses_s) - 1)])
                tries += 1
        finally:
            self._mailbox.close()

    def _stay_connected(self) -> str | None:
        """Connect, and publish until the connection is lost; return the reason, or None when all is over."""
        self._online, self._refusal = False, None
        try:
            self._client.connect(self._broker.host, self._broker.port, _KEEPALIVE_S)
            while not self._stop.is_set():
                code = self._client.loop(0)
                if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return self._refusal or ("the connection was lost" if self._online else "it hung up")
                if self._online:
                    self._publish_news()
                self._wake.wait(_TICK_S)
                self._wake.clear()
            self._leave()
        except Exception as error:  # the thread's border: a run of months outlives whatever happens here
            return getattr(error, "strerror", None) or str(error) or type(error).__name__
        return None

    def _greet(self, refusal: str | None) -> None:
        """Take the broker's answer: everything is told anew, as it may have forgotten it."""
        self._refusal = refusal
        self._online = refusal is None
        if refusal is not None:
            return
        self._told.clear()
        self._look_s = -math.inf
        while self._mailbox.take(0) is not None:
            pass  # what waited for the connection is no news
        self._send("status", ONLINE, retain=True)
        if self._complained:
            self._complained = False
            self._tell(f"MQTT: connected to {self._broker.where}")

    def _complain(self, reason: str | None) -> None:
        if reason is not None and not self._complained:
            self._complained = True
            self._tell(
                f"MQTT: no connection to {self._broker.where} ({reason}); trying again in the background"
            )

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
                self._client.publish(topic, _as_json(entity), retain=True)

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
        self._send(f"{told.slug}/reading", _as_json(reading.as_dict()))

    def _publish_state(self, status: SourceStatus, told: _Told, now_s: float) -> None:
        elapsed_s = now_s - told.state_s
        if elapsed_s < _STATE_APART_S or self._client.want_write():
            return
        state = state_of(status, told.reading)
        if elapsed_s >= STATE_EVERY_S or differs(told.state, state):
            told.state, told.state_s = state, now_s
            self._send(f"{told.slug}/state", _as_json(state), retain=True)

    def _send(self, topic: str, payload: str, *, retain: bool = False) -> None:
        self._client.publish(f"{self._prefix}/{topic}", payload, retain=retain)

    def _leave(self) -> None:
        if self._online:
            self._send("status", OFFLINE, retain=True)
        self._client.disconnect()
        until_s = time.monotonic() + _LEAVE_S
        while self._client.want_write() and time.monotonic() < until_s:
            if self._client.loop(_TICK_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return


def _as_json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
