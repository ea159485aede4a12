"""Readings, figures and marks as streams of LSL: what a recorder gets, received in the same process."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from mien.errors import ConfigError
from mien.labels import EMOTIONS
from mien.live.broadcaster import Broadcaster
from mien.live.reading import Reading
from mien.live.status import SignalStatus, SourceStatus
from mien.signals.arousal import Arousal
from mien.signals.files import read_signals
from mien.signals.stream.types import SignalReading
from mien.signals.types import Figure, Mark
from mien.types import Faces, Frame
from patience import LIMIT_S

pylsl = pytest.importorskip("pylsl")

from mien.live.lsl_out import FACE_CHANNELS, LslSink, face_sample  # noqa: E402
from mien.signals.stream.lsl import LslStream, lsl_address  # noqa: E402


def reading(source: str, at_s: float, faces: Faces, number: int = 0) -> Reading:
    return Reading(Frame(np.zeros((100, 100, 3), np.uint8), number, at_s, source), faces, faces, at_s, 5.0)


def two_faces(valence: float = 0.25) -> Faces:
    """Make a small face and a larger one, which counts."""
    return Faces(
        xyxy=np.array([[0, 0, 20, 20], [20, 20, 90, 90]], np.float32),
        track=np.array([3, 7]),
        quality=np.array([0.5, 0.75], np.float32),
        probabilities=np.array([[1] + [0] * 7, [0, 1] + [0] * 6], np.float32),
        confidence=np.array([0.5, 0.875], np.float32),
        valence=np.array([-1, valence], np.float32),
        arousal=np.array([-1, -0.5], np.float32),
    )


def status(name: str, state: Any = "running") -> SourceStatus:
    return SourceStatus(name=name, where=name, state=state)


class Studio:
    """A sink and what it sends, under a name of its own."""

    def __init__(self) -> None:
        self.name = f"Mien-{uuid4().hex[:8]}"
        self.readings: Broadcaster[Reading] = Broadcaster()
        self.signals: Broadcaster[SignalReading] = Broadcaster()
        self.states = [status("camera:0")]
        self.sink = LslSink(
            self.name,
            self.readings,
            lambda: list(self.states),
            signals=self.signals,
            signal_statuses=lambda: [SignalStatus("strap", "ble:x", "running")],
        )

    def inlet(self, what: str, send: Callable[[], None]) -> Any:
        """Find a stream, whose first samples may have to be sent for it to be there; listen to it."""
        end_s = time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            send()
            if found := pylsl.resolve_byprop("name", f"{self.name} {what}", 1, 1.0):
                inlet = pylsl.StreamInlet(found[0], recover=False)
                inlet.open_stream(LIMIT_S)
                return inlet
        pytest.fail("no stream")

    def samples(self, inlet: Any, send: Callable[[], None]) -> tuple[list[list[Any]], list[float]]:
        """Send until something comes."""
        end_s = time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            send()
            values, stamps = inlet.pull_chunk(1.0, max_samples=100, min_samples=1)
            if stamps:
                return values, stamps
        pytest.fail("nothing came")


def ended(inlet: Any) -> bool:
    """Wait until a stream has ended."""
    end_s = time.monotonic() + LIMIT_S
    while time.monotonic() < end_s:
        try:
            inlet.pull_chunk(0.1, max_samples=10)
        except pylsl.util.LostError:
            return True
    return False


@pytest.fixture
def studio() -> Any:
    made = Studio()
    yield made
    made.sink.close()
    made.sink.close()


@pytest.mark.main_path
def test_a_cameras_stream_has_the_largest_face_at_the_moment_of_its_frame(studio: Studio) -> None:
    at_s = time.time() - 0.5
    send = lambda: studio.readings.publish(reading("camera:0", at_s, two_faces()))  # noqa: E731
    inlet = studio.inlet("camera:0", send)
    info = inlet.info(LIMIT_S)
    assert (info.type(), info.nominal_srate()) == ("Expression", 0.0)
    assert tuple(info.get_channel_labels()) == FACE_CHANNELS
    values, stamps = studio.samples(inlet, send)
    said = dict(zip(FACE_CHANNELS, values[0], strict=True))
    assert (said["faces"], said["track"], said["valence"], said["arousal"]) == (2, 7, 0.25, -0.5)
    assert said[f"p_{EMOTIONS[1]}"] == 1.0
    assert (said["confidence"], said["quality"]) == (0.875, 0.75)
    assert time.time() - pylsl.local_clock() + stamps[0] == pytest.approx(at_s, abs=0.01)


def test_without_a_face_there_are_none_of_its_numbers() -> None:
    sample = face_sample(reading("x", 0.0, Faces.empty()))
    assert sample[0] == 0
    assert np.isnan(sample[1:]).all()


def test_a_sensors_stream_has_its_figures_and_grows_with_them(studio: Studio) -> None:
    at_s = time.time()
    rate = Figure(at_s - 60, at_s, "ecg", "heart_rate", "1/min", 72.0, 0.9375)
    level = Figure(at_s - 60, at_s, "eda", "skin_level", "uS", None, 0.25)
    send = lambda: studio.signals.publish(SignalReading("strap", at_s, figures=(rate, level), fresh=True))  # noqa: E731
    inlet = studio.inlet("strap", send)
    info = inlet.info(LIMIT_S)
    assert info.type() == "Figures"
    assert info.get_channel_labels() == [
        "ecg heart_rate", "ecg heart_rate quality", "eda skin_level", "eda skin_level quality",
    ]  # fmt: skip
    assert info.get_channel_units() == ["1/min", None, "uS", None]
    values, stamps = studio.samples(inlet, send)
    assert values[0] == pytest.approx([72.0, 0.9375, np.nan, 0.25], nan_ok=True)
    assert time.time() - pylsl.local_clock() + stamps[0] == pytest.approx(at_s, abs=0.01)
    index = Arousal(0.5, 0.25, 0.625, {})
    more = lambda: studio.signals.publish(  # noqa: E731
        SignalReading("strap", at_s, figures=(rate,), arousal=index, fresh=True)
    )
    more()
    assert ended(inlet)
    again = studio.inlet("strap", more)
    assert again.info(LIMIT_S).get_channel_labels()[-2:] == ["arousal", "arousal quality"]
    assert studio.samples(again, more)[0][0] == pytest.approx(
        [72.0, 0.9375, np.nan, np.nan, 0.5, 0.625], nan_ok=True
    )


@pytest.mark.exhaustive
def test_marks_of_sensors_and_what_sources_do(studio: Studio) -> None:
    at_s = time.time()
    said = SignalReading("strap", at_s, marks=(Mark(at_s - 1, "button"),))
    inlet = studio.inlet("marks", lambda: None)
    values, stamps = studio.samples(inlet, lambda: studio.signals.publish(said))
    at = [text for (text,) in values].index("button")
    assert time.time() - pylsl.local_clock() + stamps[at] == pytest.approx(at_s - 1, abs=0.01)

    def until(text: str) -> None:
        seen: list[str] = []
        end_s = time.monotonic() + LIMIT_S
        while text not in seen:
            assert time.monotonic() < end_s
            seen += [each for (each,) in inlet.pull_chunk(1.0, max_samples=100, min_samples=1)[0]]

    studio.states = [status("camera:0", "failed")]
    until("camera:0 failed")
    studio.states = []
    until("camera:0 removed")


def test_what_mien_sends_mien_reads(studio: Studio) -> None:
    send = lambda: studio.readings.publish(reading("camera:0", time.time(), two_faces()))  # noqa: E731
    studio.inlet("camera:0", send)
    stream = LslStream(lsl_address(f"{studio.name} camera:0"))
    assert [each.name for each in stream.channels] == list(FACE_CHANNELS)
    end_s = time.monotonic() + LIMIT_S
    while not (batch := stream.read(0.5)).chunks:
        assert time.monotonic() < end_s
        send()
    assert batch.chunks[2].values[0] == 0.25
    stream.close()


def test_a_recorders_xdf_of_it_is_read_as_it_is(studio: Studio, tmp_path: Path) -> None:
    """As LabRecorder writes it: the stream's header as the inlet has it, then the samples."""
    pytest.importorskip("pyxdf")
    start_s = time.time()
    send = lambda: studio.readings.publish(reading("camera:0", time.time(), two_faces()))  # noqa: E731
    inlet = studio.inlet("camera:0", send)
    values: list[list[float]] = []
    stamps: list[float] = []
    while len(stamps) < 10:
        found = studio.samples(inlet, send)
        values, stamps = values + found[0], stamps + found[1]
    file = tmp_path / "recorded.xdf"
    file.write_bytes(xdf(inlet.info(LIMIT_S).as_xml(), values, stamps))
    read = read_signals(file)
    assert [each.name for each in read.signals] == [
        each for each in FACE_CHANNELS if not np.isnan(values[0][FACE_CHANNELS.index(each)])
    ]
    valence = next(each for each in read.signals if each.name == "valence")
    assert valence.values == pytest.approx(0.25)
    assert valence.kind == "other"
    assert valence.duration_s < time.time() - start_s


def xdf(header: str, values: list[list[float]], stamps: list[float]) -> bytes:
    """Write one stream of float32 as XDF 1.0."""

    def chunk(tag: int, content: bytes) -> bytes:
        return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content

    samples = b"".join(
        b"\x08" + struct.pack(f"<d{len(each)}f", at, *each) for each, at in zip(values, stamps, strict=True)
    )
    footer = f"<info><sample_count>{len(stamps)}</sample_count></info>"
    return (
        b"XDF:"
        + chunk(1, b"<info><version>1.0</version></info>")
        + chunk(2, struct.pack("<I", 1) + header.encode())
        + chunk(3, struct.pack("<I", 1) + b"\x04" + struct.pack("<I", len(stamps)) + samples)
        + chunk(6, struct.pack("<I", 1) + footer.encode())
    )


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb"])
def test_a_name_that_no_stream_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="LSL: expected a name of up to 60 letters"):
        LslSink(name, Broadcaster(), list)
