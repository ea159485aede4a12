"""What each detector finds in the shared pictures and videos, and how long it takes.

    python benchmarks/detectors.py
    python benchmarks/detectors.py --min-face 60 --package

Prints two tables. In the first, "-2" means two faces missed and "+3" three faces seen where there are none,
over all frames; nothing is tuned on these files. In the second, times are medians on the 640x360 video: by
the clock, and of the processors, which says more on a busy machine; the ratio is to OpenCV's Haar cascade in
the same run. `--package` adds the `mtcnn` package itself, in TensorFlow.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import av
import cv2
import numpy as np
from PIL import Image as Pillow

from mien.config import Settings
from mien.face.detect import DETECTORS, Refiner, make_detector
from mien.types import Faces, Image

SHARED = Path(__file__).parents[2] / "shared"
YUNET = "models/face_detection_yunet_2026may.onnx"
TIMED = "single_face.mp4"

# Frames with so many faces, as a person sees them: (count, first frame, last frame).
FACES = {
    "images/single_face.jpg": (1, 0, 0),
    "images/multi_face.jpg": (5, 0, 0),
    "images/no_face.jpg": (0, 0, 0),
    "video/single_face.mp4": (1, 0, 71),
    "video/grief.mp4": (1, 0, 471),
    "video/noface_face.mov": (1, 96, 167),
    "video/no_face.mp4": (0, 0, 94),
}

Find = Callable[[Image], int]


def main() -> None:
    options = arguments()
    print(f"{platform.machine()}, OpenCV {cv2.__version__}, smallest face {options.min_face} pixels\n")
    finders: dict[str, Find] = {}
    starts, again = {}, {}
    for name in DETECTORS:
        model = options.shared / YUNET if name == "yunet" else None
        start = perf_counter()
        detector = make_detector(Settings(detector=name, detector_model=model, min_face_px=options.min_face))
        starts[name] = perf_counter() - start
        finders[name] = lambda image, detector=detector: len(detector.detect(image))
        if isinstance(detector, Refiner):
            again[name] = lambda image, detector=detector, boxes=[]: refine(detector, image, boxes)
    if options.package:
        start = perf_counter()
        finders["mtcnn package"] = package()
        starts["mtcnn package"] = perf_counter() - start
    print_found(finders, options.shared / "data", options.every)
    print_times(
        finders, starts, again, list(frames(options.shared / "data" / "video" / TIMED)), options.rounds
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/ and models/")
    parser.add_argument("--min-face", type=int, default=40, help="smallest face looked for, in pixels")
    parser.add_argument("--every", type=int, default=1, help="every n-th frame in the first table")
    parser.add_argument("--rounds", type=int, default=5, help="rounds over the video in the second table")
    parser.add_argument("--package", action="store_true", help="the mtcnn package too (needs TensorFlow)")
    return parser.parse_args()


def package() -> Find:
    from mtcnn import MTCNN

    detector = MTCNN()
    return lambda image: len(detector.detect_faces(image))


def refine(detector: Refiner, image: Image, known: list[Faces]) -> int:
    """Look around the faces of the frame before; the first frame is detected in full."""
    faces = detector.refine(image, known.pop()) if known else detector.detect(image)  # type: ignore[attr-defined]
    known.append(faces)
    return len(faces)


def frames(path: Path) -> Iterator[Image]:
    if path.suffix == ".jpg":
        yield np.asarray(Pillow.open(path).convert("RGB"))
        return
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def print_found(finders: dict[str, Find], data: Path, every: int) -> None:
    print("| file | faces |", " | ".join(finders), "|")
    print("| --- " * (2 + len(finders)) + "|")
    for name, (count, first, last) in FACES.items():
        missed, false, total = dict.fromkeys(finders, 0), dict.fromkeys(finders, 0), 0
        for index, image in enumerate(frames(data / name)):
            if index % every:
                continue
            expected = count if first <= index <= last else 0
            total += expected
            for finder, find in finders.items():
                found = find(image)
                missed[finder] += max(0, expected - found)
                false[finder] += max(0, found - expected)
        cells = [verdict(missed[finder], false[finder]) for finder in finders]
        print(f"| {Path(name).name} | {total} |", " | ".join(cells), "|", flush=True)


def verdict(missed: int, false: int) -> str:
    return " ".join([f"-{missed}"] * bool(missed) + [f"+{false}"] * bool(false)) or "all"


def print_times(
    finders: dict[str, Find],
    starts: dict[str, float],
    again: dict[str, Find],
    video: list[Image],
    rounds: int,
) -> None:
    timed = finders | {f"{name}, refine": find for name, find in again.items()}
    times = {name: clocked(find, video, rounds) for name, find in timed.items()}
    print("\n| detector | start, ms | a frame, ms | processors, ms | ratio to haar |\n" + "| --- " * 5 + "|")
    for name, (clock_s, busy_s) in times.items():
        start = f"{1000 * starts[name]:.0f}" if name in starts else ""
        ratio = clock_s / times["haar"][0]
        print(f"| {name} | {start} | {1000 * clock_s:.1f} | {1000 * busy_s:.1f} | {ratio:.2f} |")


def clocked(find: Find, video: list[Image], rounds: int) -> tuple[float, float]:
    """Return the median seconds a frame, by the clock and of all processors."""
    spent = []
    for image in video * rounds:
        start = perf_counter(), process_time()
        find(image)
        spent.append((perf_counter() - start[0], process_time() - start[1]))
    return median(clock for clock, _ in spent), median(busy for _, busy in spent)


if __name__ == "__main__":
    main()
