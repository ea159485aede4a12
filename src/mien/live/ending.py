"""How a program that runs until it is ended hears that it is to end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread


@contextmanager
def told_to_end() -> Iterator[Event]:
    """Return an event that Ctrl-C, or the system's request to end, sets inside the block."""
    told = Event()
    if current_thread() is not main_thread():  # signals come to the main thread alone
        yield told
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: told.set()) for number in numbers]
    try:
        yield told
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
