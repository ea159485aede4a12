"""Mild smiles, with and without the person's own neutral face, on people whom no constant was fitted to.

    python benchmarks/own_neutral.py            # some two minutes on one core

Each person of London's set has a neutral and a smiling photograph. The neutral one teaches the own neutral
face. Then both are disturbed in 17 ways (moved, turned, seen from aside, smaller, darker, brighter, lit from
a side, noisy, blurred, compressed), and read as a user's photographs are: face found, cropped, read.
Thresholds come from FER-2013 alone; with --leave-people-out, the one of smiles is set for each person by the
neutral faces of the other people here, to compare the two. Intervals are of people drawn anew (bootstrap).

It needs `people/london` in the shared data (DeBruine & Jones, CC BY 4.0).
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from mien.config import load_settings
from mien.labels import EMOTIONS, UNCERTAIN
from mien.neutral import PHOTO_S, Own, RestMeter, read_by
from mien.pipeline import Pipeline
from mien.source.images import read_image
from mien.types import Faces, Image

Random = np.random.Generator
ALLOWED = 0.03
RESAMPLES = 2000


def warped(image: Image, matrix: NDArray[np.float64]) -> Image:
    size = image.shape[1], image.shape[0]
    return cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)


def turned(image: Image, degrees: float) -> Image:
    height, width = image.shape[:2]
    return warped(image, cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1))


def moved(image: Image, random: Random) -> Image:
    return warped(image, np.column_stack([np.eye(2), random.uniform(-40, 40, 2)]))


def from_aside(image: Image, side: int) -> Image:
    """Squeeze the picture as if its left or right edge were nearer."""
    height, width = image.shape[:2]
    depth = 0.09 * height
    near = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    far = near + np.float32([[0, 0], [0, depth], [0, -depth], [0, 0]])
    if side < 0:
        far = near + np.float32([[0, depth], [0, 0], [0, 0], [0, -depth]])
    far[:, 0] = (far[:, 0] - width / 2) * 0.9 + width / 2
    way = cv2.getPerspectiveTransform(near, far)
    return cv2.warpPerspective(image, way, (width, height), borderMode=cv2.BORDER_REPLICATE)


def smaller(image: Image, share: float) -> Image:
    return cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)


def grey_values(values: NDArray[np.floating[Any]]) -> Image:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def lit_from(image: Image, side: int) -> Image:
    slope = 1 - 0.65 * np.linspace(0, 1, image.shape[1])
    return grey_values(image * slope[::side][None, :, None])


def noisy(image: Image, spread: float, random: Random) -> Image:
    return grey_values(image + random.normal(0, spread, image.shape))


def compressed(image: Image, quality: int) -> Image:
    stored = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)


DISTURBANCES: dict[str, Callable[[Image, Random], Image]] = {
    "as it is": lambda image, random: image,
    "moved": moved,
    "turned left": lambda image, random: turned(image, random.uniform(6, 15)),
    "turned right": lambda image, random: turned(image, -random.uniform(6, 15)),
    "from the left": lambda image, random: from_aside(image, 1),
    "from the right": lambda image, random: from_aside(image, -1),
    "0.4 of the size": lambda image, random: smaller(image, 0.4),
    "0.2 of the size": lambda image, random: smaller(image, 0.2),
    "darker": lambda image, random: grey_values(image * random.uniform(0.35, 0.6)),
    "brighter": lambda image, random: grey_values(image * random.uniform(1.3, 1.6)),
    "gamma": lambda image, random: grey_values(255 * (image / 255) ** random.choice([0.6, 1.6])),
    "lit from the left": lambda image, random: lit_from(image, 1),
    "lit from the right": lambda image, random: lit_from(image, -1),
    "noisy": lambda image, random: noisy(image, 20, random),
    "noisy, 0.3 of the size": lambda image, random: noisy(smaller(image, 0.3), 12, random),
    "blurred": lambda image, random: cv2.GaussianBlur(image, (0, 0), 4),
    "compressed": lambda image, random: compressed(image, 10),
    "compressed, 0.3 of the size": lambda image, random: compressed(smaller(image, 0.3), 25),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Mild smiles with and without the person's own neutral face."
    )
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("MIEN_SHARED", "../shared")))
    parser.add_argument("--network", default="mien", help="network, by name or path")
    parser.add_argument("--prior", default="balanced", help="how common each expression is")
    parser.add_argument("--leave-people-out", action="store_true", help="set the smiles' threshold here, too")
    chosen = parser.parse_args()
    folder = chosen.shared / "data" / "people" / "london"
    with Pipeline(load_settings(network=chosen.network, prior=chosen.prior, threads=1)) as pipeline:
        readings = list(read_people(pipeline, folder))
    show(readings, chosen.leave_people_out)


def read_people(pipeline: Pipeline, folder: Path) -> Iterator[dict[str, Any]]:
    """Return a dictionary for each reading: person, sex, smiles, disturbance, and both ways' answers."""
    with (folder / "people.csv").open() as file:
        people = list(csv.DictReader(file))
    for person in people:
        images = {kind: photograph(folder / kind, person["id"]) for kind in ("neutral", "smiling")}
        meter = RestMeter(pipeline.network)
        meter.see(images["neutral"], face_of(pipeline, images["neutral"]), 0.0)
        own = Own(meter.of(PHOTO_S), "photo")
        for kind, image in images.items():
            for number, disturb in enumerate(DISTURBANCES.values()):
                random = np.random.default_rng([int(person["id"]), number, kind == "smiling"])
                worse = np.ascontiguousarray(disturb(image, random))
                faces = face_of(pipeline, worse)
                if not len(faces):
                    print(f"no face: {person['id']}, {kind}, {number}")
                    continue
                mine, _ = read_by(pipeline.decider, worse, faces, {0: own})
                yield {
                    "person": person["id"], "sex": person["sex"], "smiles": kind == "smiling",
                    "disturbed": number > 0, "before": faces, "after": mine,
                }  # fmt: skip


