"""Made films of faces with a pulse: a photograph, moved, lit, and coloured by the wave of a real pulse.

The photographs are London's, the waves those of wrists (Stress-Predict, 64 Hz) and of a finger (PhysioNet
a103l), all in the shared data. What the film is made of is known, so the rate is known too. Films that
fit the quality and films that measure it share no person and no wave.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal, NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import signal
from scipy.io import loadmat

from mien.pipeline import Pipeline
from mien.signals.skin import background_colours, skin_colours
from mien.source import open_source
from mien.types import Frame

Floats = NDArray[np.float64]

SIDE_PX, SHRUNK, LENGTH_S = 240, 0.6, 24.0
PULSE_RGB = np.array([0.33, 0.77, 0.53])
"""How a pulse colours skin in white light (de Haan and van Leest 2014), here with green as 1."""
LEAST_RUN_S = 40.0
FIT, MEASURE = "fit", "measure"
Half = Literal["fit", "measure"]
CRF: Final = (None, 18, 23, 28)
LIGHTS: Final = ("steady", "drift", "steps", "flicker", "beat")


@dataclass(frozen=True)
class Wave:
    """A stretch of a real pulse.

    Attributes:
        values: of about -1 to 1.
        rate_hz: its sample rate.
        beats_s: when each beat was.
    """

    values: Floats
    rate_hz: float
    beats_s: Floats

    def at(self, times_s: Floats) -> Floats:
        """Return the wave at times."""
        return np.interp(times_s, np.arange(len(self.values)) / self.rate_hz, self.values)

    def faster(self, pace: float) -> Wave:
        """Return the same wave at another pace."""
        return Wave(self.values, self.rate_hz * pace, self.beats_s / pace)


@dataclass(frozen=True)
class Film:
    """How a film is made.

    Attributes:
        person: the photograph's number.
        wave: which one.
        amplitude: of the green of the skin, as a share; half of it from peak to trough.
        rgb: how strong red, green and blue are coloured.
        noise: standard deviation of each pixel's, of 255.
        motion: "still", "sway" or "talk".
        light: "steady", "drift", "steps", "flicker" as of a television, or "beat": as regular as a pulse, and
            often of its colour.
        spread: how much of the light's change falls on what is beside the face, as a share.
        exposure: how bright the picture is, as a share of the photograph's.
        smiling: which of the person's two photographs.
        pace: how much faster the wave runs than the heart did.
        crf: H.264's constant rate factor; None for no compression.
        gop: a key frame every so many frames.
        fps: frames a second.
        seed: of what is random.
    """

    person: str
    wave: int
    amplitude: float
    rgb: tuple[float, float, float] = (0.43, 1.0, 0.69)
    noise: float = 2.0
    motion: str = "still"
    light: str = "steady"
    spread: float = 1.0
    exposure: float = 1.0
    smiling: bool = False
    pace: float = 1.0
    crf: int | None = None
    gop: int = 250
    fps: float = 30.0
    seed: int = 0


def read_waves(signals: Path, people: range, *, finger: bool) -> list[Wave]:
    """Return the cleanest stretches of the people's wrists, two each, and of the finger."""
    waves = []
    for person in people:
        with gzip.open(signals / "stress-predict" / f"S{person:02d}" / "BVP.csv.gz", "rt") as file:
            values = np.loadtxt(file)
        waves += _cleanest(values[2:], float(values[1]), 2)
    if finger:
        header = (signals / "a103l.hea").read_text().splitlines()
        row = next(index for index, line in enumerate(header[1:]) if "PLETH" in line)
        waves += _cleanest(loadmat(signals / "a103l.mat")["val"][row].astype(float), 250.0, 2)
    return waves


