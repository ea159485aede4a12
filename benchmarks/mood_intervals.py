"""Do the mood figures' intervals hold what they promise, and how long do the figures take?

    python benchmarks/mood_intervals.py

Series of one reading a second with known autocorrelation (AR(1)) are simulated; each line says in which share
of them the 90 % interval held the true value. Then the time for half an hour at ten readings a second.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.signal import lfilter

from mien.labels import EMOTIONS, MEASURES
from mien.mood.figures import figures
from mien.mood.running import Running
from mien.mood.series import Series

SD = 0.2
NORMAL_RANGE = 2 * 1.6449
"""95th less 5th percentile of a normal distribution, in standard deviations."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Intervals of the mood figures, and their speed.")
    parser.add_argument("--runs", type=int, default=400, help="simulations for each line")
    chosen = parser.parse_args()
    console = Console(width=110)
    console.print(coverage_table(chosen.runs))
    console.print(speed())


def coverage_table(runs: int) -> Table:
    truths = ("valence_mean", "valence_sd", "dynamic_range", "instability", "inertia")
    table = Table("minutes", "autocorrelation", *truths, title=f"share of {runs} intervals with the truth")
    for minutes in (2, 5, 30):
        for rho in (0.0, 0.5, 0.8, 0.9, 0.95):
            table.add_row(str(minutes), f"{rho}", *coverage(60 * minutes, rho, runs, truths))
    return table


def coverage(count: int, rho: float, runs: int, names: tuple[str, ...]) -> list[str]:
    truth = dict(zip(names, (0, SD, NORMAL_RANGE * SD, 2 * SD**2 * (1 - rho), rho), strict=True))
    held = dict.fromkeys(names, 0)
    for seed in range(runs):
        noise = np.random.default_rng(seed).normal(0, SD * np.sqrt(1 - rho**2), count + 500)
        found = figures([face(np.arange(count), lfilter([1], [1, -rho], noise)[500:])])
        for name in names:
            each = found[name]
            held[name] += each is not None and each.low <= truth[name] <= each.high
    return [f"{100 * held[name] / runs:.0f} %" for name in names]


def face(time_s: np.ndarray, valence: np.ndarray) -> Series:
    """A face that is happy with a probability that follows its valence."""
    count = len(time_s)
    happy = np.clip(0.4 + valence, 0, 1)
    p = np.zeros((count, len(EMOTIONS)))
    p[:, 0], p[:, 1] = 1 - happy, happy
    whole = np.ones(count)
    measures = np.random.default_rng(0).normal(0, 0.2, (count, len(MEASURES)))
    return Series(
        time_s, whole, whole, whole, whole, p, p.argmax(1), p.max(1), valence, 0 * valence, measures
    )


def speed() -> str:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.05, 18_000)
    series = face(np.arange(18_000) / 10, lfilter([1], [1, -0.97], noise))
    taken = []
    for _ in range(7):
        start = time.perf_counter()
        figures([series])
        taken.append(time.perf_counter() - start)
    running = Running()
    start = time.perf_counter()
    rows = zip(
        series.time_s, series.probabilities, series.expression, series.valence, series.arousal, strict=True
    )
    for row in rows:
        running.push(*row)
    push_us = 1e6 * (time.perf_counter() - start) / len(series)
    start = time.perf_counter()
    running.figures()
    ask_us = 1e6 * (time.perf_counter() - start)
    return (
        f"figures() of 18,000 rows: {1000 * np.median(taken):.0f} ms (median of 7); "
        f"Running: {push_us:.0f} us a row, {ask_us:.0f} us to ask"
    )


if __name__ == "__main__":
    main()
