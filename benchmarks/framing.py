"""How FER-2013 frames its faces, and what a crop framed otherwise costs.

    python benchmarks/framing.py                    # the measurements behind face/crop.py
    python benchmarks/framing.py --network paper    # and accuracy on PublicTest against scale, shift and tilt

It needs `faces/fer2013.parquet` and `faces/landmarks68.npz` in the shared data.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mien.expression.network import Network, load_network
from mien.face.crop import FER2013_FRAMING, crop_faces
from mien.face.detect.haar import Haar
from mien.face.detect.mtcnn import Mtcnn
from mien.labels import FER2013
from mien.types import Faces, Image

Floats = NDArray[np.float64]

SIDE_PX = 48
ENLARGED, MARGIN_PX = 4, 64  # detectors want larger faces, with something around them
SCALES = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)
SHIFTS_PX = (-10, -7, -5, -2, 0, 2, 5, 7, 10)  # whole pixels of 48, so that nothing is blurred: up to 21 %
TILTS_DEG = (-30, -20, -10, 0, 10, 20, 30)

console = Console(width=110)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="How FER-2013 frames its faces, and what another framing costs."
    )
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--network", help="expression network, by name or path")
    parser.add_argument("--faces", type=int, default=1500, help="how many faces the detectors look at")
    parser.add_argument("--threads", type=int, default=2)
    chosen = parser.parse_args()
    faces = chosen.shared / "data" / "faces"
    table = pd.read_parquet(faces / "fer2013.parquet", columns=["image", "emotion", "usage"])
    with np.load(faces / "landmarks68.npz") as file:
        mesh, found = file["landmarks"].astype(np.float64), file["found"]
    points = five_points(mesh)
    if chosen.network is None:
        measure(table, points / SIDE_PX, found, chosen.faces)
    else:
        cost(table, points, found, load_network(chosen.network, chosen.threads))


def five_points(mesh: Floats) -> Floats:
    """(n, 5, 2) eyes, nose and corners of the mouth, from 68 points in iBUG's order."""
    eyes = mesh[:, 36:42].mean(axis=1), mesh[:, 42:48].mean(axis=1)
    return np.stack([*eyes, mesh[:, 30], mesh[:, 48], mesh[:, 54]], axis=1)


def measure(table: pd.DataFrame, mesh: Floats, found: NDArray[np.bool_], count: int) -> None:
    mtcnn, haar = found_by_detectors(table, count)
    print_places({"face mesh": mesh[found], "MTCNN": mtcnn})
    print_rules({"face mesh": mesh[found], "MTCNN": mtcnn})
    boxes = Table("Haar's box, in FER-2013's sides", "median", "16 % to 84 %", title=f"{len(haar)} faces")
    wide, middle = haar[:, 2] - haar[:, 0], (haar[:, :2] + haar[:, 2:]) / 2
    for name, values in (("side", wide), ("middle, x", middle[:, 0]), ("middle, y", middle[:, 1])):
        boxes.add_row(name, *spread(values))
    console.print(boxes)


def found_by_detectors(table: pd.DataFrame, count: int) -> tuple[Floats, Floats]:
    """(n, 5, 2) points by MTCNN and (m, 4) boxes by Haar, in sides of the FER-2013 image."""
    points, boxes = [], []
    mtcnn, haar = Mtcnn(min_face_px=60), Haar(min_face_px=60)
    for row in np.random.default_rng(0).permutation(len(table))[:count]:
        picture = enlarged(decoded(table.image.iloc[row]["bytes"]))
        points += [faces.points[0] for faces in [mtcnn.detect(picture)] if len(faces)]
        boxes += [faces.xyxy[0] for faces in [haar.detect(picture)] if len(faces)]
    side_px = ENLARGED * SIDE_PX
    return (np.array(points) - MARGIN_PX) / side_px, (np.array(boxes) - MARGIN_PX) / side_px


def decoded(content: bytes) -> NDArray[np.uint8]:
    return np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def enlarged(grey: NDArray[np.uint8]) -> Image:
    large = cv2.resize(grey, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, *[MARGIN_PX] * 4, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2RGB), np.uint8)


def lengths(points: Floats) -> tuple[Floats, Floats, Floats]:
    """Middle between the eyes, distance between them, and from there to the middle of the mouth."""
    eyes = points[:, :2].mean(axis=1)
    apart = np.linalg.norm(points[:, 1] - points[:, 0], axis=1)
    return eyes, apart, np.linalg.norm(points[:, 3:].mean(axis=1) - eyes, axis=1)


def spread(values: Floats) -> tuple[str, str]:
    low, middle, high = np.percentile(values, [16, 50, 84])
    return f"{middle:.3f}", f"{low:.3f} to {high:.3f}"


def print_places(found: dict[str, Floats]) -> None:
    """Where the eyes are in FER-2013, in shares of the side."""
    places = Table(title="FER-2013's framing, in shares of the side: median, 16 % to 84 %")
    places.add_column("")
    for name, points in found.items():
        places.add_column(f"{name}, {len(points)} faces")
        places.add_column("")
    for row, title in enumerate(("eyes, x", "eyes, y", "between the eyes", "eyes to mouth", "tilt, degrees")):
        cells: list[str] = []
        for points in found.values():
            eyes, apart, eye_mouth = lengths(points)
            line = points[:, 1] - points[:, 0]
            tilt = np.degrees(np.arctan2(line[:, 1], line[:, 0]))
            cells += spread((eyes[:, 0], eyes[:, 1], apart, eye_mouth, tilt)[row])
        places.add_row(title, *cells)
    console.print(places)


