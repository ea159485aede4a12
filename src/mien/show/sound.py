"""Carries the sound of one file over to another, as far as its picture has come."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from mien.film import FilmTimes, choose_stream, longest_gap_s, open_container

COPIED: Final = frozenset({"aac", "mp3"})
"""Codecs that browsers play in MP4: their packets are taken as they are. Others become AAC."""

_PACKET_S: Final = 1024 / 48_000
"""How long a packet is heard that doesn't say so: AAC's."""

_AAC_RATES_HZ: Final = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})


class Sound:
    """The sound of a source on its way into a container; made by `open_sound`.

    Args:
        source: where it comes from; closed with this.
        container: where it goes; nothing has been written to it yet.
        start_s: the time in the source from which times are counted. Where the source's clock is set anew,
            they go on as the picture's do; see `film.FilmTimes`.
    """

    def __init__(self, source: InputContainer, container: OutputContainer, start_s: float) -> None:
        self._source, self._container = source, container
        stream = source.streams.audio[0]
        self._start_s, self._first_s = start_s, 0.0
        self._times: FilmTimes | None = None
        if stream.codec_context.codec.canonical_name in COPIED:
            self._packets = self._copied(stream, container.add_stream_from_template(stream))
        else:
            self._packets = self._encoded(stream, _aac_stream(stream, container))
        self._next = self._take()

    def until(self, time_s: float) -> None:
        """Write what is heard before a time.

        Args:
            time_s: seconds from the source's first picture.
        """
        while self._next is not None and (self._next.pts or 0) * self._next.time_base < time_s:
            self._container.mux(self._next)
            self._next = self._take()

    def close(self) -> None:
        """Let the source go."""
        self._source.close()

    def _take(self) -> Packet[AudioStream] | None:
        try:
            return next(self._packets, None)
        except av.FFmpegError:
            return None  # A damaged file is heard as far as it can be read, as it is seen.

    def _copied(self, stream: AudioStream, target: AudioStream) -> Iterator[Packet[AudioStream]]:
        for packet in self._source.demux(stream):
            if packet.pts is not None:
                packet.pts = packet.dts = self._told(packet.pts, packet.duration, packet.time_base)
                packet.stream = target
                yield packet

    def _encoded(self, stream: AudioStream, target: AudioStream) -> Iterator[Packet[AudioStream]]:
        for frame in self._source.decode(stream):
            if frame.pts is not None and frame.time_base is not None:
                frame.pts = self._told(frame.pts, frame.duration, frame.time_base)
                yield from target.encode(frame)
        yield from target.encode(None)

    def _told(self, pts: int, duration: int | None, time_base: Fraction) -> int:
        """Return a time from the first picture, in ticks, for one in the source."""
        if self._times is None:
            self._times = FilmTimes(1 / _PACKET_S, longest_gap_s(self._source))
            self._first_s = float(pts * time_base) - self._start_s
        time_s = self._times.tell(float(pts * time_base), float((duration or 0) * time_base))
        return round((self._first_s + time_s) / time_base)


def open_sound(path: Path, container: OutputContainer) -> Sound | None:
    """Start to carry a file's sound over.

    Args:
        path: a file that may have sound.
        container: nothing has been written to it yet; it gets one more stream.

    Returns:
        The sound, to be closed by the caller; None where there is none, or none that can be read.
    """
    try:
        source = open_container(path)
    except (av.FFmpegError, OSError):
        return None
    if not source.streams.audio or source.streams.audio[0].codec_context is None:
        source.close()
        return None
    return Sound(source, container, _first_picture_s(path))


def _first_picture_s(path: Path) -> float:
    # A stream that was cut starts with pictures that can't be decoded: the first one seen comes later.
    try:
        with open_container(path) as source:
            moving = choose_stream(source.streams.video)
            pictures = iter(()) if moving is None else source.decode(moving)
            return next((frame.time or 0.0 for frame in pictures if not frame.is_corrupt), 0.0)
    except av.FFmpegError:
        return 0.0


def _aac_stream(stream: AudioStream, container: OutputContainer) -> AudioStream:
    rate_hz = stream.rate if stream.rate in _AAC_RATES_HZ else 48_000
    target = container.add_stream("aac", rate=rate_hz)
    target.layout = "mono" if stream.channels == 1 else "stereo"
    target.bit_rate = 64_000 * target.channels
    return target
