"""Are the measures right? Beside the MediaPipe face mesh at full resolution, beside noise, and blinks by eye.

    python -m venv /tmp/mesh && /tmp/mesh/bin/pip install "mediapipe==0.10.21" "numpy<2"
    /tmp/mesh/bin/python benchmarks/measures.py --write-reference mesh.npz
    python benchmarks/measures.py --reference mesh.npz --network mien

The first run needs mediapipe, and not Mien; the second the other way round. It reads the shared videos, and
the portrait that comes with matplotlib. Prints Markdown.

- r, slope, bias, off: against the mesh, over all frames in which both see the face. The mesh's pose is that
  of its own three-dimensional points. All but the bias are of differences from the video's mean: how a face
  moves, not how people differ. Off is the standard deviation of what is left between the two.
- noise: standard deviation on the portrait, still but for sensor noise and a slow drift.
- smallest: the smallest change between two frames that can be told from noise, 1.96 sqrt(2) noise (Weir
  2005).
- change: what the mesh sees change in the videos, from 5 % to 95 %.
- verdict: kept where r >= 0.7, slope >= 0.5, and the smallest change is under a third of the change seen.

`CANDIDATES` have failed before, and so are no measures of Mien's; they are here to be tried again.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from blinks import BlinkDetector

Floats = NDArray[np.float64]

VIDEOS = ("single_face.mp4", "noface_face.mov", "grief.mp4")

# The mesh's vertices that stand for iBUG's 68 points, as in the landmarks that our network was taught on.
MESH = (
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip

COVERED = {"grief.mp4": (90, 228)}
"""Frames in which a hand is before the face: what the mesh says there is a guess."""

BLINKS = {"single_face.mp4": (27,), "noface_face.mov": (123,), "grief.mp4": (153, 202, 248, 288, 386, 428)}
"""Frames in the middle of each blink, counted by eye on enlarged pictures of the eyes. In grief.mp4 the eyes
are lowered or shut until frame 140 and from 437 on. The second video has the same take as the first."""

CANDIDATES = ("brow_height", "cheek_raise", "asymmetry")

NOISE_GREY = 4.0
DRIFT_PX = 1.5
PORTRAIT_WIDTH_PX = 256  # a face of about 90 pixels
STILL_FRAMES = 150


def main() -> None:
    parser = argparse.ArgumentParser(description="The measures beside a face mesh, noise, and blinks by eye.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--write-reference", type=Path, metavar="NPZ", help="with mediapipe: write the mesh")
    parser.add_argument("--reference", type=Path, metavar="NPZ", help="what --write-reference has written")
    parser.add_argument("--network", default="mien", help="a network that finds landmarks, by name or path")
    chosen = parser.parse_args()
    folder = chosen.shared / "data" / "video"
    if chosen.write_reference:
        np.savez(chosen.write_reference, **{name: mesh_of(folder / name) for name in VIDEOS})
    elif chosen.reference:
        with np.load(chosen.reference) as file:
            compare(folder, dict(file), chosen.network)
    else:
        parser.error("expected --write-reference or --reference")


def mesh_of(path: Path) -> Floats:
    """(frames, 68, 3) in pixels, z away from the camera; NaN where the mesh sees no face."""
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=False, refine_landmarks=True, max_num_faces=1
    )
    found = []
    for image in frames_of(path):
        height, width = image.shape[:2]
        faces = mesh.process(image).multi_face_landmarks
        points = [(p.x * width, p.y * height, p.z * width) for p in faces[0].landmark] if faces else None
        found.append(np.array(points)[list(MESH)] if points else np.full((len(MESH), 3), np.nan))
    return np.array(found)


def frames_of(path: Path) -> Iterator[NDArray[np.uint8]]:
    video = cv2.VideoCapture(str(path))
    while (read := video.read())[0]:
        yield cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB)


def compare(folder: Path, meshes: dict[str, Floats], network: str) -> None:
    from mien.config import load_settings
    from mien.labels import POSE, SHAPE
    from mien.pipeline import Pipeline
    from mien.source import open_source

    names = (*POSE, *SHAPE, *CANDIDATES)
    theirs, ours, pairs = {}, {}, []
    times_s: dict[str, Floats] = {}
    with Pipeline(load_settings(network=network, threads=1)) as pipeline:
        for name in VIDEOS:
            theirs[name] = measures_of_mesh(meshes[name])
            ours[name], times_s[name] = measures_of_network(
                pipeline, open_source(folder / name), len(meshes[name])
            )
            usable = np.isfinite(theirs[name] + ours[name]).all(axis=1)
            usable[slice(*COVERED.get(name, (0, 0)))] = False
            pairs.append((theirs[name][usable], ours[name][usable]))
        noise = np.nanstd(measures_of_network(pipeline, StillPortrait(), STILL_FRAMES)[0], axis=0)
    frames = sum(len(pair[0]) for pair in pairs)
    print(f"{frames} frames of {len(VIDEOS)} videos, {STILL_FRAMES} of the portrait, network {network}\n")
    print_table(names, pairs, noise)
    openness = names.index("eye_openness")
    print("\n| blinks | by eye | mesh: right, wrong | network: right, wrong |\n| --- | --- | --- | --- |")
    for name in VIDEOS:
        counts = [
            "{}, {}".format(*blinks(values[name][:, openness], times_s[name], BLINKS[name]))
            for values in (theirs, ours)
        ]
        print(f"| {name} | {len(BLINKS[name])} | {counts[0]} | {counts[1]} |")


def measures_of_mesh(points: Floats) -> Floats:
    """(frames, k) as `all_measures` gives them, but yaw, pitch and roll from the mesh's own depth."""
    from scipy.spatial.transform import Rotation

    from mien.measures.face3d import RIGID, STANDARD_FACE

    values = all_measures(points[..., :2])
    face = STANDARD_FACE[RIGID] - STANDARD_FACE[RIGID].mean(axis=0)
    for row in np.flatnonzero(np.isfinite(points).all(axis=(1, 2))):
        seen = points[row, RIGID] - points[row, RIGID].mean(axis=0)
        turned, _ = Rotation.align_vectors(seen, face)
        roll, yaw, pitch = turned.as_euler("ZYX", degrees=True)
        values[row, :3] = -yaw, -pitch, roll
    return values


