"""Fit how likely a pulse read in a face is right, and write the weights where the code reads them.

    python benchmarks/fit_pulse_quality.py --films 100 --traces runs/pulse

A logistic regression on the signs of each second's rate, on made films (`made_pulse.py`), on the same films
under a light that beats as regularly as a pulse, and on colours by a formula, many of them made to look like
a pulse. People and waves are not those of `face_pulse.py`, which measures the result; the reliability printed
here is of people left out in turn. A film takes seconds to make; what is read of it is kept in `--traces`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

import mien.signals
from made_pulse import CRF, FIT, LENGTH_S, PULSE_RGB, Film, Floats, Trace, beating_light, read_waves, traces
from mien.config import load_settings
from mien.pipeline import Pipeline
from mien.signals.face_pulse import LEAST_QUALITY, WITHIN_BPM, FacePulses
from mien.signals.pulse_evidence import SIGNS, doubted
from mien.signals.pulse_window import WINDOW_S

WRITTEN = Path(mien.signals.__file__).with_name("pulse_quality.json")
FORMULA, FILM, LIT = "formula", "film", "lit"
COUNTS = {FILM: 0.4, LIT: 0.2, FORMULA: 0.4}
"""How much each kind counts, however many there are of it."""


class Row(NamedTuple):
    """One second: whose, of what kind, with which amplitude, its signs, and whether the rate was right."""

    group: str
    kind: str
    amplitude: float
    signs: Floats
    right: bool


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the quality of the pulse from the face.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--formula", type=int, default=100, help="so many courses of colour by a formula")
    parser.add_argument("--traces", type=Path, default=Path("runs/pulse"), help="where traces are kept")
    parser.add_argument("--dry", action="store_true", help="print, and write nothing")
    chosen = parser.parse_args()
    data, console = chosen.shared / "data", Console(width=110)
    pipeline = Pipeline(load_settings(threads=1, redetect_s=LENGTH_S))
    rows: list[Row] = []
    for film, trace in traces(data, FIT, chosen.films, chosen.traces, pipeline):
        rows += judged(trace, film.amplitude, film.person, FILM)
        if film.light != "beat" and film.crf != CRF[-1]:
            for lit in lit_anew(film, trace):
                rows += judged(lit, film.amplitude, film.person, LIT)
    rows += formula_rows(data, chosen.formula)
    signs = np.array([row.signs[: len(SIGNS)] for row in rows])
    right = np.array([row.right for row in rows])
    groups, kinds = np.array([row.group for row in rows]), np.array([row.kind for row in rows])
    counts = np.array([COUNTS[kind] / (kinds == kind).sum() for kind in kinds]) * len(rows)
    left_out = np.zeros(len(rows))
    for others, these in GroupKFold(10).split(signs, right, groups):
        constant, weights = fitted(signs[others], right[others], counts[others])
        likely = 1 / (1 + np.exp(-(constant + signs[these] @ weights)))
        left_out[these] = [
            doubted(each, rows[index].signs) for each, index in zip(likely, these, strict=True)
        ]
    console.print(table_of_reliability(left_out, right, kinds))
    console.print(table_of_thresholds(left_out, rows))
    constant, weights = fitted(signs, right, counts)
    written = {
        "signs": SIGNS,
        "constant": round(constant, 3),
        "weights": [round(each, 3) for each in weights.tolist()],
        "films": chosen.films,
        "formula": chosen.formula,
        "windows": len(rows),
    }
    console.print(written)
    if not chosen.dry:
        WRITTEN.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def fitted(signs: Floats, right: Floats, counts: Floats) -> tuple[float, Floats]:
    """Return the constant and the weights of a logistic regression, shrunk a little."""
    middle, spread = signs.mean(axis=0), signs.std(axis=0)
    model = LogisticRegression(C=1.0, max_iter=1000).fit((signs - middle) / spread, right, counts)
    weights = model.coef_[0] / spread
    return float(model.intercept_[0] - weights @ middle), weights


def judged(trace: Trace, amplitude: float, group: str, kind: str) -> Iterator[Row]:
    """Yield each second's signs, and whether its rate is right."""
    found: list[Floats] = []

    def recorded(signs: Floats) -> float:
        found.append(signs)
        return 1.0

    pulses = FacePulses(judge=recorded)
    parts = (trace.times, trace.colours, trace.cells, trace.landmarks)
    for time_s, colours, background, landmarks in zip(*parts, strict=True):
        seen = {0: (colours, landmarks)} if np.isfinite(landmarks).all() else {}
        for reading in pulses.add(float(time_s), seen, background):
            if reading.rate_bpm is None or reading.time_s < WINDOW_S:
                continue
            truth = trace.rate_bpm(reading.time_s - WINDOW_S, reading.time_s) if amplitude else np.inf
            yield Row(group, kind, amplitude, found[-1], abs(reading.rate_bpm - truth) <= WITHIN_BPM)


def lit_anew(film: Film, trace: Trace) -> Iterator[Trace]:
    """Yield what is read of a film as if a beating light fell on it, less so beside the face."""
    random = np.random.default_rng((99, film.seed))
    for spread in (0.3, float(random.choice([0.3, 0.6, 1]))):
        light = beating_light(trace.times, random, 0.7)[:, None]
        yield trace._replace(colours=trace.colours * (1 + light), cells=trace.cells * (1 + spread * light))


