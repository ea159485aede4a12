"""Measure what looking at turned faces brings and costs: python benchmarks/turned.py.

Photographs of faces (shared data) upright and turned, FER-2013's faces in grey surroundings, and pieces of
photographs without faces, each read with and without looking again. A number takes each n-th picture only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from unittest import mock

import cv2
import numpy as np
import pyarrow.parquet as pq

from mien.config import Settings
from mien.pipeline import Pipeline
from mien.source.images import read_image
from mien.types import Faces, Image

SHARED = Path(os.environ.get("MIEN_SHARED", "../shared"))
PHOTOGRAPH_PX, FER_PX, PIECE_PX = 500, 240, 400


def people() -> list[Image]:
    """Return the London faces, 500 pixels high."""
    files = sorted((SHARED / "data/people/london").glob("*/*.jpg"))
    return [
        cv2.resize(read_image(path), (PHOTOGRAPH_PX, PHOTOGRAPH_PX), interpolation=cv2.INTER_AREA)
        for path in files
    ]


def fer(count: int) -> list[Image]:
    """Return faces of FER-2013's PublicTest, five times as large, in grey surroundings."""
    table = pq.read_table(SHARED / "data/faces/fer2013.parquet", columns=["image", "usage"]).to_pandas()
    rows = table[table["usage"] == "PublicTest"]["image"][:count]
    pictures = []
    for cell in rows:
        face = cv2.resize(read_image(cell["bytes"]), (FER_PX, FER_PX), interpolation=cv2.INTER_CUBIC)
        pictures.append(cv2.copyMakeBorder(face, 80, 80, 80, 80, cv2.BORDER_CONSTANT, value=(128, 128, 128)))
    return pictures


def pieces(count: int) -> list[Image]:
    """Return pieces of scikit-image's photographs that show nobody."""
    import skimage

    names = (
        "coffee.png",
        "chelsea.png",
        "rocket.jpg",
        "coins.png",
        "motorcycle_left.png",
        "brick.png",
        "gravel.png",
    )
    found = [Path(skimage.__file__).parent / "data" / name for name in names]
    photographs = [read_image(path) for path in found if path.exists()]
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        side = int(random.integers(100, min(photograph.shape[:2])))
        top, left = (int(random.integers(length - side + 1)) for length in photograph.shape[:2])
        made.append(cv2.resize(photograph[top : top + side, left : left + side], (PIECE_PX, PIECE_PX)))
    return made


@contextmanager
def not_looking_again() -> Iterator[None]:
    """Read as if no face were turned."""
    with mock.patch("mien.face_reader.SURE", -1.0), mock.patch("mien.face.track.QUARTERS", ()):
        yield


def turned(images: list[Image], quarters: int) -> list[Image]:
    """Turn pictures counter-clockwise."""
    return [np.ascontiguousarray(np.rot90(image, quarters)) for image in images]


def measure(
    name: str, images: list[Image], read: Callable[[Image], Faces], upright: list[str] | None
) -> list[str]:
    """Print what was found, and give each picture's label."""
    started_s = perf_counter()
    seen = [read(image) for image in images]
    took_ms = (perf_counter() - started_s) / len(images) * 1000
    labels = [faces.labels[0] if len(faces) else "" for faces in seen]
    same = "" if upright is None else f", as upright {np.mean(np.array(labels) == np.array(upright)):.1%}"
    found = f"{len(images):4} pictures, with a face {sum(map(bool, labels)):4}"
    print(f"{name:32} {found}{same}, {took_ms:.0f} ms each")
    return labels


def main(step: int = 1) -> None:
    """Measure all; with a step, each n-th picture only."""
    cv2.setNumThreads(1)
    sets = {"people": people()[::step], "fer": fer(600)[::step], "nobody": pieces(300)[::step]}
    with Pipeline(Settings(threads=1)) as pipeline:
        for name, images in sets.items():
            with not_looking_again():
                before = measure(f"{name}, upright, before", images, pipeline.read, None)
            after = measure(f"{name}, upright", images, pipeline.read, before)
            if name == "nobody":
                continue
            for quarters in (2, 1, 3):
                with not_looking_again():
                    measure(
                        f"{name}, {quarters * 90} degrees, before",
                        turned(images, quarters),
                        pipeline.read,
                        after,
                    )
                measure(f"{name}, {quarters * 90} degrees", turned(images, quarters), pipeline.read, after)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
