"""Heart straps with Bluetooth's heart-rate service: `ble:ADDRESS`, `ble:NAME`."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Coroutine, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from mien.errors import SourceError
from mien.signals.stream.clock import MachineClock
from mien.signals.stream.types import Batch, Channel, Chunk, Found

HEART_RATE_SERVICE: Final = "0000180d-0000-1000-8000-00805f9b34fb"
HEART_RATE_MEASUREMENT: Final = "00002a37-0000-1000-8000-00805f9b34fb"

_CONNECT_S: Final = 40.0
_SCAN_S: Final = 10.0
_LET_GO_S: Final = 5.0
_SILENT_S: Final = 10.0
"""A strap notifies every second; one that doesn't for so long is gone."""
_LOST_S: Final = 2.0
"""Where the beats lie so much before the moment at which they are told, some were not told."""
_DELAYS: Final = 30
_CATCH_UP: Final = 0.1
_CHANNELS: Final = (Channel("rate", "rate", "1/min", 0.0), Channel("intervals", "intervals", "s", 0.0))

_T = TypeVar("_T")


class Measurement(NamedTuple):
    """What a strap tells about once a second.

    Attributes:
        rate: beats a minute; None where it has none.
        intervals_s: from beat to beat, the oldest first.
        contact: whether it touches skin; None where it can't tell.
    """

    rate: int | None
    intervals_s: tuple[float, ...]
    contact: bool | None


def parse_measurement(data: bytes | bytearray) -> Measurement:
    """Read a value of the characteristic Heart Rate Measurement (0x2A37).

    By the Bluetooth SIG's GATT Specification Supplement, 3.106: flags, the rate in one or two bytes, perhaps
    the energy spent, and intervals in 1/1024 s.

    Raises:
        ValueError: it is cut short.
    """
    if len(data) < 2:
        raise ValueError(f"expected at least 2 bytes, received {len(data)}")
    flags = data[0]
    at = 3 if flags & 1 else 2
    if len(data) < at:
        raise ValueError(f"expected a rate of two bytes, received {len(data) - 1}")
    rate = int.from_bytes(data[1:at], "little")
    contact = bool(flags & 2) if flags & 4 else None
    if flags & 8:
        at += 2
    intervals = (
        tuple(int.from_bytes(data[i : i + 2], "little") / 1024 for i in range(at, len(data) - 1, 2))
        if flags & 16
        else ()
    )
    return Measurement(rate or None, tuple(each for each in intervals if each > 0), contact)


def find_straps(wait_s: float = 5.0, *, bleak: Any = None) -> tuple[Found, ...]:
    """Return the heart straps that are near and not connected to anything, the nearest first.

    Raises:
        SourceError: Bluetooth is off, missing, or not for this user.
        ModuleNotFoundError: without bleak; `mien[signals]` brings it.
    """
    library = _bleak() if bleak is None else bleak
    loop = _Loop()
    try:
        seen = loop.run(
            library.BleakScanner.discover(
                timeout=wait_s, return_adv=True, service_uuids=[HEART_RATE_SERVICE]
            ),
            wait_s + _CONNECT_S,
        )
    finally:
        loop.close()
    near = [each for each in seen.values() if HEART_RATE_SERVICE in each[1].service_uuids]
    return tuple(
        Found(f"ble:{device.address}", f"{told.local_name or device.name or 'no name'}, {told.rssi} dBm")
        for device, told in sorted(near, key=lambda each: -(each[1].rssi or -999))
    )


def _bleak() -> Any:
    import bleak

    return bleak


