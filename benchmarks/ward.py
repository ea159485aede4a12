"""Many made stations write into one PostgreSQL server that is stopped, cleaned and migrated meanwhile.

    python benchmarks/ward.py                                   # 40 stations, an hour at eight times its pace
    python benchmarks/ward.py --speed 1 --minutes 3 --outage 0  # a commit's times at the real pace
    python benchmarks/ward.py --stations 4 --minutes 2 --outage 5
    python benchmarks/ward.py --url postgresql://mien:...@db/test --stop "..." --start "..."

Each station is a process of its own, as in a ward: its own connections and its own interpreter. Threads would
share both. It writes by `RecordWriter`, as `mien live --subject` does, ten readings a second of a subject who
has agreed. Meanwhile retention erases another subject's old recording, the tables are migrated (a step that
takes a while, then a version that these stations don't know), the server is stopped, and some stations are
killed while it is away.

At the end each recording is compared with what its station made: every row, its order, nothing twice. Prints
the times of commits, the rate, the connections, and ends with 1 where something is missing. The server is
the tests' own, with fsync on, unless --hasty.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

if str(Path(__file__).parent) in sys.path:  # whose live.py and store.py are others
    sys.path.remove(str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mien.labels import MEASURES
from mien.record.delivery import Delivery
from mien.record.finalize import recover
from mien.record.spool import spool_folder
from mien.record.subject_face import GivenTracks
from mien.record.writer import RecordWriter
from mien.store.opening import keep_writers_out
from mien.store.schema import REVISION, VERSION_TABLE
from mien.store.store import Store
from mien.types import Faces, Frame

IMAGE = np.full((24, 32, 3), 128, np.uint8)
LIMIT_S = 300.0
"""So long a step may take, beyond its own time."""

Answer = dict[str, Any]


@dataclass
class Server:
    """A server, and what stops and starts it; None where nothing does."""

    url: str
    stop: Callable[[], object] | None
    start: Callable[[], object] | None


@contextmanager
def server_of(options: argparse.Namespace) -> Iterator[Server]:
    """Start a server as the tests do, or use the one that is named."""
    if options.url:
        commands = [
            (lambda command=each: subprocess.run(command, shell=True, check=True, timeout=LIMIT_S))
            if each
            else None
            for each in (options.stop, options.start)
        ]
        yield Server(options.url, *commands)
        return
    from store_fixtures import RestartedServer, started_postgres

    with started_postgres() as started:
        own = RestartedServer(started)
        if not options.hasty:
            with engine_of(own.url).connect() as connection:
                for name in ("fsync", "synchronous_commit", "full_page_writes"):
                    connection.execute(text(f"ALTER SYSTEM RESET {name}"))
                connection.execute(text("SELECT pg_reload_conf()"))
        yield Server(own.url, own.stop, own.start)


def engine_of(url: str) -> Any:
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")


def values_of(station: int, count: int) -> np.ndarray:
    """Return what a station reads: (count,) valence in thousandths, from its number and the row's."""
    rng = np.random.default_rng(station)
    return rng.integers(-900, 900, count) / 1000


def face_of(index: int, valence: float) -> Faces:
    left = float(index % 500)
    p = np.full((1, 8), 0.0625)
    p[0, index % 8] = 0.5625
    return Faces(
        np.array([[left, 20, left + 60, 80]], np.float32), track=[0], probabilities=p, confidence=[0.5625],
        expression=[index % 8], detection=[0.9], quality=[0.8], valence=[valence], arousal=[-valence],
        measures=np.full((1, len(MEASURES)), valence),
    )  # fmt: skip


def checksum(frame: Any, time_s: Any, x: Any, valence: Any) -> str:
    """Return the SHA-256 of rows in their order: numbers, microseconds, pixels, thousandths."""
    scales = (1, 1e6, 1, 1e3)
    whole = [
        np.round(np.asarray(each) * by) for each, by in zip((frame, time_s, x, valence), scales, strict=True)
    ]
    return hashlib.sha256(np.column_stack(whole).astype("<i8").tobytes()).hexdigest()


def station(
    number: int, url: str, options: argparse.Namespace, started_at: datetime, taken: Any, answers: Any
) -> None:
    """Be one station until its time is over, and say how it went."""
    count = int(options.minutes * 60 * options.rate)
    values, commits = values_of(number, count), []
    write = Delivery.write

    def timed(self: Delivery, batch: Any, *, again: bool) -> Any:
        start = time.perf_counter()
        found = write(self, batch, again=again)
        commits.append((time.perf_counter() - start, len(batch.rows), again))
        return found

    Delivery.write = timed  # type: ignore[method-assign]
    troubles: list[str] = []
    with Store(url) as store:
        writer = RecordWriter(
            store, store.subjects.get(code_of(number)), kind="camera", source=f"camera:{number}",
            started_at=started_at, models={}, settings={}, uuid=uuid_of(number), face=GivenTracks([0]),
            waiting=spool_folder(store), commit_s=options.commit_s,
        )  # fmt: skip
        began_s, pause, late_s = time.monotonic(), Event(), 0.0
        for index in range(count):
            writer.take(
                Frame(IMAGE, index, index / options.rate, writer.recording.source),
                face_of(index, values[index]),
            )
            taken[number] = index + 1
            if index % 20 == 19:
                ahead_s = (index + 1) / options.rate / options.speed - (time.monotonic() - began_s)
                late_s = max(late_s, -ahead_s)
                pause.wait(max(0.0, ahead_s))
                trouble = writer.status.trouble
                said = (trouble or "").partition("; ")[0].replace(store.where, "it")
                if said and said not in troubles:
                    troubles.append(said)
        done = writer.finish(timeout_s=LIMIT_S)
        status = writer.status
    answers.put(
        {"station": number, "done": done, "commits": commits, "stored": status.stored, "lost": status.lost,
         "stopped": status.stopped, "troubles": troubles, "late_s": late_s}
    )  # fmt: skip


