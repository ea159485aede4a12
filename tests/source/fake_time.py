"""A clock that moves only when somebody waits."""

from __future__ import annotations

from threading import Event


class FakeTime:
    """Pass `clock` and `wait` to what waits; `waited_s` is what it waited for."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waited_s: list[float] = []

    def clock(self) -> float:
        return self.now_s

    def wait(self, event: Event, seconds: float) -> bool:
        self.waited_s.append(seconds)
        self.now_s += seconds
        return event.is_set()
