"""Do the mood figures' intervals hold what they promise, and how long do the figures take?

    python benchmarks/mood_intervals.py
    python benchmarks/mood_intervals.py --runs 400 --autocorrelated

Each line says in which share of simulated recordings the 90 % interval held the true value. Faces
(`mood.simulated_face`, five readings a second, four people) are steady; or lively and quiet by turns, with no
rhythm or every two minutes. Their true value is that of all the half hours of the same person together. With
`--autocorrelated`, series of one reading a second with a known autocorrelation (AR(1)) instead. Then the time
for half an hour at ten readings a second, and for hours as they come in.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table
from scipy.signal import lfilter

from mien.labels import EMOTIONS
from mien.labels import MEASURES as COLUMNS
from mien.mood.estimate import Estimate
from mien.mood.figures import MEASURES, figures
from mien.mood.running import Running
from mien.mood.series import Series
from mien.mood.simulated_face import Face, Moment, changeable_recording, new_face, recording

Found = dict[str, Estimate | None]
Kind = Callable[[np.random.Generator, Face, float], Series]

SD = 0.2
NORMAL_RANGE = 2 * 1.6449
"""95th less 5th percentile of a normal distribution, in standard deviations."""
PEOPLE = 4
MINUTES = (10, 30)
"""Below 7.5 minutes no interval is given."""
RATE_HZ = 5.0
HOURS_ROWS = 400_000


def steady(random: np.random.Generator, face: Face, length_s: float) -> Series:
    return recording(random, face, Moment(), length_s=length_s, rate_hz=RATE_HZ)


def by_turns(random: np.random.Generator, face: Face, length_s: float) -> Series:
    return changeable_recording(random, face, length_s=length_s, rate_hz=RATE_HZ)


def in_rhythm(random: np.random.Generator, face: Face, length_s: float) -> Series:
    return changeable_recording(random, face, length_s=length_s, rate_hz=RATE_HZ, regular=True)


FACES: dict[str, Kind] = {"steady": steady, "by turns": by_turns, "in rhythm": in_rhythm}


def main() -> None:
    parser = argparse.ArgumentParser(description="Intervals of the mood figures, and their speed.")
    parser.add_argument("--runs", type=int, default=200, help="recordings for each share")
    parser.add_argument("--autocorrelated", action="store_true", help="series of known autocorrelation")
    chosen = parser.parse_args()
    console = Console(width=140)
    console.print(autocorrelated_table(chosen.runs) if chosen.autocorrelated else face_table(chosen.runs))
    console.print(speed())
    console.print(running_speed())


def face_table(runs: int) -> Table:
    """One line for each measure that has an interval."""
    heads = [f"{name}, {minutes} min" for name in FACES for minutes in MINUTES]
    table = Table("measure", *heads, title=f"% of {runs} intervals with the truth", box=MARKDOWN)
    held = [column for kind in FACES.values() for column in held_by_faces(kind, runs)]
    for name, measure in MEASURES.items():
        if measure.interval and any(name in column for column in held):
            table.add_row(name, *(percent(column.get(name, [])) for column in held))
    return table


def held_by_faces(kind: Kind, runs: int) -> list[dict[str, list[bool]]]:
    """For each length: name -> whether each recording's interval held the truth."""
    held: list[defaultdict[str, list[bool]]] = [defaultdict(list) for _ in MINUTES]
    for person in range(PEOPLE):
        face = new_face(np.random.default_rng(person))
        for minutes, column in reversed(list(zip(MINUTES, held, strict=True))):
            parts = [
                kind(np.random.default_rng([person, minutes, run]), face, 60.0 * minutes)
                for run in range(runs // PEOPLE)
            ]
            if minutes == max(MINUTES):
                truth = figures(parts)
            for part in parts:
                hold(column, figures([part]), truth)
    return [dict(column) for column in held]


def hold(column: defaultdict[str, list[bool]], found: Found, truth: Found) -> None:
    for name, each in found.items():
        true = truth[name]
        if each is not None and each.low is not None and each.high is not None and true is not None:
            column[name].append(each.low <= true.value <= each.high)


def percent(held: Sequence[bool]) -> str:
    return f"{100 * np.mean(held):.0f}" if held else "-"


def autocorrelated_table(runs: int) -> Table:
    names = ("valence_mean", "valence_sd", "dynamic_range", "instability", "inertia")
    table = Table("minutes", "autocorrelation", *names, box=MARKDOWN)
    for minutes in MINUTES:
        for rho in (0.0, 0.5, 0.8, 0.9, 0.95):
            truths = (0, SD, NORMAL_RANGE * SD, 2 * SD**2 * (1 - rho), rho)
            truth: Found = {
                name: Estimate(true, None, None, 0) for name, true in zip(names, truths, strict=True)
            }
            column: defaultdict[str, list[bool]] = defaultdict(list)
            for seed in range(runs):
                found = figures([autocorrelated(60 * minutes, rho, seed)])
                hold(column, {name: found[name] for name in names}, truth)
            table.add_row(str(minutes), f"{rho}", *(percent(column[name]) for name in names))
    return table


def autocorrelated(count: int, rho: float, seed: int) -> Series:
    noise = np.random.default_rng(seed).normal(0, SD * np.sqrt(1 - rho**2), count + 500)
    return of_valence(np.arange(count), lfilter([1], [1, -rho], noise)[500:])


def of_valence(time_s: NDArray[np.floating], valence: NDArray[np.floating]) -> Series:
    """A face that is happy with a probability that follows its valence."""
    count = len(time_s)
    happy = np.clip(0.4 + valence, 0, 1)
    p = np.zeros((count, len(EMOTIONS)))
    p[:, 0], p[:, 1] = 1 - happy, happy
    whole = np.ones(count)
    measures = np.random.default_rng(0).normal(0, 0.2, (count, len(COLUMNS)))
    return Series(
        time_s, whole, whole, whole, whole, p, p.argmax(1), p.max(1), valence, 0 * valence, measures
    )


def lively(count: int) -> Series:
    noise = np.random.default_rng(0).normal(0, 0.05, count)
    return of_valence(np.arange(count) / 10, lfilter([1], [1, -0.97], noise))


def speed() -> str:
    series = lively(18_000)
    taken = []
    for _ in range(7):
        start = time.process_time()
        figures([series])
        taken.append(time.process_time() - start)
    return f"figures() of 18,000 rows: {1000 * np.median(taken):.0f} ms (median of 7)"


def running_speed() -> str:
    """The first and the last tenth of hours of steps that are all a little different, asked every second."""
    series = lively(HOURS_ROWS)
    time_s = np.cumsum(np.random.default_rng(1).uniform(0.05, 0.15, HOURS_ROWS))
    running, taken = Running(), []
    start = time.process_time()
    rows = zip(time_s, series.probabilities, series.expression, series.valence, series.arousal, strict=True)
    for place, row in enumerate(rows, 1):
        running.push(*row)
        if place % 10 == 0:
            running.figures()
        if place % (HOURS_ROWS // 10) == 0:
            taken.append(time.process_time() - start)
    first, *_, before, last = taken
    us = 1e6 / (HOURS_ROWS // 10)
    return (
        f"Running, {HOURS_ROWS:,} rows ({time_s[-1] / 3600:.0f} hours): {last:.0f} s; "
        f"a row {us * first:.0f} us in the first tenth, {us * (last - before):.0f} us in the last"
    )


if __name__ == "__main__":
    main()
