"""A local camera through OpenCV: the newest frame wins, and what nobody had time for is counted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import ConfigError, SourceError
from mien.source.base import Chooser, SourceReport
from mien.source.newest import Newest
from mien.types import Frame

# How long `close` waits for a camera that is stuck in a read.
_JOIN_S = 2.0

# A camera that wakes up may miss a few pictures; one that misses so many in a row is gone.
_MISSES = 10

# Pictures above this size come compressed: as they are, USB 2 carries only a few a second.
_UNCOMPRESSED_PX = 640 * 480

# A camera's own rate is often a little off the round number (29.97).
_RATE_SLACK_HZ = 0.5


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used here; a test brings its own."""

    def isOpened(self) -> bool:  # noqa: N802
        """Return whether the device is there."""
        ...

    def read(self) -> tuple[bool, Any]:
        """Wait for the next picture (BGR); False when there is none."""
        ...

    def release(self) -> None:
        """Release the device."""
        ...

    def set(self, prop: int, value: float, /) -> bool:
        """Ask for a property; the camera does what it can."""
        ...

    def get(self, prop: int, /) -> float:
        """Return what a property really is; 0 where it isn't known."""
        ...


def open_capture(device: int | str) -> Capture:
    """Open a camera quietly: OpenCV's own complaints about a missing one don't help anybody.

    Args:
        device: 0 is the system's first camera; on Linux also a path, such as /dev/video0.
    """
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        # By Video4Linux alone, as the other ways in would also open a file or an address.
        return cv2.VideoCapture(device, cv2.CAP_V4L2 if isinstance(device, str) else cv2.CAP_ANY)
    finally:
        cv2.utils.logging.setLogLevel(level)


class CameraSource:
    """A camera, read in a thread of its own from the moment this is made.

    Args:
        device: 0 is the system's first camera; on Linux also a path, such as /dev/video0.
        every: consider each n-th frame that the camera gives.
        fps: consider at most this many frames a second.
        name: what `Frame.source` says; "camera:INDEX", or the path, when None.
        size_wh: width and height asked for, in pixels; None leaves it to the camera. `report.note` says so
            if it gives another.
        rate_hz: frames a second asked for; as `size_wh`.
        capture: makes the device's reader from its index or path.
        clock: gives seconds that never run backwards.
        patience_s: a camera that gives nothing for this long counts as lost.

    Raises:
        SourceError: there is no such camera, or another program holds it.
        ConfigError: `every`, `fps`, `size_wh` or `rate_hz` is out of range.
    """

    live = True

    def __init__(
        self,
        device: int | str = 0,
        *,
        every: int = 1,
        fps: float | None = None,
        name: str | None = None,
        size_wh: tuple[int, int] | None = None,
        rate_hz: float | None = None,
        capture: Callable[[int | str], Capture] = open_capture,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = 10.0,
    ) -> None:
        _check(size_wh, rate_hz)
        shown = device if isinstance(device, str) else f"camera:{device}"
        self.name = name or shown
        self.report = SourceReport()
        self._newest: Newest[NDArray[np.uint8]] = Newest(self.report, Chooser(every, fps))
        self._clock = clock
        self._patience_s = patience_s
        self._capture = capture(device)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"{shown}: no such camera, or another program is using it; close that, or try another camera"
            )
        self.report.note = _ask(self._capture, size_wh, rate_hz)
        self._thread = self._newest.feed(self._read, self.name)

    def frames(self) -> Iterator[Frame]:
        """Yield the newest frame each time; waits for the next one, until the source is closed.

        Raises:
            SourceError: the camera stopped giving pictures.
        """
        while (taken := self._newest.take(self._patience_s)) is not None:
            rgb = np.asarray(cv2.cvtColor(taken.picture, cv2.COLOR_BGR2RGB), np.uint8)
            rgb.flags.writeable = False
            yield Frame(rgb, taken.index, taken.time_s, self.name)
        if not self._newest.closed.is_set():
            raise SourceError(
                f"{self.name}: the camera stopped giving pictures; check its cable and start again"
            ) from self._newest.failure

    def close(self) -> None:
        """Stop the thread, which gives the camera back; waits two seconds at most."""
        self._newest.close(_JOIN_S)

    def _read(self) -> None:
        try:
            self._watch()
        finally:
            # Released here, as the device must not go away below a read that is under way.
            self._capture.release()

    def _watch(self) -> None:
        start_s: float | None = None
        misses = 0
        while not self._newest.closed.is_set() and misses < _MISSES:
            good, bgr = self._capture.read()
            if good:
                now_s = self._clock()
                start_s = now_s if start_s is None else start_s
                self._newest.offer(bgr, now_s - start_s, (bgr.shape[1], bgr.shape[0]))
            misses = 0 if good else misses + 1


def _check(size_wh: tuple[int, int] | None, rate_hz: float | None) -> None:
    if size_wh is not None and min(size_wh) < 1:
        raise ConfigError(f"size_wh: expected width and height in pixels, received {size_wh}")
    if rate_hz is not None and not (0 < rate_hz < math.inf):
        raise ConfigError(f"rate_hz: expected a number above 0, received {rate_hz}")


def _ask(capture: Capture, size_wh: tuple[int, int] | None, rate_hz: float | None) -> str | None:
    """Ask the camera for a size and a rate; return what it gives instead, or None if it agrees."""
    notes = []
    if size_wh is not None:
        if size_wh[0] * size_wh[1] > _UNCOMPRESSED_PX:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_wh[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_wh[1])
        width = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if (width, height) != size_wh:
            notes.append(f"gives {width}x{height} instead of {size_wh[0]}x{size_wh[1]} pixels")
    if rate_hz is not None:
        capture.set(cv2.CAP_PROP_FPS, rate_hz)
        given_hz = capture.get(cv2.CAP_PROP_FPS)
        if given_hz > 0 and abs(given_hz - rate_hz) > _RATE_SLACK_HZ:
            notes.append(f"gives {given_hz:g} instead of {rate_hz:g} frames a second")
    return "; ".join(notes) or None
