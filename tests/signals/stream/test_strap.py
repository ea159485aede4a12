"""Heart straps: what they tell, and a made one that is near, far, off the skin and gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import SourceError
from mien.signals.heart import find_beats
from mien.signals.stream.clock import MachineClock
from mien.signals.stream.strap import (
    HEART_RATE_MEASUREMENT,
    HEART_RATE_SERVICE,
    BeatClock,
    Measurement,
    StrapStream,
    find_straps,
    parse_measurement,
)
from mien.signals.types import Signal
from patience import LIMIT_S

bleak = pytest.importorskip("bleak")


def message(
    rate: int, intervals_s: tuple[float, ...] = (), contact: bool | None = None, energy: bool = False
) -> bytes:
    """Make what a strap sends."""
    flags = (rate > 255) | (energy << 3) | (bool(intervals_s) << 4)
    flags |= 0 if contact is None else 4 | (contact << 1)
    data = bytes([flags]) + rate.to_bytes(2 if rate > 255 else 1, "little")
    data += b"\x34\x12" if energy else b""
    return data + b"".join(round(each * 1024).to_bytes(2, "little") for each in intervals_s)


@given(
    st.integers(0, 400), st.lists(st.integers(1, 65535), max_size=9), st.none() | st.booleans(), st.booleans()
)
def test_every_message_is_read_as_it_was_meant(
    rate: int, ticks: list[int], contact: bool | None, energy: bool
) -> None:
    intervals = tuple(each / 1024 for each in ticks)
    assert parse_measurement(message(rate, intervals, contact, energy)) == Measurement(
        rate or None, intervals, contact
    )


@given(st.binary(max_size=30))
def test_no_message_breaks_it(data: bytes) -> None:
    if len(data) < 2 or (len(data) == 2 and data[0] & 1):
        with pytest.raises(ValueError, match="expected"):
            parse_measurement(data)
    else:
        assert all(each > 0 for each in parse_measurement(data).intervals_s)


def test_beats_lie_where_they_were_although_they_are_told_later() -> None:
    """A strap tells once a second of the beats since; its clock is 100 millionths slow."""
    intervals = 0.8 + 0.1 * np.sin(np.arange(2000) / 5)
    truth = 1.7e9 + np.cumsum(intervals)
    ticked = np.round(intervals * (1 - 1e-4) * 1024) / 1024
    clock, found, at = BeatClock(), [], 0
    for told_s in np.arange(truth[0], truth[-1], 1.0):
        new = int(np.searchsorted(truth, told_s, "right"))
        found += clock.beats([float(each) for each in ticked[at:new]], float(told_s) + 0.05)
        at = new
    times, values = np.array(found).T
    assert (np.diff(times) > 0).all()
    truth = truth[len(truth[:at]) - len(times) : at]
    late = (times - truth)[60:]
    assert -0.1 < late.min() <= late.max() < 0.2
    assert np.ptp(late) < 0.15
    beats = find_beats(Signal("intervals", "intervals", "s", values, times))
    assert beats.good[60:].mean() > 0.99


def test_beats_that_were_not_told_leave_a_gap() -> None:
    clock = BeatClock()
    clock.beats((0.8,), 100.0)
    assert clock.beats((0.8,), 100.8) == [(pytest.approx(100.8), 0.8)]
    assert clock.beats((0.8, 0.9), 110.0) == [(pytest.approx(109.1), 0.8), (pytest.approx(110.0), 0.9)]
    assert clock.beats((), 111.0) == []


class FakeClient:
    """A connection to a strap; what it is told to send is sent from the loop's thread, as by bleak."""

    def __init__(self, device: Any, disconnected_callback: Callable[[Any], None]) -> None:
        self.device, self.lost = device, disconnected_callback
        self.connected, self.loop = False, asyncio.get_running_loop()
        self.notify: Callable[[Any, bytearray], None] | None = None
        device.client = self

    async def connect(self) -> None:
        if self.device.refuses is not None:
            raise self.device.refuses
        self.connected = True

    async def start_notify(self, what: str, callback: Callable[[Any, bytearray], None]) -> None:
        assert what == HEART_RATE_MEASUREMENT
        self.notify = callback

    async def disconnect(self) -> None:
        self.connected = False

    def send(self, *messages: bytes) -> None:
        sent = Event()

        def do() -> None:
            for each in messages:
                assert self.notify is not None
                self.notify(None, bytearray(each))
            sent.set()

        self.loop.call_soon_threadsafe(do)
        assert sent.wait(LIMIT_S)

    def leave(self) -> None:
        left = Event()
        self.loop.call_soon_threadsafe(lambda: (self.lost(self), left.set()))
        assert left.wait(LIMIT_S)


class Near:
    """Straps that are near: bleak's two classes, as `StrapStream` uses them."""

    def __init__(self, *devices: Any, broken: Exception | None = None) -> None:
        near = [
            (each, SimpleNamespace(local_name=each.name, service_uuids=[HEART_RATE_SERVICE], rssi=each.rssi))
            for each in devices
        ]
        near.append(
            (
                SimpleNamespace(address="00:00:00:00:00:01", name="Lamp"),
                SimpleNamespace(local_name=None, service_uuids=[], rssi=-30),
            )
        )

        class Scanner:
            @staticmethod
            async def find_device_by_filter(wanted: Callable[[Any, Any], bool], timeout: float) -> Any:
                if broken is not None:
                    raise broken
                return next((device for device, told in near if wanted(device, told)), None)

            @staticmethod
            async def discover(**options: Any) -> Any:
                if broken is not None:
                    raise broken
                assert options["service_uuids"] == [HEART_RATE_SERVICE]
                return {device.address: (device, told) for device, told in near}

        self.BleakScanner, self.BleakClient = Scanner, FakeClient


