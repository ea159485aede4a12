"""How `mien corpus` scales: two workers against one on this machine, memory, and a simulation of a cluster.

    python benchmarks/scale.py measure VIDEO            # processes of this machine
    python benchmarks/scale.py measure VIDEO --engine ray
    python benchmarks/scale.py driver                   # what the driver spends on each input, on Ray
    python benchmarks/scale.py simulate                 # by the costs that these measured
    python benchmarks/scale.py killed FOLDER            # drivers and nodes of a cluster are killed
    python benchmarks/scale.py parts VIDEO...           # one long film by two workers, against one

Efficiency is the rate of two workers over twice that of one, with start-up (importing, loading networks) and
without it. A worker's film is decoded beside its networks, so that one alone uses more than one core where it
may: the rate of one is measured on one core, as a cluster gives it, and on all.
"""

from __future__ import annotations

import argparse
import heapq
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time, sleep

import numpy as np

from mien.corpus.corpus import Corpus
from mien.corpus.engines import on_ray
from mien.corpus.parts import Job
from mien.corpus.reader import Outcome
from mien.corpus.storage import Found
from mien.corpus.version import Input


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("video", type=Path)
    measuring.add_argument("--engine", default="local", choices=("local", "ray"))
    measuring.add_argument("--inputs", type=int, default=12)
    measuring.add_argument("--workers", type=int, help=argparse.SUPPRESS)
    commands.add_parser("driver")
    simulating = commands.add_parser("simulate")
    simulating.add_argument("--inputs", type=int, default=10_000)
    simulating.add_argument("--minutes", type=float, default=30, help="median length of a video")
    simulating.add_argument("--speed", type=float, default=4.0, help="seconds of video read in a second")
    simulating.add_argument("--start", type=float, default=10.0, help="seconds until a worker is up")
    simulating.add_argument("--driver", type=float, default=0.002, help="the driver's seconds for an input")
    simulating.add_argument("--commit", type=float, default=0.5, help="seconds of an input's requests")
    simulating.add_argument("--store", type=float, default=1000, help="megabytes a second from the store")
    simulating.add_argument("--line", type=float, default=100, help="megabytes a second to one worker")
    simulating.add_argument("--rate", type=float, default=0.25, help="megabytes of a second of video")
    killing = commands.add_parser("killed")
    killing.add_argument("folder", type=Path)
    killing.add_argument("--kills", type=int, default=10)
    killing.add_argument("--seed", type=int, default=0)
    parting = commands.add_parser("parts")
    parting.add_argument("videos", type=Path, nargs="+", help="what the film is strung of")
    parting.add_argument("--minutes", type=float, default=6, help="length of the film")
    parting.add_argument("--part-minutes", type=float, default=1)
    options = parser.parse_args()
    {"measure": measure, "driver": driver, "simulate": simulate, "killed": killed,
     "parts": parts}[options.command](options)  # fmt: skip


def measure(options: argparse.Namespace) -> None:
    """Print rate, efficiency and memory of one and two workers, each in a process of its own."""
    if options.workers:
        one_run(options)
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores before")
    rates = []
    every = os.sched_getaffinity(0)
    for workers, cores in ((1, {min(every)}), (1, every), (2, every)):
        few, many = (told(options, workers, cores, inputs) for inputs in (options.inputs, 2 * options.inputs))
        whole, warm, peak, start, spent = many
        further = (spent - few[-1]) / options.inputs
        rates.append((whole, warm))
        print(
            f"{workers} of {options.engine} on {len(cores)} cores: {whole:.3f} inputs a second, {warm:.3f}"
            f" without start-up ({start:.1f} s to the first)"
            # Ray's workers are no children of this process: their time and memory are not seen here.
            + (
                f", {further:.2f} s of processor for each further input, {peak:.0f} MB at most in one process"
                if options.engine == "local"
                else ""
            )
        )
    two = rates.pop()
    for what, one in zip(("that has one core", "that has them all"), rates, strict=True):
        ratios = [both / alone / 2 for both, alone in zip(two, one, strict=True)]
        print(f"efficiency against one {what}: {ratios[0]:.2f}, {ratios[1]:.2f} without start-up")


