"""A film's container, opened by itself: which stream is the picture, its length, when each frame comes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

FILM_GAP_S: Final = 3600.0
"""A film whose next frame comes later than this has set its clock anew; shorter gaps are kept."""

BROADCAST_GAP_S: Final = 10.0
"""The same in MPEG's streams, whose clock may be set anew: FFmpeg's `dts_delta_threshold`."""

_STEP_BACK_S: Final = 0.1
"""By more than this no frame precedes the one before unless the clock was set back: FFmpeg's limit too."""

FALLBACK_RATE_HZ: Final = 25.0
"""For files that know neither times nor rate."""

_LEAST_STEP_S: Final = 0.001
"""So much later than the one before is a frame whose time stands still."""

_BROADCAST: Final = frozenset({"mpegts", "mpeg"})
"""Formats whose clock may be set anew within a file."""

_STILL: Final = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
"""What a stream says of itself that is a cover, or pictures for a slider."""

_MOST_LENGTH_S: Final = 10 * 366 * 86400.0
"""A file that says to be longer than ten years has a damaged header, or one written by mistake."""

_TWO: Final = 1.5
"""Pictures; that many, as lengths are rounded."""

# "1:02:03.5", and what other programs write: "00:00:02,4", "2.4".
_LENGTH = re.compile(r"(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,9}(?:[.,]\d*)?)", re.ASCII)


# Named one by one: FFmpeg also follows playlists to other files, and draws plain text as a picture.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,"
    "asf,flv,ogg,mxf,dv,rm,nut,ivf,h264,hevc,obu"
)


def open_container(path: Path) -> InputContainer:
    """Open a file of this machine, and nothing that it, or its name, leads to.

    Args:
        path: of the file. Tags that are not UTF-8 are read with replacement characters.

    Raises:
        av.FFmpegError: it can't be opened, or is in none of the formats that stand on their own.
    """
    # "file:" because a name like a:b.mp4, or concat:other.mp4, would be taken for a protocol.
    return av.open(
        f"file:{path}",
        options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"},
        metadata_errors="replace",
    )


def choose_stream(streams: Iterable[VideoStream]) -> VideoStream | None:
    """Choose the picture that a container is about, as a player does.

    Covers and previews are none, and neither is what can't be decoded, where there is more. Of the rest it is
    the one that is marked as the default, or of several such, or of none, the largest; the first of equals.

    Args:
        streams: the video streams in their order.

    Returns:
        The stream; None where there is no moving picture. Its `codec_context` is None where nothing here
        decodes it.
    """
    pictures = [each for each in streams if not each.disposition & _STILL]
    readable = [each for each in pictures if each.codec_context is not None] or pictures
    moving = [each for each in readable if _moves(each)] or readable
    marked = [each for each in moving if each.disposition & Disposition.default] or moving
    return max(marked, key=_area_px, default=None)


def _moves(stream: VideoStream) -> bool:
    """Return whether a stream has more than one picture, as far as it tells."""
    length_s, rate_hz = _own_length_s(stream), stream.average_rate
    return stream.frames != 1 and not (length_s and rate_hz and length_s * rate_hz < _TWO)


def _area_px(stream: VideoStream) -> int:
    return 0 if stream.codec_context is None else stream.width * stream.height


def jumps(container: InputContainer) -> bool:
    """Return whether a container is one whose clock may be set anew within a file."""
    return container.format.name in _BROADCAST


def longest_gap_s(container: InputContainer) -> float:
    """Return by how much a container's clock goes on at most unless it was set anew, in seconds."""
    return BROADCAST_GAP_S if jumps(container) else FILM_GAP_S


def declared_duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Return the video's length in seconds as the file states it; None if it states none, or a wrong one."""
    length_s = _said_length_s(container, stream)
    return length_s if length_s is not None and 0 < length_s < _MOST_LENGTH_S else None


