"""How steady the landmarks of a followed face are, how far they lag behind, and what following costs.

    python benchmarks/landmarks.py
    python benchmarks/landmarks.py --network path/to/network.onnx

The film is the built-in portrait, 640x360 and 30 frames a second, with a new sensor noise in every frame, in
H.264. Jitter: the portrait drifts by fractions of a pixel a frame; the true motion and the mean are taken out
of each landmark's way, and what is left is given as root mean square, in % of the distance between the outer
eye corners. Lag: the portrait jumps, or grows at once, and the frames are counted until the landmarks have
gone nine tenths of the way.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.config import load_settings
from mien.pipeline import Pipeline, Tally
from mien.show.video import ClipWriter
from mien.source import open_source
from mien.source.images import read_image
from mien.source.portrait import portrait_path

SIZE_WH, RATE_HZ, SCALE, STEP_S = (640, 360), 30, 0.6, 2.0
FACE_XY = np.array([268.0, 226.0])
EYE_CORNERS = (36, 45)

Floats = NDArray[np.float64]
Pose = tuple[float, float, float]
"""Pixels to the right and down of the frame's middle, and how many times as large as at first."""
Way = Callable[[float], Pose]
"""The face's pose at a time in seconds."""


@dataclass(frozen=True)
class Followed:
    """What came of one film: landmarks (frames, 68, 2), the true way (frames, 2), and the tally."""

    landmarks: Floats
    way: Floats
    tally: Tally
    seconds: float

    @property
    def unit_px(self) -> float:
        """The distance between the outer eye corners."""
        left, right = (self.landmarks[:, place].mean(axis=0) for place in EYE_CORNERS)
        return float(np.hypot(*(right - left)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", help="a built-in network or an .onnx file; the default one without")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of each film")
    parser.add_argument("--noise", type=float, default=4.0, help="sensor noise, standard deviation of 255")
    given = parser.parse_args()
    with Pipeline(load_settings(network=given.network, threads=1)) as pipeline:
        if not pipeline.network.sidecar.finds_landmarks:
            parser.error(f"the network {pipeline.network.sidecar.name} finds no landmarks; choose another")

        def film(way: Way, noise: float = given.noise) -> Followed:
            return follow(pipeline, way, given.seconds, noise)

        print_jitter(film)
        print_lag(film)


def print_jitter(film: Callable[..., Followed]) -> None:
    print("| film | all points, % | eye corners, % | their distance, % | detections | ms a frame |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, way, more in (
        ("standing still, no noise", still, {"noise": 0.0}),
        ("standing still", still, {}),
        ("drifting", drifting, {}),
        ("swaying, a width of the eyes a second", swaying, {}),
    ):
        found = film(way, **more)
        left, right = found.landmarks[:, EYE_CORNERS[0]], found.landmarks[:, EYE_CORNERS[1]]
        apart = np.linalg.norm(right - left, axis=1)
        rest = found.landmarks - found.way[:, None]
        rest -= rest.mean(axis=0)
        off = 100 * np.linalg.norm(rest, axis=2) / found.unit_px
        print(
            f"| {name} | {rms(off):.2f} | {rms(off[:, EYE_CORNERS]):.2f}"
            f" | {100 * apart.std() / apart.mean():.2f} | {found.tally.detections}"
            f" | {1000 * found.seconds / len(rest):.1f} |",
            flush=True,
        )


def print_lag(film: Callable[..., Followed]) -> None:
    print("\n| sudden change | followed in the same frame, % | 90 % after, frames | ms |")
    print("| --- | --- | --- | --- |")
    for name, step, measure in (
        ("moves by 2 % of the eye corners' distance", (0.9, 0.0, 1.0), place),
        ("moves by 10 %", (4.5, 0.0, 1.0), place),
        ("moves by 50 %", (22.0, 0.0, 1.0), place),
        ("grows by 2 %", (0.0, 0.0, 1.02), size),
        ("grows by 5 %", (0.0, 0.0, 1.05), size),
        ("grows by 20 %", (0.0, 0.0, 1.2), size),
    ):
        found = film(lambda time_s, step=step: step if time_s >= STEP_S else (0.0, 0.0, 1.0))
        values, first = measure(found.landmarks), round(STEP_S * RATE_HZ)
        before, after = values[first - 20 : first].mean(), values[first + 20 : first + 40].mean()
        done = (values[first:] - before) / (after - before)
        frames = int(np.argmax(done >= 0.9))
        print(f"| {name} | {100 * done[0]:.0f} | {frames} | {1000 * frames / RATE_HZ:.0f} |", flush=True)


def place(landmarks: Floats) -> Floats:
    return np.asarray(landmarks[:, :, 0].mean(axis=1))


def size(landmarks: Floats) -> Floats:
    return np.asarray(np.linalg.norm(landmarks - landmarks.mean(axis=1, keepdims=True), axis=2).mean(axis=1))


def still(time_s: float) -> Pose:
    return 0.0, 0.0, 1.0


def drifting(time_s: float) -> Pose:
    return 3 * np.sin(0.9 * time_s), 2 * np.sin(0.7 * time_s + 1), 1.0


def swaying(time_s: float) -> Pose:
    return 35 * np.sin(2 * time_s), 0.0, 1.0


def rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def follow(pipeline: Pipeline, way: Way, seconds: float, noise: float) -> Followed:
    """Write the film, and follow the face through it."""
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        write(path, draw([way(time_s) for time_s in times_s.tolist()], noise))
        tally, start = Tally(), time.perf_counter()
        with closing(open_source(path)) as source:
            faces = [faces.landmarks for _, faces in pipeline.stream(source, tally)]
        spent = time.perf_counter() - start
    if {len(landmarks) for landmarks in faces} != {1}:
        raise SystemExit("expected one face in every frame: the track was lost")
    landmarks = np.concatenate(faces).astype(np.float64)
    return Followed(landmarks, np.array([way(t)[:2] for t in times_s.tolist()]), tally, spent)


def draw(way: list[Pose], noise: float) -> Iterator[NDArray[np.uint8]]:
    photograph = read_image(portrait_path())
    rng = np.random.default_rng(0)
    for *shift, larger in way:
        scale = SCALE * larger
        matrix = np.column_stack([scale * np.eye(2), np.array(SIZE_WH) / 2 + shift - scale * FACE_XY])
        picture = cv2.warpAffine(photograph, matrix, SIZE_WH, borderValue=(112, 112, 112)).astype(np.float32)
        yield (picture + rng.normal(0, noise, picture.shape)).round().clip(0, 255).astype(np.uint8)


def write(path: Path, pictures: Iterator[NDArray[np.uint8]]) -> None:
    with ClipWriter(path, SIZE_WH) as clip:
        for index, picture in enumerate(pictures):
            clip.write(picture, index / RATE_HZ)


if __name__ == "__main__":
    main()
