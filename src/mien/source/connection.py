"""One connection to a stream through PyAV: how it is opened, what it gives, and why it breaks off."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

import av
import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame

from mien.errors import SourceError
from mien.film import choose_stream, jumps, start_s
from mien.source.address import without_secrets
from mien.source.picture import PixelShape

# RTP through the same connection as RTSP: it passes firewalls and loses nothing. Sound is not even asked for,
# and the rate of frames is not waited for, which takes a second.
_RTSP: Final = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "fflags": "nobuffer",
    "fpsprobesize": "0",
    "protocol_whitelist": "rtsp,rtsps,rtp,tcp,tls,crypto",
    "format_whitelist": "rtsp,sdp,rtp",
}

# Named one by one, as a playlist could else lead to this machine's files.
_HTTP: Final = {
    "protocol_whitelist": "http,https,tcp,tls,crypto",
    "format_whitelist": (
        "mpjpeg,mjpeg,hls,mpegts,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,asf,ogg,aac,mp3,h264,hevc"
    ),
}

# These have no times of their own; FFmpeg makes them up from a rate that it guesses.
_TIMELESS: Final = frozenset({"mpjpeg", "mjpeg", "h264", "hevc"})

# A file of HLS holds up to ten seconds, and nothing comes between two.
_HLS_PATIENCE_S = 30.0

# A stream that breaks off this near to its end has reached it.
_END_S = 1.0

Answer = TypeVar("Answer")


class ConnectionLost(Exception):  # noqa: N818
    """A connection broke off; the text says why, in a few words and without secrets."""


class Connection(Protocol):
    """One connection; a test brings its own.

    Attributes:
        has_times: the frames have times of their own.
        hurries: the frames come faster than they should be shown, as from a file.
    """

    has_times: bool
    hurries: bool

    @property
    def pixel_shape(self) -> Fraction:
        """Width by height of the pixels of the frame that was given last."""
        ...

    def frames(self) -> Iterator[VideoFrame]:
        """Yield the frames; ends where the stream itself ends.

        Raises:
            ConnectionLost: it broke off.
        """
        ...

    def close(self) -> None:
        """Hang up; by the thread that reads the frames, or after it."""
        ...


class AvConnection:
    """A connection through FFmpeg.

    Args:
        address: rtsp://, rtsps://, http:// or https://; a name and password may stand before the host.
        patience_s: how long to wait for an answer, and for the next piece of picture.

    Raises:
        SourceError: nobody answers, or not with a video.
    """

    def __init__(self, address: str, patience_s: float) -> None:
        self._container = _open(address, patience_s)
        moving = choose_stream(self._container.streams.video)
        if moving is None or moving.codec_context is None:
            self.close()
            raise SourceError(
                f"{without_secrets(address)}: expected a moving picture, received a stream without one"
            )
        # Not by whole frames: each core would hold one back.
        moving.thread_type = "SLICE"
        self._stream = moving
        self._pixels = PixelShape(moving)
        self.has_times = self._container.format.name not in _TIMELESS
        self.hurries = self.has_times and self._container.format.name != "rtsp"

    @property
    def pixel_shape(self) -> Fraction:
        """Width by height of the pixels of the frame that was given last."""
        return self._pixels.now()

    def frames(self) -> Iterator[VideoFrame]:
        """Yield the frames that are whole."""
        end_s = self._container.duration / av.time_base if self._container.duration else None
        time_s = 0.0
        packets = self._container.demux(self._stream)
        while (packet := _guarded(lambda: next(packets, None))) is not None:
            # A damaged picture is left out; the next key frame mends it.
            with suppress(av.error.FFmpegError):
                for frame in self._stream.codec_context.decode(packet):
                    time_s = time_s if frame.time is None else frame.time
                    if not frame.is_corrupt:
                        yield frame
        if jumps(self._container):
            # Their times tell nothing, but of a file of known size FFmpeg says when a part is missing.
            ended = self._container.size > 0
        else:
            ended = end_s is not None and time_s - start_s(self._stream) >= end_s - _END_S
        if not ended:
            raise ConnectionLost("the other side closed the connection")

    def close(self) -> None:
        """Hang up."""
        self._container.close()


def _open(address: str, patience_s: float) -> InputContainer:
    options = _RTSP if address.lower().startswith("rtsp") else _HTTP
    reading_s = max(patience_s, _HLS_PATIENCE_S) if _is_playlist(address) else patience_s
    try:
        return _guarded(
            lambda: av.open(
                address, options=options, timeout=(patience_s, reading_s), metadata_errors="replace"
            )
        )
    except ConnectionLost as error:
        reason = str(error)
    # Raised out here, as the library's own error holds the whole address.
    raise SourceError(
        f"{without_secrets(address)}: {reason}; check the address, the network, and that the camera is on"
    )


def _guarded(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except av.error.FFmpegError as error:
        reason = _reason(error)
    raise ConnectionLost(reason)


def _reason(error: av.error.FFmpegError) -> str:
    match error:
        case av.error.ExitError() | av.error.TimeoutError():
            return "no answer in time"
        case av.error.InvalidDataError():
            return "no answer, or none with a video"
        case av.error.HTTPUnauthorizedError():
            return "name or password missing or wrong, as in rtsp://name:password@host"
        case av.error.OSError(errno=errno.EIO):
            return "no host of that name, or the connection was lost"
        case _:
            return error.strerror or type(error).__name__


def _is_playlist(address: str) -> bool:
    return urlsplit(address).path.lower().endswith(".m3u8")
