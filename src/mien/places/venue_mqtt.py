"""Closed cells, and how stations are doing, to an MQTT broker; needs the extra `mqtt`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, Final

from mien.live.mqtt_connection import PAUSES_S, MqttConnection, as_json, tell
from mien.places.station import StationStatus
from mien.places.venue_messages import discovery, kind_of, told
from mien.places.waiting_cells import Cell

_MOST: Final = 1000


class VenueMqtt(MqttConnection):
    """Publishes closed cells and states for as long as it lives; a `Sink`.

    Topics:

    - PREFIX/status: "online" or, also as the last will, "offline"; retained.
    - PREFIX/VENUE/STATION/visits and .../answers: the last closed cell as JSON (`venue_messages.told`);
      retained.
    - PREFIX/VENUE/STATION/state: how the station is doing, as JSON, when it changes; retained.
    - homeassistant/.../config: Home Assistant's discovery; retained, and taken away with the station.

    Cells that are closed while there is no connection wait for it, up to a thousand; the last one of each
    station is sent again after each connection.

    Args:
        url: see `MqttConnection`.
        discover: describe the stations to Home Assistant.
        prefix, tell, clock, pauses_s: as of `MqttConnection`.

    Raises:
        ConfigError: the address or the prefix is wrong.
    """

    def __init__(
        self,
        url: str,
        *,
        discover: bool = True,
        prefix: str = "mien",
        tell: Callable[[str], None] = tell,
        clock: Callable[[], float] = time.monotonic,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        super().__init__(url, prefix=prefix, tell=tell, clock=clock, pauses_s=pauses_s)
        self._discover = discover
        self._lock = Lock()
        self._waiting: deque[Cell] = deque(maxlen=_MOST)
        self._last: dict[tuple[str, str, str], Cell] = {}
        self._states: dict[tuple[str, str], dict[str, Any]] = {}
        self._told: dict[tuple[str, str], dict[str, Any]] = {}
        self._start()

    def cells(self, cells: Sequence[Cell]) -> None:
        """Take cells that were closed."""
        with self._lock:
            self._waiting.extend(cells)
        self._wake.set()

    def states(self, statuses: Sequence[StationStatus]) -> None:
        """Take how all stations are doing."""
        with self._lock:
            self._states = {
                (each.venue, each.station): {"state": each.state, "words": each.words} for each in statuses
            }

    def _forget_told(self) -> None:
        self._told.clear()
        with self._lock:  # what was sent last may have been lost with the connection
            self._waiting.extendleft(reversed(self._last.values()))
            self._last.clear()

    def _publish_news(self) -> None:
        with self._lock:
            states = dict(self._states)
        for names in self._told.keys() - states.keys():
            self._forget(names)
        for names, state in states.items():
            if names not in self._told:
                self._introduce(names)
            if self._told.get(names) != state:
                self._told[names] = state
                self._send(f"{'/'.join(names)}/state", as_json(state), retain=True)
        while not self._client.want_write():
            with self._lock:
                if not self._waiting:
                    return
                cell = self._waiting.popleft()
            place = cell.venue, cell.station, kind_of(cell)
            self._send("/".join(place), as_json(told(cell)), retain=True)
            self._last.pop(place, None)
            self._last[place] = cell

    def _introduce(self, names: tuple[str, str]) -> None:
        if self._discover:
            for topic, entity in discovery(self._prefix, *names).items():
                self._client.publish(topic, as_json(entity), retain=True)

    def _forget(self, names: tuple[str, str]) -> None:
        """Take a station's retained messages away."""
        del self._told[names]
        for message in ("state", "visits", "answers"):
            self._send(f"{'/'.join(names)}/{message}", "", retain=True)
            self._last.pop((*names, message), None)
        if self._discover:
            for topic in discovery(self._prefix, *names):
                self._client.publish(topic, "", retain=True)