def print_rules(found: dict[str, Floats]) -> None:
    """How well each rule for the side agrees with FER-2013's own side."""
    framing = FER2013_FRAMING
    rules = Table(
        title="The crop's side by several rules, over FER-2013's own; turned: nose aside by over 0.1 side"
    )
    for title in ("rule", "points", "spread (sd of the logarithm)", "median", "facing", "turned"):
        rules.add_column(title)
    for name, points in found.items():
        eyes, apart, eye_mouth = lengths(points)
        way = points[:, 3:].mean(axis=1) - eyes
        nose = points[:, 2] - eyes
        aside = np.abs(way[:, 0] * nose[:, 1] - way[:, 1] * nose[:, 0]) / eye_mouth
        both = np.stack([apart / framing.interocular, eye_mouth / framing.eye_mouth])
        sides = {
            "eyes": both[0],
            "eyes and mouth": both[1],
            "mean": both.mean(axis=0),
            "larger": both.max(axis=0),
        }
        for rule, side in sides.items():
            groups = (side, side[aside < 0.05], side[aside > 0.1])
            medians = [f"{np.median(group):.3f}" for group in groups]
            rules.add_row(rule, name, f"{np.log(side).std():.4f}", *medians)
    console.print(rules)


def cost(table: pd.DataFrame, points: Floats, found: NDArray[np.bool_], network: Network) -> None:
    """Print the accuracy on PublicTest for other framings; labels that the network lacks are left out."""
    emotion = np.array(FER2013)[table.emotion.to_numpy()]
    rows = np.flatnonzero((table.usage == "PublicTest") & np.isin(emotion, network.sidecar.labels))
    greys = [decoded(table.image.iloc[row]["bytes"]) for row in rows]
    images = [np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8) for grey in greys]
    truth = emotion[rows]

    def accuracy(faces: list[Faces], of: NDArray[np.bool_] | slice = np.s_[:]) -> str:
        size_px = network.sidecar.size_px
        crops = np.concatenate([crop_faces(*pair, size_px) for pair in zip(images, faces, strict=True)])
        parts = [network.answer(part).logits for part in np.array_split(crops, len(crops) // 256 + 1)]
        right = np.array(network.sidecar.labels)[np.concatenate(parts).argmax(axis=1)] == truth
        return f"{100 * right[of].mean():.2f}"

    def print_series(what: str, values: dict[str, Faces]) -> None:
        series = Table(what, *values, title=f"accuracy, %, on {len(rows)} faces of PublicTest")
        series.add_row("", *(accuracy([faces] * len(images)) for faces in values.values()))
        console.print(series)

    print_series("crop's side", {f"{scale:.1f}": reframed(scale=scale) for scale in SCALES})
    shares = {shift: f"{100 * shift / SIDE_PX:+.0f} %" for shift in SHIFTS_PX}
    print_series("crop moved right", {share: reframed(shift_px=(s, 0)) for s, share in shares.items()})
    print_series("crop moved down", {share: reframed(shift_px=(0, s)) for s, share in shares.items()})
    print_series("crop tilted, degrees", {f"{tilt}": reframed(tilt_deg=tilt) for tilt in TILTS_DEG})
    halves = {"right": (0.5, 0.0), "down": (0.0, 0.5), "both": (0.5, 0.5)}
    print_series("half a pixel: only blurs", {name: reframed(shift_px=half) for name, half in halves.items()})

    seen = found[rows]
    whole = Faces(np.array([[0, 0, SIDE_PX, SIDE_PX]]))
    ours = [
        whole.fill(points=place[None]) if is_seen else whole
        for place, is_seen in zip(points[rows], seen, strict=True)
    ]
    table_of_rules = Table("FER-2013's own", "ours, by the face mesh")
    table_of_rules.title = f"accuracy, %, on {seen.sum()} faces of PublicTest"
    table_of_rules.add_row(accuracy([whole] * len(images), seen), accuracy(ours, seen))
    console.print(table_of_rules)


def reframed(
    *, scale: float = 1.0, shift_px: tuple[float, float] = (0.0, 0.0), tilt_deg: float = 0.0
) -> Faces:
    """One face whose crop is FER-2013's own, enlarged, moved and tilted."""
    framing = FER2013_FRAMING
    eye, mouth = framing.interocular / 2, framing.eye_mouth
    upright = np.array([(-eye, 0), (eye, 0), (0, 0.54 * mouth), (-0.14, mouth), (0.14, mouth)])
    tilt = np.radians(tilt_deg)
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    from_middle = (upright + framing.eye_centre_xy - 0.5) * scale @ turn.T
    points = SIDE_PX * (0.5 + from_middle) + shift_px
    return Faces(np.array([[0, 0, SIDE_PX, SIDE_PX]]), points=points[None])


if __name__ == "__main__":
    main()
