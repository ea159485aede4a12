"""Streams for tests of what is live: what they give is known, and nothing in them waits for real time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event

import numpy as np

from mien.signals.stream.types import Batch, Channel, Chunk, SignalStream
from mien.signals.types import Signal, Signals


class FakeStream:
    """Gives what it is fed: batches by `give`, a fault by `fail`; tells when it is closed."""

    def __init__(self, *channels: Channel) -> None:
        self.channels: Sequence[Channel] = channels
        self.closed = Event()
        self._todo: SimpleQueue[Batch | Exception] = SimpleQueue()

    def give(self, *batches: Batch) -> FakeStream:
        for each in batches:
            self._todo.put(each)
        return self

    def fail(self, error: Exception) -> FakeStream:
        self._todo.put(error)
        return self

    def read(self, timeout_s: float) -> Batch:
        try:
            what = self._todo.get(timeout=timeout_s)
        except Empty:
            return Batch()
        if isinstance(what, Exception):
            raise what
        return what

    def close(self) -> None:
        self.closed.set()


def opener(*what: SignalStream | Exception) -> Callable[[], SignalStream]:
    """Return what opens one stream after another; what is an exception is raised."""
    left = list(what)

    def opened() -> SignalStream:
        stream = left.pop(0)
        if isinstance(stream, Exception):
            raise stream
        return stream

    return opened


def channels_of(read: Signals, rate_hz: float | None = None) -> tuple[Channel, ...]:
    """Return the channels that would give a file's signals."""
    return tuple(
        Channel(
            each.name,
            each.kind,
            each.unit,
            (0.0 if each.kind == "intervals" else round(each.rate_hz or 0)) if rate_hz is None else rate_hz,
        )
        for each in read.signals
    )


def batches(
    read: Signals, ends_s: Sequence[float], late_s: dict[str, float] | None = None
) -> Iterator[Batch]:
    """Yield what came until each of some times; a channel may be late."""
    before = {each.name: 0 for each in read.signals}
    for end_s in ends_s:
        chunks = []
        for each in read.signals:
            upto = int(np.searchsorted(each.times_s, end_s - (late_s or {}).get(each.name, 0.0)))
            if upto > before[each.name]:
                chunks.append(_chunk(each, before[each.name], upto))
                before[each.name] = upto
        yield Batch(tuple(chunks))


def _chunk(signal: Signal, first: int, last: int) -> Chunk:
    return Chunk(signal.name, signal.times_s[first:last], signal.values[first:last])
