"""Streams of Lab Streaming Layer: real ones on this machine, and a made one whose clock drifts and jumps."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from mien.errors import ConfigError, SourceError
from mien.signals.stream.clock import MachineClock
from patience import LIMIT_S

pylsl = pytest.importorskip("pylsl")

from mien.signals.stream.lsl import LslStream, find_lsl_streams, found_inlet, lsl_address  # noqa: E402
from signals.stream.lsl_senders import Collected, outlet, unique, wait_for_consumer  # noqa: E402


def gone(stream: LslStream) -> str:
    """Read until the stream is gone; return what is said of it."""
    end_s = time.monotonic() + LIMIT_S
    while time.monotonic() < end_s:
        try:
            stream.read(0.2)
        except SourceError as error:
            return str(error)
    pytest.fail("it goes on")


@pytest.mark.main_path
def test_a_stream_is_read_with_names_kinds_units_and_times() -> None:
    name = unique("Body")
    labels, units = ("Fz", "ECG", "GSR", "Trigger"), ("microvolts", "mV", "microsiemens", "")
    with outlet(name, labels=labels, units=units) as sender:
        stream = LslStream(lsl_address(name))
        try:
            assert [(each.name, each.kind, each.unit, each.rate_hz) for each in stream.channels] == [
                ("Fz", "eeg", "uV", 250.0),
                ("ECG", "ecg", "mV", 250.0),
                ("GSR", "eda", "uS", 250.0),
                ("Trigger", "other", "", 250.0),
            ]
            wait_for_consumer(sender)
            began_s = pylsl.local_clock() - 2
            values = np.arange(500, dtype=np.float32)[:, None] * np.array([1, 10, 100, 0], np.float32)
            values[7, 0], values[8, 0] = np.nan, 187_500.0
            sender.push_chunk(values.tolist(), began_s + np.arange(500) / 250)
            found = Collected().read(stream, "Fz", 500)
        finally:
            stream.close()
            stream.close()
    assert found.values("ECG") == pytest.approx(np.arange(500) * 10)
    assert np.isnan(found.values("Fz")[7])
    assert found.values("Fz")[8] == 187_500.0
    epoch_s = time.time() - pylsl.local_clock()
    assert found.times("Fz") == pytest.approx(epoch_s + began_s + np.arange(500) / 250, abs=0.01)
    assert not found.notes


def test_marks_are_read_as_marks() -> None:
    name = unique("Marks")
    with outlet(name, "Markers", ("word", "more"), 0.0, "string") as sender:
        stream = LslStream(lsl_address(name))
        try:
            assert stream.channels == ()
            wait_for_consumer(sender)
            sent_s = pylsl.local_clock()
            sender.push_sample(["smile", "größer"], sent_s)
            sender.push_sample(["rest", ""], sent_s + 0.5)
            found = Collected().read(stream, marks=2)
        finally:
            stream.close()
    assert [each.text for each in found.marks] == ["smile größer", "rest"]
    assert found.marks[1].time_s - found.marks[0].time_s == pytest.approx(0.5, abs=1e-4)
    assert found.marks[0].time_s == pytest.approx(time.time() - pylsl.local_clock() + sent_s, abs=0.01)


@pytest.mark.exhaustive
def test_numbers_of_events_are_marks_too_and_uneven_values_are_values() -> None:
    events, beats = unique("Events"), unique("Beats")
    with (
        outlet(events, "Markers", ("code",), 0.0, "int32") as codes,
        outlet(beats, "RR", ("RR interval",), 0.0, units=("s",)) as intervals,
    ):
        first, second = LslStream(lsl_address(events)), LslStream(lsl_address(beats))
        try:
            assert [(each.kind, each.rate_hz) for each in second.channels] == [("intervals", 0.0)]
            wait_for_consumer(codes)
            wait_for_consumer(intervals)
            codes.push_sample([42])
            at_s = pylsl.local_clock()
            for number, seconds in enumerate((0.8, 0.9, 0.7)):
                intervals.push_sample([seconds], at_s - 3 + number)
            assert [each.text for each in Collected().read(first, marks=1).marks] == ["42"]
            found = Collected().read(second, "RR interval", 3)
            assert found.values("RR interval") == pytest.approx([0.8, 0.9, 0.7])
            assert np.diff(found.times("RR interval")) == pytest.approx(1.0)
        finally:
            first.close()
            second.close()


@pytest.mark.exhaustive
def test_a_stream_that_goes_and_comes_back_otherwise() -> None:
    name = unique("Comes")
    with outlet(name, source_id="same"):
        stream = LslStream(lsl_address(name))
    assert gone(stream) == f"lsl:{name}: the stream has gone"
    stream.close()
    with outlet(name, labels=("Fz", "Cz"), rate_hz=500.0, source_id="same"):
        again = LslStream(lsl_address(name))
        assert [(each.name, each.rate_hz) for each in again.channels] == [("Fz", 500.0), ("Cz", 500.0)]
        again.close()


@pytest.mark.exhaustive
def test_a_stream_of_events_that_goes_is_gone() -> None:
    name = unique("Ends")
    with outlet(name, "Markers", ("word",), 0.0, "string"):
        stream = LslStream(lsl_address(name))
    assert "has gone" in gone(stream)
    stream.close()


@pytest.mark.exhaustive
def test_two_streams_that_are_meant_are_told_apart() -> None:
    name = unique("Twin")
    with outlet(name, source_id="left & right"), outlet(name, source_id="other"):
        with pytest.raises(SourceError) as caught:
            found_inlet(lsl_address(name), LIMIT_S)
        assert f"lsl:{name}: 2 streams are meant; say which: " in str(caught.value)
        exact = next(each for each in str(caught.value).split() if "left" in each).rstrip(",")
        stream = LslStream(lsl_address(exact.removeprefix("lsl:")))
        stream.close()


def test_what_is_not_there_is_said_with_what_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.signals.stream.lsl._RESOLVE_S", 0.1)  # it won't come, however long one waits
    name = unique("There")
    with outlet(name), pytest.raises(SourceError) as caught:
        LslStream(lsl_address("no-such-stream"))
    assert str(caught.value).startswith(
        "lsl:no-such-stream: there is no such stream on this network; there are "
    )
    assert f"lsl:{name}" in str(caught.value)


def test_streams_are_found() -> None:
    name = unique("Found")
    with outlet(name, labels=("Fz", "Cz")), outlet(f"{name}=", "Markers", ("w",), 0.0, "string"):
        found = {each.address: each.detail for each in find_lsl_streams()}
    assert found[f"lsl:{name}"].startswith("EEG, 2 channels, 250 Hz, on ")
    exact = next(each for each in found if each.startswith(f"lsl:name={name}%3D&source_id="))
    assert found[exact].startswith("Markers, 1 channel, no even rate, on ")


@pytest.mark.parametrize("text", ["type=", "kind=EEG", "type=EEG&x=1", "", 'it\'s "both"'])
def test_a_wrong_address_names_what_is_right(text: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a stream's name, or name, type|both kinds of quotes"):
        lsl_address(text)


def test_addresses_become_queries() -> None:
    assert lsl_address("Bob's").query == 'name="Bob\'s"'
    assert lsl_address("type=EEG&hostname=lab 2").query == "type='EEG' and hostname='lab 2'"


@pytest.mark.exhaustive
def test_a_hundred_thousand_samples_a_second_are_thinned_out() -> None:
    name, rate = unique("Fast"), 100_000
    with outlet(name, "EMG", ("zyg", "corr"), float(rate)) as sender:
        stream = LslStream(lsl_address(name))
        try:
            assert {each.rate_hz for each in stream.channels} == {1000.0}
            wait_for_consumer(sender)
            began_s = pylsl.local_clock() - 2
            at = np.arange(2 * rate) / rate
            wave = np.sin(2 * np.pi * 80 * at)
            for i in range(0, len(at), 5000):  # pushed in one go, as if they were old
                piece = np.stack([wave[i : i + 5000], -wave[i : i + 5000]], axis=1).astype(np.float32)
                sender.push_chunk(np.ascontiguousarray(piece), began_s + at[i : i + 5000])
            found = Collected().read(stream, "zyg", 1950)
        finally:
            stream.close()
    assert found.notes == ["100000 samples a second are thinned out to 1000"]
    times = found.times("zyg") - (time.time() - pylsl.local_clock()) - began_s
    assert np.diff(times) == pytest.approx(0.001, rel=1e-3)
    # By the same clock to a few milliseconds, which this wave would show as a shift.
    assert found.values("zyg") == pytest.approx(-found.values("corr"), abs=1e-6)
    assert np.abs(found.values("zyg")).max() == pytest.approx(1.0, abs=0.01)


class FakeInlet:
    """A sender on another machine, whose clock is set as a test wants it.

    Attributes:
        now: seconds of this machine's clock, LSL's and POSIX alike.
        offset_s: what its clock shows less, by LSL's estimate.
        waiting: what was sent: stamps by the sender's clock.
    """

    def __init__(self, rate_hz: float) -> None:
        self.told = pylsl.StreamInfo("Far", "ECG", 1, rate_hz, "float32", "far")
        self.now = 1000.0
        self.offset_s = 0.0
        self.waiting: list[Any] = []

    def info(self, timeout: float) -> Any:
        return self.told

    def open_stream(self, timeout: float) -> None:
        pass

    def close_stream(self) -> None:
        pass

    def time_correction(self, timeout: float) -> float:
        return self.offset_s

    def pull_chunk(self, timeout: float, **options: Any) -> Any:
        stamps = self.waiting.pop(0) if self.waiting else np.zeros(0)
        if not len(stamps):
            self.now += timeout
        return np.zeros((len(stamps), 1), np.float32), stamps


class FakeClock(MachineClock):
    def __init__(self, inlet: FakeInlet, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inlet = inlet
        monkeypatch.setattr(pylsl, "local_clock", lambda: inlet.now)

    def now(self) -> float:
        return self.inlet.now


def test_a_clock_50_millionths_fast_is_followed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """LSL's estimates come every 5 s; in 10 minutes that clock goes 30 ms wrong."""
    inlet = FakeInlet(100.0)
    inlet.offset_s = -77.0 - inlet.now * 50e-6
    stream = LslStream(lsl_address("Far"), inlet=inlet, machine=FakeClock(inlet, monkeypatch))
    random = np.random.default_rng(5)
    taken, found, notes = [], [], []
    for _ in range(1200):
        truth = inlet.now + np.arange(50) / 100
        inlet.now += 0.5
        theirs = 77.0 + truth * (1 + 50e-6)
        inlet.offset_s = -(77.0 + inlet.now * 50e-6) + random.normal(0, 2e-4)
        inlet.waiting.append(theirs + random.normal(0, 1e-3, 50))
        batch = stream.read(0.1)
        notes += batch.notes
        taken.append(truth)
        found.append(batch.chunks[0].times_s)
    late = np.concatenate(found) - np.concatenate(taken)
    assert np.abs(late[500:]).max() < 0.002
    assert abs(late[-5000:].mean()) < 0.0005
    (note,) = notes
    assert note in {f"its clock is {ppm} millionths too fast; taken out" for ppm in (48, 49, 50, 51, 52)}


def test_a_sender_whose_clock_is_reset_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    inlet = FakeInlet(100.0)
    stream = LslStream(lsl_address("Far"), inlet=inlet, machine=FakeClock(inlet, monkeypatch))
    taken, found, notes = [], [], []
    for number in range(120):
        truth = inlet.now + np.arange(50) / 100
        inlet.now += 0.5
        reset_s = 900.0 if number >= 60 else 0.0
        if number == 65:
            inlet.offset_s = 900.0  # LSL finds out later
        inlet.waiting.append(truth - reset_s)
        batch = stream.read(0.1)
        notes += batch.notes
        taken.append(truth)
        found.append(batch.chunks[0].times_s)
    assert np.abs(np.concatenate(found) - np.concatenate(taken)).max() < 0.02
    assert notes == ["its clock jumped by -15 min", "its clock was set anew; LSL's new estimate of it counts"]


def test_an_even_stream_that_falls_silent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    inlet = FakeInlet(100.0)
    stream = LslStream(lsl_address("Far"), inlet=inlet, machine=FakeClock(inlet, monkeypatch))
    assert gone(stream) == "lsl:Far: the stream has sent nothing for 10 s"
