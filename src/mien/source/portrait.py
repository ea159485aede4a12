"""The demo's moving face: matplotlib's bundled portrait, slowly panned, zoomed and turned."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.source.base import Chooser, SourceReport
from mien.source.images import read_image
from mien.types import Frame, Image

# Where the face is in the photograph (512x600), in its pixels: found with YuNet, checked by eye.
_FACE_XYXY = np.array([183.0, 120.0, 353.0, 333.0])
_FACE_POINTS = np.array([[227.1, 193.3], [307.8, 195.4], [266.5, 240.0], [228.5, 267.9], [302.2, 269.6]])

# The motion comes back to where it began after this long.
_PERIOD_S = 8.0

_WALL_RGB = (112, 112, 112)


@dataclass(frozen=True, slots=True, eq=False)
class PortraitPose:
    """Where the portrait's face is at one moment: the truth to hold a detector or a tracker against.

    Attributes:
        matrix: (2, 3) takes pixels of the photograph to pixels of the frame.
        xyxy: (4,) the face's upright box in pixels of the frame.
        points: (5, 2) its landmarks in pixels of the frame, in the order of `types.POINTS`.
        roll_deg: how far the face is turned, clockwise as one sees it.
    """

    matrix: NDArray[np.float64]
    xyxy: NDArray[np.float64]
    points: NDArray[np.float64]
    roll_deg: float


def portrait_path() -> Path:
    """Return the file of Grace Hopper's portrait (US Navy, public domain) in matplotlib's package."""
    import matplotlib  # slow to import, and only the portrait needs it

    return Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


def portrait_pose(time_s: float, size_wh: tuple[int, int] = (640, 360)) -> PortraitPose:
    """Return where the portrait's face is.

    Args:
        time_s: seconds from the start; the motion repeats every eight.
        size_wh: width and height of the frames in pixels.
    """
    turn = 2 * math.pi * time_s / _PERIOD_S
    unit = min(size_wh[0] / 640, size_wh[1] / 360)
    scale = unit * (0.88 + 0.10 * math.sin(turn))
    roll_deg = 5.0 * math.sin(2 * turn)
    centre = np.array(size_wh) * (0.50 + 0.14 * math.sin(turn + 1.0), 0.47 + 0.04 * math.sin(2 * turn + 2.0))
    photo_centre = (_FACE_XYXY[:2] + _FACE_XYXY[2:]) / 2
    sin, cos = math.sin(math.radians(roll_deg)), math.cos(math.radians(roll_deg))
    linear = scale * np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([linear, centre - linear @ photo_centre])
    half_wh = scale * (_FACE_XYXY[2:] - _FACE_XYXY[:2]) / 2
    points = _FACE_POINTS @ linear.T + matrix[:, 2]
    return PortraitPose(matrix, np.concatenate([centre - half_wh, centre + half_wh]), points, roll_deg)


class PortraitSource:
    """A video of the portrait that every machine has; it needs neither a file nor a camera.

    Args:
        size_wh: width and height of the frames in pixels.
        duration_s: how long it lasts, in seconds.
        frame_rate_hz: frames a second.
        every: give every n-th frame.
        fps: give at most this many frames a second.
        name: what `Frame.source` says.

    Raises:
        ConfigError: `every` or `fps` is out of range.
    """

    live = False

    def __init__(
        self,
        *,
        size_wh: tuple[int, int] = (640, 360),
        duration_s: float = 8.0,
        frame_rate_hz: float = 25.0,
        every: int = 1,
        fps: float | None = None,
        name: str | None = None,
    ) -> None:
        self.name = name or "portrait"
        self.report = SourceReport(duration_s=duration_s, size_wh=size_wh, frame_rate_hz=frame_rate_hz)
        self._chooser = Chooser(every, fps)
        self._size_wh = size_wh
        self._frame_rate_hz = frame_rate_hz
        self._indices = iter(range(round(duration_s * frame_rate_hz)))
        self._photograph = read_image(portrait_path())

    def frames(self) -> Iterator[Frame]:
        """Yield the frames, drawn as they are asked for."""
        while (index := next(self._indices, None)) is not None:
            self.report.frames_read += 1
            time_s = index / self._frame_rate_hz
            if self._chooser.wants(index, time_s):
                self.report.frames_given += 1
                yield Frame(self._draw(time_s), index, time_s, self.name)

    def close(self) -> None:
        """End the video."""
        self._indices = iter(range(0))

    def _draw(self, time_s: float) -> Image:
        matrix = portrait_pose(time_s, self._size_wh).matrix
        image = cv2.warpAffine(
            self._photograph,
            matrix,
            self._size_wh,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=_WALL_RGB,
        )
        image.flags.writeable = False
        return np.asarray(image, np.uint8)
