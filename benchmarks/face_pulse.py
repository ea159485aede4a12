"""Pulse from the face: is the rate right where it is given, and is it left out where there is none?

    python benchmarks/face_pulse.py --films 100 --traces runs/pulse

Films are made of London's photographs and real pulses (`made_pulse.py`), of other people and other waves than
those on which the quality was fitted (`fit_pulse_quality.py`). The clips of `video/no-pulse` show forehead or
cheek and have no landmarks; the whole clip is taken as skin. All of it is in the shared data.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import NamedTuple

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from fit_pulse_quality import formula_colours
from made_pulse import CRF, LENGTH_S, LIGHTS, MEASURE, Film, Trace, people, traces
from mien.config import load_settings
from mien.pipeline import Pipeline
from mien.signals.face_pulse import LEAST_QUALITY, WITHIN_BPM, FacePulses
from mien.signals.pulse_window import WINDOW_S
from mien.signals.skin import REGIONS
from mien.source import open_source
from mien.types import Frame

AMPLITUDES = (0.002, 0.003, 0.005, 0.0075, 0.01)


class Window(NamedTuple):
    """One second's reading beside the truth."""

    film: Film
    rate_bpm: float | None
    quality: float
    truth_bpm: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Pulse from the face.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--films", type=int, default=100)
    parser.add_argument("--formula", type=int, default=60, help="so many courses of colour by a formula")
    parser.add_argument("--traces", type=Path, default=Path("runs/pulse"), help="where traces are kept")
    chosen = parser.parse_args()
    data, console = chosen.shared / "data", Console(width=120)
    pipeline = Pipeline(load_settings(threads=1, redetect_s=LENGTH_S))
    made = traces(data, MEASURE, chosen.films, chosen.traces, pipeline)
    windows = [window for film, trace in made for window in judged(film, trace)]
    dark = set(people(data, MEASURE)[0])
    console.print(table_of_films(windows, dark))
    console.print(table_of_curve(windows, dark))
    console.print(table_of_quality(windows))
    console.print(table_of_formula(chosen.formula))
    console.print(table_of_clips(data / "video" / "no-pulse"))
    console.print(speed(pipeline, data))


def judged(film: Film, trace: Trace) -> Iterator[Window]:
    """Yield the readings of a film beside the mean rate of the same 12 s by the beats of the wave."""
    pulses = FacePulses()
    parts = (trace.times, trace.colours, trace.cells, trace.landmarks)
    for time_s, colours, background, landmarks in zip(*parts, strict=True):
        seen = {0: (colours, landmarks)} if np.isfinite(landmarks).all() else {}
        for reading in pulses.add(float(time_s), seen, background):
            if reading.time_s >= WINDOW_S:
                truth = trace.rate_bpm(reading.time_s - WINDOW_S, reading.time_s)
                yield Window(film, reading.rate_bpm, reading.quality, truth)


def row(name: str, windows: list[Window]) -> list[str]:
    given = [each for each in windows if each.rate_bpm is not None]
    errors = np.array([abs(each.rate_bpm - each.truth_bpm) for each in given if each.film.amplitude])
    none = [each for each in windows if not each.film.amplitude]
    false = sum(each.rate_bpm is not None for each in none)
    pulsed = len(windows) - len(none)
    return [
        name,
        str(len({each.film.seed for each in windows})),
        str(len(windows)),
        f"{len(errors)} ({len(errors) / pulsed:.0%})" if pulsed else "",
        f"{(errors <= WITHIN_BPM).mean():.1%}" if len(errors) else "",
        f"{np.median(errors):.2f}, {errors.max():.1f}" if len(errors) else "",
        f"{1 - false / len(none):.1%} of {len(none)}" if none else "",
    ]


def table_of_films(windows: list[Window], dark: set[str]) -> Table:
    heads = (
        "films",
        "number",
        "windows",
        "read",
        "within 2 bpm",
        "error: median, worst",
        "no pulse: no reading",
    )
    table = Table(*heads, title="made films, other people and waves")
    table.add_row(*row("all", windows))
    parts = {
        "amplitude": (0, *AMPLITUDES),
        "crf": CRF,
        "motion": ("still", "sway", "talk"),
        "light": LIGHTS,
        "spread": (0, 0.3, 0.6, 1),
        "fps": (30.0, 25.0, 15.0),
    }
    for part, values in parts.items():
        for value in values:
            some = [each for each in windows if getattr(each.film, part) == value]
            if some:
                table.add_row(*row(f"{part} {value:.2%}" if part == "amplitude" else f"{part} {value}", some))
    for name, are in (("darker skin", True), ("lighter skin", False)):
        table.add_row(*row(name, [each for each in windows if (each.film.person in dark) == are]))
    return table


