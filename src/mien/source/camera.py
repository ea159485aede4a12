"""A local camera through OpenCV: the newest frame wins, and what nobody had time for is counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import SourceError
from mien.source.base import Chooser, SourceReport
from mien.types import Frame

# How long `close` waits for a camera that is stuck in a read.
_JOIN_S = 2.0

# A camera that wakes up may miss a few pictures; one that misses so many in a row is gone.
_MISSES = 10


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used here; a test brings its own."""

    def isOpened(self) -> bool:  # noqa: N802
        """Say whether the device is there."""
        ...

    def read(self) -> tuple[bool, Any]:
        """Wait for the next picture (BGR); False when there is none."""
        ...

    def release(self) -> None:
        """Give the device back."""
        ...


def open_capture(index: int) -> Capture:
    """Open a camera quietly: OpenCV's own complaints about a missing one don't help anybody.

    Args:
        index: 0 is the system's first camera.
    """
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        return cv2.VideoCapture(index)
    finally:
        cv2.utils.logging.setLogLevel(level)


class CameraSource:
    """A camera, read in a thread of its own from the moment this is made.

    Args:
        index: 0 is the system's first camera.
        every: consider each n-th frame that the camera gives.
        fps: consider at most this many frames a second.
        name: what `Frame.source` says; "camera:INDEX" when None.
        capture: makes the device's reader from the index.
        clock: gives seconds that never run backwards.
        patience_s: a camera that gives nothing for this long counts as lost.

    Raises:
        SourceError: there is no such camera, or another program holds it.
        ConfigError: `every` or `fps` is out of range.
    """

    live = True

    def __init__(
        self,
        index: int = 0,
        *,
        every: int = 1,
        fps: float | None = None,
        name: str | None = None,
        capture: Callable[[int], Capture] = open_capture,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = 10.0,
    ) -> None:
        self.name = name or f"camera:{index}"
        self.report = SourceReport()
        self._chooser = Chooser(every, fps)
        self._clock = clock
        self._patience_s = patience_s
        self._capture = capture(index)
        if not self._capture.isOpened():
            self._capture.release()
            raise SourceError(
                f"camera:{index}: no such camera, or another program holds it; close that, or try another"
            )
        self._change = Condition()
        self._newest: tuple[NDArray[np.uint8], int, float] | None = None
        self._ended = self._closed = False
        self._failure: Exception | None = None
        self._thread = Thread(target=self._read, name=self.name, daemon=True)
        self._thread.start()

    def frames(self) -> Iterator[Frame]:
        """Give the newest frame each time; waits for the next one, until the source is closed.

        Raises:
            SourceError: the camera stopped giving pictures.
        """
        while (frame := self._take()) is not None:
            yield frame

    def close(self) -> None:
        """Stop the thread, which gives the camera back; waits two seconds at most."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._thread.join(_JOIN_S)

    def _take(self) -> Frame | None:
        with self._change:
            self._change.wait_for(lambda: self._newest or self._ended or self._closed, self._patience_s)
            newest, self._newest = self._newest, None
            if self._closed:
                return None
            if newest is None:
                raise SourceError(
                    f"{self.name}: the camera stopped giving pictures; check its cable, start again"
                ) from self._failure
            self.report.frames_given += 1
        bgr, index, time_s = newest
        rgb = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        rgb.flags.writeable = False
        return Frame(rgb, index, time_s, self.name)

    def _read(self) -> None:
        try:
            self._watch()
        except Exception as error:  # handed over to the thread that asks for frames
            self._failure = error
        finally:
            # Released here, as the device must not go away below a read that is under way.
            self._capture.release()
            with self._change:
                self._ended = True
                self._change.notify_all()

    def _watch(self) -> None:
        start_s: float | None = None
        misses = 0
        while not self._closed and misses < _MISSES:
            good, bgr = self._capture.read()
            if good:
                now_s = self._clock()
                start_s = now_s if start_s is None else start_s
                self._offer(bgr, now_s - start_s)
            misses = 0 if good else misses + 1

    def _offer(self, bgr: NDArray[np.uint8], time_s: float) -> None:
        with self._change:
            report = self.report
            index = report.frames_read
            report.frames_read += 1
            report.size_wh = report.size_wh or (bgr.shape[1], bgr.shape[0])
            report.duration_s = time_s
            report.frame_rate_hz = index / time_s if time_s > 0 else None
            if not self._chooser.wants(index, time_s):
                return
            report.frames_dropped += self._newest is not None
            self._newest = (bgr, index, time_s)
            self._change.notify_all()