def measures_of_network(pipeline, source, frames: int) -> tuple[Floats, Floats]:  # type: ignore[no-untyped-def]
    """(frames, k) of the first face, NaN in frames without one; and (frames,) their times."""
    landmarks, times_s = np.full((frames, 68, 2), np.nan), np.full(frames, np.nan)
    for frame, faces in pipeline.stream(source):
        if frame.index < frames:
            times_s[frame.index] = frame.time_s
            landmarks[frame.index] = faces.landmarks[0] if len(faces) else np.nan
    return all_measures(landmarks), times_s


def all_measures(landmarks: Floats) -> Floats:
    """(frames, k) Mien's measures, and the candidates."""
    from mien.measures.face3d import MIRROR
    from mien.measures.pose import frontal, solve_pose
    from mien.measures.shape import measure

    candidates = np.full((len(landmarks), len(CANDIDATES)), np.nan)
    known = np.isfinite(landmarks).all(axis=(1, 2))
    faces = frontal(landmarks[known], solve_pose(landmarks[known]))
    # Brow height (AU1, AU2, AU4): how high the brows lie above the corners of the eyes.
    corners = faces[:, [36, 39, 42, 45], 1].mean(axis=1)
    brows = corners - faces[:, 17:27, 1].mean(axis=1)
    # Cheek raise (AU6): how high the lower lids lie above the corners of the eyes.
    lids = corners - faces[:, [40, 41, 46, 47], 1].mean(axis=1)
    # Asymmetry: how far the points that move lie from their partners' mirror images.
    moving = [*range(17, 22), 37, 38, 40, 41, 48, 49, 50, 58, 59, 60, 61, 67]
    unlike = faces[:, moving] - faces[:, MIRROR[moving]] * (-1, 1)
    candidates[known] = np.column_stack([brows, lids, np.linalg.norm(unlike, axis=2).mean(axis=1)])
    return np.column_stack([measure(landmarks), candidates])


class StillPortrait:
    """matplotlib's portrait as a camera sees it: with noise, and drifting by parts of a pixel."""

    name, live = "still portrait", False

    def __init__(self) -> None:
        from mien.source import SourceReport

        self.report = SourceReport()

    def frames(self):  # type: ignore[no-untyped-def]
        """The frames, 25 a second."""
        import matplotlib
        from PIL import Image

        from mien.types import Frame

        path = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
        portrait = Image.open(path).convert("RGB")
        size_wh = PORTRAIT_WIDTH_PX, round(PORTRAIT_WIDTH_PX * portrait.height / portrait.width)
        image = np.asarray(portrait.resize(size_wh))
        random = np.random.default_rng(0)
        for index in range(STILL_FRAMES):
            turn = 2 * np.pi * index / STILL_FRAMES
            by = np.array([[1, 0, DRIFT_PX * np.cos(turn)], [0, 1, DRIFT_PX * np.sin(2 * turn)]])
            moved = cv2.warpAffine(image, by, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
            noisy = moved + random.normal(0, NOISE_GREY, moved.shape)
            yield Frame(noisy.round().clip(0, 255).astype(np.uint8), index, index / 25, self.name)

    def close(self) -> None:
        """Nothing to let go."""


def print_table(names: tuple[str, ...], pairs: list[tuple[Floats, Floats]], noise: Floats) -> None:
    print("| measure | r | slope | bias | off | noise | smallest | change | verdict |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    bias = np.concatenate([ours - theirs for theirs, ours in pairs]).mean(axis=0)
    # Within videos: how far a face is from its own mean, not how people differ.
    theirs, ours = (np.concatenate([pair[k] - pair[k].mean(axis=0) for pair in pairs]) for k in (0, 1))
    low, high = np.quantile(theirs, [0.05, 0.95], axis=0)
    for place, name in enumerate(names):
        one, other = theirs[:, place], ours[:, place]
        r = float(np.corrcoef(one, other)[0, 1])
        slope = float((one * other).sum() / (one**2).sum())
        smallest, change = 1.96 * 2**0.5 * noise[place], high[place] - low[place]
        good = r >= 0.7 and slope >= 0.5 and smallest < change / 3
        digits = 2 if place < 3 else 4
        cells = [bias[place], np.std(other - one), noise[place], smallest, change]
        numbers = " | ".join(f"{value:.{digits}f}" for value in cells)
        print(f"| `{name}` | {r:.2f} | {slope:.2f} | {numbers} | {'kept' if good else 'fails'} |")


def blinks(openness: Floats, times_s: Floats, middles: tuple[int, ...]) -> tuple[int, int]:
    """How many of the blinks that a person sees are found, and how many others."""
    detector = BlinkDetector()
    known = np.isfinite(times_s)
    found = [
        detector.watch(float(value), float(time))
        for value, time in zip(openness[known], times_s[known], strict=True)
    ]
    spans = [(each.onset_s - 0.1, each.onset_s + each.length_s + 0.1) for each in found if each is not None]
    right = sum(any(low <= times_s[middle] <= high for low, high in spans) for middle in middles)
    wrong = sum(not any(low <= times_s[middle] <= high for middle in middles) for low, high in spans)
    return right, wrong


if __name__ == "__main__":
    main()