def formula_rows(data: Path, count: int) -> Iterator[Row]:
    """Yield the seconds of colours by a formula, two in three without a pulse."""
    random = np.random.default_rng(5)
    waves = read_waves(data / "signals", range(1, 11), finger=False)
    for number in range(count):
        times, colours, background, landmarks = formula_colours(random)
        wave, amplitude = waves[random.integers(len(waves))], 0.0
        if number % 3 == 0:
            amplitude = float(random.choice([0.002, 0.003, 0.004, 0.006, 0.01]))
            tone = np.array([0.43, 1, 0.69]) * random.uniform(0.75, 1.25, 3)
            colours = colours * (1 + amplitude * wave.at(times)[:, None] * tone)[:, None]
        trace = Trace(times, colours, background, landmarks, wave.beats_s)
        yield from judged(trace, amplitude, f"{FORMULA} {number}", FORMULA)


def formula_colours(random: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Return times, colours (n, 8, 3), backgrounds (n, 3) and landmarks (n, 68, 2) without a pulse.

    They have noise, light, key frames and motion.
    """
    fps = random.choice([15, 25, 30])
    times = np.arange(int(LENGTH_S * fps)) / fps
    count = len(times)

    def noise(many: int, slope: float) -> Floats:
        hz = np.fft.rfftfreq(2 * count, 1 / fps)
        hz[0] = hz[1]
        parts = random.normal(size=(2, many, len(hz)))
        made = np.fft.irfft((parts[0] + 1j * parts[1]) / hz ** (slope / 2), axis=1)[:, :count]
        return (made / made.std(axis=1, keepdims=True)).T

    level = 10 ** random.uniform(-3.7, -2.3)
    own = level * random.uniform(0.2, 1) * noise(24, random.uniform(0, 1.5)).reshape(count, 8, 3)
    shared = level * random.uniform(0, 1) * noise(3, random.uniform(0.5, 2))
    light = 10 ** random.uniform(-3.5, -1.5) * noise(1, random.uniform(1, 2)) * random.uniform(0.9, 1.1, 3)
    moved = random.choice([0.3, 2, 5]) * noise(2, 1.5)
    if random.random() < 0.4:  # a camera's noise of colour, at times that of blood
        colour = random.normal(size=3) if random.random() < 0.5 else PULSE_RGB * random.uniform(0.6, 1.4, 3)
        light = light + level * random.uniform(0.5, 4) * noise(1, random.choice([0, 0, 0.5, 1])) * colour
    kind = random.random()
    if kind < 0.25:  # key frames
        phase = (times * random.uniform(0.7, 3) + random.random()) % 1
        comb = (1 - phase) ** random.uniform(1, 6)
        light = light + 10 ** random.uniform(-3.3, -2.3) * (comb - comb.mean())[:, None] * random.normal(
            size=3
        )
    elif kind < 0.5:  # a light shines regularly, or something moves so
        beat = np.sin(2 * np.pi * (random.uniform(0.7, 3) * times + np.cumsum(random.normal(0, 0.01, count))))
        colour = random.uniform(0.7, 1.3) + random.choice([0.02, 0.1, 0.4]) * random.normal(size=3)
        changed = 10 ** random.uniform(-3, -1.8) * beat[:, None] * colour
        if random.random() < 0.7:
            light = light + changed
        else:
            shared = shared + changed
            moved = moved + random.uniform(1, 5) * beat[:, None] * random.normal(size=2)
    lit = light[:, None] * random.uniform(0.8, 1.2, (1, 8, 1))
    background = 150 * np.exp(random.uniform(0.3, 1) * light + level * random.uniform(0.2, 1) * noise(3, 0.5))
    if random.random() < 0.2:  # a face that fills the picture
        background = np.full((count, 3), np.nan)
    landmarks = np.zeros((68, 2))
    landmarks[42:48, 0] = 60
    return times, 120 * np.exp(own + shared[:, None] + lit), background, landmarks + moved[:, None]


def table_of_reliability(quality: Floats, right: Floats, kinds: NDArray[np.str_]) -> Table:
    """Return how often rates are right, by their quality."""
    heads = [head for kind in COUNTS for head in (kind, "right")]
    table = Table("quality", *heads, title="reliability, people left out")
    for low, high in pairwise((0, 0.1, 0.3, 0.5, 0.65, 0.75, 0.85, 0.95, 1.001)):
        cells = [f"{low} to {min(high, 1)}"]
        for kind in COUNTS:
            some = (kinds == kind) & (quality >= low) & (quality < high)
            cells += [str(some.sum()), f"{right[some].mean():.1%}" if some.any() else ""]
        table.add_row(*cells)
    return table


def table_of_thresholds(quality: Floats, rows: list[Row]) -> Table:
    """Return what is read from each quality on."""
    heads = [f"{kind}: {head}" for kind in COUNTS for head in ("read", "right", "no pulse: no reading")]
    table = Table("from", *heads, title="thresholds")
    right, beating = np.array([row.right for row in rows]), np.array([row.amplitude > 0 for row in rows])
    kinds = np.array([row.kind for row in rows])
    for least in sorted({0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, LEAST_QUALITY}):
        read = quality >= least
        cells = [f"{least:.2f}"]
        for kind in COUNTS:
            these = kinds == kind
            given = these & read
            cells += [
                f"{read[these & beating].mean():.1%}",
                f"{right[given].mean():.1%}" if given.any() else "",
                f"{1 - read[these & ~beating].mean():.1%}",
            ]
        table.add_row(*cells)
    return table


if __name__ == "__main__":
    main()