def told(options: argparse.Namespace, workers: int, cores: set[int], inputs: int) -> list[float]:
    """Return what a run in a process of its own, on some of the cores, says."""
    command = [sys.executable, __file__, "measure", options.video, "--engine", options.engine]
    command += ["--inputs", inputs, "--workers", workers]
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)  # children have it from here
    try:
        done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    finally:
        os.sched_setaffinity(0, before)
    return list(map(float, done.stdout.split()[-5:]))


def one_run(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp(prefix="mien-scale-"))
    try:
        for number in range(options.inputs):
            shutil.copy(options.video, folder / f"{number}{options.video.suffix}")
        at: list[float] = []
        start = perf_counter()
        Corpus(folder / "corpus").analyze(
            folder, engine=options.engine, workers=options.workers,
            progress=lambda now: at.append(perf_counter() - start) if now.run_inputs else None,
        )  # fmt: skip
        # By rusage, the largest process: with one local worker this one, else one of the workers.
        who = resource.RUSAGE_SELF if options.workers == 1 else resource.RUSAGE_CHILDREN
        peak = resource.getrusage(who).ru_maxrss / 1024
        first = at[options.workers - 1]
        warm = (len(at) - options.workers) / (at[-1] - first)
        used = [resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        spent = sum(each.ru_utime + each.ru_stime for each in used)
        print(len(at) / at[-1], warm, peak, at[0], spent)
    finally:
        shutil.rmtree(folder)


class Idle:
    """Reads nothing, at once."""

    def read(self, job: Job) -> Outcome:
        """Return at once."""
        return died(job.what)


def died(what: Input) -> Outcome:
    """Return what becomes of an input."""
    return Outcome(what.key, "", "", 0, 0.0, 0.0)


def driver(options: argparse.Namespace) -> None:
    """Print what the driver spends on an input that takes no time."""
    inputs = [Input.of(Found(str(n), str(n), str(n), 1, ""), str(n)) for n in range(2000)]
    outcomes = on_ray(Idle, inputs, 2, died)  # type: ignore[arg-type]
    next(outcomes)
    start, spent = perf_counter(), process_time()
    many = sum(1 for _ in outcomes)
    print(
        f"{1000 * (process_time() - spent) / many:.2f} ms of the driver's processor an input,"
        f" {1000 * (perf_counter() - start) / many:.2f} ms of two idle workers' time"
    )


def killed(options: argparse.Namespace) -> None:
    """Kill drivers, and with every third a node, and compare all tables with an undisturbed run's."""
    from ray.cluster_utils import Cluster

    os.environ |= {"PYTHONPATH": os.pathsep.join(sys.path), "RAY_USAGE_STATS_ENABLED": "0"}
    random = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as name:
        alone, disturbed = Path(name, "alone"), Path(name, "disturbed")
        start = perf_counter()
        subprocess.run(
            analyzing(options.folder, alone, "--workers", "2"), check=True, stdout=subprocess.DEVNULL
        )
        print(
            f"undisturbed, on this machine: {done(alone)} inputs in {perf_counter() - start:.0f} s",
            flush=True,
        )
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        command = analyzing(options.folder, disturbed, "--engine", "ray", "--address", cluster.address)
        goals = np.sort(random.integers(1, done(alone), options.kills))
        start = perf_counter()
        for turn, goal in enumerate(goals):
            run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while done(disturbed) < goal and run.poll() is None:
                sleep(random.uniform(0.0, 0.3))
            if turn % 3 == 2:
                cluster.remove_node(nodes.pop(0), allow_graceful=False)
                nodes.append(cluster.add_node(num_cpus=1))
            run.kill()
            run.wait()
            print(f"a driver was killed after {done(disturbed)} inputs", flush=True)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        took_s = perf_counter() - start
        cluster.shutdown()
        files = [
            {path.relative_to(corpus): path.read_bytes() for path in corpus.rglob("*.parquet")}
            for corpus in (alone, disturbed)
        ]
        other = [
            str(name)
            for name in files[0].keys() | files[1].keys()
            if files[0].get(name) != files[1].get(name)
        ]
        print(f"after {options.kills} killed drivers, {options.kills // 3} nodes: {took_s:.0f} s")
        print(f"{len(files[0])} tables, of which {len(other)} differ", *sorted(other)[:10])
    raise SystemExit(bool(other))


def parts(options: argparse.Namespace) -> None:
    """Read a film strung of pieces of others whole and in parts, and compare times and tables."""
    with tempfile.TemporaryDirectory() as name:
        film = Path(name, "film.mp4")
        string(options.videos, film, 60 * options.minutes)
        every, times, files = os.sched_getaffinity(0), [], []
        for workers, cores, minutes in (
            (1, {min(every)}, 0),
            (1, every, 0),
            (2, every, options.part_minutes),
        ):
            corpus = Path(name, f"{len(cores)}-{workers}")
            os.sched_setaffinity(0, cores)
            start = perf_counter()
            told = ["--workers", str(workers), "--part-minutes", str(minutes)]
            subprocess.run(analyzing(film, corpus, *told), check=True, stdout=subprocess.DEVNULL)
            times.append(perf_counter() - start)
            os.sched_setaffinity(0, every)
            files.append({path.name: path.read_bytes() for path in corpus.rglob("*.parquet")})
            print(
                f"{workers} on {len(cores)} cores, parts of {minutes:g} minutes: {times[-1]:.0f} s",
                flush=True,
            )
        print(
            f"efficiency of two, with start-up, against one core {times[0] / times[2] / 2:.2f},"
            f" against both {times[1] / times[2] / 2:.2f}"
        )
        print("the same tables" if files[0] == files[1] == files[2] else "other tables")
    raise SystemExit(files[0] != files[2])


def string(videos: list[Path], film: Path, length_s: float) -> None:
    """Write a film of pieces of 2 to 9 seconds, from anywhere in some videos; each begins with a cut."""
    import av
    import cv2

    random, pieces = np.random.default_rng(0), []
    for video in videos:
        with av.open(str(video)) as source:
            pieces.append(
                [cv2.resize(each.to_ndarray(format="rgb24"), (640, 360)) for each in source.decode(video=0)]
            )
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        left = int(25 * length_s)
        while left > 0:
            pictures = pieces[random.integers(len(pieces))]
            start, many = int(random.integers(len(pictures) - 50)), int(random.integers(50, 225))
            for picture in pictures[start : start + min(many, left)]:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                left -= 1
        container.mux(stream.encode())


def analyzing(folder: Path, corpus: Path, *arguments: str) -> list[str]:
    """Return the command that reads a folder into a corpus."""
    return [sys.executable, "-m", "mien", "corpus", "analyze", str(folder), "--out", str(corpus), *arguments]


def done(corpus: Path) -> int:
    """Return how many inputs have their mark."""
    return len(list(corpus.glob("*/done/*.json")))


def simulate(options: argparse.Namespace) -> None:
    """Print how long many workers take, and how busy the driver and the store are."""
    made = np.random.default_rng(0)
    lengths = np.sort(60 * options.minutes * made.lognormal(0, 0.5, options.inputs))[::-1]
    alone = float(lengths.sum()) / options.speed
    print(f"{options.inputs} videos, {lengths.sum() / 3600:.0f} h, the longest {lengths[0] / 3600:.1f} h")
    for workers in (1, 10, 100, 300, 1000, 3000):
        end, driver_s = run(lengths, workers, options)
        store = float(lengths.sum()) * options.rate / end
        print(
            f"{workers:5} workers: {end / 3600:8.2f} h, efficiency {alone / workers / end:.2f}, driver busy"
            f" {driver_s / end:.1%}, store {store:.0f} MB/s ({store / options.store:.1%})"
        )


def run(lengths: np.ndarray, workers: int, options: argparse.Namespace) -> tuple[float, float]:
    """Return when the last input is done, and how long the driver was busy; it serves one at a time."""
    ready = [(options.start, worker) for worker in range(workers)]
    free, busy, end = 0.0, 0.0, 0.0
    for length in lengths:
        asks, worker = heapq.heappop(ready)
        free = max(free, asks) + options.driver
        busy += options.driver
        done = free + length * options.rate / options.line + length / options.speed + options.commit
        end = max(end, done)
        heapq.heappush(ready, (done, worker))
    return max(end, float(lengths.sum()) * options.rate / options.store), busy


if __name__ == "__main__":
    main()
