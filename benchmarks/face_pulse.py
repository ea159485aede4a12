"""Pulse from the face: is the rate right where it is given, and is it left out where there is none?

    python benchmarks/face_pulse.py --films 30 --traces build/pulse

Films are made of London's photographs and real pulses (`made_pulse.py`), of other people and other waves than
those on which the quality was fitted. The forehead and cheek clips of `video/no-pulse` have no landmarks; the
whole clip is taken as skin. All of it is in the shared data.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import NamedTuple

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from made_pulse import Film, Filmed, Floats, Wave, read_waves, write_film
from mien.config import load_settings
from mien.pipeline import Pipeline
from mien.signals.face_pulse import WINDOW_S, FacePulses
from mien.signals.skin import skin_colours
from mien.source import open_source
from mien.types import Frame

TUNE, MEASURE = "tune", "measure"
CRF = (None, 18, 23, 28)


class Trace(NamedTuple):
    """A film's times, the colours of its skin, its landmarks, and when the heart beat."""

    times: Floats
    colours: Floats
    landmarks: Floats
    beats: Floats
    kilobytes: float


class Window(NamedTuple):
    """One second's reading beside the truth."""

    film: Film
    rate_bpm: float | None
    quality: float
    truth_bpm: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Pulse from the face.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--films", type=int, default=30)
    parser.add_argument("--people", choices=(TUNE, MEASURE), default=MEASURE)
    parser.add_argument(
        "--traces", type=Path, help="keep what is read of the films here, and take it from here"
    )
    chosen = parser.parse_args()
    data, console = chosen.shared / "data", Console(width=110)
    pipeline = Pipeline(load_settings(threads=1))
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.traces or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        windows = []
        for film, wave in films(data, chosen.people, chosen.films):
            trace = read(film, wave, data, folder / f"{chosen.people}{film.seed:03d}.npz", pipeline)
            windows += list(judged(film, trace))
    console.print(table_of_films(windows))
    console.print(table_of_quality(windows))
    console.print(table_of_clips(data / "video" / "no-pulse"))
    console.print(speed(pipeline, data))


def films(data: Path, which: str, count: int) -> Iterator[tuple[Film, Wave]]:
    """Yield films drawn at random, of one half of the people and of the waves."""
    with (data / "people" / "london" / "people.csv").open() as file:
        people = list(csv.DictReader(file))
    dark = [each["id"] for each in people if each["ethnicity"] in ("black", "west_asian")]
    light = [each["id"] for each in people if each["id"] not in dark]
    half = (TUNE, MEASURE).index(which)
    waves = read_waves(data / "signals", (range(1, 11), range(11, 21))[half], finger=which == MEASURE)
    random = np.random.default_rng(half + 1)
    for seed in range(count):
        person = str(random.choice(dark[half::2] if random.random() < 0.4 else light[half::2]))
        wave = int(random.integers(len(waves)))
        rgb = (0.0, 1.0, 0.0)
        if random.random() < 0.8:
            red, green, blue = np.array([0.43, 1.0, 0.69]) * random.uniform(0.75, 1.25, 3)
            rgb = float(red), float(green), float(blue)
        film = Film(
            person,
            wave,
            float(random.choice([0, 0, 0.003, 0.005, 0.0075, 0.01])),
            rgb,
            float(random.choice([1, 2, 4])),
            str(random.choice(["still", "sway", "talk"], p=[0.4, 0.4, 0.2])),
            str(random.choice(["steady", "drift", "steps", "flicker"], p=[0.4, 0.25, 0.15, 0.2])),
            CRF[int(random.integers(4))],
            int(random.choice([12, 15, 30, 250])),
            float(random.choice([30, 25, 15], p=[0.5, 0.3, 0.2])),
            seed,
        )
        yield film, waves[wave]


class Unwritten:
    """Frames as a source, without a file."""

    name, live, report = "made", False, None

    def __init__(self, images: list[np.ndarray], fps: float) -> None:
        self._images, self._fps = images, fps

    def frames(self) -> Iterator[Frame]:
        """Yield them at their times."""
        for index, image in enumerate(self._images):
            yield Frame(image, index, index / self._fps, self.name)

    def close(self) -> None:
        """Do nothing."""