class StrapStream:
    """A heart strap that runs: channels `rate` and `intervals`.

    Args:
        who: its address or its name.
        bleak: what speaks Bluetooth.
        machine: this machine's clock.

    Raises:
        SourceError: it isn't near, is connected to something else, or Bluetooth is off.
    """

    def __init__(self, who: str, *, bleak: Any = None, machine: MachineClock | None = None) -> None:
        self._shown = f"ble:{who}"
        self._bleak = _bleak() if bleak is None else bleak
        self._machine = machine or MachineClock()
        self._told: SimpleQueue[tuple[float, bytes] | None] = SimpleQueue()
        self._beats = BeatClock()
        self._contact: bool | None = None
        self._rate_s = -math.inf
        self._client: Any = None
        self._loop: _Loop | None = _Loop()
        try:
            self._loop.run(self._connect(who), _SCAN_S + _CONNECT_S, self._shown)
        except BaseException:
            self.close()
            raise
        self._heard_s = self._machine.now()

    @property
    def channels(self) -> Sequence[Channel]:
        """Rate and intervals."""
        return _CHANNELS

    def read(self, timeout_s: float) -> Batch:
        """Return what came since the last call.

        Raises:
            SourceError: the strap is out of range, or was taken off.
        """
        found: list[tuple[float, bytes]] = []
        with suppress(Empty):
            while True:
                told = (
                    self._told.get(timeout=timeout_s)
                    if not found and timeout_s > 0
                    else self._told.get(False)
                )
                if told is None:
                    self._told.put(None)  # it stays so
                    if found:
                        break
                    raise SourceError(f"{self._shown}: the strap is out of range, or was switched off")
                found.append(told)
        now_s = self._machine.now()
        if found:
            self._heard_s = now_s
        elif now_s - self._heard_s > _SILENT_S:
            raise SourceError(f"{self._shown}: the strap has told nothing for {_SILENT_S:g} s")
        return self._batch(found)

    def close(self) -> None:
        """Let go of the strap; safe twice."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if self._client is not None:
            with suppress(SourceError):  # it is gone already
                loop.run(self._client.disconnect(), _LET_GO_S)
        loop.close()

    async def _connect(self, who: str) -> None:
        near: dict[str, str] = {}

        def is_it(device: Any, told: Any) -> bool:
            name = told.local_name or device.name or ""
            if HEART_RATE_SERVICE in told.service_uuids:
                near[device.address] = name
            return who.lower() in (device.address.lower(), name.lower())

        device = await self._bleak.BleakScanner.find_device_by_filter(is_it, timeout=_SCAN_S)
        if device is None:
            others = ", ".join(f"{address} ({name})" if name else address for address, name in near.items())
            raise SourceError(
                f"{self._shown} isn't near: wear it, moisten it, and disconnect it from phones and watches"
                + (f"; near are {others}" if others else "")
            )
        client = self._bleak.BleakClient(device, disconnected_callback=lambda _: self._told.put(None))
        await client.connect()
        self._client = client
        await client.start_notify(
            HEART_RATE_MEASUREMENT, lambda _, data: self._told.put((self._machine.now(), bytes(data)))
        )

    def _batch(self, told: list[tuple[float, bytes]]) -> Batch:
        rates: list[tuple[float, float]] = []
        intervals: list[tuple[float, float]] = []
        notes: list[str] = []
        for at_s, data in told:
            try:
                said = parse_measurement(data)
            except ValueError as error:
                notes.append(f"a message can't be read: {error}")
                continue
            if said.contact is not None and said.contact is not self._contact:
                if not said.contact:
                    notes.append("it doesn't touch the skin: no reading")
                elif self._contact is not None:
                    notes.append("it touches the skin again")
                self._contact = said.contact
            on_skin = said.contact is not False
            self._rate_s = max(at_s, self._rate_s + 1e-3)  # two can come at once
            rates.append((self._rate_s, float(said.rate) if said.rate and on_skin else math.nan))
            if on_skin:
                intervals += self._beats.beats(said.intervals_s, at_s)
        chunks = [
            Chunk(channel.name, *np.array(pairs, np.float64).T.copy())
            for channel, pairs in zip(_CHANNELS, (rates, intervals), strict=True)
            if pairs
        ]
        return Batch(tuple(chunks), (), tuple(notes))


class BeatClock:
    """Sets beats on this machine's clock, of which a strap tells only how far apart they were.

    It tells of them up to a second later. So the beats are strung together by their intervals, and moved as
    late as the earliest message of the last half minute allows.
    """

    def __init__(self) -> None:
        self._end_s = self._given_s = -math.inf
        self._delays: deque[float] = deque(maxlen=_DELAYS)

    def beats(self, intervals_s: Sequence[float], told_s: float) -> list[tuple[float, float]]:
        """Return when each interval ended, and its length.

        Args:
            intervals_s: the oldest first.
            told_s: POSIX seconds when the message came.
        """
        if not intervals_s:
            return []
        length_s = sum(intervals_s)
        at_s = told_s - length_s
        if told_s - self._end_s - length_s <= _LOST_S:
            at_s = self._end_s + self._move(told_s - self._end_s - length_s)
        else:
            self._delays.clear()
        found = []
        for each in intervals_s:
            at_s += each
            if at_s > self._given_s:
                found.append((at_s, each))
                self._given_s = at_s
        self._end_s = at_s
        return found

    def _move(self, delay_s: float) -> float:
        """Return by how much the beats are moved, seeing that the last one is told so long after it was."""
        self._delays.append(delay_s)
        late_s = min(self._delays)
        if late_s > 0:  # all of the last ones lie too early: the strap's clock runs slow
            late_s *= _CATCH_UP if len(self._delays) == _DELAYS else 0
        self._delays = deque((each - late_s for each in self._delays), _DELAYS)
        return late_s


class _Loop:
    """An event loop in a thread of its own, for Bluetooth."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mien bluetooth", daemon=True)
        self._thread.start()

    def run(self, task: Coroutine[Any, Any, _T], limit_s: float, shown: str = "Bluetooth") -> _T:
        """Run a task to its end.

        Raises:
            SourceError: Bluetooth refuses, or it takes too long.
        """
        from bleak.exc import BleakError

        future = asyncio.run_coroutine_threadsafe(task, self._loop)
        try:
            return future.result(limit_s)
        except (FutureTimeoutError, TimeoutError):
            future.cancel()
            raise SourceError(f"{shown}: no answer within {limit_s:g} s") from None
        except BleakError as error:
            raise SourceError(f"{shown}: {_plainly(error)}") from None
        except (OSError, EOFError) as error:
            # On Linux, that the system's bus or its Bluetooth service isn't there.
            raise SourceError(
                f"{shown}: there is no Bluetooth here, or it is off (on Linux: is the service bluetooth"
                f" running?): {_plainly(error)}"
            ) from None

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_LET_GO_S)
        if not self._thread.is_alive():
            self._loop.close()


def _plainly(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