def _cleanest(values: Floats, rate_hz: float, many: int) -> list[Wave]:
    """Return stretches in which the intervals between beats and their heights are most regular."""
    passed = signal.sosfiltfilt(signal.butter(2, (0.5, 5.0), "bandpass", fs=rate_hz, output="sos"), values)
    size = int(LEAST_RUN_S * rate_hz)
    found = []
    for start in range(int(20 * rate_hz), len(passed) - size, size):
        part = passed[start : start + size]
        if not (spread := np.percentile(np.abs(part), 95)):
            continue
        part = part / spread
        beats, _ = signal.find_peaks(part, distance=rate_hz * 0.33, prominence=0.6)
        if len(beats) < 25:
            continue
        steps = np.diff(beats) / rate_hz
        wobble = np.abs(np.diff(steps)).max() / steps.mean() + 0.3 * part[beats].std()
        found.append((wobble, start, Wave(part.clip(-2, 2), rate_hz, beats / rate_hz)))
    found.sort(key=lambda each: each[:2])
    return [wave for wobble, _, wave in found[:many] if wobble < 0.45]


class Filmed:
    """Makes films of one person's photograph.

    Args:
        photograph: the file.
        pipeline: finds the face.
    """

    def __init__(self, photograph: Path, pipeline: Pipeline) -> None:
        whole = cv2.imread(str(photograph))[:, :, ::-1]
        image = cv2.resize(whole, None, fx=SHRUNK, fy=SHRUNK, interpolation=cv2.INTER_AREA)
        landmarks = pipeline.read(image).landmarks[0].astype(float)
        centre = landmarks.mean(axis=0) - (0, 10)
        corner = (centre - SIDE_PX / 2).round().astype(int).clip(0, len(image) - SIDE_PX)
        self._corner = corner
        self._landmarks = landmarks - corner
        self._image = image[corner[1] : corner[1] + SIDE_PX, corner[0] : corner[0] + SIDE_PX].astype(
            np.float32
        )
        self._skin = self._find_skin()

    def _find_skin(self) -> NDArray[np.float32]:
        points = self._landmarks
        up = (points[36:48].mean(axis=0) - points[48:60].mean(axis=0)) * 0.8
        outline = np.concatenate([points[:17], points[17:27] + up])
        mask = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        cv2.fillConvexPoly(mask, cv2.convexHull(outline.astype(np.int32)), 1.0)
        for part in (slice(36, 42), slice(42, 48), slice(48, 60), slice(17, 22), slice(22, 27)):
            cv2.fillConvexPoly(mask, cv2.convexHull(points[part].astype(np.int32)), 0.0)
        neck = points[4:13] * (0.8, 1) + points[8] * (0.2, 0)
        neck = np.concatenate([neck, neck + np.array([0, 60])])
        cv2.fillConvexPoly(mask, cv2.convexHull(neck.astype(np.int32)), 1.0)
        return cv2.GaussianBlur(mask, (0, 0), 2)

    def frames(self, film: Film, wave: Wave) -> list[NDArray[np.uint8]]:
        """Return the frames, uint8 RGB, of a wave that has the film's pace already."""
        random = np.random.default_rng(film.seed)
        times_s = np.arange(int(LENGTH_S * film.fps)) / film.fps
        pulse = wave.at(times_s)
        moves, lights = _motion(film, times_s, random), _light(film, times_s, random)
        noises = random.normal(0, film.noise, (8, SIDE_PX + 32, SIDE_PX + 32, 3)).astype(np.float32)
        image = self._image * np.float32(film.exposure)
        pulsing = image * self._skin[:, :, None] * np.asarray(film.rgb, np.float32)
        lit = image * (film.spread + (1 - film.spread) * self._skin[:, :, None])
        middle = self._landmarks.mean(axis=0)
        frames = []
        for index in range(len(times_s)):
            picture = image + np.float32(film.amplitude * pulse[index]) * pulsing
            picture += lit * (lights[index] - 1).astype(np.float32)
            dx, dy, degrees, scale = moves[index]
            turn = cv2.getRotationMatrix2D(tuple(middle), degrees, scale)
            turn[:, 2] += dx, dy
            picture = cv2.warpAffine(picture, turn, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE)
            x, y = random.integers(0, 32, 2)
            picture += noises[random.integers(8), y : y + SIDE_PX, x : x + SIDE_PX]
            frames.append(np.rint(picture).clip(0, 255).astype(np.uint8))
        return frames