def photograph(folder: Path, person: str) -> Image:
    [path] = folder.glob(f"{person}*")
    return read_image(path)


def face_of(pipeline: Pipeline, image: Image) -> Faces:
    """Return the largest face of a picture, or none."""
    faces = pipeline.read(image)
    return faces[[int(faces.size_wh.prod(axis=1).argmax())]] if len(faces) else faces


def show(readings: list[dict[str, Any]], leave_people_out: bool) -> None:
    console = Console(width=120)
    table = Table(title="share of readings, %, with 95 % intervals over people")
    for name in ("", "all", "women", "men"):
        table.add_column(name, justify="left" if not name else "right")
    for when in ("before", "after"):
        for title, smiles, disturbed, counts in (
            ("smiles read as happiness", True, False, is_happy),
            ("the same, disturbed", True, True, is_happy),
            ("neutral faces read as another expression, disturbed", False, True, leaves_neutral),
            ("neutral faces left uncertain, disturbed", False, True, is_uncertain),
        ):
            chosen = [each for each in readings if (each["smiles"], each["disturbed"]) == (smiles, disturbed)]
            hits = np.array([counts(each[when]) for each in chosen])
            table.add_row(f"{title} ({when})", *by_sex(chosen, hits))
        table.add_section()
    if leave_people_out:
        chosen, hits = left_out(readings)
        table.add_row("smiles, disturbed (after, threshold of others)", *by_sex(chosen, hits))
    console.print(table)
    right = [(each["after"], is_happy(each["after"]) == each["smiles"]) for each in readings]
    given = [(float(faces.confidence[0]), ok) for faces, ok in right if faces.expression[0] >= 0]
    said, was = np.array(given).T
    console.print(
        f"own neutral: mean confidence {said.mean():.3f}, right {was.mean():.3f} of {len(given)} labels"
    )


def leading(faces: Faces) -> int:
    return int(np.nanargmax(faces.probabilities[0]))


def is_happy(faces: Faces) -> bool:
    return faces.labels[0] == "happiness"


def leaves_neutral(faces: Faces) -> bool:
    return faces.labels[0] not in ("neutral", UNCERTAIN)


def is_uncertain(faces: Faces) -> bool:
    return faces.labels[0] == UNCERTAIN


def by_sex(chosen: list[dict[str, Any]], hits: NDArray[np.bool_]) -> list[str]:
    sexes = np.array([each["sex"] for each in chosen])
    people = np.array([each["person"] for each in chosen])
    groups = (np.ones(len(hits), bool), sexes == "female", sexes == "male")
    return [interval(people[group], hits[group]) for group in groups]


def interval(people: NDArray[np.str_], hits: NDArray[np.bool_]) -> str:
    names = np.unique(people)
    right = np.array([hits[people == name].sum() for name in names])
    total = np.array([(people == name).sum() for name in names])
    drawn = np.random.default_rng(0).integers(0, len(names), (RESAMPLES, len(names)))
    low, high = np.quantile(right[drawn].sum(axis=1) / total[drawn].sum(axis=1), [0.025, 0.975])
    return f"{100 * hits.mean():.1f} ({100 * low:.1f}-{100 * high:.1f})"


def left_out(readings: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], NDArray[np.bool_]]:
    """Return which disturbed smiles exceed what 3 % of other people's disturbed neutral faces exceed."""
    chosen = [each for each in readings if each["disturbed"]]
    happy = EMOTIONS.index("happiness")
    p = np.array([each["after"].probabilities[0] for each in chosen], np.float64) + 1e-9
    odds = np.log(p[:, happy]) - np.log(p[:, 0])
    people = np.array([each["person"] for each in chosen])
    smiles = np.array([each["smiles"] for each in chosen])
    limits = {name: np.quantile(odds[(people != name) & ~smiles], 1 - ALLOWED) for name in np.unique(people)}
    hits = odds > np.array([limits[name] for name in people])
    return [each for each in chosen if each["smiles"]], hits[smiles]


if __name__ == "__main__":
    main()
