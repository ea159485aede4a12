"""Who reads the inputs: this machine's processes, or Ray's workers. Each yields outcomes as they come.

A worker has one input at a time, so that as many are downloaded at once as there are workers.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing.synchronize import Event
from typing import Any, Final

from mien.analysis.processes import CONTEXT, MOST_PROCESSES, process_pool
from mien.corpus.reader import Outcome, Reader
from mien.corpus.version import Input
from mien.errors import ConfigError, MienError
from mien.install import extras_command
from mien.processors import usable_cores

MOST_DEATHS: Final = 5
"""An input during which so many workers died is an error: it may be the input that kills them."""

_ALONE_AFTER: Final = 2
"""On this machine an input during which so many workers died is read alone: one killed by chance is not."""

Make = Callable[[], Reader]
"""Makes a worker's reader."""


def on_this_machine(
    make: Make, inputs: Sequence[Input], workers: int, died: Callable[[Input], Outcome]
) -> Iterator[Outcome]:
    """Read inputs in this process, or in several of this machine.

    Args:
        make: makes each worker's reader.
        inputs: to be read.
        workers: how many processes; 0 takes one per core, and 1 this process itself.
        died: commits the error of an input during which `MOST_DEATHS` processes died.
    """
    if workers == 1:
        reader = make()
        yield from map(reader.read, inputs)
        return
    workers = min(workers or usable_cores(), len(inputs), MOST_PROCESSES)
    left = {each.key: each for each in inputs}
    deaths = Counter[str]()
    started = CONTEXT.Event()
    while left:
        # A pool can't tell during which of its inputs a process died: one that was there twice is read alone.
        suspects = [each for each in left.values() if deaths[each.key] >= _ALONE_AFTER]
        try:
            for outcome in _pool(make, suspects or list(left.values()), 1 if suspects else workers, started):
                del left[outcome.key]
                yield outcome
        except BrokenProcessPool as error:
            if not started.is_set():
                raise MienError(
                    'the workers don\'t start; in a script, call it under `if __name__ == "__main__":`, or'
                    " pass workers=1"
                ) from error
            # They are begun in order, so that those in flight are the first of what is left.
            flying = [each for each in suspects if each.key in left][:1] or list(left.values())[:workers]
            deaths.update(each.key for each in flying)
            for what in flying:
                if deaths[what.key] >= MOST_DEATHS:
                    yield died(left.pop(what.key))


def _pool(make: Make, inputs: Sequence[Input], workers: int, started: Event) -> Iterator[Outcome]:
    queue, running = deque(inputs), set[Future[Outcome]]()
    with process_pool(workers, _start, make, started) as pool:
        while queue or running:
            while queue and len(running) < workers:
                running.add(pool.submit(_read, queue.popleft()))
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


_given: list[Make] = []


def _start(make: Make, started: Event) -> None:
    _given[:] = [make]
    started.set()


@cache
def _reader() -> Reader:
    return _given[0]()


def _read(what: Input) -> Outcome:
    return _reader().read(what)


def on_ray(
    make: Make,
    inputs: Sequence[Input],
    workers: int,
    died: Callable[[Input], Outcome],
    address: str | None = None,
) -> Iterator[Outcome]:
    """Read inputs by actors of Ray, a core each.

    A worker that dies, with its node or alone, is replaced, and its input goes to whoever is free. So no
    input waits for one worker.

    Args:
        make: makes each worker's reader.
        inputs: to be read.
        workers: how many; 0 takes as many as the cluster has cores, also those that come later.
        died: commits the error of an input during which `MOST_DEATHS` workers died.
        address: the cluster's, as `ray.init` takes it; one on this machine where left out.

    Raises:
        ConfigError: Ray is not installed, or doesn't answer.
        MienError: no worker starts.
    """
    try:
        import ray
    except ImportError as error:
        raise ConfigError(f"the engine ray needs Ray: {extras_command('ray')}") from error
    own = not ray.is_initialized()
    if own:
        try:
            ray.init(address=address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise ConfigError(f"Ray doesn't answer at {address or 'this machine'}: {error}") from error
    try:
        yield from _Crew(ray, make, workers, died).read(inputs)
    finally:
        if own:
            ray.shutdown()


class _Worker:
    """A worker on Ray: one reader."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._reader: Reader | None = None

    def begin(self) -> None:
        """Make the reader."""
        self._reader = self._make()

    def read(self, what: Input) -> Outcome:
        """Read one input."""
        assert self._reader is not None
        return self._reader.read(what)


class _Crew:
    """The workers of one run on Ray, as the driver sees them."""

    def __init__(self, ray: Any, make: Make, workers: int, died: Callable[[Input], Outcome]) -> None:
        self._ray, self._make, self._workers, self._died = ray, make, workers, died
        self._kind = ray.remote(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")(_Worker)
        self._starting: dict[Any, Any] = {}
        self._running: dict[Any, tuple[Any, Input]] = {}
        self._free: list[Any] = []
        self._stillborn = 0

    def read(self, inputs: Sequence[Input]) -> Iterator[Outcome]:
        queue, deaths = deque(inputs), Counter[str]()
        try:
            while queue or self._running:
                self._hire(len(queue))
                while self._free and queue:
                    worker, what = self._free.pop(), queue.popleft()
                    self._running[worker.read.remote(what)] = worker, what
                done, _ = self._ray.wait([*self._starting, *self._running], timeout=5)
                for answer in done:
                    outcome = self._take(answer)
                    if isinstance(outcome, Outcome):
                        yield outcome
                    elif outcome is not None:
                        deaths[outcome.key] += 1
                        if deaths[outcome.key] < MOST_DEATHS:
                            queue.appendleft(outcome)
                        else:
                            yield self._died(outcome)
        finally:
            for worker in [
                *self._starting.values(),
                *(each for each, _ in self._running.values()),
                *self._free,
            ]:
                self._ray.kill(worker)

    def _hire(self, waiting: int) -> None:
        wanted = min(self._most(), waiting + len(self._running))
        while len(self._starting) + len(self._running) + len(self._free) < wanted:
            worker = self._kind.remote(self._make)
            self._starting[worker.begin.remote()] = worker

    def _most(self) -> int:
        return self._workers or max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _take(self, answer: Any) -> Outcome | Input | None:
        """Return an outcome, the input during which a worker died, or None where one has started."""
        worker, what = (
            self._running.pop(answer) if answer in self._running else (self._starting.pop(answer), None)
        )
        try:
            outcome: Outcome | None = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, MienError) else error) from None
        except self._ray.exceptions.RayError:
            self._ray.kill(worker)  # one that can't be reached may still be there
            if what is None:
                self._stillborn += 1
                # Each may die once, with its node; then some more in a row.
                if self._stillborn >= self._most() + MOST_DEATHS:
                    raise MienError(
                        f"{self._stillborn} workers of Ray in a row died while they started; is there enough"
                        " memory? Ray's own logs say more"
                    ) from None
            return what
        if what is None:
            self._stillborn = 0
        self._free.append(worker)
        return outcome