def table_of_curve(windows: list[Window], dark: set[str]) -> Table:
    """Return, by amplitude, which share is read and how much of that is right, by skin and compression."""
    table = Table(
        "of pulsed windows", *(f"{each:.2%}" for each in AMPLITUDES), title="read, and right of these"
    )
    kinds = {
        "darker skin": lambda film: film.person in dark,
        "lighter skin": lambda film: film.person not in dark,
        **{f"crf {crf}": lambda film, crf=crf: film.crf == crf for crf in CRF},
    }
    for name, is_one in kinds.items():
        cells = []
        for amplitude in AMPLITUDES:
            some = [each for each in windows if each.film.amplitude == amplitude and is_one(each.film)]
            errors = [abs(each.rate_bpm - each.truth_bpm) for each in some if each.rate_bpm is not None]
            right = f", {np.mean(np.array(errors) <= WITHIN_BPM):.0%}" if errors else ""
            cells.append(f"{len(errors) / len(some):.0%} of {len(some)}{right}" if some else "")
        table.add_row(name, *cells)
    return table


def table_of_quality(windows: list[Window]) -> Table:
    """Return how often a rate was right, by its quality, of the readings that were given."""
    table = Table("quality", "readings", "mean quality", "within 2 bpm", title="calibration")
    edges = (LEAST_QUALITY, 0.85, 0.95, 1.01)
    for low, high in pairwise(edges):
        some = [each for each in windows if each.rate_bpm is not None and low <= each.quality < high]
        right = [
            each.film.amplitude > 0 and abs(each.rate_bpm - each.truth_bpm) <= WITHIN_BPM for each in some
        ]
        if some:
            mean = np.mean([each.quality for each in some])
            table.add_row(f"{low} to {min(high, 1)}", str(len(some)), f"{mean:.2f}", f"{np.mean(right):.1%}")
    return table


def table_of_formula(count: int) -> Table:
    """Return how often colours by a formula, which have no pulse, are read, with and without a background."""
    table = Table("background", "windows", "no reading", title="colours by a formula, no pulse")
    random = np.random.default_rng(77)
    found: dict[str, list[bool]] = {"seen": [], "not seen": []}
    for _ in range(count):
        times, colours, background, landmarks = formula_colours(random)
        pulses, name = FacePulses(), "seen" if np.isfinite(background).all() else "not seen"
        for time_s, colour, beside, points in zip(times, colours, background, landmarks, strict=True):
            readings = pulses.add(float(time_s), {0: (colour, points)}, beside)
            found[name] += [each.rate_bpm is None for each in readings if each.time_s >= WINDOW_S]
    for name, silent in found.items():
        table.add_row(name, str(len(silent)), f"{np.mean(silent):.1%}" if silent else "")
    return table


def table_of_clips(folder: Path) -> Table:
    table = Table("clip", "windows", "no reading", title="video/no-pulse, the whole clip as skin")
    landmarks = np.zeros((68, 2))
    landmarks[42:48] = 60, 0
    silent = total = 0
    for path in sorted(folder.glob("*.avi")):
        pulses, readings = FacePulses(), []
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                image = frame.to_ndarray(format="rgb24")
                halves = np.array_split(image, 2, axis=0)
                parts = [part for half in halves for part in np.array_split(half, len(REGIONS) // 2, axis=1)]
                colours = np.array([part.mean(axis=(0, 1)) for part in parts])
                colours[colours.min(axis=1) <= 0] = np.nan
                readings += pulses.add(float(frame.time), {0: (colours, landmarks)})
        whole = [each for each in readings if each.time_s >= WINDOW_S]
        none = sum(each.rate_bpm is None for each in whole)
        silent, total = silent + none, total + len(whole)
        table.add_row(path.stem, str(len(whole)), f"{none / len(whole):.1%}")
    table.add_row("all", str(total), f"{silent / total:.1%}")
    return table


def speed(pipeline: Pipeline, data: Path) -> str:
    """Return the time of one core that a frame of 640x640 with one face takes beyond finding it."""
    person = next(iter(sorted((data / "people" / "london" / "neutral").glob("*.jpg"))))
    [(frame, faces)] = pipeline.stream(open_source(str(person)))
    pulses, spent = FacePulses(), []
    for index in range(900):
        start = process_time()
        pulses.read(Frame(frame.image, index, index / 30, "made"), faces.fill(track=[0]))
        spent.append(process_time() - start)
    return f"{1000 * np.mean(spent[450:]):.2f} ms a frame of 640x640 at 30 a second, all included"


if __name__ == "__main__":
    main()
