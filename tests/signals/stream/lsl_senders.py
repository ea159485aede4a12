"""Senders of Lab Streaming Layer for tests, on this machine alone (`tests/lsl_api.cfg`)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import numpy as np
import pylsl

from mien.signals.stream.types import Chunk, SignalStream
from mien.signals.types import Mark
from patience import LIMIT_S


def unique(name: str) -> str:
    """Return a name that no other test's stream has."""
    return f"{name}-{uuid4().hex[:8]}"


@contextmanager
def outlet(
    name: str,
    kind: str = "EEG",
    labels: Sequence[str] = ("Fz",),
    rate_hz: float = 250.0,
    channel_format: str = "float32",
    units: Sequence[str] = (),
    source_id: str = "",
) -> Iterator[Any]:
    """Send a stream while the block runs."""
    info = pylsl.StreamInfo(name, kind, len(labels), rate_hz, channel_format, source_id or unique("id"))
    info.set_channel_labels(list(labels))
    if units:
        info.set_channel_units(list(units))
    # Whoever holds it last ends it.
    sender = [pylsl.StreamOutlet(info)]
    try:
        yield sender[0]
    finally:
        sender.clear()


def wait_for_consumer(sender: Any) -> None:
    """Wait until somebody listens, so that nothing that is sent is lost."""
    assert sender.wait_for_consumers(LIMIT_S)


class Collected:
    """All that a stream gave until there was enough."""

    def __init__(self) -> None:
        self.chunks: dict[str, list[Chunk]] = defaultdict(list)
        self.marks: list[Mark] = []
        self.notes: list[str] = []

    def read(self, stream: SignalStream, channel: str = "", samples: int = 0, marks: int = 0) -> Collected:
        """Read on until there are so many samples of a channel, and so many marks."""
        end_s = time.monotonic() + LIMIT_S
        while len(self.values(channel)) < samples or len(self.marks) < marks:
            assert time.monotonic() < end_s
            batch = stream.read(1.0)
            self.marks += batch.marks
            self.notes += batch.notes
            for each in batch.chunks:
                self.chunks[each.channel].append(each)
        return self

    def values(self, channel: str) -> Any:
        found = self.chunks.get(channel)
        return np.concatenate([each.values for each in found]) if found else np.zeros(0)

    def times(self, channel: str) -> Any:
        return np.concatenate([each.times_s for each in self.chunks[channel]])
