"""Made films of faces with a pulse: a photograph, moved, lit, and coloured by the wave of a real pulse.

The photographs are London's, the waves those of wrists (Stress-Predict, 64 Hz) and of a finger (PhysioNet
a103l), all in the shared data. What the film is made of is known, so the rate is known too.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import signal
from scipy.io import loadmat

from mien.pipeline import Pipeline

Floats = NDArray[np.float64]

SIDE_PX, SHRUNK, LENGTH_S = 240, 0.6, 26.0
PULSE_RGB = np.array([0.33, 0.77, 0.53])
"""How a pulse colours skin in white light (de Haan and van Leest 2014), here with green as 1."""
LEAST_RUN_S = 40.0


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

    def rate_bpm(self, from_s: float, to_s: float) -> float:
        """Return the mean rate between two times, from the intervals between beats."""
        inside = self.beats_s[(self.beats_s >= from_s - 0.5) & (self.beats_s <= to_s + 0.5)]
        return 60 * (len(inside) - 1) / (inside[-1] - inside[0])


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
        light: "steady", "drift", "steps" or "flicker".
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
        return cv2.GaussianBlur(mask, (0, 0), 2)

    def frames(self, film: Film, wave: Wave) -> list[NDArray[np.uint8]]:
        """Return the frames, uint8 RGB."""
        random = np.random.default_rng(film.seed)
        times_s = np.arange(int(LENGTH_S * film.fps)) / film.fps
        pulse = wave.at(times_s)
        moves, lights = _motion(film, times_s, random), _light(film, times_s, random)
        noises = random.normal(0, film.noise, (8, SIDE_PX + 32, SIDE_PX + 32, 3)).astype(np.float32)
        pulsing = self._image * self._skin[:, :, None] * np.asarray(film.rgb, np.float32)
        middle = self._landmarks.mean(axis=0)
        frames = []
        for index in range(len(times_s)):
            picture = self._image + np.float32(film.amplitude * pulse[index]) * pulsing
            dx, dy, degrees, scale = moves[index]
            turn = cv2.getRotationMatrix2D(tuple(middle), degrees, scale)
            turn[:, 2] += dx, dy
            picture = cv2.warpAffine(picture, turn, (SIDE_PX, SIDE_PX), borderMode=cv2.BORDER_REPLICATE)
            x, y = random.integers(0, 32, 2)
            picture *= lights[index].astype(np.float32)
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
    return factors[:, None, None, :]


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
