"""A camera that gives a picture whenever a test says so."""

from __future__ import annotations

from collections.abc import Iterable
from queue import SimpleQueue
from threading import Condition

import numpy as np
from numpy.typing import NDArray


class FakeCamera:
    """Pictures to come, each a grey level (0-255), None for a miss, or an exception to raise.

    Args:
        script: what comes at once; more comes with `show`.
        endless: once the script is over, wait for more; else only misses are left.
        limits: what it gives of a property at most, whatever is asked for.
    """

    def __init__(
        self,
        script: Iterable[int | Exception | None] = (),
        *,
        present: bool = True,
        endless: bool = True,
        limits: dict[int, float] | None = None,
    ) -> None:
        self.present = present
        self.properties: dict[int, float] = {}
        self.device: int | str | None = None
        self._limits = limits or {}
        self.released = 0
        self._endless = endless
        self._coming: SimpleQueue[int | Exception | None] = SimpleQueue()
        self._asked = 0
        self._change = Condition()
        self.show(*script)

    def __call__(self, device: int | str) -> FakeCamera:
        self.device = device
        return self

    def show(self, *script: int | Exception | None) -> None:
        for what in script:
            self._coming.put(what)

    def wait_until_asked(self, times: int) -> None:
        """Wait until `read` was called so often: what came before has been dealt with."""
        with self._change:
            assert self._change.wait_for(lambda: self._asked >= times, 5)

    def isOpened(self) -> bool:
        return self.present

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        with self._change:
            self._asked += 1
            self._change.notify_all()
        if not self._endless and self._coming.empty():
            return False, None
        what = self._coming.get()
        if isinstance(what, Exception):
            raise what
        return (False, None) if what is None else (True, np.full((48, 64, 3), (what, 0, 255), np.uint8))

    def release(self) -> None:
        self.released += 1

    def set(self, prop: int, value: float) -> bool:
        self.properties[prop] = min(value, self._limits.get(prop, value))
        return True

    def get(self, prop: int) -> float:
        return self.properties.get(prop, 0.0)
