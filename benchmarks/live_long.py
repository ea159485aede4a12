"""Whether a live source can run, and a subject be recorded, for hours: memory, time, and times of readings.

    python benchmarks/live_long.py
    python benchmarks/live_long.py --hours 24 --rate 5

Pictures of the portrait are pushed into a session as the page's camera pushes them, as fast as they are
read, under a clock that the benchmark moves on: so four hours pass in minutes. Every hundredth time two are
pushed at once, and one may have to give way. A subject is recorded all the while into a store of its own,
with measures. Memory is read from /proc (Linux), before the recording is concluded: then all of its readings
are looked at together. Times are the processor's: of all that is done for a reading, and of the recording.
Ends with 1 where memory grows after the first quarter of an hour, a thread stays, a reading isn't stored, a
recording's reading takes longer in the last quarter than in the second, or times drift away from the clock.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mien.config import load_settings
from mien.live.broadcaster import Mailbox
from mien.live.reading import Reading
from mien.live.recorder import Recorder
from mien.live.session import LiveSession
from mien.source import open_source
from mien.source.pushed import PushedSource
from mien.store.store import Store
from mien.store.types import StoredRecording
from mien.types import Image

SETTLED_S = 900.0
"""The history of ten minutes is full, and what is made once is made."""

GROWTH_MB = 10.0
DRIFT_S = 0.001
SLOWER = 1.25
"""A recording's reading may take so many times as long in the last quarter as in the second."""
LIMIT_S = 60.0
TWICE_EVERY = 100
CAMERA_S = 5000.0
"""A camera's clock starts anywhere."""

console = Console(width=110)


class Clock:
    """Seconds that go on when the benchmark says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


class TimedRecorder(Recorder):
    """Adds up the processor's time that a recording takes of who reads the frames."""

    taken_s = 0.0

    def take(self, where: str, reading: Reading) -> None:
        """Take a reading, and time it."""
        start_s = time.thread_time()
        super().take(where, reading)
        self.taken_s += time.thread_time() - start_s


@dataclass(frozen=True)
class Moment:
    """How it stands after some time.

    Attributes:
        passed_s: by the source's clock.
        memory_mb: resident.
        threads: of the process.
        drift_s: how far a reading's times were off the clock's at most so far: its time in the source, and
            the time of day less that of the first reading.
        dropped: pictures that gave way so far.
        readings: so far.
        cpu_s: of the processor, all threads, so far.
        taken_s: the part of it that the recording took of the thread that reads.
        stored: frames that are safe in the store.
    """

    passed_s: float
    memory_mb: float
    threads: int
    drift_s: float
    dropped: int
    readings: int
    cpu_s: float
    taken_s: float
    stored: int


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=4.0, help="that pass for the source")
    parser.add_argument("--rate", type=float, default=10.0, help="pictures a second, by the source's clock")
    given = parser.parse_args()
    start_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "record.sqlite") as store:
        moments, left, recording = run(3600 * given.hours, given.rate, store)
    took_s = time.perf_counter() - start_s
    report(moments, given)
    settled, end = moments[1], moments[-1]
    growth_mb = end.memory_mb - settled.memory_mb
    slower = taken_ms(moments[-2], end) / taken_ms(settled, moments[2])
    whole = recording.state == "finished" and recording.frames == end.readings
    fine = whole and growth_mb <= GROWTH_MB and slower <= SLOWER and end.drift_s <= DRIFT_S and not left
    console.print(
        f"{given.hours:g} hours in {took_s / 60:.1f} minutes; since it settled, memory has grown by "
        f"{growth_mb:.1f} MiB and a recording's reading takes {slower:.2f} times as long; "
        f"{recording.frames} of {end.readings} readings stored; threads left: {', '.join(left) or 'none'}: "
        f"{'fine' if fine else 'NOT FINE'}"
    )
    console.print(f"{os.cpu_count()} processors; load average {os.getloadavg()[0]:.1f}")
    return int(not fine)


