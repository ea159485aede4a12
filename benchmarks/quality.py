"""Does the quality figure know what a network can read? Accuracy on spoilt faces beside their quality.

    python benchmarks/quality.py --network paper

FER-2013's PublicTest is spoilt step by step; each line is one degree of one fault. It needs
`faces/fer2013.parquet` and `faces/landmarks68.npz` in the shared data.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mien.expression.network import Network, load_network
from mien.face.crop import crop_whole
from mien.face.quality import QualityParts, face_quality, quality_parts
from mien.labels import FER2013
from mien.types import Faces, Image

SIDE_PX = 48
PARTS = [part.name for part in fields(QualityParts)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Accuracy on spoilt faces beside their quality.")
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--network", default="paper", help="expression network, by name or path")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    network = load_network(chosen.network, chosen.threads)
    images, faces, truth = read_faces(chosen.shared / "data" / "faces", network.sidecar.labels)
    table = Table("", *PARTS, "quality", "accuracy, %", title=f"{len(images)} faces of PublicTest, means")
    for name, spoil in faults():
        spoilt = [spoil(image) for image in images]
        parts = [quality_parts(*pair) for pair in zip(spoilt, faces, strict=True)]
        means = [np.mean([getattr(part, name)[0] for part in parts]) for name in PARTS]
        quality = np.array([face_quality(*pair)[0] for pair in zip(spoilt, faces, strict=True)])
        right = guessed(network, spoilt) == truth
        table.add_row(
            name, *(f"{mean:.2f}" for mean in [*means, quality.mean()]), f"{100 * right.mean():.2f}"
        )
        if name == "as it is":
            by_quality, by_pose = quality, np.array([part.pose[0] for part in parts])
            untouched = right
    console = Console(width=110)
    console.print(table)
    for title, values in (("quality", by_quality), ("pose", by_pose)):
        console.print(by_fifths(title, values, untouched))


def read_faces(folder: Path, labels: tuple[str, ...]) -> tuple[list[Image], list[Faces], NDArray[np.str_]]:
    """PublicTest's faces with landmarks, whose label the network has: pictures, landmarks, labels."""
    table = pd.read_parquet(folder / "fer2013.parquet", columns=["image", "emotion", "usage"])
    with np.load(folder / "landmarks68.npz") as file:
        mesh, found = file["landmarks"].astype(np.float64), file["found"]
    truth = np.array(FER2013)[table.emotion.to_numpy()]
    rows = np.flatnonzero((table.usage == "PublicTest") & found & np.isin(truth, labels))
    eyes = mesh[:, 36:42].mean(axis=1), mesh[:, 42:48].mean(axis=1)
    points = np.stack([*eyes, mesh[:, 30], mesh[:, 48], mesh[:, 54]], axis=1)
    box = np.array([[0, 0, SIDE_PX, SIDE_PX]])
    images = [
        cv2.cvtColor(
            cv2.imdecode(np.frombuffer(table.image.iloc[row]["bytes"], np.uint8), 0), cv2.COLOR_GRAY2RGB
        )
        for row in rows
    ]
    return images, [Faces(box, points=points[row : row + 1]) for row in rows], truth[rows]


def faults() -> Iterator[tuple[str, Callable[[Image], Image]]]:
    yield "as it is", lambda image: image
    for sigma_px in (0.5, 1, 1.5, 2, 3):
        yield f"blurred by {sigma_px} px", lambda image, s=sigma_px: cv2.GaussianBlur(image, (0, 0), s)
    for side_px in (32, 24, 16, 12, 8):
        yield f"{side_px} px wide", lambda image, s=side_px: resized(resized(image, s), SIDE_PX)
    for factor in (0.5, 0.3, 0.2, 0.1, 0.05):
        yield f"light x {factor}", lambda image, f=factor: (image * f).astype(np.uint8)
    for factor in (0.5, 0.3, 0.2, 0.1, 0.05):
        yield f"contrast x {factor}", lambda image, f=factor: (128 + (image - 128.0) * f).astype(np.uint8)
    for added in (60, 100, 140):
        yield f"light + {added}", lambda image, a=added: np.clip(image + float(a), 0, 255).astype(np.uint8)


def resized(image: Image, side_px: int) -> Image:
    how = cv2.INTER_AREA if side_px < image.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (side_px, side_px), interpolation=how), np.uint8)


def guessed(network: Network, images: list[Image]) -> NDArray[np.str_]:
    crops = np.concatenate([crop_whole(image, network.sidecar.size_px) for image in images])
    parts = [network.answer(part).logits for part in np.array_split(crops, len(crops) // 256 + 1)]
    return np.array(network.sidecar.labels)[np.concatenate(parts).argmax(axis=1)]


def by_fifths(title: str, values: NDArray[np.float64], right: NDArray[np.bool_]) -> Table:
    edges = np.quantile(values, np.linspace(0, 1, 6))
    fifth = np.searchsorted(edges[1:-1], values, side="right")
    names = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(edges)]
    table = Table(title, *names, title="accuracy, %, on the untouched faces, in fifths")
    table.add_row("", *(f"{100 * right[fifth == k].mean():.1f}" for k in range(5)))
    return table


if __name__ == "__main__":
    main()