def code_of(number: int) -> str:
    return f"S-{number:03}"


def uuid_of(number: int) -> str:
    return f"{number:032x}"


def prepared(url: str, options: argparse.Namespace) -> None:
    """Add the subjects who agreed, and one whose old recording has to go while the others write."""
    long_ago = datetime(1970, 1, 1, tzinfo=UTC)
    with Store(url) as store:
        for number in range(options.stations):
            store.consents.give(
                store.subjects.add(code_of(number)), given_by="x", purpose="x", given_at=long_ago
            )
        old = store.subjects.add("OLD", retention_days=30)
        store.consents.give(old, given_by="x", purpose="x", given_at=long_ago)


def add_old(store: Store) -> None:
    """Add a recording that its subject doesn't want kept any more."""
    recording = store.recordings.start(
        store.subjects.get("OLD"), kind="simulated", source="old", models={}, settings={}, version="1",
        started_at=datetime.now(UTC) - timedelta(days=60),
    )  # fmt: skip
    store.readings.append(recording.id, {"time_s": np.arange(36_000) / 10})
    store.recordings.finish(recording.id)


class Connections(Thread):
    """Counts the server's connections, again and again; an own thread, stopped by `stop`."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.most = self.busy = self.limit = 0
        self._engine, self._stop_it = engine_of(url), Event()

    def run(self) -> None:
        """Count until it is stopped."""
        asked = text(
            "SELECT count(*), count(*) FILTER (WHERE state <> 'idle'),"
            " current_setting('max_connections')::int"
            " FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        while not self._stop_it.wait(0.5):
            try:
                with self._engine.connect() as connection:
                    found, busy, self.limit = connection.execute(asked).one()
            except SQLAlchemyError:  # the server is away
                self._engine.dispose()
                continue
            self.most, self.busy = max(self.most, found), max(self.busy, busy)

    def stop(self) -> None:
        """Stop counting."""
        self._stop_it.set()
        self.join(LIMIT_S)
        self._engine.dispose()


def clean_while_they_write(url: str) -> str:
    with Store(url) as store:
        add_old(store)
        start = time.monotonic()
        erased = store.enforce_retention()
    return f"retention erased {erased} in {time.monotonic() - start:.1f} s"


def migrate_while_they_write(url: str, hold_s: float) -> str:
    """Hold the tables as a long step does, then leave a version that the stations don't know for a while."""
    engine, pause, start = engine_of(url), Event(), time.monotonic()
    with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        keep_writers_out(connection)
        waited_s = time.monotonic() - start
        connection.execute(text("ALTER TABLE recordings ADD COLUMN made_by_ward integer"))
        pause.wait(hold_s)
        connection.execute(text("ALTER TABLE recordings DROP COLUMN made_by_ward"))
    with engine.connect() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
        pause.wait(hold_s)
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{REVISION}'"))
    engine.dispose()
    return (
        f"a step of {hold_s:g} s waited {waited_s:.2f} s for writers; then a newer version for {hold_s:g} s"
    )


def run(options: argparse.Namespace, server: Server) -> tuple[list[Answer], dict[str, Any]]:
    """Let all stations write, do to the server what is to be done, and return how it went."""
    fork = multiprocessing.get_context("fork")
    prepared(server.url, options)
    answers, taken = fork.Queue(), fork.Array("q", options.stations, lock=False)
    started_at = datetime.now(UTC).astimezone() - timedelta(minutes=options.minutes)
    stations = [
        fork.Process(target=station, args=(number, server.url, options, started_at, taken, answers))
        for number in range(options.stations)
    ]
    for each in stations:
        each.start()
    connections, began_s, told = Connections(server.url), time.monotonic(), []
    connections.start()
    length_s, pause = options.minutes * 60 / options.speed, Event()

    def wait_for(share: float) -> None:
        pause.wait(max(0.0, began_s + share * length_s - time.monotonic()))

    wait_for(0.2)
    told.append(clean_while_they_write(server.url))
    wait_for(0.35)
    if options.hold:
        told.append(migrate_while_they_write(server.url, options.hold))
    wait_for(0.5)
    killed: dict[int, int] = {}
    if options.outage and server.stop and server.start:
        server.stop()
        pause.wait(options.outage / 2)
        for number in range(options.kills):
            os.kill(stations[number].pid or 0, signal.SIGKILL)
            stations[number].join(LIMIT_S)
            killed[number] = taken[number]
        pause.wait(options.outage / 2)
        server.start()
        with Store(server.url) as store:
            recover(store)
        told.append(f"server away for {options.outage:g} s, {len(killed)} stations killed meanwhile")
    found = [answers.get(timeout=length_s + LIMIT_S) for _ in range(options.stations - len(killed))]
    took_s = time.monotonic() - began_s
    for each in stations:
        each.join(LIMIT_S)
    connections.stop()
    return found, {"killed": killed, "told": told, "took_s": took_s, "connections": connections}


