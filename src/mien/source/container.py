"""What a video file says about itself: its streams, and its length."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mien.errors import SourceError
from mien.source.base import check_file
from mien.source.times import BROADCAST_GAP_S, FILM_GAP_S

# Named one by one: FFmpeg also follows playlists to other files, and draws plain text as a picture.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,"
    "asf,flv,ogg,mxf,dv,rm,nut,ivf,h264,hevc,obu"
)

_BROADCAST: Final = frozenset({"mpegts", "mpeg"})
"""Formats whose clock may be set anew within a file."""

_STILL: Final = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
"""What a stream says of itself that is a cover, or pictures for a slider."""

_TWO: Final = 1.5
"""Pictures; that many, as lengths are rounded."""

# "1:02:03.5", and what other programs write: "00:00:02,4", "2.4".
_LENGTH = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d*)?)", re.ASCII)


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a video file and pick its moving picture; the cover of a song is none.

    Args:
        path: a file in any of the usual containers, whatever its suffix.

    Raises:
        SourceError: the file is missing, empty, no video, sound only, or in an unknown codec.
    """
    check_file(path)
    try:
        # "file:" because a name like a:b.mp4 would be taken for a protocol. Tags may be in any encoding.
        container = av.open(f"file:{path}", options={"format_whitelist": _FORMATS}, metadata_errors="replace")
    except av.FFmpegError as error:
        raise SourceError(
            f"{path}: expected a video (MP4, MOV, MKV, WebM, AVI...), received something else, or a file "
            f"whose index is missing because it was cut off; record or export it again"
        ) from error
    moving = choose_stream(container.streams.video)
    if moving is None:
        container.close()
        raise SourceError(f"{path}: expected a moving picture, received a file without one (sound only?)")
    if moving.codec_context is None:
        container.close()
        raise SourceError(f"{path}: the video's codec is unknown here; export it as H.264")
    return container, moving


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
    """Say whether a stream has more than one picture, as far as it tells."""
    length_s, rate_hz = _own_length_s(stream), stream.average_rate
    return stream.frames != 1 and not (length_s and rate_hz and length_s * rate_hz < _TWO)


def _area_px(stream: VideoStream) -> int:
    return 0 if stream.codec_context is None else stream.width * stream.height


def longest_gap_s(container: InputContainer) -> float:
    """Give by how much a container's clock goes on at most unless it was set anew, in seconds."""
    return BROADCAST_GAP_S if container.format.name in _BROADCAST else FILM_GAP_S


def declared_duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    """Give the moving picture's length in seconds by the file's own word; None when it has none."""
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        # FFmpeg shortens the duration of a cut AVI to what is left; its header still has the count.
        return float(stream.frames / stream.average_rate)
    if length_s := _own_length_s(stream):
        return length_s
    return container.duration / av.time_base - _late_s(stream) if container.duration else None


def _own_length_s(stream: VideoStream) -> float | None:
    """Give a stream's own length, as Matroska's tag or its header has it."""
    if end_s := parse_length_s(stream.metadata.get("DURATION", "")):
        return end_s - _late_s(stream)
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None


def _late_s(stream: VideoStream) -> float:
    """Give how late the picture begins where lengths are counted from 0, as Matroska's are."""
    return start_s(stream) if "matroska" in stream.container.format.name else 0.0


def start_s(stream: VideoStream) -> float:
    """Give the time of a stream's first packet, which may be no whole picture; 0 where it isn't known."""
    return float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0


def parse_length_s(text: str) -> float | None:
    """Read a length in hours, minutes and seconds, or fewer of them; None where it is none."""
    parts = _LENGTH.fullmatch(text.strip())
    if parts is None:
        return None
    hours, minutes, seconds = parts.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