def _smooth(random: np.random.Generator, times_s: Floats, low_hz: float, high_hz: float, many: int) -> Floats:
    """Return noise of standard deviation 1 between two frequencies, (n, many)."""
    fps = 1 / (times_s[1] - times_s[0])
    sos = signal.butter(2, (low_hz, min(high_hz, 0.45 * fps)), "bandpass", fs=fps, output="sos")
    white = random.normal(size=(len(times_s) + int(20 * fps), many))
    passed = signal.sosfilt(sos, white, axis=0)[-len(times_s) :]
    return passed / passed.std(axis=0)


def _motion(film: Film, times_s: Floats, random: np.random.Generator) -> Floats:
    """Return (n, 4) shifts in pixels, degrees, and scale."""
    size = {"still": 0.3, "sway": 3.0, "talk": 4.5}[film.motion]
    top_hz = {"still": 0.5, "sway": 0.4, "talk": 2.5}[film.motion]
    moves = _smooth(random, times_s, 0.05, top_hz, 4) * size * (1, 0.7, 0.3, 0.002)
    moves[:, 3] += 1
    return moves


def _light(film: Film, times_s: Floats, random: np.random.Generator) -> Floats:
    """Return (n, 1, 1, 3) factors."""
    count = len(times_s)
    factors = np.ones((count, 3))
    if film.light == "drift":
        factors += 0.03 * _smooth(random, times_s, 0.03, 0.2, 1) + 0.006 * _smooth(
            random, times_s, 0.03, 0.2, 3
        )
    elif film.light == "steps":
        for _ in range(4):
            factors[random.integers(count) :] *= 1 + random.normal(0, 0.06) + random.normal(0, 0.02, 3)
    elif film.light == "flicker":  # such as a film on a television
        factors += 0.012 * _smooth(random, times_s, 0.3, 3.0, 1) + 0.004 * _smooth(
            random, times_s, 0.3, 3.0, 3
        )
    elif film.light == "beat":
        factors += beating_light(times_s, random, 0.5)
    return factors[:, None, None, :]


def beating_light(times_s: Floats, random: np.random.Generator, as_blood: float) -> Floats:
    """Return what a light that beats as regularly as a pulse changes, (n, 3), as a share of all light.

    Args:
        times_s: (n,) at even times.
        random: where numbers come from.
        as_blood: how likely it is of blood's colour, about, and not white.
    """
    hz, fps = random.uniform(0.7, 2.8), 1 / (times_s[1] - times_s[0])
    turns = 2 * np.pi * (hz * times_s + np.cumsum(random.normal(0, 0.03, len(times_s))) / fps)
    course = np.sin(turns) + 0.3 * np.sin(2 * turns - 1)
    colour = PULSE_RGB / 0.77 if random.random() < as_blood else np.ones(3)
    return np.asarray(
        10 ** random.uniform(-2.7, -1.8) * course[:, None] * colour * random.uniform(0.7, 1.3, 3)
    )


def write_film(path: Path, frames: list[NDArray[np.uint8]], film: Film) -> None:
    """Write the frames as H.264; uncompressed as FFV1 in Matroska where there is no rate factor."""
    with av.open(str(path), "w") as container:
        rate = Fraction(film.fps).limit_denominator(1000)
        codec, pixels = ("ffv1", "bgr0") if film.crf is None else ("libx264", "yuv420p")
        options = (
            {} if film.crf is None else {"crf": str(film.crf), "preset": "ultrafast", "g": str(film.gop)}
        )
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.width = stream.height = SIDE_PX
        stream.pix_fmt = pixels
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


class Trace(NamedTuple):
    """What is read of a film: its times, skin, background's cells and landmarks, and when the heart beat."""

    times: Floats
    colours: Floats
    cells: Floats
    landmarks: Floats
    beats: Floats

    def rate_bpm(self, from_s: float, to_s: float) -> float:
        """Return the mean rate between two times: how many beats there are, with their parts."""
        beats = self.beats
        turns = []
        for time_s in (from_s, to_s):
            last = int(np.clip(np.searchsorted(beats, time_s) - 1, 0, len(beats) - 2))
            turns.append(last + (time_s - beats[last]) / (beats[last + 1] - beats[last]))
        return 60 * (turns[1] - turns[0]) / (to_s - from_s)