def faults_of(
    options: argparse.Namespace, server: Server, found: list[Answer], killed: dict[int, int]
) -> list[str]:
    """Compare every recording with what its station made, and return what is not as it should be."""
    faults = [
        f"{code_of(each['station'])}: {each['lost']} lost, {each['stopped'] or 'not done in time'}"
        for each in found
        if each["lost"] or each["stopped"] or not each["done"]
    ]
    count, lost = int(options.minutes * 60 * options.rate), []
    with Store(server.url) as store:
        for number in range(options.stations):
            recording = store.recordings.get(uuid_of(number))
            loaded = store.readings.load(recording.id, fields=["frame", "time_s", "x", "valence"])
            stored = len(loaded["frame"])
            index = np.arange(stored if number in killed else count)
            values = values_of(number, count)[: len(index)]
            made = checksum(index, index / options.rate, index % 500, values)
            if checksum(*loaded.values()) != made:
                faults.append(f"{code_of(number)}: {stored} rows that are not the {len(index)} made")
            if number in killed:
                lost.append(killed[number] - stored)
            if recording.state != ("interrupted" if number in killed else "finished"):
                faults.append(f"{code_of(number)} is {recording.state}")
        waiting = sorted((spool_folder(store) or Path("/nowhere")).glob("*"))
        faults += [f"{each} still waits" for each in waiting]
        checked = store.check()
        faults, lines = faults + checked.altered + checked.without_consent, checked.lines
    print(f"{options.stations} recordings compared row by row; the audit log has {lines} lines")
    if lost:
        allowed = int(3 * options.commit_s * options.rate * options.speed) + 20
        print(f"killed stations lost their last {max(lost)} readings at most")
        faults += [f"a killed station lost {each} readings" for each in lost if each > allowed]
    return faults


def tell(options: argparse.Namespace, found: list[Answer], about: dict[str, Any]) -> None:
    rows = sum(each["stored"] for each in found)
    usual = [each[0] for one in found for each in one["commits"] if not each[2]]
    late = [each for one in found for each in one["commits"] if each[2]]
    took_s = about["took_s"]
    print(f"{len(found)} stations, {rows} readings in {took_s:.0f} s: {rows / took_s:.0f} a second")
    shares = " / ".join(f"{1000 * np.percentile(usual, at):.1f}" for at in (50, 95, 99))
    print(f"a commit (50/95/99 %): {shares} ms, most {1000 * max(usual):.0f} ms, of {len(usual)}")
    if late:
        print(f"catching up: {len(late)} commits of up to {max(each[1] for each in late)} readings")
    connections = about["connections"]
    print(
        f"connections: {connections.most} at most, {connections.busy} of them busy; limit {connections.limit}"
    )
    for line in about["told"]:
        print(line)
    print(f"stations were up to {max(each['late_s'] for each in found):.1f} s behind their own pace")
    for trouble in sorted({trouble for each in found for trouble in each["troubles"]}):
        print(f"  said meanwhile: {trouble}")


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stations", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=60, help="of readings at each station")
    parser.add_argument("--rate", type=float, default=10, help="readings a second")
    parser.add_argument("--speed", type=float, default=8, help="so many times as quick as the clock")
    parser.add_argument("--commit-s", type=float, default=1.0, help="seconds between two commits")
    parser.add_argument("--outage", type=float, default=45, help="seconds without a server; 0 for none")
    parser.add_argument("--hold", type=float, default=12, help="seconds that a migration takes; 0 for none")
    parser.add_argument("--kills", type=int, default=2, help="stations killed while the server is away")
    parser.add_argument("--hasty", action="store_true", help="without fsync, as the tests have it")
    parser.add_argument("--url", help="an empty database on a server of yours")
    parser.add_argument("--stop", help="command that stops it")
    parser.add_argument("--start", help="command that starts it")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run it, print what was measured, and return 1 where something is missing."""
    options = parsed(arguments)
    with tempfile.TemporaryDirectory() as folder, server_of(options) as server:
        before = os.environ.get("MIEN_DATA")
        os.environ["MIEN_DATA"] = folder
        try:
            found, about = run(options, server)
            tell(options, found, about)
            faults = faults_of(options, server, found, about["killed"])
        finally:
            os.environ.pop("MIEN_DATA") if before is None else os.environ.update(MIEN_DATA=before)
    for each in faults:
        print(each)
    print("something is missing" if faults else "nothing lost, nothing twice, all in order")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