def run(seconds: float, rate_hz: float, store: Store) -> tuple[list[Moment], list[str], StoredRecording]:
    """Let the time pass; give how it stood now and then, the threads that stay, and what was recorded."""
    images = [frame.image for frame in open_source("portrait").frames()]
    before = set(threading.enumerate())
    clock, source = Clock(), PushedSource("browser-1")
    recorder = begin(store)
    looks_s = [0.0, min(SETTLED_S, seconds / 4), *(seconds * share for share in (0.5, 0.75, 1.0))]
    moments: list[Moment] = []
    drift_s = 0.0
    with (
        LiveSession(load_settings(), clock=clock, watch_every_s=None) as session,
        session.broadcaster.subscribe() as box,
    ):
        session.record(recorder)
        session.add(source.name, lambda: source, where="browser", restart=False)
        first_s, first_at_s = clock.now_s, None
        for index in range(int(seconds * rate_hz) + 1):
            passed_s = index / rate_hz
            clock.now_s = first_s + passed_s
            reading = read(source, box, images[index % len(images)], passed_s, twice=index % TWICE_EVERY == 1)
            first_at_s = reading.at_s if first_at_s is None else first_at_s
            off_s = abs(reading.frame.time_s - passed_s), abs(reading.at_s - first_at_s - passed_s)
            drift_s = max(drift_s, *off_s)
            session.watch()
            if passed_s >= looks_s[len(moments)] - 1e-6:
                moments.append(look(passed_s, drift_s, source.report.frames_dropped, index + 1, recorder))
    recorder.close(LIMIT_S)
    (recording,) = store.recordings.of(recorder.subject)
    return moments, [thread.name for thread in set(threading.enumerate()) - before], recording


def begin(store: Store) -> TimedRecorder:
    """Add a subject who has agreed to everything, and make ready to record them."""
    subject = store.subjects.add("P-001")
    store.consents.give(subject, given_by="themselves", purpose="a benchmark")
    return TimedRecorder(store, subject, models={}, settings={})


def read(
    source: PushedSource, box: Mailbox[Reading], image: Image, passed_s: float, *, twice: bool
) -> Reading:
    """Push a picture, or the same twice, and take the reading as the page does."""
    pushed = [source.push(image, CAMERA_S + passed_s) for _ in range(1 + twice)]
    while (reading := box.take(LIMIT_S)) is not None and reading.frame.index < pushed[-1]:
        pass
    if reading is None:
        raise SystemExit(f"no reading within {LIMIT_S:.0f} s")
    reading.as_dict(landmarks=True)
    return reading


def look(passed_s: float, drift_s: float, dropped: int, readings: int, recorder: TimedRecorder) -> Moment:
    gc.collect()
    status = recorder.status
    return Moment(
        passed_s,
        memory_mb(),
        threading.active_count(),
        drift_s,
        dropped,
        readings,
        time.process_time(),
        recorder.taken_s,
        0 if status is None else status.stored,
    )


def taken_ms(before: Moment, after: Moment) -> float:
    """Return what a reading took of the recording between two moments."""
    return 1000 * (after.taken_s - before.taken_s) / (after.readings - before.readings)


def memory_mb() -> float:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


def report(moments: list[Moment], given: argparse.Namespace) -> None:
    table = Table(title=f"one source for {given.hours:g} hours, {given.rate:g} pictures a second")
    for heading in (
        *("after, hours", "memory, MiB", "threads", "largest drift, ms", "dropped", "stored"),
        *("ms a reading", "of the recording"),
    ):
        table.add_column(heading, justify="right")
    for before, moment in zip((moments[0], *moments), moments, strict=False):
        since = moment.readings - before.readings
        table.add_row(
            f"{moment.passed_s / 3600:.2f}",
            f"{moment.memory_mb:.1f}",
            str(moment.threads),
            f"{1000 * moment.drift_s:.3f}",
            str(moment.dropped),
            str(moment.stored),
            f"{1000 * (moment.cpu_s - before.cpu_s) / since:.2f}" if since else "",
            f"{taken_ms(before, moment):.3f}" if since else "",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
