"""A till without a camera: frames with or without a face, a network of a few lines, clocks to turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from live.session_fakes import Clock, FakeSource
from mien.config import Settings
from mien.expression.network import Answers, find_network
from mien.expression.sidecar import read_sidecar, sidecar_path
from mien.live.inputs import LiveInput
from mien.places.equipment import Equipment
from mien.source import Source
from mien.types import Faces, Frame, Image
from patience import LIMIT_S

START = datetime(2026, 5, 4, 10, tzinfo=UTC)
RATE_HZ = 4
STAY_S, PAUSE_S = 2.0, 2.5
"""A guest stays so long, and the next one comes after so long."""


def picture(face: bool) -> Image:
    """Something neither dark nor flat, with or without the mark by which `MarkDetector` finds a face."""
    image: NDArray[np.uint8] = np.full((60, 80, 3), 60, np.uint8)
    image[::2] = 160
    image[0, 0] = 255 if face else 0
    image.flags.writeable = False
    return image


FACE, NOBODY = picture(True), picture(False)


class MarkDetector:
    """Finds one face, in the middle, in pictures that are marked."""

    name = "mark"

    def detect(self, image: Image) -> Faces:
        if image[0, 0, 0] != 255:
            return Faces.empty()
        return Faces(np.array([[20, 10, 60, 50]], np.float32), detection=np.ones(1, np.float32))

    def close(self) -> None:
        """Nothing to let go."""


class EvenNetwork:
    """A network calibrated for counting, which says the same of every face."""

    def __init__(self) -> None:
        found = read_sidecar(sidecar_path(find_network("mien")))
        self.sidecar = found.model_copy(update={"outputs": ("votes", "fer2013", "presence")})

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        count = len(crops)
        logits = np.zeros((count, 8), np.float32)
        return Answers(
            logits=logits,
            no_face=np.zeros(count, np.float32),
            fer2013=logits[:, :7],
            presence=np.ones(count, np.float32),
        )

    def close(self) -> None:
        """Nothing to let go."""


class Till(FakeSource):
    """A camera whose frames a test gives; `settled` waits until all of them were read."""

    def __init__(self, name: str = "till") -> None:
        super().__init__(name)
        self.asked = self.given = 0
        self.time_s = 0.0

    def see(self, seconds: float, *, face: bool = False) -> None:
        """Give the frames of some seconds."""
        for _ in range(round(seconds * RATE_HZ)):
            self._todo.put(Frame(FACE if face else NOBODY, self.given, self.time_s, self.name))
            self.given += 1
            self.time_s += 1 / RATE_HZ

    def guests(self, count: int) -> None:
        """Give the frames of some visits, one after the other."""
        for _ in range(count):
            self.see(STAY_S, face=True)
            self.see(PAUSE_S)

    def frames(self) -> Iterator[Frame]:
        while True:
            self.asked += 1
            what = self._todo.get(timeout=LIMIT_S)
            if what is None:
                return
            if isinstance(what, Exception):
                raise what
            yield what

    def settled(self) -> None:
        """Wait until all frames were read, and what they show is counted."""
        until(lambda: self.asked > self.given)


class Times:
    """A clock that never runs backwards and the wall's, which may be set; both stand until turned."""

    def __init__(self, start: datetime = START) -> None:
        self.clock = Clock()
        self._wall = start

    def wall(self) -> datetime:
        return self._wall

    def go(self, **by: float) -> None:
        """Go on by so many seconds, minutes, ... (`timedelta`'s names)."""
        step = timedelta(**by)
        self.clock.now_s += step.total_seconds()
        self._wall += step

    def set(self, wall: datetime) -> None:
        """Set the wall's clock."""
        self._wall = wall


def equipment(opened: Callable[[LiveInput, Settings], Source], times: Times, **others: Any) -> Equipment:
    chosen = {"patience_s": 1e6} | others  # as a test turns the clock far without a frame
    return Equipment(
        Settings(detector="haar"),
        EvenNetwork(),
        opened=opened,
        detector=MarkDetector,
        clock=times.clock,
        wall=times.wall,
        zone=UTC,
        **chosen,
    )


def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    end_s = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.002)