def _said_length_s(container: InputContainer, stream: VideoStream) -> float | None:
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        # FFmpeg shortens the duration of a cut AVI to what is left; its header still has the count.
        return float(stream.frames / stream.average_rate)
    if length_s := _own_length_s(stream):
        return length_s
    return container.duration / av.time_base - _late_s(stream) if container.duration else None


def played_length_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Return how long a film plays, by all of its packets, which are read but not decoded; None without any.

    It takes as long as reading the file. What FFmpeg says of MPEG's streams is the last time less the first,
    which means nothing where the clock was set anew.
    """
    times = FilmTimes(float(stream.average_rate or FALLBACK_RATE_HZ), longest_gap_s(container))
    try:
        for packet in container.demux(stream):
            if packet.dts is not None:
                length_s = float((packet.duration or 0) * packet.time_base)
                times.tell(float(packet.dts * packet.time_base), length_s)
    except av.FFmpegError:
        pass  # As far as it can be read.
    return times.end_s or None


def _own_length_s(stream: VideoStream) -> float | None:
    """Return a stream's own length, as Matroska's tag or its header has it."""
    if end_s := parse_length_s(stream.metadata.get("DURATION", "")):
        return end_s - _late_s(stream)
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None


def _late_s(stream: VideoStream) -> float:
    """Return how late the picture begins where lengths are counted from 0, as Matroska's are."""
    return start_s(stream) if "matroska" in stream.container.format.name else 0.0


def start_s(stream: VideoStream) -> float:
    """Return the time of a stream's first packet, which may be no whole picture; 0 where it isn't known."""
    return float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0


def parse_length_s(text: str) -> float | None:
    """Read a length in hours, minutes and seconds, or fewer of them; None where it is none that can be."""
    parts = _LENGTH.fullmatch(text.strip())
    if parts is None:
        return None
    hours, minutes, seconds = parts.groups(default="0")
    length_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    return length_s if length_s < _MOST_LENGTH_S else None


class FilmTimes:
    """Computes times for the frames of a film that rise with each one, also where its clock is set anew.

    That happens where two recordings were joined, a recorder lost its signal, or 33 bits ran over. From
    there, time goes on by the length of the frame before.

    Args:
        rate_hz: frames a second, for frames without time or length.
        gap_s: from one frame to the next the clock may go on by so much, beyond which it was set anew.
        first_s: the first frame's time by the film, where one begins later; None takes the first that comes.

    Attributes:
        end_s: when the last frame ends.
        jumps_s: times of the first frames after the clock was set anew.
    """

    def __init__(self, rate_hz: float, gap_s: float = FILM_GAP_S, first_s: float | None = None) -> None:
        self._gap_s = gap_s
        self._length_s = self._step_s = 1 / rate_hz
        self._offset_s = None if first_s is None else 0.0 - first_s
        self._last_s: float | None = None
        self.end_s = 0.0
        self.jumps_s: list[float] = []

    def tell(self, film_s: float | None, length_s: float | None = None) -> float:
        """Return the next frame's time in seconds from the first one.

        Args:
            film_s: its time by the film; None where it has none.
            length_s: how long it is shown by the film; None or 0 where it doesn't say.
        """
        time_s = self._told(film_s)
        if self._last_s is not None and time_s - self._last_s > _LEAST_STEP_S:
            self._step_s = time_s - self._last_s
        self._last_s = time_s
        self._length_s = length_s if length_s and length_s <= self._gap_s else self._step_s
        self.end_s = time_s + self._length_s
        return time_s

    def _told(self, film_s: float | None) -> float:
        last_s = self._last_s
        due_s = 0.0 if last_s is None else last_s + self._length_s
        if film_s is None:
            return due_s
        if self._offset_s is None:
            self._offset_s = due_s - film_s
            return due_s
        if last_s is None:
            return film_s + self._offset_s
        step_s = film_s + self._offset_s - last_s
        if -_STEP_BACK_S <= step_s <= self._gap_s:
            return max(film_s + self._offset_s, last_s + _LEAST_STEP_S)
        self._offset_s = due_s - film_s
        self.jumps_s.append(due_s)
        return due_s
