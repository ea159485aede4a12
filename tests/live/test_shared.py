from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from threading import Barrier, Event, Thread

import numpy as np
import pytest
from numpy.typing import NDArray

from landmark_network import save_landmark_network
from live.session_fakes import LIMIT_S
from mien.expression.network import Answers, load_network
from mien.expression.sidecar import Sidecar, read_sidecar, sidecar_path
from mien.live.session import SharedNetwork
from tiny_network import SIDE_PX


class SlowNetwork:
    """Answers with the sum of each crop; waits in each run until it may go on. A 255 is a fault."""

    def __init__(self, sidecar: Sidecar) -> None:
        self.sidecar = sidecar
        self.started, self.go_on = Event(), Event()
        self.batches: list[int] = []

    def answer(self, crops: NDArray[np.uint8]) -> Answers:
        self.batches.append(len(crops))
        self.started.set()
        assert self.go_on.wait(LIMIT_S)
        if (crops == 255).any():
            raise ValueError("too bright")
        return Answers(crops.sum(axis=(1, 2))[:, None].astype(np.float32))

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def slow(tiny_network: Path) -> Iterator[SlowNetwork]:
    network = SlowNetwork(read_sidecar(sidecar_path(tiny_network)))
    yield network
    network.go_on.set()


class Caller:
    """Asks in a thread of its own."""

    def __init__(self, ask: Callable[[], Answers]) -> None:
        self.answers: Answers | None = None
        self.error: Exception | None = None
        self.thread = Thread(target=self._ask, args=(ask,), daemon=True)
        self.thread.start()

    def _ask(self, ask: Callable[[], Answers]) -> None:
        try:
            self.answers = ask()
        except Exception as error:
            self.error = error

    def logits(self) -> list[float]:
        self.thread.join(LIMIT_S)
        assert self.answers is not None
        return self.answers.logits[:, 0].tolist()


def crops(*values: int) -> NDArray[np.uint8]:
    return np.array(values, np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)


def wait_until_waiting(shared: SharedNetwork, count: int) -> None:
    """Wait until so many requests are in the queue, which no event tells."""
    paused = Event()
    for _ in range(int(LIMIT_S / 0.005)):
        if len(shared._waiting) == count:
            return
        paused.wait(0.005)
    raise AssertionError(f"expected {count} requests, received {len(shared._waiting)}")


def test_those_that_wait_are_answered_in_one_batch(slow: SlowNetwork) -> None:
    shared = SharedNetwork(slow)
    first = Caller(lambda: shared.answer(crops(1)))
    assert slow.started.wait(LIMIT_S)
    others = [Caller(lambda given=given: shared.answer(given)) for given in (crops(2, 3), crops(), crops(4))]
    wait_until_waiting(shared, 3)
    slow.go_on.set()
    assert first.logits() == [4]
    assert [other.logits() for other in others] == [[8, 12], [], [16]]
    assert slow.batches == [1, 3]


def test_a_fault_reaches_those_of_its_batch_only(slow: SlowNetwork) -> None:
    shared = SharedNetwork(slow)
    first = Caller(lambda: shared.answer(crops(1)))
    assert slow.started.wait(LIMIT_S)
    others = [Caller(lambda given=given: shared.answer(given)) for given in (crops(2), crops(255))]
    wait_until_waiting(shared, 2)
    slow.go_on.set()
    assert first.logits() == [4]
    for other in others:
        other.thread.join(LIMIT_S)
        assert str(other.error) == "too bright"
    assert shared.answer(crops(5)).logits.tolist() == [[20]]


def test_crops_of_different_sizes_are_a_fault_and_not_a_wait_for_ever(slow: SlowNetwork) -> None:
    shared = SharedNetwork(slow)
    first = Caller(lambda: shared.answer(crops(1)))
    assert slow.started.wait(LIMIT_S)
    odd = Caller(lambda: shared.answer(np.zeros((1, 3, 3), np.uint8)))
    wait_until_waiting(shared, 1)
    even = Caller(lambda: shared.answer(crops(2)))
    wait_until_waiting(shared, 2)
    slow.go_on.set()
    for caller in (first, odd, even):
        caller.thread.join(LIMIT_S)
    assert first.error is None
    assert isinstance(odd.error, ValueError)
    assert isinstance(even.error, ValueError)


@pytest.mark.parametrize("kind", ["tiny", "landmarks"])
def test_many_threads_get_what_the_plain_network_says(kind: str, tiny_network: Path, tmp_path: Path) -> None:
    network = load_network(tiny_network if kind == "tiny" else save_landmark_network(tmp_path))
    shared, barrier = SharedNetwork(network), Barrier(6)
    rng = np.random.default_rng(3)
    asked = [
        [rng.integers(0, 256, (int(n), SIDE_PX, SIDE_PX), dtype=np.uint8) for n in rng.integers(0, 5, 20)]
        for _ in range(6)
    ]
    received: list[list[Answers]] = [[] for _ in asked]

    def ask(number: int) -> None:
        barrier.wait(LIMIT_S)
        received[number].extend(shared.answer(each) for each in asked[number])

    threads = [Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    for given, got in zip(chain(*asked), chain(*received), strict=True):
        alone = network.answer(given)
        np.testing.assert_allclose(got.logits, alone.logits, atol=1e-5)
        for name in ("no_face", "presence", "landmarks"):
            expected, answer = getattr(alone, name), getattr(got, name)
            assert (expected is None) == (answer is None)
            if expected is not None:
                np.testing.assert_allclose(answer, expected, atol=1e-5)
