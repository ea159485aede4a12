"""A connection to an MQTT broker that comes back after any loss, in a thread of its own.

Everything is sent at QoS 0 and told again after each connection, so that nothing old is ever delivered late:
with QoS 1, the client would repeat an unacknowledged state after the newer one.
"""

from __future__ import annotations

import json
import secrets
import ssl
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from mien.live.mqtt_messages import Broker, check_prefix

ONLINE, OFFLINE = "online", "offline"
"""What PREFIX/status says; the second is also the last will."""

PAUSES_S: Final = (1, 2, 4, 8, 16, 30, 60)
"""The pauses before each next try; the last one stays."""

_TICK_S: Final = 0.1
"""How long the thread sleeps at most before it looks after the connection."""
_KEEPALIVE_S: Final = 20
_CONNECT_S: Final = 5.0
_STABLE_S: Final = 10.0
"""After a connection that lasted this long, the pauses begin anew."""
_LEAVE_S: Final = 0.3
_JOIN_S: Final = 0.9


def tell(line: str) -> None:
    """Print a line about the connection on the standard error."""
    print(line, file=sys.stderr, flush=True)


class MqttConnection(ABC):
    """Keeps a connection for as long as it lives; what is published, a class derived from it says.

    A broker that can't be reached, or refuses, is tried again with growing pauses, and that is said once.

    Args:
        url: mqtt://[user[:password]@]host[:port][/prefix], or mqtts:// for TLS by the system's authorities.
        prefix: what all topics begin with, where the address doesn't say it.
        tell: takes a line about the connection; by default it goes to the standard error.
        clock: gives seconds that never run backwards.
        pauses_s: the pauses before each next try; the last one stays.

    Raises:
        ConfigError: the address or the prefix is wrong.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "mien",
        tell: Callable[[str], None] = tell,
        clock: Callable[[], float] = time.monotonic,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._broker = Broker.parse(url)
        self._prefix = self._broker.prefix or check_prefix(prefix)
        self._tell, self._clock, self._pauses_s = tell, clock, pauses_s
        self._client = self._make_client()
        self._online = self._complained = False
        self._refusal: str | None = None
        self._stop, self._wake = Event(), Event()
        self._thread = Thread(target=self._run, name="mqtt", daemon=True)

    def _start(self) -> None:
        """Connect in the background; called when all that is to be published is there."""
        self._thread.start()

    def close(self) -> None:
        """Say "offline" and leave; returns within a second, safe twice.

        A thread that is caught in connecting ends by itself as soon as that does.
        """
        self._stop.set()
        self._wake.set()
        self._thread.join(_JOIN_S)

    @abstractmethod
    def _forget_told(self) -> None:
        """Forget what the broker was told: it may have forgotten it, too."""

    @abstractmethod
    def _publish_news(self) -> None:
        """Publish what is new; called often while there is a connection."""

    def _end(self) -> None:  # noqa: B027 - only some have something to let go
        """Let go, at the end of the thread."""

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
            self._end()

    def _stay_connected(self) -> str | None:
        """Connect, and publish until the connection is lost; give the reason, or None when all is over."""
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
        self._forget_told()
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


def as_json(value: dict[str, Any]) -> str:
    """Return a message as JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
