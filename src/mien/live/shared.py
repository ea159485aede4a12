"""One network for many threads: those that wait are answered together.

Whoever gets the network runs it for all who are waiting (flat combining: Hendler, Incze, Shavit, Tzafrir
2010), so that the faces of several sources go through in one batch, without a thread in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.expression.network import Answers, Network
from mien.expression.sidecar import Sidecar


@dataclass(slots=True, eq=False)
class _Request:
    crops: NDArray[np.uint8]
    result: Answers | Exception | None = None


class SharedNetwork:
    """A network that any number of threads may use at the same time.

    Args:
        network: answers; used by one thread at a time.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._adding = Lock()
        self._running = Lock()
        self._waiting: list[_Request] = []

    @property
    def sidecar(self) -> Sidecar:
        """The facts about the network."""
        return self._network.sidecar

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        """Read grey crops, uint8 (n, size, size); n may be 0.

        Raises:
            Exception: what the network raised about the batch that these crops were in.
        """
        request = _Request(crops)
        with self._adding:
            self._waiting.append(request)
        with self._running:
            if request.result is None:
                self._run_all()
        if not isinstance(request.result, Answers):
            raise request.result or RuntimeError("not answered")
        return request.result

    def close(self) -> None:
        """Give the network's memory back."""
        self._network.close()

    def _run_all(self) -> None:
        with self._adding:
            requests, self._waiting = self._waiting, []
        try:
            results = self._answered([request.crops for request in requests])
        except Exception as error:  # each of the waiting threads raises it for itself
            results = [error] * len(requests)
        for request, result in zip(requests, results, strict=True):
            request.result = result

    def _answered(self, parts: Sequence[NDArray[np.uint8]]) -> Sequence[Answers | Exception]:
        if len(parts) == 1:
            return [self._network.answer(parts[0])]
        answers = self._network.answer(np.concatenate(parts))
        ends = np.cumsum([len(part) for part in parts]).tolist()
        return [_part(answers, end - len(part), end) for part, end in zip(parts, ends, strict=True)]


def _part(answers: Answers, start: int, end: int) -> Answers:
    whole = [getattr(answers, field.name) for field in fields(answers)]
    cut: list[Any] = [None if array is None else array[start:end] for array in whole]
    return Answers(*cut)
