"""What the tests of the page's server share: a live session without cameras, and clients for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np

from mien.config import Settings
from mien.errors import ConfigError
from mien.live.broadcaster import Broadcaster
from mien.live.history import History
from mien.live.live_neutral import LiveNeutral
from mien.live.reading import Reading
from mien.live.signal_history import SignalHistory
from mien.live.status import SignalStatus, SourceStatus
from mien.live.together import CoursesTogether, Together
from mien.signals.arousal import Arousal
from mien.signals.stream.rest import OwnRest
from mien.signals.stream.types import SignalReading, Wave
from mien.signals.types import Figure
from mien.source import Source
from mien.types import Faces, Frame, Image
from mien.web.settings import WebSettings
from patience import LIMIT_S

with warnings.catch_warnings():
    # Starlette would rather have the successor of httpx, which is hardly known yet.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

HOST = "127.0.0.1:8470"
ORIGIN = f"http://{HOST}"
WS = f"ws://{HOST}"
PASSWORD = "correct horse battery"
LOCAL = ("127.0.0.1", 50000)


class Clock:
    """Seconds that go on when the test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class FakeLiveSession:
    """A live session that reads a frame when the test says so."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.broadcaster: Broadcaster[Reading] = Broadcaster()
        self.signals: Broadcaster[SignalReading] = Broadcaster()
        self.signal_history = SignalHistory()
        self.rest = OwnRest()
        self.courses = CoursesTogether()
        self.sensors: dict[str, SignalStatus] = {}
        self.history = History()
        self.added: list[str] = []
        self.removed: list[str] = []
        self.known: dict[str, SourceStatus] = {}
        self.sources: dict[str, Source] = {}
        self.openers: dict[str, Callable[[], Source]] = {}
        self.neutrals: dict[str, LiveNeutral] = {}
        self.recorder: Any = None
        self.recorders: list[Any] = []
        self._thread = ThreadPoolExecutor(1)

    def add(self, name: str, opener: Callable[[], Source], *, where: str = "", restart: bool = True) -> None:
        if name in self.known:
            raise ConfigError(f"{name}: there is already a source of this name; choose another")
        self.added.append(name)
        self.known[name] = SourceStatus(name, where, "running")
        self.openers[name] = opener
        if not restart:
            self.sources[name] = opener()

    def add_signals(
        self, name: str, opener: Callable[[], Any], *, where: str = "", restart: bool = True
    ) -> None:
        if name in self.known or name in self.sensors:
            raise ConfigError(f"{name}: there is already a source of this name; choose another")
        self.openers[name] = opener
        self.sensors[name] = SignalStatus(name, where, "opening")

    def add_face_pulse(self, name: str = "face") -> None:
        self.add_signals(name, lambda: None, where="face")

    def signal_statuses(self) -> list[SignalStatus]:
        return list(self.sensors.values())

    def together(self) -> tuple[Together, ...]:
        return self.courses.told()

    @property
    def body_courses(self) -> tuple[str, ...]:
        return self.courses.body

    def publish_signals(self, reading: SignalReading) -> None:
        self.signal_history.add(reading)
        self.signals.publish(reading)

    def remove(self, name: str) -> None:
        self.removed.append(name)
        self.known.pop(name, None)
        self.sensors.pop(name, None)
        if source := self.sources.pop(name, None):
            source.close()

    def record(self, recorder: Any) -> None:
        self.recorders.append(recorder)
        before, self.recorder = self.recorder, recorder
        if before is not None:
            before.close(0)

    def neutral_of(self, source: str) -> LiveNeutral:
        if source not in self.known:
            raise ConfigError(f"{source}: there is no such source")
        return self.neutrals.setdefault(source, LiveNeutral())

    def choose(self, source: str, track: int) -> None:
        if self.recorder is None:
            raise ConfigError("nobody is being recorded")
        self.recorder.choose(source, track)

    def statuses(self) -> list[SourceStatus]:
        return list(self.known.values())

    def read(self, name: str) -> Reading:
        """Read the newest frame of a source, and publish what it shows."""
        taking: Future[Any] = self._thread.submit(next, self.sources[name].frames())
        frame = taking.result(LIMIT_S)
        reading = make_reading(name, frame.index, frame.time_s, image=frame.image)
        self.publish(reading)
        return reading

    def publish(self, reading: Reading) -> None:
        self.history.add(reading)
        self.broadcaster.publish(reading)
        if self.recorder is not None:
            self.recorder.take(self.known[reading.source].where, reading)

    def close(self) -> None:
        for recorder in filter(None, self.recorders):
            assert recorder.close(LIMIT_S)
        for name in list(self.known):
            self.remove(name)
        self.broadcaster.close()
        self.signals.close()
        self._thread.shutdown()


def make_reading(
    source: str, frame: int, time_s: float = 0.0, *, image: Image | None = None, faces: Faces | None = None
) -> Reading:
    faces = one_face() if faces is None else faces
    image = np.zeros((480, 640, 3), np.uint8) if image is None else image
    return Reading(Frame(image, frame, time_s, source), faces, faces, 1_750_000_000.0 + time_s, 12.5)


def make_signals(source: str, at_s: float, *, fresh: bool = True) -> SignalReading:
    """What a strap says whose wearer is a little aroused, with one bin of waves that nothing came in."""
    start_s = at_s - 60
    wave = Wave("ECG", "ecg", "mV", at_s - 0.5, 0.04, np.array([-0.1, np.nan]), np.array([0.9, np.nan]))
    figures = (
        Figure(start_s, at_s, "ECG", "heart_rate", "1/min", 71.25, 0.95),
        Figure(start_s, at_s, "ECG", "rmssd_ms", "ms", None, 0.4),
    )
    now = (Figure(at_s - 10, at_s, "ECG", "heart_rate", "1/min", 72.5, 0.9),)
    aroused = Arousal(0.6, 0.5, 0.7, {"heart_rate": 0.4, "skin_level": None})
    return SignalReading(source, at_s, (wave,), figures, now, aroused, fresh, ("its clock jumped",))


def together(live_session: FakeLiveSession, seconds: int = 300) -> None:
    """Let the skin of who is before the camera follow their face's valence by three seconds."""
    random = np.random.default_rng(0)
    slow = np.convolve(random.normal(size=seconds + 40), np.hanning(20), mode="valid")[:seconds] / 10
    for number, value in enumerate(np.clip(slow, -1, 1).tolist()):
        faces = Faces(np.float32([[0, 0, 10, 10]]), valence=[value], arousal=[0.1])
        live_session.courses.take_face(make_reading("camera", number, float(number), faces=faces))
    times_s = 1_750_000_003.0 + np.arange(seconds)
    live_session.courses.take_body("band", {"skin_level": (times_s, slow)})


def one_face() -> Faces:
    """A face that is half happy; the network has no word for contempt."""
    return Faces(
        np.float32([[10, 20, 110, 140]]),
        detection=[0.9],
        landmarks=np.full((1, 68, 2), 50.0),
        track=[0],
        quality=[0.8],
        probabilities=[[0.25, 0.5, 0.05, 0.05, 0.05, 0.05, 0.05, np.nan]],
        expression=[1],
        confidence=[0.5],
        shares=[[0.25, 0.5, 0.05, 0.05, 0.05, 0.05, 0.05, np.nan]],
        shares_expression=[1],
        shares_confidence=[0.5],
        valence=[0.4],
        arousal=[0.1],
    )


def jpeg(width: int = 64, height: int = 48, *, options: tuple[int, ...] = ()) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    good, data = cv2.imencode(".jpg", noise, options)
    assert good
    return data.tobytes()


def client(app: Any, origin: str = ORIGIN, *, address: tuple[str, int] = LOCAL, **more: Any) -> TestClient:
    """A client that is no browser: it sends no Origin by itself, and follows no redirects."""
    return TestClient(app, base_url=origin, client=address, follow_redirects=False, **more)


def settings(**choices: Any) -> WebSettings:
    return WebSettings(**choices)
