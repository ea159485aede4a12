"""Who reads the inputs: this machine's processes, or Ray's workers. Each yields outcomes as they come.

A worker has one input at a time, or a part of one: as many are downloaded at once as there are workers.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing.synchronize import Event
from typing import Any, Final

from mien.analysis.processes import CONTEXT, MOST_PROCESSES, process_pool
from mien.corpus.parts import Job
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

Died = Callable[[Input], Outcome]
"""Commits the error of an input whose workers died."""


class Jobs:
    """What is left to do, and for whom to wait: a film's parts are joined when the last one is read.

    Args:
        inputs: to be read, in order.

    Attributes:
        waiting: the jobs that nobody has, the next one first.
    """

    def __init__(self, inputs: Iterable[Input]) -> None:
        self.waiting = deque(Job(each) for each in inputs)
        self._open: dict[str, set[Job]] = {}

    def answered(self, job: Job, answer: Outcome | list[Job]) -> Outcome | None:
        """Take what a worker has answered, and return it where an input is done with it."""
        key = job.what.key
        if isinstance(answer, Outcome):
            return answer
        if job.part is None:
            self._open[key] = {each for each in answer if each.part is not None}
            self.waiting.extendleft(reversed(answer))
            return None
        others = self._open.get(key)
        if others is None:  # given up while it was read
            return None
        others.discard(job)
        if answer:  # it doesn't fit, so that the others are of no use
            self.give_up(job.what)
            self.waiting.extendleft(answer)
        elif not others:
            del self._open[key]
            self.waiting.appendleft(Job(job.what, job.seams))
        return None

    def give_up(self, what: Input) -> None:
        """Forget all jobs of an input."""
        self._open.pop(what.key, None)
        self.waiting = deque(each for each in self.waiting if each.what != what)

    def died(self, job: Job, deaths: Counter[str], died: Died) -> Outcome | None:
        """Put back a job whose worker has died; return the input's error where it was the last time."""
        if job.part is not None and job.what.key not in self._open:
            return None
        deaths[job.key] += 1
        if deaths[job.key] < MOST_DEATHS:
            self.waiting.appendleft(job)
            return None
        self.give_up(job.what)
        return died(job.what)


def on_this_machine(make: Make, inputs: Sequence[Input], workers: int, died: Died) -> Iterator[Outcome]:
    """Read inputs in this process, or in several of this machine.

    Args:
        make: makes each worker's reader.
        inputs: to be read.
        workers: how many processes; 0 takes one per core, and 1 this process itself, which reads films whole.
        died: commits the error of an input during which `MOST_DEATHS` processes died.
    """
    if workers == 1:
        reader = make()
        for each in inputs:
            read = reader.read(Job(each, ()))
            assert isinstance(read, Outcome)
            yield read
        return
    workers = min(workers or usable_cores(), MOST_PROCESSES)
    jobs, deaths = Jobs(inputs), Counter[str]()
    started = CONTEXT.Event()
    while jobs.waiting:
        # A pool can't tell during which of its jobs a process died: one that was there twice is done alone.
        suspect = next((each for each in jobs.waiting if deaths[each.key] >= _ALONE_AFTER), None)
        running: dict[Future[Outcome | list[Job]], Job] = {}
        try:
            yield from _pool(make, jobs, running, suspect, workers, started)
        except BrokenProcessPool as error:
            if not started.is_set():
                raise MienError(
                    'the workers don\'t start; in a script, call it under `if __name__ == "__main__":`, or'
                    " pass workers=1"
                ) from error
            for job in reversed(running.values()):
                if (outcome := jobs.died(job, deaths, died)) is not None:
                    yield outcome


def _pool(
    make: Make,
    jobs: Jobs,
    running: dict[Future[Outcome | list[Job]], Job],
    suspect: Job | None,
    workers: int,
    started: Event,
) -> Iterator[Outcome]:
    """Do all jobs, or one that is suspected alone; `running` has those that a broken pool leaves."""
    with process_pool(1 if suspect else workers, _start, make, started) as pool:
        if suspect:
            jobs.waiting.remove(suspect)
            running[pool.submit(_read, suspect)] = suspect
        while running or (jobs.waiting and not suspect):
            while jobs.waiting and not suspect and len(running) < workers:
                job = jobs.waiting.popleft()
                running[pool.submit(_read, job)] = job
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                answer = future.result()
                outcome = jobs.answered(running.pop(future), answer)
                if outcome is not None:
                    yield outcome


_given: list[Make] = []


def _start(make: Make, started: Event) -> None:
    _given[:] = [make]
    started.set()


@cache
def _reader() -> Reader:
    return _given[0]()


def _read(job: Job) -> Outcome | list[Job]:
    return _reader().read(job)


def on_ray(
    make: Make, inputs: Sequence[Input], workers: int, died: Died, address: str | None = None
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

    def read(self, job: Job) -> Outcome | list[Job]:
        """Do a job."""
        assert self._reader is not None
        return self._reader.read(job)


class _Crew:
    """The workers of one run on Ray, as the driver sees them."""

    def __init__(self, ray: Any, make: Make, workers: int, died: Died) -> None:
        self._ray, self._make, self._workers, self._died = ray, make, workers, died
        self._kind = ray.remote(num_cpus=1, max_restarts=0, scheduling_strategy="SPREAD")(_Worker)
        self._starting: dict[Any, Any] = {}
        self._running: dict[Any, tuple[Any, Job]] = {}
        self._free: list[Any] = []
        self._stillborn = 0

    def read(self, inputs: Sequence[Input]) -> Iterator[Outcome]:
        jobs, deaths = Jobs(inputs), Counter[str]()
        try:
            while jobs.waiting or self._running:
                self._hire(len(jobs.waiting))
                while self._free and jobs.waiting:
                    worker, job = self._free.pop(), jobs.waiting.popleft()
                    self._running[worker.read.remote(job)] = worker, job
                done, _ = self._ray.wait([*self._starting, *self._running], timeout=5)
                for answer in done:
                    if (outcome := self._take(answer, jobs, deaths)) is not None:
                        yield outcome
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

    def _take(self, answer: Any, jobs: Jobs, deaths: Counter[str]) -> Outcome | None:
        """Take what a worker has answered, that it has started, or that it is dead."""
        worker, job = (
            self._running.pop(answer) if answer in self._running else (self._starting.pop(answer), None)
        )
        try:
            told: Outcome | list[Job] = self._ray.get(answer)
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, MienError) else error) from None
        except self._ray.exceptions.RayError:
            self._ray.kill(worker)  # one that can't be reached may still be there
            if job is not None:
                return jobs.died(job, deaths, self._died)
            self._stillborn += 1
            # Each may die once, with its node; then some more in a row.
            if self._stillborn >= self._most() + MOST_DEATHS:
                raise MienError(
                    f"{self._stillborn} workers of Ray in a row died while they started; is there enough"
                    " memory? Ray's own logs say more"
                ) from None
            return None
        self._free.append(worker)
        if job is None:
            self._stillborn = 0
            return None
        return jobs.answered(job, told)