def read(film: Film, wave: Wave, data: Path, kept: Path, pipeline: Pipeline) -> Trace:
    """Make a film and read the colours of its skin, unless that has been done."""
    if not kept.exists():
        made = Filmed(data / "people" / "london" / "neutral" / f"{film.person}.jpg", pipeline)
        images, path = made.frames(film, wave), kept.with_suffix(".mkv")
        source = Unwritten(images, film.fps)
        if film.crf is not None:
            write_film(path, images, film)
            source = open_source(str(path))
        times, colours, landmarks = [], [], []
        for frame, faces in pipeline.stream(source):
            there = faces.landmarks[0] if len(faces) else np.full((68, 2), np.nan, np.float32)
            times.append(frame.time_s)
            colours.append(skin_colours(frame.image, there))
            landmarks.append(there)
        size = path.stat().st_size / 1000 if film.crf is not None else 0.0
        path.unlink(missing_ok=True)
        np.savez_compressed(
            kept, times=times, colours=colours, landmarks=landmarks, beats=wave.beats_s, kb=size
        )
    with np.load(kept) as file:
        return Trace(*(file[name] for name in ("times", "colours", "landmarks", "beats")), float(file["kb"]))


def judged(film: Film, trace: Trace) -> Iterator[Window]:
    """Yield the readings of a film beside the mean rate of the same 12 s by the beats of the wave."""
    pulses = FacePulses()
    for time_s, colours, landmarks in zip(trace.times, trace.colours, trace.landmarks, strict=True):
        seen = {0: (colours, landmarks)} if np.isfinite(landmarks).all() else {}
        for reading in pulses.add(float(time_s), seen):
            if reading.time_s >= WINDOW_S:
                beats = trace.beats
                inside = beats[(beats >= reading.time_s - WINDOW_S - 0.5) & (beats <= reading.time_s + 0.5)]
                truth = 60 * (len(inside) - 1) / (inside[-1] - inside[0])
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
        f"{(errors <= 2).mean():.1%}" if len(errors) else "",
        f"{np.median(errors):.2f}, {errors.max():.1f}" if len(errors) else "",
        f"{1 - false / len(none):.1%} of {len(none)}" if none else "",
    ]


def table_of_films(windows: list[Window]) -> Table:
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
        "amplitude": sorted({each.film.amplitude for each in windows}),
        "crf": CRF,
        "motion": ("still", "sway", "talk"),
        "light": ("steady", "drift", "steps", "flicker"),
        "fps": (30.0, 25.0, 15.0),
    }
    for part, values in parts.items():
        for value in values:
            some = [each for each in windows if getattr(each.film, part) == value]
            if some:
                table.add_row(*row(f"{part} {value:.2%}" if part == "amplitude" else f"{part} {value}", some))
    dark = dark_people()
    for name, are in (("darker skin", True), ("lighter skin", False)):
        table.add_row(*row(name, [each for each in windows if (each.film.person in dark) == are]))
    return table


def dark_people() -> set[str]:
    shared = Path(os.environ.get("MIEN_SHARED", "../shared"))
    with (shared / "data" / "people" / "london" / "people.csv").open() as file:
        return {row["id"] for row in csv.DictReader(file) if row["ethnicity"] in ("black", "west_asian")}


def table_of_quality(windows: list[Window]) -> Table:
    """Return how often a rate was right, by its quality, of the readings that were given."""
    table = Table("quality", "readings", "mean quality", "within 2 bpm", title="calibration")
    edges = (0.65, 0.75, 0.85, 0.95, 1.01)
    for low, high in pairwise(edges):
        some = [each for each in windows if each.rate_bpm is not None and low <= each.quality < high]
        right = [each.film.amplitude > 0 and abs(each.rate_bpm - each.truth_bpm) <= 2 for each in some]
        if some:
            mean = np.mean([each.quality for each in some])
            table.add_row(f"{low} to {min(high, 1)}", str(len(some)), f"{mean:.2f}", f"{np.mean(right):.1%}")
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
                parts = image[:100], image[100:, :100], image[100:, 100:]
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
