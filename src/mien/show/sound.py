"""Carries the sound of one file over to another, as far as its picture has come."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from fractions import Fraction
from pathlib import Path
from typing import Final, Protocol

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition
from numpy.typing import NDArray

from mien.film import FilmTimes, choose_stream, longest_gap_s, open_container

COPIED: Final = frozenset({"aac", "mp3"})
"""Codecs that browsers play in MP4: their packets are taken as they are. Others become AAC."""

_PACKET_S: Final = 1024 / 48_000
"""How long a packet is heard that doesn't say so: AAC's."""

_AAC_RATES_HZ: Final = frozenset({8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000})


class Heard(Protocol):
    """Sound on its way into a container."""

    def until(self, time_s: float) -> None:
        """Write what is heard before a time of the container, in seconds."""

    def close(self) -> None:
        """Let the source go."""


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
        stream = _heard_stream(source)
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


class SoundPieces:
    """Pieces of a file's sound on their way into a container, one after another; made by `open_sound`.

    Each is as long as it is said to be, whatever the file has there, so that picture and sound stay together.
    The edges are faded over 10 ms, as a cut wave clicks.

    Args:
        path: where the sound comes from.
        stream: the one that is heard; read for its rate and channels only.
        container: where it goes; nothing has been written to it yet.
        spans: start and end of each piece, in seconds from the first picture, in their order and apart.
    """

    def __init__(
        self,
        path: Path,
        stream: AudioStream,
        container: OutputContainer,
        spans: Sequence[tuple[float, float]],
    ) -> None:
        self._container, self._target = container, _aac_stream(stream, container)
        self._rate_hz, self._layout = self._target.rate, self._target.layout.name
        self._samples = sound_of(path, self._rate_hz, self._layout)
        self._pieces = self._cut(spans)
        self._written = 0

    def until(self, time_s: float) -> None:
        """Write the pieces that begin before a time.

        Args:
            time_s: seconds from the start of the first piece, as if they were one film.
        """
        while self._written < time_s * self._rate_hz:
            piece = next(self._pieces, None)
            if piece is None:
                self._mux(None)
                self._written = 1 << 62
                return
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=self._layout)
            frame.sample_rate, frame.time_base = self._rate_hz, Fraction(1, self._rate_hz)
            frame.pts = self._written
            self._written += piece.shape[1]
            self._mux(frame)

    def close(self) -> None:
        """Let the source go."""
        self._samples.close()

    def _mux(self, frame: av.AudioFrame | None) -> None:
        for packet in self._target.encode(frame):
            self._container.mux(packet)

    def _cut(self, spans: Sequence[tuple[float, float]]) -> Iterator[Samples]:
        """Yield the pieces; their ends are rounded so that no error adds up over many."""
        channels, ended_s, ended = self._target.channels, 0.0, 0
        held: tuple[int, Samples] | None = None
        for start_s, end_s in spans:
            ended_s += end_s - start_s
            length = round(ended_s * self._rate_hz) - ended
            ended += length
            first = round(start_s * self._rate_hz)
            piece = np.zeros((channels, length), np.float32)
            while held is not None or (held := self._next()) is not None:
                at, samples = held
                low, high = max(first, at), min(first + length, at + samples.shape[1])
                if low < high:
                    piece[:, low - first : high - first] = samples[:, low - at : high - at]
                if at + samples.shape[1] > first + length:
                    break
                held = None
            yield _faded(piece, round(_FADE_S * self._rate_hz))

    def _next(self) -> tuple[int, Samples] | None:
        told = next(self._samples, None)
        return None if told is None else (round(told[0] * self._rate_hz), told[1])


Samples = NDArray[np.float32]
"""Sound: (channels, samples), -1 to 1."""

_FADE_S: Final = 0.01
_GAP_S: Final = 0.05
"""By less than this, times are rounded; samples follow on each other without a hole."""


def _faded(piece: Samples, length: int) -> Samples:
    length = min(length, piece.shape[1] // 2)
    ramp = np.linspace(0, 1, length, dtype=np.float32)
    piece[:, :length] *= ramp
    piece[:, piece.shape[1] - length :] *= ramp[::-1]
    return piece


def sound_of(path: Path, rate_hz: int, layout: str) -> Generator[tuple[float, Samples]]:
    """Decode a file's sound: of several streams the one that is marked as the default, else the first.

    Args:
        path: a file that may have sound.
        rate_hz: samples a second that are wanted.
        layout: "mono" or "stereo".

    Yields:
        Seconds from the file's first picture, which may be below 0, and the samples from there on. Nothing
        where there is no sound that can be read; what is damaged ends it.
    """
    source = _with_sound(path)
    if source is None:
        return
    start_s, times = _first_picture_s(path), FilmTimes(1 / _PACKET_S, longest_gap_s(source))
    first_s: float | None = None
    due_s: float | None = None
    resampler = AudioResampler("fltp", layout, rate_hz)
    with closing(source), suppress(av.FFmpegError):
        for frame in source.decode(_heard_stream(source)):
            if frame.pts is None or frame.time_base is None:
                continue
            at_s, length_s = float(frame.pts * frame.time_base), frame.samples / frame.sample_rate
            first_s = at_s - start_s if first_s is None else first_s
            told_s = first_s + times.tell(at_s, length_s)
            frame.pts = None  # the resampler would fill gaps, whose place is known here
            if due_s is None or abs(told_s - due_s) > _GAP_S:
                due_s = told_s
            for each in resampler.resample(frame):
                yield due_s, np.asarray(each.to_ndarray(), np.float32)
                due_s += each.samples / rate_hz


def _with_sound(path: Path) -> InputContainer | None:
    """Open a file; None where there is no sound that can be read."""
    try:
        source = open_container(path)
    except (av.FFmpegError, OSError):
        return None
    if not source.streams.audio or _heard_stream(source).codec_context is None:
        source.close()
        return None
    return source


def _heard_stream(source: InputContainer) -> AudioStream:
    streams = source.streams.audio
    return next((each for each in streams if each.disposition & Disposition.default), streams[0])


def open_sound(
    path: Path, container: OutputContainer, spans: Sequence[tuple[float, float]] | None = None
) -> Heard | None:
    """Start to carry a file's sound over.

    Args:
        path: a file that may have sound.
        container: nothing has been written to it yet; it gets one more stream.
        spans: only these pieces of it, one after another; see `SoundPieces`. None carries all of it.

    Returns:
        The sound, to be closed by the caller; None where there is none, or none that can be read.
    """
    source = _with_sound(path)
    if source is None:
        return None
    if spans is not None:
        with closing(source):
            return SoundPieces(path, _heard_stream(source), container, spans)
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