def people(data: Path, half: Half) -> tuple[list[str], list[str]]:
    """Return half of London's people: those with dark skin, and all others.

    Of the first the individual typology angle is below 10 degrees, of the others above 30.
    """
    with (data / "people" / "london" / "people.csv").open() as file:
        kinds = {row["id"]: row["ethnicity"] for row in csv.DictReader(file)}
    first = [each for each in kinds if kinds[each] in ("black", "west_asian")]
    start = (FIT, MEASURE).index(half)
    chosen = first[start::2] + [each for each in kinds if each not in first][start::2]
    dark = [each for each in chosen if kinds[each] == "black"]
    return dark, [each for each in chosen if each not in dark]


def films(data: Path, half: Half, count: int) -> Iterator[tuple[Film, Wave]]:
    """Yield films drawn at random, of one half of the people and of the waves."""
    start = (FIT, MEASURE).index(half)
    dark, light = people(data, half)
    waves = read_waves(data / "signals", (range(1, 11), range(11, 21))[start], finger=half == MEASURE)
    for seed in range(count):
        random = np.random.default_rng((start + 1, seed))
        wave, pace = int(random.integers(len(waves))), float(random.choice([0.8, 1, 1, 1.25, 1.5]))
        rgb = (0.0, 1.0, 0.0)
        if random.random() < 0.85:
            red, green, blue = np.array([0.43, 1.0, 0.69]) * random.uniform(0.75, 1.25, 3)
            rgb = float(red), float(green), float(blue)
        lit = str(random.choice(LIGHTS, p=[0.35, 0.15, 0.1, 0.2, 0.2]))
        film = Film(
            person=str(random.choice(dark if random.random() < 0.5 else light)),
            wave=wave,
            amplitude=float(random.choice([0, 0.002, 0.003, 0.005, 0.0075, 0.01], p=[0.3, 0.1, *[0.15] * 4])),
            rgb=rgb,
            noise=float(random.choice([1, 2, 4])),
            motion=str(random.choice(["still", "sway", "talk"], p=[0.4, 0.4, 0.2])),
            light=lit,
            spread=float(random.choice([0.3, 0.6, 1] if lit == "beat" else [0, 0.3, 0.6, 1])),
            exposure=float(random.uniform(0.6, 1)),
            smiling=bool(random.random() < 0.3),
            pace=pace,
            crf=CRF[int(random.choice(4, p=[0.3, 0.3, 0.25, 0.15]))],
            gop=int(random.choice([12, 15, 30, 250])),
            fps=float(random.choice([30, 25, 15], p=[0.5, 0.3, 0.2])),
            seed=seed,
        )
        yield film, waves[wave].faster(pace)


class Unwritten:
    """Frames as a source, without a file."""

    name, live, report = "made", False, None

    def __init__(self, images: list[NDArray[np.uint8]], fps: float) -> None:
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
        folder = data / "people" / "london" / ("smiling" if film.smiling else "neutral")
        images, path = (
            Filmed(folder / f"{film.person}.jpg", pipeline).frames(film, wave),
            kept.with_suffix(".mkv"),
        )
        source = Unwritten(images, film.fps)
        if film.crf is not None:
            write_film(path, images, film)
            source = open_source(str(path))
        rows = []
        for frame, faces in pipeline.stream(source):
            there = faces.landmarks[0] if len(faces) else np.full((68, 2), np.nan, np.float32)
            cells = background_colours(frame.image, faces.landmarks).astype(np.float32)
            rows.append((frame.time_s, skin_colours(frame.image, there), cells, there))
        path.unlink(missing_ok=True)
        times, colours, cells, landmarks = (np.array(column) for column in zip(*rows, strict=True))
        np.savez(
            kept,
            times=times,
            colours=colours,
            cells=cells,
            landmarks=landmarks,
            beats=wave.beats_s,
        )
    with np.load(kept) as file:
        return Trace(*(file[name] for name in Trace._fields))


def traces(
    data: Path, half: Half, count: int, folder: Path, pipeline: Pipeline
) -> Iterator[tuple[Film, Trace]]:
    """Yield films and what is read of them; kept in a folder, since that takes seconds each."""
    folder.mkdir(parents=True, exist_ok=True)
    for film, wave in films(data, half, count):
        yield film, read(film, wave, data, folder / f"{half}{film.seed:03d}.npz", pipeline)
