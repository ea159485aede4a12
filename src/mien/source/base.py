"""What every source of frames promises, and what all of them share."""

from __future__ import annotations

import math
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mien.errors import ConfigError, SourceError
from mien.types import Frame
from mien.wording import MISSING

# Some containers keep whole milliseconds: 30 frames a second come at 0, 33, 67 ms, and fps=30 takes them all.
_ROUNDING_S = 0.0011


@dataclass(slots=True)
class SourceReport:
    """What a source has given so far; the source keeps it up to date while it is read.

    Attributes:
        frames_read: frames decoded, the skipped ones too.
        frames_given: frames handed to the reader.
        frames_dropped: frames that came while a live source's reader was busy; a file drops nothing.
        duration_s: length in seconds. A file's own word until all of it is read, then what could be read; a
            camera's grows. None: a photograph, or not known yet.
        size_wh: width and height of the frames in pixels as they are shown: upright, with square pixels.
        frame_rate_hz: average frames a second before any are skipped; None as for `duration_s`.
        note: what was wrong with the source, in a few words; None when nothing was.
        away_s: seconds since a stream's connection was lost; None while it is there.
    """

    frames_read: int = 0
    frames_given: int = 0
    frames_dropped: int = 0
    duration_s: float | None = None
    size_wh: tuple[int, int] | None = None
    frame_rate_hz: float | None = None
    note: str | None = None
    away_s: float | None = None


class Source(Protocol):
    """Frames in: a photograph, a video file, a camera, a stream, the portrait.

    What can't be read is said when the source is made, not when its frames are asked for.

    Attributes:
        name: what `Frame.source` says.
        live: new frames come whether or not they are asked for, and the newest wins.
    """

    name: str
    live: bool

    @property
    def report(self) -> SourceReport:
        """What was read, given and dropped so far."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in their order; each once, so that a second call goes on where the first stopped.

        The images are read-only. There are no more frames after `close`.

        Raises:
            SourceError: the source broke off in a way that left nothing to read.
        """
        ...

    def close(self) -> None:
        """Let go of the file, camera or thread; safe twice, in mid-iteration, and from another thread."""
        ...


class Chooser:
    """Chooses the frames to look at: every n-th, and at most so many a second.

    Args:
        every: take each n-th frame, counted by its index, from 0.
        fps: take at most this many frames a second of the source's own time; None takes all.

    Raises:
        ConfigError: `every` is below 1, or `fps` is not a positive number.
    """

    def __init__(self, every: int = 1, fps: float | None = None) -> None:
        if every < 1:
            raise ConfigError(f"every: expected a whole number of at least 1, received {every}")
        if fps is not None and not (0 < fps < math.inf):
            raise ConfigError(f"fps: expected a number above 0, received {fps}")
        self._every = every
        self._fps = fps
        self._slot = -1

    def wants(self, index: int, time_s: float) -> bool:
        """Decide about one frame; ask about each frame once, in order.

        Time is cut into slots of 1 / fps, and the first frame of each slot is wanted.

        Args:
            index: the frame's number, from 0.
            time_s: its time in seconds.
        """
        if index % self._every:
            return False
        if self._fps is None:
            return True
        slot = math.floor((time_s + _ROUNDING_S) * self._fps)
        if slot <= self._slot:
            return False
        self._slot = slot
        return True


def is_folder(path: Path) -> bool:
    """Return whether a path leads to a folder, or else to a file.

    Raises:
        SourceError: it leads nowhere, may not be looked at, or is a device or pipe, which could block.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SourceError(f"{path}: {MISSING}; check the spelling") from error
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be accessed ({error.strerror}); check name and permissions"
        ) from error
    if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise SourceError(f"{path}: expected a file, received a device or pipe; save it to a file first")
    return stat.S_ISDIR(mode)


def check_file(path: Path) -> bytes:
    """Check at the door that a file can be opened and has something in it.

    Returns:
        Its first 16 bytes, or fewer.

    Raises:
        SourceError: it is missing, no file, empty, or may not be read.
    """
    if is_folder(path):
        raise SourceError(f"{path}: expected a file, received a folder; give a file in it")
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); change its permissions") from error
    if not start:
        raise SourceError(f"{path}: expected a picture or video, received an empty file; copy it again")
    return start
