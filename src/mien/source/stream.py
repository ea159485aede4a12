"""Network cameras and streams: the newest frame wins, and a lost connection is made again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import partial
from itertools import chain, repeat
from threading import Event
from typing import Final

from av.video.frame import VideoFrame

from mien.errors import SourceError
from mien.source.address import check_stream, without_secrets
from mien.source.base import Chooser, SourceReport
from mien.source.connection import AvConnection, Connection, ConnectionLost
from mien.source.newest import Newest
from mien.source.picture import Converter, shown_size
from mien.source.times import Times
from mien.types import Frame

__all__ = ["PAUSES_S", "StreamSource", "without_secrets"]

PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before each attempt to connect again; the last one stays."""

# How long `close` waits for a stream that is stuck; it lets go by itself when its patience ends.
_JOIN_S = 1.0


class StreamSource:
    """A stream over the network, read in a thread of its own from the moment this is made.

    The first connection is made at once. One that is lost later is made again, after growing pauses, until
    the source is closed; `report.away_s` tells how long it has been gone, and `report.note` why. A file on a
    server plays at its own speed and ends. Pixels are made square, and all pictures have the first one's
    size; see `Converter`.

    Args:
        address: rtsp://, rtsps://, http:// or https://. HTTP may give MJPEG, HLS, MPEG-TS, MP4...; a name and
            password may stand before the host, and are shown nowhere. Certificates are not checked, as few
            cameras have a real one.
        every: consider each n-th frame.
        fps: consider at most this many frames a second of the stream's time.
        name: what `Frame.source` says; the address without its secrets when None.
        patience_s: a stream that gives nothing for this long counts as lost; also the time for an answer.
        pauses_s: see `PAUSES_S`.
        connect: makes a connection from address and patience.
        clock: gives seconds that never run backwards.
        wait: waits for an event for so many seconds; True if it was set.

    Raises:
        SourceError: the address is none, nobody answers there, or not with a video.
        ConfigError: `every` or `fps` is out of range.

    Example:
        >>> with closing(StreamSource("rtsp://viewer:secret@192.168.1.20/live")) as source:  # doctest: +SKIP
        ...     for frame in source.frames():
        ...         print(frame.time_s, source.report.frames_dropped)
    """

    live = True

    def __init__(
        self,
        address: str,
        *,
        every: int = 1,
        fps: float | None = None,
        name: str | None = None,
        patience_s: float = 5.0,
        pauses_s: Sequence[float] = PAUSES_S,
        connect: Callable[[str, float], Connection] = AvConnection,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[Event, float], bool] = Event.wait,
    ) -> None:
        check_stream(address)
        self.name = name or without_secrets(address)
        self._report = SourceReport()
        self._newest: Newest[tuple[VideoFrame, Fraction]] = Newest(self._report, Chooser(every, fps))
        self._shown = without_secrets(address)
        self._connect = partial(connect, address, patience_s)
        self._pauses_s = pauses_s
        self._clock = clock
        self._wait = wait
        self._times = Times(clock)
        self._converter = Converter()
        self._lost_s: float | None = None
        self._reconnections = 0
        first = self._connect()
        self._seen_s = clock()
        self._thread = self._newest.feed(lambda: self._read(first), self.name)

    @property
    def report(self) -> SourceReport:
        """What was read, given and dropped so far, and how long the stream has been away."""
        lost_s = self._lost_s
        self._report.away_s = None if lost_s is None else self._clock() - lost_s
        return self._report

    def frames(self) -> Iterator[Frame]:
        """Yield the newest frame each time; waits while the stream is away, until it ends or is closed."""
        while (taken := self._newest.take()) is not None:
            yield Frame(self._converter.convert(*taken.picture), taken.index, taken.time_s, self.name)
        if self._newest.failure is not None:
            raise SourceError(
                f"{self.name}: reading was interrupted; start it again"
            ) from self._newest.failure

    def close(self) -> None:
        """Stop the thread, which hangs up; waits one second at most."""
        self._newest.close(_JOIN_S)

    def _read(self, connection: Connection | None) -> None:
        pauses_s = self._pauses()
        while connection is not None:
            frames_before = self._report.frames_read
            try:
                self._play(connection)
                return
            except ConnectionLost as lost:
                self._lose(str(lost))
            finally:
                connection.close()
            if self._report.frames_read > frames_before:
                pauses_s = self._pauses()
            connection = self._reconnect(pauses_s)

    def _play(self, connection: Connection) -> None:
        self._times.connect()
        for decoded in connection.frames():
            stream_s = decoded.time if connection.has_times else None
            ahead_s = self._times.ahead_s(stream_s) if connection.hurries else 0.0
            if self._newest.closed.is_set() or (ahead_s > 0 and self._wait(self._newest.closed, ahead_s)):
                return
            self._arrive()
            pixel_shape = connection.pixel_shape
            size_wh = self._converter.size_wh = self._converter.size_wh or shown_size(decoded, pixel_shape)
            self._newest.offer((decoded, pixel_shape), self._times.tell(stream_s), size_wh)

    def _arrive(self) -> None:
        self._seen_s = self._clock()
        if self._lost_s is not None:
            self._lost_s = None
            self._reconnections += 1
            self._report.note = f"connected again: {self._reconnections}"

    def _lose(self, reason: str) -> None:
        self._lost_s = self._seen_s if self._lost_s is None else self._lost_s
        self._report.note = reason

    def _pauses(self) -> Iterator[float]:
        return chain(self._pauses_s, repeat(self._pauses_s[-1]))

    def _reconnect(self, pauses_s: Iterator[float]) -> Connection | None:
        for pause_s in pauses_s:
            if self._wait(self._newest.closed, pause_s):
                break
            try:
                return self._connect()
            except SourceError as error:
                self._lose(str(error).removeprefix(f"{self._shown}: "))
        return None