def strap(name: str = "Polar H10 1234", number: int = 2, refuses: Exception | None = None) -> Any:
    return SimpleNamespace(
        address=f"AA:BB:CC:DD:EE:0{number}", name=name, rssi=-40 - number, refuses=refuses, client=None
    )


class FakeClock(MachineClock):
    def __init__(self) -> None:
        self.now_s = 1.7e9

    def now(self) -> float:
        return self.now_s


@pytest.mark.main_path
@pytest.mark.parametrize("who", ["aa:bb:cc:dd:ee:02", "polar h10 1234"])
def test_a_strap_is_read(who: str) -> None:
    device, clock = strap(), FakeClock()
    stream = StrapStream(who, bleak=Near(device), machine=clock)
    assert [(each.name, each.kind, each.unit) for each in stream.channels] == [
        ("rate", "rate", "1/min"),
        ("intervals", "intervals", "s"),
    ]
    assert stream.read(0).chunks == ()
    device.client.send(message(72, (0.8125, 0.84375)))
    clock.now_s += 1
    device.client.send(message(300, (0.75,)))
    rate, intervals = stream.read(LIMIT_S).chunks
    assert (rate.channel, rate.values.tolist()) == ("rate", [72.0, 300.0])
    assert rate.times_s == pytest.approx([1.7e9, 1.7e9 + 1])
    assert (intervals.channel, intervals.values.tolist()) == ("intervals", [0.8125, 0.84375, 0.75])
    assert np.diff(intervals.times_s) == pytest.approx([0.84375, 0.75])
    stream.close()
    stream.close()
    assert not device.client.connected


def test_off_the_skin_there_is_no_reading_and_it_is_said_once() -> None:
    device = strap()
    stream = StrapStream(device.address, bleak=Near(device), machine=FakeClock())
    device.client.send(message(70, (0.8,), contact=True))
    device.client.send(message(70, (0.5,), contact=False), message(70, (0.5,), contact=False))
    device.client.send(message(0), b"\x00", message(71, contact=True))
    batch = stream.read(LIMIT_S)
    (rate, intervals) = batch.chunks
    assert rate.values == pytest.approx([70, np.nan, np.nan, np.nan, 71], nan_ok=True)
    assert intervals.values == pytest.approx([0.8], abs=1e-3)
    assert batch.notes == (
        "it doesn't touch the skin: no reading",
        "a message can't be read: expected at least 2 bytes, received 1",
        "it touches the skin again",
    )
    stream.close()


def test_out_of_range_it_is_gone() -> None:
    device = strap()
    stream = StrapStream(device.address, bleak=Near(device))
    device.client.send(message(70))
    device.client.leave()
    assert len(stream.read(LIMIT_S).chunks) == 1  # what came before is not lost
    for _ in range(2):
        with pytest.raises(SourceError, match=r"^ble:AA:BB:CC:DD:EE:02: the strap is out of range, or was"):
            stream.read(LIMIT_S)
    stream.close()


def test_a_strap_that_falls_silent_is_gone() -> None:
    device, clock = strap(), FakeClock()
    stream = StrapStream(device.address, bleak=Near(device), machine=clock)
    clock.now_s += 11
    with pytest.raises(SourceError, match="the strap has told nothing for 10 s"):
        stream.read(0)
    stream.close()


def test_one_that_is_not_near_is_said_with_those_that_are() -> None:
    with pytest.raises(SourceError) as caught:
        StrapStream("Garmin", bleak=Near(strap()))
    assert str(caught.value) == (
        "ble:Garmin isn't near: wear it, moisten it, and disconnect it from phones and watches; near are"
        " AA:BB:CC:DD:EE:02 (Polar H10 1234)"
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (bleak.exc.BleakError("Bluetooth device is turned off."), "Bluetooth device is turned off"),
        (
            FileNotFoundError(2, "No such file"),
            r"there is no Bluetooth here, or it is off \(on Linux: is the",
        ),
        (TimeoutError(), "no answer within"),
    ],
)
def test_bluetooth_that_is_off_is_said(error: Exception, words: str) -> None:
    with pytest.raises(SourceError, match=f"^ble:x: {words}"):
        StrapStream("x", bleak=Near(broken=error))
    with pytest.raises(SourceError, match=f"^Bluetooth: {words}"):
        find_straps(0.1, bleak=Near(broken=error))


def test_one_that_refuses_is_said() -> None:
    device = strap(refuses=bleak.exc.BleakError("failed to connect\n"))
    with pytest.raises(SourceError, match=r"^ble:AA:BB:CC:DD:EE:02: failed to connect$"):
        StrapStream(device.address, bleak=Near(device))


def test_straps_that_are_near_are_found_the_nearest_first() -> None:
    found = find_straps(0.1, bleak=Near(strap("Far", 9), strap("Beside", 1)))
    assert [(each.address, each.detail) for each in found] == [
        ("ble:AA:BB:CC:DD:EE:01", "Beside, -41 dBm"),
        ("ble:AA:BB:CC:DD:EE:09", "Far, -49 dBm"),
    ]
