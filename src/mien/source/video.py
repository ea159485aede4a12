"""Video files through PyAV: the chosen frames as one sees them, each with the time that the file gives it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mien.errors import ConfigError, SourceError
from mien.film import FALLBACK_RATE_HZ, FilmTimes, declared_duration_s, longest_gap_s, start_s
from mien.source.base import Chooser, SourceReport
from mien.source.container import open_video
from mien.source.picture import Converter, PixelShape, shown_size
from mien.types import Frame

# Among so many packets there is a picture that stands for itself.
_PACKETS = 300

# Less than this missing at an end is rounding, or a length that counts the sound.
_MISSING_S = 0.3

_RUN_UP_S = 1.0
"""So long before a part its film is decoded: pictures near a key frame may build on earlier ones."""


class _Told(NamedTuple):
    """A decoded frame, how wide its pixels are, its number and its time."""

    decoded: VideoFrame
    pixel_shape: Fraction
    number: int
    time_s: float


class VideoSource:
    """A video file.

    Damaged frames are left out, and of a file that was cut off the rest is read. Times rise with every
    frame, also where recordings were joined; see `FilmTimes`. Pixels are made square, and all pictures have
    one size, the larger of the first one's and that of one in the middle; see `Converter`.
    `report.note` says at the end what of this was needed.

    Args:
        path: a file in any container and codec that FFmpeg reads.
        every: give every n-th frame.
        fps: give at most this many frames a second of the video's time.
        name: what `Frame.source` says; the file's name when None.
        from_s, until_s: give only the part from the one time on and before the other, in seconds. The
            frames' times are those in the film; they are numbered, and the report counts them, from the
            part's first one.

    Attributes:
        after: the frame that ended the part; None before, and at the end of the film.
        time_s: of the last frame that was decoded.

    Raises:
        SourceError: the file is missing, empty, no video, or has no frame that can be read; or it can't be
            entered in its middle.
        ConfigError: `every` or `fps` is out of range, or a part is to be every n-th frame of a film.
    """

    live = False

    def __init__(
        self,
        path: Path | str,
        *,
        every: int = 1,
        fps: float | None = None,
        name: str | None = None,
        from_s: float = 0.0,
        until_s: float = math.inf,
    ) -> None:
        if from_s > 0 and every > 1:
            raise ConfigError("in the middle of a film nobody knows which frame is the n-th")
        self.name = name or Path(path).name
        self.after: Frame | None = None
        self._from_s, self._until_s = from_s, until_s
        self._chooser = Chooser(every, fps)
        self._lock = Lock()
        self._closed = False
        self._container, self._stream = open_video(Path(path))
        self._stream.thread_type = "AUTO"
        self._pixels = PixelShape(self._stream)
        self._damaged = 0
        decoded = self._decode()
        first = next((frame for frame in decoded if not frame.is_corrupt), None)
        if first is None:
            self.close()
            raise SourceError(f"{path}: none of its frames can be read; record or export it again")
        self._decoded: Iterator[VideoFrame] = chain([first], decoded)
        self._late_s = (self._seconds(first.pts) or 0.0) - start_s(self._stream)
        rate_hz = float(self._stream.average_rate or FALLBACK_RATE_HZ)
        self._times = FilmTimes(rate_hz, longest_gap_s(self._container), self._seconds(first.pts))
        self.time_s = 0.0
        self._declared_s = declared_duration_s(self._container, self._stream)
        size_wh = shown_size(first, self._pixels.now())
        middle_wh = _middle_size(Path(path), (self._declared_s or 0.0) / 2)
        self._converter = Converter(max(size_wh, middle_wh or size_wh, key=math.prod))
        self.report = SourceReport(
            duration_s=self._declared_s, size_wh=self._converter.size_wh, frame_rate_hz=rate_hz
        )
        if from_s > 0:
            self._enter(
                Path(path), (self._seconds(first.pts) or 0.0) + from_s - max(_RUN_UP_S, 2 / (fps or 2))
            )

    @property
    def is_plain(self) -> bool:
        """Whether nothing was damaged so far, the clock never jumped, and all pictures had one size."""
        return not (self._damaged or self._times.jumps_s or self._converter.resized)

    def frames(self) -> Iterator[Frame]:
        """Yield the chosen frames. The others are decoded, as later ones build on them, but not converted."""
        while (frame := self._next()) is not None:
            yield frame

    def within(self, spans: Sequence[tuple[float, float]]) -> Iterator[tuple[int, float, Frame]]:
        """Yield what is seen within some spans of time; the other frames are decoded but not converted.

        Args:
            spans: start and end of each in seconds, in their order and apart.

        Yields:
            A span's number, the seconds from its start, and a frame. The first one of a span is seen from its
            start on, also where its own time is earlier.
        """
        waiting, begun = deque(enumerate(spans)), False
        before: _Told | None = None
        while waiting:
            told = self._told()
            time_s = math.inf if told is None else told.time_s
            while waiting and time_s >= waiting[0][1][0]:
                place, (start_s, end_s) = waiting[0]
                if time_s > start_s and not begun and before is not None:
                    begun = True
                    yield place, 0.0, self._frame(before)
                if told is not None and time_s < end_s:
                    begun = True
                    yield place, time_s - start_s, self._frame(told)
                    break
                waiting.popleft()
                begun = False
            before = told

    def close(self) -> None:
        """Close the file; waits for the frame that another thread is decoding."""
        with self._lock:
            self._closed = True
            self._container.close()

    def _next(self) -> Frame | None:
        while (told := self._told()) is not None:
            if self._chooser.wants(told.number, told.time_s):
                return self._frame(told)
        return None

    def _told(self) -> _Told | None:
        """Decode the next frame that can be read, and tell its time."""
        with self._lock:
            if self._closed:
                return None
            for decoded in self._decoded:
                index = self.report.frames_read
                self.report.frames_read += 1
                if decoded.is_corrupt:
                    self._damaged += 1
                    continue
                time_s = self._times.tell(self._seconds(decoded.pts), self._seconds(decoded.duration))
                if time_s < self._from_s:  # the run-up, also for the choice by time; not of this part
                    self._chooser.wants(0, time_s)
                    self._damaged = self.report.frames_read = 0
                    continue
                if time_s >= self._until_s:
                    self.report.frames_read -= 1
                    image = self._converter.convert(decoded, self._pixels.now())
                    self.after = Frame(image, index, time_s, self.name)
                    break
                self.time_s = time_s
                return _Told(decoded, self._pixels.now(), index, time_s)
            self._conclude()
            return None

    def _enter(self, path: Path, film_s: float) -> None:
        """Go to the last key frame before a time of the film's own clock."""
        time_base = self._stream.time_base
        try:
            if time_base is None:
                raise ValueError
            self._container.seek(math.floor(film_s / time_base), stream=self._stream)
        except (av.FFmpegError, ValueError, OverflowError) as error:
            self.close()
            raise SourceError(f"{path}: can't be read from its middle on") from error
        self._decoded = self._decode()

    def _frame(self, told: _Told) -> Frame:
        with self._lock:
            self.report.frames_given += 1
            image = self._converter.convert(told.decoded, told.pixel_shape)
        return Frame(image, told.number, told.time_s, self.name)

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

    def _seconds(self, ticks: int | None) -> float | None:
        # By the stream, as the last frames of a broken decoder know of no time base.
        time_base = self._stream.time_base
        return None if ticks is None or time_base is None else float(ticks * time_base)

    def _conclude(self) -> None:
        report = self.report
        report.duration_s = self._times.end_s
        if self.time_s > 0:
            report.frame_rate_hz = (report.frames_read - 1) / self.time_s
        report.note = "; ".join(self._notes()) or None

    def _notes(self) -> Iterator[str]:
        end_s, jumps_s = self._times.end_s, self._times.jumps_s
        if self._late_s > _MISSING_S:
            yield f"cut off at its start: the first {self._late_s:.1f} s can't be read"
        # Where the clock was set anew, the length that FFmpeg makes out of it means nothing.
        whole_s = None if jumps_s else self._declared_s
        if whole_s is not None and whole_s - max(0.0, self._late_s) - end_s > _MISSING_S:
            yield f"truncated after {end_s:.1f} of {whole_s:.1f} s"
        if jumps_s:
            often = "" if len(jumps_s) == 1 else f"{len(jumps_s)} times, first "
            yield f"its clock jumps {often}at {jumps_s[0]:.1f} s: time goes on there by a frame's length"
        if self._converter.resized and self._converter.size_wh:
            width, height = self._converter.size_wh
            yield f"its resolution changes: all is read at {width}x{height}"
        if self._damaged:
            yield f"damaged frames left out: {self._damaged}"


def _middle_size(path: Path, after_s: float) -> tuple[int, int] | None:
    """Return the size of a picture in the middle of a film; recorded calls begin with small ones.

    Args:
        path: the film.
        after_s: seconds after its start.
    """
    container, stream = open_video(path)
    with closing(container), suppress(av.FFmpegError, OverflowError):  # of a start that can't be
        pixels = PixelShape(stream)
        container.seek(round((start_s(stream) + after_s) * av.time_base))
        for packet in islice(container.demux(stream), _PACKETS):
            with suppress(av.FFmpegError):  # of pictures that build on earlier ones
                for decoded in stream.codec_context.decode(packet):
                    return shown_size(decoded, pixels.now())
    return None
