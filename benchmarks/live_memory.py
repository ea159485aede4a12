"""How much memory `mien live` takes: resident, of all its processes, with the settings for a Raspberry Pi.

    python benchmarks/live_memory.py
    python benchmarks/live_memory.py --source session.mp4 --seconds 300

Each line is a run of its own: without a page, with four sources, with the page, and with the page and
somebody who watches the picture. Memory is read from /proc (Linux): VmRSS ten seconds after the first sign of
life and at the end, and the highest ever (VmHWM). Ends with 1 where that is above the limit.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen

from rich.console import Console
from rich.table import Table
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

SETTLE_S = 10.0
SAMPLE_S = 0.5
START_S = 180.0

VARIANTS = {
    "no page": (1, False, False),
    "no page, four sources": (4, False, False),
    "page": (1, True, False),
    "page, picture watched": (1, True, True),
}
"""Sources, whether with the page, and whether somebody watches."""

console = Console(width=110)


@dataclass
class Run:
    """One `mien live`.

    Attributes:
        settled_mb: resident ten seconds after the first sign of life.
        end_mb: resident at the end.
        peak_mb: the highest of the main process, with what its children had at most.
        rate_hz: readings a second of all sources; None if they can't be told.
    """

    settled_mb: float = 0.0
    end_mb: float = 0.0
    peak_mb: float = 0.0
    rate_hz: float | None = None
    samples_mb: list[float] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", default="portrait", help="a video, a camera, or portrait")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each run is watched")
    parser.add_argument("--profile", default="pi")
    parser.add_argument("--limit", type=float, default=350.0, help="megabytes (MiB) that are still fine")
    parser.add_argument("--only", choices=list(VARIANTS), help="one line of the table")
    chosen = parser.parse_args()
    table = Table(title=f"mien live {chosen.source} --profile {chosen.profile}, {chosen.seconds:.0f} s each")
    for heading in ("", "after 10 s, MiB", "at the end, MiB", "highest, MiB", "readings a second"):
        table.add_column(heading, justify="left" if not heading else "right")
    peaks = []
    for name in [chosen.only] if chosen.only else VARIANTS:
        run = measure(chosen.source, chosen.profile, chosen.seconds, *VARIANTS[name])
        peaks.append(run.peak_mb)
        rate = "-" if run.rate_hz is None else f"{run.rate_hz:.1f}"
        table.add_row(name, f"{run.settled_mb:.0f}", f"{run.end_mb:.0f}", f"{run.peak_mb:.0f}", rate)
    console.print(table)
    worst, fine = max(peaks), max(peaks) <= chosen.limit
    console.print(f"highest {worst:.0f} MiB, limit {chosen.limit:.0f}: {'fine' if fine else 'TOO MUCH'}")
    return int(not fine)


def measure(source: str, profile: str, seconds: float, sources: int, page: bool, watched: bool) -> Run:
    """Start Mien, let it run, and read its memory."""
    run, wait = Run(), Event()
    with started(source, profile, sources, page) as (process, seen):
        if not seen.ready.wait(START_S) or process.poll() is not None:
            raise SystemExit(f"mien live did not start: {seen.last}")
        watcher = watch(seen.address, seen) if watched else None
        for sample in range(int((SETTLE_S + seconds) / SAMPLE_S)):
            if wait.wait(SAMPLE_S) or process.poll() is not None:
                raise SystemExit(f"mien live ended early: {seen.last}")
            if sample * SAMPLE_S == SETTLE_S:
                seen.readings = 0
            run.samples_mb.append(sum(memory_mb(pid, "VmRSS") for pid in family(process.pid)))
        if watched and not seen.readings:
            raise SystemExit("the page sent no pictures")
        if page:
            with urlopen(f"{seen.address}api/v1/sources") as answer:
                rates = [status["rate_hz"] or 0.0 for status in json.load(answer)]
            run.rate_hz = sum(rates)
        else:
            run.rate_hz = seen.readings / seconds
        run.peak_mb = max(memory_mb(process.pid, "VmHWM"), *run.samples_mb)
        process.send_signal(signal.SIGINT)
        process.wait(30)
        if watcher is not None:
            watcher.join(10)
    settled = int(SETTLE_S / SAMPLE_S)
    run.settled_mb = statistics.median(run.samples_mb[settled - 2 : settled + 2])
    run.end_mb = statistics.median(run.samples_mb[-4:])
    return run


@dataclass
class Seen:
    """What the process said: its address or its first reading, and its last line."""

    ready: Event = field(default_factory=Event)
    address: str = ""
    last: str = ""
    readings: int = 0


@contextmanager
def started(
    source: str, profile: str, sources: int, page: bool
) -> Iterator[tuple[subprocess.Popen[str], Seen]]:
    """Run `mien live`, and end it."""
    names = [part for number in range(sources) for part in ("--name", f"source-{number}")]
    shown = ["--no-browser", "--port", "0"] if page else ["--no-page", "--json"]
    command = [sys.executable, "-m", "mien", "live", *[source] * sources, *names, *shown]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "MIEN_CONFIG": folder, "MALLOC_ARENA_MAX": "2"}
        process = subprocess.Popen(
            [*command, "--profile", profile, "--purpose", "self"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
        )  # fmt: skip
        seen = Seen()
        reader = Thread(target=listen, args=(process, seen), daemon=True)
        reader.start()
        try:
            yield process, seen
        finally:
            process.kill()
            process.wait()
            reader.join(10)


def listen(process: subprocess.Popen[str], seen: Seen) -> None:
    """Read what the process says, so that it never waits."""
    assert process.stdout is not None
    for line in process.stdout:
        seen.last = line.strip()
        if found := re.search(r"https?://\S+", line):
            seen.address = found[0]
            seen.ready.set()
        elif line.startswith("{"):
            seen.readings += 1
            seen.ready.set()
    seen.ready.set()


def watch(address: str, seen: Seen) -> Thread:
    """Look at the first source's picture, as the page does."""
    url = f"{address.replace('http', 'ws', 1)}ws/watch?source=source-0"

    def look() -> None:
        origin = Origin(address.rstrip("/"))
        with suppress(ConnectionClosed), connect(url, origin=origin) as socket:
            for message in socket:
                if isinstance(message, bytes):
                    length = struct.unpack_from("<I", message)[0]
                    frame = json.loads(message[4 : 4 + length])["reading"]["frame"]
                    socket.send(json.dumps({"type": "ack", "frame": frame}))
                    seen.readings += 1

    thread = Thread(target=look, daemon=True)
    thread.start()
    return thread


def family(pid: int) -> list[int]:
    """Return a process and all its children's children, whichever thread started them."""
    below = [
        child for task in Path(f"/proc/{pid}/task").glob("*/children") for child in task.read_text().split()
    ]
    return [pid, *(each for child in below for each in family(int(child)))]


def memory_mb(pid: int, name: str) -> float:
    """Read a figure of /proc/PID/status in MiB; 0 where the process has gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    sys.exit(main())
