"""Video files through PyAV: the chosen frames, upright, each with the time that the file gives it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from threading import Lock

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from mien.errors import SourceError
from mien.source.base import Chooser, SourceReport
from mien.source.container import declared_duration_s, display_matrix, open_video, upright
from mien.types import Frame, Image

# Less than this missing at the end is rounding, or a length that counts the sound.
_MISSING_S = 0.3

# For files that know neither times nor rate.
_FALLBACK_RATE_HZ = 25.0


class VideoSource:
    """A video file.

    Damaged frames are left out, and of a file that was cut off the rest is read; `report.note` says how much
    at the end.

    Args:
        path: a file in any container and codec that FFmpeg reads.
        every: give every n-th frame.
        fps: give at most this many frames a second of the video's time.
        name: what `Frame.source` says; the file's name when None.

    Raises:
        SourceError: the file is missing, empty, no video, or has no frame that can be read.
        ConfigError: `every` or `fps` is out of range.
    """

    live = False

    def __init__(
        self, path: Path | str, *, every: int = 1, fps: float | None = None, name: str | None = None
    ) -> None:
        self.name = name or Path(path).name
        self._chooser = Chooser(every, fps)
        self._lock = Lock()
        self._closed = False
        self._container, self._stream = open_video(Path(path))
        self._stream.thread_type = "AUTO"
        self._reformatter = VideoReformatter()
        self._damaged = 0
        self._time_s = self._end_s = 0.0
        decoded = self._decode()
        first = next((frame for frame in decoded if not frame.is_corrupt), None)
        if first is None:
            self.close()
            raise SourceError(f"{path}: none of its frames can be read; record or export it again")
        self._decoded = chain([first], decoded)
        self._first_pts = first.pts or 0
        self._matrix = display_matrix(first)
        self._rate_hz = float(self._stream.average_rate or _FALLBACK_RATE_HZ)
        self._declared_s = declared_duration_s(self._container, self._stream)
        height, width = self._image(first).shape[:2]
        self.report = SourceReport(
            duration_s=self._declared_s, size_wh=(width, height), frame_rate_hz=self._rate_hz
        )

    def frames(self) -> Iterator[Frame]:
        """Give the chosen frames. The others are decoded, as later ones build on them, but not converted."""
        while (frame := self._next()) is not None:
            yield frame

    def close(self) -> None:
        """Close the file; waits for the frame that another thread is decoding."""
        with self._lock:
            self._closed = True
            self._container.close()

    def _next(self) -> Frame | None:
        with self._lock:
            if self._closed:
                return None
            for decoded in self._decoded:
                index = self.report.frames_read
                self.report.frames_read += 1
                if decoded.is_corrupt:
                    self._damaged += 1
                    continue
                self._tell_time(decoded, index)
                if self._chooser.wants(index, self._time_s):
                    self.report.frames_given += 1
                    return Frame(self._image(decoded), index, self._time_s, self.name)
            self._conclude()
            return None

    def _decode(self) -> Iterator[VideoFrame]:
        for packet in self._packets():
            try:
                frames = self._stream.codec_context.decode(packet)
            except av.FFmpegError:
                self._damaged += 1
                continue
            yield from frames

    def _packets(self) -> Iterator[Packet[VideoStream] | None]:
        try:
            yield from self._container.demux(self._stream)
        except av.FFmpegError:
            self._damaged += 1
            yield None  # the decoder still holds a few frames

    def _tell_time(self, decoded: VideoFrame, index: int) -> None:
        time_base = self._stream.time_base
        frame_s = 1 / self._rate_hz
        if decoded.pts is None or time_base is None:
            time_s = index * frame_s
        else:
            time_s = float((decoded.pts - self._first_pts) * time_base)
            frame_s = float(decoded.duration * time_base) or frame_s
        # Damaged files may jump back; no reader is prepared for that.
        self._time_s = max(self._time_s, time_s)
        self._end_s = self._time_s + frame_s

    def _image(self, decoded: VideoFrame) -> Image:
        # One thread: a picture of this size is converted before a second thread has started.
        rgb = self._reformatter.reformat(decoded, format="rgb24", threads=1).to_ndarray()
        image = upright(np.asarray(rgb, np.uint8), self._matrix)
        image.flags.writeable = False
        return image

    def _conclude(self) -> None:
        report = self.report
        report.duration_s = self._end_s
        if self._time_s > 0:
            report.frame_rate_hz = (report.frames_read - 1) / self._time_s
        notes = []
        if self._declared_s is not None and self._declared_s - self._end_s > _MISSING_S:
            notes.append(f"truncated after {self._end_s:.1f} of {self._declared_s:.1f} s")
        if self._damaged:
            notes.append(f"damaged frames left out: {self._damaged}")
        report.note = "; ".join(notes) or None
